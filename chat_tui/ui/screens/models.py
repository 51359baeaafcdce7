"""Choosing a model: what was there last time is there at once, what is there now arrives while you type."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from typing import ClassVar, Protocol

from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.widgets import Input, Static

from chat_tui.core.errors import ChatError
from chat_tui.core.sanitize import clean_line
from chat_tui.ui.keys import action, key_label
from chat_tui.ui.screens.panel import PanelScreen
from chat_tui.ui.widgets.line_input import LineInput
from chat_tui.ui.widgets.model_list import ModelList
from chat_tui.ui.widgets.model_rows import ListedGroup, ModelCatalog, Row, RowKind

_ROOMY_CELLS = 72
_FAVOURITE = action("favourite_model")


class Marks(Protocol):
    """Ids of models, the most wanted first."""

    @property
    def favourites(self) -> Sequence[str]: ...
    @property
    def used(self) -> Sequence[str]: ...


class ModelSource(Protocol):
    """Who knows which models there are and which are preferred."""

    @property
    def aliases(self) -> Mapping[str, str]:
        """Short names and the ids they stand for."""
        ...

    @property
    def ways_to_more(self) -> str:
        """A sentence about where more models come from; empty where the reader knows that."""
        ...

    def list_models(self, *, is_patient: bool) -> AsyncIterator[ListedGroup]:
        """Groups as they come; a later one of the same provider takes the place of the one before."""
        ...

    async def marks(self) -> Marks:
        """Favourites and the models used last."""
        ...

    async def set_favourite(self, model_id: str, *, is_favourite: bool) -> None:
        """Keep one among the favourites, or no longer."""
        ...


class ModelsScreen(PanelScreen[str | None]):
    """F2 and /model. Dismisses with the id of the choice, or None. `now` is the wall clock, UTC epoch seconds."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,f2", "leave", "Close", show=False),
        Binding("up", "move(-1)", show=False),
        Binding("down", "move(1)", show=False),
        Binding("pageup", "move_page(-1)", show=False),
        Binding("pagedown", "move_page(1)", show=False),
        Binding(",".join(_FAVOURITE.keys), _FAVOURITE.id, show=False, priority=True),
    ]

    def __init__(self, source: ModelSource, current: str = "", *, now: Callable[[], float] = time.time) -> None:
        super().__init__()
        self._source = source
        self._current = current
        self._now = now
        self._catalog = ModelCatalog(source.aliases)
        self._favourites: list[str] = []
        self._used: list[str] = []
        self._found = 0
        self._failure = ""
        self._is_listing = True
        self._has_moved = False
        """Whether the highlight is where the reader put it; then it stays there while more arrives."""

    def compose(self) -> ComposeResult:
        """Title, search line, list, state of the search."""
        with Vertical(classes="panel"):
            yield Static("Models", classes="panel-title", markup=False)
            yield LineInput(placeholder="Search, or type PROVIDER/MODEL", id="model-search")
            yield ModelList(self._current, id="model-list")
            yield Static("", id="model-hint", classes="panel-hint", markup=False)

    def on_mount(self) -> None:
        """Start asking; the list is usable at once."""
        self._show()
        self._collect()

    @work(exclusive=True, exit_on_error=False)
    async def _collect(self) -> None:
        try:
            marks = await self._source.marks()
            self._favourites, self._used = list(marks.favourites), list(marks.used)
            self._prefer()
            async for group in self._source.list_models(is_patient=True):
                self._catalog.put(group)
                self._show()
        except ChatError as error:
            self._failure = error.sentence
        except Exception as error:  # noqa: BLE001 - a broken listing must not take the typed name away
            self._failure = f"Listing failed: {error}"
        self._is_listing = False
        self._show()

    @on(Input.Changed)
    def _search(self) -> None:
        self._has_moved = False
        self._show()

    @on(Input.Submitted)
    @on(ModelList.Chosen)
    def _take(self) -> None:
        if chosen := self._list.choice:
            self.dismiss(chosen)

    def action_leave(self) -> None:
        """Close; the model stays as it is."""
        self.dismiss(None)

    def action_move(self, step: int) -> None:
        """Move the highlight while the focus stays in the search line."""
        self._has_moved = True
        self._list.move(step)

    def action_move_page(self, step: int) -> None:
        """The same by a view."""
        self._has_moved = True
        self._list.move_page(step)

    def action_favourite_model(self) -> None:
        """Keep the highlighted model at the top, or no longer; the highlight stays with it."""
        if not (model_id := self._list.choice):
            return
        is_favourite = model_id not in self._favourites
        if is_favourite:
            self._favourites.append(model_id)
        else:
            self._favourites.remove(model_id)
        self._has_moved = True
        self._prefer()
        self._show()
        self._keep_favourite(model_id, is_favourite=is_favourite)

    @work(group="favourite", exit_on_error=False)
    async def _keep_favourite(self, model_id: str, *, is_favourite: bool) -> None:
        await self._source.set_favourite(model_id, is_favourite=is_favourite)

    @property
    def _list(self) -> ModelList:
        return self.query_one("#model-list", ModelList)

    def _prefer(self) -> None:
        """The model that answers is no news among those used last when it is the only one."""
        used = [] if self._used == [self._current] and not self._favourites else self._used
        self._catalog.prefer(self._favourites, used)

    def _show(self) -> None:
        query = self.query_one("#model-search", Input).value.strip()
        models = self._list
        rows = self._catalog.rows(query, self._now())
        if not query and (note := self._source.ways_to_more):
            rows.append(Row(RowKind.NOTE, note))
        wanted = self._catalog.best(query) if query else self._current
        if self._has_moved and models.choice:
            wanted = models.choice
        models.show(rows, frozenset(self._favourites), wanted)
        self._found = sum(row.kind is RowKind.MODEL and bool(row.choice) for row in rows)
        self._show_hint()

    def on_resize(self) -> None:
        """The keys are said in more words or fewer."""
        self._show_hint()

    def _show_hint(self) -> None:
        self.query_one("#model-hint", Static).update(Content(self._hint(self._found)))

    def _hint(self, found: int) -> str:
        """How many, whether more are coming, and the keys; what failed goes before the keys."""
        if self._failure:
            return clean_line(self._failure)
        count = "1 model" if found == 1 else f"{found} models" if found else "Not listed"
        state = f"{count}, looking for more…" if self._is_listing else count
        key = key_label(_FAVOURITE.keys[0])
        if self.size.width >= _ROOMY_CELLS:
            return f"{state} · Enter takes · {key} {_FAVOURITE.title.lower()} · Esc closes"
        return f"{state} · Enter · {key} ★ · Esc"
