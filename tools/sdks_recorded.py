"""Write docs/sdks-recorded.md: what toolspan records of each SDK, found by a run against scripted answers.

`python -m tools.sdks_recorded` runs the SDKs of the family. Where `make litellm` has made an environment, it
runs LiteLLM there; otherwise the column of the page stays.
"""

# ruff: noqa: PLC0415 - the environment of LiteLLM has no other SDK, and the other way round

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs" / "sdks-recorded.md"
LITELLM = ROOT / ".cache" / "litellm" / "bin" / "python"
YES, NO = "yes", "–"  # noqa: RUF001 - as in the tables of the other pages
HEAD = """# What is recorded of each SDK

`python -m tools.sdks_recorded` makes this page by a run: each SDK gets the same scripted answers, whole and
streamed, one after an error that it retries, and one that fails. A dash means that no span of these runs has
it, or that the SDK has no such API; the [SDKs](sdks.md) page gives the reasons. The attributes are explained
in [names](names.md).

"""
ROWS = (
    ("span `chat`", "chat"),
    ("span `text_completion`", "text_completion"),
    ("span `embeddings`", "embeddings"),
    ("streams", "toolspan.stream.outcome"),
    ("time to the first chunk", "gen_ai.response.time_to_first_chunk"),
    ("id and model of the answer", "gen_ai.response.id"),
    ("finish reasons", "gen_ai.response.finish_reasons"),
    ("input and output tokens", "gen_ai.usage.output_tokens"),
    ("tokens from a cache", "gen_ai.usage.cache_read.input_tokens"),
    ("reasoning tokens", "gen_ai.usage.reasoning.output_tokens"),
    ("a tool call, when it begins", "toolspan.tool_call.detected"),
    ("a tool call, when it is complete", "toolspan.tool_call.completed"),
    ("offered tools", "toolspan.tools.offered"),
    ("tool results that are answered", "toolspan.loop.answered"),
    ("retries within a call", "toolspan.retry"),
    ("repeated requests", "toolspan.request.attempt"),
    ("request id", "toolspan.request.id"),
    ("rate limits", "toolspan.ratelimit.requests.remaining"),
    ("HTTP status of an error", "http.response.status_code"),
    ("content, if captured", "gen_ai.output.messages"),
)
DETAILS = {
    "prompt_tokens": 11,
    "completion_tokens": 7,
    "total_tokens": 18,
    "prompt_tokens_details": {"cached_tokens": 5},
    "completion_tokens_details": {"reasoning_tokens": 3},
}
_LIMITS = {"x-ratelimit-remaining-requests": "59"}
_SCHEMA = {"type": "object", "properties": {"city": {"type": "string"}}}
_TOOL = {
    "type": "function",
    "function": {"name": "get_weather", "description": "The weather.", "parameters": _SCHEMA},
}


def names_of(telemetry: Any) -> set[str]:
    """Return all that the spans have: operations, attributes, events."""
    found = set()
    for span in telemetry.spans:
        found |= {span.attributes["gen_ai.operation.name"], *span.attributes}
        found |= {event.name for event in span.events}
    return found


def of_member(name: str) -> set[str]:
    """Return what is recorded of one SDK of the family."""
    from tests.sdk.apis import CHAT, COMPLETIONS, EMBEDDINGS
    from tests.sdk.members import MEMBERS
    from tests.sdk.sdk import SYNC
    from tests.sdk.telemetry import Telemetry
    from toolspan import OpenAIInstrumentor

    own = {"openai": ((SYNC,), (CHAT, COMPLETIONS, EMBEDDINGS))}
    (face, *_), apis = {**MEMBERS, **own}[name]
    telemetry = Telemetry()
    telemetry.instrumentor = OpenAIInstrumentor if name == "openai" else face.instrumentor
    with telemetry.on(capture_message_content="SPAN_ONLY"):
        for api in apis:
            asyncio.run(_play(face, api))
    return names_of(telemetry)


async def _play(face: Any, api: Any) -> None:
    """Ask one API: whole, streamed, after errors, and with a tool's result."""
    from tests.sdk import script

    answer = {**api.answer, "usage": {**DETAILS, **api.answer["usage"]}} if api.text else api.answer
    whole, busy = script.whole(answer, headers=_LIMITS), script.whole({"error": {}}, status=503)
    bad = script.whole({"error": {}}, status=400)
    transport = script.Transport(whole, busy, whole, bad, whole, api.calling, whole)
    async with face.client(transport, max_retries=2) as client:
        await face.done(api.whole(client))
        await face.done(api.whole(client))
        try:
            await face.done(api.whole(client))
        except Exception:  # the SDK's own class
            await face.done(api.whole(client))
        if api.calls:
            own = [{"name": "get_weather", "input_schema": _SCHEMA}]
            more = {"tools": own if api.package == "anthropic" else [_TOOL]} if "messages" in api.ask else {}
            await face.read(await face.done(api.stream(client, **more)))
        if "messages" in api.ask:
            history = _answered(api)
            await face.done(api.whole(client, messages=[*api.ask["messages"], *history]))


def _answered(api: Any) -> list[Any]:
    """Return the messages with the calls of an API's stream, and with their results."""
    if api.package == "anthropic":
        ids = [chunk["content_block"].get("id") for chunk in api.calls if "content_block" in chunk]
        uses = [{"type": "tool_use", "id": each, "name": "f", "input": {}} for each in ids if each]
        found = [{"type": "tool_result", "tool_use_id": each["id"], "content": "17"} for each in uses]
        return [{"role": "assistant", "content": uses}, {"role": "user", "content": found}]
    ids = [piece["id"] for chunk in api.calls for piece in _pieces(chunk) if piece.get("id")]
    calls = [{"id": each, "type": "function", "function": {"name": "f", "arguments": "{}"}} for each in ids]
    results = [{"role": "tool", "tool_call_id": each, "content": "17"} for each in ids]
    return [{"role": "assistant", "content": "", "tool_calls": calls}, *results]


def _pieces(chunk: Any) -> Iterator[Any]:
    for choice in chunk.get("choices", ()):
        yield from (choice.get("delta") or {}).get("tool_calls") or ()


def of_litellm() -> set[str]:
    """Return what is recorded of LiteLLM, in an environment that has it; by a route without an SDK."""
    os.environ.update(LITELLM_LOCAL_MODEL_COST_MAP="True", NO_PROXY="127.0.0.1")
    import litellm

    from tests.litellm.providers import TOOLS, Providers
    from tests.sdk.telemetry import Telemetry
    from toolspan import LiteLLMInstrumentor

    telemetry = Telemetry()
    telemetry.instrumentor = LiteLLMInstrumentor
    with Providers() as server, telemetry.on(capture_message_content="SPAN_ONLY"):
        known = {"model": "groq/m-1", "api_base": f"{server.url}/v1", "api_key": "key"}
        asked = [{"role": "user", "content": "Hi"}]
        litellm.completion(**known, messages=asked)
        list(litellm.completion(**known, messages=asked, tools=TOOLS, stream=True))
        call = {"id": "call_a", "type": "function", "function": {"name": "weather", "arguments": "{}"}}
        said = {"role": "assistant", "content": None, "tool_calls": [call]}
        result = {"role": "tool", "tool_call_id": "call_a", "content": "17"}
        litellm.completion(**known, messages=[*asked, said, result])
        server.failures = [503]
        litellm.completion(**known, messages=asked, num_retries=1)
        server.failures = [400]
        try:
            litellm.completion(**known, messages=asked)
        except litellm.BadRequestError:
            litellm.completion(**known, messages=asked)
        litellm.text_completion(**known, prompt="Hi")
        litellm.embedding(**{**known, "model": "openai/m-1"}, input="Hi")
    return names_of(telemetry)


def columns() -> dict[str, set[str]]:
    """Return what is recorded of each SDK of the family that the tests have a face of."""
    from tests.sdk.members import MEMBERS

    return {name: of_member(name) for name in ("openai", *MEMBERS)}


def kept() -> set[str]:
    """Return the rows that LiteLLM has on the page."""
    lines = [line.strip("| ").split(" | ") for line in PAGE.read_text().splitlines() if line.startswith("| ")]
    at = lines[0].index("LiteLLM")
    return {code for (label, code), cells in zip(ROWS, lines[2:], strict=True) if cells[at] == YES}


def litellm_column() -> set[str]:
    """Return LiteLLM's column, by a run in its environment, or as it is on the page."""
    if not LITELLM.is_file():
        return kept()
    command = [str(LITELLM), "-m", "tools.sdks_recorded", "litellm"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    return set(json.loads(done.stdout.splitlines()[-1]))


def page(found: dict[str, set[str]]) -> str:
    """Return the page for these columns."""
    lines = [["recorded", *found], ["---"] * (len(found) + 1)]
    for label, code in ROWS:
        lines.append([label, *(YES if code in names else NO for names in found.values())])
    return HEAD + "".join(f"| {' | '.join(cells)} |\n" for cells in lines)


def main() -> None:
    """Write the page, or print LiteLLM's names."""
    if sys.argv[1:] == ["litellm"]:
        print(json.dumps(sorted(of_litellm())))
        return
    PAGE.write_text(page({**columns(), "LiteLLM": litellm_column()}))


if __name__ == "__main__":
    main()
