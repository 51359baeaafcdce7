"""The table of all protocols is complete, and every cell that can be played holds."""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator
from contextlib import aclosing, asynccontextmanager
from pathlib import Path
from typing import get_args

import pytest

from chat_tui.config.model import Config, ProtocolName, ProviderConfig
from chat_tui.core.conversation import ChatRequest, Message, Role, TextPart
from chat_tui.core.errors import FaultKind
from chat_tui.core.events import Channel, Failed, Finished, StreamEvent, ToolCallEnded, Usage, UsageReported
from chat_tui.providers.base import Provider
from chat_tui.providers.registry import ProviderRegistry
from chat_tui.wire.base import Framing
from chat_tui.wire.protocols import protocol_of
from tests.support.message_server import Served, speaking_messages
from tests.support.protocol_table import (
    ADDRESSES,
    COLUMNS,
    TABLE,
    Breaks,
    Reads,
    Refuses,
    Resumes,
)
from tests.support.sse_server import CLOSE, HOLD, Act, Reply, SseServer, head, json_response, reply, response
from tests.support.sse_server import Framing as BodyFraming
from tests.support.vendor_clients import our_reading
from tests.support.waiting import wait_until
from tests.support.wire import STREAMS, protocol_name, reasoning_of, stream_bytes, terminal_of, text_of

REQUEST = ChatRequest("m", (Message(1, Role.USER, (TextPart("Hello"),)),))
STALL_S = 0.2


def cells(*kinds: type) -> list[tuple[ProtocolName, str]]:
    """The places of all cells of these kinds."""
    return [(name, column) for name, row in TABLE.items() for column in COLUMNS if isinstance(row[column], kinds)]


# -- the table itself ------------------------------------------------------------------------------


def test_every_protocol_has_every_cell() -> None:
    assert set(TABLE) == set(ADDRESSES) == set(get_args(ProtocolName))
    for name, row in TABLE.items():
        assert set(row) == set(COLUMNS), name
        for column, cell in row.items():
            if isinstance(cell, str):
                assert len(cell) > 40, (name, column)
                assert cell.endswith("."), (name, column)


def test_every_stream_is_its_protocols_own() -> None:
    for name, row in TABLE.items():
        for cell in row.values():
            if isinstance(cell, Reads | Breaks | Resumes):
                assert cell.stream in STREAMS
                assert protocol_name(cell.stream) == name.removesuffix("-websocket")


def test_cuts_stalls_and_cancelling_can_happen_to_all() -> None:
    assert len(cells(Breaks)) == 3 * len(TABLE)
    assert len(cells(Refuses)) == len(TABLE)


# -- playing ---------------------------------------------------------------------------------------


@asynccontextmanager
async def serving(name: ProtocolName, data: bytes, end: Act | None = None) -> AsyncGenerator[Served]:
    """`data` for every question; then CLOSE, HOLD, or as the protocol ends an answer."""
    framing = protocol_of(name).framing
    if framing is Framing.WEBSOCKET:
        async with speaking_messages(data, end) as served:
            yield served
        return
    async with SseServer() as server:
        first = head(content_type=framing.value, framing=BodyFraming.CLOSE)
        server.play(response(data, content_type=framing.value) if end is None else reply(first + data, end))
        yield Served(server.url, lambda: server.open_connections)


def beginning(stream: str, after: bytes) -> bytes:
    """The stream up to and with the event that has these bytes in it."""
    data, end = stream_bytes(stream), b"\n" if STREAMS[stream].suffix == ".ndjson" else b"\n\n"
    assert data.count(after) >= 1
    return data[: data.index(end, data.index(after)) + len(end)]


@asynccontextmanager
async def configured(
    name: ProtocolName, url: str, folder: Path, *, idle_s: float = 30.0, background: bool = False
) -> AsyncGenerator[Provider]:
    """The provider that a configuration with this protocol gives."""
    config = ProviderConfig(
        protocol=name, base_url=url + ADDRESSES[name], idle_timeout_s=idle_s, background=background
    )
    registry = ProviderRegistry(Config(providers={"mine": config}), {}, folder)
    provider, _ = registry.resolve("mine/m")
    yield provider
    await registry.aclose()


async def events_of(provider: Provider) -> list[StreamEvent]:
    return [event async for arrival in provider.stream(REQUEST) for event in arrival.events]


@pytest.mark.parametrize(("name", "column"), cells(Reads))
async def test_what_is_read(name: ProtocolName, column: str, tmp_path: Path) -> None:
    cell = TABLE[name][column]
    assert isinstance(cell, Reads)
    async with (
        serving(name, stream_bytes(cell.stream)) as served,
        configured(name, served.url, tmp_path) as provider,
    ):
        events = await events_of(provider)
    last = terminal_of(events)
    if cell.fault is not None:
        assert isinstance(last, Failed), last
        assert last.fault.kind is cell.fault, last
        assert cell.said in last.fault.message
    elif cell.reason is not None:
        assert isinstance(last, Finished), last
        assert last.reason is cell.reason, last
    if cell.text is not None:
        assert text_of(events, Channel.ANSWER) == cell.text
    if cell.reasoning is not None:
        assert reasoning_of(events) == cell.reasoning
    if cell.refusal is not None:
        assert text_of(events, Channel.REFUSAL) == cell.refusal
    if cell.calls is not None:
        closed = sum(isinstance(event, ToolCallEnded) for event in events)
        assert our_reading(events).parsed_calls[:closed] == list(cell.calls)
        assert closed == len(cell.calls)
    if cell.usage:
        usage = Usage()
        for event in events:
            usage = usage.updated(event.usage) if isinstance(event, UsageReported) else usage
        assert {field: getattr(usage, field) for field in cell.usage} == cell.usage


@pytest.mark.parametrize(("name", "column"), cells(Refuses))
async def test_an_error_before(name: ProtocolName, column: str, tmp_path: Path) -> None:
    cell = TABLE[name][column]
    assert isinstance(cell, Refuses)
    async with SseServer() as server, configured(name, server.url, tmp_path) as provider:
        server.play(json_response(cell.body, cell.status))
        (last,) = await events_of(provider)
    assert isinstance(last, Failed)
    assert (last.fault.kind, last.fault.status) == (cell.kind, cell.status), last
    assert cell.said in last.fault.message


@pytest.mark.parametrize("name", TABLE)
async def test_a_cut(name: ProtocolName, tmp_path: Path) -> None:
    cell = TABLE[name]["cut"]
    assert isinstance(cell, Breaks)
    async with (
        serving(name, beginning(cell.stream, cell.after), CLOSE) as served,
        configured(name, served.url, tmp_path) as provider,
    ):
        events = await events_of(provider)
    last = terminal_of(events)
    assert text_of(events) == cell.text
    assert isinstance(last, Failed)
    assert last.fault.kind is FaultKind.CUT, last


@pytest.mark.parametrize("name", TABLE)
async def test_a_stall(name: ProtocolName, tmp_path: Path) -> None:
    cell = TABLE[name]["stall"]
    assert isinstance(cell, Breaks)
    async with (
        serving(name, beginning(cell.stream, cell.after), HOLD) as served,
        configured(name, served.url, tmp_path, idle_s=STALL_S) as provider,
    ):
        events = await events_of(provider)
        await wait_until(lambda: not served.open_connections(), what="the server to see the close")
    last = terminal_of(events)
    assert text_of(events) == cell.text
    assert isinstance(last, Failed)
    assert last.fault.kind is FaultKind.TIMEOUT, last


@pytest.mark.parametrize("name", TABLE)
async def test_cancelling(name: ProtocolName, tmp_path: Path) -> None:
    cell = TABLE[name]["cancel"]
    assert isinstance(cell, Breaks)
    async with (
        serving(name, beginning(cell.stream, cell.after), HOLD) as served,
        configured(name, served.url, tmp_path) as provider,
    ):
        events: list[StreamEvent] = []
        async with aclosing(provider.stream(REQUEST)) as stream:
            async for arrival in stream:
                events += arrival.events
                if text_of(events) == cell.text:
                    break
        await wait_until(lambda: not served.open_connections(), what="the server to see the close")
    assert not any(isinstance(event, Finished | Failed) for event in events)


@pytest.mark.parametrize(("name", "column"), cells(Resumes))
async def test_resuming(name: ProtocolName, column: str, tmp_path: Path) -> None:
    cell = TABLE[name][column]
    assert isinstance(cell, Resumes)
    whole = stream_bytes(cell.stream)
    first = beginning(cell.stream, cell.after)
    rest: Reply = response(whole[len(first) :])
    async with (
        SseServer() as server,
        configured(name, server.url, tmp_path, background=True) as provider,
    ):
        server.play(reply(head() + first, CLOSE), rest)
        events = await events_of(provider)
        asked = [request.path.removeprefix(ADDRESSES[name]) for request in server.requests]
    assert json.loads(server.requests[0].body)["background"] is True
    assert asked[1:] == [cell.asks]
    assert isinstance(terminal_of(events), Finished)
    assert text_of(events) == cell.text
