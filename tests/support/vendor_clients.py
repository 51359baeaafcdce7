"""What the vendors' own clients read in an answer, told in the same words as what ours reads."""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import anthropic
import httpx
import ollama
import openai
from google import genai
from google.genai import errors as genai_errors
from mistralai.client import Mistral
from mistralai.client.errors import MistralError

from chat_tui.core.events import (
    Failed,
    Finished,
    ReasoningDelta,
    StreamEvent,
    TextDelta,
    ToolArgumentsDelta,
    ToolCallEnded,
    ToolCallStarted,
    UsageReported,
)

KEY = "the-key-of-this-test"
MODEL = "m"
_LAST_EVENTS = {"response.completed", "response.incomplete", "response.failed", "error"}
_MESSAGES: list[Any] = [{"role": "user", "content": "Hello"}]


@dataclass
class Reading:
    """One answer as somebody read it.

    `finish` is the server's own word for the end, empty without one. `calls` are names and raw arguments.
    `usage` has totals as (input, output, reasoning, cached), None where nothing was said.
    `error` is the server's message when it sent an error, or what the client raised.
    """

    text: str = ""
    reasoning: str = ""
    calls: list[tuple[str, str]] = field(default_factory=list[tuple[str, str]])
    finish: str = ""
    usage: tuple[int | None, int | None, int | None, int | None] | None = None
    error: str = ""

    @property
    def parsed_calls(self) -> list[tuple[str, object]]:
        """Names and arguments as values, so that spacing is no difference; the raw text where it is no JSON."""
        return [(name, _parsed(arguments)) for name, arguments in self.calls]


def _parsed(arguments: str) -> object:
    try:
        return json.loads(arguments or "{}")
    except ValueError:
        return arguments


def our_reading(events: Iterable[StreamEvent]) -> Reading:
    """What our events say."""
    found = Reading()
    names: dict[str, str] = {}
    arguments: dict[str, str] = {}
    for event in events:
        match event:
            case TextDelta():
                found.text += event.text
            case ReasoningDelta():
                found.reasoning += event.text
            case ToolCallStarted():
                names[event.key] = event.name or names.get(event.key, "")
                arguments.setdefault(event.key, "")
            case ToolArgumentsDelta():
                arguments[event.key] += event.fragment
            case ToolCallEnded():
                arguments[event.key] = event.arguments
            case UsageReported(usage):
                found.usage = usage.input_tokens, usage.output_tokens, usage.reasoning_tokens, usage.cached_tokens
            case Finished():
                found.finish = event.raw
            case Failed(fault):
                found.error = fault.message
            case _:
                pass
    found.calls = [(name, arguments[key]) for key, name in names.items()]
    return found


def _joined(fragments: dict[Any, list[str]]) -> list[tuple[str, str]]:
    """Calls by the vendor's own key: the first entry is the name, the others are fragments of the arguments."""
    return [(name, "".join(rest)) for name, *rest in fragments.values()]


async def read_openai_chat(url: str) -> Reading:
    """openai, chat.completions."""
    found, calls = Reading(), dict[int, list[str]]()
    async with openai.AsyncOpenAI(api_key=KEY, base_url=f"{url}/v1", max_retries=0) as client:
        try:
            async for chunk in await client.chat.completions.create(model=MODEL, messages=_MESSAGES, stream=True):
                if chunk.usage is not None:
                    found.usage = _chat_usage(chunk.usage)
                for choice in chunk.choices:
                    found.finish = choice.finish_reason or found.finish
                    delta: Any = choice.delta
                    if delta is None:  # its types say that cannot be; compatible servers do it
                        continue
                    extra = delta.model_extra or {}
                    found.text += (delta.content or "") + (delta.refusal or "")
                    found.reasoning += extra.get("reasoning_content") or extra.get("reasoning") or ""
                    for call in delta.tool_calls or ():
                        function = call.function
                        entry = calls.setdefault(call.index, [(function and function.name) or ""])
                        entry.append(str((function and function.arguments) or ""))
        except openai.OpenAIError as error:
            found.error = getattr(error, "message", "") or str(error)
    found.calls = _joined(calls)
    return found


def _chat_usage(usage: Any) -> tuple[int | None, int | None, int | None, int | None]:
    inner, outer = usage.prompt_tokens_details, usage.completion_tokens_details
    return (
        usage.prompt_tokens,
        usage.completion_tokens,
        outer and outer.reasoning_tokens,
        inner and inner.cached_tokens,
    )


async def read_mistral(url: str) -> Reading:
    """mistralai, chat.stream_async."""
    found = Reading()
    async with Mistral(api_key=KEY, server_url=url) as client:
        try:
            async for event in await client.chat.stream_async(model=MODEL, messages=_MESSAGES):
                if event.data.usage:
                    found.usage = event.data.usage.prompt_tokens, event.data.usage.completion_tokens, None, None
                for choice in event.data.choices:
                    found.finish = choice.finish_reason or found.finish
                    content: Any = choice.delta.content
                    for piece in content if isinstance(content, list) else ():
                        if piece.type == "thinking":
                            found.reasoning += "".join(inner.text for inner in piece.thinking)
                        else:
                            found.text += piece.text
                    found.text += content if isinstance(content, str) else ""
        except MistralError as error:
            found.error = error.message
    return found


async def read_openai_responses(url: str) -> Reading:
    """openai, responses."""
    found, calls = Reading(), dict[str, list[str]]()
    async with openai.AsyncOpenAI(api_key=KEY, base_url=f"{url}/v1", max_retries=0) as client:
        try:
            async for event in await client.responses.create(model=MODEL, input="Hello", stream=True):
                _take_response_event(event, found, calls)
        except openai.OpenAIError as error:
            found.error = getattr(error, "message", "") or str(error)
    found.calls = _joined(calls)
    return found


async def read_openai_websocket(url: str) -> Reading:
    """openai, responses.connect."""
    found, calls = Reading(), dict[str, list[str]]()
    async with openai.AsyncOpenAI(api_key=KEY, base_url=f"{url}/v1", max_retries=0) as client:
        try:
            async with client.responses.connect() as connection:
                await connection.response.create(model=MODEL, input="Hello")
                async for event in connection:
                    _take_response_event(event, found, calls)
                    if event.type in _LAST_EVENTS:
                        break
        except openai.OpenAIError as error:
            found.error = getattr(error, "message", "") or str(error)
    found.calls = _joined(calls)
    return found


def _take_response_event(event: Any, found: Reading, calls: dict[str, list[str]]) -> None:
    match event.type:
        case "response.output_text.delta" | "response.refusal.delta":
            found.text += event.delta
        case "response.reasoning_summary_text.delta" | "response.reasoning_text.delta":
            found.reasoning += event.delta
        case "response.output_item.added" if event.item.type in {"function_call", "custom_tool_call"}:
            calls[event.item.id] = [event.item.name]
        case "response.function_call_arguments.delta" | "response.custom_tool_call_input.delta":
            calls[event.item_id].append(event.delta)
        case "response.output_item.done" if event.item.type == "function_call" and event.item.id not in calls:
            calls[event.item.id] = [event.item.name, event.item.arguments]
        case "response.completed" | "response.incomplete" | "response.failed":
            response = event.response
            details = response.incomplete_details
            found.finish = (details and details.reason) or response.status
            found.error = response.error.message if response.error else ""
            if not found.text:  # no deltas came
                found.text = response.output_text
            if response.usage:
                usage = response.usage
                # compatible servers leave the details out: the client then has None where its types say int
                found.usage = (
                    usage.input_tokens,
                    usage.output_tokens,
                    usage.output_tokens_details and usage.output_tokens_details.reasoning_tokens,
                    usage.input_tokens_details and usage.input_tokens_details.cached_tokens,
                )
        case "error":
            found.error = (getattr(event, "error", None) or event).message
        case _:
            pass


async def read_anthropic(url: str) -> Reading:
    """anthropic, messages.stream with its own accumulation."""
    found = Reading()
    async with anthropic.AsyncAnthropic(api_key=KEY, base_url=url, max_retries=0) as client:
        message: Any = None
        try:
            async with client.messages.stream(model=MODEL, max_tokens=10, messages=_MESSAGES) as stream:
                async for _ in stream:
                    message = stream.current_message_snapshot
        except anthropic.APIStatusError as error:
            body: Any = error.body
            found.error = body["error"]["message"]
        for block in message.content if message else ():
            if block.type == "text":
                found.text += block.text
            elif block.type == "thinking":
                found.reasoning += block.thinking
            elif block.type in {"tool_use", "server_tool_use"}:
                found.calls.append((block.name, json.dumps(block.input)))
        if message is not None:
            usage = message.usage
            written, cached = usage.cache_creation_input_tokens or 0, usage.cache_read_input_tokens
            details = usage.output_tokens_details
            thought = details and details.thinking_tokens
            found.usage = usage.input_tokens + written + (cached or 0), usage.output_tokens, thought, cached
            found.finish = message.stop_reason or ""
    return found


@asynccontextmanager
async def _google(url: str) -> AsyncGenerator[genai.Client]:
    client = genai.Client(api_key=KEY, http_options={"base_url": url})
    try:
        yield client
    finally:
        await client.aio.aclose()
        client.close()


async def read_gemini(url: str) -> Reading:
    """google-genai, generate_content_stream."""
    found = Reading()
    async with _google(url) as client:
        try:
            async for chunk in await client.aio.models.generate_content_stream(model=MODEL, contents="Hello"):
                if chunk.usage_metadata:
                    found.usage = _gemini_usage(chunk.usage_metadata, found.usage)
                if chunk.prompt_feedback and chunk.prompt_feedback.block_reason:
                    found.finish = chunk.prompt_feedback.block_reason.value
                for candidate in chunk.candidates or ():
                    if candidate.finish_reason:
                        found.finish = candidate.finish_reason.value
                    for part in (candidate.content and candidate.content.parts) or ():
                        _take_gemini_part(part, found)
        except genai_errors.APIError as error:
            found.error = error.message or ""
        except genai_errors.UnknownApiResponseError:
            pass  # it reads an error by itself, but not a list of errors
    return found


def _take_gemini_part(part: Any, found: Reading) -> None:
    if part.thought:
        found.reasoning += part.text or ""
    else:
        found.text += part.text or ""
    if part.function_call:
        found.calls.append((part.function_call.name, json.dumps(part.function_call.args)))
    if part.executable_code:
        code = {"language": part.executable_code.language.value, "code": part.executable_code.code}
        found.calls.append(("code_execution", json.dumps(code)))


def _gemini_usage(usage: Any, before: Any) -> tuple[int | None, int | None, int | None, int | None]:
    """Totals; of a snapshot that leaves a count out, the one before stands."""
    answer, thought = usage.candidates_token_count, usage.thoughts_token_count
    output = None if answer is None and thought is None else (answer or 0) + (thought or 0)
    asked, by_tools = usage.prompt_token_count, usage.tool_use_prompt_token_count
    prompt = None if asked is None else asked + (by_tools or 0)
    now: Any = prompt, output, thought, usage.cached_content_token_count
    return now if before is None else tuple(b if n is None else n for n, b in zip(now, before, strict=True))


async def read_interactions(url: str) -> Reading:
    """google-genai, interactions."""
    found, calls = Reading(), dict[int, list[str]]()
    async with _google(url) as client:
        stream: Any = await client.aio.interactions.create(model=MODEL, input="Hello", stream=True)
        async for event in stream:
            _take_interaction_event(event, found, calls)
    found.calls = _joined(calls)
    return found


def _take_interaction_event(event: Any, found: Reading, calls: dict[int, list[str]]) -> None:
    match event.event_type:
        case "step.start" if event.step.type == "function_call":
            calls[event.index] = [event.step.name]
            if event.step.arguments:
                calls[event.index].append(json.dumps(event.step.arguments))
        case "step.start" if event.step.type == "thought":
            found.reasoning += "".join(piece.text for piece in event.step.summary or ())
        case "step.delta" if event.delta.type == "text":
            found.text += event.delta.text
        case "step.delta" if event.delta.type == "thought_summary":
            found.reasoning += event.delta.content.text
        case "step.delta" if event.delta.type == "arguments_delta" and event.index in calls:
            calls[event.index].append(event.delta.arguments)
        case "interaction.completed":
            found.finish = event.interaction.status
            if usage := event.interaction.usage:
                thought = usage.total_thought_tokens
                output = usage.total_output_tokens + (thought or 0)
                found.usage = usage.total_input_tokens, output, thought, usage.total_cached_tokens
        case "error":
            found.error = event.error.message
        case _:
            pass


async def read_ollama(url: str) -> Reading:
    """ollama, chat."""
    found = Reading()
    client = ollama.AsyncClient(host=url)
    try:
        async for part in await client.chat(model=MODEL, messages=_MESSAGES, stream=True):
            found.text += part.message.content or ""
            found.reasoning += part.message.thinking or ""
            for call in part.message.tool_calls or ():
                found.calls.append((call.function.name, json.dumps(dict(call.function.arguments))))
            if part.done:
                found.finish = part.done_reason or ""
                found.usage = part.prompt_eval_count, part.eval_count, None, None
    except ollama.ResponseError as error:
        found.error = error.error
    finally:
        inner: httpx.AsyncClient = client._client  # it has no way of its own to be closed
        await inner.aclose()
    return found


Reader = Callable[[str], Awaitable[Reading]]

READERS: dict[str, Reader] = {
    "openai-chat": read_openai_chat,
    "openai-responses": read_openai_responses,
    "anthropic": read_anthropic,
    "gemini": read_gemini,
    "gemini-interactions": read_interactions,
    "ollama": read_ollama,
}
"""The client of each protocol's own vendor. LM Studio's API and the AI SDK have none for Python."""
