"""An answer of which the SDK can make no result: what the server sent is on the span, with the error."""

from __future__ import annotations

from functools import partial
from typing import Any

import openai
import pytest
from pydantic import BaseModel

from . import script, wire, wire_responses
from .observe import watch
from .script import Transport
from .sdk import Face, both_faces
from .telemetry import Telemetry

if not hasattr(openai.OpenAI, "responses"):
    pytest.skip("this SDK has no responses.parse", allow_module_level=True)

WRONG = '{"age": "old"}'


class Person(BaseModel):
    """What the model is to return."""

    age: int


async def parse_chat(face: Face, client: Any) -> Any:
    """Parse a chat completion."""
    return await face.done(
        client.chat.completions.parse(model="gpt-test", messages=[], response_format=Person)
    )


async def parse_response(face: Face, client: Any) -> Any:
    """Parse a response."""
    return await face.done(client.responses.parse(model="gpt-test", input="x", text_format=Person))


async def create(face: Face, client: Any) -> Any:
    """Ask without parsing."""
    return await face.done(client.chat.completions.create(model="gpt-test", messages=[]))


RESPONSE = wire_responses.response(output=[wire_responses.message(WRONG)])
PARSED = {"chat": (parse_chat, wire.answer(WRONG)), "responses": (parse_response, RESPONSE)}


@both_faces
@pytest.mark.parametrize(("scenario", "answer"), PARSED.values(), ids=PARSED)
def test_an_answer_that_does_not_validate_is_recorded(
    face: Face, scenario: Any, answer: dict[str, Any], telemetry: Telemetry
) -> None:
    """The answer's id, model, finish reason and tokens are on the failed span; the error is the same."""
    transport = Transport(script.whole(answer))
    bare = watch(face, scenario, Transport(script.whole(answer)))
    with telemetry.on():
        seen = watch(face, scenario, transport)
    assert type(seen.result) is type(bare.result)
    found = telemetry.span.attributes
    assert found["gen_ai.response.id"] == answer["id"]
    assert found["gen_ai.response.model"] == answer["model"]
    assert found["gen_ai.response.finish_reasons"] == ("stop",)
    assert found["gen_ai.usage.input_tokens"] == 11
    assert found["gen_ai.usage.output_tokens"] == 7
    assert "ValidationError" in found["error.type"]


@both_faces
@pytest.mark.parametrize("kind", ["text/html", "text/plain; charset=utf-8", "application/octet-stream"])
def test_an_answer_of_another_content_type_is_recorded(face: Face, kind: str, telemetry: Telemetry) -> None:
    """An answer whose headers do not call it JSON is recorded all the same."""
    answer = script.whole(wire.answer(), headers={"content-type": kind})
    with telemetry.on():
        watch(face, create, Transport(answer))
    found = telemetry.span.attributes
    assert found["gen_ai.usage.input_tokens"] == 11
    assert found["gen_ai.response.finish_reasons"] == ("stop",)


@both_faces
@pytest.mark.parametrize("body", [b"{", b"<html>", b"", b"[1", b"\xff"])
@pytest.mark.parametrize("kind", ["application/json", "text/html"])
@pytest.mark.parametrize("strict", [False, True], ids=["lax", "strict"])
def test_a_body_that_is_no_json_has_the_error_only(
    face: Face, kind: str, body: bytes, strict: bool, telemetry: Telemetry
) -> None:
    """A body that does not parse is no answer: the application sees what it saw, and the span ends."""
    answer = partial(script.whole, body, headers={"content-type": kind})
    bare = watch(face, create, Transport(answer()), _strict_response_validation=strict)
    with telemetry.on():
        seen = watch(face, create, Transport(answer()), _strict_response_validation=strict)
    assert repr(seen.result) == repr(bare.result)
    assert "gen_ai.usage.input_tokens" not in telemetry.span.attributes
