"""The picker of conversations: pages, search while typing, rename, pin, delete."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

from textual.pilot import Pilot

from chat_tui.core.errors import ChatError
from chat_tui.ui.screens.conversations import PAGE, Choice, ConversationsScreen
from tests.pilot.panels import HOSTILE, HOSTILE_VISIBLE, PanelApp, screen_text
from tests.support.library import NOW_S, SHELF, FakeLibrary, row
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


async def test_what_became_of_other_windows_is_looked_at_once_and_not_with_every_key() -> None:
    library = FakeLibrary(*SHELF)
    async with shown(library) as (app, pilot):
        await pilot.press(*"the")
        await wait_until(lambda: library.asked[-1][0] == "the")
        assert library.refresh_count == 1
        await pilot.press("escape")
    assert app.results == [None]


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
