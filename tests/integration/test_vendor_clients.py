"""The vendors' own clients and ours read the same bytes from the same server to the same result."""

from __future__ import annotations

import time

import pytest

from chat_tui.core.events import Failed
from chat_tui.providers.http import Endpoint, HttpProvider
from chat_tui.providers.websocket import WebSocketProvider
from chat_tui.wire.base import Quirks
from chat_tui.wire.json_text import repaired
from chat_tui.wire.protocols import protocol_of
from chat_tui.wire.socket_base import SocketProtocol
from tests.support.http_case import REQUEST
from tests.support.message_server import speaking_messages
from tests.support.sse_server import SseServer, response
from tests.support.vendor_clients import (
    KEY,
    READERS,
    Reader,
    Reading,
    our_reading,
    read_mistral,
    read_openai_websocket,
)
from tests.support.wire import STREAMS, protocol_name, stream_bytes, streams_of

_HOSTED = "a tool of the server's own: the client has another type for each"
_EXPLAINED = "we add the server's explanation"
_SEPARATED = "we put a blank line between two messages"
_ASKED_AGAIN = "the client asks for the rest by itself; here it gets the same once more"
_UNKNOWN_USAGE = "the client has no place for the usage where this server puts it"

DIFFERENCES: dict[str, dict[str, str]] = {
    "anthropic-refusal": {"finish": _EXPLAINED},
    "anthropic-refusal-explained": {"finish": _EXPLAINED, "text": _EXPLAINED},
    "anthropic-two-tools-cut-by-length": {"calls": "the client makes {} of arguments that were cut"},
    "anthropic-unknown": {"finish": "the client lets a later null overwrite a reason"},
    "chat-groq": {"usage": _UNKNOWN_USAGE},
    "chat-moonshot": {"usage": _UNKNOWN_USAGE},
    "chat-tools-loose": {"calls": "the client leaves it to its user that two calls have the same index"},
    "gemini-continuation": dict.fromkeys(("text", "finish", "usage"), _ASKED_AGAIN),
    "gemini-malformed-call": {"finish": _EXPLAINED},
    "interactions-continuation": {"text": _ASKED_AGAIN},
    "interactions-litellm": {"finish": "the client knows only the form that Google's own server sends"},
    "interactions-parallel-calls": {"finish": "the client does not know this event"},
    "interactions-queued": {"usage": _UNKNOWN_USAGE},
    "interactions-search": {"calls": _HOSTED},
    "responses-hosted": {"calls": _HOSTED},
    "responses-interleaved": {"text": _SEPARATED},
    "responses-no-deltas": dict.fromkeys(("reasoning", "calls"), "the client is read by its deltas here"),
    "responses-phases": {"text": _SEPARATED, "reasoning": _SEPARATED},
    "responses-split-pair": {"text": "the client has half a character where its rest never came"},
}
"""Where the two differ, and why that is right. One that is gone makes the test fail, as does a new one."""

CASES: list[tuple[str, Reader]] = [
    *((name, READERS[protocol_name(name)]) for name in STREAMS if protocol_name(name) in READERS),
    *((name, read_mistral) for name in ("chat-mistral", "chat-text", "chat-length")),
]
# OpenAI's client hands over the lists of pieces in it as they are; its own vendor's client is asked instead.
CASES.remove(("chat-mistral", READERS["openai-chat"]))


async def ours_of(server: SseServer, protocol: str) -> tuple[Reading, bool]:
    """What our provider makes of the answer, and whether it ended with a fault."""
    endpoint = Endpoint(server.base_url, api_key=KEY)
    provider = HttpProvider("mine", "Mine", endpoint, protocol_of(protocol), Quirks(), time.monotonic)
    events = [event async for arrival in provider.stream(REQUEST) for event in arrival.events]
    await provider.aclose()
    return our_reading(events), isinstance(events[-1], Failed)


def compared(ours: Reading, theirs: Reading, is_failed: bool) -> dict[str, tuple[object, object]]:
    """Each field as we and as they read it, made comparable.

    No client joins the halves of a character that came in two deltas. What is None the client does not show.
    Only we say that a stream was cut: the client is silent then, and its usage is the placeholder of the start.
    """
    fields: dict[str, tuple[object, object]] = {
        "text": (ours.text, repaired(theirs.text)),
        "reasoning": (ours.reasoning, repaired(theirs.reasoning)),
        "calls": (ours.parsed_calls, theirs.parsed_calls),
    }
    if is_failed:
        return fields | {"error": (True, theirs.error in ours.error)}
    fields |= {"error": ("", theirs.error), "finish": (ours.finish, theirs.finish)}
    if ours.usage is None or theirs.usage is None:
        return fields | {"usage": (ours.usage, theirs.usage)}
    shown = [pair for pair in zip(ours.usage, theirs.usage, strict=True) if pair[1] is not None]
    return fields | {"usage": ([our for our, _ in shown], [their for _, their in shown])}


@pytest.mark.parametrize(("name", "read"), CASES, ids=[f"{name}-{read.__name__}" for name, read in CASES])
async def test_both_read_the_same(server: SseServer, name: str, read: Reader) -> None:
    protocol = protocol_name(name)
    server.play(response(stream_bytes(name), content_type=protocol_of(protocol).framing.value))
    ours, is_failed = await ours_of(server, protocol)
    theirs = await read(server.url)
    fields = compared(ours, theirs, is_failed)
    different = {field: both for field, both in fields.items() if both[0] != both[1]}
    assert different.keys() == DIFFERENCES.get(name, {}).keys(), different


@pytest.mark.parametrize("name", streams_of("openai-responses"))
async def test_both_read_the_same_over_a_websocket(name: str) -> None:
    async with speaking_messages(stream_bytes(name), None) as served:
        protocol = protocol_of("openai-responses-websocket")
        assert isinstance(protocol, SocketProtocol)
        endpoint = Endpoint(f"{served.url}/v1", api_key=KEY)
        provider = WebSocketProvider("mine", "Mine", endpoint, protocol, Quirks(), time.monotonic)
        events = [event async for arrival in provider.stream(REQUEST) for event in arrival.events]
        await provider.aclose()
        theirs = await read_openai_websocket(served.url)
    fields = compared(our_reading(events), theirs, isinstance(events[-1], Failed))
    different = {field: both for field, both in fields.items() if both[0] != both[1]}
    assert different.keys() == DIFFERENCES.get(name, {}).keys(), different


@pytest.mark.parametrize("protocol", READERS)
async def test_both_ask_at_the_same_place(server: SseServer, protocol: str) -> None:
    stream = next(
        name for name in STREAMS if protocol_name(name) == protocol and name.endswith(("-text", "-think"))
    )
    server.play(response(stream_bytes(stream), content_type=protocol_of(protocol).framing.value))
    await READERS[protocol](server.url)
    await ours_of(server, protocol)
    theirs, ours = server.requests
    assert (ours.method, ours.path.removeprefix("/v1")) == (theirs.method, theirs.path.removeprefix("/v1"))
