"""Screens route keys and messages between widgets and the session.

The one screen is written in seven modules, each a class made from the one before: `turns` (what is on it, the life
of a turn), `finding`, `reading`, `branching`, `keeping`, `attaching`, and `chat`, the whole. What opens above it is
a `panel`.
"""
