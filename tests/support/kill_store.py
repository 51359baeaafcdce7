"""Kill a program that writes conversations, many times, and look at what is left.

    python -m tests.support.kill_store N [SEED]

Each time a child types, streams at 200 tokens a second, settles, retries, edits, renames, pins, deletes and
exports. It writes down every step before it asks the store for it, and when it was told that all is on disk.
It is killed with SIGKILL at a random moment. What the store has afterwards must be exactly what some number of
whole steps lead to, at least all that were acknowledged; answers that ran must be interrupted ones.
"""

from __future__ import annotations

import asyncio
import copy
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
import uuid
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from chat_tui.core.conversation import Ending, Message, Outcome, Role, TextPart
from chat_tui.store.store import ConversationStore

TOKENS_PER_S = 200
APPENDED_TOKENS = 40
"""What 0.2 s bring."""
MAX_LOST_TOKENS = 50
"""What 0.25 s bring."""
MAX_CONVERSATIONS = 5

State = dict[str, Any]


def token(index: int) -> str:
    return f"w{index} "


# -- what each step leads to -----------------------------------------------------------------------


def apply(state: State, step: list[Any]) -> None:
    """`state` has drafts and, for each conversation, title, pin, tip and messages: [role, text, how it is]."""
    name, conversation_id, *rest = step
    conversations = state["conversations"]
    if name == "draft":
        state["drafts"] = {**state["drafts"], conversation_id: rest[0]}
        return
    if name == "begin":
        conversations[conversation_id] = {"title": rest[0], "is_pinned": False, "tip": None, "messages": {}}
        return
    if name == "delete":
        conversations.pop(conversation_id)
        state["drafts"].pop(conversation_id, None)
        return
    conversation = conversations[conversation_id]
    messages = conversation["messages"]
    match name:
        case "user" | "running":
            messages[rest[0]] = [name, rest[1], "running" if name == "running" else "done"]
            conversation["tip"] = rest[0]
        case "append":
            messages[rest[0]][1] += rest[1]
        case "settle":
            messages[rest[0]] = ["running", rest[1], "done"]
        case "rename":
            conversation["title"] = rest[0]
        case "pin":
            conversation["is_pinned"] = rest[0]
        case "tip":
            conversation["tip"] = rest[0]
        case _:
            raise AssertionError(name)


def carry_out(store: ConversationStore, step: list[Any]) -> None:
    name, conversation_id, *rest = step
    match name:
        case "draft":
            store.put_draft(conversation_id, rest[0])
        case "begin":
            store.begin(conversation_id, rest[0], "mine/model", time.time())
        case "delete":
            store.delete(conversation_id)
        case "user":
            store.put_message(conversation_id, Message(int(rest[0]), Role.USER, (TextPart(rest[1]),), rest[2]))
        case "running":
            store.put_message(conversation_id, Message(int(rest[0]), Role.ASSISTANT, (), rest[2]), is_running=True)
        case "append":
            store.append_deltas(conversation_id, int(rest[0]), [("text", rest[1])])
        case "settle":
            ending = Ending(Outcome.COMPLETE)
            message = Message(int(rest[0]), Role.ASSISTANT, (TextPart(rest[1]),), rest[2], "mine/model", ending)
            store.settle(conversation_id, message)
        case "rename":
            store.rename(conversation_id, rest[0])
        case "pin":
            store.set_pinned(conversation_id, rest[0])
        case "tip":
            store.set_tip(conversation_id, int(rest[0]))
        case _:
            raise AssertionError(name)


async def read_state(store: ConversationStore) -> State:
    conversations: dict[str, Any] = {}
    drafts: dict[str, str] = {}
    for row in await store.recent(1000):
        found = await store.load(row.id)
        conversations[row.id] = {
            "title": found.title,
            "is_pinned": found.is_pinned,
            "tip": None if found.tip_id is None else str(found.tip_id),
            "messages": {
                str(message.id): [
                    "user" if message.role is Role.USER else "running",
                    message.text,
                    "interrupted" if message.ending and message.ending.outcome is Outcome.INTERRUPTED else "done",
                ]
                for message in found.messages
            },
        }
        drafts[row.id] = await store.draft(row.id)
    drafts["new"] = await store.draft("new")
    return {"conversations": conversations, "drafts": {key: text for key, text in drafts.items() if text}}


def after_death(state: State) -> State:
    """What ran is interrupted; empty drafts are none."""
    state = copy.deepcopy(state)
    for conversation in state["conversations"].values():
        for message in conversation["messages"].values():
            if message[2] == "running":
                message[2] = "interrupted"
    state["drafts"] = {key: text for key, text in state["drafts"].items() if text}
    return state


# -- the child -------------------------------------------------------------------------------------


class Child:
    """One life: steps at random, told to the parent through a pipe that outlives us."""

    def __init__(self, directory: Path, state: State, seed: int) -> None:
        self.state, self.directory = state, directory
        self.random = random.Random(seed)
        self.store = ConversationStore.open(directory)

    def tell(self, *line: object) -> None:
        os.write(1, (json.dumps(line) + "\n").encode())

    def step(self, *step: object) -> None:
        self.tell("step", *step)
        apply(self.state, list(step))
        carry_out(self.store, list(step))

    def acknowledge(self) -> None:
        if self.store.flush(10):
            self.tell("ack")

    def live(self) -> None:
        self.acknowledge()
        while True:
            conversations = list(self.state["conversations"])
            if len(conversations) >= MAX_CONVERSATIONS or (conversations and self.random.random() < 0.1):
                self.step("delete", self.random.choice(conversations))
                self.acknowledge()
            elif not conversations or self.random.random() < 0.3:
                self.step("begin", uuid.UUID(int=self.random.getrandbits(128)).hex, "A title")
            else:
                self.act(self.random.choice(conversations))

    def act(self, conversation_id: str) -> None:
        kind = self.random.choice(
            ["turn", "turn", "turn", "retry", "edit", "rename", "pin", "type", "export", "tip"]
        )
        messages = self.state["conversations"][conversation_id]["messages"]
        match kind:
            case "turn" | "edit":
                self.type(conversation_id)
                parent = self.state["conversations"][conversation_id]["tip"] if kind == "turn" else None
                identity = str(self.store.next_message_id())
                words = f"question {identity}"
                self.step("draft", conversation_id, "")
                self.step("user", conversation_id, identity, words, int(parent) if parent else None)
                self.answer(conversation_id, int(identity))
            case "retry":
                asked = [key for key, message in messages.items() if message[0] == "user"]
                if asked:
                    self.answer(conversation_id, int(self.random.choice(asked)))
            case "rename":
                self.step("rename", conversation_id, f"Title {self.random.random()}")
            case "pin":
                self.step("pin", conversation_id, self.random.random() < 0.5)
            case "tip":
                if messages:
                    self.step("tip", conversation_id, self.random.choice(list(messages)))
            case "type":
                self.type(self.random.choice([conversation_id, "new"]))
            case _:
                self.export(conversation_id)
        if self.random.random() < 0.5:
            self.acknowledge()

    def type(self, key: str) -> None:
        for length in range(self.random.randrange(1, 6)):
            self.step("draft", key, "typed " * (length + 1))
            time.sleep(0.005)

    def answer(self, conversation_id: str, parent: int) -> None:
        identity = str(self.store.next_message_id())
        self.step("running", conversation_id, identity, "", parent)
        count = self.random.randrange(1, 200)
        started_s, waiting = time.monotonic(), ""
        for index in range(count):
            waiting += token(index)
            self.tell("token", conversation_id, identity, time.monotonic())
            if (index + 1) % APPENDED_TOKENS == 0:
                self.step("append", conversation_id, identity, waiting)
                waiting = ""
                if self.random.random() < 0.3:
                    self.acknowledge()
            time.sleep(max(0.0, started_s + (index + 1) / TOKENS_PER_S - time.monotonic()))
        self.step("settle", conversation_id, identity, "".join(map(token, range(count))), parent)

    def export(self, conversation_id: str) -> None:
        from chat_tui.store.export import ExportFormat, export_one

        self.store.flush(10)
        conversation = asyncio.run(self.store.load(conversation_id))
        folder = self.directory / "exports"
        folder.mkdir(exist_ok=True)
        export_one(conversation, ExportFormat.JSON, folder)


# -- the parent ------------------------------------------------------------------------------------


@dataclass
class Counts:
    """What one run of N kills found."""

    kills: int = 0
    steps: int = 0
    acknowledged: int = 0
    tokens: int = 0
    interrupted: int = 0
    damaged: int = 0
    lost: int = 0
    half_exports: int = 0
    most_lost_tokens: int = 0
    most_lost_s: float = 0.0
    notes: list[str] = field(default_factory=list[str])

    @property
    def is_good(self) -> bool:
        return not (self.damaged or self.lost or self.half_exports or self.most_lost_tokens > MAX_LOST_TOKENS)


def kill_once(directory: Path, state: State, seed: int, counts: Counts) -> State:
    """One child, killed; the state the store is in afterwards."""
    chance = random.Random(seed)
    (directory / "state.json").write_text(json.dumps(state))
    command = [sys.executable, "-m", "tests.support.kill_store", "--child", str(directory), str(seed)]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as child:
        assert child.stdout is not None
        first = child.stdout.readline()  # it has opened, or died of something
        delay_s = chance.random() ** 2 * 1.5
        if first and chance.random() < 0.9:
            time.sleep(delay_s)
        child.send_signal(signal.SIGKILL)
        told = first + child.stdout.read()
    lines = [json.loads(line) for line in told.splitlines(keepends=False) if line.endswith(b"]")]
    counts.kills += 1
    return asyncio.run(examine(directory, state, lines, counts))


async def examine(directory: Path, before: State, lines: list[list[Any]], counts: Counts) -> State:
    store = ConversationStore.open(directory)
    try:
        assert store.flush(60, is_thorough=True), store.problem
        actual = await read_state(store)
        if store.notes:
            counts.damaged += 1
            counts.notes.extend(store.notes)
    finally:
        store.close(10)
    steps = [line[1:] for line in lines if line[0] == "step"]
    acknowledged = sum(line[0] == "step" for line in lines[: last_index(lines, "ack") + 1])
    counts.steps += len(steps)
    counts.acknowledged += acknowledged
    state = copy.deepcopy(before)
    candidates: list[State] = []
    for index, step in enumerate([*steps, None]):
        if index >= acknowledged:
            candidates.append(after_death(state))
        if step is not None:
            apply(state, step)
    if actual not in candidates:
        counts.lost += 1
        counts.notes.append(f"after {acknowledged} of {len(steps)} steps: {actual} is none of {candidates}")
    count_tokens(actual, lines, counts)
    for path in (directory / "exports").glob("*"):
        try:
            if path.suffix == ".json":
                json.loads(path.read_text())
        except ValueError:
            counts.half_exports += 1
        path.unlink()
    return actual


def last_index(lines: list[list[Any]], kind: str) -> int:
    return max((index for index, line in enumerate(lines) if line[0] == kind), default=-1)


def count_tokens(actual: State, lines: list[list[Any]], counts: Counts) -> None:
    """Tokens of the answer that ran at the end, which are not in the store."""
    tokens = [line[1:] for line in lines if line[0] == "token"]
    counts.tokens += len(tokens)
    if not tokens:
        return
    conversation_id, identity, last_s = tokens[-1]
    own = [line for line in tokens if line[1] == identity]
    messages = actual["conversations"].get(conversation_id, {}).get("messages", {})
    if identity not in messages or messages[identity][2] != "interrupted":
        return
    counts.interrupted += 1
    missing = len(own) - len(messages[identity][1].split())
    if missing > 0:
        counts.most_lost_tokens = max(counts.most_lost_tokens, missing)
        counts.most_lost_s = max(counts.most_lost_s, last_s - own[-missing][2])


def kill_many(directory: Path, times: int, seed: int = 0) -> Counts:
    counts = Counts()
    state: State = {"conversations": {}, "drafts": {}}
    for index in range(times):
        state = kill_once(directory, state, seed * 1_000_003 + index, counts)
    return counts


def main() -> None:
    if sys.argv[1] == "--child":
        directory = Path(sys.argv[2])
        Child(directory, json.loads((directory / "state.json").read_text()), int(sys.argv[3])).live()
    with tempfile.TemporaryDirectory() as name:
        counts = kill_many(Path(name), int(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else 0)
    print(
        f"kills {counts.kills}, steps {counts.steps}, acknowledged {counts.acknowledged}, tokens {counts.tokens}\n"
        f"damaged {counts.damaged}, lost {counts.lost}, half exports {counts.half_exports}\n"
        f"answers cut {counts.interrupted}: at most {counts.most_lost_tokens} tokens"
        f" ({counts.most_lost_s:.3f} s) of one missing",
        *counts.notes[:5],
        sep="\n",
    )
    sys.exit(0 if counts.is_good else 1)


if __name__ == "__main__":
    main()
