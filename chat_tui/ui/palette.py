"""Ctrl+P: every action by its name, and what the screen adds (models, themes)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Protocol, runtime_checkable

from textual.command import DiscoveryHit, Hit, Hits, Provider
from textual.content import Content

from chat_tui.ui.keys import ACTIONS, Action, key_label

_REMARK_COLUMN = 28


@dataclass(frozen=True, slots=True)
class PaletteEntry:
    """One line: what it is called, a dim remark behind it, what it does. The texts must be clean single lines."""

    title: str
    remark: str
    run: Callable[[], object]


@runtime_checkable
class PaletteSource(Protocol):
    """A screen that has more to offer than its actions."""

    def palette_entries(self) -> Iterable[PaletteEntry]:
        """In the order in which they are listed."""
        ...


def action_remark(row: Action) -> str:
    """How else to get there: its keys and its command."""
    command = [f"/{row.command}"] if row.command else []
    return "  ".join([*(key_label(key) for key in row.keys), *command])


class ActionsProvider(Provider):
    """Feeds Textual's palette. Everything is given as `Content`: Textual reads plain strings as markup."""

    async def discover(self) -> Hits:
        """Everything, in the order of the table."""
        for entry in self._entries():
            yield DiscoveryHit(_line(Content(entry.title), entry.remark), entry.run, text=entry.title)

    async def search(self, query: str) -> Hits:
        """What fits, by title or remark; the title counts more."""
        matcher = self.matcher(query)
        for entry in self._entries():
            score = max(matcher.match(entry.title), 0.5 * matcher.match(entry.remark))
            if score > 0:
                yield Hit(score, _line(self._marked(query, entry.title), entry.remark), entry.run, text=entry.title)

    def _entries(self) -> Iterator[PaletteEntry]:
        screen = self.screen
        for row in ACTIONS:
            if row.is_in_palette:
                yield PaletteEntry(row.title, action_remark(row), partial(screen.run_action, row.id))
        if isinstance(screen, PaletteSource):
            yield from screen.palette_entries()

    def _marked(self, query: str, title: str) -> Content:
        content = Content(title)
        _, places = self.matcher(query).fuzzy_search.match(query, title)
        for place in places:
            if self.match_style is not None and not title[place].isspace():
                content = content.stylize(self.match_style, place, place + 1)
        return content


def _line(title: Content, remark: str) -> Content:
    gap = max(2, _REMARK_COLUMN - title.cell_length)
    return Content.assemble(title, (f"{'':{gap}}{remark}", "not bold dim"))
