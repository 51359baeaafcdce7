"""What answers have cost: as counted, as estimated, added up when they go on, and nothing where nobody knows."""

from __future__ import annotations

import asyncio
from typing import cast

import pytest

from chat_tui.core.conversation import ChatRequest, Ending, FilePart, Message, Role, TextPart
from chat_tui.core.cost import Cost, CostSum, Prices, PriceSource, Use
from chat_tui.core.events import Connected, Finished, FinishReason, TextDelta, Usage, UsageReported
from chat_tui.core.outcome import Outcome
from chat_tui.providers.registry import ProviderRegistry
from chat_tui.session.charging import charged, joined, use_of
from chat_tui.session.session import ChatSession
from tests.support.clock import ManualClock
from tests.support.fake_provider import FakeProvider, FakeRegistry, failed

PRICES = Prices(input=1.0, output=10.0, cached=0.5, source=PriceSource.LISTING)
COUNTED = Usage(input_tokens=1000, output_tokens=100, cached_tokens=400)
COST = Cost((600 * 1.0 + 400 * 0.5 + 100 * 10.0) / 1e6, PriceSource.LISTING)
REQUEST = ChatRequest("m", (Message(1, Role.USER, (TextPart("x" * 396),)),), system="1234")


def ending(usage: Usage | None = COUNTED, **fields: object) -> Ending:
    return Ending(**{"outcome": Outcome.COMPLETE, "tokens": 100, "usage": usage} | fields)  # pyright: ignore[reportArgumentType] - by name


def test_as_the_server_counted() -> None:
    assert charged(ending(), REQUEST, PRICES).charge == COST


def test_the_servers_own_bill_where_there_are_no_prices() -> None:
    billed = Usage(cost=0.25)
    assert charged(ending(billed, is_estimate=True), REQUEST, None).charge == Cost(0.25, PriceSource.SERVER, True)
    counted = Usage(input_tokens=1, output_tokens=1, cost=0.25)
    assert charged(ending(counted), REQUEST, None).charge == Cost(0.25, PriceSource.SERVER)


@pytest.mark.parametrize("usage", [None, Usage(), COUNTED])
def test_nothing_without_prices(usage: Usage | None) -> None:
    before = ending(usage)
    assert charged(before, REQUEST, None) is before


def test_a_stopped_answer_is_an_estimate_of_its_input_and_of_what_streamed() -> None:
    """A count of 1 that came with the first event is older than what streamed since."""
    early = ending(Usage(input_tokens=50, output_tokens=1), outcome=Outcome.STOPPED, is_estimate=True)
    assert charged(early, REQUEST, PRICES).charge == Cost((50 + 1000) / 1e6, PriceSource.LISTING, True)
    silent = ending(None, outcome=Outcome.STOPPED, is_estimate=True)
    assert charged(silent, REQUEST, PRICES).charge == Cost((100 + 1000) / 1e6, PriceSource.LISTING, True)


def test_what_ended_early_is_an_estimate_although_it_was_counted() -> None:
    found = charged(ending(outcome=Outcome.INTERRUPTED), REQUEST, PRICES).charge
    assert found == Cost(COST.usd, COST.source, is_estimate=True)


def test_tokens_of_files_cannot_be_guessed() -> None:
    photo = FilePart("a.png", "image/png", b"x")
    request = ChatRequest("m", (Message(1, Role.USER, (photo, TextPart("What?"))),))
    assert charged(ending(None, is_estimate=True), request, PRICES).charge is None
    assert charged(ending(), request, PRICES).charge == COST


def test_what_brought_nothing_is_charged_for_only_if_it_was_counted() -> None:
    assert charged(ending(None, tokens=0, is_estimate=True), REQUEST, PRICES).charge is None


# -- going on --------------------------------------------------------------------------------------


def test_a_continued_answer_costs_what_both_requests_cost() -> None:
    one, other = charged(ending(), REQUEST, PRICES), charged(ending(), REQUEST, PRICES)
    both = joined(one, other)
    assert both.charge == Cost(2 * COST.usd, PriceSource.LISTING)
    assert both.tokens == 200
    assert both.usage == Usage(input_tokens=2000, output_tokens=200, cached_tokens=800)


def test_a_continued_answer_took_as_long_as_both_requests_together() -> None:
    assert joined(ending(elapsed_s=2.5), ending(elapsed_s=4.0)).elapsed_s == 6.5


def test_half_a_bill_is_no_bill() -> None:
    assert joined(ending(), charged(ending(), REQUEST, PRICES)).charge is None
    assert joined(charged(ending(), REQUEST, PRICES), ending()).charge is None


def test_words_of_the_readers_own_cost_nothing() -> None:
    rewritten = Ending(Outcome.STOPPED, raw_reason="rewritten")
    after = charged(ending(), REQUEST, PRICES)
    assert joined(rewritten, after).charge == COST
    assert joined(rewritten, after).usage == COUNTED


# -- a conversation --------------------------------------------------------------------------------


def message(charge: Cost | None, model: str = "p/m", tokens: int = 9) -> Message:
    return Message(1, Role.ASSISTANT, (), model=model, ending=ending(None, tokens=tokens, charge=charge))


def test_a_conversation_counts_what_is_known_and_how_much_is_not() -> None:
    known = message(Cost(0.25, PriceSource.SERVER))
    free = (message(None, "local/small"), message(None, "demo/cut"), message(None, tokens=0))
    question = Message(2, Role.USER, (TextPart("?"),))
    assert use_of((question, known, *free)).cost == CostSum(Cost(0.25, PriceSource.SERVER))
    assert use_of((known, message(None))).cost == CostSum(Cost(0.25, PriceSource.SERVER), 1)
    assert use_of(free).cost == CostSum()


def test_tokens_of_a_conversation_are_sums_of_what_was_counted() -> None:
    usage = Usage(input_tokens=1000, output_tokens=100, cached_tokens=400, reasoning_tokens=30)
    counted = Message(1, Role.ASSISTANT, (), model="p/m", ending=ending(usage))
    guessed = Message(2, Role.ASSISTANT, (), model="p/m", ending=ending(None, tokens=7, is_estimate=True))
    assert use_of((counted, counted, guessed)) == Use(
        answers=3, tokens_in=2000, cached_tokens=800, uncounted=1, tokens_out=207, reasoning_tokens=60,
        is_estimate=True, cost=CostSum(None, 3),
    )  # fmt: skip


@pytest.fixture
def provider() -> FakeProvider:
    return FakeProvider(ManualClock())


@pytest.fixture
def registry(provider: FakeProvider) -> FakeRegistry:
    return FakeRegistry(provider, prices={"fake/one": PRICES})


@pytest.fixture
def session(provider: FakeProvider, registry: FakeRegistry) -> ChatSession:
    return ChatSession(cast("ProviderRegistry", registry), "fake/one", clock=provider.clock)


def says(text: str, usage: Usage = COUNTED) -> list[Connected | TextDelta | UsageReported | Finished]:
    return [Connected(), TextDelta(text), UsageReported(usage), Finished(FinishReason.STOP)]


async def test_the_price_of_the_time_is_kept_with_the_answer(
    session: ChatSession, provider: FakeProvider, registry: FakeRegistry
) -> None:
    provider.add(says("One."))
    await session.submit("?").run()
    registry.prices["fake/one"] = Prices(99.0, 99.0)
    (_, answer) = session.conversation.path()
    assert answer.ending is not None
    assert answer.ending.charge == COST
    assert session.use.cost == CostSum(COST)


async def test_retries_count_all_and_a_switch_of_the_model_changes_no_price(
    session: ChatSession, provider: FakeProvider, registry: FakeRegistry
) -> None:
    gate = asyncio.Event()
    provider.add(says("One."))
    await session.submit("?").run()
    provider.add([Connected(), TextDelta("Two"), gate, *says("")[2:]])
    runner = session.retry()
    running = asyncio.create_task(runner.run())
    session.switch_model("fake/two")
    gate.set()
    await running
    assert session.use.cost == CostSum(Cost(2 * COST.usd, PriceSource.LISTING))


async def test_an_answer_that_was_cut_and_went_on(session: ChatSession, provider: FakeProvider) -> None:
    provider.add([Connected(), TextDelta("One "), failed()])
    await session.submit("?").run()
    before = session.use.cost.known
    assert before is not None
    assert before.is_estimate
    provider.add(says("two."))
    await session.continue_answer().run()
    after = session.use.cost.known
    assert after is not None
    assert after.usd == pytest.approx(before.usd + COST.usd)
    assert after.is_estimate
