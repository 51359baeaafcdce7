"""Taking the conversations of a file into the store."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from chat_tui.store.importers import ImportProblem, read_conversations
from chat_tui.store.merging import additions_to
from chat_tui.store.model import StoredConversation, StoreError
from chat_tui.store.store import ConversationStore

SAVE_S: Final = 30.0
"""How long a change may take to be on disk before we say that it is not."""

_BATCH: Final = 200


@dataclass(slots=True)
class ImportReport:
    """What came of an import; `problems` are sentences.

    Counted are conversations: `grown` were here and got `new_messages` more, `already_here` had nothing new.
    """

    added: int = 0
    grown: int = 0
    new_messages: int = 0
    already_here: int = 0
    empty: int = 0
    problems: list[str] = field(default_factory=list[str])


async def import_into(store: ConversationStore, path: Path) -> ImportReport:
    """Add what is not here yet of the conversations of a file. Never raises for what is in the file."""
    report = ImportReport()
    reader = read_conversations(path)

    def next_batch() -> list[StoredConversation | ImportProblem]:
        batch: list[StoredConversation | ImportProblem] = []
        try:
            for found in reader:
                batch.append(found)
                if len(batch) == _BATCH:
                    break
        except ImportProblem as problem:
            batch.append(problem)
        return batch

    loop = asyncio.get_running_loop()
    with ThreadPoolExecutor(1) as thread:  # one and the same to the end: a database belongs to its thread
        try:
            while batch := await loop.run_in_executor(thread, next_batch):
                await _add(store, batch, report)
        finally:
            thread.submit(reader.close)
    return report


async def _add(
    store: ConversationStore, batch: Sequence[StoredConversation | ImportProblem], report: ImportReport
) -> None:
    known = set(await store.known([one.id for one in batch if isinstance(one, StoredConversation)]))
    for found in batch:
        if isinstance(found, ImportProblem):
            report.problems.append(found.sentence)
        elif not found.messages:
            report.empty += 1
        elif found.id in known:
            await _grow(store, found, report)
        else:
            known.add(found.id)
            report.added += 1
            store.add(found)
    await saved(store)


async def _grow(store: ConversationStore, found: StoredConversation, report: ImportReport) -> None:
    try:
        additions = additions_to(await store.load(found.id), found)
    except StoreError as error:
        report.problems.append(error.sentence)
        return
    if additions is None:
        report.already_here += 1
        return
    report.grown += 1
    report.new_messages += len(additions.messages)
    store.grow(additions)


async def saved(store: ConversationStore) -> None:
    """Wait until what was asked for is on disk. Raises StoreError."""
    if not await asyncio.to_thread(store.flush, SAVE_S, is_thorough=True):
        raise StoreError(store.problem or "The change is not on disk yet: the database is busy.")
