"""`chat-tui conversations`, `export`, `import` and `stats`: the stored conversations, for people and for scripts.

What a terminal is given is cleaned; files and pipes get the texts as they are. Every function takes an open store
and raises ChatError with a sentence.
"""

from __future__ import annotations

import asyncio
import json
import re
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import Final

from chat_tui.core.errors import ChatError, ConfigError
from chat_tui.core.sanitize import clean, clean_line
from chat_tui.core.statistics import statistics_data, statistics_lines, statistics_of
from chat_tui.store.export import ExportFormat, date_of, encodable, export_one, json_pieces, render
from chat_tui.store.file_names import overwrite, write_new
from chat_tui.store.importing import SAVE_S, import_into, saved
from chat_tui.store.model import ConversationRow, StoredConversation, StoreError
from chat_tui.store.store import ConversationStore

COMMANDS: Final = ("conversations", "export", "import", "stats")
ACTIONS: Final = ("list", "show", "search", "rename", "delete")
MAX_LISTED: Final = 1_000_000
SHORTEST_ID: Final = 4
LAST: Final = "last"

_SHORT_ID: Final = 8
_PAGE: Final = 1_000
_SAID_PROBLEMS: Final = 10
_FULL_ID: Final = re.compile("[0-9a-f]{32}")
_SPAN: Final = re.compile(r"(\d{1,6})([hdwm])")
_SPAN_S: Final = {"h": 3_600, "d": 86_400, "w": 7 * 86_400, "m": 30 * 86_400}


@dataclass(frozen=True, slots=True)
class Output:
    """Where words go: `echo` prints a line, `note` a line beside the output proper (standard error)."""

    echo: Callable[[str], None]
    note: Callable[[str], None]
    is_terminal: bool
    is_json: bool = False
    width: int = 80

    def text(self, text: str) -> None:
        """A text of any length."""
        self.echo(clean(text) if self.is_terminal else encodable(text))

    def data(self, data: object) -> None:
        """JSON, ASCII."""
        self.echo(json.dumps(data, ensure_ascii=True, indent=2))


@dataclass(frozen=True, slots=True)
class ExportWish:
    """`chat-tui export [ID|--all] --format FORM [-o TARGET] [--force]`."""

    form: ExportFormat = ExportFormat.MARKDOWN
    target: Path | None = None
    wants_all: bool = False
    may_overwrite: bool = False

    @classmethod
    def of(cls, form: str | None, target: str | None, *, wants_all: bool, may_overwrite: bool) -> ExportWish:
        """As asked for ("-" is standard output); without a form the extension tells, else it is Markdown."""
        path = None if target is None or target == "-" else Path(target)
        suffix = "" if path is None else path.suffix.lower().removeprefix(".")
        told = form or (suffix if suffix in set(ExportFormat) else ExportFormat.MARKDOWN)
        return cls(ExportFormat(told), path, wants_all, may_overwrite)


async def run(
    store: ConversationStore,
    words: Sequence[str],
    out: Output,
    *,
    wish: ExportWish | None = None,
    model: str | None = None,
    since: str | None = None,
) -> int:
    """Carry out the command `words`; returns the exit code: 0, or 1 when something could not be taken over."""
    command, *rest = words
    if command == "export":
        return await export(store, rest, wish or ExportWish(), out)
    if command == "import":
        if len(rest) != 1:
            raise ConfigError("The command is import FILE.")
        return await import_file(store, Path(rest[0]), out)
    if command == "stats":
        if rest:
            raise ConfigError("After stats comes nothing but --model, --since and --json.")
        return await stats(store, out, model=model, since=since)
    return await conversations(store, rest, out)


async def conversations(store: ConversationStore, words: Sequence[str], out: Output) -> int:
    """`conversations list | show ID | search WORDS | rename ID TITLE | delete ID…`."""
    action, *rest = words or ("list",)
    if action == "list" and not rest:
        return await _list(store, out)
    if action == "search" and rest:
        return await _search(store, " ".join(rest), out)
    if action == "show" and len(rest) == 1:
        return await _show(store, rest[0], out)
    if action == "rename" and len(rest) >= 2:
        return await _rename(store, rest[0], " ".join(rest[1:]), out)
    if action == "delete" and rest:
        return await _delete(store, rest, out)
    raise ConfigError(
        "The command is conversations list, show ID, search WORDS, rename ID TITLE or delete ID.",
        "An ID is what list shows, its beginning, or last.",
    )


# -- list, show, search, rename, delete --------------------------------------------------------------


async def _list(store: ConversationStore, out: Output) -> int:
    rows = await _all_rows(store)
    if out.is_json:
        out.data([asdict(row) for row in rows])
        return 0
    for row in rows:
        out.echo(_line(row))
    if not rows:
        out.note("There are no conversations yet.")
    return 0


def _line(row: ConversationRow) -> str:
    marks = "".join(
        mark
        for mark, is_set in (("*", row.is_pinned), ("~", row.is_unfinished), ("+", row.is_open_elsewhere))
        if is_set
    )
    title = clean_line(row.title, 60) or "Untitled conversation"
    model = clean_line(row.model, 30)
    when = date_of(row.updated_at_s).removesuffix(" UTC")
    line = f"{row.id[:_SHORT_ID]}  {when:<16}  {row.message_count:>4}  {marks:<2} {title}"
    return f"{line}  ({model})" if model else line


async def _show(store: ConversationStore, wanted: str, out: Output) -> int:
    conversation = await store.load(await resolve(store, wanted))
    if out.is_json:
        out.echo(render(conversation, ExportFormat.JSON).rstrip("\n"))
    else:
        out.text(render(conversation, ExportFormat.MARKDOWN).rstrip("\n"))
    return 0


async def _search(store: ConversationStore, words: str, out: Output) -> int:
    hits = await store.search(words, 100)
    if out.is_json:
        out.data([asdict(hit) for hit in hits])
        return 0
    for hit in hits:
        out.echo(_line(hit.row))
        if hit.snippet:
            out.echo(f"          {clean_line(hit.snippet, 200)}")
    if not hits:
        out.note("Nothing was found.")
    return 0


async def _rename(store: ConversationStore, wanted: str, title: str, out: Output) -> int:
    identity = await resolve(store, wanted)
    name = clean_line(title, 200)
    if not name:
        raise ConfigError("A title has at least one character that can be seen.")
    store.rename(identity, name)
    await saved(store)
    _done(out, {"renamed": [identity]}, f"Renamed {identity[:_SHORT_ID]} to {name}")
    return 0


async def _delete(store: ConversationStore, wanted: Sequence[str], out: Output) -> int:
    """Nothing is deleted unless all of them are there."""
    identities = [await resolve(store, one) for one in wanted]
    for identity in identities:
        store.delete(identity)
    await saved(store)
    _done(out, {"deleted": identities}, f"Deleted {', '.join(one[:_SHORT_ID] for one in identities)}")
    return 0


def _done(out: Output, data: dict[str, list[str]], words: str) -> None:
    if out.is_json:
        out.data(data)
    else:
        out.note(words)


async def resolve(store: ConversationStore, wanted: str) -> str:
    """The id meant by an id, its beginning (4 digits or more) or "last". Raises ConfigError."""
    if wanted == LAST:
        found = await store.last_id()
        if found is None:
            raise ConfigError("There are no conversations yet.")
        return found
    prefix = wanted.lower()
    if _FULL_ID.fullmatch(prefix):
        if not await store.known([prefix]):
            raise ConfigError(f"There is no conversation {prefix}.")
        return prefix
    if len(prefix) < SHORTEST_ID or not re.fullmatch("[0-9a-f]+", prefix):
        raise ConfigError(f"{clean_line(wanted, 40)} is no ID: take what conversations list shows, or last.")
    matches = [row.id for row in await _all_rows(store) if row.id.startswith(prefix)]
    if len(matches) != 1:
        what = "There is no conversation" if not matches else "There are several conversations"
        raise ConfigError(f"{what} whose ID begins with {prefix}.")
    return matches[0]


async def _all_rows(store: ConversationStore) -> list[ConversationRow]:
    rows: list[ConversationRow] = []
    while len(rows) < MAX_LISTED:
        page = await store.recent(_PAGE, len(rows))
        rows.extend(page)
        if len(page) < _PAGE:
            break
    return rows


# -- export ----------------------------------------------------------------------------------------


async def export(store: ConversationStore, words: Sequence[str], wish: ExportWish, out: Output) -> int:
    """One conversation (the last one unless told) or all: to standard output, a file, or files in a directory."""
    if len(words) > 1 or (words and wish.wants_all):
        raise ConfigError("The command is export ID, or export --all.")
    try:
        if wish.wants_all:
            return await _export_all(store, wish, out)
        conversation = await store.load(await resolve(store, words[0] if words else LAST))
        if wish.target is None:
            out.text(render(conversation, wish.form).rstrip("\n"))
        else:
            await _export_one(conversation, wish, wish.target, out)
    except BrokenPipeError:
        raise
    except OSError as error:
        raise StoreError(f"The export could not be written ({error.strerror or error}).") from error
    return 0


async def _export_one(conversation: StoredConversation, wish: ExportWish, target: Path, out: Output) -> None:
    path = await asyncio.to_thread(export_one, conversation, wish.form, target, may_overwrite=wish.may_overwrite)
    out.note(clean_line(str(path), 4_096))


async def _export_all(store: ConversationStore, wish: ExportWish, out: Output) -> int:
    """JSON is one file, the others a file each. One conversation is held at a time."""
    identities = [row.id for row in await _all_rows(store)]
    loop = asyncio.get_running_loop()
    missing: list[str] = []

    def loaded() -> Iterator[StoredConversation]:  # in another thread: the store answers in ours
        for identity in identities:
            try:
                yield asyncio.run_coroutine_threadsafe(store.load(identity), loop).result()
            except StoreError:  # deleted meanwhile, or damaged
                missing.append(identity)

    target = wish.target
    if wish.form is ExportFormat.JSON:
        path = await asyncio.to_thread(_write_json, loaded(), wish, out)
    elif target is not None and target.is_dir():
        path = await asyncio.to_thread(_write_each, loaded(), wish, target)
    else:
        raise ConfigError("All conversations as md or html need a directory: -o DIR. As json they are one file.")
    written = len(identities) - len(missing)
    where = "" if path is None else f" to {clean_line(str(path), 4_096)}"
    out.note(f"Exported {_counted(written)}{where}.")
    if missing:
        out.note(f"{_counted(len(missing))} could not be read.")
    return 1 if missing else 0


def _write_each(found: Iterator[StoredConversation], wish: ExportWish, directory: Path) -> Path:
    for conversation in found:
        export_one(conversation, wish.form, directory, may_overwrite=wish.may_overwrite)
    return directory


def _write_json(found: Iterator[StoredConversation], wish: ExportWish, out: Output) -> Path | None:
    pieces = json_pieces(found)
    if wish.target is None:
        held = ""
        for piece in pieces:  # a line is echoed when it is whole
            *whole, held = (held + piece).split("\n")
            for line in whole:
                out.echo(line)
        return None
    target = wish.target / "conversations.json" if wish.target.is_dir() else wish.target
    return (overwrite if wish.may_overwrite else write_new)(target, pieces)


# -- import ----------------------------------------------------------------------------------------


async def import_file(store: ConversationStore, path: Path, out: Output) -> int:
    """`import FILE`; 1 when something in it could not be read."""
    report = await import_into(store, path)
    problems = report.problems
    if out.is_json:
        out.data(asdict(report))
        return 1 if problems else 0
    facts = [f"Imported {_counted(report.added)}"]
    if report.grown:
        messages = f"{report.new_messages:,} new message" + ("" if report.new_messages == 1 else "s")
        facts.append(f"{report.grown:,} {'has' if report.grown == 1 else 'have'} grown by {messages}")
    if report.already_here:
        facts.append(f"{report.already_here:,} {'was' if report.already_here == 1 else 'were'} here already")
    if report.empty:
        facts.append(f"{report.empty:,} had no messages")
    if problems:
        facts.append(f"{len(problems):,} could not be read")
    out.note(f"{', '.join(facts)}.")
    for sentence in problems[:_SAID_PROBLEMS]:
        out.note(f"  {clean_line(sentence)}")
    if len(problems) > _SAID_PROBLEMS:
        out.note(f"  … and {len(problems) - _SAID_PROBLEMS:,} more")
    return 1 if problems else 0


# -- stats -----------------------------------------------------------------------------------------


async def stats(
    store: ConversationStore, out: Output, *, model: str | None = None, since: str | None = None
) -> int:
    """`stats [--model M] [--since 7d]`."""
    since_s = since_time_s(since, time.time()) if since else 0.0
    found = statistics_of(await store.turns(since_s, model), today_begins_at_s())
    if out.is_json:
        out.data(statistics_data(found))
        return 0
    for line in statistics_lines(found, out.width):
        out.echo(line)
    return 0


def since_time_s(since: str, now_s: float) -> float:
    """The moment `12h`, `7d`, `4w` or `3m` (of 30 days) ago, or a date. Raises ConfigError."""
    if span := _SPAN.fullmatch(since.strip().lower()):
        return now_s - int(span.group(1)) * _SPAN_S[span.group(2)]
    try:
        return datetime.fromisoformat(since.strip()).timestamp()
    except (ValueError, OverflowError, OSError):
        raise ConfigError("--since takes a span like 12h, 7d, 4w or 3m, or a date like 2026-01-31.") from None


def today_begins_at_s() -> float:
    """Midnight of this day where we are."""
    return datetime.now().astimezone().replace(hour=0, minute=0, second=0, microsecond=0).timestamp()


def _counted(number: int) -> str:
    return f"{number:,} conversation" + ("" if number == 1 else "s")


def open_store(directory: Path) -> ConversationStore:
    """The store, for one command; close it with `close_store`."""
    return ConversationStore.open(directory)


def close_store(store: ConversationStore) -> None:
    """Raises ChatError when something is not on disk."""
    if not store.close(SAVE_S) and store.problem:
        raise ChatError(store.problem)
