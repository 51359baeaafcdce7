"""Hostile text through every way in: no control sequence of it reaches the terminal, its words stay readable.

Each test prints what it covered (`pytest -rP` shows it): payloads, sink, ways of cutting.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from tests.support.hostile import code_units, event, mark, marked, missing_words, split_batches, split_count
from tests.support.payloads import PAYLOADS, Payload
from tests.support.program import KEY, MODEL, Program
from tests.support.sse_server import CLOSE, SseServer, answer, delta, head, json_response, reply, response
from tests.support.terminal import leaks
from tests.support.waiting import wait_until

BIG = '[render]\nmeasure_columns = 190\nmax_fps = 4\nreasoning = "show"\n'
ESC, F2, CTRL_C, CTRL_J, CTRL_N, UP = "\x1b", "\x1bOQ", "\x03", "\n", "\x0e", "\x1b[A"
PASTE_SETTLES_S = 0.05
"""So soon after a paste an Enter does not send: no hand is that fast."""


@pytest.fixture
async def server() -> AsyncIterator[SseServer]:
    """Plays whatever a test says."""
    async with SseServer() as server:
        yield server


def big(home: Path, server: SseServer) -> Program:
    """A terminal on which all payloads stand at once."""
    return Program(home, server, columns=200, rows=300, config=BIG)


def assert_harmless(output: bytes) -> None:
    """Nothing but what Textual writes by itself; no clipboard, no link, no title."""
    assert leaks(output) == []
    assert b"\x1b]52" not in output
    assert b"\x1b]8" not in output
    assert KEY.encode() not in output


async def leave(chat: Program) -> None:
    """The program is still itself."""
    chat.send("\x11")
    assert await chat.wait_for_exit() == 0
    assert chat.open_modes == set()
    assert_harmless(bytes(chat.output))


def report(sink: str, count: int, splits: int = 0) -> None:
    """One line for whoever reads the output of the tests."""
    print(f"{sink}: {count} payloads, {splits:,} ways of cutting, 0 sequences leaked")


# -- what a model says -----------------------------------------------------------------------------


@pytest.mark.parametrize("field", ["content", "reasoning_content"])
async def test_said_by_the_model(clean_environment: Path, server: SseServer, field: str) -> None:
    """All payloads whole, then each one cut at every place over two deltas."""
    whole = [event(delta(**{field: f"{text}\n\n"})) for text in marked()]
    gates = [asyncio.Event() for _ in split_batches(field)]
    steps: list[bytes | asyncio.Event] = []
    for number, batch in enumerate(split_batches(field)):
        steps += [gates[number], batch, event(delta(**{field: f"\n\nbatch-{number:03}\n\n"}))]
    end = [event(delta("The end.")), event(delta(finish="stop")), b"data: [DONE]\n\n", CLOSE]
    server.play(reply(head(), *whole, event(delta(**{field: "all-are-shown\n\n"})), *steps, *end))
    async with big(clean_environment, server) as chat:
        await chat.ready()
        await chat.ask("question")
        await chat.wait_for("all-are-shown")
        assert missing_words(chat.text) == []
        for number, gate in enumerate(gates):
            written = len(chat.output)
            gate.set()
            await chat.wait_for_output(f"batch-{number:03}", written, 30)
        await chat.wait_for_output("The end.")
        await leave(chat)
    report(field, len(PAYLOADS), split_count())


async def test_tool_calls(clean_environment: Path, server: SseServer) -> None:
    """Names and arguments, whole and cut at every place; nothing is run."""
    events: list[bytes] = []
    for number, payload in enumerate(PAYLOADS):
        function = {"name": f"{mark(number)}{payload.text}", "arguments": ""}
        call = {"index": number, "id": f"call-{number}", "type": "function", "function": function}
        events.append(event(delta(tool_calls=[call])))
        events += [
            event(delta(tool_calls=[{"index": number, "function": {"arguments": piece}}]))
            for piece in ("{", *code_units(payload.text), "}")
        ]
    end = [event(delta(finish="tool_calls")), b"data: [DONE]\n\n", CLOSE]
    server.play(reply(head(), *events, *end))
    async with Program(clean_environment, server, columns=200, rows=500, config=BIG) as chat:
        await chat.ready()
        await chat.ask("question")
        await chat.wait_for("asked for a tool", 30)
        named = [replace(p, words=tuple(w for w in p.words if w in p.text[:60])) for p in PAYLOADS]
        assert missing_words(chat.text, named) == []
        await leave(chat)
    report("tool call name and arguments", len(PAYLOADS), split_count())


# -- what a server says ----------------------------------------------------------------------------


async def test_error_bodies(clean_environment: Path, server: SseServer) -> None:
    """A refused request per payload: message, type and code."""
    server.play(
        *(
            json_response({"error": {"message": text, "type": payload.text, "code": payload.text}}, 400)
            for text, payload in zip(marked(), PAYLOADS, strict=True)
        )
    )
    async with Program(clean_environment, server, columns=190, rows=50, config=BIG) as chat:
        await chat.ready()
        await chat.type_in("question")
        for number, payload in enumerate(PAYLOADS):
            written = len(chat.output)
            chat.send("\r")
            await chat.wait_for_output(mark(number), written)
            await wait_for_words(chat, written, payload.text[:300], payload.words)
        await leave(chat)
    assert len(server.requests) == len(PAYLOADS)
    report("error body", len(PAYLOADS))


async def wait_for_words(chat: Program, written: int, text: str, words: Sequence[str]) -> None:
    """Until those of the words that stand in `text` were written; markup is among them, as it was sent."""
    wanted = [word for word in words if word in text]
    await wait_until(lambda: all(word in chat.written_since(written) for word in wanted), 10, str(wanted))


async def test_errors_and_reasons_inside_a_stream(clean_environment: Path, server: SseServer) -> None:
    """An error event after text, its details, and reasons of ending that no specification knows."""
    groups = [marked()[start : start + 8] for start in range(0, len(PAYLOADS), 8)]
    failed = [
        reply(head(), event(delta("Some text. ")), event({"error": {"message": " ; ".join(group)}}), CLOSE)
        for group in groups
    ]
    ended = [
        reply(
            head(), event(delta(f"{mark(number)} ")), event(delta(finish=payload.text)), b"data: [DONE]\n\n", CLOSE
        )
        for number, payload in enumerate(PAYLOADS)
    ]
    server.play(*failed, *ended)
    async with Program(clean_environment, server, columns=160, rows=50, config=BIG) as chat:
        await chat.ready()
        for number in range(len(groups)):
            await chat.ask("question")
            await wait_until(lambda: len(server.requests) > number, 10)  # noqa: B023 - awaited at once
            await wait_until(lambda: "interrupted" in chat.lines[-1], 10, "the seam")
            written = len(chat.output)
            await chat.ask("/details")
            await chat.wait_for_output(mark(number * 8), written)
            await chat.wait_for("Esc closes")
            chat.send(ESC)
            await wait_until(lambda: "Esc closes" not in chat.text, 10, "the panel closed")
            chat.send(CTRL_N)
            await chat.wait_for("New conversation")
        for _ in PAYLOADS:
            written = len(chat.output)
            await chat.ask("question")
            await chat.wait_for_output("ended: ", written)
        await leave(chat)
    report("error event and its details", len(PAYLOADS))
    report("reason of ending", len(PAYLOADS))


def _model_names() -> list[str]:
    return [f"m{text}" for text in marked()]


async def test_model_names(clean_environment: Path, server: SseServer) -> None:
    """The picker lists what could be a name; chosen ones stand in title and status, and go out as they came."""
    listing = json.dumps({"object": "list", "data": [{"id": name} for name in _model_names()]}).encode()
    server.route("/v1/models", response(listing, content_type="application/json"))
    server.play(answer("An answer."))
    async with Program(clean_environment, server, columns=200, rows=60, config=BIG) as chat:
        await chat.ready()
        chat.send(F2)
        await chat.wait_for(mark(len(PAYLOADS) - 1), 20)
        listed = [number for number in range(len(PAYLOADS)) if mark(number) in chat.text]
        assert listed == [number for number, payload in enumerate(PAYLOADS) if _could_be_a_name(payload)]
        shown = [replace(p, words=p.words if n in listed else ()) for n, p in enumerate(PAYLOADS)]
        assert missing_words(chat.text, shown) == []
        for number in listed[::3]:
            await chat.type_in(f"m{mark(number)}")
            await chat.wait_for(" 1 model · ")
            chat.send("\r")
            await wait_until(lambda: f"mine/m{mark(number)}" in chat.lines[0], 10, "the title")  # noqa: B023
            await wait_until(lambda: "Enter takes" not in chat.text, 10, "the panel closed")
            chat.send(F2)
            await chat.wait_for("Enter takes")
        chat.send(ESC)
        await wait_until(lambda: "Enter takes" not in chat.text, 10, "the panel closed")
        await chat.ask("question")
        await chat.wait_for("An answer.")
        assert server.requests[-1].json["model"] == _model_names()[listed[::3][-1]]
        chat.send(CTRL_N)
        for start in range(0, len(PAYLOADS), 4):
            await paste_settled(chat, "/model mine/" + " ; ".join(marked()[start : start + 4]))
            chat.send("\r")
            await chat.wait_for("Ask anything")  # the command was taken
            await chat.wait_for("Answering with")
        await leave(chat)
    report("model names in the picker", len(PAYLOADS))
    report("model names in title and status", len(PAYLOADS))


def _could_be_a_name(payload: Payload) -> bool:
    """No endless name, and nothing that cannot be seen is in it, but for halves of surrogate pairs."""
    if payload.has_hidden or len(payload.text) > 300:
        return False
    return all(c.isprintable() or "\ud800" <= c <= "\udfff" for c in payload.text)


async def paste_settled(chat: Program, text: str) -> None:
    """Paste it and let so much time go by that an Enter is no part of the paste any more."""
    clock = asyncio.get_running_loop().time
    written = len(chat.output)
    await chat.paste(text.encode("utf-8", "replace"))
    await wait_until(lambda: len(chat.output) > written, 10, "the paste")
    settled_s = clock() + 2 * PASTE_SETTLES_S
    await wait_until(lambda: clock() > settled_s, 5)


# -- what a person brings in -----------------------------------------------------------------------


async def test_pasted_sent_and_recalled(clean_environment: Path, server: SseServer) -> None:
    """Through the composer, the transcript, the title and the history of prompts; a paste never sends by itself."""
    server.play(answer("An answer."))
    clock = asyncio.get_running_loop().time
    async with Program(clean_environment, server, columns=190, rows=60, config=BIG) as chat:
        await chat.ready()
        for start in range(0, len(PAYLOADS), 8):
            asked, written = len(server.requests), len(chat.output)
            for number in range(start, min(start + 8, len(PAYLOADS))):
                text = marked()[number].encode("utf-8", "replace")
                await chat.paste(text)
                chat.send(CTRL_J)
            await chat.type_in("the-end")
            await chat.wait_for_output("the-end", written)
            settled_s = clock() + 2 * PASTE_SETTLES_S
            await wait_until(lambda: clock() > settled_s, 5)  # noqa: B023 - awaited at once
            assert len(server.requests) == asked
            chat.send("\r")
            await wait_until(lambda: len(server.requests) > asked, 10, "the request")  # noqa: B023
            await chat.wait_for_output("An answer.", written)
            written = len(chat.output)
            chat.send(UP)
            await chat.wait_for_output(mark(start), written)
            chat.send(CTRL_C + CTRL_N)
            await chat.wait_for("New conversation")
        await leave(chat)
    sent = [request.json["messages"][0]["content"] for request in server.requests]
    assert len(sent) == -(-len(PAYLOADS) // 8)
    assert missing_words("\n".join(sent)) == []
    report("pasted, sent, in the title and recalled prompt", len(PAYLOADS))


async def test_typed(clean_environment: Path, server: SseServer) -> None:
    """As if a terminal had typed them, but for the keys that leave, stop, cut or open something."""
    keys = dict.fromkeys(map(ord, "\x03\x04\x0e\x10\x11\x13\x18\r"))
    async with Program(clean_environment, server, columns=190, rows=60, config=BIG) as chat:
        await chat.ready()
        for start in range(0, len(PAYLOADS), 8):
            written = len(chat.output)
            for payload in PAYLOADS[start : start + 8]:
                await chat.type_in(payload.text.translate(keys).encode("utf-8", "replace"))
                await chat.type_in(f"{ESC}[201~{ESC}\\")
            await chat.type_in(mark(start))
            await chat.wait_for_output(mark(start), written)
            chat.send(CTRL_C)
        assert server.requests == []
        await leave(chat)
    report("typed", len(PAYLOADS))


# -- files and commands ----------------------------------------------------------------------------


def _toml(text: str) -> str:
    """A TOML string: as JSON's, but without lone surrogates and DEL, which TOML forbids."""
    text = text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")


async def test_configuration(clean_environment: Path, server: SseServer) -> None:
    """Unknown keys, wrong values, names of providers and models, shown as problems and in the title."""
    for start in range(0, len(PAYLOADS), 17):
        texts = marked()[start : start + 17]
        lines = [f"model = {_toml('mine/' + texts[0])}", f"theme = {_toml(texts[0])}"]
        lines += [f"{_toml(text)} = {_toml(text)}" for text in texts[1:]]
        lines += [f"[providers.{_toml(texts[0])}]", BIG]
        config = "\n".join(lines)
        async with Program(clean_environment, server, model="", config=config, columns=190, rows=70) as chat:
            await chat.ready()
            for number in range(start, start + len(texts)):
                await chat.wait_for(mark(number))
            payloads = [
                replace(p, words=tuple(w for w in p.words if w in json.dumps(p.text)[:90])) for p in PAYLOADS
            ]
            missing = missing_words(chat.text, payloads)
            assert {name for name, _ in missing} <= {p.name for p in (*PAYLOADS[:start], *PAYLOADS[start + 17 :])}
            await leave(chat)
        async with Program(
            clean_environment, server, model="", config=config, arguments=["config", "show"], columns=190, rows=70
        ) as shown:
            assert await shown.wait_for_exit() == 0
            assert mark(start) in shown.farewell
            assert_harmless(bytes(shown.output))
    report("configuration: keys, values, names; config show", len(PAYLOADS))


def _printer(home: Path, server: SseServer, *arguments: str, model: str = MODEL) -> Program:
    return Program(home, server, model=model, arguments=arguments, columns=200, rows=50)


async def test_printed_to_a_terminal(clean_environment: Path, server: SseServer) -> None:
    """`-p` with a terminal as standard output: answers cut at every place, errors, names of models."""
    whole = [event(delta(f"{text}\n\n")) for text in marked()]
    end = [event(delta(finish="stop")), b"data: [DONE]\n\n", CLOSE]
    server.play(reply(head(), *whole, *split_batches("content"), *end))
    async with _printer(clean_environment, server, "-p", "question") as printed:
        assert await printed.wait_for_exit(30) == 0
        assert_harmless(bytes(printed.output))
        assert missing_words(printed.output.decode()) == []
    for start in range(0, len(PAYLOADS), 24):
        text = " ; ".join(marked()[start : start + 24])
        server.play(json_response({"error": {"message": text}}, 400))
        name = "mine/" + text.encode("utf-8", "replace").decode().replace("\0", "")
        async with _printer(clean_environment, server, "-p", "question", model=name) as printed:
            assert await printed.wait_for_exit() == 1
            assert mark(start).encode() in printed.output
            assert_harmless(bytes(printed.output))
    listing = json.dumps({"data": [{"id": name} for name in _model_names()]}).encode()
    server.route("/v1/models", response(listing, content_type="application/json"))
    async with _printer(clean_environment, server, "models") as printed:
        assert await printed.wait_for_exit() == 0
        assert mark(len(PAYLOADS) - 1).encode() in printed.output
        assert_harmless(bytes(printed.output))
    report("printed answer", len(PAYLOADS), split_count())
    report("printed error, model name, list of models", len(PAYLOADS))
