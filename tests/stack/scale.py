"""Run the files for scale: an agent, two gateways, Jaeger; and with Kafka in between.

What is checked: no trace with a fault is lost, none is torn, and of the rest only a part comes through.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

from tests.e2e.parts import HERE, REPOSITORY
from tests.e2e.processes import run

from . import apps, collectors, jaeger, kafka
from .report import Report, soon

FILES = REPOSITORY / "deploy" / "scale"
AGENT, GATEWAY = FILES / "agent.yaml", FILES / "gateway.yaml"
REST = 120
DECIDE = {"DECISION_WAIT": "3s", "SAMPLED_PERCENT": "25", "SLOW_CALL_SECONDS": "0.3"}
LEAST, MOST = 0.08, 0.50
SPANS = 3
Ids = dict[str, list[str]]


def traffic(endpoint: str) -> Ids:
    """Make the traces, and give their ids by the model that was asked."""
    words = [*apps.command("storm.py")[:2], str(HERE.parent / "stack" / "traffic.py"), str(REST)]
    variables = apps.environment("traffic", endpoint, PYTHONPATH=str(REPOSITORY / "examples"))
    return dict(json.loads(run(words, variables=variables)))


def kept(spans: jaeger.Jaeger, ids: Ids) -> Iterator[str]:
    """Every trace with a fault is there, whole."""
    for model, wanted in ids.items():
        for trace_id in wanted if model != "demo" else ():
            found = spans.trace(trace_id)
            if found is None:
                yield f"a trace with {model} was not kept"
            elif len(found["spans"]) != SPANS:
                yield f"a trace with {model} has {len(found['spans'])} spans of {SPANS}"


def sampled(spans: jaeger.Jaeger, ids: Ids) -> Iterator[str]:
    """A part of the rest is there, whole too."""
    found = [trace for trace_id in ids["demo"] if (trace := spans.trace(trace_id)) is not None]
    if not LEAST <= len(found) / REST <= MOST:
        yield f"{len(found)} of {REST} unremarkable traces were kept"
    if torn := [trace["traceID"] for trace in found if len(trace["spans"]) != SPANS]:
        yield f"incomplete traces: {torn}"


def shared(gateways: list[collectors.Collector], receiver: str) -> Iterator[str]:
    """Both gateways had something to do."""
    for number, gateway in enumerate(gateways):
        if not collectors.own_metric(gateway, "otelcol_receiver_accepted_spans", receiver):
            yield f"gateway {number} received nothing"


def direct(folder: Path, report: Report) -> None:
    """The agent balances the traces over two gateways."""
    with ExitStack() as stack:
        spans = stack.enter_context(jaeger.serve(folder))
        variables = DECIDE | {"JAEGER_OTLP_ENDPOINT": spans.otlp}
        gateways = [
            stack.enter_context(collectors.serve(f"gateway-{n}", folder, variables, GATEWAY)) for n in (0, 1)
        ]
        to = {"GATEWAYS": f"[{gateways[0].grpc},{gateways[1].grpc}]", "LOGS_EXPORTERS": "[debug]"}
        agent = stack.enter_context(collectors.serve("agent", folder, to, AGENT))
        ids = traffic(agent.endpoint)
        report("gateways: every trace with a fault is kept completely", soon(lambda: kept(spans, ids)))
        report("gateways: some other traces are kept completely", soon(lambda: sampled(spans, ids)))
        report("gateways: both received spans", shared(gateways, "otlp"))


def buffered(folder: Path, report: Report) -> None:
    """Kafka keeps the traces while there is no gateway, and hands them to two that come later."""
    with ExitStack() as stack:
        spans = stack.enter_context(jaeger.serve(folder))
        broker = {
            "KAFKA_BROKERS": f"[{stack.enter_context(kafka.serve(folder))}]",
            "KAFKA_TOPIC": kafka.TOPIC,
        }
        files = (AGENT, FILES / "agent-kafka.yaml")
        to = broker | {"LOGS_EXPORTERS": "[debug]"}
        agent = stack.enter_context(collectors.serve("agent", folder, to, *files))
        ids = traffic(agent.endpoint)
        variables = DECIDE | broker | {"JAEGER_OTLP_ENDPOINT": spans.otlp}
        files = (GATEWAY, FILES / "gateway-kafka.yaml")
        gateways = [
            stack.enter_context(collectors.serve(f"gateway-{n}", folder, variables, *files)) for n in (0, 1)
        ]
        report(
            "Kafka: no gateway was there, every trace with a fault is kept, whole",
            soon(lambda: kept(spans, ids), 60),
        )
        report("Kafka: some other traces are kept completely", soon(lambda: sampled(spans, ids)))
        ids = traffic(agent.endpoint)
        report(
            "Kafka: every trace with a fault is kept while both gateways read",
            soon(lambda: kept(spans, ids), 60),
        )
        report("Kafka: both gateways received spans", shared(gateways, "kafka"))
