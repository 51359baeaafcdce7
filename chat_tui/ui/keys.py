"""The one table of actions: footer, palette, help and bindings all read it.

An action is what a person can do; where its keys work is its scope. Keys are Textual's names.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from functools import partial


class Scope(StrEnum):
    """Where the keys of an action work."""

    EVERYWHERE = "everywhere"
    COMPOSER = "composer"
    TRANSCRIPT = "transcript"
    MODELS = "models"
    """The list of models, while it is open."""


@dataclass(frozen=True, slots=True)
class Action:
    """One row: `id` is the Textual action (`action_<id>` on the chat screen), `command` its slash command."""

    id: str
    keys: tuple[str, ...]
    title: str
    help: str
    scope: Scope = Scope.EVERYWHERE
    command: str = ""
    is_in_palette: bool = True
    aliases: tuple[str, ...] = ()
    """Other names of the command."""


_unlisted = partial(Action, is_in_palette=False)
"""Done where it is needed, by its key; nobody looks for it by name."""

ACTIONS: tuple[Action, ...] = (
    _unlisted("send", ("enter",), "Send", "Send the prompt.", Scope.COMPOSER),
    _unlisted("newline", ("ctrl+j", "shift+enter", "alt+enter"), "New line", "Break the line.", Scope.COMPOSER),
    _unlisted("history_back", ("up",), "Earlier prompt", "On the first line: the prompt before.", Scope.COMPOSER),
    _unlisted("history_forward", ("down",), "Later prompt", "On the last line: the prompt after.", Scope.COMPOSER),
    _unlisted("top_if_empty", ("home",), "Top", "In an empty composer: go to the beginning.", Scope.COMPOSER),
    _unlisted("end_if_empty", ("end",), "End", "In an empty composer: go to the end and follow.", Scope.COMPOSER),
    Action(
        "attach",
        ("ctrl+o",),
        "Attach a file",
        "Begin the name of a file: @ and some letters of it. Images can be dropped or pasted, too.",
        Scope.COMPOSER,
        "attach",
    ),
    Action(
        "detach",
        ("backspace",),
        "Take a file out",
        "At the very start: take out what was attached last.",
        Scope.COMPOSER,
        "detach",
    ),
    Action(
        "escape",
        ("escape",),
        "Stop",
        "Close what is open above, give up an edit, else stop the answer; before its first token the prompt comes "
        "back. Twice on an empty composer: edit the last question.",
        command="stop",
    ),
    _unlisted(
        "interrupt",
        ("ctrl+c",),
        "Copy, stop or clear",
        "Copy what is selected; else stop the answer; else empty the composer; twice on an empty one: quit.",
    ),
    _unlisted("quit_if_empty", ("ctrl+d",), "Quit", "Quit when the composer is empty.", Scope.COMPOSER),
    Action("quit", ("ctrl+q",), "Quit", "Quit; a running answer is stopped and printed.", command="quit"),
    _unlisted(
        "switch_focus", ("tab", "shift+tab"), "Composer or messages", "Move between the composer and the messages."
    ),
    Action("help", ("f1",), "Help", "Keys and commands.", command="help"),
    Action("models", ("f2",), "Models", "Choose another model; /model NAME takes it at once.", command="model"),
    _unlisted(
        "favourite_model",
        ("ctrl+t",),
        "Favourite",
        "Keep the highlighted model at the top of the list (★), or no longer.",
        Scope.MODELS,
    ),
    _unlisted("palette", ("ctrl+p",), "Command palette", "Find any action by name."),
    Action(
        "new",
        ("ctrl+n",),
        "New conversation",
        "Begin another conversation; F3 goes back to this one.",
        command="new",
    ),
    Action(
        "resume",
        ("f3",),
        "Conversations",
        "Go on with another conversation; what is typed there searches all of them. Also /sessions.",
        command="resume",
        aliases=("sessions",),
    ),
    Action(
        "next_theme",
        ("f4",),
        "Next theme",
        "Dark, light, the terminal's own colours; /theme NAME takes one.",
        command="theme",
    ),
    Action(
        "toggle_reasoning",
        ("ctrl+t",),
        "Fold or unfold thinking",
        "Show or hide what the model thought.",
        command="thinking",
    ),
    Action(
        "retry",
        ("r",),
        "Ask again",
        "Ask for another answer; the first is kept beside it.",
        Scope.TRANSCRIPT,
        "retry",
    ),
    Action(
        "continue_answer",
        ("c",),
        "Continue",
        "Let the model go on where the answer stopped.",
        Scope.TRANSCRIPT,
        "continue",
    ),
    Action(
        "edit",
        ("e",),
        "Edit",
        "Edit your question and ask from there, or rewrite the answer under the cursor. Esc gives it up.",
        Scope.TRANSCRIPT,
        "edit",
    ),
    Action(
        "version_before",
        ("[",),
        "Version before",
        "Show the version before of the message under the cursor: another answer, an earlier question.",
        Scope.TRANSCRIPT,
    ),
    Action(
        "version_after",
        ("]",),
        "Version after",
        "Show the next version of the message under the cursor.",
        Scope.TRANSCRIPT,
    ),
    Action(
        "fork",
        ("f",),
        "Fork",
        "Go on from the message under the cursor in a new conversation; this one stays as it is.",
        Scope.TRANSCRIPT,
        "fork",
    ),
    Action(
        "rename",
        ("T",),
        "Rename",
        "Change the title of the conversation; /rename TITLE does it at once.",
        Scope.TRANSCRIPT,
        "rename",
    ),
    Action(
        "undo_change",
        ("u",),
        "Undo",
        "Show again what was shown before the last retry, edit, fork or other version; bring back what was "
        "deleted.",
        Scope.TRANSCRIPT,
        "undo",
    ),
    Action(
        "export",
        ("x",),
        "Export",
        "Write the conversation into a file; /export FILE names it, and .md, .json or .html say how.",
        Scope.TRANSCRIPT,
        "export",
    ),
    Action(
        "statistics",
        ("s",),
        "Your numbers",
        "How fast which model has answered here, and how today compares.",
        Scope.TRANSCRIPT,
        "stats",
    ),
    Action(
        "details",
        ("d",),
        "Details",
        "What is known of an answer: tokens, cost, what went wrong.",
        Scope.TRANSCRIPT,
        "details",
        aliases=("cost", "tokens"),
    ),
    Action(
        "copy_message",
        ("y",),
        "Copy message",
        "Copy the source of the message under the cursor.",
        Scope.TRANSCRIPT,
        "copy",
    ),
    Action(
        "copy_code",
        ("Y",),
        "Copy code",
        "Copy the code block gone to, else its last one, exactly.",
        Scope.TRANSCRIPT,
        "copycode",
    ),
    _unlisted("find_here", ("/",), "Find", "Search the conversation.", Scope.TRANSCRIPT),
    Action(
        "find_next",
        ("n", "enter"),
        "Next match",
        "While something is searched for: the next match further down.",
        Scope.TRANSCRIPT,
    ),
    Action(
        "find_previous",
        ("N", "shift+enter"),
        "Previous match",
        "The next match further up.",
        Scope.TRANSCRIPT,
    ),
    Action(
        "last_answer",
        ("t",),
        "Top of the last answer",
        "Go to where the last answer begins, and stay there.",
        Scope.TRANSCRIPT,
        "answer",
    ),
    Action(
        "code_above",
        ("{",),
        "Code block above",
        "Go to the code block further up; Y then copies that one.",
        Scope.TRANSCRIPT,
        "code",
    ),
    Action("code_below", ("}",), "Code block below", "Go to the code block further down.", Scope.TRANSCRIPT),
    _unlisted("cursor_up", ("up", "k"), "Message above", "Move the message cursor up.", Scope.TRANSCRIPT),
    _unlisted("cursor_down", ("down", "j"), "Message below", "Move the message cursor down.", Scope.TRANSCRIPT),
    _unlisted("half_page_up", ("ctrl+u",), "Half a page up", "Scroll up by half a page.", Scope.TRANSCRIPT),
    _unlisted("half_page_down", ("ctrl+d",), "Half a page down", "Scroll down by half a page.", Scope.TRANSCRIPT),
    _unlisted("line_up", ("shift+up",), "Line up", "Scroll up by a line.", Scope.TRANSCRIPT),
    _unlisted("line_down", ("shift+down",), "Line down", "Scroll down by a line.", Scope.TRANSCRIPT),
    _unlisted("go_top", ("g",), "Top", "Go to the beginning.", Scope.TRANSCRIPT),
    _unlisted("go_end", ("G",), "End", "Go to the end and follow.", Scope.TRANSCRIPT),
    Action(
        "find",
        ("ctrl+f",),
        "Find in this conversation",
        "Search as you type; a capital letter makes it exact. /find WORDS searches at once.",
        command="find",
    ),
    _unlisted("scroll_page_up", ("pageup",), "Page up", "Scroll; the view then stays where it is."),
    _unlisted("scroll_page_down", ("pagedown",), "Page down", "Scroll; at the end the view follows again."),
    Action(
        "toggle_wrap",
        ("w",),
        "Wrap long lines or not",
        "Wrap long lines of code and wide tables, or keep them whole and move along them.",
        Scope.TRANSCRIPT,
        "wrap",
    ),
    _unlisted(
        "shift_right",
        ("right", "l"),
        "Further right",
        "See more of lines and tables that are wider than the screen; Shift and the wheel move one block.",
        Scope.TRANSCRIPT,
    ),
    _unlisted("shift_left", ("left", "h"), "Further left", "And back.", Scope.TRANSCRIPT),
    _unlisted("shift_home", ("0",), "All the way left", "Back to where wide lines begin.", Scope.TRANSCRIPT),
    Action("scroll_top", ("ctrl+home",), "Top", "Go to the beginning.", command="top"),
    Action("scroll_end", ("ctrl+end",), "End", "Go to the end and follow.", command="end"),
)
"""In the order help shows them. `home` and `end` scroll too while the messages have the focus."""


def action(action_id: str) -> Action:
    """The row with that id. Raises KeyError."""
    return _BY_ID[action_id]


_BY_ID = {row.id: row for row in ACTIONS}

_KEY_NAMES = {
    "escape": "Esc", "enter": "Enter", "pageup": "PageUp", "pagedown": "PageDown", "up": "↑", "down": "↓",
    "left": "←", "right": "→", "tab": "Tab", "home": "Home", "end": "End",
}  # fmt: skip


def key_label(key: str) -> str:
    """A key as people write it: ctrl+j → Ctrl+J."""
    if len(key) == 1:
        return key
    *modifiers, last = key.split("+")
    name = _KEY_NAMES.get(last, last.upper() if len(last) == 1 or last[0] == "f" else last.capitalize())
    return "+".join([*(part.capitalize() for part in modifiers), name])
