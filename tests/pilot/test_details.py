"""Everything known about a failure, and nothing of it executed."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from chat_tui.core.errors import Fault, FaultKind
from chat_tui.core.http_record import HttpRecord
from chat_tui.ui.screens.details import DetailsScreen, fault_command, fault_text
from tests.pilot.panels import HOSTILE, HOSTILE_VISIBLE, PanelApp, screen_text
from tests.support.stage import stage
from tests.support.waiting import wait_until

FAULT = Fault(
    FaultKind.AUTH,
    "key refused",
    "401 from api.example.com: the key was refused.",
    "/key to change it",
    status=401,
    code="invalid_api_key",
    request_id="req_1",
    retry_after_s=3.0,
    detail='{"error": "no"}',
)


def test_text_for_a_report() -> None:
    assert fault_text(FAULT) == (
        "key refused\n\n401 from api.example.com: the key was refused. /key to change it\n\n"
        'status: 401\ncode: invalid_api_key\nrequest id: req_1\nretry after: 3 s\n\n{"error": "no"}\n'
    )
    assert fault_text(Fault(FaultKind.CUT, "cut", "The stream ended.")) == "cut\n\nThe stream ended.\n"


ASKED = replace(
    FAULT,
    http=HttpRecord(
        "POST",
        "https://api.example.com/v1/chat/completions",
        (("Authorization", "Bearer $MINE_KEY"),),
        '{"model":"m"}',
        (("x-served-by", "cache-7"), ("set-cookie", "•••")),
    ),
)


def test_a_report_has_the_headers_and_a_command() -> None:
    text = fault_text(ASKED)
    assert "\nrequest: POST https://api.example.com/v1/chat/completions\n" in text
    assert "\nx-served-by: cache-7\nset-cookie: •••\n" in text
    assert text.endswith(fault_command(ASKED))
    assert '-H "Authorization: Bearer $MINE_KEY"' in text
    assert fault_command(FAULT) == ""


async def test_what_was_asked_is_on_the_screen_and_c_copies_it() -> None:
    app = PanelApp()
    copied: list[str] = []
    async with app.run_test(size=(100, 40)) as pilot:
        app.open_panel(DetailsScreen(ASKED, copied.append))
        await wait_until(lambda: "c copies the request for curl" in screen_text(app))
        shown = " ".join(screen_text(app).split())
        for part in ("POST https://api.example.com/v1/chat", "x-served-by: cache-7", "$MINE_KEY", "curl -N"):
            assert part in shown
        await pilot.press("c")
        await wait_until(lambda: app.results == [None])
        assert copied == [fault_command(ASKED)]


async def test_c_does_nothing_where_nothing_was_asked() -> None:
    app = PanelApp()
    copied: list[str] = []
    async with app.run_test(size=(100, 40)) as pilot:
        app.open_panel(DetailsScreen(FAULT, copied.append))
        await wait_until(lambda: "key refused" in screen_text(app))
        assert "curl" not in screen_text(app)
        await pilot.press("c", "escape")
        await wait_until(lambda: app.results == [None])
        assert copied == []


@pytest.mark.parametrize("size", [(120, 36), (60, 20)])
async def test_all_of_it_is_on_the_screen(size: tuple[int, int]) -> None:
    app = PanelApp()
    async with app.run_test(size=size) as pilot:
        app.open_panel(DetailsScreen(FAULT, print))
        await wait_until(lambda: "key refused" in screen_text(app))
        for part in ("401", "invalid_api_key", "req_1", "3 s", '{"error": "no"}', "/key to change it"):
            assert part in " ".join(screen_text(app).split())
        await pilot.press("escape")
        await wait_until(lambda: app.results == [None])


async def test_y_copies_and_makes_way() -> None:
    app = PanelApp()
    copied: list[str] = []
    async with app.run_test(size=(80, 24)) as pilot:
        app.open_panel(DetailsScreen(FAULT, copied.append))
        await wait_until(lambda: "key refused" in screen_text(app))
        await pilot.press("y")
        await wait_until(lambda: app.results == [None])
        assert copied == [fault_text(FAULT)]


async def test_hostile_text_is_text() -> None:
    app = PanelApp()
    asked = HttpRecord("POST", HOSTILE, ((HOSTILE, HOSTILE),), HOSTILE, ((HOSTILE, HOSTILE),))
    fault = Fault(
        FaultKind.SERVER, HOSTILE, HOSTILE, HOSTILE, code=HOSTILE, request_id=HOSTILE, detail=HOSTILE, http=asked
    )
    async with app.run_test(size=(160, 40), notifications=True):
        app.open_panel(DetailsScreen(fault, print))
        await wait_until(lambda: screen_text(app).count(HOSTILE_VISIBLE) >= 8)
        assert "\x1b" not in screen_text(app)
        assert app.is_running
    assert "\x1b" not in fault_text(fault)


async def test_why_it_waits_can_be_read_before_it_asks_again(tmp_path: Path) -> None:
    async with stage("demo/ratelimit", tmp_path) as on:
        on.clock.stop_at_s = 1.0
        await on.ask("Too fast?")
        await on.until_standing()
        on.chat.action_details()
        await wait_until(lambda: "too many requests" in screen_text(on.app))
        await on.pilot.press("escape")
        await wait_until(lambda: on.app.screen is on.chat)
        on.clock.stop_at_s = float("inf")
        await on.until_done()


@pytest.mark.parametrize("size", [(110, 32), (60, 20), (40, 10)])
async def test_however_long_it_is_its_end_and_the_keys_can_be_seen(size: tuple[int, int]) -> None:
    app = PanelApp()
    async with app.run_test(size=size) as pilot:
        app.open_panel(DetailsScreen(replace(ASKED, detail="word " * 400), print))
        await wait_until(lambda: "copies" in screen_text(app))
        await pilot.press("end")
        await wait_until(lambda: "--data-raw" in screen_text(app))
        assert "key refused" in screen_text(app)
        assert "copies" in screen_text(app)
