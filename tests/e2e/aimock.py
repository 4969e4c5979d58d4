"""Run aimock, a scripted model server from npm."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from . import pins, story
from .parts import Part
from .processes import HOST, answers, free_ports, run, serving

CHUNK_MILLISECONDS = 20
CHUNK_CHARACTERS = 6


def _fill(folder: Path) -> None:
    flags = ["--ignore-scripts", "--no-audit", "--no-fund"]
    run(["npm", "install", "--prefix", folder, *flags, f"@copilotkit/aimock@{pins.AIMOCK}"])


PART = Part("aimock", pins.AIMOCK, _fill)


@contextmanager
def serve(folder: Path, answers_given: list[dict[str, object]] | None = None) -> Iterator[int]:
    """Run aimock while the block runs, with these fixtures or those of the story, and give its port."""
    fixtures = folder / "fixtures.json"
    fixtures.write_text(json.dumps({"fixtures": answers_given or _fixtures()}))
    (port,) = free_ports(1)
    program = PART.folder / "node_modules" / ".bin" / "llmock"
    command = [program, "--host", HOST, "--port", str(port), "--fixtures", fixtures, "--strict"]
    with serving(command, folder / "aimock.log", lambda: answers(port, "/health")):
        yield port


def _fixtures() -> list[dict[str, object]]:
    """The calls for a question, the answer once a result of a tool is there."""
    calls = [{"type": "toolCall", "name": name, "arguments": given} for name, given in story.CALLS]
    # In Anthropic's format it counts no tokens by itself.
    usages = [{"input_tokens": given, "output_tokens": answered} for given, answered in story.TOKENS]
    return [
        _fixture(False, {"blocks": calls, "usage": usages[0]}),
        _fixture(True, {"content": story.ANSWER, "usage": usages[1]}),
    ]


def _fixture(has_result: bool, response: dict[str, object]) -> dict[str, object]:
    return paced({"userMessage": story.ASKED_ABOUT, "hasToolResult": has_result}, response)


def paced(match: dict[str, object], response: dict[str, object]) -> dict[str, object]:
    """A response at a model's pace: about fifty tokens in a second."""
    pace = {"latency": CHUNK_MILLISECONDS, "chunkSize": CHUNK_CHARACTERS}
    return {"match": match, "response": response, **pace}
