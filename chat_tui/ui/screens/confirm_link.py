"""No link opens without a look at where it goes."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING, ClassVar
from urllib.parse import SplitResult, urlsplit

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical, VerticalScroll
from textual.content import Content
from textual.widgets import Static

from chat_tui.core.sanitize import clean
from chat_tui.ui.screens.panel import PanelScreen

if TYPE_CHECKING:
    from textual import getters
    from textual.app import App

OPENABLE_SCHEMES = frozenset({"http", "https", "mailto"})
MAX_TARGET_CHARS = 8_000


def refusal(target: str) -> str:
    """Why this target is never opened; empty if it may be, after a question.

    A target is handed to another program as one argument: nothing that program could take for an option, and
    nothing that is not what it looks like.
    """
    if target.startswith("-"):
        return "It begins with a dash: a program could take it for an option."
    if clean(target) != target:
        return "It contains characters that cannot be seen."
    if any(character.isspace() for character in target):
        return "It contains white space."
    if len(target) > MAX_TARGET_CHARS:
        return f"It is longer than {MAX_TARGET_CHARS:,} characters."
    parts = _split(target)
    if parts is None:
        return "It is not a complete address."
    if parts.scheme not in OPENABLE_SCHEMES:
        return f"Only {', '.join(sorted(OPENABLE_SCHEMES))} links are opened."
    if not (parts.path if parts.scheme == "mailto" else parts.hostname):
        return "It is not a complete address."
    return ""


def warning(target: str) -> str:
    """What a reader may overlook in a target that may be opened; empty if nothing."""
    parts = _split(target)
    if parts is None or parts.scheme == "mailto":
        return ""
    if parts.username is not None:
        return f"The part before @ is a name, not the server. The server is {parts.hostname}."
    host = parts.hostname or ""
    if not host.isascii() or any(label.startswith("xn--") for label in host.split(".")):
        return "The server's name has letters that can look like others."
    return ""


def _split(target: str) -> SplitResult | None:
    try:
        parts = urlsplit(target)
        _ = parts.port
    except ValueError:
        return None
    return parts


def open_in_browser(target: str) -> bool:
    """Hand the target to a browser with a window of its own; False if there is none. May take seconds.

    A browser that would run in this terminal (`webbrowser.GenericBrowser` waits for it) is never started.
    """
    import webbrowser

    try:
        browser = webbrowser.get()
    except webbrowser.Error:
        return False
    return type(browser) is not webbrowser.GenericBrowser and browser.open(target)


class ConfirmLink(PanelScreen[bool]):
    """Shows the whole target and asks; anything but a clear yes is a no. Dismisses with what was chosen.

    `opener` runs in a thread and says whether it worked.
    """

    if TYPE_CHECKING:
        app = getters.app(App[object])  # Textual leaves the parameter open

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("y", "open", "Open", show=False),
        Binding("n,escape,q", "keep_closed", "Do not open", show=False),
        Binding("left,right,tab,shift+tab", "other_choice", "Other choice", show=False),
        Binding("enter", "choose", "Choose", show=False),
    ]

    def __init__(self, target: str, opener: Callable[[str], bool] = open_in_browser) -> None:
        super().__init__()
        self._target = target
        self._opener = opener
        self._refusal = refusal(target)
        self._is_yes = False

    def compose(self) -> ComposeResult:
        """The question, the target, what to know about it, the choices."""
        with Vertical(classes="panel"):
            title = "This link is not opened" if self._refusal else "Open this link?"
            yield Static(title, classes="panel-title", markup=False)
            with VerticalScroll(id="link-target", can_focus=False):
                yield Static(Content(clean(self._target)), markup=False)
            note = self._refusal or warning(self._target)
            if note:
                yield Static(Content(note), id="link-note", markup=False)
            yield Static(self._choices(), id="link-choices", markup=False)

    def action_open(self) -> None:
        """Open it, if it may be opened at all."""
        if self._refusal:
            return
        self.app.run_worker(self._open(), exit_on_error=False, group="open-link")
        self.dismiss(True)

    def action_keep_closed(self) -> None:
        """Leave without opening."""
        self.dismiss(False)

    def action_other_choice(self) -> None:
        """Move between no and yes."""
        if not self._refusal:
            self._is_yes = not self._is_yes
            self.query_one("#link-choices", Static).update(self._choices())

    def action_choose(self) -> None:
        """What is marked."""
        if self._is_yes:
            self.action_open()
        else:
            self.action_keep_closed()

    async def _open(self) -> None:
        if not await asyncio.to_thread(self._opener, self._target):
            self.app.notify("No browser could be opened here.", severity="warning", markup=False)

    def _choices(self) -> Content:
        if self._refusal:
            return Content.styled("Esc closes", "dim")
        no, yes = ("dim", "bold $primary") if self._is_yes else ("bold $primary", "dim")
        mark_no, mark_yes = ("  ", "› ") if self._is_yes else ("› ", "  ")
        return Content.assemble((f"{mark_no}n  Do not open", no), "    ", (f"{mark_yes}y  Open", yes))
