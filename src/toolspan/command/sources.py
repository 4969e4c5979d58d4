"""Where a trace comes from: a file, the standard input, or a running Jaeger."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from . import jaeger, otlp
from .spans import InputError, Span


def load(source: str, address: str | None) -> list[Span]:
    """All spans; `source` is a file, `-`, or with an address the id of a trace."""
    if address is not None:
        return _spans([jaeger.fetch(address, source)], f"the answer of Jaeger at {address}")
    name = "the standard input" if source == "-" else source
    return _spans(_documents(_read(source), name), name)


def _read(source: str) -> str:
    try:
        data = sys.stdin.buffer.read() if source == "-" else Path(source).read_bytes()
    except OSError as error:
        raise InputError(f"{source} cannot be read: {error.strerror or error}") from None
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise InputError(f"{source} is no text; a trace is read as JSON, uncompressed") from None


def _documents(text: str, name: str) -> list[Any]:
    """One JSON document, or one in each line; a file that is still being written may end within a line."""
    if not text.strip():
        raise InputError(f"{name} is empty")
    try:
        return [json.loads(text)]
    except (ValueError, RecursionError):
        pass
    lines = [(number, line) for number, line in enumerate(text.splitlines(), 1) if line.strip()]
    found = []
    for number, line in lines:
        try:
            found.append(json.loads(line))
        except (ValueError, RecursionError) as error:
            if found and number == lines[-1][0] and not text.endswith("\n"):
                break
            raise InputError(f"{name}, line {number}: no JSON ({error})") from None
    return found


def _spans(documents: list[Any], name: str) -> list[Span]:
    try:
        found = {
            (span.trace_id, span.span_id): span for document in documents for span in _of(document, name)
        }
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise InputError(f"{name} is neither OTLP nor Jaeger's JSON as it should be: {error}") from None
    if not found:
        raise InputError(f"{name} holds no spans")
    return list(found.values())


def _of(document: Any, name: str) -> Iterator[Span]:
    """By the fields at the top: OTLP, Jaeger's answer or one trace of it, or a list of any of these."""
    if isinstance(document, list):
        for each in document:
            yield from _of(each, name)
        return
    if not isinstance(document, Mapping):
        raise InputError(f"{name} holds JSON, but no trace")
    if "resourceSpans" in document or "resource_spans" in document:
        yield from otlp.spans_of(document)
    elif "data" in document or "result" in document:
        yield from _of(document.get("data", document.get("result")) or [], name)
    elif "spans" in document:
        yield from jaeger.spans_of(document)
    elif not document.keys() & {"resourceLogs", "resourceMetrics", "resource_logs", "resource_metrics"}:
        raise InputError(f"{name} holds JSON, but neither OTLP's resourceSpans nor Jaeger's data")
