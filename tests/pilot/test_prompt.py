"""The composer: what its keys do, and what a paste can not do."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from textual import events
from textual.app import App, ComposeResult
from textual.pilot import Pilot
from textual.widgets import Button

import chat_tui.ui.widgets.prompt as prompt_module
from chat_tui.core.history import PromptHistory
from chat_tui.ui.widgets.prompt import (
    Prompt,
    command_hint,
    completed,
    matching_commands,
    model_hint,
    typed_model,
)
from tests.support.waiting import wait_until

STYLES = Path(prompt_module.__file__).parents[1] / "styles" / "app.tcss"
MAX_TEXT_ROWS = 10


class PromptApp(App[None]):
    CSS_PATH = STYLES

    def __init__(self) -> None:
        super().__init__()
        self.sent: list[str] = []
        self.keys_seen: list[str] = []

    def compose(self) -> ComposeResult:
        yield Button("elsewhere", id="elsewhere")
        yield Prompt(PromptHistory(["first", "second\nof two lines"]), id="prompt")

    def on_mount(self) -> None:
        self.query_one(Prompt).focus()

    def on_prompt_submitted(self, event: Prompt.Submitted) -> None:
        self.sent.append(event.text)

    def on_key(self, event: events.Key) -> None:
        self.keys_seen.append(event.key)


@asynccontextmanager
async def running(size: tuple[int, int] = (60, 20)) -> AsyncGenerator[tuple[PromptApp, Prompt, Pilot[None]]]:
    app = PromptApp()
    async with app.run_test(size=size) as pilot:
        yield app, app.query_one(Prompt), pilot


async def settle_paste(prompt: Prompt) -> None:
    """Let the time pass in which keys belong to the paste before them."""
    started_s = events.Key("x", "x").time
    await wait_until(lambda: events.Key("x", "x").time > started_s + prompt_module.PASTE_SETTLES_S)


async def test_enter_sends_and_keeps_the_text() -> None:
    async with running() as (app, prompt, pilot):
        await pilot.press("h", "i", "enter")
        assert app.sent == ["hi"]
        assert prompt.text == "hi"
        assert prompt.prompts.entries[-1] == "hi"


async def test_blank_is_not_sent() -> None:
    async with running() as (app, _, pilot):
        await pilot.press("enter", "space", "ctrl+j", "enter")
        assert app.sent == []


@pytest.mark.parametrize("key", ["ctrl+j", "shift+enter", "alt+enter"])
async def test_newline_keys_break_the_line(key: str) -> None:
    async with running() as (app, prompt, pilot):
        await pilot.press("a", key, "b")
        assert prompt.text == "a\nb"
        assert app.sent == []


async def test_it_grows_to_ten_lines_and_then_scrolls() -> None:
    async with running() as (_, prompt, pilot):
        assert prompt.content_size.height == 1
        for count in range(2, 14):
            await pilot.press("ctrl+j")
            await wait_until(lambda count=count: prompt.content_size.height == min(count, MAX_TEXT_ROWS))
        assert prompt.max_scroll_y > 0
        prompt.clear()
        await wait_until(lambda: prompt.content_size.height == 1)


async def test_history_at_the_edges_keeps_the_draft() -> None:
    async with running() as (_, prompt, pilot):
        await pilot.press("d", "r", "up")
        assert prompt.text == "second\nof two lines"
        await pilot.press("up")
        assert prompt.text == "first"
        await pilot.press("up", "down")
        assert prompt.text == "second\nof two lines"
        assert prompt.cursor_location == (1, len("of two lines"))
        await pilot.press("down")
        assert prompt.text == "dr"


async def test_up_and_down_move_inside_a_text_first() -> None:
    async with running() as (_, prompt, pilot):
        prompt.put("one\ntwo")
        await pilot.press("up")
        assert (prompt.text, prompt.cursor_location[0]) == ("one\ntwo", 0)
        await pilot.press("down")
        assert (prompt.text, prompt.cursor_location[0]) == ("one\ntwo", 1)
        await pilot.press("down")
        assert prompt.text == "one\ntwo"


async def test_wrapped_rows_count_as_lines() -> None:
    async with running(size=(20, 20)) as (_, prompt, pilot):
        prompt.put("word " * 8)
        await pilot.press("up")
        assert prompt.text == "word " * 8


async def test_a_paste_is_one_insert_and_never_sends() -> None:
    async with running() as (app, prompt, _):
        prompt.post_message(events.Paste("one\r\ntwo\rthree\n"))
        await wait_until(lambda: prompt.text == "one\ntwo\nthree\n")
        assert app.sent == []
        prompt.undo()
        assert prompt.text == ""


async def test_a_paste_that_breaks_out_does_not_send_either() -> None:
    async with running() as (app, prompt, pilot):
        prompt.post_message(events.Paste("rm"))
        for character in " -rf":
            prompt.post_message(events.Key("space" if character == " " else character, character))
        prompt.post_message(events.Key("enter", "\r"))
        await wait_until(lambda: prompt.text == "rm -rf\n")
        await settle_paste(prompt)
        assert app.sent == []
        await pilot.press("enter")
        assert app.sent == ["rm -rf\n"]


async def test_pasted_and_recalled_control_characters_are_made_visible() -> None:
    async with running() as (app, prompt, pilot):
        prompt.post_message(events.Paste("a\x1b]52;c;eA==\x07b\u202e\x9b31m"))
        await wait_until(lambda: prompt.text.startswith("a"))
        assert not any(ord(c) < 0x20 or 0x7F <= ord(c) < 0xA0 or c == "\u202e" for c in prompt.text)
        app.copy_to_clipboard("x\x1b[2Jy")
        prompt.clear()
        await pilot.press("ctrl+v")
        assert "\x1b" not in prompt.text
        assert prompt.text.startswith("x")
        prompt.put("p\x1b[2Jq")
        assert "\x1b" not in prompt.text


async def test_a_large_paste_arrives_whole() -> None:
    async with running() as (_, prompt, _pilot):
        text = "word and\n" * 20_000
        prompt.post_message(events.Paste(text))
        await wait_until(lambda: len(prompt.text) == len(text), 10)
        assert prompt.content_size.height <= MAX_TEXT_ROWS


@pytest.mark.parametrize(
    "key", ["ctrl+c", "ctrl+d", "escape", "f1", "f6", "ctrl+t", "pageup", "pagedown", "ctrl+end"]
)
async def test_keys_of_the_screen_get_there(key: str) -> None:
    async with running() as (app, prompt, pilot):
        await pilot.press("a", "home", key)
        assert app.keys_seen[-1] == key
        assert prompt.text == "a"


async def test_tab_moves_the_focus_unless_a_command_is_being_typed() -> None:
    async with running() as (app, prompt, pilot):
        await pilot.press(*"/mo", "tab")
        assert prompt.text == "/model "
        assert app.focused is prompt
        prompt.put("text")
        await pilot.press("tab")
        assert prompt.text == "text"
        assert app.focused is not prompt


async def test_the_hint_names_commands_and_goes_away() -> None:
    async with running() as (_, prompt, pilot):
        await pilot.press("/", "m")
        await wait_until(lambda: "/model" in str(prompt.border_subtitle))
        await pilot.press("backspace", "backspace")
        await wait_until(lambda: not prompt.border_subtitle)


async def test_hostile_text_is_text() -> None:
    hostile = "x [/red] [@click=app.quit]y[/] [b"
    async with running() as (app, prompt, pilot):
        prompt.put(hostile)
        await pilot.press("enter")
        assert app.sent == [hostile]


def test_completion_goes_as_far_as_the_commands_agree() -> None:
    assert completed("/mo") == "/model "
    assert completed("/c") == "/co"
    assert completed("/cop") == "/copy"
    assert completed("/nothing") == "/nothing"
    assert completed("text") == "text"


@pytest.mark.parametrize("text", ["", "model", "//m", "/M", "/m x", "/usr/bin", "/é", " /m"])
def test_what_is_not_a_command_matches_none(text: str) -> None:
    assert matching_commands(text) == ()
    assert not command_hint(text)


def test_the_hint_is_short() -> None:
    assert str(command_hint("/mo")) == "/model  Models · Tab"
    assert str(command_hint("/model")) == "/model  Models"
    assert str(command_hint("/")).endswith(" …")


async def test_undo_and_redo_across_lines_that_are_gone() -> None:
    async with running() as (_, prompt, pilot):
        text = "\n".join(str(n) for n in range(30))
        prompt.post_message(events.Paste(text))
        await wait_until(lambda: prompt.text == text)
        await pilot.press("ctrl+z")
        assert prompt.text == ""
        await pilot.press("ctrl+y")
        assert prompt.text == text
        prompt.clear()
        await pilot.press("ctrl+z", "ctrl+y", "ctrl+y")
        assert prompt.text == ""


MODELS = ("fast", "groq/llama-70b", "groq/llama-8b", "openai/mini")


@pytest.mark.parametrize(
    ("typed", "text"),
    [
        ("/model f", "/model fast"),
        ("/model g", "/model groq/llama-"),
        ("/model groq/llama-8", "/model groq/llama-8b"),
        ("/model mini", "/model openai/mini"),
        ("/model nobody", "/model nobody"),
    ],
)
async def test_tab_completes_what_is_known_behind_model(typed: str, text: str) -> None:
    async with running() as (_, prompt, pilot):
        prompt.model_names = lambda: MODELS
        prompt.put(typed)
        await pilot.press("tab")
        assert prompt.text == text
        assert prompt.has_focus


def test_the_hint_behind_model_names_as_many_as_there_is_room_for() -> None:
    assert model_hint("", MODELS, 60).plain == "fast  groq/llama-70b  groq/llama-8b  openai/mini"
    assert model_hint("", MODELS, 30).plain == "fast  groq/llama-70b …"
    assert model_hint("llama", MODELS, 60).plain == "groq/llama-70b  groq/llama-8b"
    assert model_hint("gr", MODELS, 60).plain == "groq/llama-70b  groq/llama-8b · Tab"
    assert model_hint("mini", MODELS, 60).plain == "openai/mini · Tab"
    assert model_hint("fast", MODELS, 60).plain == ""
    assert model_hint("nobody", MODELS, 60).plain == ""
    assert typed_model("/model x") == "x"
    assert typed_model("/model") is None
    assert typed_model("/model x\ny") is None
