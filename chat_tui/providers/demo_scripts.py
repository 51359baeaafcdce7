"""What the demo models say, and when. They show what a stream looks like, and what its breaks look like."""

from __future__ import annotations

import math
from dataclasses import dataclass

from chat_tui.core.errors import Fault, FaultKind

USUAL_TOKENS_PER_S = 60.0


@dataclass(frozen=True, slots=True)
class Say:
    """Words of the answer; a rate of infinity is as fast as the receiver can."""

    text: str
    tokens_per_s: float = USUAL_TOKENS_PER_S


@dataclass(frozen=True, slots=True)
class Think:
    """Words of the reasoning before or between the answer's."""

    text: str
    tokens_per_s: float = USUAL_TOKENS_PER_S


@dataclass(frozen=True, slots=True)
class Wait:
    """Silence."""

    seconds: float


@dataclass(frozen=True, slots=True)
class Break:
    """The stream ends here with this fault; what follows is only said to somebody who continues."""

    fault: Fault


Step = Say | Think | Wait | Break


@dataclass(frozen=True, slots=True)
class Script:
    """One demo model: a line for the picker, and what it plays. The end of the steps is an orderly end.

    `refusal`: every other request is refused with it before anything is played, the first one too.
    """

    note: str
    steps: tuple[Step, ...]
    refusal: Fault | None = None

    @property
    def answer(self) -> str:
        """All that it says when nothing breaks."""
        return "".join(step.text for step in self.steps if isinstance(step, Say))


_MARKDOWN = '''\
# How an answer reaches your screen

A language model does not write an answer, it writes **one token at a time**: a word, half a word, a comma. \
A chat that waits for the last one wastes *all* the time in between. This one paints each token when it comes, \
and this page is a tour of everything it can paint.

## The path of a token

1. The server picks the next token and sends it as a `data:` line.
2. The line is cut out of the byte stream, wherever the network has split it:
   - in the middle of a line,
   - in the middle of a character such as `é`, 猫 or 🚀,
   - or ~~never~~ hardly ever exactly at its end.
3. What has arrived is shown at most thirty times a second.

> The first token counts most. Until it comes you look at nothing,
> and *nothing* is what you judge a program by.
>
> > After it, rhythm counts: an even stream reads better than a fast one that stutters.

### Three numbers that tell how it went

| Number              | What it measures                       |  Good |
|:--------------------|:---------------------------------------|------:|
| time to first token | from Enter until something can be read | 0.4 s |
| tokens per second   | the pace after that                    |    60 |
| stalls              | pauses long enough to make you look up |     0 |

## In code

The reader is a loop, and the only trick in it is what it does *not* do: it never paints.

```python
async def receive(stream: Stream, buffer: Buffer) -> Ending:
    """Take what comes; the screen asks for it when it has time."""
    async for token in stream:
        if token.is_last:
            return Ending.COMPLETE
        buffer.push(token.text)  # cheap: appends, paints nothing
    return Ending.CUT  # silence is not a full stop
```

One event on the wire, as it is:

```json
{"choices": [{"index": 0, "delta": {"content": " token"}, "finish_reason": null}]}
```

And the shortest test of a server that streams:

```sh
curl -N "$BASE_URL/chat/completions" -H "Authorization: Bearer $KEY" \
-d '{"stream": true, "messages": [{"role": "user", "content": "Hi"}]}'
```

---

## What must not get lost

- [x] Text that looks like markup: `Vec<T>` and Vec<T>, 2 * 3 * 4, snake_case_names
- [x] HTML, shown as it was written: <b>bold?</b> <script>alert(1)</script>
- [ ] The end of a sentence when the line breaks

Code needs no fence:

    an indented block keeps
        every space it has

Links say where they go: [server-sent events](https://html.spec.whatwg.org/multipage/server-sent-events.html), \
<https://commonmark.org>, and [by reference][spec]. None opens before you have seen its target. \
Pictures become words: ![a graph of tokens over time](tokens.png).

Wide and narrow letters stand side by side: 流れる文字, поток, ροή, 흐름, 🚀. \x20
A line can end early, by two spaces,\\
or by a backslash; an entity is a letter: &copy; &rarr; &hearts;.

Press **Esc** while a model writes, and it stops; what it wrote stays. That is the whole idea.

[spec]: https://spec.commonmark.org "CommonMark, the specification"
'''

_SLOW = """\
Some models think before the first word, and some machines are simply slow. Watch the status bar while nothing \
comes: it says that the connection stands and how long you have been waiting, so that you can tell *slow* from \
*dead*.

At eight tokens a second an answer is slower than you read. That is where an even rhythm is worth most: every \
token appears when it arrives, none is held back to make a nicer line."""

_STALL = (
    """\
This answer is about to stall. The connection stays open, the server is there, and yet no token comes:

1. perhaps the machine is swapping,
2. perhaps another request is served first,
3. perhaps""",
    """ it only took a deep breath, for here it goes on.

Nothing was lost: the pause is in the numbers, not in the text.""",
)

_CUT = (
    """\
An answer is complete when the server *says* that it is complete. A connection that merely ends proves nothing: \
a proxy may have given up, a laptop lid may have closed, a server may have been restarted in the middle of a""",
    """ sentence.

What has arrived stays, with a seam that says what happened. You have just continued from it: the model went on \
after the last letter it had sent, and nothing was said twice.""",
)

_ERROR = (
    """\
A server can begin with `200 OK`, write half an answer, and only then find that it cannot finish it. By that time \
the status has long been sent, so the error comes as one more event of the stream:

- the text before it is""",
    """ kept,
- the reason is shown where the text ends,
- and the next question works as if nothing had happened.""",
)

_RATE_LIMITED = """\
The first try was refused: too many requests. The server said how long to wait, the program counted it down and \
tried again by itself, because nothing of an answer had been shown yet.

After the first word it would have asked you."""

_THOUGHTS = """\
The question is how many tokens a page has. A page of print holds about 500 words. English text has roughly four \
tokens for three words, since long words are split and punctuation counts.

So 500 words times 4/3 is about 667 tokens. At 60 tokens a second that is 11 seconds. Somebody who reads 250 words \
a minute needs 2 minutes for the page.

Check: 667 / 60 = 11.1, and 500 / 250 = 2. Both hold. I shall round."""

_CONCLUSION = """\
A page of about 500 words is some **670 tokens**. At 60 tokens a second it is written in 11 seconds, and you read \
it in two minutes.

The model is ten times faster than its reader. What the reader notices is not the speed but its *unevenness*."""

_BURST_SECTIONS = 69


def _burst_section(number: int) -> str:
    return f"""\
## Part {number} of {_BURST_SECTIONS}

Thousands of tokens can arrive at once: from a cache, from a gateway that held them back, or after a pause of the \
network. This is paragraph {number}, and it is here to be outrun.

- The socket is read as fast as it gives, so that the server is never kept waiting.
- The screen shows as much as it can, **{number * 116}** tokens up to here, and no frame takes too long.

```python
backlog = {number * 464}
while backlog:
    backlog -= paint(limit=frame_budget(backlog))
```

"""


DEMOS: dict[str, Script] = {
    "markdown": Script("a tour of everything that can be shown", (Wait(0.4), Say(_MARKDOWN))),
    "reasoning": Script("thinks first, then answers", (Wait(0.5), Think(_THOUGHTS), Wait(0.3), Say(_CONCLUSION))),
    "slow": Script("five seconds to the first token, then eight a second", (Wait(5.0), Say(_SLOW, 8.0))),
    "burst": Script(
        "8,000 tokens as fast as they can be taken",
        (Say("".join(map(_burst_section, range(1, _BURST_SECTIONS + 1))), math.inf),),
    ),
    "stall": Script(
        "falls silent for 40 seconds in the middle",
        (Wait(0.4), Say(_STALL[0]), Wait(40.0), Say(_STALL[1])),
    ),
    "cut": Script(
        "the connection is lost in the middle of a sentence",
        (
            Wait(0.4),
            Say(_CUT[0]),
            Break(
                Fault(
                    FaultKind.CUT,
                    "connection lost",
                    "The connection ended in the middle of the answer.",
                    is_retryable=True,
                )
            ),
            Say(_CUT[1]),
        ),
    ),
    "error": Script(
        "the server reports an error in the middle",
        (
            Wait(0.4),
            Say(_ERROR[0]),
            Break(
                Fault(
                    FaultKind.OVERLOADED,
                    "overloaded",
                    "The server gave up in the middle of the answer: it is overloaded.",
                    code="overloaded_error",
                    is_retryable=True,
                )
            ),
            Say(_ERROR[1]),
        ),
    ),
    "ratelimit": Script(
        "refuses the first request, answers the second",
        (Wait(0.4), Say(_RATE_LIMITED)),
        refusal=Fault(
            FaultKind.RATE_LIMIT,
            "too many requests",
            "The server takes no more requests for 4 seconds.",
            status=429,
            is_retryable=True,
            retry_after_s=4.0,
        ),
    ),
}
"""By the name after `demo/`."""
