"""Costs, wherever servers put them."""

from __future__ import annotations

from typing import Any

from .shapes import ARGS, DONE, ONE, Quirk, chunk, counts, ends, entry, tools

_CALL = tools(entry(0, "call_a", "weather", ARGS))
_BYOK = {"cost": 0, "is_byok": True, "cost_details": {"upstream_inference_cost": 0.0360795}}


def _costs(name: str, server: str, report: str, dollars: float, /, **fields: Any) -> Quirk:
    """A stream whose last chunk has these fields among its counts."""
    return _quirk(name, server, report, dollars, chunk(usage={**counts(9, 8), **fields}))


def _quirk(name: str, server: str, report: str, cost: float | None, *last: Any) -> Quirk:
    return Quirk(f"cost-{name}", server, report, [_CALL, ends(), *last], ONE, DONE, (9, 8), cost=cost)


CASES = [
    _costs("in-credits", "OpenRouter", "langfuse-python#1311", 0.00014, cost=0.00014),
    _costs("with-own-key", "OpenRouter", "dd-trace-py#19324", 0.0360795, **_BYOK),
    _costs(
        "of-upstream-within",
        "OpenRouter",
        "automatos-ai#745",
        0.002,
        cost=0.002,
        is_byok=False,
        cost_details={"upstream_inference_cost": 0.002},
    ),
    _costs("of-a-proxy", "LiteLLM", "litellm#15053", 0.0021, cost=0.0021),
    _costs("in-ticks", "xAI", "promptfoo#10032", 0.0318319, cost_in_usd_ticks=318319000),
    _costs(
        "with-a-fee",
        "Perplexity",
        "litellm#17887",
        0.006,
        cost={"input_tokens_cost": 0.00001, "request_cost": 0.00599, "total_cost": 0.006},
    ),
    _costs("estimated", "DeepInfra", "litellm#38802", 8.775e-06, estimated_cost=8.775e-06),
    _quirk(
        "on-every-chunk",
        "Perplexity",
        "litellm#17887",
        0.003,
        chunk(usage={**counts(9, 3), "cost": {"total_cost": 0.001}}),
        chunk(usage={**counts(9, 8), "cost": {"total_cost": 0.003}}),
    ),
]
