"""The process that holds a local model: a llama.cpp server on loopback. A program of its own, run by path.

It imports nothing of this package, so that it can be started isolated (`python -I`): neither the current folder
nor the environment decides what it loads. The protocol with its parent:

    stdin    one JSON line (`Settings`; the API key goes this way because arguments can be read by every user),
             then nothing; its end means that the parent is gone, and the process ends at once
    stdout   one JSON line when the server listens: {"address": "http://127.0.0.1:PORT"}, or {"error": "…"}
    stderr   the log file, where everything else goes
"""

from __future__ import annotations

import importlib
import json
import os
import signal
import sys
import threading
from typing import Any, TypedDict

MAX_LOG_BYTES = 4 * 1024 * 1024
NICENESS = 4
"""The screen goes first. Measured with all cores computing: at 0 the parent's loop runs 3 to 4 ms late at the 95th
percentile, at 5 and 10 it runs 1 to 2 ms late; at 10 the model starves beside other programs."""
PROMPT_BATCH_TOKENS = 512 if sys.platform == "darwin" else 64
"""How much of a prompt is read before the server looks whether anybody still wants the answer. Measured without a
graphics processor: the whole costs 2 % more than in batches of 512, and a stop is heard eight times as soon."""
_BIG_BYTES = 1 << 30
_PR_SET_PDEATHSIG = 1


class Settings(TypedDict):
    """What the parent decides. `threads` 0: chosen here. `import_from`: the folder that has xllamacpp."""

    weights: str
    alias: str
    api_key: str
    context_tokens: int
    threads: int
    import_from: str


def main() -> int:
    """Serve until stdin ends; 1 when the model cannot be served."""
    _outlive_nothing()
    answer = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    line = sys.stdin.buffer.readline()
    if not line:
        return 0
    settings: Settings = json.loads(line)
    _yield_to_others()
    threading.Thread(target=_exit_at_end_of_input, daemon=True).start()
    try:
        server = _serve(settings)
    except Exception as error:  # noqa: BLE001 - whatever it is, the parent is told
        reply = {"error": f"{type(error).__name__}: {error}"}
        code = 1
    else:
        reply = {"address": server.listening_address}
        code = 0
    with answer:
        answer.write(json.dumps(reply) + "\n")
    if code == 0:
        threading.Event().wait()
    return code


def _serve(settings: Settings) -> Any:
    sys.path.append(settings["import_from"])
    xllamacpp: Any = importlib.import_module("xllamacpp")
    params = xllamacpp.CommonParams()
    params.model.path = settings["weights"]
    params.model_alias = {settings["alias"]}
    params.hostnames = ["127.0.0.1"]
    params.port = 0
    params.api_keys = [settings["api_key"]]
    params.ui = False
    params.offline = True
    params.n_ctx = settings["context_tokens"]
    params.n_batch = params.n_ubatch = PROMPT_BATCH_TOKENS
    params.n_parallel = 1
    # One conversation at a time: its prefix stays in the slot, and copies of idle ones could take 8 GB.
    params.cache_ram_mib = 0
    params.cache_idle_slots = False
    # Asking how much fits where costs a second load (0.35 s); only big weights may not fit.
    params.fit_params = os.path.getsize(settings["weights"]) > _BIG_BYTES  # noqa: PTH202
    for pool in (params.cpuparams, params.cpuparams_batch):
        pool.n_threads = settings["threads"] or default_threads(_usable_cores())
    return xllamacpp.Server(params)


def default_threads(cores: int) -> int:
    """All cores but one; above four, half of them: cores usually come in pairs that share one arithmetic unit.

    llama.cpp's threads wait for each other thousands of times a second, so one that has to share its core holds up
    all. Measured on two cores: two threads give 144 tokens/s on an idle machine and 1 to 7 beside one other busy
    program, one thread gives 87 and 21 to 62.
    """
    return max(1, cores - 1) if cores <= 4 else cores // 2


def _usable_cores() -> int:
    if sys.platform == "linux":
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _outlive_nothing() -> None:
    """Die with the parent even while loading, when llama.cpp keeps the interpreter from noticing anything."""
    if sys.platform == "linux":
        import ctypes

        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl+C belongs to the parent


def _yield_to_others() -> None:
    """Never in the way of the screen, and never more than `MAX_LOG_BYTES` of log."""
    if sys.platform != "win32":
        import resource

        os.nice(NICENESS)
        _, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
        bound = MAX_LOG_BYTES if hard == resource.RLIM_INFINITY else min(MAX_LOG_BYTES, hard)
        resource.setrlimit(resource.RLIMIT_FSIZE, (bound, hard))


def _exit_at_end_of_input() -> None:
    while os.read(0, 4096):
        pass
    os._exit(0)


if __name__ == "__main__":
    sys.exit(main())
