"""What the search bar says, at any width."""

from __future__ import annotations

import pytest

from chat_tui.ui.widgets.find_bar import count_text, hints


@pytest.mark.parametrize(
    ("number", "total", "is_counted", "is_looking", "text"),
    [
        (3, 17, True, False, "3 of 17"),
        (3, 17, False, False, "3 of 17+"),
        (None, 17, False, False, "17+ found"),
        (None, 1_234, True, False, "1,234 found"),
        (1_234, 20_000, True, False, "1,234 of 20,000"),
        (None, 0, True, False, "nothing found"),
        (None, 0, False, False, "looking …"),
        (None, 0, True, True, "looking …"),
    ],
)
def test_the_count(number: int | None, total: int, is_counted: bool, is_looking: bool, text: str) -> None:
    assert count_text(number, total, is_counted=is_counted, is_looking=is_looking) == text


@pytest.mark.parametrize("is_typing", [True, False])
def test_hints_leave_half_of_the_line_to_words_and_count(is_typing: bool) -> None:
    for width in range(10, 300):
        assert len(hints(width, is_typing=is_typing)) <= width // 2
    assert hints(60, is_typing=is_typing)
