"""Every way out of the program: what was said and what was typed are in the store afterwards."""

from __future__ import annotations

import asyncio
import json
import re
import signal
import sqlite3
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import closing
from pathlib import Path

import pytest

from chat_tui.core.conversation import Message, Outcome, Role
from chat_tui.store.model import StoredConversation
from tests.pty.test_life import FAULTS, LAUNCHER, assert_no_secrets, assert_restored
from tests.support.killed import SEAM
from tests.support.program import REPEAT, Program
from tests.support.sse_server import HOLD, SseServer, answer, delta, head, reply, sse
from tests.support.stores import opened
from tests.support.waiting import wait_until

PARTIAL = "These words arrived"
DRAFT = "my draft of another question"
Leave = Callable[[Program], Awaitable[None]]

pytestmark = pytest.mark.parametrize("run", range(REPEAT))


@pytest.fixture
async def server() -> AsyncIterator[SseServer]:
    """Begins an answer and never ends it."""
    async with SseServer() as server:
        server.play(reply(head(), sse(delta(PARTIAL)), HOLD))
        yield server


def state_of(home: Path) -> Path:
    return home / ".local/state/chat-tui"


async def kept(home: Path) -> tuple[list[StoredConversation], list[str]]:
    """Every conversation with its draft, and last the draft of a new one."""
    with opened(state_of(home)) as store:
        found = [await store.load(row.id) for row in await store.recent()]
        drafts = [await store.draft(key) for key in [*(one.id for one in found), "new"]]
        assert store.notes == ()
    return found, drafts


async def stream_and_draft(chat: Program) -> None:
    """In the middle of an answer, with something in the composer."""
    await chat.ready()
    await chat.ask("question")
    await chat.wait_for(PARTIAL)
    await chat.type_in(DRAFT)
    await chat.wait_for(DRAFT)


async def assert_everything_is_there(home: Path, *, draft: str = DRAFT) -> Message:
    """The question, the words that had come, the draft; nothing is left running."""
    [conversation], drafts = await kept(home)
    question, said = conversation.messages
    assert (question.role, question.text) == (Role.USER, "question")
    assert (said.text, said.parent_id, conversation.tip_id) == (PARTIAL, question.id, said.id)
    assert said.ending is not None
    assert said.ending.outcome in (Outcome.STOPPED, Outcome.INTERRUPTED)
    assert drafts[0] == draft
    with closing(sqlite3.connect(state_of(home) / "conversations.db")) as connection:
        assert connection.execute("SELECT count(*) FROM messages WHERE window <> ''").fetchone() == (0,)
        assert connection.execute("SELECT count(*) FROM deltas").fetchone() == (0,)
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    return said


# -- told to go ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("number", "code"),
    [(signal.SIGTERM, 143), (signal.SIGHUP, 129), (signal.SIGINT, 130), (signal.SIGQUIT, 131)],
)
async def test_a_signal(
    clean_environment: Path, server: SseServer, number: signal.Signals, code: int, run: int
) -> None:
    async with Program(clean_environment, server) as chat:
        await stream_and_draft(chat)
        chat.process.send_signal(number)
        assert await chat.wait_for_exit() == code
        assert_restored(chat)
    await assert_everything_is_there(clean_environment)


async def _ctrl_q(chat: Program) -> None:
    chat.send("\x11")


async def _ctrl_c_until_it_ends(chat: Program) -> None:
    """The first stops the answer, the second empties the composer, two more quit."""
    for words in ("stopped", "Ask anything", "Ctrl+C again quits"):
        chat.send("\x03")
        await chat.wait_for(words)
    chat.send("\x03")


@pytest.mark.parametrize(("leave", "draft"), [(_ctrl_q, DRAFT), (_ctrl_c_until_it_ends, "")])
async def test_quitting(clean_environment: Path, server: SseServer, leave: Leave, draft: str, run: int) -> None:
    async with Program(clean_environment, server) as chat:
        await stream_and_draft(chat)
        await leave(chat)
        assert await chat.wait_for_exit() == 0
        assert_restored(chat)
    said = await assert_everything_is_there(clean_environment, draft=draft)
    assert said.ending is not None
    assert said.ending.outcome is Outcome.STOPPED


@pytest.mark.parametrize("way", ["closed", "closed while SIGHUP is ignored", "no controlling terminal"])
async def test_the_terminal_is_closed(clean_environment: Path, server: SseServer, way: str, run: int) -> None:
    ignored = [signal.SIGHUP] if "ignored" in way else []
    async with Program(clean_environment, server, is_controlling="no " not in way, ignored=ignored) as chat:
        await stream_and_draft(chat)
        chat.close()
        assert await chat.wait_for_exit() == 129
    await assert_everything_is_there(clean_environment)


async def test_a_terminal_that_stops_reading_does_not_stop_saving(clean_environment: Path, run: int) -> None:
    """What comes while nothing is drawn is on disk when the program is killed without being read again."""
    words = [f"w{number} " for number in range(3000)]
    more, all_sent = asyncio.Event(), asyncio.Event()

    async def note() -> None:
        all_sent.set()

    async with SseServer() as server:
        server.play(reply(head(), sse(delta("Begin. ")), more, *(sse(delta(word)) for word in words), note, HOLD))
        async with Program(clean_environment, server) as chat:
            await chat.ready()
            await chat.ask("question")
            await chat.wait_for("Begin.")
            chat.stop_reading()
            more.set()
            await all_sent.wait()
            path = state_of(clean_environment) / "conversations.db"
            await wait_until(lambda: _saved_chars(path) >= sum(map(len, words)), 20, "all of it is on disk")
            chat.process.send_signal(signal.SIGKILL)
            await chat.wait_for_exit()
    [conversation], _ = await kept(clean_environment)
    assert conversation.messages[-1].text == "Begin. " + "".join(words)


def _rows(path: Path, statement: str) -> list[str]:
    """The first column, read beside the running program; nothing while there is no table yet."""
    try:
        with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as connection:
            return [str(row[0]) for row in connection.execute(statement)]
    except sqlite3.OperationalError:
        return []


def _saved_chars(path: Path) -> int:
    pairs = [pair for row in _rows(path, "SELECT pairs FROM deltas") for pair in json.loads(row)]
    return sum(len(json.loads(text)) for _, text, _ in pairs)


# -- our own faults --------------------------------------------------------------------------------


@pytest.mark.parametrize("where", FAULTS)
async def test_a_crash(clean_environment: Path, server: SseServer, where: str, run: int) -> None:
    """A short message, the path of the log; --continue brings everything back."""
    launcher = LAUNCHER.format(change=FAULTS[where])
    async with Program(clean_environment, server, launcher=launcher) as chat:
        await stream_and_draft(chat)
        chat.send("\x1bOP")
        assert await chat.wait_for_exit() == 70
        assert_restored(chat)
        [log] = clean_environment.rglob("crash.log")
        assert str(log) in chat.farewell.replace("\n", "")
        assert "chat-tui -c" in chat.farewell
        assert_no_secrets(chat, log)
    await assert_everything_is_there(clean_environment)
    async with Program(clean_environment, server, arguments=["-c"]) as chat:
        await chat.wait_for(PARTIAL)
        await chat.wait_for("stopped")
        await chat.wait_for(DRAFT)


async def test_after_a_kill_the_answer_is_shown_as_cut_and_gone_on_with(
    clean_environment: Path, server: SseServer, run: int
) -> None:
    async with Program(clean_environment, server) as chat:
        await stream_and_draft(chat)
        path = state_of(clean_environment) / "conversations.db"
        await wait_until(lambda: _saved_chars(path) == len(PARTIAL), 10, "the words are on disk")
        await wait_until(lambda: DRAFT in _drafts(path), 10, "the draft is on disk")
        chat.process.send_signal(signal.SIGKILL)
        await chat.wait_for_exit()
    server.play(answer(" and went on."))
    async with Program(clean_environment, server, arguments=["--continue"]) as chat:
        await chat.wait_for(SEAM)
        await chat.wait_for("c continue")
        await chat.wait_for(DRAFT)
        chat.send("\t")
        await chat.wait_for("Esc back")
        chat.send("c")
        await chat.wait_for(f"{PARTIAL} and went on.")
        await chat.wait_for("done")
        chat.send("\x11")
        assert await chat.wait_for_exit() == 0
    [conversation], drafts = await kept(clean_environment)
    said = conversation.messages[-1]
    assert (said.text, said.ending and said.ending.outcome) == (f"{PARTIAL} and went on.", Outcome.COMPLETE)
    assert drafts[0] == DRAFT


def _drafts(path: Path) -> list[str]:
    return [str(json.loads(row)) for row in _rows(path, "SELECT text FROM drafts")]


# -- a last conversation that cannot be shown --------------------------------------------------------

POISONS = {
    "no record": "UPDATE messages SET record = 'no json'",
    "a record of something else": "UPDATE messages SET record = '[1, {\"a\": null}]'",
    "a parent that is gone": "DELETE FROM messages WHERE sequence = 1",
    "its own parent": "UPDATE messages SET record = json_set(record, '$.parent_id', id)",
    "parents in a circle": "UPDATE messages SET record = json_set(record, '$.parent_id',"
    " (SELECT id FROM messages o WHERE o.sequence <> messages.sequence))",
    "a tip that is not there": "UPDATE conversations SET tip_id = 7",
    "no messages": "DELETE FROM messages",
    "a title that is no text": "UPDATE conversations SET title = x'ff00ff', title_words = x'ff'",
    "a number that is none": "UPDATE conversations SET updated_at_s = 'soon', tip_id = 'x'",
    "an ending that is none": "UPDATE messages SET ending = '{\"outcome\": 5}'",
}


@pytest.fixture
async def stored_home(clean_environment: Path, server: SseServer) -> Path:
    """A home with one conversation."""
    server.play(answer("A whole answer."))
    async with Program(clean_environment, server) as chat:
        await chat.ready()
        await chat.ask("question")
        await chat.wait_for("done")
        chat.send("\x04")
        assert await chat.wait_for_exit() == 0
    return clean_environment


async def assert_usable(chat: Program) -> None:
    """It takes a question and shows the answer, and leaves when it is told to."""
    await chat.ready()
    await chat.ask("another question")
    await chat.wait_for("A whole answer.")
    await chat.wait_for("done")
    chat.send("\x11")
    assert await chat.wait_for_exit() == 0


@pytest.mark.parametrize("poison", POISONS)
async def test_a_poisoned_conversation_keeps_nobody_out(
    stored_home: Path, server: SseServer, poison: str, run: int
) -> None:
    """With --continue and without, and what is asked then is kept."""
    with closing(sqlite3.connect(state_of(stored_home) / "conversations.db")) as connection:
        connection.execute(POISONS[poison])
        connection.commit()
    for arguments in (["-c"], []):
        async with Program(stored_home, server, arguments=arguments) as chat:
            await assert_usable(chat)
    conversations, _ = await kept(stored_home)
    texts = [message.text for one in conversations for message in one.messages]
    assert texts.count("another question") == 2


CRASHES_WHEN_SHOWN = """
from chat_tui.ui.widgets.transcript import Transcript
def fail():
    raise RuntimeError("it cannot be shown")
show = Transcript.show_messages
def shown(self, messages, *rest, **named):
    show(self, messages, *rest, **named)
    if any(message.text == "question" for message in messages):
        self.set_timer(0.001, fail)
Transcript.show_messages = shown
from chat_tui.__main__ import main
main()
"""


async def test_a_conversation_whose_showing_crashes_is_no_crash_loop(
    stored_home: Path, server: SseServer, run: int
) -> None:
    """The first start with --continue says what failed; the next does not show it again unasked, and says how to;
    one without it never does. Once it has been shown without failing it is the last one again."""
    async with Program(stored_home, server, arguments=["-c"], launcher=CRASHES_WHEN_SHOWN) as chat:
        assert await chat.wait_for_exit() == 70
        assert "Something went wrong inside (RuntimeError)" in chat.farewell
        assert_restored(chat)
    beginning = ""
    for _ in range(2):
        async with Program(stored_home, server, arguments=["-c"], launcher=CRASHES_WHEN_SHOWN) as chat:
            await chat.wait_for("chat-tui -r ")
            found = re.search("chat-tui -r ([0-9a-f]{8})", chat.text)
            assert found is not None
            beginning = found.group(1)
            chat.send("\x11")
            assert await chat.wait_for_exit() == 0
    async with Program(stored_home, server, arguments=["-r", beginning]) as chat:
        await chat.wait_for("A whole answer.")
        chat.send("\x11")
        assert await chat.wait_for_exit() == 0
    async with Program(stored_home, server, arguments=["-c"]) as chat:
        await chat.wait_for("A whole answer.")
    async with Program(stored_home, server, launcher=CRASHES_WHEN_SHOWN) as chat:
        await assert_usable(chat)
