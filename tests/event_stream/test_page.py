"""The examples of docs/events.md and of the README run as written and have the documented effect."""

from __future__ import annotations

import re
from concurrent.futures import ThreadPoolExecutor
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


def test_first_example_of_the_page_runs_each_tool_once(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The page's first example calls each tool with its parsed arguments, and prints the rest."""
    ran: list[Any] = []
    tools = [wire.TOOL, {"type": "function", "function": {"name": "get_time"}}]
    with ThreadPoolExecutor(1) as pool:
        run(
            blocks("docs/events.md")[0],
            Transport(CHAT.calling),
            monkeypatch,
            messages=[],
            tools=tools,
            pool=pool,
            run=lambda *given: ran.append(given),
        )
    assert ran == [("get_weather", {"city": "Bern"}, "call_0"), ("get_time", {"at": 1}, "call_1")]
    printed = "[get_weather …]\n[get_time …]\n('tool_calls',) True\n"
    assert capsys.readouterr().out == printed


def test_example_of_the_readme_runs_each_tool_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """The shorter example of the README does the same."""
    (source,) = [block for block in blocks("README.md") if "toolspan.events" in block]
    ran: list[Any] = []
    source = source.replace("create(..., stream=True)", "create(**ask, stream=True)")
    source = f"import toolspan\n{source}"
    with ThreadPoolExecutor(1) as pool:
        names = {"ask": wire.ASK, "tools": None, "pool": pool, "run": lambda *given: ran.append(given)}
        run(source, Transport(CHAT.calling), monkeypatch, **names)
    assert [name for name, *_ in ran] == ["get_weather", "get_time"]


def test_listener_example_shows_each_tool_with_its_conversation(
    monkeypatch: pytest.MonkeyPatch, telemetry: Telemetry
) -> None:
    """The listener shows each tool with its conversation."""
    shown: list[Any] = []
    (source,) = [block for block in blocks("docs/events.md") if "def listen" in block]
    head, _, _ = source.partition("\n\nOpenAIInstrumentor()")
    assert "OpenAIInstrumentor().instrument(on_event=listen)" in source
    names: dict[str, Any] = {"toolspan": toolspan, "show": lambda *given: shown.append(given)}
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
    (source,) = [block for block in blocks("docs/events.md") if "toolspan.usage.total()" in block]
    _, _, body = source.partition("\n\n")
    body = body.replace("create(...)", "create(**ask)")
    toolspan.usage.reset()
    closed: set[Any] = set()
    names = {"toolspan": toolspan, "ask": wire.ASK, "closed": closed}
    with telemetry.on(usage_keys=["feature"], cost="provider"):
        run(body, Transport(script.whole(COSTLY)), monkeypatch, **names)
        (budget,) = toolspan.usage._budgets
        total = toolspan.usage.total(conversation="c-17")
        assert (total.requests, total.input, total.output, total.cost) == (1, 50, 100, 0.4)
        assert toolspan.usage.by("feature") == {"search": total}
        for _ in range(2):
            run(body, Transport(script.whole(COSTLY)), monkeypatch, **names)
    assert closed == {"c-17"}
    for each in (budget, *toolspan.usage._budgets):
        toolspan.usage.cancel(each)
    toolspan.usage.keep(())
    toolspan.usage.reset()
