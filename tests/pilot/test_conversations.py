"""The picker of conversations: pages, search while typing, rename, pin, delete; and opening what was chosen."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from textual.pilot import Pilot

from chat_tui.core.conversation import Message, Outcome, Role, TextPart
from chat_tui.core.errors import ChatError
from chat_tui.session.journal import Journal
from chat_tui.store.store import ConversationStore
from chat_tui.ui.screens.conversations import PAGE, Choice, ConversationsScreen
from tests.pilot.panels import HOSTILE, HOSTILE_VISIBLE, PanelApp, screen_text
from tests.support.fake_provider import FakeProvider, answer
from tests.support.library import NOW_S, SHELF, FakeLibrary, row
from tests.support.stage import Stage, stage
from tests.support.stores import answer as stored_answer
from tests.support.stores import chat, flushed, opened, user
from tests.support.waiting import wait_until

SIZE = (110, 30)


@asynccontextmanager
async def shown(
    library: FakeLibrary, size: tuple[int, int] = SIZE, words: str = ""
) -> AsyncGenerator[tuple[PanelApp, Pilot[None]]]:
    """The picker, with what it lists first."""
    app = PanelApp()
    async with app.run_test(size=size) as pilot:
        screen = ConversationsScreen(library, words, now=lambda: NOW_S)
        app.open_panel(screen)
        await wait_until(lambda: "conversation" in hint(app) and "Enter opens" in screen_text(app), what="the list")
        await pilot.pause()
        yield app, pilot


def picker(app: PanelApp) -> ConversationsScreen:
    assert isinstance(app.screen, ConversationsScreen)
    return app.screen


def hint(app: PanelApp) -> str:
    found = app.screen.query("#conversation-hint")
    return str(found.first().render()) if found else ""


def highlighted(app: PanelApp) -> str:
    entry = picker(app).rows.entry
    return "" if entry is None else entry.title


def lines_of(app: PanelApp, title: str) -> list[str]:
    """The two lines of a conversation."""
    lines = screen_text(app).split("\n")
    at = next(number for number, line in enumerate(lines) if title in line)
    return [line.strip() for line in lines[at : at + 2]]


# -- the list --------------------------------------------------------------------------------------


async def test_a_row_says_what_it_is() -> None:
    async with shown(FakeLibrary(*SHELF, current_id=SHELF[1].id)) as (app, _):
        first, second = lines_of(app, "Streaming basics")
        assert "★ Streaming basics" in first
        assert first.split()[-3:] == ["local/smollm2-135m", "1", "h"]
        assert second.startswith("▌")
        assert "And the browser reconnects by itself." in second
        assert second.endswith("8.4k chars")
        assert "● A parser for dates" in lines_of(app, "A parser for dates")[0]
        assert "12 min" in lines_of(app, "A parser for dates")[0]
        assert "unfinished" in lines_of(app, "Words for a letter")[1]
        assert "open elsewhere" in lines_of(app, "Naïve questions")[1]
        assert lines_of(app, "Naïve questions")[0].endswith("Tue")
        assert lines_of(app, "Bread")[0].endswith("31 Jan")
        assert lines_of(app, "An old one")[0].endswith("Sep 2023")
        assert "6 conversations" in hint(app)


async def test_the_narrow_one_keeps_title_age_and_preview() -> None:
    async with shown(FakeLibrary(*SHELF), (60, 20)) as (app, _):
        first, second = lines_of(app, "Streaming basics")
        assert first.endswith("1 h")
        assert "smollm2" not in first
        assert "And the browser reconnects by itself." in second
        assert all(len(line) <= 60 for line in screen_text(app).split("\n"))


async def test_hostile_titles_and_previews_are_text() -> None:
    library = FakeLibrary(row(1, HOSTILE, preview=HOSTILE), row(2))
    async with shown(library) as (app, pilot):
        text = screen_text(app)
        assert text.count(HOSTILE_VISIBLE) == 2
        assert not {"\x1b", "\x07", "\u202e"} & set(text)
        await pilot.press(*"redd", "backspace")
        await wait_until(lambda: "1 conversation ·" in hint(app))
        assert not {"\x1b", "\x07", "\u202e"} & set(screen_text(app))


async def test_enter_opens_the_highlighted_one() -> None:
    async with shown(FakeLibrary(*SHELF)) as (app, pilot):
        await pilot.press("down", "down", "up", "enter")
        await wait_until(lambda: app.results == [Choice(SHELF[1].id)])


async def test_escape_and_f3_leave() -> None:
    for key in ("escape", "f3"):
        async with shown(FakeLibrary(*SHELF)) as (app, pilot):
            await pilot.press(key)
            await wait_until(lambda app=app: app.results == [None])


async def test_a_click_opens() -> None:
    async with shown(FakeLibrary(*SHELF)) as (app, pilot):
        await pilot.click("#conversation-list", offset=(10, 5))
        await wait_until(lambda: app.results == [Choice(SHELF[2].id)])


async def test_nothing_stored_is_said() -> None:
    async with shown(FakeLibrary()) as (app, pilot):
        assert "Nothing is stored yet." in screen_text(app)
        await pilot.press("enter", "ctrl+r", "ctrl+d", "ctrl+t", "down", "ctrl+end", "ctrl+z")
        assert app.results == []
        assert "Nothing was deleted." in hint(app)


async def test_a_store_that_cannot_be_read_is_said() -> None:
    library = FakeLibrary(*SHELF)
    library.failure = ChatError("The conversations cannot be read: no.")
    app = PanelApp()
    async with app.run_test(size=SIZE) as pilot:
        app.open_panel(ConversationsScreen(library))
        await wait_until(lambda: "cannot be read: no." in hint(app))
        await pilot.press("escape")
        await wait_until(lambda: app.results == [None])


# -- pages -----------------------------------------------------------------------------------------


async def test_only_what_is_looked_at_is_asked_for() -> None:
    library = FakeLibrary(*(row(number + 1) for number in range(10_000)))
    async with shown(library) as (app, pilot):
        assert "10,000 conversations" in hint(app)
        assert library.asked == [("", PAGE, 0)]
        await pilot.press("ctrl+end")
        await wait_until(lambda: highlighted(app) == "Conversation 10000")
        assert all(limit == PAGE for _, limit, _ in library.asked)
        assert len(library.asked) <= 3
        await pilot.press("ctrl+home")
        assert highlighted(app) == "Conversation 1"
        for _ in range(8):
            await pilot.press("pagedown")
        await wait_until(lambda: highlighted(app) == f"Conversation {8 * picker(app).rows.room + 1}")
        asked = [offset for _, _, offset in library.asked]
        assert len(asked) == len(set(asked)), "a page was asked for twice"


# -- search ----------------------------------------------------------------------------------------


async def test_the_place_found_is_shown_and_chosen() -> None:
    async with shown(FakeLibrary(*SHELF)) as (app, pilot):
        await pilot.press(*"reconnects")
        await wait_until(lambda: "1 conversation ·" in hint(app))
        assert "And the browser reconnects by itself." in lines_of(app, "Streaming basics")[1]
        strip = picker(app).rows.render_line(1)
        picker(app).rows.show(1, 0, [picker(app).rows.entry], highlighted=5)  # type: ignore[list-item]
        await pilot.press("enter")
        await wait_until(lambda: app.results == [Choice(SHELF[0].id, 7, "reconnects")])
        underlined = "".join(segment.text for segment in strip if segment.style and segment.style.underline)
        assert underlined == "reconnects"


async def test_a_title_found_opens_at_the_end() -> None:
    async with shown(FakeLibrary(*SHELF)) as (app, pilot):
        await pilot.press(*"yeast", "enter")
        await wait_until(lambda: app.results == [Choice(SHELF[4].id)])


async def test_nothing_found_is_said() -> None:
    async with shown(FakeLibrary(*SHELF)) as (app, pilot):
        await pilot.press(*"zzz")
        await wait_until(lambda: "Nothing has these words." in screen_text(app))
        await pilot.press("enter")
        assert app.results == []
        await pilot.press("backspace", "backspace", "backspace")
        await wait_until(lambda: "6 conversations" in hint(app))


async def test_the_next_key_replaces_a_slow_search() -> None:
    library = FakeLibrary(*SHELF)
    library.holds["b"] = asyncio.Event()
    async with shown(library) as (app, pilot):
        await pilot.press("b")
        await wait_until(lambda: ("b", PAGE, 0) in library.asked)
        assert "6 conversations" in hint(app), "what was listed stays until there is something else"
        await pilot.press("r")
        await wait_until(lambda: library.given_up == ["b"])
        await wait_until(lambda: "2 conversations" in hint(app))
        assert highlighted(app) == "Streaming basics"


async def test_enter_waits_for_what_was_typed() -> None:
    library = FakeLibrary(*SHELF)
    library.holds["parser"] = asyncio.Event()
    async with shown(library) as (app, pilot):
        await pilot.press(*"parser")
        await wait_until(lambda: ("parser", PAGE, 0) in library.asked)
        await pilot.press("ctrl+d", "enter")
        assert app.results == []
        assert len(library.rows) == len(SHELF), "nothing is deleted that is not what was looked for"
        library.holds["parser"].set()
        await wait_until(lambda: app.results == [Choice(SHELF[1].id)])


async def test_more_is_found_at_the_end_of_what_was_found() -> None:
    library = FakeLibrary(*(row(number + 1) for number in range(PAGE + 20)))
    async with shown(library, words="conversation") as (app, pilot):
        await wait_until(lambda: f"{PAGE}+ conversations" in hint(app))
        await pilot.press("ctrl+end")
        await wait_until(lambda: f"{PAGE + 20} conversations" in hint(app))
        assert highlighted(app) == f"Conversation {PAGE}"


# -- rename, pin, delete ---------------------------------------------------------------------------


async def test_a_title_is_changed_in_its_place() -> None:
    library = FakeLibrary(*SHELF)
    async with shown(library) as (app, pilot):
        await pilot.press("down", "ctrl+r")
        await wait_until(lambda: "Enter takes the title" in hint(app))
        title = app.screen.query_one("#conversation-title")
        line = picker(app).rows.region.y + picker(app).rows.line_of(1)
        await wait_until(lambda: title.region.y == line, what="the line of the old title")
        await pilot.press("end", *" again", "enter")
        await wait_until(lambda: library.rows[1].title == "A parser for dates again")
        assert "A parser for dates again" in lines_of(app, "A parser")[0]
        await pilot.press("ctrl+r", *"no", "escape")
        assert library.rows[1].title == "A parser for dates again"
        assert app.results == []
        await pilot.press("enter")
        await wait_until(lambda: app.results == [Choice(SHELF[1].id)])


async def test_a_title_of_nothing_changes_nothing() -> None:
    library = FakeLibrary(*SHELF)
    async with shown(library) as (app, pilot):
        await pilot.press("ctrl+r", "ctrl+u", "enter")
        await wait_until(lambda: "6 conversations" in hint(app))
        assert library.rows[0].title == "Streaming basics"


async def test_a_deleted_one_comes_back() -> None:
    library = FakeLibrary(*SHELF)
    async with shown(library) as (app, pilot):
        await pilot.press("down", "ctrl+d")
        await wait_until(lambda: "Ctrl+Z brings it back" in hint(app))
        await wait_until(lambda: highlighted(app) == "Words for a letter")
        assert "A parser" not in "\n".join(screen_text(app).split("\n")[:-6])
        assert len(library.rows) == 5
        await pilot.press("ctrl+z")
        await wait_until(lambda: "is back" in hint(app) and "A parser for dates" in screen_text(app))
        assert [one.id for one in library.rows] == [one.id for one in SHELF]
        await wait_until(lambda: highlighted(app) == "Words for a letter")


async def test_the_last_one_can_be_deleted() -> None:
    library = FakeLibrary(SHELF[0])
    async with shown(library) as (app, pilot):
        await pilot.press("ctrl+d")
        await wait_until(lambda: "Nothing is stored yet." in screen_text(app))


async def test_what_another_window_has_open_is_not_deleted() -> None:
    library = FakeLibrary(*SHELF)
    async with shown(library) as (app, pilot):
        await pilot.press("down", "down", "down", "ctrl+d")
        await wait_until(lambda: "open in another window" in hint(app))
        assert len(library.rows) == len(SHELF)


async def test_a_pinned_one_goes_to_the_top_and_the_highlight_with_it() -> None:
    library = FakeLibrary(*SHELF)
    async with shown(library) as (app, pilot):
        await pilot.press("down", "down", "down", "down", "ctrl+t")
        await wait_until(lambda: "stays at the top" in hint(app) and picker(app).rows.highlighted == 1)
        assert highlighted(app) == "Bread without yeast"
        await pilot.press("ctrl+t")
        await wait_until(lambda: "no longer at the top" in hint(app) and picker(app).rows.highlighted == 4)
        assert highlighted(app) == "Bread without yeast"


# -- in the chat, over a real store ----------------------------------------------------------------


@asynccontextmanager
async def keeping(folder: Path, *replies: str, resume: str = "", model: str = "fake/one") -> AsyncGenerator[Stage]:
    """The application over the store in `folder`; the model answers with `replies`."""
    provider = FakeProvider(lambda: 1000.0)
    for reply in replies:
        provider.add(answer(reply))
    journal = Journal(lambda on_problem: ConversationStore.open(folder / "state", on_problem=on_problem))
    try:
        async with stage(model, folder, provider=provider, journal=journal, resume=resume) as on:
            yield on
    finally:
        assert journal.close(10)


async def listed(on: Stage) -> ConversationsScreen:
    """The picker of the application, when it lists something."""
    await wait_until(lambda: isinstance(on.app.screen, ConversationsScreen), what="the picker")
    screen = on.app.screen
    assert isinstance(screen, ConversationsScreen)
    await wait_until(lambda: screen.rows.entry is not None, what="rows")
    return screen


def fill(folder: Path, *titles: str) -> list[str]:
    """Conversations of one turn; their ids."""
    with opened(folder / "state") as store:
        ids = [chat(store, f"question about {title}", f"reply about {title}", title) for title in titles]
        flushed(store)
    return ids


async def shows(on: Stage, text: str) -> None:
    await wait_until(lambda: text in on.text, what=text)


async def test_a_conversation_is_found_opened_and_gone_on_with(tmp_path: Path) -> None:
    async with keeping(tmp_path, "Rivers run.", "They do.") as on:
        await on.ask("Tell me about rivers")
        await on.until_done()
        await on.pilot.press("ctrl+n")
        await on.settle()
        assert on.text.strip() == ""
        await on.pilot.press("f3")
        await listed(on)
        await on.pilot.press("enter")
        await shows(on, "Rivers run.")
        assert on.app.screen is on.chat
        assert "Tell me about rivers" in on.screen_text.split("\n")[0]
        await on.ask("Really?")
        await on.until_done()
        sent = on.requests[-1].messages
        assert [m.text for m in sent] == ["Tell me about rivers", "Rivers run.", "Really?"]


async def test_what_was_found_is_led_to_and_marked(tmp_path: Path) -> None:
    filler = "\n\n".join(f"Paragraph {number} of many." for number in range(60))
    with opened(tmp_path / "state") as store:
        conversation_id = chat(store, "long", f"{filler}\n\nThe heron waits.\n\n{filler}", "Birds")
        store.put_message(conversation_id, user(3, "and?", 2))
        store.settle(conversation_id, stored_answer(4, filler, 3))
        flushed(store)
    async with keeping(tmp_path) as on:
        await on.ask("/sessions heron")
        await listed(on)
        await on.pilot.press("enter")
        await shows(on, "The heron waits.")
        await wait_until(lambda: "1 of 1" in on.chat.find_bar.count)
        assert on.chat.transcript.marked_id == 2
        await on.pilot.press("escape")
        await on.settle()
        assert "The heron waits." in on.text, "the reader stays where they were led to"


async def test_a_place_in_another_branch_is_shown(tmp_path: Path) -> None:
    with opened(tmp_path / "state") as store:
        conversation_id = chat(store, "question", "The first answer: quince.", "Fruit")
        store.settle(conversation_id, stored_answer(3, "The second answer: medlar.", 1))
        flushed(store)
    async with keeping(tmp_path, resume=conversation_id) as on:
        await shows(on, "medlar")
        await on.ask("/resume quince")
        await listed(on)
        await on.pilot.press("enter")
        await shows(on, "quince")
        assert "medlar" not in on.text


@pytest.mark.parametrize("beginning", [32, 12])
async def test_the_command_line_names_one(tmp_path: Path, beginning: int) -> None:
    ids = fill(tmp_path, "apples", "pears")
    async with keeping(tmp_path, resume=ids[0][:beginning]) as on:
        await shows(on, "reply about apples")


async def test_the_command_line_takes_the_last_one(tmp_path: Path) -> None:
    fill(tmp_path, "apples", "pears")
    async with keeping(tmp_path, resume="last") as on:
        await shows(on, "reply about pears")


async def test_the_command_line_lets_one_choose(tmp_path: Path) -> None:
    fill(tmp_path, "apples", "pears")
    async with keeping(tmp_path, resume="pick") as on:
        await listed(on)
        await on.pilot.press("down", "enter")
        await shows(on, "reply about apples")


@pytest.mark.parametrize(
    ("wanted", "sentence"),
    [("last", "no conversation to go on with"), ("f" * 32, "There is no conversation"), ("zz", "is no ID")],
)
async def test_what_is_not_there_is_said_and_a_new_one_begins(tmp_path: Path, wanted: str, sentence: str) -> None:
    async with keeping(tmp_path, "Yes.", resume=wanted) as on:
        await wait_until(lambda: sentence in on.screen_text, what=sentence)
        await on.ask("Does it work?")
        await on.until_done()
        assert "Yes." in on.text


async def test_the_model_of_the_conversation_answers(tmp_path: Path) -> None:
    with opened(tmp_path / "state") as store:
        conversation_id = chat(store)
        store.settle(conversation_id, replace(stored_answer(4, "by another", 1), model="fake/two"))
        flushed(store)
    async with keeping(tmp_path, resume="last") as on:
        await shows(on, "by another")
        assert on.session.model_id == "fake/two"
        assert "fake/two" in on.screen_text.split("\n")[0]


async def test_a_model_that_is_not_there_is_said(tmp_path: Path) -> None:
    fill(tmp_path, "apples")  # answered by mine/model, which nobody has
    async with keeping(tmp_path, resume="last") as on:
        await shows(on, "mine/model is not there;")
        assert on.session.model_id == "fake/one"


async def test_an_answer_cut_by_a_crash_has_its_seam(tmp_path: Path) -> None:
    with opened(tmp_path / "state") as store:
        conversation_id = chat(store)
        store.settle(conversation_id, stored_answer(5, "It was going to", 1, Outcome.INTERRUPTED))
        flushed(store)
    async with keeping(tmp_path, " continue.", resume="last") as on:
        await shows(on, "It was going to")
        assert "c continue" in on.text
        await on.pilot.press("tab", "c")
        await on.until_done()
        assert "It was going to continue." in on.text


async def test_a_conversation_open_twice_is_said(tmp_path: Path) -> None:
    (conversation_id,) = fill(tmp_path, "apples")
    with opened(tmp_path / "state") as other:
        assert other.hold(conversation_id)
        async with keeping(tmp_path, "Mine.", resume="last") as on:
            await shows(on, "open in another window, too")
            await on.ask("question")
            await on.until_done()
            other.put_message(conversation_id, Message(77, Role.USER, (TextPart("theirs"),), 2))
            flushed(other)
        stored = await other.load(conversation_id)
        assert {"question", "Mine.", "theirs"} <= {message.text for message in stored.messages}


async def test_nothing_is_opened_while_an_answer_runs(tmp_path: Path) -> None:
    fill(tmp_path, "apples")
    async with keeping(tmp_path, model="demo/slow") as on:
        on.clock.stop_at_s = 3.2
        await on.ask("Are you there?")
        await on.until_standing()
        await on.pilot.press("f3")
        await listed(on)
        await on.pilot.press("down", "enter")
        await wait_until(lambda: "still running" in on.status)
        assert on.session.is_running


async def test_the_open_one_is_deleted_and_undone(tmp_path: Path) -> None:
    async with keeping(tmp_path, "Rivers run.") as on:
        await on.ask("Tell me about rivers")
        await on.until_done()
        conversation_id = on.session.conversation.id
        await on.pilot.press("f3")
        await listed(on)
        await on.pilot.press("ctrl+d")
        await wait_until(lambda: "Nothing is stored yet." in on.screen_text)
        assert on.session.conversation.id == ""
        assert on.text.strip() == ""
        await on.pilot.press("escape")
        await on.ask("/undo")
        await shows(on, "Rivers run.")
        assert on.session.conversation.id == conversation_id
        store = on.session.journal.store
        assert store is not None
        assert len((await store.load(conversation_id)).messages) == 2


async def test_another_one_is_deleted_and_undone(tmp_path: Path) -> None:
    ids = fill(tmp_path, "apples", "pears")
    async with keeping(tmp_path) as on:
        await on.pilot.press("f3")
        await listed(on)
        await on.pilot.press("ctrl+d", "escape")
        store = on.session.journal.store
        assert store is not None
        assert [one.id for one in await store.recent()] == ids[:1]
        await on.ask("/undo")
        await wait_until(lambda: "is back" in on.status)
        assert [one.id for one in await store.recent()] == ids[::-1]


async def test_a_title_of_ones_own(tmp_path: Path) -> None:
    async with keeping(tmp_path, "Rivers run.") as on:
        await on.ask("/rename Before anything")
        await on.ask("Tell me about rivers")
        await on.until_done()
        assert "Before anything" in on.screen_text.split("\n")[0]
        await on.pilot.press("tab", "T")
        assert on.chat.prompt.text == "/rename Before anything"
        await on.ask("/rename Rivers, mostly")
        store = on.session.journal.store
        assert store is not None
        stored = await store.load(on.session.conversation.id)
        assert (stored.title, stored.is_title_own) == ("Rivers, mostly", True)
        await on.pilot.press("f3")
        await listed(on)
        await on.pilot.press("ctrl+r", "ctrl+u", *"Water", "enter", "escape")
        await wait_until(lambda: "Water" in on.screen_text.split("\n")[0])


async def test_without_a_store_it_is_said(tmp_path: Path) -> None:
    async with stage("demo/markdown", tmp_path) as on:
        await on.pilot.press("f3")
        await wait_until(lambda: "not kept" in on.status)
