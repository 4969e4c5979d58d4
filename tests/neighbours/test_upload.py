"""OpenTelemetry's completion hook uploads content to files, to which the telemetry refers."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from opentelemetry.util.genai import types
from opentelemetry.util.genai._upload.completion_hook import UploadCompletionHook

from tests.sdk import marked
from tests.sdk.reviewing import Recorder, hide
from tests.sdk.sdk import AsyncFace, Face
from tests.sdk.telemetry import Telemetry
from tests.sdk.test_completion_hook import run
from tests.sdk.test_privacy import everything

REPOSITORY = Path(__file__).parent.parent.parent
FACES = pytest.mark.parametrize("face", [Face(), AsyncFace()], ids=["sync", "async"])
REFS = tuple(
    f"gen_ai.{what}_ref"
    for what in ("system_instructions", "input.messages", "output.messages", "tool.definitions")
)
CHAT, RESPONSES = marked.ALL[:2]


@pytest.fixture(name="hook")
def _hook(tmp_path: Path) -> Iterator[Any]:
    """The upload into a folder."""
    found = UploadCompletionHook(base_path=str(tmp_path))
    yield found
    found.shutdown()


def uploaded(found: Any) -> dict[str, Any]:
    """What stands in the files that a span or a record refers to, by the names of the refs."""
    paths = {name: str(found[name]).removeprefix("file://") for name in REFS if name in found}
    return {name: json.loads(Path(path).read_text("utf-8")) for name, path in paths.items()}


@FACES
@pytest.mark.parametrize("capture", ["NO_CONTENT", "SPAN_AND_EVENT"])
def test_the_upload_hook_writes_redacted_files_and_refs(
    face: Face, capture: str, hook: Any, telemetry: Telemetry
) -> None:
    """Instructions, messages and tools are in redacted files, to which span and details event refer."""
    with telemetry.on(completion_hook=hook, capture_message_content=capture, emit_event=True, redact=hide):
        run(face, RESPONSES, "stream")
    hook.shutdown()
    found = uploaded(telemetry.span.attributes)
    assert set(found) == set(REFS)
    (details,) = (record for record in telemetry.records if record.event_name.endswith("details"))
    assert {name: details.attributes[name] for name in REFS} == {
        name: telemetry.span.attributes[name] for name in REFS
    }
    assert found[REFS[0]] == [{"content": "HIDE-instructions", "type": "text"}]
    assert found[REFS[1]][0]["parts"][0] == {"content": "HIDE-prompt", "type": "text"}
    assert "HIDE-answer" in str(found[REFS[2]])
    assert {"name": "look", "description": None, "parameters": None, "type": "function"} in found[REFS[3]]
    assert "MARK" not in everything(telemetry) + json.dumps(found)
    assert ("HIDE-answer" in everything(telemetry)) is (capture != "NO_CONTENT")


def test_the_hook_receives_the_types_of_util_genai(telemetry: Telemetry) -> None:
    """A hook receives the types of util-genai."""
    hook = Recorder()
    with telemetry.on(completion_hook=hook):
        run(Face(), CHAT, "stream")
    (given,) = hook.calls
    kinds = [type(part) for message in given["inputs"] + given["outputs"] for part in message.parts]
    assert {type(message) for message in given["inputs"]} == {types.InputMessage}
    assert {type(message) for message in given["outputs"]} == {types.OutputMessage}
    assert {type(tool) for tool in given["tool_definitions"]} == {types.FunctionToolDefinition}
    assert set(kinds) == {
        types.TextPart, types.ReasoningPart, types.ToolCallRequestPart, types.ToolCallResponsePart
    }  # fmt: skip


PROGRAM = """
from tests.sdk import marked
from tests.sdk.sdk import Face
from tests.sdk.telemetry import Telemetry
from tests.sdk.test_completion_hook import run
telemetry = Telemetry()
with telemetry.on():
    run(Face(), marked.ALL[0], "stream")
print(telemetry.span.attributes.get("gen_ai.output.messages_ref"))
"""


def started(**environment: str) -> subprocess.CompletedProcess[str]:
    """Return a program that finds the hook by its environment only."""
    variables = {f"OTEL_INSTRUMENTATION_GENAI_{name}": value for name, value in environment.items()}
    return subprocess.run(
        [sys.executable, "-W", "error", "-c", PROGRAM],
        cwd=REPOSITORY,
        env=variables,
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )


@pytest.mark.parametrize("scheme", ["", "file://"], ids=["path", "url"])
def test_the_variables_of_opentelemetry_enable_uploads(scheme: str, tmp_path: Path) -> None:
    """OpenTelemetry's variables are enough, and the files outlive the process."""
    done = started(COMPLETION_HOOK="upload", UPLOAD_BASE_PATH=f"{scheme}{tmp_path}")
    assert done.stderr == ""
    (message,) = json.loads(Path(done.stdout.strip().removeprefix("file://")).read_text("utf-8"))
    assert message["parts"][1] == {"content": "MARK-answer", "type": "text"}
    assert len(list(tmp_path.iterdir())) == 3  # input, output and tools


def test_an_upload_without_a_destination_collects_nothing() -> None:
    """Without a destination the hook logs what is missing, and the telemetry is unchanged."""
    done = started(COMPLETION_HOOK="upload")
    assert done.stdout == "None\n"
    assert "UPLOAD_BASE_PATH is required but not set" in done.stderr
    assert "toolspan" not in done.stderr


def test_a_failing_upload_is_logged_without_its_message() -> None:
    """A failed upload is logged without the message of its error."""
    done = started(COMPLETION_HOOK="upload", UPLOAD_BASE_PATH="/proc/nowhere")
    assert done.stdout == "None\n"
    assert "COMPLETION_HOOK=upload ignored: creating the hook failed with ValueError" in done.stderr
