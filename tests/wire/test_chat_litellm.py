"""The objects of LiteLLM, which hold most fields as extras, and types as enums."""

from __future__ import annotations

from enum import Enum
from types import SimpleNamespace
from typing import Any

from pydantic import BaseModel, ConfigDict

import toolspan
from toolspan.wire.chat import ChatReader, ordinary
from toolspan.wire.responses import ResponsesReader


class Open(BaseModel):
    """A choice, which declares none of its fields."""

    model_config = ConfigDict(extra="allow")


class Item(Open):
    """A delta or a message, which declares one field."""

    provider_specific_fields: Any = None


class Answer(Item):
    """A chunk or a whole answer."""

    id: str = "c-1"
    model: str = "m"
    choices: Any


class Kind(str, Enum):
    """The types of LiteLLM's events."""

    CREATED = "response.created"
    DELTA = "response.output_text.delta"


def chunk(reason: str | None = None, **delta: Any) -> Any:
    """Return a chunk of LiteLLM 1.110."""
    inner = Item(**{"content": None, "tool_calls": None, **delta})
    return Answer(choices=[Open(finish_reason=reason, index=0, delta=inner)])


def test_chunks_answers_and_events_of_litellm_are_read() -> None:
    """Text and calls of streams, on both paths, usage of a whole answer, events of both APIs."""
    function = SimpleNamespace(name="f", arguments='{"a": 1}')
    call = SimpleNamespace(id="call_a", type="function", index=0, function=function)
    reader = ChatReader()
    kinds = [
        type(event).__name__
        for each in (chunk(content="Hi"), chunk(tool_calls=[call]), chunk("stop"))
        for event in reader.read(each)
    ]
    assert kinds == ["Started", "Text", "CallOpened", "CallArguments", "CallClosed", "Finished"]
    piece = ordinary(chunk(content="Hi"))
    assert piece is not None
    assert piece.text == "Hi"
    usage = {"prompt_tokens": 11, "completion_tokens": 7, "total_tokens": 18}
    choice = Open(finish_reason="stop", index=0, message=Item(content="Hi"))
    whole: Any = Answer(choices=[choice], usage=usage)
    assert "Usage" in [type(event).__name__ for event in ChatReader().read(whole)]
    events = [{"type": Kind.CREATED, "response": {"id": "r"}}, {"type": Kind.DELTA, "delta": "Hi"}]
    assert [type(event).__name__ for each in events for event in ResponsesReader().read(each)] == [
        "Started",
        "Text",
    ]
    assert next(toolspan.events(events)).type == "text.delta"
