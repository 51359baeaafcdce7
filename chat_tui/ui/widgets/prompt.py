"""The composer: a text area in which Enter sends, and which remembers what was asked."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Protocol

from textual import events, on
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.message import Message
from textual.widgets import TextArea
from textual.widgets.text_area import Selection

from chat_tui.core.history import PromptHistory
from chat_tui.core.mentions import OpenMention, PastedMentions, mention_of, open_mention, pasted_path
from chat_tui.core.name_completion import agreed, fitting
from chat_tui.core.sanitize import clean
from chat_tui.ui.keys import ACTIONS, Action, action

if TYPE_CHECKING:
    from textual import getters
    from textual.app import App

PASTE_SETTLES_S = 0.05
"""Keys this soon after a paste belong to it: text with its own end-of-paste mark goes on as keys, and an Enter
among them must not send. No hand is that fast."""

_COMMANDS: tuple[Action, ...] = tuple(row for row in ACTIONS if row.command)
_MAX_HINTS = 6
_MODEL = "/model "
_OTHERS_KEYS = frozenset({"ctrl+c", "super+c", "ctrl+d", "pageup", "pagedown", "f6", "f7"})
"""Keys of the text area that mean something else here, or belong to the screen."""
_OF_A_LINE = frozenset({"cursor_line_start", "cursor_line_end"})


def _kept(bindings: Iterable[BindingType]) -> list[BindingType]:
    return [binding for binding in Binding.make_bindings(bindings) if binding.key not in _OTHERS_KEYS]


def matching_commands(text: str) -> tuple[Action, ...]:
    """The commands whose name begins with what was typed; none unless the text is a slash and letters only."""
    name = text[1:]
    if not text.startswith("/") or (name and not (name.isascii() and name.isalpha() and name.islower())):
        return ()
    return tuple(row for row in _COMMANDS if row.command.startswith(name))


def completed(text: str) -> str:
    """The text as far as all matching commands agree; with a space behind it when there is only one."""
    names = [row.command for row in matching_commands(text)]
    if len(names) < 2:
        return f"/{names[0]} " if names else text
    return f"/{agreed(text[1:], names)}"


def command_hint(text: str) -> Content:
    """What could be meant, for the line under the text. Empty when nothing matches."""
    rows = matching_commands(text)
    if not rows:
        return Content("")
    if len(rows) == 1:
        tail = "" if text == f"/{rows[0].command}" else " · Tab"
        return Content(f"/{rows[0].command}  {rows[0].title}{tail}")
    names = "  ".join(f"/{row.command}" for row in rows[:_MAX_HINTS])
    return Content(names + (" …" if len(rows) > _MAX_HINTS else ""))


def typed_model(text: str) -> str | None:
    """So much of a model's name is typed behind /model; None when none is."""
    return text[len(_MODEL) :] if text.startswith(_MODEL) and "\n" not in text else None


def model_hint(typed: str, names: Sequence[str], width: int) -> Content:
    """Models that may be meant, in `width` cells; empty where one is typed in full or none is known."""
    found = fitting(typed, names)
    if not found or found == (typed,):
        return Content("")
    tail = " · Tab" if agreed(typed, names) != typed else ""
    shown, room = [found[0]], width - len(found[0]) - len(tail)
    for name in found[1:]:
        room -= len(name) + 2
        if room < 2:
            break
        shown.append(name)
    more = " …" if len(shown) < len(found) else ""
    return Content("  ".join(shown) + more + tail)


class Choices(Protocol):
    """A list beside the composer that its keys choose from."""

    is_moved: bool

    @property
    def is_open(self) -> bool:
        """Whether there is something to choose."""
        ...

    @property
    def chosen(self) -> str:
        """What would be taken."""
        ...

    def move(self, step: int) -> None:
        """Choose another one."""
        ...


class Prompt(TextArea, inherit_bindings=False):
    """Grows with its text (as far as the style sheet lets it). It never clears itself: `Submitted` is a request.

    `choices` are the files that may be meant by the mention that is typed: `Mentioning` asks for them.
    """

    if TYPE_CHECKING:
        app = getters.app(App[object])  # Textual leaves the parameter open

    BINDINGS: ClassVar[list[BindingType]] = _kept(TextArea.BINDINGS)

    @dataclass
    class Submitted(Message):
        """Enter was pressed on something that is not blank."""

        prompt: Prompt
        text: str

        @property
        def control(self) -> Prompt:
            """For selectors in `@on`."""
            return self.prompt

    @dataclass
    class Mentioning(Message):
        """So much of a file's path is typed behind an @; None: no mention is typed (any more)."""

        typed: str | None

    class Detached(Message):
        """Backspace at the very start: nothing is left to take out of the text."""

    def __init__(
        self,
        prompts: PromptHistory | None = None,
        *,
        choices: Choices | None = None,
        id: str | None = None,  # noqa: A002 - Textual's name
    ) -> None:
        super().__init__(id=id, placeholder="Ask anything", highlight_cursor_line=False, soft_wrap=True)
        self.cursor_blink = False
        self.match_cursor_bracket = False
        self.prompts = prompts or PromptHistory()
        self.is_remembering = True
        """Whether what is sent can be brought back with the arrow keys."""
        self.may_be_blank = False
        """Whether Enter asks to send what has no words, too: files are attached."""
        self.take_path: Callable[[str], Awaitable[bool]] | None = None
        """Asked what to do with the path of a file that is pasted; True: it is no text."""
        self.pasted = PastedMentions()
        """What is there by no key of the reader's names no file to send."""
        self.model_names: Callable[[], Sequence[str]] = tuple
        """What can stand behind /model, as far as it is known."""
        self._choices = choices
        self._is_typing = False
        """Whether the last change was a key's: in what is put there, no mention is being typed."""
        self._is_mentioning = False
        self._paste_until_s = float("-inf")

    def put(self, text: str, *, is_cursor_at_end: bool = True) -> None:
        """Replace what stands there (undo brings it back)."""
        self._is_typing = False
        self.pasted.paste(text)
        self.replace(clean(text), (0, 0), self.document.end, maintain_selection_offset=False)
        row = self.document.line_count - 1 if is_cursor_at_end else 0
        self.move_cursor((row, len(self.document[row])))

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Home and End move nothing in an empty text: the screen gets them."""
        return bool(self.text) or action not in _OF_A_LINE

    def find_matching_bracket(self, bracket: str, search_from: tuple[int, int]) -> tuple[int, int] | None:
        """Nothing: prose needs no bracket matching, and the search reads the whole text."""
        return None

    def undo(self) -> None:
        """Take back the last edits."""
        self._from_the_start(super().undo)

    def redo(self) -> None:
        """Bring back what undo took."""
        self._from_the_start(super().redo)

    async def on_key(self, event: events.Key) -> None:
        """The keys a composer treats differently; everything else is the text area's."""
        is_pasted = event.time < self._paste_until_s
        if is_pasted:
            self._paste_until_s = event.time + PASTE_SETTLES_S
        key = event.key
        self._is_typing = event.is_printable or key == "backspace"
        if not is_pasted and self._is_for_choices(key):
            pass
        elif key in action("detach").keys and self.selection == Selection.cursor((0, 0)):
            self.post_message(self.Detached())
        elif key in action("send").keys and not is_pasted:
            self._submit()
        elif key in action("newline").keys or key in action("send").keys:
            self._insert("\n")
        elif key == "tab" and self.text.startswith("/") and matching_commands(self.text):
            self._complete()
        elif key == "tab" and (typed := typed_model(self.text)) is not None:
            self._complete_to(_MODEL + agreed(typed, self.model_names()))
        elif key in action("history_back").keys and self.navigator.is_first_wrapped_line(self.cursor_location):
            self._recall(self.prompts.back(self.text), is_cursor_at_end=False)
        elif key in action("history_forward").keys and self.navigator.is_last_wrapped_line(self.cursor_location):
            self._recall(self.prompts.forward(self.text), is_cursor_at_end=True)
        else:
            return
        event.stop()
        event.prevent_default()

    async def on_paste(self, event: events.Paste) -> None:
        """One paste is one insert, with nothing in it that a terminal would obey."""
        event.stop()
        event.prevent_default()
        self._paste_until_s = event.time + PASTE_SETTLES_S
        self._is_typing = False
        path = pasted_path(event.text)
        # keys that come meanwhile wait: they were typed behind it
        if not path or self.take_path is None or not await self.take_path(path):
            self._insert_foreign(event.text)

    def action_paste(self) -> None:
        """What was copied in here may be an answer, and answers are not trusted."""
        self._insert_foreign(self.app.clipboard)

    @on(TextArea.Changed)
    def show_command_hint(self) -> None:
        """Name the commands that begin with what was typed, or the models behind /model."""
        if not self.document[0].startswith("/"):
            self.border_subtitle = Content("")
        elif (typed := typed_model(self.text)) is not None:
            self.border_subtitle = model_hint(typed, self.model_names(), max(0, self.size.width - 4))
        else:
            self.border_subtitle = command_hint(self.text)

    @on(TextArea.Changed)
    def look_for_mention(self) -> None:
        """Ask for files while one is being mentioned."""
        mention = self._mention if self._is_typing and self._choices is not None else None
        if mention is not None:
            self.pasted.name(mention.typed)
        elif not self.text:
            self.pasted.forget()
        if mention is not None or self._is_mentioning:
            self.post_message(self.Mentioning(None if mention is None else mention.typed))
        self._is_mentioning = mention is not None

    @on(TextArea.SelectionChanged)
    def leave_mention(self) -> None:
        """The cursor has gone elsewhere: nothing is chosen there."""
        if self._choices is not None and self._choices.is_open and self._mention is None:
            self.post_message(self.Mentioning(None))

    @property
    def _mention(self) -> OpenMention | None:
        """The mention before the cursor."""
        row, column = self.cursor_location
        return open_mention(self.document[row][:column]) if self.selection.is_empty else None

    def begin_mention(self) -> None:
        """Type an @ that begins a mention."""
        row, column = self.selection.end
        before = self.document[row][:column]
        self._is_typing = True
        self._insert("@" if not before or before[-1].isspace() else " @")

    def take_choice(self) -> None:
        """Put the chosen file in the place of what is typed of it; below a directory the choice goes on."""
        mention, path = self._mention, "" if self._choices is None else self._choices.chosen
        written = mention_of(path)
        if mention is None or not written:
            return
        is_directory = path.endswith("/")
        self._is_typing = is_directory
        self.pasted.name(path)
        row, column = self.cursor_location
        after = self.document[row][column:]
        written = written.removesuffix('"') if is_directory else written if after[:1].isspace() else f"{written} "
        result = self.replace(written, (row, mention.start), (row, column), maintain_selection_offset=False)
        self.move_cursor(result.end_location)

    def _is_for_choices(self, key: str) -> bool:
        """Whether a key was for the list of files, which it then has reached. Enter sends what is typed in full."""
        choices, mention = self._choices, self._mention
        if choices is None or not choices.is_open or mention is None:
            return False
        if key in ("up", "down"):
            choices.move(1 if key == "down" else -1)
        elif key == "tab" or (
            key == "enter" and (choices.is_moved or mention.typed) and choices.chosen != mention.typed
        ):
            self.take_choice()
        else:
            return False
        return True

    def _from_the_start(self, change: Callable[[], None]) -> None:
        """Textual 8.2.8 scrolls to the old cursor while it undoes, and crashes when that line is gone by then."""
        selection, text = self.selection, self.text
        self.selection = Selection.cursor((0, 0))
        change()
        if self.text == text:
            self.selection = selection

    def _submit(self) -> None:
        if self.text.strip() or self.may_be_blank:
            if self.is_remembering and self.text.strip():
                self.prompts.add(self.text)
            self.pasted.send(self.text)
            self.post_message(self.Submitted(self, self.text))

    def _complete(self) -> None:
        self._complete_to(completed(self.text))

    def _complete_to(self, text: str) -> None:
        if text != self.text:
            self.put(text)

    def _recall(self, text: str | None, *, is_cursor_at_end: bool) -> None:
        if text is not None:
            self.put(text, is_cursor_at_end=is_cursor_at_end)

    def _insert_foreign(self, text: str) -> None:
        self.pasted.paste(text)
        self._insert(clean(text))

    def _insert(self, text: str) -> None:
        if text:
            result = self.replace(text, *self.selection, maintain_selection_offset=False)
            self.move_cursor(result.end_location)
