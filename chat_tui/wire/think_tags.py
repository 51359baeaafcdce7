"""Reasoning that servers leave in the text of an answer: `<think>…</think>` at its very beginning."""

from __future__ import annotations

from enum import Enum

from chat_tui.core.events import ReasoningDelta, StepMarked, StreamEvent, TextDelta

_OPENING, _CLOSING = "<think>", "</think>"


class Said(Enum):
    """What a piece of text is; of MISTAKEN there is no text: what was ANSWER so far turned out to be THOUGHT."""

    ANSWER = "answer"
    THOUGHT = "thought"
    MISTAKEN = "mistaken"


class _Place(Enum):
    BEGINNING = "beginning"
    UNOPENED = "unopened"
    OPENED = "opened"
    CLOSED = "closed"
    ANSWERING = "answering"


class ThinkTagSplitter:
    """Tells thoughts from the answer in one text, however it is cut. Everything comes out, in its order, but the
    tags, and white space before the opening one and behind the closing one.

    Many templates write the opening tag themselves, and the model only the closing one: then what came before it
    has been given as answer, and is called back by MISTAKEN. Thoughts that are never closed stay thoughts. After
    the first closing tag every other tag is text.
    """

    def __init__(self) -> None:
        self._place = _Place.BEGINNING
        self._held = ""
        self._has_answered = False

    def feed(self, text: str) -> list[tuple[Said, str]]:
        """What is certain now. Held back is at most one tag's beginning, and white space before the first word."""
        if self._place is _Place.ANSWERING:
            return [(Said.ANSWER, text)] if text else []
        text, self._held = self._held + text, ""
        found: list[tuple[Said, str]] = []
        if self._place is _Place.BEGINNING:
            text = self._read_beginning(text)
        if self._place in (_Place.OPENED, _Place.UNOPENED):
            text = self._read_until_closed(text, found)
        if self._place is _Place.CLOSED and (text := text.lstrip()):
            self._place = _Place.ANSWERING
            found.append((Said.ANSWER, text))
        return found

    def flush(self) -> list[tuple[Said, str]]:
        """What is held back: no tag came of it. Afterwards everything is answer."""
        held, self._held = self._held, ""
        said = Said.THOUGHT if self._place is _Place.OPENED else Said.ANSWER
        self._place = _Place.ANSWERING
        return [(said, held)] if held else []

    def _read_beginning(self, text: str) -> str:
        """The text behind the opening tag, or all of it when there is none; nothing while that is open."""
        start = text.lstrip()
        if start.startswith(_OPENING):
            self._place = _Place.OPENED
            return start.removeprefix(_OPENING)
        if _OPENING.startswith(start):
            self._held = text
            return ""
        self._place = _Place.UNOPENED
        return text

    def _read_until_closed(self, text: str, found: list[tuple[Said, str]]) -> str:
        """Gives on what comes before the closing tag. Returns what follows it."""
        is_opened = self._place is _Place.OPENED
        before, tag, rest = text.partition(_CLOSING)
        if not tag:
            kept = _length_of_beginning(text)
            before, self._held = text[: len(text) - kept], text[len(text) - kept :]
        if before:
            self._has_answered = self._has_answered or not is_opened
            found.append((Said.THOUGHT if is_opened else Said.ANSWER, before))
        if tag:
            self._place = _Place.CLOSED
            if self._has_answered:
                found.append((Said.MISTAKEN, ""))
        return rest


def events_of(pieces: list[tuple[Said, str]]) -> list[StreamEvent]:
    """The pieces as a stream has them: what was given as answer by mistake is taken back, and stays as thought."""
    found: list[StreamEvent] = []
    for said, text in pieces:
        match said:
            case Said.ANSWER:
                found.append(TextDelta(text))
            case Said.THOUGHT:
                found.append(ReasoningDelta(text))
            case Said.MISTAKEN:
                found.append(StepMarked("reset"))
    return found


def _length_of_beginning(text: str) -> int:
    """How many characters at the end of a text may be the beginning of a closing tag."""
    longest = min(len(text), len(_CLOSING) - 1)
    return next((length for length in range(longest, 0, -1) if _CLOSING.startswith(text[-length:])), 0)
