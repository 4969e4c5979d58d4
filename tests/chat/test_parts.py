"""The parts of the service: providers, settings, retries, tools, conversations."""

from __future__ import annotations

import asyncio
from typing import Annotated, Any

import httpx2
import pytest
from chat_service.conversations import Conversation, Conversations
from chat_service.providers import PROVIDERS, connect
from chat_service.retries import BrokenOffError, passes
from chat_service.settings import Settings, read
from chat_service.summary import divide
from chat_service.tools import TOOLS, Tool, Toolbox
from openai import APIConnectionError, APIError, APIStatusError, APITimeoutError
from pydantic import Field

from ..table import each_row

VARIABLES = {
    "OPENAI_API_KEY": "k",
    "OPENAI_BASE_URL": "http://127.0.0.1:9/v1",
    "AZURE_OPENAI_ENDPOINT": "https://place.openai.azure.com",
    "AZURE_OPENAI_API_KEY": "k",
    "ANTHROPIC_API_KEY": "k",
    "CEREBRAS_API_KEY": "k",
}
HOSTS = {
    "demo": "127.0.0.1",
    "openai": "127.0.0.1",
    "azure": "place.openai.azure.com",
    "anthropic": "api.anthropic.com",
    "cerebras": "api.cerebras.ai",
    "compatible": "127.0.0.1",
}
REQUEST = httpx2.Request("POST", "http://127.0.0.1/v1/chat/completions")


@each_row("name", PROVIDERS)
def test_each_provider_has_its_host_timeout_and_no_retries(name: str) -> None:
    """Each provider's client has its own host, the set timeout and no retries of its own."""
    client, model = connect(Settings(provider=name, patience=7), VARIABLES)
    assert client.base_url.host == HOSTS[name]
    assert (client.max_retries, client.timeout) == (0, 7)
    assert model == PROVIDERS[name].model
    assert connect(Settings(provider=name, model="mine"), VARIABLES)[1] == "mine"


def test_a_missing_or_wrong_variable_is_named() -> None:
    """A missing or invalid setting is reported by the name of its variable."""
    with pytest.raises(ValueError, match="AZURE_OPENAI_ENDPOINT and AZURE_OPENAI_API_KEY"):
        connect(Settings(provider="azure"), {})
    with pytest.raises(ValueError, match="CHAT_PROVIDER='other' is none of demo, openai"):
        connect(Settings(provider="other"), VARIABLES)


def test_settings_come_from_variables_and_keys_select_a_provider() -> None:
    """A variable sets a setting; a key alone selects OpenAI, and a base URL another server."""
    assert read({}) == Settings()
    assert read({"CHAT_ATTEMPTS": "2", "CHAT_PATIENCE": "0.5"}) == Settings(attempts=2, patience=0.5)
    assert read({"OPENAI_API_KEY": "k"}).provider == "openai"
    assert read({"OPENAI_API_KEY": "k", "OPENAI_BASE_URL": "http://x"}).provider == "compatible"
    assert read({"OPENAI_API_KEY": "k", "CHAT_PROVIDER": "cerebras"}).provider == "cerebras"
    with pytest.raises(ValueError, match="CHAT_ATTEMPTS='many' is no int"):
        read({"CHAT_ATTEMPTS": "many"})


def status(code: int, body: Any = None, **headers: str) -> APIStatusError:
    """Return the SDK's error for a response."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return APIStatusError("no", response=httpx2.Response(code, headers=named, request=REQUEST), body=body)


@pytest.mark.parametrize(
    ("error", "wanted"),
    [
        pytest.param(APIConnectionError(request=REQUEST), True, id="no connection"),
        pytest.param(APITimeoutError(request=REQUEST), True, id="time-out"),
        pytest.param(BrokenOffError(), True, id="broken off"),
        pytest.param(status(429), True, id="rate limit"),
        pytest.param(status(429, retry_after="3"), 3.0, id="rate limit, seconds"),
        pytest.param(status(429, retry_after_ms="250", retry_after="1"), 0.25, id="rate limit, milliseconds"),
        pytest.param(status(429, retry_after="Thu, 26 Nov 2026 14:00:00 GMT"), True, id="rate limit, a date"),
        pytest.param(status(429, retry_after="3600"), False, id="rate limit, an hour"),
        pytest.param(status(429, {"code": "insufficient_quota"}), False, id="no money left"),
        pytest.param(status(503), True, id="overloaded"),
        pytest.param(status(408), True, id="the server's own time-out"),
        pytest.param(status(400), False, id="wrong request"),
        pytest.param(status(401), False, id="wrong key"),
        pytest.param(APIError("no", REQUEST, body={"code": "server_error"}), True, id="within the stream"),
        pytest.param(APIError("no", REQUEST, body={"code": 502}), True, id="within the stream, a number"),
        pytest.param(APIError("no", REQUEST, body={"code": "content_filter"}), False, id="will not pass"),
        pytest.param(KeyError("x"), False, id="a mistake of ours"),
    ],
)
def test_transient_errors_are_retried_after_the_requested_wait(
    error: Exception, wanted: bool | float
) -> None:
    """Transient errors are retried, after the server's wait if there is one."""
    found = passes(error, longest=20)
    assert (found, type(found)) == (wanted, type(wanted))


async def move(x: Annotated[int, Field(ge=0)], name: str = "it") -> str:
    """Move something."""
    return f"{name} to {x + 1}"


def test_a_tool_is_described_by_its_function() -> None:
    """A tool's description is that of its function, which receives valid arguments only."""
    tool = Tool(move, 1)
    function = tool.describe()["function"]
    assert (function["name"], function["description"]) == ("move", "Move something.")
    schema: Any = function["parameters"]
    assert schema["required"] == ["x"]
    assert schema["properties"]["x"]["type"] == "integer"
    assert asyncio.run(tool.call({"x": 1})) == "it to 2"
    for wrong in ({"x": -1}, {}, {"x": 1, "y": 2}):
        with pytest.raises(ValueError, match="validation error"):
            asyncio.run(tool.call(wrong))
    box = Toolbox(tool)
    assert box.offered is box.offered
    assert [tool.name for tool in TOOLS] == ["get_weather", "get_time", "convert_money", "find_hotels"]


def test_the_least_recently_used_conversation_is_dropped() -> None:
    """Of too many conversations, the least recently used ones are dropped."""
    known = Conversations(most=2)
    first, second = known.get("a"), known.get("b")
    assert known.get("a") is first
    known.get("c")
    assert known.get("a") is first
    assert known.get("b") is not second


def test_a_listener_receives_each_event_once_and_in_order() -> None:
    """A listener receives the events after a number, and then new ones, each once and in order."""

    async def play() -> list[int]:
        conversation, numbers = Conversation("c"), list[int]()
        conversation.tell("one")
        conversation.tell("two")

        async def listen() -> None:
            async for each in conversation.happenings(1):
                numbers.append(each["number"])
                if each["kind"] == "last":
                    return

        listening = asyncio.create_task(listen())
        for kind in ("three", "four", "last"):
            await asyncio.sleep(0)
            conversation.tell(kind)
        await asyncio.wait_for(listening, 5)
        return numbers

    assert asyncio.run(play()) == [2, 3, 4, 5]


def message(role: str) -> dict[str, str]:
    """Return a message of this role."""
    return {"role": role, "content": role}


def test_the_kept_history_begins_with_a_question() -> None:
    """The kept history begins with a question, so each result has its tool call."""
    history = [message(role) for role in ("user", "assistant", "tool", "assistant", "user", "assistant")]
    assert divide(history, 1) == (history[:4], history[4:])
    assert divide(history, 2) == ([], history)
    assert divide([], 1) == ([], [])
