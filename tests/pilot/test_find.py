"""Searching the conversation on a real screen: where it leads, what it marks, what it says, and the way back."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest
from rich.style import Style

from chat_tui.core.conversation import Conversation, Message, Part, ReasoningPart, Role, TextPart
from chat_tui.core.find import Query
from chat_tui.providers.demo_scripts import DEMOS
from chat_tui.ui.theme import THEMES
from tests.support.answer_rows import COMPLETE
from tests.support.stage import Stage, stage
from tests.support.waiting import wait_until

STYLES = THEMES["dark"].styles


def history(on: Stage, *turns: str | Sequence[Part]) -> tuple[Message, ...]:
    """Put a conversation on the stage: questions and answers by turns."""
    conversation: Conversation = on.session.conversation
    for number, turn in enumerate(turns):
        parts = (TextPart(turn),) if isinstance(turn, str) else tuple(turn)
        role = Role.ASSISTANT if number % 2 else Role.USER
        conversation.append(role, parts, ending=COMPLETE if number % 2 else None)
    on.chat.transcript.show_messages(conversation.path())
    return conversation.path()


def filler(word: str, count: int = 40) -> str:
    return "".join(f"{word} paragraph {number}.\n\n" for number in range(count))


async def find(on: Stage, words: str) -> None:
    """Ctrl+F and type."""
    await on.pilot.press("ctrl+f")
    await type_words(on, words)


async def type_words(on: Stage, words: str) -> None:
    await on.pilot.press(*("space" if character == " " else character for character in words))
    await found(on)


async def found(on: Stage) -> None:
    """Until everything is counted and painted."""
    await on.settle()
    await wait_until(lambda: not on.chat.is_finding, what="the end of the search")
    await on.settle()


def marked(on: Stage, style: Style) -> list[str]:
    """The texts in view that are highlighted so, from above."""
    texts: list[str] = []
    for strip in on.screen[1 : 1 + on.chat.transcript.size.height]:
        at = -1
        for text, own, _ in strip:
            if own is not None and own.bgcolor == style.bgcolor and own.color == style.color:
                if at == 0:
                    texts[-1] += text
                else:
                    texts.append(text)
                at = 0
            else:
                at = -1
    return texts


def here(on: Stage) -> list[str]:
    return marked(on, STYLES.match_here)


def others(on: Stage) -> list[str]:
    return marked(on, STYLES.match)


def count(on: Stage) -> str:
    return on.chat.find_bar.count


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


async def test_all_matches_in_view_are_marked_and_one_stands_out(tmp_path: Path) -> None:
    async with stage("demo/markdown", tmp_path, size=(80, 24)) as on:
        history(on, "A Needle", "needle, **nee**dle and `needle`; no need")
        await on.settle()
        await find(on, "needle")
        assert count(on) == "4 of 4"
        assert here(on) == ["needle"]
        assert others(on) == ["Needle", "needle", "needle"]
        await on.pilot.press("backspace", "backspace", "backspace", "backspace", "backspace", "backspace")
        await type_words(on, "Needle")
        assert count(on) == "1 of 1"
        assert here(on) == ["Needle"]
        assert others(on) == []


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


async def test_across_a_wrapped_line(tmp_path: Path) -> None:
    async with stage("demo/markdown", tmp_path, size=(60, 20)) as on:
        history(on, "Q", "> 1. " + "many words " * 4 + "**split needle** and behind")
        await on.settle()
        await find(on, "split needle")
        assert count(on) == "1 of 1"
        assert [text.strip() for text in here(on)] == ["split", "needle"]
        assert next(row for row in on.rows if "needle" in row).startswith("  ▎     needle")


@pytest.mark.parametrize(
    ("text", "words", "shown"),
    [
        ("Die Straße.", "strasse", "Straße"),
        ("日本語です", "本語", "本語"),
        ("x👩‍🔧y", "👩", "👩‍🔧"),
        ("İx y", "x y", "x y"),
    ],
)
async def test_marks_are_where_the_words_are(tmp_path: Path, text: str, words: str, shown: str) -> None:
    async with stage("demo/markdown", tmp_path, size=(60, 20)) as on:
        history(on, "Q", text)
        await on.settle()
        await on.pilot.press("ctrl+f")
        on.chat.find_bar.input.value = words
        await found(on)
        assert count(on) == "1 of 1"
        assert here(on) == [shown]


async def test_in_code_and_tables(tmp_path: Path) -> None:
    async with stage("demo/markdown", tmp_path, size=(80, 24)) as on:
        history(on, "Q", "```python\ncopy = needle(1)\n```\n\n| a | needle |\n|---|---|\n| b | copy |\n")
        await on.settle()
        await find(on, "needle")
        assert count(on) == "2 of 2"
        await on.pilot.press("escape")
        await find(on, "copy")
        assert count(on) == "2 of 2"


async def test_beyond_the_right_edge(tmp_path: Path) -> None:
    async with stage("demo/markdown", tmp_path, size=(60, 20)) as on:
        history(on, "Q", f"```\nneedle 1 {'x ' * 60}needle 2 {'x ' * 60}\n```\n")
        on.chat.transcript.toggle_wrap()
        await on.settle()
        assert "needle 2" not in on.text
        await find(on, "needle")
        assert count(on) == "2 of 2"
        assert here(on) == ["needle"]
        assert "needle 2" in on.text
        await on.pilot.press("up")
        await found(on)
        assert here(on) == ["needle"]
        assert "needle 1" in on.text


async def test_thinking_is_unfolded_when_it_is_gone_to(tmp_path: Path) -> None:
    async with stage("demo/reasoning", tmp_path, size=(80, 24)) as on:
        history(on, "Q", (ReasoningPart("A hidden needle.", 1.0), TextPart("The answer.")))
        await on.settle()
        assert "hidden" not in on.text
        await find(on, "needle")
        assert count(on) == "1 of 1"
        assert "A hidden needle." in on.text
        assert here(on) == ["needle"]


async def test_seams_and_notices_are_not_searched(tmp_path: Path) -> None:
    async with stage("demo/cut", tmp_path, size=(80, 24)) as on:
        await on.ask("Anybody there?")
        await on.until_done()
        assert "retry" in on.text
        assert "scripted" in on.text
        for words in ("retry", "scripted"):
            await find(on, words)
            assert count(on) == "nothing found"
            await on.pilot.press("escape")


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


async def test_a_resize_keeps_the_match(tmp_path: Path) -> None:
    async with stage("demo/markdown", tmp_path, size=(100, 24)) as on:
        history(on, "needle 1", filler("needle " * 8), "needle", "end")
        await on.settle()
        await find(on, "needle")
        await on.pilot.press("up", "up")
        await found(on)
        said = count(on)
        await on.pilot.resize_terminal(60, 20)
        await on.settle()
        await found(on)
        assert count(on) == said
        assert here(on) == ["needle"]


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
