"""Where an answer that is made without us can be asked for, out of the id that its server gave it."""

from __future__ import annotations

from urllib.parse import quote

_ID_CHARS = 500


def path_of(collection: str, answer_id: str) -> str:
    """The path of an answer below a collection's, as in `/responses/ID`.

    Empty without an id, and for one that cannot stand there: a server's word must not lead the key elsewhere.
    """
    is_fit = 0 < len(answer_id) <= _ID_CHARS and answer_id.strip(".") != ""
    return f"{collection}/{quote(answer_id, safe='')}" if is_fit else ""
