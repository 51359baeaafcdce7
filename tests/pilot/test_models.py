"""The picker: it is usable before everybody has answered, and takes what it does not know."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass

import pytest
from rich.cells import cell_len
from textual import events
from textual.widgets import Input

from chat_tui.core.errors import ConfigError
from chat_tui.ui.screens.models import ModelsScreen
from chat_tui.ui.widgets import model_rows
from chat_tui.ui.widgets.model_list import ModelList
from chat_tui.ui.widgets.model_rows import ListedGroup, ModelCatalog, RowKind
from chat_tui.wire.base import ModelFacts
from tests.pilot.panels import HOSTILE, HOSTILE_VISIBLE, PanelApp, screen_text
from tests.support.waiting import wait_until


@dataclass(frozen=True)
class Model:
    id: str
    label: str = ""
    note: str = ""
    is_available: bool = True
    facts: ModelFacts | None = None


@dataclass(frozen=True)
class Marks:
    favourites: tuple[str, ...] = ()
    used: tuple[str, ...] = ()


@dataclass(frozen=True)
class Group:
    provider: str
    label: str = ""
    models: tuple[Model, ...] = ()
    problem: str = ""
    listed_at_s: float = 0.0


NOW_S = 1_000_000.0
LOCAL = Group("local", "On this machine", (Model("local/smollm2-135m", "SmolLM2 135M"),))
DEMO = Group("demo", "Demo", (Model("demo/slow"), Model("demo/cut", "breaks off", is_available=False)))
MINE = Group("mine", "mine", problem="No answer within 2 s.")


class Listing:
    """Gives the next group when told to."""

    def __init__(
        self,
        *groups: Group,
        fails_with: Exception | None = None,
        is_held: bool = False,
        marks: Marks | None = None,
        aliases: dict[str, str] | None = None,
        ways_to_more: str = "",
    ) -> None:
        self.aliases = aliases or {}
        self.ways_to_more = ways_to_more
        self.known_marks = marks or Marks()
        self.kept: list[tuple[str, bool]] = []
        self._groups = groups
        self._fails_with = fails_with
        self.gate = asyncio.Event()
        self.was_closed = False
        self._later: asyncio.Queue[Group] = asyncio.Queue()
        if not is_held:
            self.gate.set()

    def add(self, group: Group) -> None:
        """One more, while it is held."""
        self._later.put_nowait(group)

    async def marks(self) -> Marks:
        return self.known_marks

    async def set_favourite(self, model_id: str, *, is_favourite: bool) -> None:
        self.kept.append((model_id, is_favourite))

    async def list_models(self, *, is_patient: bool) -> AsyncIterator[ListedGroup]:
        assert is_patient
        try:
            for group in self._groups:
                yield group
            while not self.gate.is_set():
                opened, later = asyncio.ensure_future(self.gate.wait()), asyncio.ensure_future(self._later.get())
                try:
                    await asyncio.wait((opened, later), return_when=asyncio.FIRST_COMPLETED)
                    if later.done():
                        yield later.result()
                finally:
                    opened.cancel()
                    later.cancel()
            if self._fails_with is not None:
                raise self._fails_with
            yield Group("late", "Late", (Model("late/model"),))
        finally:
            self.was_closed = True


async def shown(app: PanelApp, listing: Listing, until: str, current: str = "") -> ModelList:
    app.open_panel(ModelsScreen(listing, current, now=lambda: NOW_S))
    await wait_until(lambda: until in screen_text(app), what=until)
    return app.screen.query_one("#model-list", ModelList)


async def test_groups_models_and_problems_are_named() -> None:
    app = PanelApp()
    async with app.run_test(size=(100, 30)):
        await shown(app, Listing(LOCAL, DEMO, MINE), "late/model")
        text = screen_text(app)
        for part in (
            "On this machine",
            "local/smollm2-135m",
            "SmolLM2 135M",
            "mine",
            "No answer within 2 s.",
            "Late",
        ):
            assert part in text
        assert "3 models" in text


async def test_it_can_be_used_while_somebody_is_still_asked() -> None:
    app, listing = PanelApp(), Listing(LOCAL, is_held=True)
    async with app.run_test(size=(100, 30)) as pilot:
        await shown(app, listing, "local/smollm2-135m")
        assert "looking for more" in screen_text(app)
        await pilot.press("enter")
        await wait_until(lambda: app.results == ["local/smollm2-135m"])
        await wait_until(lambda: listing.was_closed)


async def test_the_highlight_stays_when_more_arrives() -> None:
    app, listing = PanelApp(), Listing(LOCAL, DEMO, is_held=True)
    async with app.run_test(size=(100, 30)) as pilot:
        models = await shown(app, listing, "demo/slow", current="local/smollm2-135m")
        await pilot.press("down")
        assert models.choice == "demo/slow"
        listing.gate.set()
        await wait_until(lambda: "late/model" in screen_text(app))
        assert models.choice == "demo/slow"
        await pilot.press("enter")
        await wait_until(lambda: app.results == ["demo/slow"])


async def test_the_current_model_is_marked_and_highlighted() -> None:
    app = PanelApp()
    async with app.run_test(size=(100, 30)) as pilot:
        await shown(app, Listing(LOCAL, DEMO), "late/model", current="demo/slow")
        assert "▌● demo/slow" in screen_text(app)
        await pilot.press("enter")
        await wait_until(lambda: app.results == ["demo/slow"])


async def test_search_narrows_as_it_is_typed() -> None:
    app = PanelApp()
    async with app.run_test(size=(100, 30)) as pilot:
        await shown(app, Listing(LOCAL, DEMO, MINE), "late/model")
        await pilot.press(*"smol 135")
        await wait_until(lambda: "demo/slow" not in screen_text(app))
        assert "1 model" in screen_text(app)
        await pilot.press("enter")
        await wait_until(lambda: app.results == ["local/smollm2-135m"])


async def test_a_name_that_matches_nothing_is_taken_as_it_is() -> None:
    app = PanelApp()
    async with app.run_test(size=(100, 30)) as pilot:
        await shown(app, Listing(LOCAL), "late/model")
        await pilot.press(*"groq/new-one")
        await wait_until(lambda: "Use groq/new-one as it is" in screen_text(app))
        await pilot.press("enter")
        await wait_until(lambda: app.results == ["groq/new-one"])


async def test_what_is_not_available_is_shown_and_cannot_be_taken() -> None:
    app = PanelApp()
    async with app.run_test(size=(100, 30)) as pilot:
        await shown(app, Listing(DEMO, is_held=True), "demo/cut")
        await pilot.press("down", "enter")
        await wait_until(lambda: app.results == ["demo/slow"])


@pytest.mark.parametrize(
    ("failure", "words"),
    [
        (ConfigError("providers.x is broken.", "Mend it."), "providers.x is broken. Mend it."),
        (OSError(HOSTILE), "Listing"),
    ],
)
async def test_a_listing_that_fails_says_so_and_still_takes_a_name(failure: Exception, words: str) -> None:
    app = PanelApp()
    async with app.run_test(size=(100, 30), notifications=True) as pilot:
        await shown(app, Listing(LOCAL, fails_with=failure), words)
        await pilot.press(*"a/b", "enter")
        await wait_until(lambda: app.results == ["a/b"])


@pytest.mark.parametrize("key", ["escape", "f2"])
async def test_it_closes_without_a_choice(key: str) -> None:
    app, listing = PanelApp(), Listing(LOCAL, is_held=True)
    async with app.run_test(size=(60, 20)) as pilot:
        await shown(app, listing, "local/smollm2-135m")
        await pilot.press("down", "up", "pagedown", "pageup", key)
        await wait_until(lambda: app.results == [None])
        await wait_until(lambda: listing.was_closed)


async def test_a_click_takes() -> None:
    app = PanelApp()
    async with app.run_test(size=(100, 30)) as pilot:
        await shown(app, Listing(LOCAL), "late/model")
        await pilot.click("#model-list", offset=(4, 0))  # a title is nothing to take
        await pilot.click("#model-list", offset=(4, 4))
        await wait_until(lambda: app.results == ["late/model"])


async def test_hostile_names_are_text() -> None:
    app = PanelApp()
    hostile = Group(HOSTILE, HOSTILE, (Model("evil/" + HOSTILE, HOSTILE, HOSTILE),), HOSTILE)
    async with app.run_test(size=(200, 30), notifications=True) as pilot:
        await shown(app, Listing(hostile, is_held=True), HOSTILE_VISIBLE)
        text = screen_text(app)
        assert text.count(HOSTILE_VISIBLE) >= 3
        assert "\x1b" not in text
        assert "\u202e" not in text
        search = app.screen.query_one("#model-search", Input)
        search.post_message(events.Paste(HOSTILE + "\nsecond line"))
        await wait_until(lambda: search.value.endswith("second line"))
        assert "\x1b" not in search.value
        await wait_until(lambda: "as it is" in screen_text(app))
        await pilot.press("escape")
        assert app.is_running


def test_every_word_has_to_be_somewhere() -> None:
    model = Model("ollama/Llama-3:8B", "Llama 3 by Meta")
    catalog = ModelCatalog()
    catalog.put(Group("ollama", models=(model,)))

    def is_found(query: str) -> bool:
        return any(row.model is model for row in catalog.rows(query, NOW_S))

    assert is_found("")
    assert is_found("META llama-3")
    assert not is_found("llama qwen")


async def test_what_was_copied_in_here_is_pasted_clean() -> None:
    app = PanelApp()
    async with app.run_test(size=(100, 30)) as pilot:
        await shown(app, Listing(LOCAL), "late/model")
        app.copy_to_clipboard("x\x1b[2Jy\nz")
        search = app.screen.query_one("#model-search", Input)
        search.focus()
        await pilot.press("ctrl+v")
        await wait_until(lambda: bool(search.value), what="the paste")
        assert search.value == "x␛[2Jy z"


# -- what is shown first, and how much -----------------------------------------------------------------

CLOUD = Group(
    "cloud",
    "Cloud",
    (
        Model(
            "cloud/big",
            "Big One",
            facts=ModelFacts("big", "Big One", 128_000, frozenset({"text", "image"}), 3e-6, 15e-6),
        ),
        Model("cloud/free", facts=ModelFacts("free", "", 8192, None, 0.0, 0.0)),
        Model("cloud/bare", facts=ModelFacts("bare")),
    ),
    listed_at_s=NOW_S - 2 * 3600 - 5,
)


def titles(models: ModelList) -> list[str]:
    return [row.words for row in models.rows if row.kind is model_rows.RowKind.TITLE]


def names(models: ModelList) -> list[str]:
    return [row.model.id for row in models.rows if row.model is not None]


async def test_facts_stand_in_columns_as_far_as_there_is_room() -> None:
    app = PanelApp()
    async with app.run_test(size=(100, 30)) as pilot:
        await shown(app, Listing(CLOUD), "late/model")
        rows = {name: row for row in screen_text(app).splitlines() for name in ("big", "free") if f"/{name}" in row}
        assert "128k  $3 / $15" in rows["big"]
        assert "img" in rows["big"]
        assert "Big One" in rows["big"]
        assert rows["free"].index("free  ") > 0
        assert rows["free"].index("8k") == rows["big"].index("128k") + 2
        await pilot.resize_terminal(60, 20)
        await wait_until(lambda: "$3 / $15" not in screen_text(app))
        assert "128k" in screen_text(app)
        assert "cloud/big" in screen_text(app)


async def test_a_list_from_before_says_how_old_it_is_until_a_new_one_takes_its_place() -> None:
    app = PanelApp()
    fresh = Group("cloud", "Cloud", (Model("cloud/new"),))
    listing = Listing(CLOUD, LOCAL, is_held=True)
    async with app.run_test(size=(100, 30)):
        models = await shown(app, listing, "local/smollm2-135m")
        assert "Cloud  2 h ago" in screen_text(app)
        listing.add(fresh)
        await wait_until(lambda: "cloud/new" in screen_text(app))
        assert "2 h ago" not in screen_text(app)
        assert "cloud/big" not in screen_text(app)
        assert titles(models)[0] == "Cloud"


async def test_a_list_that_could_not_be_refreshed_stays_with_the_reason() -> None:
    app = PanelApp()
    failed = Group("cloud", "Cloud", CLOUD.models, "cloud refused the connection.", CLOUD.listed_at_s)
    async with app.run_test(size=(100, 30)) as pilot:
        await shown(app, Listing(CLOUD, failed), "refused the connection")
        assert "2 h ago" in screen_text(app)
        await pilot.press("enter")
        await wait_until(lambda: app.results == ["cloud/big"])


async def test_a_search_for_a_provider_that_has_nothing_finds_the_reason() -> None:
    app = PanelApp()
    async with app.run_test(size=(100, 30)) as pilot:
        await shown(app, Listing(LOCAL, MINE), "late/model")
        await pilot.press(*"min")
        await wait_until(lambda: "On this machine" not in screen_text(app))
        assert "No answer within 2 s." in screen_text(app)
        await pilot.press(*"t")
        await wait_until(lambda: "No answer within 2 s." not in screen_text(app))


async def test_favourites_come_first_and_what_was_used_last_next() -> None:
    app = PanelApp()
    marks = Marks(("demo/slow", "gone/unlisted"), ("cloud/free", "demo/slow", "local/smollm2-135m"))
    async with app.run_test(size=(100, 30)) as pilot:
        models = await shown(app, Listing(LOCAL, DEMO, CLOUD, marks=marks), "late/model", current="cloud/free")
        assert titles(models) == ["Favourites", "Used last", "Demo", "Cloud", "Late"]
        assert names(models)[:4] == ["demo/slow", "gone/unlisted", "cloud/free", "local/smollm2-135m"]
        assert len(set(names(models))) == len(names(models))
        assert models.choice == "cloud/free"
        await pilot.press(*"slow", "enter")
        await wait_until(lambda: app.results == ["demo/slow"])


async def test_a_key_makes_a_favourite_and_undoes_it_and_the_highlight_goes_along() -> None:
    app, listing = PanelApp(), Listing(LOCAL, CLOUD)
    async with app.run_test(size=(100, 30)) as pilot:
        models = await shown(app, listing, "late/model", current="cloud/free")
        assert "Ctrl+T favourite" in screen_text(app)
        await pilot.press("ctrl+t")
        await wait_until(lambda: "★ cloud/free" in screen_text(app))
        assert names(models)[0] == "cloud/free"
        assert models.choice == "cloud/free"
        await pilot.press("ctrl+t")
        await wait_until(lambda: "★" not in screen_text(app))
        assert models.choice == "cloud/free"
        await wait_until(lambda: listing.kept == [("cloud/free", True), ("cloud/free", False)])


async def test_an_alias_is_shown_found_and_taken() -> None:
    app = PanelApp()
    async with app.run_test(size=(100, 30)) as pilot:
        models = await shown(app, Listing(LOCAL, CLOUD, aliases={"quick": "cloud/free"}), "late/model")
        assert "cloud/free  quick" in screen_text(app)
        await pilot.press(*"quick")
        await wait_until(lambda: names(models) == ["cloud/free"])
        await pilot.press("enter")
        await wait_until(lambda: app.results == ["cloud/free"])


async def test_a_name_can_be_taken_though_longer_ones_fit_it() -> None:
    app = PanelApp()
    group = Group("a", "A", (Model("a/model-large"), Model("a/model-x"), Model("a/model")))
    async with app.run_test(size=(100, 30)) as pilot:
        models = await shown(app, Listing(group), "late/model")
        await pilot.press(*"a/model")
        await wait_until(lambda: models.choice == "a/model")
        await pilot.press(*"-l")
        await wait_until(lambda: models.choice == "a/model-large")
        await pilot.press("up")  # round to the end of the list
        assert models.choice == "a/model-l"
        await pilot.press("enter")
        await wait_until(lambda: app.results == ["a/model-l"])


async def test_keys_move_over_titles_and_round_the_ends() -> None:
    app = PanelApp()
    async with app.run_test(size=(100, 30)) as pilot:
        models = await shown(app, Listing(LOCAL, DEMO, MINE), "late/model")
        await pilot.press("down", "down", "down")
        assert models.choice == "local/smollm2-135m"
        await pilot.press("up")
        assert models.choice == "late/model"
        await pilot.press("pageup")
        assert models.choice == "local/smollm2-135m"
        await pilot.press("pagedown")
        assert models.choice == "late/model"


async def test_a_key_costs_the_same_whether_a_hundred_or_five_thousand_models_are_there(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    drawn = 0
    row_spans = model_rows.row_spans

    def counted(row: model_rows.Row, width: int, *, is_favourite: bool = False) -> list[model_rows.Span]:
        nonlocal drawn
        drawn += 1
        return row_spans(row, width, is_favourite=is_favourite)

    monkeypatch.setattr(model_rows, "row_spans", counted)
    costs: list[int] = []
    for count in (100, 5000):
        app = PanelApp()
        many = Group("many", "Many", tuple(Model(f"many/org{n % 7}/model-{n}") for n in range(count)))
        async with app.run_test(size=(100, 30)) as pilot:
            models = await shown(app, Listing(many), "many/org0/model-0")
            await wait_until(lambda models=models, want=count: len(names(models)) == want + 1)
            await pilot.pause()
            drawn = 0
            await pilot.press("m")
            await wait_until(lambda models=models, want=count: len(names(models)) == want + 1)
            await pilot.pause()
            await pilot.press("down", "pagedown")
            await pilot.pause()
            costs.append(drawn)
    assert 0 < costs[1] <= 1.5 * costs[0]


def test_a_longer_search_looks_only_at_what_the_shorter_one_has_found() -> None:
    catalog = model_rows.ModelCatalog()
    catalog.put(Group("many", "Many", tuple(Model(f"many/model-{n}") for n in range(1000))))
    catalog.rows("9", NOW_S)
    assert catalog.compared_rows == 1000
    found = sum(row.model is not None for row in catalog.rows("99", NOW_S))
    assert catalog.compared_rows == 1000 + 271
    assert found == 19
    assert sum(row.model is not None for row in catalog.rows("9", NOW_S)) == 271


@pytest.mark.parametrize("width", [10, 30, 44, 60, 76, 93])
def test_every_row_has_exactly_its_width(width: int) -> None:
    catalog = model_rows.ModelCatalog({"short": "cloud/big"})
    catalog.prefer(("cloud/big",), ())
    wide = Model(
        "w/模型模型模型模型模型模型模型", "标签", facts=ModelFacts("x", "", 10**9, frozenset({"a" * 20}), 0.1, 0.9)
    )
    for group in (CLOUD, MINE, Group("w", "W", (wide,), "Broken.")):
        catalog.put(group)
    for row in (*catalog.rows("", NOW_S), *catalog.rows("x/y", NOW_S)):
        spans = model_rows.row_spans(row, width, is_favourite=True)
        assert sum(cell_len(text) for text, _ in spans) == width


LONG = Group(
    "mine", "mine", problem="The address of mine.test could not be found. Check base_url of [providers.mine]."
)


@pytest.mark.parametrize("width", [100, 60])
async def test_what_is_wrong_with_a_provider_is_never_cut(width: int) -> None:
    app = PanelApp()
    async with app.run_test(size=(width, 30)) as pilot:
        await shown(app, Listing(LOCAL, LONG), "late/model")
        assert LONG.problem in " ".join(screen_text(app).split())
        await pilot.resize_terminal(160 - width, 30)
        await wait_until(lambda: LONG.problem in " ".join(screen_text(app).split()))


async def test_groups_stand_apart_where_there_is_room() -> None:
    app = PanelApp()
    async with app.run_test(size=(100, 30)) as pilot:
        models = await shown(app, Listing(LOCAL, LONG), "late/model", "late/model")
        rows = [line.strip() for line in screen_text(app).splitlines()]
        assert rows[rows.index("mine") - 1] == rows[rows.index("Late") - 1] == ""
        await pilot.resize_terminal(100, 16)
        await wait_until(lambda: not any(row.kind is RowKind.SPACE for row in models.rows))
        assert models.choice == "late/model"


async def test_where_more_models_come_from_is_said_below_all_and_not_searched() -> None:
    app = PanelApp()
    async with app.run_test(size=(100, 30)) as pilot:
        await shown(app, Listing(LOCAL, ways_to_more="More models: set a key."), "late/model")
        assert screen_text(app).index("late/model") < screen_text(app).index("More models: set a key.")
        await pilot.press("l")
        await wait_until(lambda: "More models" not in screen_text(app))


async def test_what_stands_below_the_last_model_comes_into_view_with_it() -> None:
    app = PanelApp()
    many = Group("many", models=tuple(Model(f"many/{number}") for number in range(30)))
    async with app.run_test(size=(60, 20)) as pilot:
        await shown(app, Listing(many, LONG, ways_to_more="More models: set a key."), "31 models")
        assert "More models" not in screen_text(app)
        await pilot.press("up")
        await wait_until(lambda: "More models: set a key." in screen_text(app))
        assert "late/model" in screen_text(app)
        await pilot.press("up")
        await wait_until(lambda: LONG.problem in " ".join(screen_text(app).split()))
        assert "many/29" in screen_text(app)


async def test_the_highlight_is_as_wide_as_the_panel_inside() -> None:
    app = PanelApp()
    async with app.run_test(size=(120, 30)):
        models = await shown(app, Listing(LOCAL), "late/model")
        assert models.size.width == app.screen.query_one(".panel").content_size.width
