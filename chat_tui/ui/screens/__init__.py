"""Screens route keys and messages between widgets and the session."""
