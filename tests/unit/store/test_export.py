"""What is read: the shown path, everything escaped. What is kept: everything."""

from __future__ import annotations

import json
from base64 import b64encode
from html.parser import HTMLParser
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from chat_tui.core.conversation import (
    Ending,
    FilePart,
    Message,
    OpaquePart,
    Outcome,
    ReasoningPart,
    Role,
    TextPart,
    ToolCallPart,
)
from chat_tui.core.errors import Fault, FaultKind
from chat_tui.store.export import ExportFormat, export_one, json_pieces, render
from chat_tui.store.model import StoredConversation
from chat_tui.store.records import conversation_from_record
from tests.support.conversations import conversations

GOLDEN = Path(__file__).parent / "golden"
SEAM = Fault(FaultKind.CUT, "connection lost", "The server went away.", "Continue with c.")
CUT = Ending(Outcome.INTERRUPTED, fault=SEAM, raw_reason="gone", tokens=7, ttft_s=0.25)
ANSWER = """\
A **token** is `piece` of [text](https://example.org/a?b=1&c=2), see \\(a_1 < b_2\\).

| a | b |
|---|---|
| 1 | <b>2</b> |

```python
if a < b and "c":
    print('&amp;')"""
SAMPLE = StoredConversation(
    id="ab" * 16,
    title="What is a token? </title><script>alert(1)</script>",
    created_at_s=1_700_000_000.0,
    model="demo/small",
    tip_id=5,
    messages=(
        Message(1, Role.USER, (TextPart("What is a <token>?\n  And *why*?"),)),
        Message(2, Role.ASSISTANT, (TextPart("An answer that was retried."),), 1, "demo/small"),
        Message(
            3,
            Role.ASSISTANT,
            (
                ReasoningPart("They ask.\n\n```", 3.4),
                TextPart(ANSWER[:30]),
                TextPart(ANSWER[30:]),
                OpaquePart("signature", {"secret": "opaque"}),
            ),
            1,
            "demo/large",
            CUT,
        ),
        Message(4, Role.USER, (TextPart("Thanks\x1b[31m"),), 3),
        Message(
            5,
            Role.ASSISTANT,
            (ToolCallPart("k", "id", "look_up", '{"word": "```"}', is_complete=True),),
            4,
            "demo/small",
            Ending(Outcome.COMPLETE),
        ),
    ),
)


FILE = FilePart("my *photo* <b>.png", "image/png", b"\x89PNG\r\n\x1a\n\xff\x00canary")
WITH_FILE = StoredConversation(
    id="cd" * 16, title="T", tip_id=1, messages=(Message(1, Role.USER, (FILE, TextPart("What is it?"))),)
)


@pytest.mark.parametrize(
    ("form", "named"),
    [
        (ExportFormat.MARKDOWN, "What is it?\n\nAttached: my \\*photo\\* \\<b\\>.png (image/png, 16 B)\n"),
        (ExportFormat.HTML, '<p class="attached">Attached: my *photo* &lt;b&gt;.png (image/png, 16 B)</p>'),
    ],
)
def test_files_are_named_and_not_written_out(form: ExportFormat, named: str) -> None:
    text = render(WITH_FILE, form)
    assert named in text
    assert "canary" not in text
    assert b64encode(FILE.data).decode() not in text


def test_to_keep_a_file_is_whole() -> None:
    (record,) = json.loads(render(WITH_FILE, ExportFormat.JSON))["conversations"]
    assert conversation_from_record(record) == WITH_FILE


@pytest.mark.parametrize("form", [ExportFormat.MARKDOWN, ExportFormat.HTML])
def test_a_conversation_to_read(form: ExportFormat) -> None:
    assert render(SAMPLE, form) == (GOLDEN / f"sample-{form}.txt").read_text(encoding="utf-8")


@pytest.mark.parametrize("form", [ExportFormat.MARKDOWN, ExportFormat.HTML])
def test_no_seam_no_other_branch_no_opaque_data_to_read(form: ExportFormat) -> None:
    text = render(SAMPLE, form)
    for word in ("connection lost", "went away", "Continue with", "gone", "interrupted", "retried", "opaque"):
        assert word not in text


def test_everything_to_keep() -> None:
    text = render(SAMPLE, ExportFormat.JSON)
    for word in ("connection lost", "retried", "opaque", "signature", '"ttft_s": 0.25'):
        assert word in text
    assert json.loads(text)["version"] == 1
    assert text.isascii()


@pytest.mark.parametrize(
    ("text", "closing"),
    [
        ("```\nx", "```"),
        ("````x\n```\n", "````"),
        ("~~~\n```", "~~~"),
        ("```", "```"),
        ("```\nx\n```", ""),
        ("1. a\n   ```\n   b", ""),
        ("> ```\n> b", ""),
        ("a ``` b", ""),
    ],
)
def test_an_open_fence_does_not_swallow_what_follows(text: str, closing: str) -> None:
    conversation = StoredConversation(
        "0" * 32,
        tip_id=2,
        messages=(Message(1, Role.ASSISTANT, (TextPart(text),)), Message(2, Role.USER, (TextPart("next"),), 1)),
    )
    exported = render(conversation, ExportFormat.MARKDOWN)
    body = exported.split("## Assistant\n\n")[1].split("\n\n## You")[0]
    assert body == text.strip("\n") + (f"\n{closing}" if closing else "")
    tokens = MarkdownIt().parse(exported)
    assert [token.content for token in tokens if token.type == "inline"][-2:] == ["You", "next"]


TAGS = frozenset(
    (
        *(
            "html",
            "head",
            "meta",
            "title",
            "style",
            "body",
            "header",
            "h1",
            "h2",
            "h3",
            "h4",
            "h5",
            "h6",
            "p",
            "main",
        ),
        *("section", "div", "details", "summary", "pre", "code", "a", "em", "strong", "s", "ul", "ol", "li", "br"),
        *("blockquote", "hr", "table", "thead", "tbody", "tr", "th", "td"),
    )
)
ATTRIBUTES = frozenset(
    ("href", "title", "rel", "class", "dir", "lang", "charset", "name", "content", "http-equiv", "start")
)


class Audit(HTMLParser):
    """Fails at whatever could run or fetch."""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert tag in TAGS, tag
        for name, value in attrs:
            assert name in ATTRIBUTES or (name == "style" and (value or "").startswith("text-align:")), name
            if name == "href":
                assert (value or "").lower().startswith(("http://", "https://", "mailto:"))
        if tag == "a":
            assert dict(attrs)["rel"] == "noopener noreferrer"


EVIL_MARKDOWN = [
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "[a](javascript:alert(1)) <javascript:alert(1)> [b](  jAvAsCrIpT:alert(1))",
    "[a](data:text/html,x) ![b](data:image/png;base64,x) [c](file:///etc/passwd) [d](vbscript:x)",
    "[a](//evil.example/x) [b](/x) [c](#x) [d](ftp://x)",
    '[a](https://x.example/"onmouseover="alert(1)) [b](<https://x.example/" style="x>)',
    '![x" onload="alert(1)](https://x.example/a.png "t\\" onload=\\"x")',
    "[&#106;avascript:](&#106;avascript:alert(1)) [x]: javascript:alert(1)\n[x]",
    '```"><script>\nx\n```',
    "</div></section></main></body><style>*{display:none}</style>",
    "<!-- unclosed",
    "&lt;script&gt; &#60;script&#62;",
    "<a href='https://x.example'>x</a>",
    "[" * 3_000,
    "> " * 300 + "deep",
    "|a|b|\n|:-|-:|\n|<i>|`<b>`|",
]


@pytest.mark.parametrize("text", EVIL_MARKDOWN)
def test_nothing_in_the_html_runs_or_fetches(text: str) -> None:
    parts = (ReasoningPart(text), TextPart(text), ToolCallPart("k", "", text, text, is_complete=False))
    roles = (Role.SYSTEM, Role.USER, Role.ASSISTANT)
    messages = tuple(Message(at, role, parts, at - 1 or None, text) for at, role in enumerate(roles, 1))
    page = render(StoredConversation("0" * 32, text, model=text, tip_id=3, messages=messages), ExportFormat.HTML)
    Audit().feed(page)
    assert "<script" not in page
    assert page.count("</body>") == page.count("<style>") == 1


@settings(max_examples=60, suppress_health_check=[HealthCheck.too_slow])
@given(conversations(st.text(max_size=20)))
def test_any_conversation_can_be_read(conversation: StoredConversation) -> None:
    for form in (ExportFormat.MARKDOWN, ExportFormat.HTML):
        text = render(conversation, form)
        assert "\0" not in text
        text.encode()
    Audit().feed(render(conversation, ExportFormat.HTML))


def test_a_directory_gets_a_file_named_after_the_title(tmp_path: Path) -> None:
    first = export_one(SAMPLE, ExportFormat.MARKDOWN, tmp_path)
    second = export_one(SAMPLE, ExportFormat.MARKDOWN, tmp_path)
    third = export_one(SAMPLE, ExportFormat.MARKDOWN, first, may_overwrite=True)
    name = "What is a token-title-script-alert(1)-script"
    assert [first.name, second.name] == [f"{name}.md", f"{name}-2.md"]
    assert third == first
    assert len(list(tmp_path.glob("*.md"))) == 2


def test_many_conversations_are_one_json() -> None:
    assert json.loads("".join(json_pieces([])))["conversations"] == []
    assert len(json.loads("".join(json_pieces([SAMPLE, SAMPLE])))["conversations"]) == 2
