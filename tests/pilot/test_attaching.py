"""Files in the composer: found behind an @, dropped, shown, taken out, sent, and given back."""

from __future__ import annotations

from pathlib import Path

import pytest
from textual import events

from chat_tui.core.conversation import FilePart
from chat_tui.core.events import Connected
from chat_tui.session.attachments import Attachment, make_file
from chat_tui.ui.widgets.prompt import PASTE_SETTLES_S
from chat_tui.wire.base import ModelFacts
from tests.support import images
from tests.support.fake_provider import FakeProvider, failed
from tests.support.stage import Stage, stage
from tests.support.turns import REFUSED, asked, pressed, saying
from tests.support.waiting import wait_until

PHOTO = images.png(120, 80)


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A directory with files, which is the current one."""
    directory = tmp_path / "work"
    (directory / "docs").mkdir(parents=True)
    (directory / "photo.png").write_bytes(PHOTO)
    (directory / "my photo.png").write_bytes(PHOTO)
    (directory / "docs" / "plan.md").write_text("# Plan\n")
    (directory / "data").write_bytes(b"\0")
    monkeypatch.chdir(directory)
    return directory


async def typed(on: Stage, text: str) -> None:
    """Key by key, as a hand does."""
    for character in text:
        on.chat.prompt.post_message(events.Key(character, character))
    await wait_until(lambda: on.chat.prompt.text.endswith(text), 10, text)
    await on.settle()


async def offered(on: Stage, *paths: str) -> None:
    """Until these are to be chosen among."""
    await wait_until(lambda: on.chat.mention_list.paths == paths, 10, f"{paths}")
    await on.settle()


async def pasted(on: Stage, text: str) -> None:
    """As a terminal does it, for a drop too; then the time passes in which keys belong to the paste."""
    event = events.Paste(text)
    on.chat.prompt.post_message(event)
    await on.settle()
    await wait_until(lambda: events.Key("x", "x").time > event.time + PASTE_SETTLES_S)


def attached(on: Stage) -> list[str]:
    return [item.file.name for item in on.chat.attachments.items]


def sent_files(on: Stage) -> tuple[FilePart, ...]:
    """With the last question that was asked."""
    return on.requests[-1].messages[-1].files


# -- completion ----------------------------------------------------------------------------------


@pytest.mark.parametrize("key", ["tab", "enter"])
async def test_a_file_is_found_by_some_letters_and_taken(tmp_path: Path, key: str) -> None:
    async with stage("fake/one", tmp_path, provider=saying("A.")) as on:
        await typed(on, "See @phot")
        await offered(on, "photo.png", "my photo.png")
        assert "▸ photo.png" in on.screen_text
        await pressed(on, key)
        assert on.chat.prompt.text == "See @photo.png "
        await offered(on)
        assert on.requests == []


async def test_arrows_choose_and_names_with_spaces_are_quoted(tmp_path: Path) -> None:
    async with stage("fake/one", tmp_path, provider=saying("A.")) as on:
        await typed(on, "@phot")
        await offered(on, "photo.png", "my photo.png")
        await pressed(on, "down", "down", "up", "enter")
        assert on.chat.prompt.text == '@"my photo.png" '


async def test_letters_that_come_at_once_are_looked_for_too(tmp_path: Path) -> None:
    async with stage("fake/one", tmp_path, provider=saying("A.")) as on:
        prompt = on.chat.prompt
        for character in "and @plan":
            prompt.post_message(events.Key(character, character))
        await offered(on, "docs/plan.md")


async def test_a_directory_goes_on(tmp_path: Path) -> None:
    async with stage("fake/one", tmp_path, provider=saying("A.")) as on:
        await typed(on, "@./do")
        await offered(on, "./docs/")
        await pressed(on, "tab")
        assert on.chat.prompt.text == "@./docs/"
        await offered(on, "./docs/plan.md")
        await pressed(on, "tab")
        assert on.chat.prompt.text == "@./docs/plan.md "


async def test_escape_closes_the_list_and_nothing_else(tmp_path: Path) -> None:
    async with stage("fake/one", tmp_path, provider=saying("A.")) as on:
        await typed(on, "@phot")
        await offered(on, "photo.png", "my photo.png")
        await pressed(on, "escape")
        await offered(on)
        assert on.chat.prompt.text == "@phot"
        assert "Esc again" not in on.status
        await pressed(on, "enter")
        await on.until_done()
        assert sent_files(on) == (), "what names no file is text"
        assert on.requests[-1].messages[-1].text == "@phot"


async def test_enter_sends_what_is_typed_in_full_and_a_bare_at_sign(tmp_path: Path) -> None:
    async with stage("fake/one", tmp_path, provider=saying("A.", "B.")) as on:
        await typed(on, "@photo.png")
        await offered(on, "photo.png", "my photo.png")
        await pressed(on, "enter")
        await wait_until(lambda: len(on.requests) == 1)
        await on.until_done()
        await typed(on, "meet me @")
        await wait_until(lambda: on.chat.mention_list.is_open)
        await pressed(on, "enter")
        await wait_until(lambda: len(on.requests) == 2)
        assert on.requests[-1].messages[-1].text == "meet me @"


async def test_only_what_is_typed_opens_the_list(tmp_path: Path) -> None:
    async with stage("fake/one", tmp_path, provider=saying("A.")) as on:
        await asked(on, "first @phot")
        await pressed(on, "up")
        assert on.chat.prompt.text == "first @phot"
        await pasted(on, " @phot")
        await on.settle()
        assert not on.chat.mention_list.is_open
        await typed(on, "o")
        await offered(on, "photo.png", "my photo.png")
        await pressed(on, "home")
        await offered(on)


async def test_the_key_and_the_command_begin_a_mention(tmp_path: Path) -> None:
    async with stage("fake/one", tmp_path, provider=saying("A.")) as on:
        await typed(on, "see")
        await pressed(on, "ctrl+o")
        assert on.chat.prompt.text == "see @"
        await wait_until(lambda: on.chat.mention_list.is_open)
        on.chat.prompt.put("/attach docs/plan.md")
        await pressed(on, "enter")
        await wait_until(lambda: attached(on) == ["docs/plan.md"])


async def test_a_click_takes(tmp_path: Path) -> None:
    async with stage("fake/one", tmp_path, provider=saying("A.")) as on:
        await typed(on, "@phot")
        await offered(on, "photo.png", "my photo.png")
        await on.pilot.click("#mentions", offset=(4, 1))
        await on.settle()
        assert on.chat.prompt.text == '@"my photo.png" '


# -- sending -------------------------------------------------------------------------------------


async def test_what_is_mentioned_and_attached_is_sent_and_shown(tmp_path: Path, here: Path) -> None:
    async with stage("fake/one", tmp_path, provider=saying("A.")) as on:
        await pasted(on, f"'{here}/my photo.png'")
        await wait_until(lambda: attached(on) == ["my photo.png"])
        assert "my photo.png 120×80 · " in on.screen_text
        assert on.chat.prompt.text == ""
        await typed(on, "Compare with @docs/plan.md.")
        await pressed(on, "escape", "enter")
        await wait_until(lambda: len(on.requests) == 1)
        await on.until_done()
        assert sent_files(on) == (
            FilePart("my photo.png", "image/png", PHOTO),
            FilePart("docs/plan.md", "text/markdown", b"# Plan\n"),
        )
        question = on.session.conversation.path()[0]
        assert question.files == sent_files(on)
        assert question.text == "Compare with @docs/plan.md."
        assert attached(on) == []
        rows = [row.strip() for row in on.rows]
        at = rows.index("▌ Compare with @docs/plan.md.")
        assert rows[at + 1].startswith("▌ my photo.png  120×80 · ")
        assert rows[at + 2] == "▌ docs/plan.md  7 B"


async def test_a_file_that_cannot_go_leaves_the_question_in_the_composer(tmp_path: Path) -> None:
    async with stage("fake/one", tmp_path, provider=saying("A.")) as on:
        await on.ask("What is @data?")
        await wait_until(lambda: "neither an image nor a text" in on.text)
        assert on.chat.prompt.text == "What is @data?"
        assert on.requests == []


async def test_what_pasted_text_mentions_is_not_sent(tmp_path: Path) -> None:
    async with stage("fake/one", tmp_path, provider=saying("A.", "B.", "C.")) as on:
        await pasted(on, "The log says: see @photo.png and @nobody ")
        await pressed(on, "enter")
        await wait_until(lambda: len(on.requests) == 1)
        assert sent_files(on) == ()
        assert "Pasted and not attached: photo.png. Type it, or Ctrl+O." in on.status
        await on.until_done()
        await pressed(on, "up", "enter")
        await wait_until(lambda: len(on.requests) == 2)
        assert sent_files(on) == (), "nor when it comes back"
        await on.until_done()
        await typed(on, "And @photo.png ")
        await pressed(on, "enter")
        await wait_until(lambda: len(on.requests) == 3)
        assert [file.name for file in sent_files(on)] == ["photo.png"], "typed it is meant"


async def test_a_mention_that_was_sent_is_meant_when_it_comes_back(tmp_path: Path) -> None:
    async with stage("fake/one", tmp_path, provider=saying("A.", "B.")) as on:
        await typed(on, "What is @photo.png ")
        await pressed(on, "enter")
        await wait_until(lambda: len(on.requests) == 1)
        await on.until_done()
        await pressed(on, "up", "enter")
        await wait_until(lambda: len(on.requests) == 2)
        assert [file.name for file in sent_files(on)] == ["photo.png"]


async def test_files_alone_are_no_question(tmp_path: Path, here: Path) -> None:
    async with stage("fake/one", tmp_path, provider=saying("A.")) as on:
        await pasted(on, str(here / "photo.png"))
        await wait_until(lambda: attached(on) == ["photo.png"])
        await pressed(on, "enter")
        assert "Say what to do with the file." in on.status
        assert on.requests == []


async def test_pasted_text_and_paths_of_other_files_stay_text(tmp_path: Path, here: Path) -> None:
    async with stage("fake/one", tmp_path, provider=saying("A.")) as on:
        for text in (str(here / "docs/plan.md"), "/gone.png"):
            on.chat.prompt.put("")
            await pasted(on, text)
            await typed(on, "!")
            assert on.chat.prompt.text == f"{text}!", "keys behind a paste stay behind it"
        assert attached(on) == []


async def test_backspace_at_the_very_start_takes_one_out(tmp_path: Path, here: Path) -> None:
    async with stage("fake/one", tmp_path, provider=saying("A.")) as on:
        for name in ("photo.png", "my photo.png", "photo.png"):
            await pasted(on, str(here / name))
        await wait_until(lambda: attached(on) == ["photo.png", "my photo.png"])
        await typed(on, "ab")
        await pressed(on, "backspace", "home", "backspace")
        assert attached(on) == ["photo.png"]
        assert on.chat.prompt.text == "a"
        on.chat.prompt.put("/detach")
        await pressed(on, "enter")
        assert attached(on) == []
        assert not on.chat.attachments.display


# -- questions that come back --------------------------------------------------------------------


async def test_a_question_nothing_came_of_comes_back_with_its_files(tmp_path: Path, here: Path) -> None:
    provider = saying()
    provider.add([Connected(), failed(REFUSED)])
    async with stage("fake/one", tmp_path, provider=provider) as on:
        await pasted(on, str(here / "photo.png"))
        await wait_until(lambda: attached(on) == ["photo.png"])
        await typed(on, "What is it?")
        await pressed(on, "enter")
        await wait_until(lambda: len(on.requests) == 1)
        await on.until_done()
        assert on.chat.prompt.text == "What is it?"
        assert attached(on) == ["photo.png"]


async def test_an_edited_question_keeps_its_files_and_the_draft_its_own(tmp_path: Path, here: Path) -> None:
    async with stage("fake/one", tmp_path, provider=saying("A.", "B.")) as on:
        await on.ask("What is @photo.png?")
        await wait_until(lambda: len(on.requests) == 1)
        await on.until_done()
        (here / "photo.png").write_bytes(images.png(5, 5))
        await pasted(on, str(here / "my photo.png"))
        await wait_until(lambda: attached(on) == ["my photo.png"])
        on.chat.prompt.put("a draft")
        on.chat.transcript.focus()
        await pressed(on, "k", "e")
        assert attached(on) == ["photo.png"]
        await pressed(on, "escape")
        assert attached(on) == ["my photo.png"]
        on.chat.transcript.focus()
        await pressed(on, "k", "e")
        on.chat.prompt.put("What was @photo.png?")
        await pressed(on, "enter")
        await wait_until(lambda: len(on.requests) == 2)
        await on.until_done()
        assert sent_files(on) == (FilePart("photo.png", "image/png", PHOTO),)
        assert attached(on) == ["my photo.png"]
        assert on.chat.prompt.text == "a draft"


async def test_another_answer_is_asked_with_the_same_files(tmp_path: Path) -> None:
    async with stage("fake/one", tmp_path, provider=saying("A.", "B.")) as on:
        await on.ask("What is @photo.png?")
        await wait_until(lambda: len(on.requests) == 1)
        await on.until_done()
        on.chat.transcript.focus()
        await pressed(on, "r")
        await wait_until(lambda: len(on.requests) == 2)
        await on.until_done()
        assert sent_files(on) == on.requests[0].messages[-1].files != ()


async def test_what_the_command_line_attaches_goes_with_the_first_question(tmp_path: Path) -> None:
    async with stage("fake/one", tmp_path, provider=saying("A.", "B.")) as on:
        on.chat.attachments.show((Attachment(make_file("stdin", b"words")),))
        await asked(on, "What is it?")
        await wait_until(lambda: len(on.requests) == 1)
        await on.until_done()
        assert [file.name for file in sent_files(on)] == ["stdin"]
        await asked(on, "And now?")
        assert sent_files(on) == ()


# -- models that cannot see ----------------------------------------------------------------------


class BlindModel(FakeProvider):
    """Sees no images."""

    def can_see(self, model: str) -> bool:
        return model != "blind"


async def test_a_model_that_cannot_see_is_not_asked(tmp_path: Path) -> None:
    provider = BlindModel(lambda: 1000.0)
    async with stage("fake/blind", tmp_path, provider=provider) as on:
        await on.ask("What is @photo.png?")
        await wait_until(lambda: "cannot see" in on.text)
        assert "“photo.png” is an image" in on.text
        assert on.chat.prompt.text == "What is @photo.png?"
        assert provider.requests == []
        assert on.session.conversation.path() == ()


async def test_of_a_seen_image_a_blind_model_is_told_the_name(tmp_path: Path) -> None:
    provider = BlindModel(lambda: 1000.0)
    provider.scripts = [*saying("A.", "B.").scripts]
    async with stage("fake/seeing", tmp_path, provider=provider) as on:
        await on.ask("What is @photo.png?")
        await wait_until(lambda: len(on.requests) == 1)
        await on.until_done()
        on.session.switch_model("fake/blind")
        on.chat.transcript.focus()
        await pressed(on, "r")
        assert len(on.requests) == 1
        assert "cannot see" in on.status
        on.chat.prompt.focus()
        await asked(on, "Go on")
        first = on.requests[-1].messages[0]
        assert first.files == ()
        assert first.text == "[Image: photo.png]\n\nWhat is @photo.png?"


async def test_what_a_listing_says_of_a_model_counts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with stage("fake/one", tmp_path, provider=saying("A.")) as on:
        facts = ModelFacts("one", inputs=frozenset({"text"}))
        monkeypatch.setattr(on.session, "facts_of", {"fake/one": facts}.get)
        await on.ask("What is @photo.png?")
        await wait_until(lambda: "cannot see" in on.text)
        assert on.requests == []


# -- looks ---------------------------------------------------------------------------------------


async def test_hostile_names_are_harmless(tmp_path: Path, here: Path) -> None:
    (here / "ev\x1b[2J\u202eil.png").write_bytes(PHOTO)
    async with stage("fake/one", tmp_path, provider=saying("A."), size=(60, 20)) as on:
        await typed(on, "@png")
        await offered(on, "photo.png", "my photo.png")
        on.chat.prompt.put("")
        await pasted(on, str(here / "ev\x1b[2J\u202eil.png"))
        await wait_until(lambda: attached(on) == ["ev␛[2J␦il.png"])
        await on.settle()
        assert "ev␛[2J␦il.png 120×80" in on.screen_text
        await asked(on)
        await wait_until(lambda: len(on.requests) == 1)
        await on.until_done()
        assert "▌ ev␛[2J␦il.png  120×80" in on.text


async def test_many_files_take_three_rows(tmp_path: Path) -> None:
    async with stage("fake/one", tmp_path, provider=saying("A."), size=(60, 20)) as on:
        items = tuple(Attachment(make_file(f"a-long-name-{n}.txt", b"x" * 400), str(n)) for n in range(12))
        on.chat.attachments.show(items)
        await on.settle()
        assert on.chat.attachments.size.height == 3
        assert "and 7 more" in on.screen_text
        assert on.chat.prompt.size.height == 1
