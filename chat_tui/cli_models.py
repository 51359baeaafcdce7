"""`chat-tui models`: what can be chosen, group by group as the answers come in."""

from __future__ import annotations

import json
from collections.abc import Callable

from chat_tui.core.sanitize import clean_line
from chat_tui.session.session import ChatSession, ModelGroup


async def print_models(session: ChatSession, echo: Callable[[str], None], *, is_json: bool) -> None:
    """One block of text per provider, or one JSON list of providers with their models at the end."""
    groups: list[ModelGroup] = []
    async for group in session.list_models():
        groups.append(group)
        if not is_json:
            echo(_as_text(group, session.model_id))
    if is_json:
        echo(json.dumps([_as_data(group) for group in groups], indent=2))


def _as_text(group: ModelGroup, chosen_id: str) -> str:
    lines = [clean_line(f"{group.provider} · {group.label}" if group.label else group.provider)]
    if group.problem:
        lines.append(f"    {clean_line(group.problem)}")
    for model in group.models:
        mark = "*" if model.id == chosen_id else " "
        about = " · ".join(clean_line(part) for part in (model.label, model.note) if part)
        lines.append(f"  {mark} {clean_line(model.id):<36}  {about}".rstrip())
    return "\n".join(lines)


def _as_data(group: ModelGroup) -> dict[str, object]:
    return {
        "provider": group.provider,
        "label": group.label,
        "problem": group.problem,
        "models": [
            {"id": model.id, "label": model.label, "note": model.note, "is_available": model.is_available}
            for model in group.models
        ],
    }
