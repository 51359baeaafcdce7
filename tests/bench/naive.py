"""The chat that everybody would write first: Markdown widgets in a scroll, `Markdown.get_stream`, an Input.

usage: python -m tests.bench.naive BASE_URL
"""

from __future__ import annotations

import json
import sys
from typing import ClassVar

import httpx
from httpx_sse import aconnect_sse
from textual import on, work
from textual.app import App, ComposeResult
from textual.binding import BindingType
from textual.containers import VerticalScroll
from textual.widgets import Input, Markdown


class NaiveChat(App[None]):
    """Sends what is entered, shows what comes, stops at Esc."""

    BINDINGS: ClassVar[list[BindingType]] = [("escape", "stop", "Stop")]

    def compose(self) -> ComposeResult:
        """Messages above, composer below."""
        yield VerticalScroll(can_focus=False)
        yield Input(placeholder="Ask anything")

    def on_mount(self) -> None:
        """Ready to type."""
        self.client = httpx.AsyncClient(timeout=None)
        self.query_one(Input).focus()

    def action_stop(self) -> None:
        """Close the connection."""
        self.workers.cancel_all()

    @on(Input.Submitted)
    def send(self, event: Input.Submitted) -> None:
        """Ask it."""
        event.input.value = ""
        self.ask(event.value)

    @work(exclusive=True)
    async def ask(self, text: str) -> None:
        """One question and its answer."""
        messages = self.query_one(VerticalScroll)
        answer = Markdown()
        await messages.mount_all([Markdown(f"**You:** {text}"), answer])
        messages.anchor()
        stream = Markdown.get_stream(answer)
        body = {"model": "paced", "stream": True, "messages": [{"role": "user", "content": text}]}
        url = f"{sys.argv[1]}/chat/completions"
        try:
            async with aconnect_sse(self.client, "POST", url, json=body) as source:
                async for event in source.aiter_sse():
                    if event.data == "[DONE]":
                        break
                    for choice in json.loads(event.data)["choices"]:
                        if words := choice["delta"].get("content"):
                            await stream.write(words)
        finally:
            await stream.stop()


if __name__ == "__main__":
    NaiveChat().run()
