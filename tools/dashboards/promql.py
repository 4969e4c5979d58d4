"""The PromQL expressions of the panels.

Prometheus changes toolspan's names: dots become underscores, and it appends the unit and `_total`.
"""

from __future__ import annotations

from typing import Final

SERVICE: Final = 'job=~"$service"'
CALL: Final = f'{SERVICE}, gen_ai_provider_name=~"$provider", gen_ai_request_model=~"$model"'
TOOL: Final = f'{CALL}, gen_ai_tool_name=~"$tool"'
TOOL_ALONE: Final = f'{SERVICE}, gen_ai_tool_name=~"$tool"'
WINDOW: Final = "[$__rate_interval]"

MODEL_LABEL: Final = "gen_ai_request_model"
TOOL_LABEL: Final = "gen_ai_tool_name"

DURATION: Final = "gen_ai_client_inference_duration_seconds"
FIRST_CHUNK: Final = "gen_ai_client_inference_time_to_first_chunk_seconds"
PER_CHUNK: Final = "gen_ai_client_inference_time_per_output_chunk_seconds"
INPUT: Final = "gen_ai_client_inference_usage_input_tokens_total"
OUTPUT: Final = "gen_ai_client_inference_usage_output_tokens_total"
CACHE_READ: Final = "gen_ai_client_inference_usage_cache_read_input_tokens_total"
DETECT: Final = "toolspan_tool_call_time_to_detect_seconds"
ARGUMENTS: Final = "toolspan_tool_call_arguments_duration_seconds"
SIZE: Final = "toolspan_tool_call_arguments_size_bytes"
TURNAROUND: Final = "toolspan_tool_call_turnaround_seconds"
EXECUTE: Final = "gen_ai_execute_tool_duration_seconds"
CALLS: Final = "toolspan_tool_calls_total"
STREAMS: Final = "toolspan_streams_total"
OPEN: Final = "toolspan_streams_open"
RETRIES: Final = "toolspan_retries_total"
COST: Final = "toolspan_cost_USD_total"
RUNAWAYS: Final = "toolspan_runaways_total"


def quantile(share: float, histogram: str, by: str, where: str) -> str:
    """Return the quantile of a histogram for each value of one label; `share` is between 0 and 1."""
    return f"histogram_quantile({share}, sum by (le, {by}) (rate({histogram}_bucket{{{where}}}{WINDOW})))"


def rate(counter: str, by: str, where: str) -> str:
    """Return the rate of a counter per second for each value of the labels."""
    return f"sum by ({by}) (rate({counter}{{{where}}}{WINDOW}))"


def new(counter: str, by: str, where: str) -> str:
    """Return what was added to a rare counter in the last interval, for each value of the labels."""
    # `increase` would miss the first one: it needs a value before, and a rare series begins with 1.
    series = f"{counter}{{{where}}}"
    return f"sum by ({by}) ({series} - ({series} offset {WINDOW[1:-1]} or 0 * {series}))"


def total(counter: str, where: str) -> str:
    """Return the rate of a counter per second, in one sum."""
    return f"sum(rate({counter}{{{where}}}{WINDOW}))"


def share(part: str, whole: str) -> str:
    """Return the part divided by the whole; 0 if the part has no series."""
    # Without `or 0 *` a model without any error would be missing from the panel.
    return f"({part} or 0 * {whole}) / {whole}"
