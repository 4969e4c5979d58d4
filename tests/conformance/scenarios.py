"""Load the scenarios of `data/*.yaml`: a request, the server's answer, and how the application reads it.

A row has these keys; lists within lists are flattened, and `KEY` stands for the API key:

* `api`: an entry of `APIS`, by default the file's name · `request`: arguments beside those of the API
* `body`, `status`, `headers`: a whole answer · `chunks`, `end`: a stream, which may be `cut` or `broken`
* `items`: output items that end the stream: an event for each, and the response with all of them
* `answer`: the last answer is a failure · `raises`: the error that the transport raises
* `retried`: earlier failures, which the SDK retries · `failed`: earlier failures, which it does not retry
* `act`: how the application reads the answer, a function of `acts.py`
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from operator import attrgetter
from pathlib import Path
from typing import Any

import openai
import yaml

from ..sdk import script, wire
from ..sdk.sdk import KEY, http
from .acts import ACTS

DATA = Path(__file__).parent / "data"
LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
"""The one in C, if there is one: ten times as fast."""
MESSAGES = [{"role": "user", "content": "Weather and time in Bern?"}]
ASK = {"model": "gpt-test", "input": "Weather and time in Bern?"}
APIS: dict[str, tuple[str, str, Mapping[str, Any]]] = {
    "chat": ("chat", "chat.completions.create", {"model": "gpt-test", "messages": MESSAGES}),
    "responses": ("chat", "responses.create", ASK),
    "compaction": ("chat", "responses.compact", ASK),
    "fetch": ("fetch_response", "responses.retrieve", {"response_id": "resp_1"}),
    "embeddings": ("embeddings", "embeddings.create", {"model": "e-test", "input": ["Bern", "Oslo"]}),
    "images": ("image_generation", "images.generate", {"model": "i-test", "prompt": "A lake"}),
    "moderations": ("moderation", "moderations.create", {"model": "o-test", "input": "Bern"}),
    "completions": (
        "text_completion",
        "completions.create",
        {"model": "gpt-test", "prompt": "Once upon a time"},
    ),
}
"""Operation, method and the arguments of the smallest request."""


@dataclass(frozen=True)
class Scenario:
    """A request, the answers in their order, and how the application reads the last one."""

    operation: str
    method: str
    ask: Mapping[str, Any]
    answers: tuple[Any, ...]
    act: Callable[..., None]
    features: tuple[str, ...]
    """What the SDK must have: the method, and the parameters beside those of the smallest request."""
    retries: int = 0
    base_url: str = wire.BASE_URL

    def play(self) -> None:
        """Make the request, with a new client."""
        channel = http.Client(transport=http.MockTransport(script.Transport(*self.answers)))
        client = openai.OpenAI(
            api_key=KEY, base_url=self.base_url, http_client=channel, max_retries=self.retries
        )
        with client:
            self.act(attrgetter(self.method)(client), **self.ask)

    @property
    def inferred(self) -> bool:
        """Whether a model generated something: other operations have no details and few metrics."""
        return self.operation in ("chat", "text_completion")


def flat(value: Any) -> Any:
    """Return the value with lists within lists flattened, at any depth."""
    if isinstance(value, dict):
        return {key: flat(each) for key, each in value.items()}
    if isinstance(value, list):
        parts = [flat(each) if isinstance(each, list) else [flat(each)] for each in value]
        return [each for part in parts for each in part]
    return value


def _read(name: str) -> Any:
    return flat(yaml.load((DATA / f"{name}.yaml").read_text("utf-8").replace("KEY", KEY), LOADER))


FILES = {name: _read(name) for name in ("chat", "responses", "others")}
FAILURES, LIMITS = FILES["chat"]["failures"], FILES["chat"]["limits"]


def _answer(row: Mapping[str, Any]) -> Any:
    if "answer" in row:
        return _answer(FAILURES[row["answer"]])
    if "raises" in row:
        return KeyboardInterrupt() if row["raises"] == "KeyboardInterrupt" else http.ConnectError("refused")
    if "body" not in row:
        return script.stream(*row["chunks"], *_items(row), *_ending(row.get("end")))
    headers = LIMITS if row.get("headers") == "limits" else row.get("headers")
    return script.whole(row["body"], status=row.get("status", 200), headers=headers)


def _items(row: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    if items := row.get("items"):
        for at, item in enumerate(items):
            yield {"type": "response.output_item.done", "output_index": at, "item": item}
        response = {**FILES["responses"]["shared"]["response"], "output": items}
        yield {"type": "response.completed", "response": response}


def _ending(end: str | None) -> list[Any]:
    return {None: [wire.DONE], "cut": [], "broken": [http.ReadError("gone")]}[end]


def _scenario(row: Mapping[str, Any], api: str) -> Scenario:
    operation, method, smallest = APIS[row.get("api", api)]
    request = row.get("request", {})
    earlier = [*row.get("retried", ()), *row.get("failed", ())]
    return Scenario(
        operation,
        method,
        {**smallest, **request},
        (*(_answer(FAILURES[name]) for name in earlier), _answer(row)),
        ACTS[row.get("act", "read")],
        (method, *(f"{method}:{name}" for name in request)),
        len(row.get("retried", ())),
        row.get("base_url", wire.BASE_URL),
    )


def _section(section: str) -> dict[str, Scenario]:
    return {
        name: _scenario(row, api)
        for api, rows in FILES.items()
        for name, row in rows.get(section, {}).items()
    }


SCENARIOS = _section("scenarios")
"""Every kind of request and answer, by name."""
REPEATED = _section("repeated")
"""Requests that the application repeats: several spans each."""
