"""The completion hook gets the content of each call, whether or not telemetry has any."""

from __future__ import annotations

import re
from functools import partial
from typing import Any

import pytest
from opentelemetry.sdk.trace.sampling import ALWAYS_OFF

from . import marked
from .marked import Marked
from .observe import watch
from .params import each
from .redacting import Recorder
from .script import Transport
from .sdk import SYNC, Face, both_faces
from .telemetry import Telemetry
from .test_privacy import ask, everything, own_words

VARIABLE = "OTEL_INSTRUMENTATION_GENAI_COMPLETION_HOOK"
INFERRED = [given for given in marked.ALL if given.name not in ("fetched", "embeddings")]


def run(face: Face, given: Marked, answer: str) -> Any:
    """What the application sees."""
    streamed, transport = given.answers[answer]
    return watch(face, partial(ask, given=given, streamed=streamed), Transport(transport)).result


@both_faces
@each(
    ("given", "answer"),
    [(given, answer) for given in INFERRED for answer in ("stream", "whole") if answer in given.answers],
)
def test_the_hook_gets_content_although_capture_is_off(
    face: Face, given: Marked, answer: str, telemetry: Telemetry
) -> None:
    """The hook gets input and output, and telemetry has neither."""
    hook = Recorder()
    bare = run(face, given, answer)
    with telemetry.on(completion_hook=hook, emit_event=True):
        assert run(face, given, answer) == bare
    assert set(re.findall(r"MARK[-\w]*", hook.said)) == given.input | given.output
    assert "MARK" not in everything(telemetry)
    (called,) = hook.calls
    assert called["span"].get_span_context() == telemetry.span.context
    assert called["log_record"].event_name == "gen_ai.client.inference.operation.details"


@both_faces
@pytest.mark.parametrize("answer", ["400", "stream-error", "cut"])
def test_the_hook_gets_the_input_of_failed_calls(face: Face, answer: str, telemetry: Telemetry) -> None:
    """The hook gets the input of a failed or truncated call, and the output so far."""
    hook = Recorder()
    with telemetry.on(completion_hook=hook):
        run(face, marked.ALL[0], answer)
    (called,) = hook.calls
    assert "MARK-prompt" in hook.said
    assert [message.role for message in called["outputs"]] == ([] if answer == "400" else ["assistant"])
    assert called["log_record"] is None


@each(("given",), [(given,) for given in marked.ALL if given not in INFERRED])
def test_the_hook_is_not_called_for_embeddings_and_fetched_responses(
    given: Marked, telemetry: Telemetry
) -> None:
    """Embeddings and fetched responses are no inference, and do not call the hook."""
    hook = Recorder()
    with telemetry.on(completion_hook=hook):
        run(SYNC, given, "whole")
    assert (hook.calls, len(telemetry.spans)) == ([], 1)


def test_the_hook_is_called_for_unsampled_calls() -> None:
    """A sampler that drops the span does not keep the hook from its call."""
    telemetry, hook = Telemetry(ALWAYS_OFF), Recorder()
    with telemetry.on(completion_hook=hook):
        run(SYNC, marked.ALL[0], "stream")
    assert telemetry.spans == []
    assert "MARK-answer" in hook.said


def test_a_hook_that_is_not_installed_is_reported_once(
    telemetry: Telemetry, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """One warning names variable, value and package; no content is collected."""
    monkeypatch.setenv(VARIABLE, "elsewhere")
    with telemetry.on() as instrumentor:
        assert not instrumentor._state.reviews[-1][1].hooked
        run(SYNC, marked.ALL[0], "stream")
    assert len(telemetry.spans) == 1
    said = own_words(caplog)
    assert said.startswith(
        f"toolspan: {VARIABLE}=elsewhere ignored: no completion hook of this name is installed"
    )
    assert said.endswith("`upload` comes with the package opentelemetry-util-genai[upload]")


@pytest.mark.parametrize("wrong", [7, Recorder, object()], ids=["number", "class", "object"])
def test_an_object_without_on_completion_is_reported(
    wrong: Any, telemetry: Telemetry, caplog: pytest.LogCaptureFixture
) -> None:
    """The warning names the type and the method that a hook needs."""
    with telemetry.on(completion_hook=wrong):
        run(SYNC, marked.ALL[0], "stream")
    assert len(telemetry.spans) == 1
    assert own_words(caplog).startswith("toolspan: completion_hook=")
    assert own_words(caplog).endswith("an object with the method on_completion; the default None is kept")
