"""What of the transcript is painted, and what is there to be painted."""

from __future__ import annotations

from textual.strip import Strip

from tests.support.stage import Stage


def painted_rows(on: Stage) -> list[Strip]:
    """The transcript as it was painted: what the screen has kept of every row."""
    transcript = on.chat.transcript
    region, width = transcript.region, transcript.scrollable_content_region.width
    return [row.crop(region.x, region.x + width) for row in on.screen[region.y : region.bottom]]


def true_rows(on: Stage) -> list[Strip]:
    """The transcript as it would be painted now."""
    transcript = on.chat.transcript
    width = transcript.scrollable_content_region.width
    return [transcript.render_line(y).crop(0, width) for y in range(transcript.region.height)]


def links_of(row: Strip) -> set[str]:
    return {str(s.style.meta["link"]) for s in row if s.style is not None and "link" in s.style.meta}


def stale_rows(on: Stage) -> list[tuple[int, str, str]]:
    """Rows that look different from what they are: number, painted, true."""
    return [
        (y, old.text, new.text)
        for y, (old, new) in enumerate(zip(painted_rows(on), true_rows(on), strict=True))
        if old.text != new.text or links_of(old) != links_of(new)
    ]
