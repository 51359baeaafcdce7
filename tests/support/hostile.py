"""Hostile text on its way: split at every place, as events of a stream, and found again on a screen."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence

from tests.support.payloads import PAYLOADS, Payload
from tests.support.sse_server import delta

BATCH_CHARS = 24_000
"""How much may be shown at once so that every row of it is on the screen when it is waited for."""


def event(data: object) -> bytes:
    """One server-sent event in ASCII: lone surrogates travel as escapes, which UTF-8 could not carry."""
    return f"data: {json.dumps(data)}\n\n".encode()


def halves(text: str) -> Iterator[tuple[str, str]]:
    """The text cut in two after every UTF-16 code unit: also in the middle of a character.

    All cuts inside a run of one character are the same; they are made at its edges only.
    """
    units = text.encode("utf-16-le", "surrogatepass")
    for at in range(2, len(units), 2):
        around = units[max(0, at - 6) : at + 6]
        if len(around) == 12 and around == around[:2] * 6:
            continue
        yield (
            units[:at].decode("utf-16-le", "surrogatepass"),
            units[at:].decode("utf-16-le", "surrogatepass"),
        )


def code_units(text: str) -> list[str]:
    """The text as single UTF-16 code units."""
    units = text.encode("utf-16-le", "surrogatepass")
    return [units[at : at + 2].decode("utf-16-le", "surrogatepass") for at in range(0, len(units), 2)]


def split_count(payloads: Sequence[Payload] = PAYLOADS) -> int:
    """How many ways of cutting in two there are."""
    return sum(1 for payload in payloads for _ in halves(payload.text))


def mark(number: int) -> str:
    """What stands before a payload, to find it again."""
    return f"p{number:03}p"


def marked(payloads: Sequence[Payload] = PAYLOADS) -> list[str]:
    """Every payload behind its mark."""
    return [f"{mark(number)} {payload.text}" for number, payload in enumerate(payloads)]


def split_batches(field: str, payloads: Sequence[Payload] = PAYLOADS) -> Iterator[bytes]:
    """Every payload cut in two at every place, two deltas of `field` each, in batches that fit on a screen."""
    batch: list[bytes] = []
    chars = 0
    for payload in payloads:
        for first, second in halves(payload.text):
            batch += [event(delta(**{field: first})), event(delta(**{field: f"{second}\n"}))]
            chars += len(payload.text) + 20
            if chars > BATCH_CHARS:
                yield b"".join(batch)
                batch, chars = [], 0
        batch.append(event(delta(**{field: "\n"})))
    yield b"".join(batch)


def missing_words(screen: str, payloads: Sequence[Payload] = PAYLOADS) -> list[tuple[str, str]]:
    """Payload and word for every plain word that is not between its payload's mark and the next one."""
    missing: list[tuple[str, str]] = []
    for number, payload in enumerate(payloads):
        _, found, rest = screen.partition(mark(number))
        shown = rest.partition(mark(number + 1))[0] if found else ""
        missing += [(payload.name, word) for word in payload.words if word not in shown]
    return missing
