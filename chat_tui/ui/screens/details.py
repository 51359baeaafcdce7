"""All that is known about one failure."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical, VerticalScroll
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Static

from chat_tui.core.errors import Fault
from chat_tui.core.sanitize import clean, clean_line


def fault_facts(fault: Fault) -> Iterator[tuple[str, str]]:
    """(label, value) of what is known, cleaned; nothing for what is not."""
    if fault.status is not None:
        yield "status", str(fault.status)
    if fault.code:
        yield "code", clean_line(fault.code)
    if fault.request_id:
        yield "request id", clean_line(fault.request_id)
    if fault.retry_after_s is not None:
        yield "retry after", f"{fault.retry_after_s:g} s"


def fault_text(fault: Fault) -> str:
    """The same as plain text, for a bug report."""
    facts = "".join(f"{label}: {value}\n" for label, value in fault_facts(fault))
    detail = clean(fault.detail).strip()
    parts = [clean_line(fault.title), clean(fault.sentence), facts.rstrip(), detail]
    return "\n\n".join(part for part in parts if part) + "\n"


class DetailsScreen(ModalScreen[None]):
    """Read-only. `copy` gets the text, and says on the screen below which way it went."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,d,q", "dismiss", "Close", show=False),
        Binding("y", "copy", "Copy", show=False),
    ]

    def __init__(self, fault: Fault, copy: Callable[[str], object]) -> None:
        super().__init__()
        self._fault = fault
        self._copy = copy

    def compose(self) -> ComposeResult:
        """Title, sentence, facts, and what the server said."""
        with Vertical(classes="panel"):
            yield Static(Content(clean_line(self._fault.title)), classes="panel-title", markup=False)
            with VerticalScroll(id="details-text"):
                yield Static(self._text(), markup=False)
            yield Static("y copies · Esc closes", classes="panel-hint", markup=False)

    def action_copy(self) -> None:
        """Copy all of it, and make way for the answer."""
        self.dismiss()
        self._copy(fault_text(self._fault))

    def _text(self) -> Content:
        parts: list[Content | tuple[str, str] | str] = [clean(self._fault.sentence)]
        facts = tuple(fault_facts(self._fault))
        if facts:
            parts.append("\n")
        for label, value in facts:
            parts += [(f"\n{label:<12}", "dim"), value]
        detail = clean(self._fault.detail).strip()
        if detail:
            parts += ["\n\n", (detail, "dim")]
        return Content.assemble(*parts)
