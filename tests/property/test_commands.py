"""Any text can be sent as it is."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from chat_tui.core.commands import Command, escape, parse, unescape

KNOWN = ("model", "new", "help")
PROMPTS = st.one_of(
    st.text(max_size=30),
    st.text(st.sampled_from("/ helpmodnw\n\tX:é."), max_size=12),
    st.tuples(
        st.sampled_from(["", "/", "//", "///"]),
        st.sampled_from([*KNOWN, "usr", ""]),
        st.text(st.sampled_from(" \n/ab"), max_size=4),
    ).map("".join),
)


@settings(max_examples=300, deadline=None)
@given(PROMPTS)
def test_what_is_escaped_is_text_and_comes_back(text: str) -> None:
    typed = escape(text)
    assert parse(typed, KNOWN) is None
    assert unescape(typed) == text


@settings(deadline=None)
@given(PROMPTS)
def test_only_known_names_become_commands(text: str) -> None:
    parsed = parse(text, KNOWN)
    if isinstance(parsed, Command):
        assert parsed.name in KNOWN
        assert text.startswith("/" + parsed.name)
        assert parsed.argument == text[len(parsed.name) + 1 :].strip()
    elif parsed is None:
        assert text.endswith(unescape(text))
    else:
        assert parsed.name not in KNOWN


@settings(deadline=None)
@given(st.sampled_from(KNOWN), st.text(max_size=20))
def test_a_command_keeps_its_argument(name: str, argument: str) -> None:
    assert parse(f"/{name} {argument}", KNOWN) == Command(name, argument.strip())
