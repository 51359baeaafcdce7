"""What the settings of [generation] are called on the wires, to find out which of them a server speaks of. Pure."""

from __future__ import annotations

import re

WIRE_NAMES = {
    "top_p": ("top_p", "topP"),
    "temperature": ("temperature",),
    "seed": ("seed", "random_seed"),
    "stop": ("stop", "stop_sequences", "stopSequences"),
    "reasoning_effort": (
        "reasoning_effort", "reasoning.effort", "reasoning", "output_config", "thinking", "thinkingConfig",
        "thinking_level", "thinkingLevel", "think",
    ),
    "max_tokens": (
        "max_tokens", "max_completion_tokens", "max_output_tokens", "maxOutputTokens", "num_predict",
    ),
}  # fmt: skip
"""Setting → its names. Where a server speaks of several, the first one here is meant: it is the one to go."""

PARAMETER = re.compile(r'"param"\s*:\s*"([\w.]{1,60})"', re.ASCII)


_WORDS = frozenset({"seed", "stop", "reasoning", "thinking", "think"})
"""Names that are words, too: in a sentence they name nothing."""


def named_setting(said: str, body: str) -> str:
    """The setting that an error is about, whether or not it is set; empty when that is not sure."""
    blamed = PARAMETER.search(body)
    for setting, names in WIRE_NAMES.items():
        if blamed[1] in names if blamed else any(_is_named(name, said) for name in names if name not in _WORDS):
            return setting
    return ""


def named_settings(said: str, body: str) -> list[str]:
    """All that are named, in the order of `WIRE_NAMES`; only the blamed one where the body blames one."""
    blamed = PARAMETER.search(body)
    return [
        setting
        for setting, names in WIRE_NAMES.items()
        if (blamed[1] in names if blamed else any(_is_named(name, said) for name in names))
    ]


def _is_named(name: str, said: str) -> bool:
    return re.search(rf"(?<![\w.]){re.escape(name)}(?!\w)", said) is not None
