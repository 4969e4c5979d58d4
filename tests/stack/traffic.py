"""Traces of three spans, one for each request of an imagined service; run under `opentelemetry-instrument`.

Nothing is wrong with the service's own span, so that what is remarkable in a trace stands in a part of it. It
prints, as JSON, the ids of the traces by the model that was asked.
"""

import json
import sys
from collections import defaultdict

from demo_server import demo_server
from faulty_server import FAULTS, FaultyHandler
from openai import OpenAI
from opentelemetry import trace
from storm import QUESTION, ask

UNREMARKABLE = "demo"


def request(client: OpenAI, model: str) -> str:
    """One request to the service: a good turn of the model, and one with the fault; gives the trace's id."""
    seen = defaultdict(lambda: defaultdict(int))
    with trace.get_tracer("service").start_as_current_span("request") as span:
        ask(client, UNREMARKABLE, QUESTION, seen)
        ask(client, model, QUESTION, seen)
        return format(span.get_span_context().trace_id, "032x")


def main() -> None:
    """So many unremarkable requests, and three with each fault."""
    ids = defaultdict(list)
    faults = sorted(FAULTS.keys() - {"hanging", "cached", "limited"})
    with demo_server(pause=0.0, handler=FaultyHandler) as base_url:
        client = OpenAI(base_url=base_url, api_key="demo", max_retries=0, timeout=0.4)
        patient = client.with_options(timeout=30)
        for model in [UNREMARKABLE] * int(sys.argv[1]) + faults * 3:
            ids[model].append(request(client if model == "late" else patient, model))
    print(json.dumps(ids))


if __name__ == "__main__":
    main()
