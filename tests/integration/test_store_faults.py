"""Full disks, locks, files that are damaged or somebody else's: the chat goes on, and nothing is lost."""

from __future__ import annotations

import os
import random
import resource
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from chat_tui.store.database import Files, open_database, version_of
from chat_tui.store.model import StoreError
from chat_tui.store.schema import APPLICATION_ID, SCHEMA, Schema
from chat_tui.store.store import ConversationStore
from tests.support.stores import answer, chat, flushed, opened, user
from tests.support.waiting import wait_until

BIG = "x" * 100_000


# -- disks -----------------------------------------------------------------------------------------


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of one megabyte."""
    mount = tmp_path / "disk"
    mount.mkdir()
    if shutil.which("mount") is None or os.name != "posix":
        pytest.skip("file systems cannot be mounted here")
    if subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(mount)], capture_output=True
    ).returncode:
        pytest.skip("file systems cannot be mounted without privileges")
    yield mount
    subprocess.run(["umount", "-l", str(mount)], check=True)


async def test_on_a_full_disk_everything_is_kept_and_saved_when_there_is_room(small_disk: Path) -> None:
    said: list[str] = []
    store = ConversationStore.open(small_disk / "state", on_problem=said.append)
    conversation_id = chat(store)
    flushed(store)
    filler = small_disk / "filler"
    with filler.open("wb", buffering=0) as file:
        try:
            while file.write(b"\0" * 4096):
                pass
        except OSError:
            pass
    for number in range(3, 8):
        store.put_message(conversation_id, user(number, BIG[:20_000] + str(number), number - 1))
    assert not store.flush(0.5)
    assert "no room left" in store.problem
    assert len((await store.load(conversation_id)).messages) == 2
    filler.unlink()
    flushed(store)
    assert store.problem == ""
    assert len((await store.load(conversation_id)).messages) == 7
    assert [bool(sentence) for sentence in said] == [True, False]
    assert store.close(10)


LIMITED = """
import asyncio, resource, sys
from pathlib import Path
from chat_tui.store.store import ConversationStore
from tests.support.stores import chat, user
store = ConversationStore.open(Path(sys.argv[1]))
conversation_id = chat(store)
assert store.flush(20)
resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, resource.RLIM_INFINITY))
for number in range(3, 13):
    store.put_message(conversation_id, user(number, "x" * 50_000 + str(number), number - 1))
assert not store.flush(0.5)
assert store.problem.startswith("Not saved"), store.problem
resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
assert store.flush(20), store.problem
assert store.problem == ""
assert len(asyncio.run(store.load(conversation_id)).messages) == 12
assert store.close(20)
"""


def test_at_a_limit_of_file_sizes_nothing_is_lost(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", LIMITED, str(tmp_path)], capture_output=True, text=True, timeout=90
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert resource.RLIMIT_FSIZE  # the limit exists here


async def test_where_no_directory_can_be_made_the_chat_goes_on_in_memory(tmp_path: Path) -> None:
    in_the_way = tmp_path / "state"
    in_the_way.write_text("a file")
    with opened(in_the_way) as store:
        conversation_id = chat(store)
        assert [row.id for row in await store.recent()] == [conversation_id]
        assert [hit.row.id for hit in await store.search("quest")] == [conversation_id]
        assert not store.flush(0.3)
        assert "cannot be written" in store.problem
        assert in_the_way.read_text() == "a file"
        in_the_way.unlink()
        flushed(store)
        assert store.problem == ""
    with opened(in_the_way) as store:
        assert len((await store.load(conversation_id)).messages) == 2


READS = """
import asyncio, encodings.idna, os, shutil, sqlite3, sys, tempfile
from pathlib import Path
from chat_tui.store import database, folding, reading, store as stores, tables, writer
directory = Path(sys.argv[1])
if os.geteuid() == 0:  # who may write everywhere
    os.setgid(65534)
    os.setuid(65534)
store = stores.ConversationStore.open(directory)
rows = asyncio.run(store.recent())
print([len(asyncio.run(store.load(row.id)).messages) for row in rows], "cannot be written" in store.problem)
store.begin("b" * 32, "", "", 0.0)
print(len(asyncio.run(store.recent())), store.flush(0.2))
store.close(0.1)
"""


@pytest.mark.parametrize("is_closed", [True, False])
def test_in_a_directory_that_cannot_be_written_what_is_there_is_read(is_closed: bool) -> None:
    with tempfile.TemporaryDirectory() as name:  # pytest's own are closed to others
        state = Path(name) / "state"
        with opened(Path(name) / "made") as store:
            chat(store)
            flushed(store)
            if not is_closed:
                shutil.copytree(Path(name) / "made", state)
        if is_closed:
            shutil.copytree(Path(name) / "made", state)
        for path in (Path(name), state, *state.rglob("*")):
            path.chmod(0o555 if path.is_dir() else 0o444)
        command = [sys.executable, "-c", READS, str(state)]
        try:
            done = subprocess.run(command, capture_output=True, text=True, timeout=60)
        finally:
            for path in (Path(name), state, *state.rglob("*")):
                path.chmod(0o700 if path.is_dir() else 0o600)
    assert (done.stdout, done.stderr) == ("[2] True\n2 False\n", "")


async def test_a_file_removed_under_a_running_program_is_made_again(tmp_path: Path) -> None:
    with opened(tmp_path) as store:
        flushed(store)
        for path in tmp_path.glob("conversations.db*"):
            path.unlink()
        conversation_id = chat(store)
        flushed(store)
    with opened(tmp_path) as store:
        assert len((await store.load(conversation_id)).messages) == 2


# -- locks -----------------------------------------------------------------------------------------

LOCKS = """
import sqlite3, sys
connection = sqlite3.connect(sys.argv[1], isolation_level=None)
connection.execute("BEGIN IMMEDIATE")
print("locked", flush=True)
sys.stdin.read()
"""


async def test_while_another_program_holds_the_file_everything_waits(tmp_path: Path) -> None:
    with opened(tmp_path) as store:
        conversation_id = chat(store)
        flushed(store)
        command = [sys.executable, "-c", LOCKS, str(tmp_path / "conversations.db")]
        with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as holder:
            assert holder.stdout is not None
            assert holder.stdin is not None
            assert holder.stdout.readline() == b"locked\n"
            store.settle(conversation_id, answer(3, "said meanwhile", 2))
            assert not store.flush(0.3)
            assert store.problem == ""  # not yet worth a word
            assert len((await store.load(conversation_id)).messages) == 2
            await wait_until(lambda: "another program" in store.problem, 20)
            holder.send_signal(signal.SIGKILL)
            holder.wait(20)
        flushed(store)
        assert store.problem == ""
        assert (await store.load(conversation_id)).messages[-1].text == "said meanwhile"


# -- files that are not right ------------------------------------------------------------------------


def made(directory: Path, conversations: int = 12) -> bytes:
    with opened(directory) as store:
        for number in range(conversations):
            chat(store, f"question {number} " + "words " * 300, f"reply {number} " + "words " * 300)
    return (directory / "conversations.db").read_bytes()


async def works(directory: Path, content: bytes) -> tuple[int, int]:
    """Opens `content`: is it moved aside (then unchanged), how many messages are left? It can be written too."""
    shutil.rmtree(directory, ignore_errors=True)
    directory.mkdir()
    (directory / "conversations.db").write_bytes(content)
    (directory / "conversations.db-wal").write_bytes(b"\0" * 32)  # as if it had not been closed
    with opened(directory) as store:
        await store.recent()
        await store.search("words")
        for row in await store.recent():
            await store.load(row.id)
        flushed(store)
        count = sum([len((await store.load(row.id)).messages) for row in await store.recent(1000)])
        conversation_id = chat(store, "afterwards")
        flushed(store)
        assert len((await store.load(conversation_id)).messages) == 2
        aside = sorted((directory / "broken").glob("*.db"))
        assert bool(aside) == bool(store.notes)
    if aside:
        assert aside[0].read_bytes() == content
    return len(aside), count


async def test_flipped_bits_and_cut_ends(tmp_path: Path) -> None:
    whole = made(tmp_path / "made")
    chance = random.Random(5)
    asides = 0
    for number in range(20):
        content = bytearray(whole)
        if number % 2:
            del content[chance.randrange(1, len(whole)) :]
        else:
            for _ in range(chance.choice([1, 8, 64])):
                content[chance.randrange(len(content))] ^= 1 << chance.randrange(8)
        aside, _ = await works(tmp_path / "damaged", bytes(content))
        asides += aside
    assert asides >= 10


async def test_most_of_a_damaged_file_is_salvaged(tmp_path: Path) -> None:
    whole = made(tmp_path / "made", 40)
    content = bytearray(whole)
    middle = len(content) // 2 // 4096 * 4096
    content[middle : middle + 8192] = b"\xff" * 8192
    aside, count = await works(tmp_path / "damaged", bytes(content))
    assert aside == 1
    assert count >= 40


@pytest.mark.parametrize("content", [b"not a database", b"SQLite format 3\x00" + b"\0" * 5000, os.urandom(9000)])
async def test_files_that_are_no_database_are_moved_aside(tmp_path: Path, content: bytes) -> None:
    aside, count = await works(tmp_path / "state", content)
    assert (aside, count) == (1, 0)


async def test_an_empty_file_is_a_new_one(tmp_path: Path) -> None:
    assert await works(tmp_path / "state", b"") == (0, 0)


async def test_another_programs_database_is_moved_aside(tmp_path: Path) -> None:
    path = tmp_path / "foreign.db"
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE recipes (name)")
        connection.commit()
    assert await works(tmp_path / "state", path.read_bytes()) == (1, 0)


async def test_a_newer_version_is_not_touched(tmp_path: Path) -> None:
    made(tmp_path)
    path = tmp_path / "conversations.db"
    with closing(sqlite3.connect(path)) as connection:
        connection.execute(f"PRAGMA user_version = {SCHEMA.version + 1}")
    before = path.read_bytes()
    with opened(tmp_path) as store:
        conversation_id = chat(store)
        assert [row.id for row in await store.recent()] == [conversation_id]
        assert not store.flush(5)
        assert "newer chat-tui" in store.problem
    assert path.read_bytes() == before
    assert sorted(path.name for path in tmp_path.glob("conversations*")) == ["conversations.db"]
    assert not (tmp_path / "broken").exists()


async def test_a_newer_program_may_come_while_this_one_runs(tmp_path: Path) -> None:
    with opened(tmp_path) as store:
        chat(store)
        flushed(store)
        with closing(sqlite3.connect(tmp_path / "conversations.db", isolation_level=None)) as connection:
            connection.execute(f"PRAGMA user_version = {SCHEMA.version + 1}")
        chat(store, "never there")
        assert not store.flush(5)
        assert "newer chat-tui" in store.problem


# -- migrations ------------------------------------------------------------------------------------

NEXT = Schema(
    (
        *SCHEMA.steps,
        (
            "ALTER TABLE conversations ADD COLUMN colour TEXT NOT NULL DEFAULT 'red'",
            "CREATE TABLE labels (name TEXT)",
            "INSERT INTO labels SELECT title_words FROM conversations",
            "UPDATE conversations SET colour = 'blue'",
        ),
    )
)

DIES_AT = """
import os, signal, sys
from pathlib import Path
from chat_tui.store import database
from tests.integration.test_store_faults import NEXT
import sqlite3
left = int(sys.argv[2])
class Connection(sqlite3.Connection):
    def execute(self, *args):
        global left
        if left == 0:
            os.kill(os.getpid(), signal.SIGKILL)
        left -= 1
        return super().execute(*args)
real = sqlite3.connect
sqlite3.connect = lambda *args, **named: real(*args, **named, factory=Connection)
database.open_database(database.Files(Path(sys.argv[1])), NEXT).close()
print("done")
"""


def test_a_migration_killed_before_any_statement_is_done_or_not_done(tmp_path: Path) -> None:
    made(tmp_path / "made", 2)
    versions: list[int] = []
    for left in range(60):
        directory = tmp_path / f"at-{left}"
        directory.mkdir()
        shutil.copy(tmp_path / "made" / "conversations.db", directory)
        command = [sys.executable, "-c", DIES_AT, str(directory), str(left)]
        ended = subprocess.run(command, capture_output=True, text=True, timeout=60)
        with closing(sqlite3.connect(directory / "conversations.db")) as connection:
            version = version_of(connection)
            versions.append(version)
            tables = {row[0] for row in connection.execute("SELECT name FROM sqlite_schema")}
            columns = [row[1] for row in connection.execute("PRAGMA table_info(conversations)")]
            assert (version == 2) == ("labels" in tables) == ("colour" in columns)
            assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
            assert connection.execute("SELECT count(*) FROM messages").fetchone() == (4,)
        with closing(open_database(Files(directory), NEXT)) as connection:
            assert version_of(connection) == 2
            assert connection.execute("SELECT count(*) FROM labels").fetchone() == (2,)
        if ended.stdout == "done\n":
            break
    else:
        raise AssertionError("it never came to its end")
    assert len(versions) > 10
    assert {1, 2} <= set(versions)
    [backup] = (tmp_path / f"at-{len(versions) - 1}" / "backups").iterdir()
    with closing(sqlite3.connect(backup)) as connection:
        assert version_of(connection) == 1
        assert connection.execute("PRAGMA application_id").fetchone() == (APPLICATION_ID,)
        assert connection.execute("SELECT count(*) FROM messages").fetchone() == (4,)


async def test_tables_whose_names_are_no_text_are_moved_aside(tmp_path: Path) -> None:
    """SQLite quotes them in its error, which Python then cannot read."""
    content = made(tmp_path / "made", 2)
    damaged = content.replace(b"CREATE INDEX conversations_recent", b"CREATE INDEX conversa\xe5ions_recen(", 1)
    assert damaged != content
    assert await works(tmp_path / "damaged", damaged) == (1, 4)


async def test_when_the_store_itself_fails_nobody_waits_for_ever(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise RuntimeError("broken")

    monkeypatch.setattr("chat_tui.store.writer.Writer.run", fail)
    store = ConversationStore.open(tmp_path)
    conversation_id = chat(store)
    with pytest.raises(StoreError, match="failed"):
        await store.load(conversation_id)
    assert "RuntimeError" in store.problem
    assert not store.flush(1)
    assert not store.close(1)
