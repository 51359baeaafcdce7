"""All that is known about one failure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.content import Content

from chat_tui.core.errors import Fault
from chat_tui.core.sanitize import clean, clean_line
from chat_tui.ui.screens.panel import TextPanel

_LABEL_CELLS = 13


def fault_facts(fault: Fault) -> Iterator[tuple[str, str]]:
    """(label, value) of what is known, cleaned; nothing for what is not."""
    if fault.http is not None:
        yield "request", clean_line(f"{fault.http.method} {fault.http.url}", 2000)
    if fault.status is not None:
        yield "status", str(fault.status)
    if fault.code:
        yield "code", clean_line(fault.code)
    if fault.request_id:
        yield "request id", clean_line(fault.request_id)
    if fault.retry_after_s is not None:
        yield "retry after", f"{fault.retry_after_s:g} s"


def fault_headers(fault: Fault) -> Iterator[tuple[str, str]]:
    """(name, value) of what came back, cleaned."""
    if fault.http is not None:
        for name, value in fault.http.response_headers:
            yield clean_line(name), clean_line(value)


def fault_command(fault: Fault) -> str:
    """The request as a curl command with `$NAME` where the key goes; empty when nothing was asked."""
    return "" if fault.http is None else clean(fault.http.curl())


def fault_text(fault: Fault) -> str:
    """All of it as plain text, for a bug report."""
    facts = "".join(f"{label}: {value}\n" for label, value in fault_facts(fault))
    headers = "".join(f"{name}: {value}\n" for name, value in fault_headers(fault))
    detail = clean(fault.detail).strip()
    parts = [clean_line(fault.title), clean(fault.sentence), facts.rstrip(), detail, headers.rstrip()]
    return "\n\n".join(part for part in (*parts, fault_command(fault).rstrip()) if part) + "\n"


class DetailsScreen(TextPanel):
    """Sentence, facts, what the server said, its headers, and the request. `copy` gets the text, and says on the
    screen below which way it went."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("d", "dismiss", "Close", show=False),
        Binding("y", "copy", "Copy", show=False),
        Binding("c", "copy_command", "Copy as curl", show=False),
    ]

    def __init__(self, fault: Fault, copy: Callable[[str], object], facts: Iterable[tuple[str, str]] = ()) -> None:
        """`facts`: (label, value) of what is known of the answer besides, clean."""
        keys = "y copies all · c copies the request for curl" if fault.http else "y copies"
        super().__init__(clean_line(fault.title), _shown(fault, facts), keys)
        self._fault = fault
        self._copy = copy

    def action_copy(self) -> None:
        """Copy all of it, and make way for the answer."""
        self.dismiss()
        self._copy(fault_text(self._fault))

    def action_copy_command(self) -> None:
        """Copy the request as a command, if there was one."""
        if command := fault_command(self._fault):
            self.dismiss()
            self._copy(command)


def _shown(fault: Fault, answer_facts: Iterable[tuple[str, str]]) -> Content:
    parts: list[Content | tuple[str, str] | str] = [clean(fault.sentence)]
    facts = (*fault_facts(fault), *answer_facts)
    if facts:
        parts.append("\n")
    for label, value in facts:
        parts += [(f"\n{label:<{_LABEL_CELLS}}", "dim"), value]
    if detail := clean(fault.detail).strip():
        parts += ["\n\n", detail]
    headers = tuple(fault_headers(fault))
    if headers:
        parts.append("\n")
    for name, value in headers:
        parts += [(f"\n{name}: ", "dim"), value]
    if command := fault_command(fault).rstrip():
        parts += ["\n\n", (command, "dim")]
    return Content.assemble(*parts)
