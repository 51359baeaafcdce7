"""Draws the pictures of the README: the real application, played by the demo models.

Usage: uv run python screenshots/make.py [NAME ...]
"""

from __future__ import annotations

import asyncio
import contextlib
import re
import sys
import tempfile
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Literal

FOLDER = Path(__file__).resolve().parent
sys.path.insert(0, str(FOLDER.parent))

from textual import events  # noqa: E402

from chat_tui.config.model import Config  # noqa: E402
from chat_tui.session.journal import Journal  # noqa: E402
from chat_tui.store.store import ConversationStore  # noqa: E402
from chat_tui.ui.screens.models import ModelsScreen  # noqa: E402
from tests.support.images import png  # noqa: E402
from tests.support.model_shelf import NOW_S as LISTED_NOW_S  # noqa: E402
from tests.support.model_shelf import ShelfOfModels  # noqa: E402
from tests.support.stage import Stage, stage  # noqa: E402
from tests.support.waiting import wait_until  # noqa: E402

Scene = Callable[[Stage], Awaitable[None]]
Theme = Literal["dark", "light", "terminal"]
_FONT_FACE = re.compile(r"\s*@font-face \{[^}]*\}")
WIDE, NARROW = (100, 30), (60, 20)


async def streaming(on: Stage) -> None:
    """In the middle of an answer."""
    on.clock.stop_at_s = 5.2
    await on.ask("How does an answer reach my screen?")
    await on.until_standing()


async def table_and_code(on: Stage) -> None:
    """The whole tour, scrolled to where table and code are."""
    await on.ask("Show me everything you can render.")
    await on.until_done()
    rows = [i for i in range(400) if "copy" in on.chat.transcript.row_text(i)]
    on.chat.transcript.scroll_to(y=max(0, rows[0] - 14), animate=False, immediate=True, force=True)
    await on.settle()


async def seam(on: Stage) -> None:
    """A stream that broke."""
    await on.ask("What happens when the connection breaks?")
    await on.until_done()


async def thinking(on: Stage) -> None:
    """A reasoning model that has begun to answer."""
    await on.ask("How long does a model take for a page of 500 words?")
    await on.until_done()


async def picker(on: Stage) -> None:
    """F2, with providers as there may be some."""
    on.app.push_screen(ModelsScreen(ShelfOfModels(), "demo/slow", now=lambda: LISTED_NOW_S))
    await wait_until(lambda: "models · Enter" in on.screen_text)
    await on.settle()


def make_files() -> None:
    """Some to be found, in the working directory."""
    Path("docs").mkdir()
    Path("photo.png").write_bytes(png(1280, 720) + bytes(240_000))
    for name in ("docs/plan.md", "docs/planets.md", "replay.py"):
        Path(name).write_text("# Plan\n" * 400, encoding="utf-8")


async def files(on: Stage) -> None:
    """Two files that go along, one more that is being looked for."""
    make_files()
    for count, name in enumerate(("photo.png", "docs/plan.md"), start=1):
        on.chat.attach(name)
        await wait_until(lambda count=count: len(on.chat.attachments.items) == count)
    for character in "How does that fit with @pla":
        on.chat.prompt.post_message(events.Key(character, character))
    await wait_until(lambda: len(on.chat.mention_list.paths) == 3)
    await on.pilot.press("down")
    await on.settle()


async def versions(on: Stage) -> None:
    """A second answer beside the first."""
    await on.ask("What happens when the connection breaks?")
    await on.until_done()
    await on.pilot.press("tab", "r")
    await on.until_done()
    await on.pilot.press("tab")
    await on.settle()


async def conversations(on: Stage) -> None:
    """F3, and a word that is looked for."""
    for question in ("What is a token?", "How does an answer reach my screen?", "Why do streams break?"):
        await on.ask(question)
        await on.until_done()
        await on.pilot.press("ctrl+n")
    await on.pilot.press("f3", *"server")
    await wait_until(lambda: on.screen_text.count("demo/markdown") > 1)
    await on.settle()


SCENES: dict[str, tuple[str, Theme, tuple[int, int], Scene]] = {
    "streaming": ("demo/markdown", "dark", (100, 36), streaming),
    "table-and-code": ("demo/markdown", "dark", (100, 36), table_and_code),
    "seam": ("demo/cut", "dark", (100, 24), seam),
    "thinking": ("demo/reasoning", "dark", (100, 24), thinking),
    "versions": ("demo/cut", "dark", (100, 24), versions),
    "conversations": ("demo/markdown", "dark", WIDE, conversations),
    "picker": ("demo/slow", "dark", WIDE, picker),
    "files": ("demo/markdown", "dark", (100, 16), files),
    "light": ("demo/markdown", "light", WIDE, streaming),
    "narrow": ("demo/markdown", "dark", NARROW, streaming),
    "terminal": ("demo/markdown", "terminal", WIDE, streaming),
}


async def draw(name: str) -> None:
    """One picture."""
    model, theme, size, scene = SCENES[name]
    config = Config(theme=theme)
    with tempfile.TemporaryDirectory() as folder, contextlib.chdir(folder):
        store = ConversationStore.open(Path(folder) / "store")
        journal = Journal(lambda _: store)
        async with stage(model, Path(folder), config=config, size=size, journal=journal) as on:
            await scene(on)
            # Fonts from elsewhere are not loaded by those who show the picture; it must not ask for them.
            picture = _FONT_FACE.sub("", on.app.export_screenshot(title="chat-tui"))
            picture = picture.replace("<text ", '<text xml:space="preserve" ')
            (FOLDER / f"{name}.svg").write_text(picture, encoding="utf-8")
        store.close(10.0)
    print(f"screenshots/{name}.svg")


def main() -> None:
    """Draw those named, or all."""
    for name in sys.argv[1:] or list(SCENES):
        asyncio.run(draw(name))


if __name__ == "__main__":
    main()
