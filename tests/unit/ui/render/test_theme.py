"""The themes: readable, and nothing but the terminal's own colours where that is promised."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator

import pytest
from rich.color import ColorType
from rich.style import Style
from textual.color import Color

from chat_tui.ui.theme import THEMES, CodeRole, RenderStyles, quiet

DECORATION = {"quote_bar", "rule", "table_rule", "selection"}


def _all_styles(styles: RenderStyles) -> Iterator[tuple[str, Style]]:
    for field in dataclasses.fields(styles):
        value = getattr(styles, field.name)
        if isinstance(value, Style):
            yield field.name, value
    yield from ((f"heading {level}", style) for level, style in enumerate(styles.headings, 1))
    yield from ((f"code {role}", style) for role, style in styles.code_tokens.items())


def _contrast(one: Color, other: Color) -> float:
    """WCAG 2.2, contrast ratio."""
    bright, dark = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (bright + 0.05) / (dark + 0.05)


def _luminance(color: Color) -> float:
    parts = [value / 255 for value in (color.r, color.g, color.b)]
    red, green, blue = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


@pytest.mark.parametrize("name", ["dark", "light"])
def test_all_text_has_the_contrast_of_wcag_aa(name: str) -> None:
    theme = THEMES[name]
    assert theme.textual.background is not None
    background = Color.parse(theme.textual.background)
    for role, style in _all_styles(theme.styles):
        if style.color is None or role in DECORATION:
            continue
        behind = background if style.bgcolor is None else Color.from_rich_color(style.bgcolor)
        assert _contrast(Color.from_rich_color(style.color), behind) >= 4.5, role


def test_the_terminal_theme_has_only_the_sixteen_colours() -> None:
    styles = THEMES["terminal"].styles
    for role, style in [*_all_styles(styles), *_all_styles(quiet(styles))]:
        for color in (style.color, style.bgcolor):
            assert color is None or color.type in (ColorType.STANDARD, ColorType.DEFAULT), role
    variables = THEMES["terminal"].textual.to_color_system().generate()
    assert variables["background"] == "ansi_default"


@pytest.mark.parametrize("name", sorted(THEMES))
def test_roles_can_be_told_apart(name: str) -> None:
    styles = THEMES[name].styles
    assert len({styles.heading(level) for level in (2, 3, 5)}) == 3
    assert styles.text != styles.dim != styles.strong
    assert styles.code_tokens[CodeRole.ADDED] != styles.code_tokens[CodeRole.REMOVED]
    assert styles.heading(0) is styles.heading(1)
    assert styles.heading(9) is styles.heading(6)


def test_without_colours_the_terminal_theme_still_speaks() -> None:
    styles = THEMES["terminal"].styles
    bare = Style(color="default", bgcolor="default")
    assert styles.code_mark == "`"
    plain = styles.text + bare
    for style in (styles.strong, styles.emphasis, styles.strike, styles.link, styles.dim, styles.heading(1)):
        assert plain + style + bare != plain


def test_quiet_styles_have_one_colour() -> None:
    styles = quiet(THEMES["dark"].styles)
    colours = {style.color for style in (styles.text, styles.strong, styles.link, *styles.headings)}
    assert colours == {THEMES["dark"].styles.reasoning.color}
    assert quiet(THEMES["dark"].styles) is styles
