"""ChatGPT's and Claude's exports: the tree, the roles, what is no text, and who was here already."""

from __future__ import annotations

import contextlib
import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chat_tui.core.conversation import Outcome, ReasoningPart, Role, TextPart, ToolCallPart
from chat_tui.store.importers import ImportProblem, chatgpt, claude, read_conversations
from chat_tui.store.importers.building import conversation_id
from chat_tui.store.model import StoredConversation
from tests.support.conversations import JSON_DATA


def node(key: str, parent: str | None, role: str = "", content: object = None, **more: object) -> dict[str, object]:
    message: object = None
    if role:
        if isinstance(content, str):
            content = {"content_type": "text", "parts": [content]}
        message = {"id": key, "author": {"role": role, "name": more.pop("name", None)}, "content": content, **more}
    return {"id": key, "parent": parent, "children": [], "message": message}


def chat(*nodes: dict[str, object], current: str = "", **more: object) -> dict[str, object]:
    mapping = {str(one["id"]): one for one in nodes}
    return {"conversation_id": "c-1", "title": "A chat", "mapping": mapping, "current_node": current, **more}


def lines(conversation: StoredConversation) -> list[tuple[int, int | None, str, str]]:
    return [(m.id, m.parent_id, m.role.value, m.text) for m in conversation.messages]


SMALL = chat(
    node("root", None),
    node("sys", "root", "system", ""),
    node("ctx", "sys", "user", {"content_type": "user_editable_context", "user_profile": "I am"}),
    node("q", "ctx", "user", "Why?", create_time=1_700_000_000.5),
    node("a1", "q", "assistant", "Because.", metadata={"model_slug": "gpt-4o"}),
    node(
        "a2", "q", "assistant", "It is so.", metadata={"model_slug": "o3", "finish_details": {"type": "max_tokens"}}
    ),
    node("q2", "a1", "user", "And?"),
    node("a3", "q2", "assistant", "", metadata={"finish_details": {"type": "interrupted"}}),
    current="q2",
    create_time=1_700_000_000.0,
    update_time=1_700_000_100.0,
)


def test_the_tree_of_chatgpt() -> None:
    found = chatgpt.conversation_of(SMALL)
    assert lines(found) == [
        (1, None, "user", "Why?"),
        (2, 1, "assistant", "Because."),
        (3, 2, "user", "And?"),
        (4, 1, "assistant", "It is so."),
    ]
    assert (found.title, found.tip_id, found.is_title_own) == ("A chat", 3, True)
    assert (found.created_at_s, found.updated_at_s) == (1_700_000_000.0, 1_700_000_100.0)
    assert found.messages[0].created_at_s == 1_700_000_000.5
    assert [message.model for message in found.messages] == ["", "chatgpt/gpt-4o", "", "chatgpt/o3"]
    ending = found.messages[3].ending
    assert ending is not None
    assert (ending.outcome, ending.reason.value) == (Outcome.COMPLETE, "length")
    assert found.id == conversation_id("chatgpt", "c-1")


def test_the_steps_of_an_answer_are_one_message() -> None:
    thoughts = {"content_type": "thoughts", "thoughts": [{"summary": "Plan", "content": "Look it up."}]}
    recap = {"content_type": "reasoning_recap", "content": "Thought for 6s"}
    found = chatgpt.conversation_of(
        chat(
            node("q", None, "user", "Weather?"),
            node("t", "q", "assistant", thoughts),
            node("r", "t", "assistant", recap, metadata={"finished_duration_sec": 6}),
            node("c", "r", "assistant", {"content_type": "code", "text": '{"q": "x"}'}, recipient="web.run"),
            node("o", "c", "tool", {"content_type": "execution_output", "text": "```sunny"}, name="web.run"),
            node("a", "o", "assistant", "Sunny.", metadata={"model_slug": "o3"}, recipient="all"),
            current="a",
        )
    )
    assert len(found.messages) == 2
    answer = found.messages[1]
    assert answer.parts == (
        ReasoningPart("Plan\nLook it up.", 6.0),
        ToolCallPart("c", "", "web.run", '{"q": "x"}', is_complete=True),
        ReasoningPart("web.run:\n````\n```sunny\n````\n"),
        TextPart("Sunny."),
    )
    assert (answer.model, found.tip_id) == ("chatgpt/o3", 2)


def test_what_is_no_text_leaves_a_placeholder() -> None:
    parts = [
        {"content_type": "image_asset_pointer", "asset_pointer": "file-service://x"},
        "What is this?",
        {"content_type": "audio_transcription", "text": "spoken"},
        {"content_type": "real_time_user_audio_video_asset_pointer"},
        {"content_type": "strange\x1b"},
        7,
    ]
    found = chatgpt.conversation_of(
        chat(
            node(
                "q",
                None,
                "user",
                {"content_type": "multimodal_text", "parts": parts},
                metadata={"attachments": [{"name": "a\nb.pdf"}]},
            )
        )
    )
    expected = ["[image]", "What is this?", "spoken", "[audio]", "[strange␛]", "[attachment]", "[file: a b.pdf]"]
    assert found.messages[0].text == "\n\n".join(expected)


def test_a_circle_is_refused() -> None:
    with pytest.raises(ImportProblem, match="circle"):
        chatgpt.conversation_of(chat(node("a", "b", "user", "x"), node("b", "a", "user", "y")))


def test_a_chain_of_thousands() -> None:
    nodes = [node(str(at), str(at - 1) if at else None, "user", "x") for at in range(5_000)]
    found = chatgpt.conversation_of(chat(*nodes, current="4999"))
    assert (len(found.messages), found.tip_id, found.messages[-1].parent_id) == (5_000, 5_000, 4_999)


def said(key: str, sender: str, **more: object) -> dict[str, object]:
    return {"uuid": key, "sender": sender, "created_at": "2025-04-01T10:00:00.5Z", **more}


def test_the_blocks_of_claude() -> None:
    record = {
        "uuid": "c-1",
        "name": "",
        "created_at": "2025-04-01T09:00:00+00:00",
        "chat_messages": [
            said(
                "1",
                "human",
                text="Read this",
                content=[{"type": "text", "text": "Read this"}],
                attachments=[{"file_name": "long.txt", "extracted_content": "pasted ```"}],
                files=[{"file_name": "pic.png"}],
            ),
            said(
                "2",
                "assistant",
                content=[
                    {
                        "type": "thinking",
                        "thinking": "Hm.",
                        "start_timestamp": "2025-04-01T10:00:01Z",
                        "stop_timestamp": "2025-04-01T10:00:03.5Z",
                    },
                    {"type": "tool_use", "id": "t", "name": "look", "input": {"a": "é"}},
                    {"type": "tool_result", "name": "look", "content": [{"type": "text", "text": "found"}]},
                    {"type": "text", "text": "Done."},
                ],
            ),
            said("3", "human", text="Only text", content=[]),
        ],
    }
    found = claude.conversation_of(record)
    fence = "````\npasted ```\n````"
    assert lines(found) == [
        (1, None, "user", f"Read this\n\n[file: long.txt]\n\n{fence}\n\n[file: pic.png]"),
        (2, 1, "assistant", "Done."),
        (3, 2, "user", "Only text"),
    ]
    assert found.messages[1].parts[:3] == (
        ReasoningPart("Hm.", 2.5),
        ToolCallPart("2.1", "t", "look", '{"a": "é"}', is_complete=True),
        ReasoningPart("look:\n```\nfound\n```\n"),
    )
    assert found.title.startswith("Read this")
    assert (found.is_title_own, found.tip_id) == (False, 3)
    assert found.messages[0].created_at_s == 1_743_501_600.5


def test_the_branches_of_claude() -> None:
    root = "00000000-0000-4000-8000-000000000000"
    record = {
        "uuid": "c-1",
        "name": "Branches",
        "model": "sonnet",
        "current_leaf_message_uuid": "a1",
        "chat_messages": [
            said("q", "human", text="?", parent_message_uuid=root),
            said("a1", "assistant", text="one", parent_message_uuid="q"),
            said("a2", "assistant", text="two", parent_message_uuid="q"),
        ],
    }
    found = claude.conversation_of(record)
    assert lines(found) == [(1, None, "user", "?"), (2, 1, "assistant", "one"), (3, 1, "assistant", "two")]
    assert found.tip_id == 2
    assert found.model == "claude/sonnet"


def test_files_of_both_are_told_apart_by_what_is_in_them(tmp_path: Path) -> None:
    path = tmp_path / "conversations.json"
    path.write_text(json.dumps([SMALL, {"uuid": "c-1", "chat_messages": [said("q", "human", text="?")]}, {"x": 1}]))
    first, second, third = read_conversations(path)
    assert isinstance(first, StoredConversation)
    assert isinstance(second, StoredConversation)
    assert first.id == conversation_id("chatgpt", "c-1") != second.id == conversation_id("claude", "c-1")
    assert isinstance(third, ImportProblem)
    again = [one for one in read_conversations(path) if isinstance(one, StoredConversation)]
    assert [one.id for one in again] == [first.id, second.id]


KEYS = st.sampled_from(
    (
        *(
            "mapping",
            "parent",
            "message",
            "author",
            "role",
            "content",
            "content_type",
            "parts",
            "metadata",
            "a",
            "b",
        ),
        *("chat_messages", "sender", "text", "type", "uuid", "attachments", "thoughts", "current_node", "name"),
    )
)
WORDS = st.sampled_from(
    ("user", "assistant", "tool", "human", "text", "thoughts", "thinking", "tool_use", "a", "b")
)
ODD_DATA = st.recursive(
    WORDS | st.none() | st.integers(-5, 1 << 70) | st.booleans() | st.floats(allow_nan=False),
    lambda some: st.lists(some, max_size=4) | st.dictionaries(KEYS, some, max_size=5),
    max_leaves=30,
)


@given(st.dictionaries(KEYS, ODD_DATA, max_size=6), JSON_DATA)
def test_whatever_a_record_is_it_is_a_conversation_or_a_sentence(record: dict[str, object], rest: object) -> None:
    for data in (record, {**record, "x": rest}, {**record, "mapping": {"a": record, "b": rest}}):
        for module in (chatgpt, claude):
            with contextlib.suppress(ImportProblem):
                found = module.conversation_of({**data, "chat_messages": [record, rest, data.get("chat_messages")]})
                assert len(found.id) == 32
                assert all(m.role is not Role.ASSISTANT or m.ending is not None for m in found.messages)
