"""Titles by a model: real requests to a scripted server, beside the turns and never in their way."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from chat_tui.cli_conversations import Output, run
from chat_tui.config.model import Config, ConversationsConfig, ProviderConfig, TitlesConfig
from chat_tui.core.errors import Fault, FaultKind
from chat_tui.core.events import Connected, ReasoningDelta, TextDelta
from chat_tui.session import titles
from chat_tui.session.journal import Journal
from chat_tui.store.model import ConversationRow
from chat_tui.store.store import ConversationStore
from chat_tui.ui.screens.conversations import Choice
from chat_tui.ui.widgets.conversation_list import Entry, title_line
from tests.support.fake_provider import FakeProvider, answer, failed
from tests.support.payloads import PAYLOADS
from tests.support.sse_server import (
    HOLD,
    Framing,
    Reply,
    SseServer,
    answer_events,
    chunk,
    delta,
    head,
    json_response,
    reply,
    response,
    sse,
)
from tests.support.sse_server import answer as http_answer
from tests.support.stage import Stage, stage
from tests.support.stores import chat, flushed, opened
from tests.support.waiting import wait_until

QUESTION = "How is bread made without yeast?"
TITLE = "Bread without yeast"
CUT = Fault(FaultKind.CUT, "connection lost", "The server closed the connection.")


@asynccontextmanager
async def server_of(*replies: Reply) -> AsyncGenerator[SseServer]:
    async with SseServer() as server:
        if replies:
            server.play(*replies)
        yield server


@asynccontextmanager
async def titled(
    folder: Path, server: SseServer, *replies: str, model: str = "mine/small-1", key: str = "", is_kept: bool = True
) -> AsyncGenerator[tuple[Stage, FakeProvider]]:
    """The application with answers by `fake/one` and titles by a model of the server."""
    provider = FakeProvider(lambda: 1000.0)
    for text in replies:
        provider.add(answer(text))
    config = Config(
        providers={"mine": ProviderConfig(base_url=server.base_url, api_key_env=key)},
        titles=TitlesConfig(model=model),
        conversations=ConversationsConfig(save=is_kept),
    )
    journal = Journal(lambda tell: ConversationStore.open(folder / "state", on_problem=tell)) if is_kept else None
    try:
        async with stage("fake/one", folder, config=config, provider=provider, journal=journal) as on:
            await wait_until(lambda: on.chat.drafts.is_known or not is_kept, what="the draft")
            yield on, provider
    finally:
        assert journal is None or journal.close(10)


def header(on: Stage) -> str:
    return on.chat.title_bar.render_line(0).text.strip()


async def listed(on: Stage) -> list[ConversationRow]:
    store = on.session.journal.store
    assert store is not None
    return await store.recent()


async def until_quiet(on: Stage) -> None:
    """Until nobody is asked and nobody will be."""
    await wait_until(lambda: not on.session.is_running, what="the end of the turn")
    for _ in range(3):
        await wait_until(lambda: not _is_busy(on), what="the end of the request for a title")
        await on.settle()


def _is_busy(on: Stage) -> bool:
    return any(worker.group == "titles" and worker.is_running for worker in on.chat.workers)


def held() -> tuple[Reply, asyncio.Event]:
    """A title whose second half waits for the event."""
    go = asyncio.Event()
    events = answer_events("Bread without", " yeast")
    first, rest = b"".join(map(chunk, events[:2])), b"".join(map(chunk, (*events[2:], b"")))
    return reply(head(framing=Framing.CHUNKED) + first, go, rest), go


@pytest.mark.parametrize("model", ["", "mine/small-1"])
async def test_a_first_question_that_was_taken_back_gives_no_title(tmp_path: Path, model: str) -> None:
    async with (
        server_of(http_answer(TITLE)) as server,
        titled(tmp_path, server, model=model) as (on, provider),
    ):
        for times in (1, 2):
            provider.add([Connected(), asyncio.Event()])
            await on.ask("First question")
            await wait_until(lambda at=times: len(provider.requests) == at, what="the request")
            await on.pilot.press("escape")
            await until_quiet(on)
            assert header(on).startswith("New conversation")
            on.chat.prompt.clear()
        provider.add(answer("Flat."))
        await on.ask("First question, or second")
        await until_quiet(on)
        title = TITLE if model else "First question, or second"
        assert header(on).startswith(title)
        assert [row.title for row in await listed(on)] == [title]


async def test_off_by_default_nobody_is_asked(tmp_path: Path) -> None:
    assert Config().titles.model == ""
    async with (
        server_of(http_answer(TITLE)) as server,
        titled(tmp_path, server, "Flat.", "So.", model="") as (on, _),
    ):
        await on.ask(QUESTION)
        await until_quiet(on)
        await on.ask("And then?")
        await until_quiet(on)
        assert server.connections == []
        assert header(on).startswith(QUESTION)
        assert on.session._other_registry is None


async def test_the_header_and_the_list_get_the_title_once(tmp_path: Path) -> None:
    async with (
        server_of(http_answer("“Bread ", "without yeast.”\n")) as server,
        titled(tmp_path, server, "Flat.", "So.") as (on, provider),
    ):
        await on.ask(QUESTION)
        await wait_until(lambda: header(on).startswith(TITLE), what="the title")
        assert [row.title for row in await listed(on)] == [TITLE]
        await on.ask("And then?")
        await until_quiet(on)
        (request,) = server.requests
        assert request.json["model"] == "small-1"
        assert request.json.get("max_tokens", request.json.get("max_completion_tokens")) == titles.MAX_TOKENS
        asked = request.json["messages"][-1]["content"]
        assert QUESTION in asked
        assert "Flat." in asked
        # It is no answer, no prompt, nothing that is counted.
        assert [one.text for one in on.session.conversation.messages] == [
            QUESTION,
            "Flat.",
            "And then?",
            "So.",
        ]
        store = on.session.journal.store
        assert store is not None
        assert await store.prompts() == ["And then?", QUESTION]
        assert len(await store.turns()) == 2
        assert [entry.model for entry in await store.turns()] == ["fake/one"] * 2
        assert len(provider.requests) == 2
        assert TITLE not in on.text
        assert not (await store.load(on.session.conversation.id)).is_title_own


async def test_an_answer_that_is_continued_is_no_other_first_one(tmp_path: Path) -> None:
    async with server_of(http_answer("…")) as server, titled(tmp_path, server) as (on, provider):
        provider.add([Connected(), TextDelta("Fl"), asyncio.Event()])
        await on.ask(QUESTION)
        await wait_until(lambda: on.answer == "Fl")
        await on.pilot.press("escape")
        await wait_until(lambda: server.requests)
        await until_quiet(on)
        provider.add(answer("at."))
        on.chat.action_continue_answer()
        await until_quiet(on)
        assert len(on.session.conversation.path()) == 2
        assert len(server.requests) == 1


async def test_what_the_server_does_not_know_is_left_out_at_once(tmp_path: Path) -> None:
    refusal = {"error": {"message": "max_tokens is not supported, use max_completion_tokens"}}
    async with (
        server_of(json_response(refusal, status=400), http_answer(TITLE)) as server,
        titled(tmp_path, server, "Flat.") as (on, _),
    ):
        await on.ask(QUESTION)
        await wait_until(lambda: header(on).startswith(TITLE), what="the title")
        assert len(server.requests) == 2
        assert server.requests[1].json["max_completion_tokens"] == titles.MAX_TOKENS
        assert "No title" not in on.text


async def test_a_stopped_answer_is_enough_and_nothing_is_not(tmp_path: Path) -> None:
    async with server_of(http_answer(TITLE)) as server, titled(tmp_path, server) as (on, provider):
        provider.add([failed(CUT)])
        await on.ask("first try")
        await until_quiet(on)
        provider.add([Connected(), TextDelta("Fl"), failed(CUT)])
        await on.ask("second try")
        await until_quiet(on)
        assert server.requests == []
        provider.add([Connected(), ReasoningDelta("hm"), TextDelta("F"), asyncio.Event()])
        on.chat.action_new()
        await on.ask(QUESTION)
        await wait_until(lambda: on.answer == "F")
        await on.pilot.press("escape")
        await wait_until(lambda: header(on).startswith(TITLE), what="the title")
        assert len(server.requests) == 1


async def test_the_order_of_the_list_stays(tmp_path: Path) -> None:
    gate, go = held()
    async with server_of(gate) as server, titled(tmp_path, server, "Flat.") as (on, _):
        await on.ask(QUESTION)
        await wait_until(lambda: server.requests)
        store = on.session.journal.store
        assert store is not None
        newer = chat(store, title="newer")
        assert await store.last_id() == newer
        before = {row.id: row.updated_at_s for row in await listed(on)}
        go.set()
        await wait_until(lambda: header(on).startswith(TITLE))
        assert await store.last_id() == newer
        assert [row.title for row in await listed(on)] == ["newer", TITLE]
        assert {row.id: row.updated_at_s for row in await listed(on)} == before


@pytest.mark.parametrize("where", ["here", "in another window"])
async def test_a_title_of_ones_own_wins_the_race(tmp_path: Path, where: str) -> None:
    gate, go = held()
    async with server_of(gate) as server, titled(tmp_path, server, "Flat.", "So.") as (on, _):
        await on.ask(QUESTION)
        await wait_until(lambda: server.requests)
        if where == "here":
            await on.ask("/rename Mine")
        else:
            with opened(tmp_path / "state") as other:
                other.rename(on.session.conversation.id, "Mine")
                flushed(other)
        go.set()
        await until_quiet(on)
        assert [row.title for row in await listed(on)] == ["Mine"]
        assert header(on).startswith("Mine" if where == "here" else QUESTION)
        await on.ask("And then?")
        await until_quiet(on)
        assert len(server.requests) == 1
        assert [row.title for row in await listed(on)] == ["Mine"]


async def test_a_title_given_before_the_end_of_the_answer_is_not_asked_for(tmp_path: Path) -> None:
    go = asyncio.Event()
    async with server_of(http_answer(TITLE)) as server, titled(tmp_path, server) as (on, provider):
        provider.add([Connected(), TextDelta("Fl"), go, *answer("at.")[1:]])
        await on.ask(QUESTION)
        await wait_until(lambda: on.answer == "Fl")
        await on.ask("/rename Mine")
        go.set()
        await until_quiet(on)
        assert server.requests == []
        assert header(on).startswith("Mine")


async def test_the_next_question_does_not_wait_for_it(tmp_path: Path) -> None:
    gate, _ = held()
    go = asyncio.Event()
    async with server_of(gate, http_answer(TITLE)) as server, titled(tmp_path, server, "Flat.") as (on, provider):
        await on.ask(QUESTION)
        await wait_until(lambda: server.requests)
        provider.add([Connected(), TextDelta("S"), go, *answer("o.")[1:]])
        await on.ask("And then?")
        await wait_until(lambda: on.answer == "S")
        await wait_until(lambda: not server.connections[0].is_open, what="the request for a title is given up")
        assert len(server.requests) == 1, "nothing is asked beside a turn"
        go.set()
        await on.until_done()
        await wait_until(lambda: header(on).startswith(TITLE), what="the title, asked for again")
        assert len(server.requests) == 2
        assert QUESTION in server.requests[1].json["messages"][-1]["content"]


async def test_it_is_given_up_when_it_is_cut_short_too_often(tmp_path: Path) -> None:
    replies = [str(number) for number in range(titles.MAX_TRIES + 2)]
    async with (
        server_of(reply(head(framing=Framing.CHUNKED), HOLD)) as server,
        titled(tmp_path, server, *replies) as (on, _),
    ):
        for number in range(titles.MAX_TRIES):
            await on.ask(f"question {number}")
            await wait_until(lambda number=number: len(server.requests) == number + 1)
        for _ in range(2):
            await on.ask("And then?")
            await until_quiet(on)
        assert len(server.requests) == titles.MAX_TRIES
        assert header(on).startswith("question 0")


async def test_it_finds_a_conversation_that_was_left(tmp_path: Path) -> None:
    gate, go = held()
    async with server_of(gate) as server, titled(tmp_path, server, "Flat.") as (on, _):
        await on.ask(QUESTION)
        await wait_until(lambda: server.requests)
        was = on.session.conversation.id
        on.chat.action_new()
        go.set()
        await until_quiet(on)
        assert [row.title for row in await listed(on)] == [TITLE]
        assert header(on).startswith("New conversation")
        on.chat.open_conversation(Choice(was))
        await wait_until(lambda: header(on).startswith(TITLE))


async def test_one_that_was_deleted_stays_deleted(tmp_path: Path) -> None:
    gate, go = held()
    async with server_of(gate) as server, titled(tmp_path, server, "Flat.") as (on, _):
        await on.ask(QUESTION)
        await wait_until(lambda: server.requests)
        library = on.chat.library
        assert library is not None
        library.delete(on.session.conversation.id, QUESTION)
        go.set()
        await until_quiet(on)
        assert await listed(on) == []


FAILURES = {
    "no server": json_response({"error": {"message": "busy"}}, status=503),
    "key refused": json_response({"error": {"message": "no such key"}}, status=401),
    "no such model": json_response({"error": {"message": "no such model"}}, status=404),
    "cut": http_answer("Bread", " without yeast", cut=260),
    "a page": response(b"<html><title>Sign in</title></html>", content_type="text/html"),
}


@pytest.mark.parametrize("failure", FAILURES)
async def test_a_failure_is_told_once_and_changes_nothing(tmp_path: Path, failure: str) -> None:
    async with server_of(FAILURES[failure]) as server, titled(tmp_path, server, "Flat.", "So.") as (on, _):
        await on.ask(QUESTION)
        await until_quiet(on)
        assert len(server.requests) == 1, "it is not tried again"
        assert header(on).startswith(QUESTION)
        assert on.text.count("No title from mine/small-1") == 1
        assert "Traceback" not in on.text
        assert on.session.conversation.path()[-1].text == "Flat."
        on.chat.action_new()
        await on.ask("Another one")
        await until_quiet(on)
        assert len(server.requests) == 2
        assert "No title" not in on.text


@pytest.mark.parametrize("text", ["", " \n", "…", "I'm sorry, but I can't.", "word " * 200])
async def test_what_is_no_title_leaves_the_first_words_without_a_word(tmp_path: Path, text: str) -> None:
    async with server_of(http_answer(text)) as server, titled(tmp_path, server, "Flat.") as (on, _):
        await on.ask(QUESTION)
        await wait_until(lambda: server.requests)
        await until_quiet(on)
        assert header(on).startswith(QUESTION)
        assert "No title" not in on.text


async def test_reasoning_is_no_title(tmp_path: Path) -> None:
    events = [sse(delta(reasoning_content="Cake? No.")), *answer_events("<think>Hm.</think>", TITLE)]
    async with server_of(response(events)) as server, titled(tmp_path, server, "Flat.") as (on, _):
        await on.ask(QUESTION)
        await wait_until(lambda: header(on).startswith(TITLE))


@pytest.mark.parametrize(
    ("model", "key", "words"),
    [
        ("nobody/x", "", "There is no provider “nobody”"),
        ("small", "", "it takes PROVIDER/MODEL"),
        ("mine/small-1", "TITLES_TEST_KEY", "needs a key, and TITLES_TEST_KEY is not set"),
    ],
)
async def test_what_cannot_be_asked_is_said_in_a_sentence(tmp_path: Path, model: str, key: str, words: str) -> None:
    async with server_of() as server, titled(tmp_path, server, "Flat.", model=model, key=key) as (on, _):
        assert "No title" not in on.text
        await on.ask(QUESTION)
        await until_quiet(on)
        text = " ".join(on.text.split())
        assert f"No title from {model}" in text
        assert words in text
        assert server.connections == []


async def test_a_server_that_says_nothing_is_left_after_a_while(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(titles, "TIME_LIMIT_S", 0.05)
    async with (
        server_of(reply(head(framing=Framing.CHUNKED), HOLD)) as server,
        titled(tmp_path, server, "Flat.") as (on, _),
    ):
        await on.ask(QUESTION)
        await wait_until(lambda: "No title from mine/small-1" in on.text, what="the notice")
        await until_quiet(on)
        await wait_until(lambda: server.open_connections == 0)


async def test_leaving_waits_for_nothing(tmp_path: Path) -> None:
    async with server_of(reply(head(framing=Framing.CHUNKED), HOLD)) as server:
        async with titled(tmp_path, server, "Flat.") as (on, _):
            await on.ask(QUESTION)
            await wait_until(lambda: server.requests)
            on.app.exit()
            assert not any(worker.group == "titles" and not worker.is_cancelled for worker in on.chat.workers)
        await wait_until(lambda: server.open_connections == 0)
        assert len(server.requests) == 1
    with opened(tmp_path / "state") as store:
        assert [row.title for row in await store.recent()] == [QUESTION]


async def test_leaving_in_the_middle_of_an_answer_asks_for_nothing(tmp_path: Path) -> None:
    async with server_of(http_answer(TITLE)) as server:
        async with titled(tmp_path, server) as (on, provider):
            provider.add([Connected(), TextDelta("Fl"), asyncio.Event()])
            await on.ask(QUESTION)
            await wait_until(lambda: on.answer == "Fl")
            on.app.exit()
            assert on.session.runner is not None
            on.chat.end_turn(on.session.runner)  # as the turn does on its way out
            assert not any(worker.group == "titles" for worker in on.chat.workers)
        assert server.connections == []


async def test_what_is_not_kept_needs_no_title(tmp_path: Path) -> None:
    async with server_of(http_answer(TITLE)) as server, titled(tmp_path, server, "Flat.", is_kept=False) as (on, _):
        await on.ask(QUESTION)
        await until_quiet(on)
        assert server.connections == []
        assert header(on).startswith(QUESTION)


async def test_no_title_of_a_model_acts_on_the_terminal(tmp_path: Path) -> None:
    replies = [http_answer(payload.text) for payload in PAYLOADS[:12]]
    texts = [str(number) for number in range(len(replies))]
    async with server_of(*replies) as server, titled(tmp_path, server, *texts) as (on, _):
        for number in range(len(replies)):
            await on.ask(f"question {number}")
            await wait_until(lambda number=number: len(server.requests) == number + 1)
            await until_quiet(on)
            assert not any(character in header(on) for character in "\x1b\x07\x9d")
            on.chat.action_new()
        for row in await listed(on):
            assert not any(ord(character) < 32 or 127 <= ord(character) < 160 for character in row.title), row.title


MARKUP = ["[/red] expected [INST]", "[0]", "[@click=app.quit]here[/]"]
HOSTILE = [*(payload.text for payload in PAYLOADS), *MARKUP]


async def test_stored_titles_are_plain_text_wherever_they_are_shown(tmp_path: Path) -> None:
    with opened(tmp_path / "state") as store:
        ids = [chat(store, title=title) for title in HOSTILE]
        flushed(store)
        lines: list[str] = []
        assert (
            await run(store, ["conversations", "list"], Output(lines.append, lines.append, is_terminal=False)) == 0
        )
        for words in ("planted", "visible", "expected"):
            await run(
                store, ["conversations", "search", words], Output(lines.append, lines.append, is_terminal=True)
            )
        rows = await store.recent(len(HOSTILE))
    assert {row.title for row in rows} == set(HOSTILE), "nothing was cleaned before it was stored"
    assert len(lines) > len(HOSTILE)
    for line in (
        *lines,
        *("".join(text for text, _ in title_line(Entry(row, row.title), 100, 0.0)) for row in rows),
    ):
        assert is_plain(line), line
    async with server_of() as server, titled(tmp_path, server, model="") as (on, _):
        for conversation_id, title in zip(ids, HOSTILE, strict=True):
            await on.session.open(conversation_id)
            on.chat.show_title()
            assert is_plain(header(on)), title
            assert title not in MARKUP or header(on).startswith(title)
        await on.pilot.press("f3")
        await wait_until(lambda: "[@click=app.quit]here[/]" in on.screen_text, what="the picker")
        assert all(map(is_plain, on.screen_text.split("\n")))


def is_plain(line: str) -> bool:
    """Whether it has no control character and nothing that turns the direction of writing."""
    return not any(
        ord(character) < 32 or 127 <= ord(character) < 160 or character in "\u202d\u202e\u2066\u2067\u2068"
        for character in line
    )


# -- copies ------------------------------------------------------------------------------------------


async def test_forks_are_numbered_among_all_conversations(tmp_path: Path) -> None:
    with opened(tmp_path / "state") as store:
        first = chat(store, title="Bread")
        chat(store, title="Bread (3)")
        flushed(store)
    async with server_of() as server, titled(tmp_path, server, model="") as (on, _):
        on.chat.open_conversation(Choice(first))
        await wait_until(lambda: header(on).startswith("Bread"))
        for number in (2, 4, 5):  # (3) is not known to this window before it looks
            on.chat.open_conversation(Choice(first))
            await wait_until(lambda: on.session.conversation.id == first)
            await on.settle()
            on.chat.action_fork()
            await wait_until(lambda number=number: header(on).startswith(f"Bread ({number})"), what=f"({number})")
            await on.settle()
        titles_now = sorted(row.title for row in await listed(on))
        assert titles_now == ["Bread", "Bread (2)", "Bread (3)", "Bread (4)", "Bread (5)"]
