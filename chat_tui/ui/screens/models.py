"""Choosing a model: what is there arrives while you type."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from typing import ClassVar, Protocol

from rich.cells import cell_len, set_cell_size
from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Input, OptionList, Static
from textual.widgets.option_list import Option

from chat_tui.core.errors import ChatError
from chat_tui.core.sanitize import clean_line
from chat_tui.ui.widgets.line_input import LineInput

_ID_CELLS, _ID_CELLS_NARROW, _WIDE_CELLS = 34, 22, 80


class ListedModel(Protocol):
    """One model; `id` is PROVIDER/MODEL."""

    @property
    def id(self) -> str: ...
    @property
    def label(self) -> str: ...
    @property
    def note(self) -> str: ...
    @property
    def is_available(self) -> bool: ...


class ListedGroup(Protocol):
    """What one provider offers; `problem` is a sentence when it could not be asked, else empty."""

    @property
    def provider(self) -> str: ...
    @property
    def label(self) -> str: ...
    @property
    def models(self) -> Sequence[ListedModel]: ...
    @property
    def problem(self) -> str: ...


ListModels = Callable[[], AsyncIterator[ListedGroup]]
"""A fresh listing; groups come in the order in which providers answer."""


def is_match(model: ListedModel, query: str) -> bool:
    """Whether every word of the query is somewhere in the id or the label."""
    text = f"{model.id} {model.label}".casefold()
    return all(word in text for word in query.casefold().split())


def model_line(model: ListedModel, *, is_current: bool, id_cells: int) -> Content:
    """One row: a mark, the id in `id_cells` cells or more, what it is."""
    model_id = clean_line(model.id)
    about = " · ".join(part for part in (clean_line(model.label), clean_line(model.note)) if part)
    column = max(cell_len(model_id), id_cells)
    return Content.assemble(
        ("● ", "$primary") if is_current else "  ",
        set_cell_size(model_id, column) if about else model_id,
        (f"  {about}" if about else "", "dim"),
    )


class SearchInput(LineInput):
    """The words that are looked for, or the id of a model."""


class ModelsScreen(ModalScreen[str | None]):
    """F2 and /model. Dismisses with the id of the choice, or None."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,f2", "leave", "Close", show=False),
        Binding("up", "in_list('cursor_up')", show=False),
        Binding("down", "in_list('cursor_down')", show=False),
        Binding("pageup", "in_list('page_up')", show=False),
        Binding("pagedown", "in_list('page_down')", show=False),
    ]

    def __init__(self, list_models: ListModels, current: str = "") -> None:
        super().__init__()
        self._list_models = list_models
        self._current = current
        self._groups: list[ListedGroup] = []
        self._ids: list[str] = []
        """What each option stands for; empty for a title or a problem."""
        self._failure = ""
        self._is_listing = True
        self._has_moved = False
        """Whether the highlight is where the reader put it; then it stays there while more arrives."""

    def compose(self) -> ComposeResult:
        """Title, search line, list, state of the search."""
        with Vertical(classes="panel"):
            yield Static("Models", classes="panel-title", markup=False)
            yield SearchInput(placeholder="Search, or type PROVIDER/MODEL", id="model-search")
            models = OptionList(id="model-list", markup=False)
            models.can_focus = False
            yield models
            yield Static("", id="model-hint", classes="panel-hint", markup=False)

    def on_mount(self) -> None:
        """Start asking; the list is usable at once."""
        self._show()
        self._collect()

    @work(exclusive=True, exit_on_error=False)
    async def _collect(self) -> None:
        try:
            async for group in self._list_models():
                self._groups.append(group)
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
    def _take_highlighted(self) -> None:
        index = self._list.highlighted
        if index is not None and self._ids[index]:
            self.dismiss(self._ids[index])

    @on(OptionList.OptionSelected)
    def _take_selected(self, event: OptionList.OptionSelected) -> None:
        if chosen := self._ids[event.option_index]:
            self.dismiss(chosen)

    def action_leave(self) -> None:
        """Close; the model stays as it is."""
        self.dismiss(None)

    def action_in_list(self, movement: str) -> None:
        """Move the highlight while the focus stays in the search line."""
        models = self._list
        self._has_moved = True
        match movement:
            case "cursor_up":
                models.action_cursor_up()
            case "cursor_down":
                models.action_cursor_down()
            case "page_up":
                models.action_page_up()
            case _:
                models.action_page_down()

    @property
    def _list(self) -> OptionList:
        return self.query_one("#model-list", OptionList)

    def _show(self) -> None:
        query = self.query_one("#model-search", Input).value.strip()
        models = self._list
        wanted = self._current if not query else ""
        if self._has_moved and models.highlighted is not None:
            wanted = self._ids[models.highlighted]
        rows = list(self._rows(query))
        found = sum(1 for _, model_id in rows if model_id)
        if query and not found:
            offer = Content.assemble(("Use ", "dim"), (clean_line(query), "bold"), (" as it is", "dim"))
            rows.append((Option(offer), query))
        self._ids = [model_id for _, model_id in rows]
        models.clear_options().add_options([option for option, _ in rows])
        models.highlighted = self._place_of(wanted)
        self.query_one("#model-hint", Static).update(Content(self._hint(found)))

    def _rows(self, query: str) -> Iterator[tuple[Option, str]]:
        id_cells = _ID_CELLS if self.size.width >= _WIDE_CELLS else _ID_CELLS_NARROW
        for group in self._groups:
            matches = [model for model in group.models if is_match(model, query)]
            if not matches and (query or not group.problem):
                continue
            yield Option(Content.styled(clean_line(group.label or group.provider), "bold"), disabled=True), ""
            for model in matches:
                line = model_line(model, is_current=model.id == self._current, id_cells=id_cells)
                yield Option(line, disabled=not model.is_available), model.id if model.is_available else ""
            if group.problem:
                yield Option(Content(f"  {clean_line(group.problem)}"), disabled=True), ""
        if self._failure:
            yield Option(Content.styled(clean_line(self._failure), "$error"), disabled=True), ""

    def _place_of(self, model_id: str) -> int | None:
        if model_id in self._ids and model_id:
            return self._ids.index(model_id)
        return next((place for place, known in enumerate(self._ids) if known), None)

    def _hint(self, found: int) -> str:
        count = f"{found} model" if found == 1 else f"{found} models"
        state = f"{count}, looking for more…" if self._is_listing else count
        return f"{state} · Enter takes · Esc closes"
