"""The listener of docs/events.md and the budget of docs/cost.md have the documented effect."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import openai
import pytest

import toolspan

from ..sdk import script, wire
from ..sdk.apis import CHAT
from ..sdk.script import Transport
from ..sdk.sdk import SYNC
from ..sdk.telemetry import Telemetry

ROOT = Path(__file__).parents[2]
BLOCK = re.compile(r"```python\n(.*?)```", re.DOTALL)
COSTLY = {**wire.answer(), "usage": {"prompt_tokens": 50, "completion_tokens": 100, "cost": 0.4}}


def blocks(page: str) -> list[str]:
    """The Python examples of a page."""
    return BLOCK.findall((ROOT / page).read_text("utf-8"))


def run(source: str, transport: Transport, monkeypatch: pytest.MonkeyPatch, **names: Any) -> dict[str, Any]:
    """Run an example; its clients speak to this transport."""

    async def scenario() -> None:
        async with SYNC.client(transport) as client:
            names.setdefault("client", client)
            with monkeypatch.context() as patch:
                patch.setattr(openai, "OpenAI", lambda: client)
                exec(source, names)  # the page's own words

    SYNC.run(scenario())
    return names


def test_listener_example_shows_each_tool_with_its_conversation(
    monkeypatch: pytest.MonkeyPatch, telemetry: Telemetry
) -> None:
    """The listener shows each tool with its conversation."""
    shown: list[Any] = []
    (source,) = [block for block in blocks("docs/events.md") if "def listen" in block]
    head, _, _ = source.partition("\n\ntoolspan.instrument(")
    assert "toolspan.instrument(on_event=listen)" in source
    names: dict[str, Any] = {"toolspan": toolspan, "print": lambda *given: shown.append(given)}
    listen = run(head, Transport(CHAT.calling), monkeypatch, **names)["listen"]

    async def ask() -> None:
        async with SYNC.client(Transport(CHAT.calling)) as client:
            with toolspan.attributes({"gen_ai.conversation.id": "c-17"}):
                list(CHAT.stream(client))

    with telemetry.on(on_event=listen):
        SYNC.run(ask())
    assert shown == [("c-17", "get_weather"), ("c-17", "get_time")]


def test_usage_example_has_the_totals_and_budget_of_the_page(
    monkeypatch: pytest.MonkeyPatch, telemetry: Telemetry
) -> None:
    """Totals and budget are those of the page; a second request exceeds the budget."""
    (body,) = [block for block in blocks("docs/cost.md") if "toolspan.usage.budget(" in block]
    toolspan.usage.reset()
    known = {"toolspan": toolspan, "OpenAI": lambda: openai.OpenAI()}  # noqa: PLW0108  # replaced meanwhile
    with telemetry.on(usage_keys=["feature"], cost="provider"):
        closed = run(body, Transport(script.whole(COSTLY)), monkeypatch, **known)["closed"]
        total = toolspan.usage.total(conversation="c-18")
        assert (total.requests, total.input, total.output, total.cost) == (1, 50, 100, 0.4)
        assert toolspan.usage.by("feature") == {"search": total}
        assert closed == set()
        run(body, Transport(script.whole(COSTLY)), monkeypatch, **known)
    assert closed == {"c-18"}
    for each in list(toolspan.usage._budgets):
        toolspan.usage.cancel(each)
    toolspan.usage.keep(())
    toolspan.usage.reset()
