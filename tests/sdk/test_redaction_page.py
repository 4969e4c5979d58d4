"""The example of a redaction in docs/content.md does what it says."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import toolspan

from . import script, wire
from .observe import watch
from .script import Transport
from .sdk import SYNC, Face
from .telemetry import Telemetry
from .test_privacy import everything

PAGE = Path(__file__).parents[2] / "docs" / "content.md"
CARD = "4111 1111 1111 1111"


async def ask(face: Face, client: Any) -> Any:
    """Quote a card in the prompt."""
    content = f"My card is {CARD}, and I am 42."
    return client.chat.completions.create(model="gpt-test", messages=[{"role": "user", "content": content}])


def test_the_example_of_the_page_hides_card_numbers(telemetry: Telemetry, monkeypatch: Any) -> None:
    """Card numbers are hidden in prompts and arguments, and all else is unchanged."""
    (code,) = re.findall(r"```python\n([^`]*def redact(?:[^`]|`(?!``))*)```", PAGE.read_text("utf-8"))
    given: dict[str, Any] = {}
    instrument = toolspan.OpenAIInstrumentor.instrument
    monkeypatch.setattr(toolspan.OpenAIInstrumentor, "instrument", lambda self, **more: given.update(more))
    exec(code, {})
    monkeypatch.setattr(toolspan.OpenAIInstrumentor, "instrument", instrument)
    assert set(given) == {"capture_message_content", "redact"}
    answer = script.whole(wire.answer(None, calls=[("pay", f'{{"card": "{CARD}", "amount": 7}}')]))
    with telemetry.on(**given):
        watch(SYNC, ask, Transport(answer))
    said = everything(telemetry)
    assert CARD not in said
    assert "My card is [number], and I am 42." in said
    (event,) = (event for event in telemetry.span.events if event.name.endswith("completed"))
    assert "[number]" in str(event.attributes["gen_ai.tool.call.arguments"])
    assert "7" in str(event.attributes["gen_ai.tool.call.arguments"])
