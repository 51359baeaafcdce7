"""Files through the whole program: named on the command line, received by a server."""

from __future__ import annotations

import asyncio
import sys
from base64 import b64decode
from pathlib import Path

import pytest

from tests.support import images
from tests.support.program import KEY, MODEL, write_config
from tests.support.sse_server import SseServer, answer
from tests.support.terminal import chat_tui_env

PHOTO = images.png(40, 30)


async def run(home: Path, *argv: str, stdin: bytes = b"") -> tuple[int, str, str]:
    """Exit code and what was printed, of the real program in its own process."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "chat_tui",
        "--config",
        str(home / "chat.toml"),
        *argv,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        cwd=home,
        env=chat_tui_env(home, MINE_API_KEY=KEY, PYTHONPATH=str(Path(__file__).parents[2])),
    )
    async with asyncio.timeout(60):
        out, err = await process.communicate(stdin)
    return process.returncode or 0, out.decode(), err.decode()


@pytest.fixture
def home(tmp_path: Path, server: SseServer) -> Path:
    write_config(tmp_path, server)
    (tmp_path / "photo.png").write_bytes(PHOTO)
    (tmp_path / "notes.md").write_text("# Grüße\n", "utf-8")
    return tmp_path


async def test_what_is_named_arrives_as_it_is(server: SseServer, home: Path) -> None:
    server.play(answer("A cat."))
    argv = ("-m", MODEL, "-f", "photo.png", "-f", "notes.md", "What is it?")
    code, out, err = await run(home, *argv)
    assert (code, out) == (0, "A cat.\n"), err
    (request,) = server.requests
    (message,) = request.json["messages"]
    words, image = message["content"]
    assert words["text"] == "--- notes.md ---\n# Grüße\n--- end of notes.md ---\n\nWhat is it?"
    head, _, data = image["image_url"]["url"].partition(",")
    assert head == "data:image/png;base64"
    assert b64decode(data, validate=True) == PHOTO


async def test_standard_input_can_be_the_file(server: SseServer, home: Path) -> None:
    server.play(answer("A cat."))
    code, _, err = await run(home, "-m", MODEL, "-f", "-", "-p", "What is it?", stdin=PHOTO)
    assert code == 0, err
    words, image = server.requests[0].json["messages"][0]["content"]
    assert words["text"] == "What is it?"
    assert b64decode(image["image_url"]["url"].partition(",")[2]) == PHOTO


async def test_standard_input_is_the_question_as_before(server: SseServer, home: Path) -> None:
    server.play(answer("Yes."))
    code, _, err = await run(home, "-m", MODEL, "-f", "notes.md", stdin=b"Is it short?\n")
    assert code == 0, err
    assert server.requests[0].json["messages"][0]["content"].endswith("\n\nIs it short?")


@pytest.mark.parametrize(
    ("argv", "said"),
    [
        (("-f", "gone.png", "-p", "?"), "There is no file “gone.png”."),
        (("-f", "chat.toml", "-f", ".", "-p", "?"), "“.” is a directory."),
        (("-f", "photo.png", "models"), "-f goes with a question"),
        (("-f", "photo.png", "two", "words"), "-f goes with a question"),
    ],
)
async def test_what_cannot_go_is_one_sentence(
    server: SseServer, home: Path, argv: tuple[str, ...], said: str
) -> None:
    code, out, err = await run(home, "-m", MODEL, *argv)
    assert (code, out) == (2, "")
    assert said in err
    assert err.count("\n") == 1
    assert server.requests == []


async def test_the_embedded_model_cannot_see(home: Path) -> None:
    code, out, err = await run(home, "-m", "local/smollm2-135m", "-f", "photo.png", "-p", "What is it?")
    assert (code, out) == (2, "")
    assert err == (
        "chat-tui: “photo.png” is an image, and SmolLM2 135M on this machine cannot see. "
        "Take it out, or ask another model.\n"
    )
