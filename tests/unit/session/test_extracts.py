"""The open conversation as a file; the numbers of one's own answers."""

from __future__ import annotations

from pathlib import Path

import pytest

from chat_tui.config.model import Config
from chat_tui.core.errors import ChatError
from chat_tui.session.extracts import export, statistics
from chat_tui.session.journal import Journal
from chat_tui.session.session import ChatSession, NothingToDo
from chat_tui.store.store import ConversationStore
from tests.support.fake_provider import FakeProvider, answer
from tests.support.stage import StageClock, StageRegistry

WAIT_S = 10.0


async def make_session(folder: Path, journal: Journal | None = None) -> ChatSession:
    """With one question and its answer."""
    clock = StageClock()
    provider = FakeProvider(clock)
    provider.add(answer("Forty-two."))
    registry = StageRegistry(Config(), folder, clock, provider)
    session = ChatSession(registry, "fake/one", clock=clock, journal=journal)
    await session.submit("What is the answer?").run()
    return session


@pytest.mark.parametrize(
    ("target", "name"), [("", "What is the answer.md"), ("a.json", "a.json"), ("b.html", "b.html")]
)
async def test_the_extension_says_the_format(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, target: str, name: str
) -> None:
    monkeypatch.chdir(tmp_path)
    session = await make_session(tmp_path / "state")
    session.conversation.title = "What is the answer?"
    path = await export(session, target)
    assert path.name == name
    assert "Forty-two." in path.read_text("utf-8")
    again = await export(session, target)
    assert again != path
    assert path.read_text("utf-8") == again.read_text("utf-8")


async def test_what_cannot_be_written_is_one_sentence(tmp_path: Path) -> None:
    session = await make_session(tmp_path / "state")
    with pytest.raises(ChatError, match=r"not \.docx"):
        await export(session, str(tmp_path / "x.docx"))
    with pytest.raises(ChatError, match="cannot be written"):
        await export(session, str(tmp_path / "nowhere" / "x.md"))
    session.new()
    with pytest.raises(NothingToDo, match="nothing to export"):
        await export(session)


async def test_ones_own_numbers(tmp_path: Path) -> None:
    store = ConversationStore.open(tmp_path / "store")
    try:
        session = await make_session(tmp_path / "state", Journal(lambda _: store))
        assert store.flush(WAIT_S)
        text = "\n".join(await statistics(session, 76))
        assert "fake/one" in text
        assert all(len(line) <= 76 for line in text.split("\n"))
    finally:
        assert store.close(WAIT_S)


async def test_without_a_store_there_is_nothing_to_count(tmp_path: Path) -> None:
    with pytest.raises(NothingToDo, match="not kept"):
        await statistics(await make_session(tmp_path), 76)
