"""The arguments of the command line: what there is, and one sentence for what makes no sense."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from typing import Final, NoReturn

from chat_tui import __version__

PICK: Final = "pick"
LAST: Final = "last"
"""What `resume` says where it names no conversation."""

OUTPUT_FORMATS = ("text", "json", "stream-json")

COMMANDS_HELP = """\
commands:
  config path            where the configuration file is
  config show [--json]   every setting, its value and where the value came from
  models [PROVIDER]      what can be chosen with --model, here and now [--json] [--refresh]
  doctor [PROVIDER]      what works between here and a model, and what to do [--all] [--no-ask] [--json]
  local install          add the model that runs on this machine
  conversations          list | show ID | search WORDS | rename ID TITLE | delete ID [--json]
  export [ID | --all]    write the last, one or all conversations (--format md, json or html; -o FILE or DIR)
  import FILE            take over a backup, an export of ChatGPT or Claude, or the logs.db of llm
  stats [--since 7d]     your own numbers for each model [--json]
  completion SHELL       what makes bash, zsh or fish complete --model

asking without a screen:
  chat-tui -p "What is a token?"
  git diff | chat-tui -p "Write the commit message" > message.txt
  chat-tui -f photo.png -f notes.md "What is the difference?"
  The question is PROMPT, standard input, or both, in that order. The answer goes to standard output, the
  numbers to standard error. Exit code: 0 complete, 1 failed or broken off, 2 wrong usage, 130 stopped.

environment:
  CHAT_TUI_CONFIG, CHAT_TUI_MODEL, CHAT_TUI_THEME, CHAT_TUI_SYSTEM stand below the options and above the file.
"""


class UsageError(Exception):
    """The arguments make no sense; the text is one sentence."""


class _Parser(argparse.ArgumentParser):
    """Says one sentence where argparse prints its whole usage."""

    def error(self, message: str) -> NoReturn:
        raise UsageError(f"{message}.")


def _make_parser() -> _Parser:
    parser = _Parser(
        prog="chat-tui",
        usage="chat-tui [options]\n       chat-tui [options] -p [PROMPT]\n       chat-tui [options] COMMAND",
        description="Talk to a language model in the terminal. Without options: a chat with the configured model.",
        epilog=COMMANDS_HELP,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
        add_help=False,
    )
    parser.add_argument("command", nargs="*", help=argparse.SUPPRESS)
    add = parser.add_argument_group("options").add_argument
    add("-m", "--model", metavar="MODEL", help="who answers: PROVIDER/MODEL or an alias, see chat-tui models")
    add("-s", "--system", metavar="TEXT", help="system text that goes before the conversation")
    add("-c", "--continue", action="store_true", help="go on with the conversation that was changed last")
    add(
        "-r",
        "--resume",
        nargs="?",
        const=PICK,
        metavar="ID",
        help="go on with one; without ID: choose",
    )
    add("-p", "--print", nargs="?", const="", metavar="PROMPT", help="print one answer and leave")
    add("-f", "--file", action="append", metavar="FILE", help="attach an image, PDF or text; - is standard input")
    add("--output-format", choices=OUTPUT_FORMATS, metavar="FORMAT", help="text, json or stream-json, with -p")
    add("--config", metavar="FILE", help="read this configuration file instead of the usual one")
    add("--theme", metavar="NAME", help="dark, light or terminal (its own sixteen colours)")
    add("--format", choices=("md", "json", "html"), metavar="FORMAT", help="md, json or html, with export")
    add("-o", "--output", metavar="PATH", help="the file or directory to export to; nothing is overwritten")
    add("--all", action="store_true", help="export all conversations; examine all providers, with doctor")
    add("--no-ask", action="store_true", help="doctor: ask no model for a word, which costs a few tokens")
    add("--force", action="store_true", help="export over a file that is there")
    add("--since", metavar="SPAN", help="stats since 12h, 7d, 4w, 3m ago or a date; of one model with -m")
    add("--refresh", action="store_true", help="models: ask for lists anew that are younger than an hour")
    add("--json", action="store_true", help="machine-readable output of commands")
    add("--version", action="version", version=f"chat-tui {__version__}", help="print the version and leave")
    add("-h", "--help", action="help", help="print this and leave")
    return parser


def resume_of(arguments: argparse.Namespace) -> str:
    """The conversation to begin with: an id, `LAST`, `PICK`, or "" for a new one."""
    return LAST if getattr(arguments, "continue") else arguments.resume or ""


_COMMANDS = (("config", "path"), ("config", "show"), ("local", "install"))
STORED = ("conversations", "export", "import", "stats")
MODELS, COMPLETION, MODEL_NAMES = "models", "completion", "model-names"
DOCTOR: Final = "doctor"
_SHELLS = ("bash", "zsh", "fish")


def parse(argv: Sequence[str]) -> argparse.Namespace:
    """Raises UsageError. Sentences do not repeat what they do not know: it may be a key."""
    arguments, unknown = _make_parser().parse_known_intermixed_args(list(argv))
    _take_prompt(arguments)
    command = tuple(arguments.command)
    is_print = arguments.print is not None
    if unknown:
        from chat_tui.core.sanitize import clean_line

        option = unknown[0].partition("=")[0] if unknown[0].startswith("--") else unknown[0][:2]
        raise UsageError(f"There is no option {clean_line(option, 60)}.")
    if is_print and command:
        raise UsageError("After -p comes one PROMPT; several words need quotes.")
    is_stored = bool(command) and command[0] in STORED
    is_doctor = command[:1] == (DOCTOR,) and len(command) < 3
    if arguments.file and command:
        raise UsageError("-f goes with a question; one of several words needs quotes.")
    if command and command not in _COMMANDS and not (is_stored or is_doctor or _is_about_models(command)):
        raise UsageError(_wrong_command(command))
    takes_json = command == ("config", "show") or command[:1] in ((MODELS,), (DOCTOR,))
    if arguments.json and not takes_json and (not is_stored or command[:1] == ("export",)):
        raise UsageError("--json goes with config show, models, doctor, conversations, import and stats.")
    _check_options(arguments, command[0] if command else "")
    if (arguments.resume or getattr(arguments, "continue")) and (command or is_print):
        raise UsageError("-c and -r open a chat: they go with no command and not with -p.")
    if arguments.output_format and command:
        raise UsageError("--output-format goes with -p.")
    return arguments


def _check_options(arguments: argparse.Namespace, name: str) -> None:
    """Those that go with one command."""
    wants_all = arguments.all and name != DOCTOR
    if name != "export" and (arguments.format or arguments.output or wants_all or arguments.force):
        raise UsageError("--format, -o, --all and --force: each goes with export, --all with doctor, too.")
    if arguments.refresh and name != MODELS:
        raise UsageError("--refresh goes with models.")
    if arguments.since and name != "stats":
        raise UsageError("--since goes with stats.")
    if arguments.no_ask and name != DOCTOR:
        raise UsageError("--no-ask goes with doctor.")
    if name == DOCTOR and arguments.all and len(arguments.command) > 1:
        raise UsageError("--all is all providers: name none, or leave it out.")


def _take_prompt(arguments: argparse.Namespace) -> None:
    """With files a single word that is no command is the question: no command takes them."""
    words: list[str] = arguments.command
    names = {command[0] for command in _COMMANDS} | {*STORED, MODELS, MODEL_NAMES, COMPLETION, DOCTOR}
    if arguments.file and len(words) == 1 and words[0] not in names and arguments.print is None:
        arguments.print = words.pop()


def _is_about_models(command: tuple[str, ...]) -> bool:
    match command:
        case ("models",) | ("models", _) | ("model-names",):
            return True
        case ("completion", shell):
            return shell in _SHELLS
        case _:
            return False


def _wrong_command(command: tuple[str, ...]) -> str:
    if command[0] == MODELS:
        return "After models comes one PROVIDER or nothing."
    if command[0] == COMPLETION:
        return f"After completion comes one of {', '.join(_SHELLS)}."
    if command[0] == DOCTOR:
        return "After doctor comes one PROVIDER or nothing."
    known = [" ".join(words) for words in _COMMANDS] + [*STORED, MODELS, DOCTOR, COMPLETION]
    begun = [name for name in known if name.split()[0] == command[0]]
    if begun:
        return f"The command is {' or '.join(begun)}."
    return f"That is no command; there are {', '.join(known)}. To ask something: chat-tui -p PROMPT."
