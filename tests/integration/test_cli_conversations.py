"""The commands for stored conversations, over a real store."""

from __future__ import annotations

import asyncio
import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest

from chat_tui.cli_conversations import ExportWish, Output, close_store, open_store, run, since_time_s
from chat_tui.core.conversation import Ending, Message, OpaquePart, Outcome, ReasoningPart, Role, TextPart
from chat_tui.core.errors import ChatError, ConfigError, Fault, FaultKind
from chat_tui.store.export import ExportFormat, json_pieces
from chat_tui.store.model import StoredConversation
from chat_tui.store.store import ConversationStore

CUT = Ending(
    Outcome.INTERRUPTED,
    fault=Fault(FaultKind.CUT, "connection lost", "It went away."),
    tokens=7,
    elapsed_s=3.0,
    ttft_s=0.25,
    tokens_per_s=20.5,
    gap_p95_s=0.1,
    longest_gap_s=0.5,
    stalls=1,
)


def conversation(number: int, title: str = "", words: str = "pelican") -> StoredConversation:
    return StoredConversation(
        id=f"{number:08x}" + "0" * 24,
        title=title or f"Title {number}",
        created_at_s=1_700_000_000.0 + number,
        updated_at_s=1_700_000_000.0 + number,
        model="p/m",
        tip_id=2,
        messages=(
            Message(1, Role.USER, (TextPart(f"about a {words}"),), created_at_s=1_700_000_000.0),
            Message(
                2,
                Role.ASSISTANT,
                (ReasoningPart("hm", 1.5), TextPart("x\x1b[2J\ud83d\0y"), OpaquePart("k", [1, {"a": None}])),
                1,
                "p/m",
                CUT,
                created_at_s=1_700_000_001.0,
            ),
            Message(3, Role.ASSISTANT, (TextPart("other"),), 1, "p/n", Ending(Outcome.COMPLETE)),
        ),
    )


@dataclass
class Desk:
    """A store and what its commands have said."""

    store: ConversationStore
    said: list[str] = field(default_factory=list[str])
    noted: list[str] = field(default_factory=list[str])
    is_json: bool = False
    is_terminal: bool = True

    def run(
        self, *words: str, wish: ExportWish | None = None, model: str | None = None, since: str | None = None
    ) -> int:
        self.said.clear()
        self.noted.clear()
        out = Output(self.said.append, self.noted.append, self.is_terminal, self.is_json)
        return asyncio.run(run(self.store, words, out, wish=wish, model=model, since=since))

    @property
    def data(self) -> object:
        return json.loads("\n".join(self.said))


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    store = open_store(tmp_path / "state")
    yield Desk(store)
    close_store(store)


def filled(desk: Desk, *found: StoredConversation) -> Desk:
    for one in found or (conversation(0x11112222), conversation(0x11113333, "Other \x1b[31m", "walrus")):
        desk.store.add(one)
    assert desk.store.flush(10)
    return desk


def test_list(desk: Desk) -> None:
    assert desk.run("conversations") == 0
    assert (desk.said, desk.noted) == ([], ["There are no conversations yet."])
    filled(desk)
    desk.run("conversations", "list")
    assert sorted(line[:8] for line in desk.said) == ["11112222", "11113333"]
    assert any("Other ␛[31m" in line and "(p/m)" in line for line in desk.said)
    desk.is_json = True
    desk.run("conversations")
    assert isinstance(desk.data, list)
    assert len(desk.data) == 2


def test_show(desk: Desk) -> None:
    filled(desk)
    desk.run("conversations", "show", "11112")
    assert "# Title 286335522" in desk.said[0]
    assert "\x1b" not in desk.said[0]
    assert "connection lost" not in desk.said[0]
    desk.is_terminal = False
    desk.run("conversations", "show", "11112222" + "0" * 24)
    assert "x\x1b[2J\ufffd\ufffdy" in desk.said[0]
    desk.is_json = True
    desk.run("conversations", "show", "last")
    assert isinstance(desk.data, dict)
    assert desk.data["format"] == "chat-tui"


def test_search(desk: Desk) -> None:
    filled(desk)
    desk.run("conversations", "search", "wal")
    assert desk.said[0].startswith("11113333")
    for odd in ('"', "(", "* AND", "-", "nothing here"):
        desk.run("conversations", "search", odd)
    assert desk.noted == ["Nothing was found."]


def test_rename_and_delete(desk: Desk) -> None:
    filled(desk)
    desk.run("conversations", "rename", "11112222", "A", "new\x1b", "name")
    desk.run("conversations", "list")
    assert any("A new␛ name" in line for line in desk.said)
    with pytest.raises(ConfigError):
        desk.run("conversations", "delete", "11112222", "11114444")
    desk.run("conversations", "delete", "11112222")
    desk.run("conversations", "list")
    assert len(desk.said) == 1


@pytest.mark.parametrize(
    "words",
    [
        ("conversations", "dance"),
        ("conversations", "show"),
        ("conversations", "show", "111"),
        ("conversations", "show", "1111"),
        ("conversations", "show", "9999"),
        ("conversations", "show", "x; DROP"),
        ("conversations", "show", "f" * 32),
        ("conversations", "rename", "last", " "),
        ("conversations", "rename", "last"),
        ("export", "a", "b"),
        ("import",),
        ("stats", "x"),
    ],
)
def test_wrong_words_are_one_sentence(desk: Desk, words: tuple[str, ...]) -> None:
    filled(desk)
    with pytest.raises(ConfigError) as caught:
        desk.run(*words)
    assert caught.value.message.endswith(".")


def test_export_one(desk: Desk, tmp_path: Path) -> None:
    filled(desk)
    desk.run("export", "11112")
    assert desk.said[0].startswith("# Title")
    target = tmp_path / "out"
    target.mkdir()
    for expected in ("Title 286335522.html", "Title 286335522-2.html"):
        desk.run("export", "11112", wish=ExportWish(ExportFormat.HTML, target))
        assert Path(desk.noted[0]) == target / expected
    desk.run("export", "11112", wish=ExportWish(ExportFormat.JSON, target / "x.json"))
    desk.run("export", "11113", wish=ExportWish(ExportFormat.JSON, target / "x.json", may_overwrite=True))
    assert sorted(path.name for path in target.glob("*.json")) == ["x.json"]
    assert "walrus" in (target / "x.json").read_text()
    with pytest.raises(ChatError, match="could not be written"):
        desk.run("export", "11112", wish=ExportWish(target=target / "no" / "x.md"))


def test_export_of_all_and_import_are_exact(desk: Desk, tmp_path: Path) -> None:
    originals = [conversation(number) for number in range(0x1000, 0x1000 + 450)]
    filled(desk, *originals)
    path = tmp_path / "all.json"
    assert desk.run("export", wish=ExportWish(ExportFormat.JSON, path, wants_all=True)) == 0
    assert desk.noted == [f"Exported 450 conversations to {path}."]
    other = Desk(open_store(tmp_path / "other"))
    try:
        assert other.run("import", str(path)) == 0
        assert other.noted == ["Imported 450 conversations."]
        assert other.run("import", str(path)) == 0
        assert other.noted == ["Imported 0 conversations, 450 were here already."]
        assert [asyncio.run(other.store.load(one.id)) for one in originals] == originals
        newest = [row.id for row in asyncio.run(other.store.recent(500))]
        assert newest == [row.id for row in asyncio.run(desk.store.recent(500))]
    finally:
        close_store(other.store)


def test_a_reader_that_has_gone_is_no_problem_of_ours(desk: Desk) -> None:
    def gone(_line: str) -> None:
        raise BrokenPipeError

    filled(desk)
    out = Output(gone, desk.noted.append, is_terminal=False)
    with pytest.raises(BrokenPipeError):
        asyncio.run(run(desk.store, ["export"], out, wish=ExportWish(ExportFormat.JSON, wants_all=True)))


def test_export_of_all_to_read_needs_a_directory(desk: Desk, tmp_path: Path) -> None:
    filled(desk)
    with pytest.raises(ConfigError, match="-o DIR"):
        desk.run("export", wish=ExportWish(wants_all=True))
    target = tmp_path / "out"
    target.mkdir()
    desk.run("export", wish=ExportWish(target=target, wants_all=True))
    assert sorted(path.name for path in target.iterdir()) == ["Other-31m.md", "Title 286335522.md"]
    desk.is_terminal = False
    desk.run("export", wish=ExportWish(ExportFormat.JSON, wants_all=True))
    assert isinstance(desk.data, dict)
    assert len(desk.data["conversations"]) == 2


def test_what_is_imported_is_not_what_was_worked_with_last(desk: Desk, tmp_path: Path) -> None:
    desk.store.begin("f" * 32, "Of today", "p/m", 1.0)
    path = tmp_path / "old.json"
    path.write_text("".join(json_pieces([conversation(2), conversation(1)])))
    desk.run("import", str(path))
    assert asyncio.run(desk.store.last_id()) == "f" * 32
    desk.run("conversations")
    assert [line[:8] for line in desk.said] == ["ffffffff", "00000002", "00000001"]


def test_import_says_what_has_grown(desk: Desk, tmp_path: Path) -> None:
    path = tmp_path / "later.json"
    old, new, same = conversation(1), conversation(2), conversation(3)
    filled(desk, old, same)
    more = Message(9, Role.USER, (TextPart("and then?"),), 2)
    path.write_text("".join(json_pieces([replace(old, messages=(*old.messages, more)), new, same])))
    assert desk.run("import", str(path)) == 0
    assert desk.noted == ["Imported 1 conversation, 1 has grown by 1 new message, 1 was here already."]
    desk.is_json = True
    assert desk.run("import", str(path)) == 0
    assert desk.data == {
        "added": 0,
        "grown": 0,
        "new_messages": 0,
        "already_here": 3,
        "empty": 0,
        "problems": [],
    }


def test_import_says_what_it_could_not_read(desk: Desk, tmp_path: Path) -> None:
    path = tmp_path / "some.json"
    data = json.loads("".join(json_pieces([conversation(1), conversation(2)])))
    data["conversations"][0]["tip_id"] = 99
    data["conversations"].append({"id": "0" * 32})
    path.write_text(json.dumps(data))
    assert desk.run("import", str(path)) == 1
    assert desk.noted == [
        "Imported 1 conversation, 1 had no messages, 1 could not be read.",
        "  The last message that is shown is not there.",
    ]
    desk.is_json = True
    assert desk.run("import", str(tmp_path / "missing")) == 1
    assert isinstance(desk.data, dict)
    assert len(desk.data["problems"]) == 1


def test_import_of_a_logs_database(desk: Desk, tmp_path: Path) -> None:
    path = tmp_path / "logs.db"
    with closing(sqlite3.connect(path)) as connection:
        connection.execute(
            "CREATE TABLE responses (id TEXT, prompt TEXT, response TEXT, conversation_id TEXT, datetime_utc TEXT)"
        )
        rows = [(f"r{number}", "why", "so", f"c{number}") for number in range(450)]
        connection.executemany("INSERT INTO responses VALUES (?, ?, ?, ?, '2024-01-01T00:00:00')", rows)
        connection.commit()
    assert desk.run("import", str(path)) == 0
    assert desk.noted == ["Imported 450 conversations."]
    desk.run("stats")
    assert desk.said[1] == "  0 answers · 0 tokens · 450 imported"


def test_stats(desk: Desk) -> None:
    desk.run("stats")
    assert desk.said == ["No answers yet."]
    filled(desk)
    desk.run("stats", model="p/m")
    assert desk.said[0].startswith("p/m")
    assert "2 interrupted" in desk.said[1]
    desk.run("stats", since="7d")
    assert desk.said == ["No answers yet."]
    desk.is_json = True
    desk.run("stats")
    assert isinstance(desk.data, list)
    assert [one["model"] for one in desk.data] == ["p/m", "p/n"]


@pytest.mark.parametrize(
    ("since", "ago_s"), [("12h", 43_200), ("7d", 604_800), (" 2W ", 1_209_600), ("1m", 2_592_000)]
)
def test_spans(since: str, ago_s: float) -> None:
    assert since_time_s(since, 1e9) == 1e9 - ago_s


@pytest.mark.parametrize("since", ["", "7", "d", "-1d", "yesterday", "2026-13-01", "9" * 30 + "d"])
def test_no_spans(since: str) -> None:
    with pytest.raises(ConfigError):
        since_time_s(since, 1e9)
