"""The logs database of llm, both generations of its tables; it is never written to."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from chat_tui.core.conversation import ReasoningPart, TextPart, ToolCallPart
from chat_tui.store.importers import ImportProblem, read_conversations
from chat_tui.store.importers.building import conversation_id
from chat_tui.store.model import StoredConversation

OLDEST = """
CREATE TABLE conversations (id TEXT PRIMARY KEY, name TEXT, model TEXT);
CREATE TABLE responses (id TEXT PRIMARY KEY, model TEXT, prompt TEXT, system TEXT, prompt_json TEXT,
    options_json TEXT, response TEXT, response_json TEXT, conversation_id TEXT, duration_ms INTEGER,
    datetime_utc TEXT);
INSERT INTO conversations VALUES ('c1', 'Pelicans', 'gpt');
INSERT INTO responses (id, model, prompt, system, response, conversation_id, duration_ms, datetime_utc) VALUES
    ('r2', 'gpt', 'Another', 'Be brief', 'Wallace', 'c1', 900, '2024-01-01T00:01:00'),
    ('r1', 'gpt', 'A name', 'Be brief', 'Percy', 'c1', 1500, '2024-01-01T00:00:00.250000+00:00'),
    ('r3', 'gpt', 'Alone', NULL, 'Yes', NULL, NULL, NULL);
"""
RICHER = """
ALTER TABLE responses ADD COLUMN input_tokens INTEGER;
ALTER TABLE responses ADD COLUMN output_tokens INTEGER;
ALTER TABLE responses ADD COLUMN reasoning TEXT;
CREATE TABLE fragments (id INTEGER PRIMARY KEY, hash TEXT, content TEXT);
CREATE TABLE prompt_fragments (response_id TEXT, fragment_id INTEGER, "order" INTEGER);
CREATE TABLE attachments (id TEXT PRIMARY KEY, type TEXT, path TEXT, url TEXT, content BLOB);
CREATE TABLE prompt_attachments (response_id TEXT, attachment_id TEXT, "order" INTEGER);
INSERT INTO fragments VALUES (1, 'h', 'A novel');
INSERT INTO prompt_fragments VALUES ('r3', 1, 0);
INSERT INTO attachments VALUES ('a1', 'image/png', '/home/x/pic.png', NULL, x'00ff');
INSERT INTO prompt_attachments VALUES ('r3', 'a1', 0);
UPDATE responses SET input_tokens = 5, output_tokens = 7, reasoning = 'Hm' WHERE id = 'r3';
"""
NEWER = """
CREATE TABLE messages (hash TEXT PRIMARY KEY, parent_hash TEXT, role TEXT, provider_metadata TEXT);
CREATE TABLE parts (id INTEGER PRIMARY KEY, message_hash TEXT, position INTEGER, type TEXT, tool_name TEXT,
    text TEXT, payload TEXT);
CREATE TABLE threads (id TEXT PRIMARY KEY, name TEXT, tip_message_hash TEXT, forked_from TEXT, datetime_utc TEXT);
CREATE TABLE turns (id TEXT PRIMARY KEY, thread_id TEXT, parent_message_hash TEXT, tip_message_hash TEXT,
    model TEXT, resolved_model TEXT, options_json TEXT, input_tokens INTEGER, output_tokens INTEGER,
    duration_ms INTEGER, datetime_utc TEXT);
INSERT INTO threads VALUES ('c1', 'Pelicans', 'm5', NULL, '2024-01-01T00:00:00+00:00');
INSERT INTO messages VALUES ('m1', NULL, 'user', NULL), ('m2', 'm1', 'assistant', NULL), ('m3', 'm2', 'user', NULL),
    ('m4', 'm3', 'assistant', NULL), ('m5', 'm4', 'assistant', NULL);
INSERT INTO parts (message_hash, position, type, tool_name, text, payload) VALUES
    ('m1', 0, 'text', NULL, NULL, '{"text_ref": [{"literal": "Read "}, {"fragment": 1}, {"fragment": 9}]}'),
    ('m1', 1, 'attachment', NULL, NULL, '{"attachment": {"id": "a1"}}'),
    ('m2', 0, 'reasoning', NULL, 'Look', NULL),
    ('m2', 1, 'tool_call', 'look', NULL, '{"name": "look", "arguments": {"a": 1}, "tool_call_id": "t1"}'),
    ('m3', 0, 'tool_result', 'look', NULL, '{"name": "look", "output": "found"}'),
    ('m5', 0, 'text', NULL, 'Percy', NULL),
    ('m4', 0, 'text', NULL, 'So:', NULL);
INSERT INTO turns VALUES ('t1', 'c1', 'm1', 'm5', 'gpt', 'gpt-5', NULL, 10, 20, 1500, '2024-01-01T00:00:01+00:00');
"""


HOLLOW = """
CREATE TABLE threads (id); CREATE TABLE turns (x); CREATE TABLE messages (x); CREATE TABLE parts (x);
INSERT INTO threads VALUES (1);
"""


def logs(path: Path, *scripts: str) -> Path:
    with closing(sqlite3.connect(path)) as connection:
        for script in scripts:
            connection.executescript(script)
    return path


def read(path: Path) -> list[StoredConversation]:
    found = list(read_conversations(path))
    assert not [one for one in found if isinstance(one, ImportProblem)]
    return [one for one in found if isinstance(one, StoredConversation)]


def lines(conversation: StoredConversation) -> list[tuple[str, str]]:
    return [(message.role.value, message.text) for message in conversation.messages]


def test_the_older_tables(tmp_path: Path) -> None:
    alone, pelicans = read(logs(tmp_path / "logs.db", OLDEST))
    assert lines(pelicans) == [
        ("system", "Be brief"),
        ("user", "A name"),
        ("assistant", "Percy"),
        ("user", "Another"),
        ("assistant", "Wallace"),
    ]
    assert [message.parent_id for message in pelicans.messages] == [None, 1, 2, 3, 4]
    assert (pelicans.title, pelicans.tip_id, pelicans.model) == ("Pelicans", 5, "gpt")
    assert (pelicans.created_at_s, pelicans.updated_at_s) == (1_704_067_200.25, 1_704_067_260.0)
    ending = pelicans.messages[2].ending
    assert ending is not None
    assert ending.elapsed_s == 1.5
    assert pelicans.id == conversation_id("llm", "c1")
    assert lines(alone) == [("user", "Alone"), ("assistant", "Yes")]
    assert alone.title == "Alone"


def test_fragments_attachments_reasoning_and_tokens(tmp_path: Path) -> None:
    alone = read(logs(tmp_path / "logs.db", OLDEST, RICHER))[0]
    assert lines(alone) == [("user", "A novel\n\nAlone\n\n[file: pic.png]"), ("assistant", "Yes")]
    assert alone.messages[1].parts[0] == ReasoningPart("Hm")
    ending = alone.messages[1].ending
    assert ending is not None
    assert ending.usage is not None
    assert (ending.tokens, ending.usage.input_tokens) == (7, 5)


def test_the_newer_tables_go_before_the_older(tmp_path: Path) -> None:
    pelicans, alone = read(logs(tmp_path / "logs.db", OLDEST, RICHER, NEWER))
    assert lines(pelicans) == [("user", "Read A novel[fragment]\n\n[file: pic.png]"), ("assistant", "So:Percy")]
    assert pelicans.messages[1].parts == (
        ReasoningPart("Look"),
        ToolCallPart("m2.1", "t1", "look", json.dumps({"a": 1}), is_complete=True),
        ReasoningPart("look:\n```\nfound\n```\n"),
        TextPart("So:"),
        TextPart("Percy"),
    )
    assert (pelicans.messages[1].model, pelicans.tip_id) == ("gpt-5", 2)
    assert pelicans.messages[0].created_at_s == 1_704_067_201.0
    assert lines(alone)[1] == ("assistant", "Yes")


def test_the_database_is_not_touched(tmp_path: Path) -> None:
    directory = tmp_path / "llm"
    directory.mkdir()
    path = logs(directory / "logs db?#%.db", OLDEST)
    before = path.read_bytes()
    path.chmod(0o400)
    directory.chmod(0o500)
    try:
        assert len(read(path)) == 2
    finally:
        directory.chmod(0o700)
    assert path.read_bytes() == before
    assert list(directory.iterdir()) == [path]


@pytest.mark.parametrize(
    "script",
    [
        "CREATE TABLE x (y)",
        "CREATE VIEW responses AS SELECT 1 AS id",
        "CREATE TABLE responses (id TEXT)",
        HOLLOW,
    ],
)
def test_a_foreign_database_is_one_sentence(tmp_path: Path, script: str) -> None:
    with pytest.raises(ImportProblem) as caught:
        read(logs(tmp_path / "x.db", script))
    assert caught.value.message.endswith(".")


def test_a_chain_in_a_circle_ends(tmp_path: Path) -> None:
    circle = "UPDATE messages SET parent_hash = 'm5' WHERE hash = 'm1'"
    assert len(read(logs(tmp_path / "x.db", OLDEST, RICHER, NEWER, circle))) == 2


def test_a_damaged_database_is_one_sentence(tmp_path: Path) -> None:
    path = logs(tmp_path / "x.db", OLDEST)
    data = bytearray(path.read_bytes())
    data[4096:] = b"\xff" * (len(data) - 4096)
    path.write_bytes(data)
    with pytest.raises(ImportProblem, match="cannot be read"):
        read(path)
