"""Costs of requests through the real SDK, by setting, with and without the extra."""

from __future__ import annotations

import re
from functools import partial
from pathlib import Path
from typing import Any

import openai
import pytest

import toolspan
from toolspan.cost import prices
from toolspan.cost.prices import Prices
from toolspan.otel import active
from toolspan.sdk import sinks as assembly
from toolspan.wire.events import Usage

from ..programs import Programs
from ..sdk import script, wire
from ..sdk.apis import CHAT, EMBEDDINGS, RESPONSES
from ..sdk.faults import broken
from ..sdk.observe import watch
from ..sdk.script import Transport
from ..sdk.sdk import KEY, SYNC, Face, both_faces, http
from ..sdk.telemetry import Telemetry
from ..sdk.test_faults import unharmed
from .bills import BILLS, chat_counts, dollars
from .test_reports import ROWS as REPORTS

HAND = BILLS["cached"]
COMPUTED = HAND.input + HAND.output
USAGE = chat_counts(HAND.usage)
MODEL = {"model": HAND.model}


def answers(streamed: bool, **usage: Any) -> Any:
    """Return an answer of a model with a known price."""
    counts = {**USAGE, **usage}
    if streamed:
        return script.stream(
            wire.text("Hi", **MODEL), wire.chunk(None, "stop", **MODEL), {**wire.usage(), "usage": counts}
        )
    return script.whole(wire.answer(usage=counts, **MODEL))


async def ask(face: Face, client: Any, streamed: bool) -> Any:
    """Make one request."""
    if streamed:
        return await face.read(await face.done(CHAT.stream(client)))
    return await face.done(CHAT.whole(client))


def cost(telemetry: Telemetry, name: str = "amount") -> Any:
    """Return the cost attributes of the span."""
    return telemetry.span.attributes.get(f"toolspan.cost.{name}")


@both_faces
@pytest.mark.parametrize("streamed", [True, False], ids=["streamed", "whole"])
@pytest.mark.parametrize(
    ("setting", "usage", "amount", "source"),
    [
        ("on", {}, COMPUTED, "computed"),
        ("on", {"cost": 0.5}, 0.5, "provider"),
        ("provider", {}, None, None),
        ("provider", {"cost": 0.5}, 0.5, "provider"),
        ("off", {"cost": 0.5}, None, None),
    ],
    ids=["on-computed", "on-reported", "provider-silent", "provider-reported", "off"],
)
def test_the_cost_setting_selects_the_source_of_costs(
    face: Face, streamed: bool, setting: str, usage: Any, amount: Any, source: Any, telemetry: Telemetry
) -> None:
    """`cost` selects computed costs, the provider's only, or none."""
    with telemetry.on(cost=setting):
        watch(face, partial(ask, streamed=streamed), Transport(answers(streamed, **usage)))
    assert cost(telemetry) == (amount if amount is None else pytest.approx(amount))
    assert cost(telemetry, "source") == source
    assert len(telemetry.points("toolspan.cost")) == (0 if amount is None else 1)


def test_without_the_extra_there_is_no_computed_cost(
    monkeypatch: pytest.MonkeyPatch, telemetry: Telemetry
) -> None:
    """Without the package of prices there is no computed cost and no log line."""
    monkeypatch.setattr(assembly, "load", lambda: None)
    with telemetry.on():
        watch(SYNC, partial(ask, streamed=False), Transport(answers(False)))
    assert cost(telemetry) is None
    assert telemetry.points("toolspan.cost") == []


@pytest.mark.usefixtures("guarded")
@pytest.mark.parametrize(("owner", "name"), [(assembly, "load"), (Prices, "cost"), (prices, "sheet_of")])
@both_faces
def test_failing_prices_lose_only_the_computed_cost(
    face: Face,
    owner: Any,
    name: str,
    telemetry: Telemetry,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Prices that cannot be loaded or used lose the computed cost and are reported once."""
    monkeypatch.setattr(owner, name, broken)
    unharmed(face, CHAT, telemetry, caplog)
    assert len(telemetry.started) == len(telemetry.spans)


def test_responses_and_embeddings_have_costs(telemetry: Telemetry) -> None:
    """Responses and embeddings have costs too."""
    usage = {"input_tokens": 5000, "output_tokens": 0}
    transport = Transport(
        script.whole({**RESPONSES.answer, **MODEL, "usage": usage}),
        script.whole(
            {**EMBEDDINGS.answer, "model": "text-embedding-3-small", "usage": {"prompt_tokens": 5000}}
        ),
    )

    async def both(face: Face, client: Any) -> None:
        RESPONSES.whole(client)
        EMBEDDINGS.whole(client)

    with telemetry.on():
        watch(SYNC, both, transport)
    found = [span.attributes["toolspan.cost.amount"] for span in telemetry.spans]
    assert found == [pytest.approx(5000 * 2e-6), pytest.approx(5000 * 0.02e-6)]


PAGE = Path(__file__).parents[2] / "docs" / "cost.md"


def test_the_example_of_the_page_computes_a_sum(
    monkeypatch: pytest.MonkeyPatch, telemetry: Telemetry
) -> None:
    """The first example of docs/cost.md makes a sum of its feature."""
    code = re.findall(r"```python\n([^`]*toolspan\.attributes\([^`]*)```", PAGE.read_text("utf-8"))[0]
    channel = http.Client(transport=http.MockTransport(Transport(script.ANSWER)))
    monkeypatch.setattr(openai, "OpenAI", partial(openai.OpenAI, api_key=KEY, http_client=channel))
    monkeypatch.setattr(active, "get_meter", lambda scope, *_: telemetry.meters.get_meter(scope))
    try:
        exec(code, {})
    finally:
        toolspan.uninstrument()
        toolspan.usage.keep(())
        toolspan.usage.reset()
        channel.close()
    (point,) = telemetry.points("toolspan.cost")
    assert point.attributes["feature"] == "search"
    assert point.value == pytest.approx(11 * 0.4e-6 + 7 * 1.6e-6)


IMPORTED = """
import sys
import toolspan
print("genai_prices" in sys.modules)
for setting in ("off", "provider", "on"):
    toolspan.OpenAIInstrumentor().instrument(skip_dep_check=True, cost=setting)
    print("genai_prices" in sys.modules)
    toolspan.OpenAIInstrumentor().uninstrument()
"""


def test_prices_are_imported_by_instrument_only_if_needed(programs: Programs) -> None:
    """`instrument()` imports the prices if costs are computed; importing the package does not."""
    assert programs.run(IMPORTED) == (0, "False\nFalse\nFalse\nTrue\n", "")


@both_faces
def test_the_cost_header_of_a_proxy_counts(face: Face, telemetry: Telemetry) -> None:
    """LiteLLM's header counts where the usage has no cost."""
    answer = script.whole(wire.answer(usage=USAGE, **MODEL), headers={"x-litellm-response-cost": "0.25"})

    async def scenario() -> None:
        async with face.client(Transport(answer)) as client:
            await ask(face, client, streamed=False)

    with telemetry.on():
        face.run(scenario())
    assert (cost(telemetry), cost(telemetry, "source")) == (0.25, "provider")


def hosted() -> list[dict[str, Any]]:
    """Return the rows of chat reports whose server has a host that can be called."""
    return [row for row in REPORTS.values() if "input" in row and "output_tokens" not in row["reports"][-1]]


@both_faces
@pytest.mark.parametrize("streamed", [True, False], ids=["streamed", "whole"])
def test_reports_of_a_provider_cost_what_they_cost_by_hand(
    face: Face, streamed: bool, telemetry: Telemetry
) -> None:
    """From the base URL alone, tokens and cost of each provider's reports are right on the span."""
    rows = hosted() if streamed else [row for row in hosted() if len(row["reports"]) == 1]
    for row in rows:
        chunks = [{**wire.usage(), "usage": report, "model": row["model"]} for report in row["reports"]]
        whole = script.whole(wire.answer(usage=row["reports"][0]) | {"model": row["model"]})
        transport = Transport(
            script.stream(wire.text("Hi", model=row["model"]), *chunks) if streamed else whole
        )
        with telemetry.on():
            watch(
                face,
                partial(ask, streamed=streamed),
                transport,
                base_url=f"https://{row['server'][1]}/v1",
            )
        found = telemetry.spans[-1].attributes
        expected = Usage(**row["usage"])
        assert found["gen_ai.usage.input_tokens"] == expected.input, row
        assert found["gen_ai.usage.output_tokens"] == expected.output, row
        amount = dollars(row["input"]) + dollars(row["output"])
        assert "hourly" in row or found["toolspan.cost.amount"] == pytest.approx(amount), row
    assert len(telemetry.spans) == len(rows)
