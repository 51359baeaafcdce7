"""A long conversation on a real screen: laid out around the view, and what is read stays where it is."""

from __future__ import annotations

import asyncio
import re
from pathlib import Path

from chat_tui.core.conversation import Message, Role, TextPart
from chat_tui.core.events import Connected, Finished, FinishReason, TextDelta
from tests.support.answer_rows import COMPLETE
from tests.support.fake_provider import FakeProvider
from tests.support.painted_rows import links_of, painted_rows, stale_rows
from tests.support.stage import stage
from tests.support.waiting import wait_until


def history(count: int, words: str = "with many words ") -> tuple[Message, ...]:
    """Questions, and answers of forty numbered lines."""
    return tuple(
        Message(n, Role.USER, (TextPart(f"question {n}"),))
        if n % 2
        else Message(n, Role.ASSISTANT, (TextPart("\n\n".join(f"line {n}.{k} {words * 4}" for k in range(40))),))
        for n in range(1, count + 1)
    )


def numbers_of(rows: list[str]) -> list[str]:
    """What of the numbered lines is in view, in order, without the prompts between them."""
    return [match[1] for row in rows if (match := re.search(r"line (\d+\.\d+) ", row))]


async def test_a_long_history_is_laid_out_around_the_view_and_then_everywhere(tmp_path: Path) -> None:
    messages = tuple(
        Message(n, Role.USER, (TextPart(f"question {n}"),))
        if n % 2
        else Message(n, Role.ASSISTANT, (TextPart(f"answer {n} " + "with many words " * 30),), ending=COMPLETE)
        for n in range(1, 201)
    )
    async with stage("demo/markdown", tmp_path, size=(80, 24)) as on:
        on.chat.transcript.show_messages(messages)
        await on.settle()
        assert "answer 200" in on.text
        await on.pilot.press("ctrl+home")
        await on.settle()
        assert "question 1" in on.rows[1]
        await wait_until(lambda: "question 1" in on.rows[1] and stale_rows(on) == [])
        await on.pilot.press("ctrl+end")
        await on.settle()
        assert "answer 200" in on.text
        assert stale_rows(on) == []


async def test_a_page_up_is_a_page_wherever_nothing_was_laid_out_yet(tmp_path: Path) -> None:
    lines = [f"{n}.{k}" for n in range(2, 61, 2) for k in range(40)]
    async with stage("demo/markdown", tmp_path, size=(80, 24)) as on:
        transcript = on.chat.transcript
        transcript.show_messages(history(60))
        await on.settle()
        seen = numbers_of(on.rows)
        assert seen[-1] == "60.39"
        for _ in range(60):
            transcript.scroll_page_up(animate=False)
            await on.pilot.pause(0)
            assert stale_rows(on) == []
            above = numbers_of(on.rows)
            at = lines.index(above[0])
            assert [*above, *seen] == lines[at : at + len(above) + len(seen)]
            seen = above


async def test_idle_work_does_not_move_what_is_read_and_ends(tmp_path: Path) -> None:
    async with stage("demo/markdown", tmp_path, size=(80, 24)) as on:
        transcript = on.chat.transcript
        transcript.show_messages(history(60))
        await on.settle()
        for y in (700, 1900, 300):
            transcript.scroll_to(y=y, animate=False, immediate=True)
            before = on.rows
            rows_before = transcript.virtual_size.height
            await wait_until(lambda: not transcript.is_idle_work_due)
            await on.settle()
            assert transcript.virtual_size.height != rows_before
            assert on.rows == before
            assert stale_rows(on) == []
            await on.pilot.resize_terminal(70, 24)
            await wait_until(lambda: not transcript.is_idle_work_due)
            await on.settle()
            assert numbers_of(on.rows)[0] in numbers_of(before)[:2]
            await on.pilot.resize_terminal(80, 24)
            await wait_until(lambda: not transcript.is_idle_work_due)


async def test_links_that_are_only_known_at_the_end_do_not_move_what_is_read(tmp_path: Path) -> None:
    gate = asyncio.Event()
    provider = FakeProvider(lambda: 0.0)
    used = "See [a long description of it][g] and [another such description][g] first.\n\n" * 12
    provider.add(
        [
            Connected(),
            TextDelta(used + "".join(f"Paragraph {n}.\n\n" for n in range(60))),
            gate,
            TextDelta("[g]: https://guide.example/" + "long/" * 20 + "\n\nThe end."),
            Finished(FinishReason.STOP),
        ]
    )
    async with stage("fake/one", tmp_path, provider=provider, size=(60, 20)) as on:
        await on.ask("Go on")
        await wait_until(lambda: "Paragraph 59" in on.text)
        await on.settle()
        await on.pilot.press("pageup", "pageup")
        await on.settle()
        before = on.rows[:-1]
        gate.set()
        await on.until_done()
        assert on.rows[:-1] == before
        assert stale_rows(on) == []
        transcript = on.chat.transcript
        transcript.scroll_home(animate=False)
        await on.settle()
        assert "https://guide.example" in "".join(sorted(set().union(*map(links_of, painted_rows(on)))))


async def test_a_long_message_is_there_at_once_and_whole_soon(tmp_path: Path) -> None:
    text = "".join(f"line 1.{number} of a long answer\n\n" for number in range(4_000)) + "The very end."
    async with stage("demo/markdown", tmp_path, size=(80, 24)) as on:
        transcript = on.chat.transcript
        transcript.show_messages((Message(1, Role.ASSISTANT, (TextPart(text),), ending=COMPLETE),))
        await on.settle()
        await wait_until(lambda: not transcript.is_idle_work_due)
        await on.settle()
        assert on.rows[-2].strip() == "The very end."
        assert stale_rows(on) == []
        transcript.scroll_home(animate=False)
        await on.settle()
        assert "line 1.0 " in on.rows[1]


async def test_dropping_what_is_read_goes_to_the_end(tmp_path: Path) -> None:
    async with stage("demo/markdown", tmp_path, size=(80, 24)) as on:
        transcript = on.chat.transcript
        transcript.show_messages(history(20))
        await on.settle()
        transcript.scroll_page_up(animate=False)
        await on.settle()
        transcript.drop_from(10)
        await on.settle()
        assert transcript.is_following
        assert "question 9" in on.rows[-2]
        assert list(transcript.message_ids) == list(range(1, 10))
        transcript.reveal(4, 3, align="top")
        transcript.drop_from(8)
        await on.settle()
        assert "line 4.3" in on.rows[1]
        assert stale_rows(on) == []


async def test_looking_into_messages_does_not_move_what_is_read(tmp_path: Path) -> None:
    async with stage("demo/markdown", tmp_path, size=(80, 24)) as on:
        transcript = on.chat.transcript
        transcript.show_messages(history(200))
        await on.settle()
        transcript.reveal(120, 5, align="top")
        await on.settle()
        before = on.rows
        for message_id in transcript.message_ids:
            pieces = transcript.pieces_of(message_id)
            assert len(pieces) == (1 if message_id % 2 else 40)
            assert len(transcript.rows_of(message_id, 0)) >= 2
        await wait_until(lambda: not transcript.is_idle_work_due)
        await on.settle()
        assert on.rows == before
        assert stale_rows(on) == []


async def test_the_cursor_goes_through_a_long_conversation(tmp_path: Path) -> None:
    async with stage("demo/markdown", tmp_path, size=(80, 24)) as on:
        transcript = on.chat.transcript
        transcript.show_messages(history(200))
        await on.settle()
        await on.pilot.press("tab")
        assert transcript.marked_id == 200
        for expected in (199, 198, 197):
            transcript.move_cursor(-1)
            await on.settle()
            assert transcript.marked_id == expected
            assert f"question {expected}" in on.text if expected % 2 else f"line {expected}.0 " in on.text
        transcript.move_cursor(-500)
        await on.settle()
        assert transcript.marked_id == 1
        assert "question 1" in on.rows[1]
        assert stale_rows(on) == []
