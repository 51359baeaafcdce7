"""The rows of the list of models: what is in it, in which order, what a search leaves, what a row says. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Protocol

from rich.cells import cell_len

from chat_tui.core.model_words import (
    CONTEXT_CELLS,
    INPUTS_CELLS,
    PRICE_CELLS,
    Facts,
    age_words,
    context_text,
    inputs_text,
    price_text,
)
from chat_tui.core.sanitize import clean_line
from chat_tui.ui.render.wrap import wrap_ranges
from chat_tui.ui.widgets.gauges import fit

_ID_CELLS, _ID_CELLS_NARROW, _GAP = 34, 22, 2
_WITH_CONTEXT_CELLS, _WITH_PRICE_CELLS, _WITH_INPUTS_CELLS = 44, 60, 76
"""From which width on a row has this column."""

MAX_NAME_CHARS, MAX_SENTENCE_CHARS = 300, 500


class ListedModel(Protocol):
    """One model; `id` is PROVIDER/MODEL."""

    @property
    def id(self) -> str: ...
    @property
    def label(self) -> str: ...
    @property
    def note(self) -> str: ...
    @property
    def is_available(self) -> bool: ...
    @property
    def facts(self) -> Facts | None: ...


class ListedGroup(Protocol):
    """What one provider offers, instead of what it offered in a group before.

    `problem` is a sentence when it could not be asked, else empty; `listed_at_s` (UTC epoch seconds) is when an old
    list was made, 0 for one of now.
    """

    @property
    def provider(self) -> str: ...
    @property
    def label(self) -> str: ...
    @property
    def models(self) -> Sequence[ListedModel]: ...
    @property
    def problem(self) -> str: ...
    @property
    def listed_at_s(self) -> float: ...


@dataclass(frozen=True, slots=True)
class UnlistedModel:
    """A model that is known by its name only."""

    id: str
    label: str = ""
    note: str = ""
    is_available: bool = True
    facts: Facts | None = None


class RowKind(StrEnum):
    """What a row is."""

    TITLE = "title"
    MODEL = "model"
    PROBLEM = "problem"
    OFFER = "offer"
    NOTE = "note"
    SPACE = "space"


@dataclass(frozen=True, slots=True)
class Row:
    """One row. `words` are a title, a sentence (of a problem or a note) or the name that is offered.

    `search_text` is what is searched; `provider` is whose group it came in.
    """

    kind: RowKind
    words: str = ""
    remark: str = ""
    model: ListedModel | None = None
    alias: str = ""
    search_text: str = ""
    provider: str = ""

    @property
    def choice(self) -> str:
        """What is taken with this row; empty when nothing is."""
        if self.kind is RowKind.OFFER:
            return self.words
        return self.model.id if self.model is not None and self.model.is_available else ""


class Tone(StrEnum):
    """How words are coloured; the name of their component class after `model-list--`."""

    PLAIN = "plain"
    TITLE = "title"
    DIM = "dim"
    ACCENT = "accent"
    PROBLEM = "problem"


Span = tuple[str, Tone]


class ModelCatalog:
    """All groups that came and what is preferred among them, as rows.

    A search costs one comparison for each model that is left of the search before, when letters were added to that.
    """

    def __init__(self, aliases: Mapping[str, str] | None = None) -> None:
        self._targets = dict(aliases or {})
        self._aliases = {target: name for name, target in reversed(tuple(self._targets.items()))}
        self._groups: dict[str, ListedGroup] = {}
        self._rows: dict[str, tuple[Row, ...]] = {}
        self._preferred: dict[str, tuple[str, ...]] = {}
        self._found: tuple[str, list[Row]] | None = None
        self.compared_rows = 0
        """How many models have been compared with what was searched for, in all."""

    def put(self, group: ListedGroup) -> None:
        """Another group, or another one of the same provider in its place."""
        self._groups[group.provider] = group
        self._rows[group.provider] = tuple(self._row(model, group.provider) for model in group.models)
        self._found = None

    def prefer(self, favourites: Iterable[str], used: Iterable[str]) -> None:
        """The ids that go before all others."""
        favourites = tuple(dict.fromkeys(favourites))
        used = tuple(model_id for model_id in dict.fromkeys(used) if model_id not in favourites)
        self._preferred = {"Favourites": favourites, "Used last": used}
        self._found = None

    def rows(self, query: str, now_s: float) -> list[Row]:
        """What is shown for a query: titles with models below them, and a name that can be taken as it is."""
        found = self._matches(query)
        by_id = {row.model.id: row for row in found if row.model is not None}
        rows: list[Row] = []
        for title, ids in self._preferred.items():
            preferred = [by_id.pop(model_id) for model_id in ids if model_id in by_id]
            if preferred:
                rows += (Row(RowKind.TITLE, title), *preferred)
        by_provider: dict[str, list[Row]] = {}
        for row in by_id.values():
            by_provider.setdefault(row.provider, []).append(row)
        for name, group in self._groups.items():
            rows += self._section(group, by_provider.get(name, []), query, now_s)
        rows += _offer(query, found, self._targets)
        return rows

    def best(self, query: str) -> str:
        """The model of the last rows that was typed in full, itself or its alias; else empty."""
        typed = query.strip()
        meant = self._targets.get(typed, typed)
        found = self._found[1] if self._found is not None else []
        return meant if any(row.model is not None and row.model.id == meant for row in found) else ""

    def _section(self, group: ListedGroup, found: list[Row], query: str, now_s: float) -> Iterator[Row]:
        name = f"{group.provider} {group.label}".casefold()
        if not found and not (group.problem and all(word in name for word in query.casefold().split())):
            return
        age = age_words(now_s - group.listed_at_s) if group.listed_at_s else ""
        yield Row(RowKind.TITLE, clean_line(group.label or group.provider, MAX_NAME_CHARS), age)
        if group.problem:
            yield Row(RowKind.PROBLEM, clean_line(group.problem, MAX_SENTENCE_CHARS))
        yield from found

    def _matches(self, query: str) -> list[Row]:
        wanted = " ".join(query.casefold().split())
        if self._found is not None and wanted.startswith(self._found[0]):
            candidates = self._found[1]
        else:
            candidates = self._all()
        words = wanted.split()
        self.compared_rows += len(candidates) if words else 0
        found = [row for row in candidates if all(word in row.search_text for word in words)]
        self._found = (wanted, found)
        return found

    def _all(self) -> list[Row]:
        listed = {row.model.id: row for rows in self._rows.values() for row in rows if row.model is not None}
        for ids in self._preferred.values():
            for model_id in ids:
                if model_id not in listed:
                    listed[model_id] = self._row(UnlistedModel(model_id))
        return list(listed.values())

    def _row(self, model: ListedModel, provider: str = "") -> Row:
        alias = self._aliases.get(model.id, "")
        text = search_text(model, alias)
        return Row(RowKind.MODEL, model=model, alias=alias, search_text=text, provider=provider)


def search_text(model: ListedModel, alias: str = "") -> str:
    """What a search looks at."""
    return f"{model.id} {model.label} {alias}".casefold()


def _offer(query: str, found: list[Row], targets: Mapping[str, str]) -> Iterator[Row]:
    """A name that is not in the list can be taken as it is: when nothing else fits, and when it looks like one."""
    typed = query.strip()
    is_known = typed in targets or any(row.model is not None and row.model.id == typed for row in found)
    if typed and not is_known and ("/" in typed.strip("/") or not found):
        yield Row(RowKind.OFFER, typed)


def laid_out(rows: Iterable[Row], width: int, *, is_roomy: bool) -> list[Row]:
    """The rows as they stand below each other in `width` cells: sentences on as many as they need, and a gap above
    each title where there `is_roomy`."""
    lines: list[Row] = []
    for row in rows:
        if is_roomy and lines and row.kind in (RowKind.TITLE, RowKind.NOTE):
            lines.append(Row(RowKind.SPACE))
        if row.kind in (RowKind.PROBLEM, RowKind.NOTE):
            lines += (
                replace(row, words=row.words[start:end].strip()) for start, end in wrap_ranges(row.words, width)
            )
        else:
            lines.append(row)
    return lines


# -- what a row says ---------------------------------------------------------------------------------


def row_spans(row: Row, width: int, *, is_favourite: bool = False) -> list[Span]:
    """Exactly `width` cells."""
    match row.kind:
        case RowKind.TITLE:
            return _filled([(row.words, Tone.TITLE), (f"  {row.remark}" if row.remark else "", Tone.DIM)], width)
        case RowKind.PROBLEM:
            return _filled([(row.words, Tone.PROBLEM)], width)
        case RowKind.NOTE:
            return _filled([(row.words, Tone.DIM)], width)
        case RowKind.SPACE:
            return _filled([], width)
        case RowKind.OFFER:
            name = clean_line(row.words, MAX_NAME_CHARS)
            return _filled([("Use ", Tone.DIM), (name, Tone.TITLE), (" as it is", Tone.DIM)], width)
        case RowKind.MODEL:
            return _model_spans(row, width, is_favourite=is_favourite)


def _model_spans(row: Row, width: int, *, is_favourite: bool) -> list[Span]:
    model = row.model
    if model is None:
        return _filled([], width)
    columns = _columns(model.facts, width)
    room = width - cell_len(columns) - (_GAP if columns else 0)
    name = clean_line(model.id, MAX_NAME_CHARS)
    tone = Tone.PLAIN if model.is_available else Tone.DIM
    left: list[Span] = [("★ ", Tone.ACCENT)] if is_favourite else []
    left.append((name, tone))
    if row.alias:
        left.append((f"  {clean_line(row.alias, MAX_NAME_CHARS)}", Tone.ACCENT))
    about = " · ".join(part for part in (clean_line(model.label), clean_line(model.note)) if part)
    used = sum(cell_len(text) for text, _ in left)
    pad = max(0, (_ID_CELLS if width >= _WITH_PRICE_CELLS else _ID_CELLS_NARROW) - used)
    if about and room - used - pad > 2 * _GAP:
        left.append((f"{'':{pad + _GAP}}{about}", Tone.DIM))
    spans = _filled(left, room)
    return [*spans, (f"{'':{_GAP}}{columns}", Tone.DIM)] if columns else spans


def _columns(facts: Facts | None, width: int) -> str:
    """What is known, in columns at the right; empty where that is nothing or there is no room."""
    if facts is None or width < _WITH_CONTEXT_CELLS:
        return ""
    parts = [f"{context_text(facts.context_tokens):>{CONTEXT_CELLS}}"]
    if width >= _WITH_PRICE_CELLS:
        parts.append(f"{price_text(facts):<{PRICE_CELLS}}")
    if width >= _WITH_INPUTS_CELLS:
        parts.append(_padded(fit(inputs_text(facts.inputs), INPUTS_CELLS), INPUTS_CELLS))
    text = (" " * _GAP).join(parts)
    return text if text.strip() else ""


def _filled(spans: Iterable[Span], width: int) -> list[Span]:
    """Cut or filled up to exactly `width` cells."""
    line: list[Span] = []
    room = max(0, width)
    for text, tone in spans:
        fitted = fit(text, room)
        line.append((fitted, tone))
        room -= cell_len(fitted)
        if fitted != text:
            break
    return [*line, (" " * room, Tone.DIM)]


def _padded(text: str, cells: int) -> str:
    return text + " " * max(0, cells - cell_len(text))
