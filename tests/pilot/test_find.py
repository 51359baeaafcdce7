"""Searching the conversation on a real screen: where it leads, what it says, what it costs, and the way back."""

from __future__ import annotations

from pathlib import Path

import pytest

from chat_tui.core.find import Query
from chat_tui.providers.demo_scripts import DEMOS
from tests.support.finding import count, filler, find, found, here, history, others, type_words
from tests.support.stage import stage
from tests.support.waiting import wait_until


async def test_it_leads_up_from_where_the_reader_is(tmp_path: Path) -> None:
    async with stage("demo/markdown", tmp_path, size=(80, 24)) as on:
        history(on, "One needle here", filler("first"), "No. 2", "A needle\n\n" + filler("second"))
        await on.settle()
        await find(on, "needle")
        assert count(on) == "2 of 2"
        assert here(on) == ["needle"]
        assert "A needle" in on.text
        assert on.chat.transcript.marked_id == 4
        await on.pilot.press("up")
        await found(on)
        assert count(on) == "1 of 2"
        assert "One needle here" in on.text
        assert on.chat.transcript.marked_id == 1
        await on.pilot.press("up")
        await found(on)
        assert count(on) == "2 of 2"
        await on.pilot.press("down")
        await found(on)
        assert count(on) == "1 of 2"


async def test_escape_leads_back_to_the_end(tmp_path: Path) -> None:
    async with stage("demo/markdown", tmp_path, size=(80, 24)) as on:
        history(on, "One needle here", filler("first"))
        await on.settle()
        before = on.rows
        await find(on, "needle")
        assert not on.chat.transcript.is_following
        await on.pilot.press("escape")
        await on.settle()
        assert on.rows == before
        assert on.chat.transcript.is_following
        assert on.chat.prompt.has_focus
        assert here(on) == others(on) == []


async def test_escape_leads_back_to_where_the_reader_was(tmp_path: Path) -> None:
    async with stage("demo/markdown", tmp_path, size=(80, 24)) as on:
        history(on, "One needle here", filler("first"))
        await on.settle()
        await on.pilot.press("tab", "pageup")
        await on.settle()
        before = on.rows
        await find(on, "needle")
        assert on.rows[:5] != before[:5]
        await on.pilot.press("escape")
        await on.settle()
        assert on.rows == before
        assert not on.chat.transcript.is_following
        assert on.chat.transcript.has_focus


async def test_enter_keeps_the_place_and_n_goes_on(tmp_path: Path) -> None:
    async with stage("demo/markdown", tmp_path, size=(80, 24)) as on:
        history(on, "needle 1", "needle 2\n\n" + filler("first") + "needle 3", "needle 4")
        await on.settle()
        await find(on, "needle")
        assert count(on) == "4 of 4"
        await on.pilot.press("enter")
        await on.settle()
        assert on.chat.transcript.has_focus
        assert on.chat.find_bar.is_open
        seen: list[str] = []
        for key in ("N", "shift+enter", "N", "n", "enter", "n", "n"):
            await on.pilot.press(key)
            await found(on)
            seen.append(count(on))
        assert seen == [f"{number} of 4" for number in (3, 2, 1, 2, 3, 4, 1)]
        before = on.rows
        await on.pilot.press("escape")
        await on.settle()
        assert on.rows[: len(before)] == before
        assert not on.chat.find_bar.is_open
        assert here(on) == others(on) == []
        await on.pilot.press("n")
        assert "Nothing is searched for" in on.status


async def test_nothing_found_moves_nothing(tmp_path: Path) -> None:
    async with stage("demo/markdown", tmp_path, size=(80, 24)) as on:
        history(on, "A question", filler("first"))
        await on.settle()
        await on.pilot.press("ctrl+f")
        await on.settle()
        before = on.rows
        await type_words(on, "zzz")
        assert count(on) == "nothing found"
        assert on.rows == before
        assert here(on) == []
        await on.pilot.press("enter", "down")
        await found(on)
        assert on.rows == before
        assert on.chat.find_bar.is_typing


async def test_no_words_are_no_search(tmp_path: Path) -> None:
    async with stage("demo/markdown", tmp_path, size=(80, 24)) as on:
        history(on, "A question", filler("first"))
        await on.settle()
        await find(on, "f")
        assert here(on)
        await on.pilot.press("backspace")
        await found(on)
        assert count(on) == ""
        assert here(on) == others(on) == []
        await on.pilot.press("enter")
        await on.settle()
        assert not on.chat.find_bar.is_open
        assert on.chat.transcript.is_following


async def test_new_text_is_counted_and_the_view_stays(tmp_path: Path) -> None:
    async with stage("demo/markdown", tmp_path, size=(80, 24)) as on:
        on.clock.stop_at_s = 4.0
        await on.ask("Go on")
        await on.until_standing()
        await find(on, "e")
        before, rows = on.chat.search.total, on.rows
        assert before > 5
        on.clock.stop_at_s = 9.0
        await wait_until(lambda: on.clock.elapsed_s > 8.9)
        await on.until_standing()
        assert on.rows[:-1] == rows[:-1]
        on.chat._on_tick()
        await found(on)
        assert on.chat.search.total > before
        looked_into = on.chat.search.rendered_count
        on.chat._on_tick()
        await found(on)
        assert on.chat.search.rendered_count <= looked_into + 3  # the tail, and where in it the match is
        on.clock.stop_at_s = float("inf")
        await on.until_done()
        await found(on)
        assert on.rows[:-1] == rows[:-1]
        last = on.chat.search.total
        assert on.answer == DEMOS["markdown"].answer
        await on.pilot.press("escape", "ctrl+f")
        await found(on)
        assert on.chat.search.total == last
        await on.pilot.press("down")
        await found(on)
        assert on.chat.search.number is not None


async def test_the_command_leaves_the_keys_in_the_messages(tmp_path: Path) -> None:
    async with stage("demo/markdown", tmp_path, size=(80, 24)) as on:
        history(on, "needle 1", "needle 2")
        await on.settle()
        await on.ask("/find needle")
        await found(on)
        assert count(on) == "2 of 2"
        assert on.chat.transcript.has_focus
        await on.pilot.press("n")
        await found(on)
        assert count(on) == "1 of 2"
        await on.pilot.press("/")
        await on.settle()
        assert on.chat.find_bar.is_typing
        assert on.chat.find_bar.input.selected_text == "needle"


async def test_the_words_of_last_time_are_there_to_be_taken(tmp_path: Path) -> None:
    async with stage("demo/markdown", tmp_path, size=(80, 24)) as on:
        history(on, "needle 1", filler("first") + "needle 2\n\n" + filler("last", 4))
        await on.settle()
        await find(on, "needle")
        await on.pilot.press("escape", "ctrl+f")
        await found(on)
        before = [row[2:] for row in on.rows]
        assert count(on) == "2 found"
        assert others(on) == ["needle"]
        assert here(on) == []
        await on.pilot.press("enter")
        await found(on)
        assert count(on) == "2 of 2"
        assert [row[2:] for row in on.rows] == before
        assert on.chat.transcript.has_focus
        await on.pilot.press("ctrl+f", "e")
        await found(on)
        assert on.chat.find_bar.input.value == "e"


async def test_a_new_conversation_ends_the_search(tmp_path: Path) -> None:
    async with stage("demo/markdown", tmp_path, size=(80, 24)) as on:
        history(on, "needle 1", "needle 2")
        await on.settle()
        await find(on, "needle")
        await on.pilot.press("ctrl+n")
        await on.settle()
        assert not on.chat.find_bar.is_open
        assert not on.chat.search.is_active
        assert on.chat.prompt.has_focus


async def test_escape_in_the_composer_stops_the_answer_first(tmp_path: Path) -> None:
    async with stage("demo/markdown", tmp_path, size=(80, 24)) as on:
        on.clock.stop_at_s = 4.0
        await on.ask("Go on")
        await on.until_standing()
        await find(on, "e")
        assert "Esc back" in on.status
        await on.pilot.press("enter")
        on.chat.prompt.focus()
        await on.settle()
        assert "Esc stop" in on.status
        await on.pilot.press("escape")
        assert not on.session.is_running
        assert on.chat.find_bar.is_open
        await on.pilot.press("escape")
        assert not on.chat.find_bar.is_open


async def test_a_long_conversation_is_searched_in_slices(tmp_path: Path) -> None:
    async with stage("demo/markdown", tmp_path, size=(80, 24)) as on:
        turns = [filler(f"word{number % 7}", 20) for number in range(200)]
        history(on, *turns)
        await on.settle()
        await on.pilot.press("ctrl+f", "w")
        await found(on)
        looked_into = on.chat.search.rendered_count
        assert on.chat.search.total == 200 * 20
        assert on.chat.slice_count > 0
        await type_words(on, "ord3")
        assert on.chat.search.total == sum(text.count("word3") for text in turns)
        assert on.chat.search.rendered_count == looked_into


async def test_what_goes_away_while_it_is_counted_is_no_fault(tmp_path: Path) -> None:
    async with stage("demo/markdown", tmp_path, size=(80, 24)) as on:
        turns = [filler(f"word{number % 7}", 20) for number in range(40)]
        messages = history(on, *turns)
        await on.settle()
        search = on.chat.search
        search.look_for("word")
        steps = search.count()
        for _ in range(5):
            next(steps)
        for message in reversed(messages[2:]):
            on.chat.transcript.drop_from(message.id)
            next(steps, None)
        for _ in steps:
            pass
        assert search.refresh() is False
        assert search.total == 40


async def test_an_answer_that_is_asked_for_again(tmp_path: Path) -> None:
    async with stage("demo/markdown", tmp_path, size=(80, 24)) as on:
        await on.ask("Go on")
        await on.until_done()
        await find(on, "token")
        before = count(on)
        await on.pilot.press("enter", "r")
        await on.until_done()
        await found(on)
        assert on.chat.search.total == int(before.split()[-1])
        await on.pilot.press("tab", "n")
        await found(on)
        assert here(on) == ["token"]
        assert "failed" not in on.text


async def test_a_frame_looks_at_what_is_new_in_view_however_long_the_answer(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    looked_at: list[int] = []
    find_in = Query.find

    def counting(query: Query, text: str) -> list[tuple[int, int]]:
        looked_at.append(len(text))
        return find_in(query, text)

    monkeypatch.setattr(Query, "find", counting)
    async with stage("demo/markdown", tmp_path, size=(80, 24)) as on:
        transcript, search = on.chat.transcript, on.chat.search
        transcript.begin_answer(1)
        search.look_for("many")
        cost: list[int] = []
        for number in range(400):
            looked_at.clear()
            transcript.feed("", f"Paragraph {number} has many words. " * 3 + "\n\n" * (number % 3 == 2))
            for y in range(transcript.size.height):
                transcript.render_line(y)
            for _ in search.count():
                pass
            cost.append(sum(looked_at))
        assert search.total == 1_200
        assert sum(cost[-100:]) < 1.5 * sum(cost[100:200])
