"""`toolspan.score`: record the result of an evaluation as an event."""

from __future__ import annotations

import math
from functools import partial
from typing import Any

from opentelemetry._logs import Logger, LogRecord, SeverityNumber
from opentelemetry.context import get_current

from ..guard import made, shown
from ..otel import active
from ..otel import semconv as names
from ..otel.attributes import clean
from ..otel.content.truncate import shorten
from ..otel.content.worker import Contents
from ..otel.log import event_record
from ..user_context import current


def score(
    name: str,
    /,
    *,
    value: float | None = None,
    label: str | None = None,
    explanation: str | None = None,
    response_id: str | None = None,
) -> None:
    """Record the result of an evaluation as the log event `gen_ai.evaluation.result`.

    `name` is that of the evaluation, such as `relevance`. `value` is the score, `label` its meaning, such as
    `pass`; at least one of them is needed. `explanation` is recorded also where no content is captured, after
    the redaction callback. The event belongs to the current span; `response_id` names the evaluated response
    where that span is another one. Without `instrument()` nothing is recorded. Raises `TypeError` or
    `ValueError` for arguments that cannot work.
    """
    for what, text in (
        ("name", name),
        ("label", label),
        ("explanation", explanation),
        ("response_id", response_id),
    ):
        if not isinstance(text, str) and (what == "name" or text is not None):
            raise TypeError(f"toolspan: score() takes a str as {what}, not {shown(text)}")
        if text == "":
            raise ValueError(f"toolspan: score() takes a {what} that is not empty")
    if value is None and label is None:
        raise ValueError("toolspan: score() needs a value or a label")
    if value is not None:
        _check_value(value)
    texts = {names.EVALUATION_NAME: name, names.EVALUATION_LABEL: label, names.RESPONSE_ID: response_id}
    found: dict[str, Any] = {key: clean(text) for key, text in texts.items() if text is not None}
    if value is not None:
        found[names.EVALUATION_VALUE] = float(value)
    made("recording an evaluation", partial(_record, found, explanation))


def _check_value(value: object) -> None:
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise TypeError(f"toolspan: score() takes a number as value, not {shown(value)}")
    if not math.isfinite(value):
        raise ValueError(f"toolspan: score() takes a finite value, not {shown(value)}")


def _record(attributes: dict[str, Any], explanation: str | None) -> None:
    found = active.newest()
    if not found.on:
        return
    facts = {**current(found.settings.baggage_keys), **attributes}
    # The context now: the worker emits in a thread without context.
    record = event_record(names.EVALUATION_EVENT, facts, SeverityNumber.INFO, get_current())
    wanted = {} if explanation is None else {names.EVALUATION_EXPLANATION: partial(shorten, explanation)}
    emit = partial(_emit, found.providers.logger(), record)
    found.reviews[-1][1].emit(wanted, found.settings.content_limit, emit)


def _emit(logger: Logger, record: LogRecord, contents: Contents) -> None:
    record.attributes = {**(record.attributes or {}), **contents}
    logger.emit(record)
