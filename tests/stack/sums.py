"""Compare the sums in Prometheus with the application's own counts."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator

from .prometheus import Prometheus

Seen = dict[str, dict[str, int]]
JOB = 'job="storm"'
ERROR = "openai."
TOKENS = "gen_ai_client_inference_usage_(input|output)_tokens_total"
QUERIES = {
    "requests": ("{gen_ai_request_model}", f"gen_ai_client_inference_duration_seconds_count{{{JOB}}}"),
    "errors": (
        "{gen_ai_request_model} {error_type}",
        f'gen_ai_client_inference_duration_seconds_count{{{JOB}, error_type!=""}}',
    ),
    "streams": ("{toolspan_stream_outcome}", f"toolspan_streams_total{{{JOB}}}"),
    "calls": ("{gen_ai_tool_name} {toolspan_outcome}", f"toolspan_tool_calls_total{{{JOB}}}"),
    "runs": ("{gen_ai_tool_name} {error_type}", f"gen_ai_execute_tool_duration_seconds_count{{{JOB}}}"),
    "tokens": (
        "{kind}",
        f'label_replace({{__name__=~"{TOKENS}", {JOB}}}, "kind", "$1", "__name__", "{TOKENS}")',
    ),
    "cached": ("cached", f"gen_ai_client_inference_usage_cache_read_input_tokens_total{{{JOB}}}"),
}


def added(prometheus: Prometheus, kind: str) -> dict[str, int]:
    """The sums of one kind, by the application's own keys; a label that is not there is empty."""
    key, selector = QUERIES[kind]
    sums: dict[str, int] = {}
    for labels, value in prometheus.query(selector):
        name = key.format_map(defaultdict(str, labels)).replace(ERROR, "")
        sums[name] = sums.get(name, 0) + int(value)
    return sums


def known(calls: dict[str, int]) -> Counter[str]:
    """The calls, with one name for all tools that were not offered."""
    counted: Counter[str] = Counter()
    for call, count in calls.items():
        name, outcome = call.split()
        counted[f"{'_OTHER' if outcome == 'unknown_tool' else name} {outcome}"] += count
    return counted


def check(prometheus: Prometheus, seen: Seen) -> Iterator[str]:
    """Each kind of count agrees with the application's, key by key."""
    wanted = dict(seen)
    wanted["calls"] = dict(known(wanted["calls"]))
    wanted["cached"] = {"cached": wanted["tokens"]["cached"]}
    wanted["tokens"] = {name: count for name, count in wanted["tokens"].items() if name != "cached"}
    for kind in QUERIES:
        found = added(prometheus, kind)
        if found != wanted[kind]:
            yield f"{kind}: Prometheus has {found}, the application counted {wanted[kind]}"
