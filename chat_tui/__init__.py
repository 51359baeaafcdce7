"""A terminal chat that owns the stream: first token at once, smooth after it, nothing ever lost."""

__version__ = "0.1.0"
