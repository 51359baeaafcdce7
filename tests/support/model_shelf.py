"""A few providers with models as they may be listed, for the picker without a session."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass, field

from chat_tui.providers.base import ModelInfo
from chat_tui.providers.listing import ModelGroup
from chat_tui.providers.model_marks import ModelMarks
from chat_tui.wire.base import ModelFacts

NOW_S = 1_800_000_000.0
_SEES = frozenset({"text", "image", "file"})
GROUPS = (
    ModelGroup("local", "this machine", (ModelInfo("local/smollm2-135m", "SmolLM2 135M on this machine"),)),
    ModelGroup(
        "cloud",
        "Cloud",
        (
            ModelInfo("cloud/org/large-2", facts=ModelFacts("org/large-2", "", 200_000, _SEES, 3e-6, 15e-6)),
            ModelInfo("cloud/org/small-2", facts=ModelFacts("org/small-2", "", 131_072, None, 5.9e-7, 7.9e-7)),
            ModelInfo("cloud/free/tiny", "Tiny", facts=ModelFacts("free/tiny", "Tiny", 8192, None, 0.0, 0.0)),
        ),
        "cloud refused the connection.",
        NOW_S - 7300,
    ),
    ModelGroup("slow", "Slow", problem="Slow sent no list of models within 2 s.", is_final=False),
    ModelGroup("demo", "demo", (ModelInfo("demo/slow", note="five seconds to the first token"),)),
)

MARKS = ModelMarks(("cloud/org/large-2",), ("demo/slow", "cloud/free/tiny"))


@dataclass
class ShelfOfModels:
    """Gives all groups at once."""

    groups: tuple[ModelGroup, ...] = GROUPS
    aliases: dict[str, str] = field(default_factory=lambda: {"fast": "cloud/org/small-2"})
    known: ModelMarks = MARKS
    ways_to_more: str = ""

    async def list_models(self, *, is_patient: bool) -> AsyncIterator[ModelGroup]:
        """Everything."""
        for group in self.groups:
            yield group

    async def marks(self) -> ModelMarks:
        """As it was made."""
        return self.known

    async def set_favourite(self, model_id: str, *, is_favourite: bool) -> None:
        """Nothing is kept."""
