"""Our own JSON comes back equal; every broken file is one sentence."""

from __future__ import annotations

import io
import json
import zipfile
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from chat_tui.core.conversation import Ending, Message, Outcome, Role, TextPart
from chat_tui.core.errors import Fault, FaultKind
from chat_tui.store.export import ExportFormat, json_pieces, render
from chat_tui.store.importers import ImportProblem, json_stream, read_conversations
from chat_tui.store.model import StoredConversation
from tests.support.conversations import conversations

FEW = st.text(st.sampled_from("ab é漢😀\n"), max_size=8)
"""Names and faults as they are shown: clean already."""


def conversation(number: int, text: str = "hello") -> StoredConversation:
    return StoredConversation(
        id=f"{number:032x}", title=f"No. {number}", tip_id=1, messages=(Message(1, Role.USER, (TextPart(text),)),)
    )


def read(path: Path) -> list[StoredConversation | ImportProblem]:
    return list(read_conversations(path))


@pytest.fixture(scope="module")
def shelf(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("shelf")


@settings(max_examples=1_000, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(original=conversations(FEW, max_messages=5))
def test_a_thousand_conversations_come_back_equal(shelf: Path, original: StoredConversation) -> None:
    path = shelf / "one.json"
    path.write_text(render(original, ExportFormat.JSON), encoding="ascii")
    assert read(path) == [original]


def test_many_in_one_file_whatever_the_slices(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    originals = [conversation(number, "x" * (number * 37 % 500)) for number in range(1, 60)]
    path = tmp_path / "all.json"
    path.write_text("".join(json_pieces(originals)))
    for chars in (2_000, 701, 256):
        monkeypatch.setattr(json_stream, "_SLICE_CHARS", chars)
        assert read(path) == originals


@pytest.mark.parametrize("indent", [None, 4])
def test_a_file_another_program_has_written_anew(tmp_path: Path, indent: int | None) -> None:
    path = tmp_path / "again.json"
    data = json.loads("".join(json_pieces([conversation(1), conversation(2)])))
    path.write_text(
        json.dumps(dict(reversed(data.items())), indent=indent, ensure_ascii=False), encoding="utf-8-sig"
    )
    assert read(path) == [conversation(1), conversation(2)]
    path.write_text(json.dumps(data["conversations"]))
    assert read(path) == [conversation(1), conversation(2)]
    path.write_text(json.dumps(data["conversations"][0]))
    assert read(path) == [conversation(1)]


def test_an_archive(tmp_path: Path) -> None:
    path = tmp_path / "export.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("x/conversations-001.json", "".join(json_pieces([conversation(2)])))
        archive.writestr("x/conversations-000.json", "".join(json_pieces([conversation(1)])))
        archive.writestr("../../evil.json", "{")
        archive.writestr("user.json", "{")
    assert read(path) == [conversation(1), conversation(2)]
    assert sorted(one.name for one in tmp_path.glob("*.*")) == ["export.zip"]


def test_one_bad_conversation_keeps_no_other_out(tmp_path: Path) -> None:
    path = tmp_path / "some.json"
    data = json.loads("".join(json_pieces([conversation(1), conversation(2), conversation(3)])))
    data["conversations"][1]["messages"] = 7
    path.write_text(json.dumps(data))
    first, problem, last = read(path)
    assert [first, last] == [conversation(1), conversation(3)]
    assert isinstance(problem, ImportProblem)
    assert problem.message == "The messages of the conversation is no JSON array."


def test_what_comes_before_damage_is_taken_over(tmp_path: Path) -> None:
    path = tmp_path / "cut.json"
    text = "".join(json_pieces([conversation(1), conversation(2)]))
    path.write_text(text[: text.index('"No. 2"')])
    reader = read_conversations(path)
    assert next(reader) == conversation(1)
    with pytest.raises(ImportProblem, match="cut off"):
        next(reader)


def test_faults_of_a_file_are_cleaned(tmp_path: Path) -> None:
    path = tmp_path / "evil.json"
    fault = Fault(FaultKind.CUT, "\x1b[2Jtitle", "\u202emessage", "\0hint", code="\x9b")
    message = Message(1, Role.ASSISTANT, (TextPart("\x1b"),), ending=Ending(Outcome.INTERRUPTED, fault=fault))
    path.write_text(render(replace(conversation(1), messages=(message,)), ExportFormat.JSON))
    (found,) = read(path)
    assert isinstance(found, StoredConversation)
    assert found.messages[0].text == "\x1b"
    ending = found.messages[0].ending
    assert ending is not None
    assert ending.fault is not None
    assert (ending.fault.title, ending.fault.message, ending.fault.hint) == ("␛[2Jtitle", "␦message", "␀hint")


def zipped(name: str, data: bytes) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(name, data)
    return buffer.getvalue()


GOOD_ZIP = zipped("conversations.json", b"[" + b"1," * 3_000 + b"1]")
MALFORMED = [
    b"",
    b"   \n",
    b"\0",
    b"hello",
    b"<html>",
    b"nul",
    b"{",
    b"[",
    b'[{"a": 1}',
    b'[{"a": 1},',
    b'[{"a": 1} {"b": 2}]',
    b'{"a": ',
    b'"',
    b'{"format": "chat-tui", "version": 2, "conversations": []}',
    b'{"conversations": [], "format": "chat-tui", "version": 99}',
    b'{"format": "chat-tui", "version": 1, "conversations": [',
    b"\xff\xfe[\x00]\x00",
    b'["\xff"]',
    b"[" * 100_000,
    b'{"a":' * 100_000,
    b'[{"mapping": ' + b"[" * 100_000,
    b"[" + b"1" * 5_000 + b"]",
    b"SQLite format 3\0",
    b"SQLite format 3\0" + b"x" * 5_000,
    b"PK\x03\x04",
    b"PK\x03\x04" + b"x" * 500,
    GOOD_ZIP[:60],
    GOOD_ZIP[:45] + b"\xff\xff\xff" + GOOD_ZIP[48:],
    zipped("readme.txt", b"x"),
    zipped("conversations.json", b"[{"),
]


@pytest.mark.parametrize("data", MALFORMED, ids=range(len(MALFORMED)))
def test_a_malformed_file_is_one_sentence(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "file"
    path.write_bytes(data)
    with pytest.raises(ImportProblem) as caught:
        read(path)
    assert caught.value.message.count(". ") == 0
    assert caught.value.message.endswith((".", "over."))
    assert caught.value.message.isprintable()


ODD = [
    "1",
    "null",
    "[]",
    "{}",
    '"x"',
    '{"mapping": {}}',
    '{"mapping": {"a": 1}}',
    '{"chat_messages": [1, {}, null]}',
]


@pytest.mark.parametrize("element", ODD)
def test_an_odd_element_is_a_problem_or_empty(tmp_path: Path, element: str) -> None:
    path = tmp_path / "file"
    path.write_text(f"[{element}]")
    (found,) = read(path)
    assert isinstance(found, ImportProblem) or found.messages == ()


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    for path in (tmp_path / "missing", tmp_path):
        with pytest.raises(ImportProblem):
            read(path)


def test_the_bounds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "big.json"
    path.write_text(json.dumps([{"x": "y" * 5_000}] * 5))
    monkeypatch.setattr(json_stream, "_SLICE_CHARS", 256)
    monkeypatch.setattr(json_stream, "MAX_ELEMENT_CHARS", 1_000)
    with pytest.raises(ImportProblem, match="One conversation has more"):
        read(path)
    monkeypatch.setattr(json_stream, "MAX_ELEMENT_CHARS", 100_000)
    monkeypatch.setattr(json_stream, "MAX_FILE_CHARS", 10_000)
    with pytest.raises(ImportProblem, match="more than"):
        read(path)
