"""Traces of real stages in every form that the command reads."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any

from google.protobuf.json_format import MessageToDict
from opentelemetry.exporter.otlp.proto.common.trace_encoder import encode_spans

import toolspan

from ..pipeline import shapes
from ..sdk.telemetry import Telemetry

Policy = Callable[[Iterator[Any]], Iterator[Any]]
Json = dict[str, Any]


def passes(chunks: Iterator[Any]) -> Iterator[Any]:
    """Lets all pass."""
    yield from chunks


def trace(
    policy: Policy,
    lossy: Policy = passes,
    reader: Callable[[Any], Any] = list,
    *,
    source: Policy = passes,
) -> list[Any]:
    """The spans of `model`, `policy` and `client`; between the last two lies something that is no stage.

    `source` is what the first one reads from.
    """
    telemetry = Telemetry()
    with telemetry.on(), telemetry.tracer.start_as_current_span("request"):
        stream = toolspan.stage("model", source(iter(shapes.answer())))
        stream = toolspan.stage("policy", stream, through=policy)
        route = toolspan.Route.of(toolspan.inject({}, stream))
        stream = toolspan.stage("client", lossy(stream), route=route)
        with suppress(RuntimeError, KeyboardInterrupt):
            reader(stream)
        del stream
    return telemetry.everything_ended


def otlp(spans: list[Any]) -> Json:
    """As the Collector writes it: ids in hexadecimal."""
    found: Json = MessageToDict(encode_spans(spans), use_integers_for_enums=True)
    by_id = {span.context.span_id: span for span in spans}
    for resource in found["resourceSpans"]:
        for scope in resource["scopeSpans"]:
            for span, one in zip(scope["spans"], _in_order(scope, by_id), strict=True):
                span["traceId"] = f"{one.context.trace_id:032x}"
                span["spanId"] = f"{one.context.span_id:016x}"
                if one.parent is not None:
                    span["parentSpanId"] = f"{one.parent.span_id:016x}"
                for link, other in zip(span.get("links", ()), one.links, strict=True):
                    link["traceId"], link["spanId"] = (
                        f"{other.context.trace_id:032x}",
                        f"{other.context.span_id:016x}",
                    )
    return found


def _in_order(scope: Json, by_id: dict[int, Any]) -> list[Any]:
    import base64

    return [by_id[int.from_bytes(base64.b64decode(span["spanId"]), "big")] for span in scope["spans"]]


def plain_mapping(spans: list[Any]) -> Json:
    """As protobuf's own mapping writes it: ids in base64, names as in the definition."""
    found: Json = MessageToDict(encode_spans(spans), preserving_proto_field_name=True)
    return found


def jaeger(spans: list[Any]) -> Json:
    """As Jaeger's query API answers."""
    return {"data": [{"traceID": "", "spans": [_jaeger(span) for span in spans], "processes": PROCESSES}]}


PROCESSES = {"p1": {"serviceName": "gateway", "tags": []}}


def _jaeger(span: Any) -> Json:
    trace_id = f"{span.context.trace_id:032x}"
    references = [
        {"refType": "FOLLOWS_FROM", "traceID": trace_id, "spanID": f"{link.context.span_id:016x}"}
        for link in span.links
    ]
    if span.parent is not None:
        parent = {"refType": "CHILD_OF", "traceID": trace_id, "spanID": f"{span.parent.span_id:016x}"}
        references.insert(0, parent)
    return {
        "traceID": trace_id,
        "spanID": f"{span.context.span_id:016x}",
        "operationName": span.name,
        "references": references,
        "startTime": span.start_time // 1000,
        "duration": (span.end_time - span.start_time) // 1000,
        "processID": "p1",
        "tags": _tags(span.attributes),
        "logs": [
            {
                "timestamp": event.timestamp // 1000,
                "fields": [{"key": "event", "type": "string", "value": event.name}, *_tags(event.attributes)],
            }
            for event in span.events
        ],
    }


def _tags(attributes: Any) -> list[Json]:
    return [
        {"key": name, "type": "string", "value": list(value) if isinstance(value, tuple) else value}
        for name, value in attributes.items()
    ]


FORMS: dict[str, Callable[[list[Any]], str]] = {
    "otlp": lambda spans: json.dumps(otlp(spans)),
    "otlp lines": lambda spans: (
        "\n".join([json.dumps({"resourceMetrics": []}), *(json.dumps(otlp([span])) for span in spans)]) + "\n"
    ),
    "otlp, still being written": lambda spans: (
        "".join(json.dumps(otlp([span])) + "\n" for span in spans) + '{"resourceSpans": [{"reso'
    ),
    "plain mapping": lambda spans: json.dumps(plain_mapping(spans)),
    "jaeger": lambda spans: json.dumps(jaeger(spans)),
    "jaeger, one trace": lambda spans: json.dumps(jaeger(spans)["data"][0]),
    "jaeger, version 3": lambda spans: json.dumps({"result": otlp(spans)}),
    "a list": lambda spans: json.dumps([otlp([span]) for span in spans]),
}
"""Each makes the text of a file."""
