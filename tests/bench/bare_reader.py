"""httpx and httpx-sse without a screen: what receiving costs before anything is shown. Words go out as they come.

usage: python -m tests.bench.bare_reader BASE_URL
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
import tty

import httpx
from httpx_sse import aconnect_sse


async def _answer(client: httpx.AsyncClient, question: str) -> None:
    body = {"model": "paced", "stream": True, "messages": [{"role": "user", "content": question}]}
    async with aconnect_sse(client, "POST", f"{sys.argv[1]}/chat/completions", json=body) as source:
        async for event in source.aiter_sse():
            for choice in json.loads(event.data)["choices"] if event.data != "[DONE]" else ():
                if words := choice["delta"].get("content"):
                    os.write(1, words.replace("\n", "\r\n").encode())


async def _chat() -> None:
    line, running = b"", None
    keys: asyncio.Queue[bytes] = asyncio.Queue()
    tty.setraw(0)
    asyncio.get_running_loop().add_reader(0, lambda: keys.put_nowait(os.read(0, 1 << 12)))
    os.write(1, b"Ask anything\r\n")
    async with httpx.AsyncClient(timeout=None) as client:
        while True:
            for key in await keys.get():
                if key == 0x1B and running is not None:
                    running.cancel()
                elif key == 0x0D:
                    running, line = asyncio.create_task(_answer(client, line.decode())), b""
                else:
                    line += bytes((key,))
                    os.write(1, bytes((key,)))


if __name__ == "__main__":
    asyncio.run(_chat())
