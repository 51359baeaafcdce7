"""Text that is no text, from the wire to the screen, the store, the export and the next request: nothing fails."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from chat_tui.config.model import Config, ProviderConfig
from chat_tui.core.conversation import Outcome
from chat_tui.providers.registry import ProviderRegistry
from chat_tui.session.journal import Journal
from chat_tui.session.session import ChatSession
from chat_tui.store.export import ExportFormat, render
from chat_tui.store.importers import read_conversations
from chat_tui.store.store import ConversationStore
from tests.support.answer_rows import text_of, whole_rows
from tests.support.sse_server import Framing, SseServer, chunk, delta, head, reply, sse
from tests.support.waiting import wait_until

DEEP = "[" * 5_000 + "]" * 5_000
_CHOICE = '"choices":[{"index":0,"delta":{"content":%s},"finish_reason":null}]'

DELTAS: dict[str, list[str]] = {
    "a lone high surrogate": [r'"a \ud83d b"'],
    "a lone low surrogate": [r'"a \ude00 b"'],
    "halves of a pair in two deltas": [r'"a \ud83d"', r'"\ude00 b"'],
    "halves in the wrong order": [r'"a \ude00"', r'"\ud83d b"'],
    "a pair": [r'"a \ud83d\ude00 b"'],
    "three halves": [r'"\ud83d\ud83d"', r'"\ude00"'],
    "a surrogate at the very end": [r'"the end \ud83d"'],
    "NUL": [r'"a\u0000b"'],
    "NUL alone": [r'"\u0000"', r'"b"'],
    "a byte order mark": [r'"\ufeffa"', r'"b\ufeff"'],
    "not a character": [r'"a \uffff \ufffe b"'],
    "bytes that are no UTF-8": ['"a \udcff\udcfe b"'],
    "controls": [r'"a\u001b[2J\u0007\u009b b"'],
    "deep JSON as text": [json.dumps(DEEP)],
    "many combining marks": [json.dumps("e" + "\u0301" * 5_000)],
    "right to left and back": [r'"\u202eabc\u2066def"'],
    "line separators": [r'"a\u2028b\u2029c\u0085d"'],
    "nothing but white space": [r'"  \n\t"', r'"x"'],
    "a huge delta": [json.dumps("x" * 300_000)],
}
FIELDS = {
    "NaN": '"usage":{"completion_tokens":NaN,"prompt_tokens":1}',
    "infinity": '"usage":{"completion_tokens":Infinity,"prompt_tokens":-Infinity}',
    "a number of 5,000 digits": '"created":' + "9" * 5_000,
    "a float beyond all": '"created":1e999',
    "deep JSON beside the text": '"extra":' + "[" * 50 + "]" * 50,
    "deeper than any parser": '"extra":' + DEEP,
    "a surrogate as a key": r'"\ud83d":"\ude00"',
    "a negative count": '"usage":{"completion_tokens":-5,"prompt_tokens":1.5}',
}
REFUSED = ("a number of 5,000 digits", "deeper than any parser")
"""The answer ends there as one that was cut."""


def events_of(name: str) -> list[bytes]:
    """The raw events of an answer with one oddity in it."""
    if name in DELTAS:
        payloads = ["{" + _CHOICE % text + "}" for text in DELTAS[name]]
    else:
        odd = "{" + _CHOICE % '"in "' + "," + FIELDS[name] + "}"
        payloads = ["{" + _CHOICE % '"before "' + "}", odd, "{" + _CHOICE % '"after"' + "}"]
    lines = [f"data: {payload}\n\n".encode("utf-8", "surrogateescape") for payload in payloads]
    return [*lines, sse(delta(finish="stop")), sse("[DONE]")]


@pytest.mark.parametrize("name", [*DELTAS, *FIELDS])
async def test_it_is_received_shown_kept_exported_and_sent_on(tmp_path: Path, name: str) -> None:
    """Kept exactly as it came, running and settled; the next request can carry it."""
    store = ConversationStore.open(tmp_path / "state")
    async with SseServer() as server:
        server.play(reply(head(framing=Framing.CHUNKED), *map(chunk, events_of(name)), chunk(b"")))
        provider = ProviderConfig(base_url=server.base_url, api_key_env="KEY")
        registry = ProviderRegistry(Config(providers={"mine": provider}), {"KEY": "none"}, tmp_path)
        session = ChatSession(registry, "mine/one", journal=Journal(lambda _: store))
        try:
            await session.submit("question \ud83d \0 end").run()
            tip = session.conversation.tip
            assert tip is not None
            assert tip.ending is not None
            if name in REFUSED:
                assert (tip.ending.outcome, tip.text) == (Outcome.INTERRUPTED, "before ")
            elif name in FIELDS:
                assert (tip.ending.outcome, tip.text) == (Outcome.COMPLETE, "before in after")
            else:
                assert tip.ending.outcome is Outcome.COMPLETE
            assert "\x1b" not in text_of(whole_rows(tip.text, 60))
            await session.submit("and now?").run()
            await wait_until(lambda: len(server.requests) == 2)
            assert server.requests[1].json["messages"][-1]["content"].endswith("and now?")
            assert store.flush(20), store.problem
            assert store.notes == ()
            stored = await store.load(session.conversation.id)
            assert stored.messages == session.conversation.messages
            await store.search(tip.text[:50])
            await store.recent()
            path = tmp_path / "export.json"
            path.write_text(render(stored, ExportFormat.JSON), "ascii")
            assert list(read_conversations(path)) == [stored]
            for form in ExportFormat:
                render(stored, form).encode()
        finally:
            await session.aclose()
            store.close(5)
