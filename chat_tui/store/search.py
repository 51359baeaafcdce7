"""Full-text search over titles and messages. No input is an error.

The index keeps no text of its own. What is removed leaves marks in it, and the words with them, until they are
merged away: `scrub` does that in small steps. (The index's own secure deletion would do, but older versions of
SQLite cannot read a file that ever used it.)
"""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Collection, Iterator
from itertools import islice
from typing import Final

from chat_tui.store.columns import indexed, repaired
from chat_tui.store.model import SearchHit
from chat_tui.store.rows import ROW_COLUMNS, row_of

_MAX_WORDS: Final = 32
_MAX_WORD_CHARS: Final = 200
_MAX_ROWS: Final = 20_000
"""Matches looked at until enough different conversations are found."""
_BATCH_ROWS: Final = 200
_SNIPPET_CHARS: Final = 160
_SNIPPET_BEFORE_CHARS: Final = 40
_MERGED_PAGES: Final = 64
"""In one step of scrubbing: about 20 ms."""

Span = tuple[int, int]


def add(connection: sqlite3.Connection, rowid: int, words: str) -> None:
    """Index a repaired text."""
    if words:
        connection.execute("INSERT INTO word_index (rowid, words) VALUES (?, ?)", (rowid, indexed(words)))


def remove(connection: sqlite3.Connection, rowid: int, words: str) -> None:
    """Take out what `add` put in: the same text, to the letter."""
    if words:
        connection.execute(
            "INSERT INTO word_index (word_index, rowid, words) VALUES ('delete', ?, ?)", (rowid, indexed(words))
        )


def rebuild(connection: sqlite3.Connection) -> None:
    """Index everything anew."""
    connection.execute("INSERT INTO word_index (word_index) VALUES ('delete-all')")
    for table, rowid, column in (("messages", "sequence", "words"), ("conversations", "-key", "title_words")):
        select = f"SELECT {rowid}, {column} FROM {table}"  # noqa: S608 - our own names
        for found, words in connection.execute(select):
            add(connection, int(found), str(words))


def scrub(connection: sqlite3.Connection) -> Iterator[None]:
    """Merge the whole index, a piece and a transaction a step; afterwards it has no removed words."""
    pages = -_MERGED_PAGES
    while True:
        before = connection.total_changes
        connection.execute("INSERT INTO word_index (word_index, rank) VALUES ('merge', ?)", (pages,))
        if connection.total_changes - before < 2:
            return
        pages = _MERGED_PAGES
        yield


def query_of(words: str) -> str:
    """The query for what somebody typed: every word as it is, the last as the beginning of one. May be empty."""
    terms = [indexed(term[:_MAX_WORD_CHARS]).strip() for term in repaired(words).split()[:_MAX_WORDS]]
    quoted = ['"' + term.replace('"', '""') + '"' for term in terms if any(map(str.isalnum, term))]
    return " AND ".join(quoted) + "*" if quoted else ""


def find(
    connection: sqlite3.Connection, words: str, limit: int, open_elsewhere: Collection[str] = ()
) -> list[SearchHit]:
    """At most `limit` conversations: those whose title has the words, then those with messages that do."""
    query = query_of(words)
    if not query or limit <= 0:
        return []
    pattern = _pattern(words)
    hits: dict[str, SearchHit] = {}
    for hit in _title_hits(connection, query, limit, pattern, open_elsewhere):
        hits[hit.row.id] = hit
    left = limit - len(hits)
    in_messages = _message_hits(connection, query, limit, pattern, open_elsewhere, known=set(hits))
    return [*hits.values(), *islice(in_messages, left)]


def _title_hits(
    connection: sqlite3.Connection,
    query: str,
    limit: int,
    pattern: re.Pattern[str],
    open_elsewhere: Collection[str],
) -> Iterator[SearchHit]:
    rows = connection.execute(
        f"SELECT {ROW_COLUMNS} FROM word_index w JOIN conversations c ON c.key = -w.rowid"  # noqa: S608 - our own names
        " WHERE word_index MATCH ? AND w.rowid < 0 ORDER BY w.rowid LIMIT ?",
        (query, limit),
    ).fetchall()
    for columns in rows:
        row = row_of(columns, open_elsewhere)
        yield SearchHit(row, 0, *snippet_of(repaired(row.title), pattern))


def _message_hits(
    connection: sqlite3.Connection,
    query: str,
    limit: int,
    pattern: re.Pattern[str],
    open_elsewhere: Collection[str],
    *,
    known: set[str],
) -> Iterator[SearchHit]:
    matches = connection.execute(
        "SELECT m.conversation, m.sequence, m.id FROM word_index w JOIN messages m ON m.sequence = w.rowid"
        " WHERE word_index MATCH ? AND w.rowid > 0 ORDER BY w.rowid DESC LIMIT ?",
        (query, _MAX_ROWS),
    )
    seen: set[int] = set()
    while len(seen) < limit + len(known) and (batch := matches.fetchmany(_BATCH_ROWS)):
        for key, sequence, message_id in batch:
            if key in seen:
                continue
            seen.add(key)
            columns = connection.execute(
                f"SELECT {ROW_COLUMNS} FROM conversations c WHERE c.key = ?",  # noqa: S608 - our own names
                (key,),
            ).fetchone()
            if columns is None or columns[0] in known:
                continue
            text = connection.execute("SELECT words FROM messages WHERE sequence = ?", (sequence,)).fetchone()[0]
            yield SearchHit(row_of(columns, open_elsewhere), int(message_id), *snippet_of(str(text), pattern))


def _pattern(words: str) -> re.Pattern[str]:
    """Finds the words in a text, whatever stands between the letters and digits of one."""
    terms: list[str] = []
    for term in repaired(words).split()[:_MAX_WORDS]:
        pieces = [re.escape(piece) for piece in re.findall(r"\w+", term[:_MAX_WORD_CHARS])]
        if pieces:
            terms.append(r"[\W_]{0,8}".join(pieces))
    return re.compile("|".join(sorted(terms, key=len, reverse=True)) or r"(?!)", re.IGNORECASE)


def snippet_of(text: str, pattern: re.Pattern[str]) -> tuple[str, tuple[Span, ...]]:
    """A line around the first hit, and where in it the hits are (none when only the index sees them: accents)."""
    found = pattern.search(text)
    start = max(0, found.start() - _SNIPPET_BEFORE_CHARS) if found else 0
    if start:
        space = text.find(" ", start, start + _SNIPPET_BEFORE_CHARS)
        start = space + 1 if space >= 0 else start
    # More than is shown, because white space is drawn together.
    line = " ".join(text[start : start + _SNIPPET_CHARS * 4].split())
    snippet = ("…" if start else "") + line[:_SNIPPET_CHARS]
    if start + _SNIPPET_CHARS * 4 < len(text) or len(line) > _SNIPPET_CHARS:
        snippet += "…"
    return snippet, tuple(hit.span() for hit in pattern.finditer(snippet))
