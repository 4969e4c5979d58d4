"""Completion hooks receive the captured content, as plain or typed messages."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import asdict
from importlib.metadata import EntryPoint
from typing import Any

import pytest
from opentelemetry.sdk.trace.sampling import ALWAYS_OFF

from toolspan import guard
from toolspan.otel import semconv as names
from toolspan.otel.content import completion_hook, worker
from toolspan.otel.content.capture import Capture
from toolspan.otel.content.completion_hook import (
    Completion,
    find,
    input_message,
    output_message,
    part,
    tool_definition,
)
from toolspan.otel.content.redaction import Redaction, Review

from ...sdk import wire
from ...table import each_row
from ..apis import EMBEDDINGS, tools
from ..kept import plain
from ..lab import OFF, ON, STREAM, Lab, new_call, run

ASK: dict[str, Any] = {**STREAM, "tools": tools("get_weather")}
VARIABLE = "OTEL_INSTRUMENTATION_GENAI_COMPLETION_HOOK"
REFS = {"gen_ai.input.messages_ref": "memory://1"}


class Hook:
    """A hook that keeps its arguments, and sets refs on span and record, as the upload does."""

    def __init__(self) -> None:
        self.calls: list[dict[str, Any]] = []
        self.recording: list[bool] = []
        self.gate = threading.Event()
        self.gate.set()

    def on_completion(self, **given: Any) -> None:
        """See util-genai's `CompletionHook`."""
        assert self.gate.wait(10)
        self.calls.append(given)
        span, record = given["span"], given["log_record"]
        self.recording.append(span.is_recording())
        span.set_attributes(REFS)
        if record is not None:
            record.attributes = {**record.attributes, **REFS}


class _NoOpCompletionHook(Hook):
    """Of the same name as that of util-genai, which it gives where its upload has no place to go to."""


class Broken(Hook):
    """Cannot do it."""

    def on_completion(self, **given: Any) -> None:
        """Fail."""
        raise SystemExit("MARK")


class Unmakeable:
    """Cannot even be made."""

    error: type[BaseException] = RuntimeError

    def __init__(self) -> None:
        raise self.error("MARK")


@pytest.fixture(name="hook")
def _hook(monkeypatch: pytest.MonkeyPatch) -> Hook:
    """Return a hook for which the application waits."""
    monkeypatch.setattr(worker, "TIMEOUT", 10)
    return Hook()


@pytest.fixture(name="review")
def _review(hook: Hook) -> Iterator[Review]:
    """Return a review with this hook."""
    found = Review(guard.report, hook=Completion(hook, full=False))
    yield found
    hook.gate.set()
    found.finish(10)


@pytest.mark.parametrize("capture", [OFF, ON], ids=["capture-off", "capture-on"])
def test_the_hook_receives_content_span_and_record(
    lab: Lab, hook: Hook, review: Review, capture: Capture
) -> None:
    """The hook receives content as objects, with span and record, which both get its refs."""
    run(new_call(ASK, *lab.all_sinks(capture), review=review), *wire.CALLS)
    (given,) = hook.calls
    assert hook.recording == [True]
    (message,) = given["inputs"]
    assert (message.role, message.parts[0].type, message.parts[0].content) == ("user", "text", "What now?")
    (message,) = given["outputs"]
    assert [(part.name, part.arguments) for part in message.parts] == [
        ("get_weather", {"city": "Bern"}),
        ("get_time", {"at": 1}),
    ]
    assert message.finish_reason == "tool_call"
    assert given["system_instruction"] == []
    assert [(tool.type, tool.name) for tool in given["tool_definitions"]] == [("function", "get_weather")]
    details = lab.record(names.DETAILS_EVENT)
    for found in (lab.span.attributes, details.attributes):
        assert found["gen_ai.input.messages_ref"] == "memory://1"
        assert (names.INPUT_MESSAGES in found) is capture.on
    arguments = [plain(event.attributes.get(names.TOOL_CALL_ARGUMENTS)) for event in lab.span.events]
    assert ({"city": "Bern"} in arguments) is capture.on


def test_span_and_record_are_complete_except_content(lab: Lab, hook: Hook, review: Review) -> None:
    """When the hook is called, span and record have everything but content."""
    run(new_call(ASK, *lab.all_sinks(OFF), review=review), *wire.CALLS, wire.usage())
    for name in ("span", "log_record"):
        assert hook.calls[0][name].attributes[names.USAGE_INPUT_TOKENS] == 11


def test_the_hook_receives_texts_without_a_limit(lab: Lab, hook: Hook, review: Review) -> None:
    """The limits of telemetry do not apply to the hook."""
    body = {**STREAM, "messages": [{"role": "user", "content": "x" * 20_000}]}
    run(new_call(body, *lab.all_sinks(), review=review), *wire.TEXT)
    assert hook.calls[0]["inputs"][0].parts[0].content == "x" * 20_000
    assert len(plain(lab.span.attributes[names.INPUT_MESSAGES])[0]["parts"][0]["content"]) == 8192


def test_the_hook_receives_full_definitions_by_setting(lab: Lab, hook: Hook) -> None:
    """With `tool_definitions` set to full, the hook receives the parameters of tools."""
    review = Review(guard.report, hook=Completion(hook, full=True))
    run(new_call(ASK, lab.span_sink(), review=review), *wire.CALLS)
    review.finish(10)
    assert hook.calls[0]["tool_definitions"][0].parameters == {"type": "object"}


def test_the_hook_receives_redacted_content(lab: Lab, hook: Hook) -> None:
    """Redaction comes first; the hook does not receive what it removed."""
    redact = {names.INPUT_MESSAGES: [{"role": "user", "parts": []}], names.OUTPUT_MESSAGES: None}
    redaction = Redaction(lambda name, value: redact.get(name), guard.report)
    review = Review(guard.report, redaction=redaction, hook=Completion(hook, full=False))
    run(new_call(ASK, *lab.all_sinks(), review=review), *wire.CALLS)
    review.finish(10)
    (given,) = hook.calls
    assert (given["inputs"][0].role, given["inputs"][0].parts) == ("user", [])
    assert (given["outputs"], given["tool_definitions"]) == ([], None)


def test_the_hook_is_called_for_unsampled_spans(hook: Hook, review: Review) -> None:
    """The hook is called for calls whose span is not recorded."""
    lab = Lab(ALWAYS_OFF)
    run(new_call(ASK, lab.span_sink(), review=review), *wire.CALLS)
    assert len(hook.calls) == 1
    assert hook.recording == [False]
    assert hook.calls[0]["log_record"] is None


@pytest.mark.parametrize("kind", ["switched-off", "borrowed", "embeddings"])
def test_the_hook_is_not_called_without_own_content(lab: Lab, hook: Hook, review: Review, kind: str) -> None:
    """The hook is not called without content, for another instrumentation's span, or without inference."""
    if kind == "embeddings":
        body = {"model": "e", "input": ["text"]}
        call = new_call(body, *lab.all_sinks(), review=review, api=EMBEDDINGS)
    else:
        call = new_call(ASK, *lab.all_sinks(), review=review, keep=kind == "borrowed")
        call.borrowed = kind == "borrowed"
    run(call)
    assert hook.calls == []


def test_a_failing_hook_is_logged_once_and_loses_only_refs(
    lab: Lab, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """An error of the hook is logged once, without its message; the telemetry is complete."""
    monkeypatch.setattr(guard, "reraise", False)
    review = Review(guard.report, hook=Completion(Broken(), full=False))
    for _ in range(2):
        run(new_call(ASK, *lab.all_sinks(), review=review), *wire.CALLS)
    review.finish(10)
    assert len(lab.spans) == 2
    assert names.INPUT_MESSAGES in lab.spans[1].attributes
    (record,) = caplog.records
    expected = "toolspan: the completion hook failed with SystemExit; the application is not affected"
    assert record.getMessage() == expected


def test_a_hanging_hook_delays_nothing(
    lab: Lab, hook: Hook, review: Review, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A hanging hook delays nothing; after its timeout the span ends without refs."""
    monkeypatch.setattr(worker, "TIMEOUT", 0)
    hook.gate.clear()
    run(new_call(ASK, lab.span_sink(), review=review), *wire.CALLS)
    assert lab.spans == []
    review.finish(0)
    assert "gen_ai.input.messages_ref" not in lab.span.attributes


def installed(monkeypatch: pytest.MonkeyPatch, *hooks: type) -> None:
    """Return entry points for these hooks."""
    found = [EntryPoint(cls.__name__, f"{__name__}:{cls.__name__}", completion_hook._GROUP) for cls in hooks]

    def entry_points(group: str, name: str | None = None) -> list[EntryPoint]:
        assert group == "opentelemetry_genai_completion_hook"
        return [point for point in found if name in (None, point.name)]

    monkeypatch.setattr(completion_hook, "entry_points", entry_points)


def test_the_hook_is_found_by_its_entry_point(monkeypatch: pytest.MonkeyPatch) -> None:
    """The entry point of this name provides the hook; an object is used as it is."""
    installed(monkeypatch, Broken, Hook)
    for given in ("Hook", Hook()):
        found = find(given, full=False)
        assert found is not None
        assert type(found._hook) is Hook


@pytest.mark.parametrize(
    "given", [None, "_NoOpCompletionHook", _NoOpCompletionHook()], ids=["none", "name", "hook"]
)
def test_a_hook_that_does_nothing_collects_nothing(monkeypatch: pytest.MonkeyPatch, given: Any) -> None:
    """No content is collected for a hook that does nothing."""
    installed(monkeypatch, _NoOpCompletionHook)
    assert find(given, full=False) is None


@pytest.mark.parametrize("hooks", [(), (Hook, Broken)], ids=["none", "others"])
def test_an_unknown_hook_name_is_a_helpful_error(
    hooks: tuple[type, ...], monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """The error names the variable, its value, the known hooks and the package to install."""
    installed(monkeypatch, *hooks)
    assert find("upload", full=False) is None
    (record,) = caplog.records
    known = "Broken, Hook" if hooks else "none"
    assert record.levelname == "ERROR"
    assert record.getMessage() == (
        f"toolspan: {VARIABLE}=upload ignored: no completion hook of this name is installed "
        f"(installed: {known}); `upload` comes with the package opentelemetry-util-genai[upload]"
    )


@pytest.mark.parametrize("error", [RuntimeError, SystemExit])
def test_a_hook_that_fails_to_load_is_named(
    error: type[BaseException], monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """A hook that fails to load is named with the type of its error."""
    installed(monkeypatch, Unmakeable)
    monkeypatch.setattr(Unmakeable, "error", error)
    assert find("Unmakeable", full=False) is None
    (record,) = caplog.records
    assert record.getMessage() == (
        f"toolspan: {VARIABLE}=Unmakeable ignored: creating the hook failed with {error.__name__}"
    )
    assert record.levelname == "ERROR"


PARTS: list[tuple[dict[str, Any], str, dict[str, Any]]] = [
    ({"type": "text", "content": "a"}, "TextPart", {"content": "a"}),
    ({"type": "reasoning", "content": "a"}, "ReasoningPart", {"content": "a"}),
    ({"type": "text", "content": {"a": 1}}, "TextPart", {"content": '{"a":1}'}),
    ({"type": "text"}, "TextPart", {"content": ""}),
    (
        {"type": "tool_call", "id": "c", "name": "f", "arguments": {"a": 1}},
        "ToolCallRequestPart",
        {"id": "c", "name": "f", "arguments": {"a": 1}},
    ),
    ({"type": "tool_call"}, "ToolCallRequestPart", {"id": None, "name": "", "arguments": None}),
    (
        {"type": "tool_call_response", "id": "c", "response": "r"},
        "ToolCallResponsePart",
        {"id": "c", "response": "r"},
    ),
    (
        {"type": "server_tool_call", "name": "s", "server_tool_call": {"type": "web_search"}},
        "ServerToolCallPart",
        {"id": None, "name": "s", "server_tool_call": {"type": "web_search"}},
    ),
    (
        {"type": "blob", "modality": "image", "mime_type": "image/png", "content": "", "size": 9},
        "BlobPart",
        {"modality": "image", "mime_type": "image/png", "content": b""},
    ),
    (
        {"type": "file", "modality": "document", "file_id": "f"},
        "FilePart",
        {"modality": "document", "mime_type": None, "file_id": "f"},
    ),
    (
        {"type": "uri", "modality": "image", "uri": "u"},
        "UriPart",
        {"modality": "image", "mime_type": None, "uri": "u"},
    ),
    ({"type": "compaction"}, "CompactionPart", {"id": None, "content": None}),
    ({"type": "item_reference", "more": 1}, "GenericPart", {}),
    ({}, "GenericPart", {"type": "unknown"}),
]


@each_row(("given", "name", "expected"), PARTS, ids=[str(given) for given, _, _ in PARTS])
def test_each_kind_of_part_has_its_type(given: dict[str, Any], name: str, expected: dict[str, Any]) -> None:
    """Each kind of part becomes its type, with the same fields."""
    found = part(given)
    assert type(found).__name__ == name
    assert asdict(found) == {**({"type": given["type"]} if "type" in given else {}), **expected}


def test_messages_have_role_parts_name_and_reason() -> None:
    """Messages have role, parts, name and finish reason; invalid parts are omitted."""
    found = input_message({"role": "user", "name": "ann", "parts": [{"type": "text", "content": "a"}, "odd"]})
    assert (found.role, found.name, len(found.parts)) == ("user", "ann", 1)
    found = output_message({"role": "assistant", "parts": "odd", "finish_reason": "stop"})
    assert (found.role, found.parts, found.finish_reason) == ("assistant", [], "stop")
    assert (input_message({}).role, output_message({}).finish_reason) == ("user", None)


def test_tools_become_functions_or_generic_definitions() -> None:
    """Functions have their known fields, other tools type and name."""
    found = tool_definition({"type": "function", "name": "f", "description": "d", "parameters": {"a": 1}})
    assert asdict(found) == {"type": "function", "name": "f", "description": "d", "parameters": {"a": 1}}
    assert asdict(tool_definition({"type": "mcp", "name": "docs"})) == {"type": "mcp", "name": "docs"}
    assert asdict(tool_definition({})) == {"type": "unknown", "name": ""}
