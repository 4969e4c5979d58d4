"""The completion hook: found by name, given content in util-genai's types, before the span ends."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from importlib.metadata import EntryPoint
from typing import Any

import pytest
from opentelemetry.sdk.trace.sampling import ALWAYS_OFF

from toolspan import guard
from toolspan.otel import semconv as names
from toolspan.otel.content import completion_hook, worker
from toolspan.otel.content.capture import Capture
from toolspan.otel.content.completion_hook import Completion, find
from toolspan.otel.content.redaction import Redaction, Review

from ...sdk import wire
from ..apis import EMBEDDINGS
from ..kept import plain
from ..lab import OFF, ON, STREAM, Lab, new_call, run, tools

ASK: dict[str, Any] = {**STREAM, "tools": tools("get_weather")}
VARIABLE = "OTEL_INSTRUMENTATION_GENAI_COMPLETION_HOOK"
REFS = {"gen_ai.input.messages_ref": "memory://1"}


class Hook:
    """Notes what it is given, and refers to it on span and record, as the upload does."""

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

    def __init__(self) -> None:
        raise RuntimeError("MARK")


@pytest.fixture(name="hook")
def _hook(monkeypatch: pytest.MonkeyPatch) -> Hook:
    """One that is waited for."""
    monkeypatch.setattr(worker, "TIMEOUT", 10)
    return Hook()


@pytest.fixture(name="review")
def _review(hook: Hook) -> Iterator[Review]:
    """A review with this hook."""
    found = Review(guard.report, hook=Completion(hook, full=False))
    yield found
    hook.gate.set()
    found.finish(10)


@pytest.mark.parametrize("capture", [OFF, ON], ids=["capture-off", "capture-on"])
def test_what_it_is_given(lab: Lab, hook: Hook, review: Review, capture: Capture) -> None:
    """Content as objects with span and record, whether or not telemetry has it; its refs are on both."""
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


def test_what_is_there_before_it(lab: Lab, hook: Hook, review: Review) -> None:
    """Span and record say all but content when it is called."""
    run(new_call(ASK, *lab.all_sinks(OFF), review=review), *wire.CALLS, wire.usage())
    for name in ("span", "log_record"):
        assert hook.calls[0][name].attributes[names.USAGE_INPUT_TOKENS] == 11


def test_texts_are_whole(lab: Lab, hook: Hook, review: Review) -> None:
    """The limit is telemetry's, not the hook's."""
    body = {**STREAM, "messages": [{"role": "user", "content": "x" * 20_000}]}
    run(new_call(body, *lab.all_sinks(), review=review), *wire.TEXT)
    assert hook.calls[0]["inputs"][0].parts[0].content == "x" * 20_000
    assert len(plain(lab.span.attributes[names.INPUT_MESSAGES])[0]["parts"][0]["content"]) == 8192


def test_full_definitions(lab: Lab, hook: Hook) -> None:
    """By setting the tools' parameters are given too."""
    review = Review(guard.report, hook=Completion(hook, full=True))
    run(new_call(ASK, lab.span_sink(), review=review), *wire.CALLS)
    review.finish(10)
    assert hook.calls[0]["tool_definitions"][0].parameters == {"type": "object"}


def test_it_sees_what_redaction_left(lab: Lab, hook: Hook) -> None:
    """Redaction comes first; what it left out is not there."""
    redact = {names.INPUT_MESSAGES: [{"role": "user", "parts": []}], names.OUTPUT_MESSAGES: None}
    redaction = Redaction(lambda name, value: redact.get(name), guard.report)
    review = Review(guard.report, redaction=redaction, hook=Completion(hook, full=False))
    run(new_call(ASK, *lab.all_sinks(), review=review), *wire.CALLS)
    review.finish(10)
    (given,) = hook.calls
    assert (given["inputs"][0].role, given["inputs"][0].parts) == ("user", [])
    assert (given["outputs"], given["tool_definitions"]) == ([], None)


def test_without_sampling(hook: Hook, review: Review) -> None:
    """It is called for calls whose span nobody records."""
    lab = Lab(ALWAYS_OFF)
    run(new_call(ASK, lab.span_sink(), review=review), *wire.CALLS)
    assert len(hook.calls) == 1
    assert hook.recording == [False]
    assert hook.calls[0]["log_record"] is None


@pytest.mark.parametrize("kind", ["switched-off", "borrowed", "embeddings"])
def test_where_it_is_not_called(lab: Lab, hook: Hook, review: Review, kind: str) -> None:
    """Not where content is switched off, where another tells of the call, or where nothing is inferred."""
    if kind == "embeddings":
        body = {"model": "e", "input": ["text"]}
        call = new_call(body, *lab.all_sinks(), review=review, api=EMBEDDINGS)
    else:
        call = new_call(ASK, *lab.all_sinks(), review=review, keep=kind == "borrowed")
        call.borrowed = kind == "borrowed"
    run(call)
    assert hook.calls == []


def test_a_failure(lab: Lab, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    """What it raises is said once, without words; the rest is told."""
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


def test_nothing_waits_for_it(lab: Lab, hook: Hook, review: Review, monkeypatch: pytest.MonkeyPatch) -> None:
    """A hook that hangs holds nobody up; when it is given up, the span ends without its refs."""
    monkeypatch.setattr(worker, "TIMEOUT", 0)
    hook.gate.clear()
    run(new_call(ASK, lab.span_sink(), review=review), *wire.CALLS)
    assert lab.spans == []
    review.finish(0)
    assert "gen_ai.input.messages_ref" not in lab.span.attributes


def installed(monkeypatch: pytest.MonkeyPatch, *hooks: type) -> None:
    """Entry points for these."""
    found = [EntryPoint(cls.__name__, f"{__name__}:{cls.__name__}", completion_hook._GROUP) for cls in hooks]

    def entry_points(group: str, name: str | None = None) -> list[EntryPoint]:
        assert group == "opentelemetry_genai_completion_hook"
        return [point for point in found if name in (None, point.name)]

    monkeypatch.setattr(completion_hook, "entry_points", entry_points)


def test_found_by_name(monkeypatch: pytest.MonkeyPatch) -> None:
    """The entry point of this name gives the hook; an object is one itself."""
    installed(monkeypatch, Broken, Hook)
    for given in ("Hook", Hook()):
        found = find(given, full=False)
        assert found is not None
        assert type(found._hook) is Hook


@pytest.mark.parametrize(
    "given", [None, "_NoOpCompletionHook", _NoOpCompletionHook()], ids=["none", "name", "hook"]
)
def test_none(monkeypatch: pytest.MonkeyPatch, given: Any) -> None:
    """Nothing is collected for a hook that does nothing."""
    installed(monkeypatch, _NoOpCompletionHook)
    assert find(given, full=False) is None


@pytest.mark.parametrize("hooks", [(), (Hook, Broken)], ids=["none", "others"])
def test_a_name_that_is_not_there(
    hooks: tuple[type, ...], monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """The warning names the variable, its value, what there is, and the package to install."""
    installed(monkeypatch, *hooks)
    assert find("upload", full=False) is None
    (record,) = caplog.records
    known = "Broken, Hook" if hooks else "none"
    assert record.getMessage() == (
        f"toolspan: {VARIABLE}=upload ignored: no completion hook of this name is installed "
        f"(installed: {known}); `upload` comes with the package opentelemetry-util-genai[upload]"
    )


def test_a_hook_that_cannot_be_made(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """It is named, with the error's type."""
    installed(monkeypatch, Unmakeable)
    assert find("Unmakeable", full=False) is None
    (record,) = caplog.records
    assert record.getMessage() == (
        f"toolspan: {VARIABLE}=Unmakeable ignored: creating the hook failed with RuntimeError"
    )
