"""/export writes what is open, /stats shows what one's answers were like."""

from __future__ import annotations

from pathlib import Path

import pytest

from chat_tui.session.journal import Journal
from chat_tui.store.store import ConversationStore
from chat_tui.ui.screens.statistics import StatisticsScreen
from tests.support.stage import stage
from tests.support.waiting import wait_until


async def test_export_says_where(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    async with stage("demo/cut", tmp_path / "state", size=(120, 36)) as on:
        await on.ask("/export")
        await wait_until(lambda: "nothing to export" in on.screen_text)
        await on.ask("Anybody there?")
        await on.until_done()
        await on.ask("/export answer.json")
        await wait_until(lambda: "Exported to" in on.screen_text)
        assert "Anybody there?" in (tmp_path / "answer.json").read_text("utf-8")
        await on.pilot.press("tab", "x")
        await wait_until(lambda: list(tmp_path.glob("*.md")))
        text = next(tmp_path.glob("*.md")).read_text("utf-8")
        assert "a server may have been restarted in the middle of a" in text
        assert "connection lost" not in text  # a seam is no text


async def test_stats_need_a_store(tmp_path: Path) -> None:
    async with stage("demo/cut", tmp_path, size=(120, 36)) as on:
        await on.ask("/stats")
        await wait_until(lambda: "not kept here" in on.screen_text)


async def test_stats_are_shown_and_closed(tmp_path: Path) -> None:
    store = ConversationStore.open(tmp_path / "store")
    try:
        async with stage("demo/cut", tmp_path / "state", size=(120, 36), journal=Journal(lambda _: store)) as on:
            await on.ask("Anybody there?")
            await on.until_done()
            await on.ask("/stats")
            await wait_until(lambda: isinstance(on.app.screen, StatisticsScreen))
            await wait_until(lambda: "demo/cut" in on.screen_text)
            await on.pilot.press("escape")
            await wait_until(lambda: on.app.screen is on.chat)
    finally:
        assert store.close(10.0)
