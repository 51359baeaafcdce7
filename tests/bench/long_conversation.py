"""A long conversation in the real program: opened, paged through, and one question more. Started in a terminal.

There is no way to open a stored conversation from the command line, so it is filled in here; everything else is as
`chat-tui` does it. Measured inside: from the call (the key, for a page) to the write of the frame that shows it.

usage: python -m tests.bench.long_conversation MESSAGES RESULT_FILE
"""

from __future__ import annotations

import asyncio
import itertools
import json
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path

from chat_tui.config.load import LoadedConfig
from chat_tui.config.model import Config
from chat_tui.core.conversation import Conversation, Ending, Outcome, Role, TextPart
from chat_tui.providers.registry import ProviderRegistry
from chat_tui.session.session import ChatSession
from chat_tui.ui.app import ChatApp
from chat_tui.ui.driver import ChatDriver
from tests.bench.documents import make_tokens

PAGES, QUESTIONS = 20, 7
_FRAME_CHARS = 400
"""A page is at least so much; a status line is less."""
_TOKENS = 160
_WAIT_S = 10.0


class Screen:
    """Everything that is written to the terminal, and when."""

    def __init__(self) -> None:
        self.writes: list[tuple[float, str]] = []
        write = ChatDriver.write

        writes = self.writes

        def note(self: ChatDriver, data: str) -> None:
            writes.append((time.monotonic(), data))
            write(self, data)

        ChatDriver.write = note

    async def time_until(self, act: Callable[[], object], shows: Callable[[str], bool]) -> float:
        """Seconds from `act` to the first write that shows it. Raises TimeoutError."""
        self.writes.clear()
        started_s = time.monotonic()
        act()
        while time.monotonic() - started_s < _WAIT_S:
            for at_s, data in self.writes:
                if shows(data):
                    return at_s - started_s
            await asyncio.sleep(0.0005)
        raise TimeoutError("what was done is not on the screen")


async def until_idle() -> None:
    """Until the program does nothing any more."""
    while True:
        before_s = time.process_time()
        await asyncio.sleep(0.1)
        if time.process_time() - before_s < 0.004:
            return


def make_conversation(count: int) -> Conversation:
    """Questions and answers by turns, `count` messages."""
    conversation = Conversation()
    words = "".join(make_tokens("mixed", count // 2 * _TOKENS))
    size = len(words) // max(1, count // 2)
    for number in range(count // 2):
        conversation.append(Role.USER, (TextPart(f"Question {number}: what comes next, and why?"),))
        part = TextPart(words[number * size : (number + 1) * size])
        conversation.append(Role.ASSISTANT, (part,), model="demo/cut", ending=Ending(Outcome.COMPLETE))
    return conversation


async def measure(app: ChatApp, screen: Screen, conversation: Conversation) -> dict[str, float]:
    """All of it; times in seconds."""
    chat = app.chat
    await until_idle()
    app.session.conversation = conversation
    messages = conversation.path()
    open_s = await screen.time_until(
        lambda: chat.transcript.show_messages(messages), lambda data: len(data) > _FRAME_CHARS
    )
    await until_idle()
    pages_s: list[float] = []
    chat.transcript.focus()
    await until_idle()
    for key in itertools.islice(itertools.cycle(["pageup", "pageup", "pagedown", "pagedown"]), PAGES):
        pages_s.append(
            await screen.time_until(lambda: app.simulate_key(key), lambda data: len(data) > _FRAME_CHARS)  # noqa: B023
        )
        await asyncio.sleep(0.05)
    questions_s: list[float] = []
    for number in range(QUESTIONS):
        words = f"zq{number}zq"
        questions_s.append(await screen.time_until(lambda: chat.ask(words), lambda data: words in data))  # noqa: B023
        app.session.stop()
        await until_idle()
    return {
        "open_s": open_s,
        "page_s": statistics.median(pages_s),
        "add_s": statistics.median(questions_s),
        "rows": chat.transcript.virtual_size.height,
        "messages": len(messages),
    }


def main() -> None:
    """Run in the terminal, write the result, stay until killed."""
    count, result_file = int(sys.argv[1]), Path(sys.argv[2])
    config = Config()
    session = ChatSession(ProviderRegistry(config, {}, result_file.parent), "demo/slow")
    app = ChatApp(session, LoadedConfig(config, {}, (), None))
    screen = Screen()

    async def run() -> None:
        try:
            result: object = await measure(app, screen, make_conversation(count))
        except Exception as error:
            result = {"error": f"{type(error).__name__}: {error}"}
        finished = result_file.with_suffix(".part")
        finished.write_text(json.dumps(result), "utf-8")
        finished.rename(result_file)

    async def start() -> None:
        app.run_worker(run(), exit_on_error=False)

    app.run(auto_pilot=lambda _: start())


if __name__ == "__main__":
    main()
