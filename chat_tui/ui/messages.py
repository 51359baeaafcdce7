"""What widgets tell the chat screen. Edges only: nothing here is ever posted per token or per frame."""

from __future__ import annotations

from textual.message import Message


class LinkChosen(Message):
    """A link in an answer was clicked; nothing is opened before the reader agreed."""

    def __init__(self, target: str) -> None:
        super().__init__()
        self.target = target


class VersionChosen(Message):
    """The mark of a message that has others beside it was clicked: the one `step` further on is wanted."""

    def __init__(self, message_id: int, step: int) -> None:
        super().__init__()
        self.message_id, self.step = message_id, step


class CopyRequested(Message):
    """A copy label was clicked; `text` is exact source."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.text = text


class TextTyped(Message):
    """A printable key was pressed where nothing takes text: it belongs to the composer."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.text = text


class FocusMoved(Message):
    """The transcript or the search bar got or lost the focus."""


class Followed(Message):
    """The reader has come back to the end of the messages."""


class WordsChanged(Message):
    """Other words are searched for."""

    def __init__(self, words: str) -> None:
        super().__init__()
        self.words = words


class MatchWanted(Message):
    """To the next match (`step` 1) or the previous one (-1)."""

    def __init__(self, step: int) -> None:
        super().__init__()
        self.step = step


class SearchKept(Message):
    """Enter while searching: stay where this has led."""


class InputEnded(Message):
    """The terminal is gone: there will be no more keys."""
