"""Blocks of text to cached strips for a width."""
