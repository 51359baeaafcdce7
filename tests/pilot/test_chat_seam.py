"""Where an answer ended early: the seam, going on, asking again, going back to the question. And failures before
the first token."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from chat_tui.core.conversation import Outcome, Role
from chat_tui.core.errors import Fault, FaultKind
from chat_tui.core.events import (
    Connected,
    Finished,
    FinishReason,
    ReasoningDelta,
    StreamEvent,
    TextDelta,
    ToolArgumentsDelta,
    ToolCallEnded,
    ToolCallStarted,
)
from chat_tui.providers.demo_scripts import DEMOS
from chat_tui.ui.screens.details import DetailsScreen
from tests.pilot.panels import HOSTILE, HOSTILE_VISIBLE
from tests.support.fake_provider import FakeProvider, answer, failed
from tests.support.stage import Stage, stage
from tests.support.turns import REFUSED, asked
from tests.support.waiting import wait_until


def flat(on: Stage) -> str:
    return " ".join("\n".join(on.all_rows).split())


async def test_a_cut_shows_its_seam_and_keeps_the_text(tmp_path: Path) -> None:
    async with stage("demo/cut", tmp_path) as on:
        await asked(on)
        assert "╌╌ connection lost · " in on.text
        assert "c continue  r retry  e edit  d details" in on.text
        assert "● interrupted" in on.status
        assert on.answer.endswith("in the middle of a")
        rows = [row.strip() for row in on.rows]
        seam = next(i for i, row in enumerate(rows) if row.startswith("╌╌"))
        assert rows[seam - 1].endswith("in the middle of a")


async def test_continuing_joins_exactly(tmp_path: Path) -> None:
    async with stage("demo/cut", tmp_path) as on:
        await asked(on)
        await on.pilot.press("tab", "c")
        await on.until_done()
        tip = on.session.conversation.tip
        assert tip is not None
        assert tip.text == DEMOS["cut"].answer
        assert len(on.session.conversation) == 2
        assert "╌╌" not in "\n".join(on.all_rows)
        assert "restarted in the middle of a sentence. What has arrived stays" in flat(on)
        assert on.chat.prompt.has_focus
        await asked(on, "Next?")
        assert on.requests[-1].messages[1].text == DEMOS["cut"].answer


@pytest.mark.parametrize("stop_at_s", [0.6, 1.0, 1.7])
async def test_continuing_after_esc_joins_exactly(tmp_path: Path, stop_at_s: float) -> None:
    async with stage("demo/markdown", tmp_path) as on:
        on.clock.stop_at_s = stop_at_s
        await on.ask("Go")
        await on.until_standing()
        await on.pilot.press("escape")
        assert 0 < len(on.answer) < len(DEMOS["markdown"].answer)
        on.clock.stop_at_s = float("inf")
        await on.pilot.press("tab", "c")
        await on.until_done()
        tip = on.session.conversation.tip
        assert tip is not None
        assert tip.text == DEMOS["markdown"].answer
        continued = on.all_rows
        on.chat.transcript.show_messages(on.session.conversation.path())
        await on.settle()
        await wait_until(lambda: on.all_rows[-20:] == continued[-20:])


async def test_asking_again_keeps_both_answers(tmp_path: Path) -> None:
    async with stage("demo/cut", tmp_path) as on:
        await asked(on)
        first = on.session.conversation.tip
        assert first is not None
        await on.pilot.press("tab", "r")
        await on.until_done()
        second = on.session.conversation.tip
        assert second is not None
        assert second.id != first.id
        assert on.session.conversation.siblings(second.id) == (first, second)
        assert flat(on).count("An answer is complete when") == 1
        assert flat(on).count("Why?") == 1


async def test_esc_before_the_first_token_of_a_retry_brings_the_old_answer_back(tmp_path: Path) -> None:
    async with stage("demo/slow", tmp_path) as on:
        await asked(on)
        before = flat(on)
        on.clock.stop_at_s = on.clock.elapsed_s + 3.0
        await on.pilot.press("tab", "r")
        await on.until_standing()
        assert "even rhythm" not in flat(on)
        await on.pilot.press("escape")
        await on.settle()
        assert flat(on) == before.replace("This is a demo: the answers are scripted, no model is asked. ", "")
        assert on.chat.prompt.text == ""
        assert [m.role for m in on.session.conversation.path()] == [Role.USER, Role.ASSISTANT]


async def test_editing_brings_the_question_back(tmp_path: Path) -> None:
    async with stage("demo/cut", tmp_path) as on:
        await asked(on, "First version")
        await on.pilot.press("tab", "k", "e")
        await on.settle()
        assert on.chat.prompt.text == "First version"
        assert on.chat.prompt.has_focus
        assert "First version" not in on.text
        assert "connection lost" not in on.text
        on.chat.prompt.put("Second version")
        await on.pilot.press("enter")
        await on.until_done()
        assert [m.text for m in on.requests[-1].messages] == ["Second version"]
        assert "First version" not in on.text


async def test_the_details_tell_what_the_server_said(tmp_path: Path) -> None:
    async with stage("demo/error", tmp_path) as on:
        await asked(on)
        assert "╌╌ overloaded · " in on.text
        await on.pilot.press("tab", "d")
        await wait_until(lambda: isinstance(on.app.screen, DetailsScreen))
        await on.pilot.pause()
        assert "The server gave up in the middle of the answer" in on.screen_text
        assert "overloaded_error" in on.screen_text
        await on.pilot.press("escape")
        await wait_until(lambda: on.app.screen is on.chat)


async def test_a_failure_before_the_first_token_leaves_one_line_and_the_question(tmp_path: Path) -> None:
    provider = FakeProvider(lambda: 0.0)
    provider.add([failed(REFUSED)])
    provider.add(answer("Now it works."))
    async with stage("fake/one", tmp_path, provider=provider) as on:
        await asked(on, "Anybody?")
        assert on.chat.prompt.text == "Anybody?"
        shown = [row.strip() for row in on.rows if row.strip()]
        assert shown == ["401 from a.test: the key in MINE_API_KEY was refused. Check it."]
        assert on.session.conversation.path() == ()
        await on.pilot.press("tab", "d")
        await wait_until(lambda: isinstance(on.app.screen, DetailsScreen))
        await on.pilot.press("escape")
        on.chat.prompt.focus()
        await on.pilot.press("enter")
        await on.until_done()
        assert [m.text for m in on.requests[-1].messages] == ["Anybody?"]
        assert "Now it works." in on.text


async def test_a_failed_continuation_keeps_what_there_was(tmp_path: Path) -> None:
    provider = FakeProvider(lambda: 0.0)
    provider.add([Connected(), TextDelta("Half a "), failed()])
    provider.add([failed(REFUSED)])
    provider.add(answer("sentence."))
    async with stage("fake/one", tmp_path, provider=provider) as on:
        await asked(on)
        await on.pilot.press("tab", "c")
        await on.until_done()
        tip = on.session.conversation.tip
        assert tip is not None
        assert tip.text == "Half a "
        assert "Half a" in on.text
        assert "MINE_API_KEY was refused" in on.text
        assert on.chat.prompt.text == ""
        await on.pilot.press("tab", "c")
        await on.until_done()
        tip = on.session.conversation.tip
        assert tip is not None
        assert tip.text == "Half a sentence."
        assert "Half a sentence." in on.text


async def test_an_empty_answer_is_said(tmp_path: Path) -> None:
    provider = FakeProvider(lambda: 0.0)
    provider.add([Connected(), Finished(FinishReason.STOP)])
    async with stage("fake/one", tmp_path, provider=provider) as on:
        await asked(on)
        assert "The answer was empty." in on.text


async def test_the_token_limit_is_a_seam_with_its_reason(tmp_path: Path) -> None:
    provider = FakeProvider(lambda: 0.0)
    provider.add(answer("Too long", reason=FinishReason.LENGTH))
    async with stage("fake/one", tmp_path, provider=provider) as on:
        await asked(on)
        assert "╌╌ the token limit was reached · " in on.text


async def test_a_tool_call_is_shown_as_it_grows_and_not_run(tmp_path: Path) -> None:
    gate = asyncio.Event()
    events: list[StreamEvent | asyncio.Event | Exception] = [
        Connected(),
        TextDelta("Let me look."),
        ToolCallStarted("1", "call-1", "search"),
        ToolArgumentsDelta("1", '{"query": "tok'),
        gate,
        ToolArgumentsDelta("1", 'ens"}'),
        ToolCallEnded("1", '{"query": "tokens"}'),
        Finished(FinishReason.TOOL_CALLS),
    ]
    provider = FakeProvider(lambda: 0.0)
    provider.add(events)
    async with stage("fake/one", tmp_path, provider=provider) as on:
        await on.ask("Find it")
        await wait_until(lambda: '{"query": "tok' in on.text)
        assert "⚒ search (incomplete, not run)" in on.text
        gate.set()
        await on.until_done()
        assert "⚒ search (not run)" in on.text
        assert '{"query": "tokens"}' in on.text
        assert "the model asked for a tool" in on.text


async def test_thinking_is_open_while_it_lasts_and_folds_when_the_answer_begins(tmp_path: Path) -> None:
    async with stage("demo/reasoning", tmp_path) as on:
        on.clock.stop_at_s = 1.5
        await on.ask("How long?")
        await on.until_standing()
        assert "▾ thinking 1 s" in on.text
        assert "The question is how many tokens" in on.text
        on.clock.stop_at_s = 3.0
        await wait_until(lambda: on.clock.elapsed_s > 2.9)
        await on.until_standing()
        assert "▸ thought for 1.7 s" in on.text
        assert "The question is how many tokens" not in on.text
        assert "A page of about 500 words" in on.text
        on.clock.stop_at_s = float("inf")
        await on.until_done()
        await on.pilot.press("ctrl+t")
        await on.settle()
        assert "▾ thought for 1.7 s" in on.text
        assert "The question is how many tokens" in on.text
        await on.pilot.press("ctrl+t")
        await on.settle()
        assert "The question is how many tokens" not in on.text


@pytest.mark.parametrize("is_one_burst", [False, True])
async def test_reasoning_between_the_words_stays_in_its_place(tmp_path: Path, is_one_burst: bool) -> None:
    """However fast it comes, the screen has the order of the stream."""
    said = ("thought 1", "answer 1", "thought 2", "answer 2", "thought 3", "answer 3")
    gates = [asyncio.Event() for _ in said]
    provider = FakeProvider(lambda: 0.0)
    script: list[StreamEvent | asyncio.Event | Exception] = [Connected()]
    for words, gate in zip(said, gates, strict=True):
        script += [gate, ReasoningDelta(words) if words.startswith("thought") else TextDelta(words)]
    provider.add([*script, Finished(FinishReason.STOP)])
    async with stage("fake/one", tmp_path, provider=provider) as on:
        if is_one_burst:
            for gate in gates:
                gate.set()
        await on.ask("Think")
        runner = on.session.runner
        assert runner is not None
        for words, gate in zip(said, gates, strict=True):
            gate.set()
            await wait_until(lambda words=words: words in runner.state.text + runner.state.reasoning)
            if not is_one_burst:
                await wait_until(lambda: not runner.pending_chars)
        await on.until_done()
        await on.pilot.press("ctrl+t")
        await on.settle()
        assert [row for row in on.all_rows if row.startswith(("thought ", "answer "))] == list(said)


async def test_a_fold_that_the_reader_opened_stays_open_when_the_answer_ends(tmp_path: Path) -> None:
    async with stage("demo/reasoning", tmp_path) as on:
        on.clock.stop_at_s = 3.0
        await on.ask("How long?")
        await on.until_standing()
        assert "▸ thought for 1.7 s" in on.text
        await on.pilot.press("ctrl+t")
        await on.settle()
        assert "▾ thought for 1.7 s" in on.text
        on.clock.stop_at_s = float("inf")
        await on.until_done()
        assert "▾ thought for 1.7 s" in on.text
        assert "The question is how many tokens" in on.text


async def test_hostile_text_is_only_text_wherever_it_is_said(tmp_path: Path) -> None:
    hostile = Fault(FaultKind.SERVER, HOSTILE, HOSTILE, HOSTILE, code=HOSTILE)
    provider = FakeProvider(lambda: 0.0)
    provider.add([failed(hostile)])
    provider.add([Connected(), ReasoningDelta(HOSTILE), TextDelta(HOSTILE), failed(hostile)])
    async with stage("fake/one", tmp_path, provider=provider) as on:
        await asked(on, HOSTILE)
        assert HOSTILE_VISIBLE in on.text
        on.chat.say(HOSTILE)
        on.app.notify(HOSTILE, markup=False)
        on.chat.choose_model(HOSTILE)
        on.chat.choose_theme(HOSTILE)
        await on.settle()
        await asked(on, HOSTILE)
        await on.pilot.press("ctrl+t", "tab", "d")
        await on.settle()
        runner = on.session.runner
        assert runner is not None
        assert runner.ending is not None
        assert runner.ending.outcome is Outcome.INTERRUPTED
        screen = on.screen_text
        assert HOSTILE_VISIBLE.split()[1] in screen
        assert not {"\x1b", "\x07", "\u202e"} & set(screen)
        assert on.app.is_running
        assert on.app.return_code is None
