"""No link opens unasked, and none that is not what it looks like."""

from __future__ import annotations

import threading
import webbrowser
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chat_tui.ui.screens.confirm_link import (
    MAX_TARGET_CHARS,
    OPENABLE_SCHEMES,
    ConfirmLink,
    open_in_browser,
    refusal,
    warning,
)
from tests.pilot.panels import HOSTILE_VISIBLE, PanelApp, screen_text
from tests.support.waiting import wait_until

TARGET = "https://example.com/path?q=1"


@pytest.mark.parametrize(
    "target", [TARGET, "http://127.0.0.1:8080/", "mailto:a@example.com", "HTTPS://EXAMPLE.COM", "https://[::1]/"]
)
def test_what_may_be_opened(target: str) -> None:
    assert refusal(target) == ""


@pytest.mark.parametrize(
    ("target", "reason"),
    [
        ("--help", "dash"),
        ("-https://example.com", "dash"),
        ("ssh://-oProxyCommand=x", "Only"),
        ("file:///etc/passwd", "Only"),
        ("javascript:alert(1)", "Only"),
        ("data:text/html,x", "Only"),
        ("tel:+1", "Only"),
        ("ms-msdt:x", "Only"),
        ("example.com", "Only"),
        ("", "Only"),
        ("https://", "not a complete"),
        ("https:///path", "not a complete"),
        ("mailto:", "not a complete"),
        ("https://[broken", "not a complete"),
        ("https://example.com:port/", "not a complete"),
        ("https://exa\u200bmple.com", "cannot be seen"),
        ("https://example.com/\u202egnp.exe", "cannot be seen"),
        ("https://example.com/\x1b[31m", "cannot be seen"),
        ("https://example.com/a b", "white space"),
        (" https://example.com", "white space"),
        ("https://example.com/\n-x", "white space"),
        ("https://example.com/" + "x" * MAX_TARGET_CHARS, "longer"),
    ],
)
def test_what_is_never_opened(target: str, reason: str) -> None:
    assert reason in refusal(target)


@settings(max_examples=200)
@given(st.text(max_size=60))
def test_nothing_else_slips_through(target: str) -> None:
    if not refusal(target):
        assert target.partition(":")[0].lower() in OPENABLE_SCHEMES
        assert not target.startswith("-")


@pytest.mark.parametrize(
    ("target", "note"),
    [
        (TARGET, ""),
        ("mailto:a@b", ""),
        ("https://example.com@evil.test/", "evil.test"),
        ("https://xn--e1awd7f.com/", "look like others"),
        ("https://ехample.com/", "look like others"),
    ],
)
def test_what_a_reader_may_overlook(target: str, note: str) -> None:
    assert note in warning(target)
    assert bool(warning(target)) is bool(note)


class Opener:
    """Records what was opened, and in which thread."""

    def __init__(self, works: bool = True) -> None:
        self.opened: list[str] = []
        self.threads: list[int] = []
        self._works = works

    def __call__(self, target: str) -> bool:
        self.threads.append(threading.get_ident())
        self.opened.append(target)
        return self._works


@pytest.mark.parametrize(
    ("keys", "is_opened"),
    [
        (("y",), True),
        (("right", "enter"), True),
        (("tab", "enter"), True),
        (("enter",), False),
        (("right", "left", "enter"), False),
        (("n",), False),
        (("escape",), False),
        (("q",), False),
        (("x", "space", "n"), False),
    ],
)
async def test_only_a_clear_yes_opens(keys: tuple[str, ...], is_opened: bool) -> None:
    app, opener = PanelApp(), Opener()
    async with app.run_test(size=(80, 24), notifications=True) as pilot:
        app.open_panel(ConfirmLink(TARGET, opener))
        await wait_until(lambda: TARGET in screen_text(app))
        assert opener.opened == []
        await pilot.press(*keys)
        await wait_until(lambda: app.results == [is_opened])
        await wait_until(lambda: opener.opened == ([TARGET] if is_opened else []))
        assert threading.get_ident() not in opener.threads


async def test_a_refused_target_cannot_be_opened_by_any_key() -> None:
    app, opener = PanelApp(), Opener()
    async with app.run_test(size=(80, 24)) as pilot:
        app.open_panel(ConfirmLink("ssh://-oProxyCommand=x", opener))
        await wait_until(lambda: "not opened" in screen_text(app))
        await pilot.press("y", "right", "tab", "enter")
        await wait_until(lambda: app.results == [False])
        assert opener.opened == []


@pytest.mark.parametrize("size", [(120, 36), (60, 20)])
async def test_the_whole_target_is_shown_and_hostile_text_is_text(size: tuple[int, int]) -> None:
    app = PanelApp()
    target = "https://example.com/" + "a" * 150 + "/[/red][@click=app.quit]end[/]"
    async with app.run_test(size=size, notifications=True) as pilot:
        app.open_panel(ConfirmLink(target, Opener()))
        await wait_until(lambda: "Open this link?" in screen_text(app))
        joined = "".join(row.strip() for row in screen_text(app).splitlines())
        assert target in joined
        await pilot.press("n")
        app.open_panel(ConfirmLink("https://x/" + HOSTILE_VISIBLE, Opener()))
        await wait_until(lambda: HOSTILE_VISIBLE in screen_text(app))
        assert app.is_running


async def test_a_missing_browser_is_said() -> None:
    app = PanelApp()
    async with app.run_test(size=(80, 24), notifications=True) as pilot:
        app.open_panel(ConfirmLink(TARGET, Opener(works=False)))
        await wait_until(lambda: TARGET in screen_text(app))
        await pilot.press("y")
        await wait_until(lambda: "No browser" in screen_text(app))


class Browser(webbrowser.BaseBrowser):
    def __init__(self) -> None:
        super().__init__()
        self.opened: list[str] = []

    def open(self, url: str, new: int = 0, autoraise: bool = True) -> bool:
        self.opened.append(url)
        return True


def chosen(browser: webbrowser.BaseBrowser | None) -> Callable[[], webbrowser.BaseBrowser]:
    def get() -> webbrowser.BaseBrowser:
        if browser is None:
            raise webbrowser.Error("none")
        return browser

    return get


def test_a_browser_that_would_take_over_the_terminal_is_not_started(monkeypatch: pytest.MonkeyPatch) -> None:
    browser = Browser()
    monkeypatch.setattr(webbrowser, "get", chosen(browser))
    assert open_in_browser(TARGET) is True
    assert browser.opened == [TARGET]
    started: list[str] = []
    in_terminal = webbrowser.GenericBrowser("w3m")

    def start(_browser: object, url: str) -> None:
        started.append(url)

    monkeypatch.setattr(webbrowser.GenericBrowser, "open", start)
    monkeypatch.setattr(webbrowser, "get", chosen(in_terminal))
    assert open_in_browser(TARGET) is False
    monkeypatch.setattr(webbrowser, "get", chosen(None))
    assert open_in_browser(TARGET) is False
    assert started == []
