"""The command line: reads arguments, puts the program together, turns whatever happens into an exit code.

The composition root, and the only module that prints. Everything heavy is imported where it is used, so that
`chat-tui --version` and the first frame come at once.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import os
import sys
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Final, TextIO

from chat_tui.cli_arguments import COMPLETION, DOCTOR, MODEL_NAMES, MODELS, STORED, UsageError, parse, resume_of

if TYPE_CHECKING:
    from pathlib import Path

    from chat_tui.config.load import LoadedConfig
    from chat_tui.providers.registry import ProviderRegistry
    from chat_tui.session.attachments import Attachment
    from chat_tui.session.session import ChatSession
    from chat_tui.store.store import ConversationStore

EXIT_OK: Final = 0
EXIT_USAGE: Final = 2
EXIT_CRASH: Final = 70
EXIT_INTERRUPTED: Final = 130
EXIT_BROKEN_PIPE: Final = 141

MAX_STDIN_BYTES = 16 << 20
STDIN_FILE: Final = "-"
SAVE_S = 5.0
"""How long leaving waits for the last words to be on disk: they are after some milliseconds, unless it is full."""

TEXTUAL_SETTINGS = {"ESCDELAY": "25", "TEXTUAL_FPS": "125"}
"""Read by Textual when it is imported; whoever has set them keeps theirs.

ESCDELAY: how long (ms) the terminal may take between ESC and the rest of a key; Textual's own 100 ms makes Esc
feel slow. TEXTUAL_FPS: how soon a change is painted. A stream is painted 30 times a second at most, so this costs
no frames: the first token is on screen after 6 ms instead of 19, keys are echoed within 18 instead of 26 (p95), for
4 % more CPU per token [measured].
"""


def main(argv: Sequence[str] | None = None) -> int:
    """Run `argv` (default: sys.argv) and return the exit code. Raises nothing."""
    _never_fail_to_encode(sys.stdout)
    try:
        code = _dispatch(sys.argv[1:] if argv is None else argv)
        if sys.stdout is not None:
            sys.stdout.flush()
    except UsageError as error:
        return _complain(f"{error} See chat-tui --help.")
    except SystemExit as request:  # --help, --version
        return request.code if isinstance(request.code, int) else EXIT_OK
    except KeyboardInterrupt:
        return EXIT_INTERRUPTED
    except BrokenPipeError:
        return EXIT_BROKEN_PIPE
    except Exception as error:  # noqa: BLE001 - the last guard
        return _report(error)
    return code


def _dispatch(argv: Sequence[str]) -> int:
    arguments = parse(argv)
    command = tuple(arguments.command)
    if not command:
        return _chat(arguments)
    if command[0] == "config":
        return _config(arguments)
    if command[0] == MODELS:
        return _models(arguments)
    if command[0] in (COMPLETION, MODEL_NAMES):
        return _complete(arguments)
    if command[0] == DOCTOR:
        return _doctor(arguments)
    if command[0] in STORED:
        return _stored(arguments)
    return _local_install()


# -- chat ------------------------------------------------------------------------------------------


def _chat(arguments: argparse.Namespace) -> int:
    has_screen = _is_terminal(sys.stdin) and _is_terminal(sys.stdout)
    if arguments.print is None and has_screen:
        if arguments.output_format:
            raise UsageError("--output-format goes with -p.")
        return _open_screen(arguments)
    return _print_answer(arguments)


def _open_screen(arguments: argparse.Namespace) -> int:
    from chat_tui.ui import heap

    heap.hold()
    loaded = _load(arguments)
    attached = _read_files(arguments)  # what cannot be attached is said here, too
    session, _ = _make_session(loaded, is_kept=loaded.config.conversations.save)
    if arguments.model is not None:
        session.switch_model(arguments.model)  # a wrong --model is said here, not on the screen
    for name, value in TEXTUAL_SETTINGS.items():
        os.environ.setdefault(name, value)
    from chat_tui.ui.app import run

    try:
        departure = run(session, loaded, loaded.path is None, resume_of(arguments), attached)
    finally:
        is_saved = session.journal.close(SAVE_S)
        if not is_saved:
            _say(session.problem or "The last words of this conversation may not be saved.")
    if departure.words:
        try:
            print(departure.words, flush=True)
        except OSError:  # the terminal may be what has gone; what it did not take is not tried again
            sys.stdout = io.StringIO()
    if departure.crash is not None:
        if is_saved and session.conversation.id:
            _say("What was said is kept: chat-tui -c goes on with it.")
        raise departure.crash
    return departure.exit_code


def _print_answer(arguments: argparse.Namespace) -> int:
    attached = _read_files(arguments)
    prompt = _read_prompt(arguments.print or "", is_stdin_file=STDIN_FILE in (arguments.file or ()))
    out = sys.stdout
    if out is None:
        raise UsageError("Standard output is closed: there is no place for the answer.")
    loaded = _load(arguments)
    for problem in loaded.problems:
        _say(problem)
    import asyncio

    from chat_tui import headless

    async def ask() -> int:
        session, registry = _make_session(loaded)
        recalling = asyncio.create_task(registry.listings.recall())  # prices, while the answer comes
        try:
            return await headless.run(
                session,
                prompt,
                headless.OutputFormat(arguments.output_format or "text"),
                out,
                sys.stderr or io.StringIO(),
                is_terminal=_is_terminal(out),
                files=tuple(attachment.file for attachment in attached),
            )
        finally:
            await asyncio.gather(recalling, return_exceptions=True)
            await session.aclose()

    return asyncio.run(ask())


def _read_files(arguments: argparse.Namespace) -> tuple[Attachment, ...]:
    """What -f names. Raises ChatError."""
    if not arguments.file:
        return ()
    from chat_tui.session.attachments import Attachment, check_all, make_file, read_file

    read = [
        Attachment(make_file("stdin", _read_stdin_bytes())) if path == STDIN_FILE else read_file(path)
        for path in dict.fromkeys(arguments.file)
    ]
    check_all(read)
    return tuple(read)


def _read_prompt(argument: str, *, is_stdin_file: bool = False) -> str:
    """PROMPT and standard input, in that order. Raises UsageError when both are empty."""
    piped = "" if is_stdin_file or _is_terminal(sys.stdin) else _read_stdin()
    argument = argument.encode("utf-8", "replace").decode()  # bytes that are no text in this locale
    prompt = "\n\n".join(part for part in (argument, piped) if part.strip())
    if prompt:
        return prompt
    if not _is_terminal(sys.stdout) and _is_terminal(sys.stdin):
        raise UsageError("Standard output is no terminal, and there is no question: chat-tui -p PROMPT.")
    raise UsageError("There is no question: give one with -p PROMPT or on standard input.")


def _read_stdin() -> str:
    return _read_stdin_bytes().decode("utf-8-sig", "replace").strip("\n")


def _read_stdin_bytes() -> bytes:
    stdin = sys.stdin
    if stdin is None:
        return b""
    try:
        data = stdin.buffer.read(MAX_STDIN_BYTES + 1)
    except (OSError, ValueError) as error:
        raise UsageError("Standard input cannot be read.") from error
    if len(data) > MAX_STDIN_BYTES:
        raise UsageError(f"Standard input is longer than {MAX_STDIN_BYTES >> 20} MiB.")
    return data


def _is_terminal(stream: TextIO | None) -> bool:
    try:
        return stream is not None and stream.isatty()
    except ValueError:  # closed
        return False


def _never_fail_to_encode(out: TextIO | None) -> None:
    """Files and pipes get UTF-8, a terminal what it is set to; what cannot be encoded is replaced."""
    is_terminal = _is_terminal(out)
    if isinstance(out, io.TextIOWrapper):
        out.reconfigure(encoding=None if is_terminal else "utf-8", errors="replace", newline="\n")


def _named_file(arguments: argparse.Namespace) -> Path | None:
    from pathlib import Path

    return None if arguments.config is None else Path(arguments.config)


def _load(arguments: argparse.Namespace) -> LoadedConfig:
    from chat_tui.config.load import load

    flags = {name: getattr(arguments, name) for name in ("model", "system", "theme")}
    set_flags = {name: value for name, value in flags.items() if value is not None}
    loaded = load(_named_file(arguments), os.environ, set_flags)
    if not loaded.config.aliases:
        return loaded
    from chat_tui.cli_models import with_alias_problems

    return with_alias_problems(loaded)


def _make_session(loaded: LoadedConfig, *, is_kept: bool = False) -> tuple[ChatSession, ProviderRegistry]:
    """`is_kept`: what is said goes into the store of conversations."""
    from chat_tui.config.paths import state_dir
    from chat_tui.providers.registry import ProviderRegistry
    from chat_tui.session.journal import Journal
    from chat_tui.session.session import ChatSession

    config = loaded.config
    registry = ProviderRegistry(config, os.environ, state_dir())
    generation = config.generation.to_generation()
    journal = Journal(_open_store) if is_kept else Journal()
    session = ChatSession(registry, config.model, system=config.system, generation=generation, journal=journal)
    return session, registry


def _open_store(on_problem: Callable[[str], None]) -> ConversationStore:
    from chat_tui.config.paths import state_dir
    from chat_tui.store.store import ConversationStore

    return ConversationStore.open(state_dir(), on_problem=on_problem)


# -- commands --------------------------------------------------------------------------------------


def _config(arguments: argparse.Namespace) -> int:
    from chat_tui.cli_config import path_line, print_settings

    if arguments.command[1] == "path":
        print(path_line(_named_file(arguments), os.environ))
    else:
        print_settings(_load(arguments), print, _say, is_json=arguments.json)
    return EXIT_OK


def _models(arguments: argparse.Namespace) -> int:
    import asyncio
    import time

    from chat_tui.cli_models import print_models

    loaded = _load(arguments)
    for problem in loaded.problems:
        _say(problem)

    async def show_models() -> int:
        session, _ = _make_session(loaded)
        try:
            return await print_models(
                session,
                print,
                only=arguments.command[1] if len(arguments.command) > 1 else "",
                is_json=arguments.json,
                is_refresh=arguments.refresh,
                now_s=time.time(),
            )
        finally:
            await session.aclose()

    return asyncio.run(show_models())


def _complete(arguments: argparse.Namespace) -> int:
    from chat_tui.cli_models import completion_script, model_names
    from chat_tui.config.paths import state_dir

    is_script = arguments.command[0] == COMPLETION
    lines = [completion_script(arguments.command[1])] if is_script else model_names(_load(arguments), state_dir())
    for line in lines:
        print(line)
    return EXIT_OK


def _doctor(arguments: argparse.Namespace) -> int:
    import asyncio
    import shutil

    from chat_tui.cli_doctor import Wish, examine
    from chat_tui.config.paths import state_dir
    from chat_tui.providers.registry import ProviderRegistry

    loaded = _load(arguments)
    named = arguments.command[1] if len(arguments.command) > 1 else ""
    width = min(shutil.get_terminal_size().columns, 100)
    wish = Wish(named, arguments.all, not arguments.no_ask, arguments.json, width)
    registry = ProviderRegistry(loaded.config, os.environ, state_dir())
    return asyncio.run(examine(loaded, registry, wish, lambda line: print(line, flush=True)))


def _stored(arguments: argparse.Namespace) -> int:
    import asyncio
    import shutil

    from chat_tui import cli_conversations as commands
    from chat_tui.config.aliases import unaliased
    from chat_tui.config.paths import state_dir

    width = shutil.get_terminal_size().columns
    out = commands.Output(print, _say, _is_terminal(sys.stdout), arguments.json, width)
    wish = commands.ExportWish.of(
        arguments.format, arguments.output, wants_all=arguments.all, may_overwrite=arguments.force
    )
    model = arguments.model and unaliased(arguments.model, _load(arguments).config.aliases)
    store = commands.open_store(state_dir())
    try:
        run = commands.run(store, arguments.command, out, wish=wish, model=model, since=arguments.since)
        return asyncio.run(run)
    finally:
        commands.close_store(store)


def _local_install() -> int:
    from chat_tui.providers.local_install import install

    return install(echo=print)


# -- what goes wrong -------------------------------------------------------------------------------


def _shown(text: str, max_chars: int = 60) -> str:
    from chat_tui.core.sanitize import clean_line

    return clean_line(text, max_chars)


def _say(sentence: str) -> None:
    """One line on standard error, which may be closed."""
    if sys.stderr is not None:
        with contextlib.suppress(OSError):
            print(f"chat-tui: {_shown(sentence, 1000)}", file=sys.stderr, flush=True)


def _complain(sentence: str) -> int:
    _say(sentence)
    return EXIT_USAGE


def _report(error: BaseException) -> int:
    """A sentence made for people as it is; anything else is our own fault and goes into a file."""
    from chat_tui.core.errors import ChatError

    if isinstance(error, ChatError):
        return _complain(error.sentence)
    from chat_tui.cli_crash import write_crash_log

    path = write_crash_log(error, os.environ)
    where = f"the particulars are in {path}" if path else "no file for the particulars could be written"
    _complain(f"Something went wrong inside ({type(error).__name__}); {where}.")
    return EXIT_CRASH
