"""One request of ours and the head of what came back, fit to be shown and copied: without any key."""

from __future__ import annotations

import re
import shlex
from dataclasses import dataclass

_WITH_VARIABLE = re.compile(r"[\w-]+: (\w+ )?\$[A-Za-z_]\w*", re.ASCII)

Headers = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class HttpRecord:
    """What a failed request was. Whoever makes one has put `$NAME` in the place of every secret.

    `body` is JSON in ASCII; None: there was one that is too long to be kept. `request_headers` are those that
    matter to the server, `response_headers` cleaned ones with lower-case names.
    """

    method: str
    url: str
    request_headers: Headers = ()
    body: str | None = ""
    response_headers: Headers = ()

    def curl(self) -> str:
        """The same request as a command for a shell, which fills in `$NAME` from its environment."""
        words = ["curl -N" if self.method in ("GET", "POST") else f"curl -N -X {self.method}"]
        words.append(shlex.quote(self.url))
        words += [f"-H {_quoted(f'{name}: {value}')}" for name, value in self.request_headers]
        if self.body is None:
            words.append("--data-binary @request.json")
        elif self.body:
            words.append(f"--data-raw {shlex.quote(self.body)}")
        elif self.method == "POST":
            words.append("--data-raw ''")
        return " \\\n  ".join(words) + "\n"


def _quoted(header: str) -> str:
    """In double quotes where a variable has to be filled in, and only then."""
    return f'"{header}"' if _WITH_VARIABLE.fullmatch(header) else shlex.quote(header)
