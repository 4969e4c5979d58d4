"""The completion hook of OpenTelemetry's GenAI packages: found by its name, and given each call's content.

The package that defines it, util-genai, is met only where it is installed. It knows no sink.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from importlib.metadata import entry_points
from typing import TYPE_CHECKING, Any

from opentelemetry._logs import LogRecord
from opentelemetry.trace import Span

from . import operations, wants
from . import semconv as names
from .completion_types import input_message, output_message, part, tool_definition
from .redaction import without_words
from .telling import Contents, Wants

if TYPE_CHECKING:
    from .sinks import Observed

log = logging.getLogger("toolspan")

_VARIABLE = "OTEL_INSTRUMENTATION_GENAI_COMPLETION_HOOK"
_GROUP = "opentelemetry_genai_completion_hook"
_NONE = "_NoOpCompletionHook"  # what util-genai makes of a hook that lacks a setting, having said so


def find(given: Any, *, full: bool) -> Completion | None:
    """The hook itself or, given a name, the entry point's; what cannot be found is said once.

    `full` says whether it gets the tools' descriptions and parameters.
    """
    hook = _load(given) if isinstance(given, str) else given
    return None if hook is None or type(hook).__name__ == _NONE else Completion(hook, full=full)


def _load(name: str) -> Any:
    for found in entry_points(group=_GROUP, name=name):
        try:
            return found.load()()
        except Exception as error:
            log.warning("%s=%s: the hook cannot be made: %s", _VARIABLE, name, type(error).__qualname__)
            log.debug("%s=%s: the hook cannot be made", _VARIABLE, name, exc_info=without_words(error))
            return None
    known = ", ".join(sorted(found.name for found in entry_points(group=_GROUP))) or "none"
    log.warning(
        "%s=%s: no completion hook of this name is installed (there are: %s); `upload` comes with the "
        "package opentelemetry-util-genai[upload]",
        _VARIABLE,
        name,
        known,
    )
    return None


class Completion:
    """Calls `on_completion` as util-genai does, with its types; whatever it raises is the caller's."""

    def __init__(self, hook: Any, *, full: bool) -> None:
        self._hook = hook
        self._full = full

    def wants(self, call: Observed) -> Wants | None:
        """Messages of inference, also where no sink takes content; not where another tells of the call."""
        if call.borrowed or not call.record.keep or call.operation not in operations.INFERENCE:
            return None
        return wants.messages(call, full=self._full)

    def __call__(self, span: Span | None, record: LogRecord | None, contents: Contents) -> None:
        """Give it what may be told of the call."""
        self._hook.on_completion(
            inputs=_each(input_message, contents, names.INPUT_MESSAGES),
            outputs=_each(output_message, contents, names.OUTPUT_MESSAGES),
            system_instruction=_each(part, contents, names.SYSTEM_INSTRUCTIONS),
            tool_definitions=_each(tool_definition, contents, names.TOOL_DEFINITIONS) or None,
            span=span,
            log_record=record,
        )


def _each(make: Any, contents: Contents, name: str) -> list[Any]:
    return [make(value) for value in contents.get(name, ()) if isinstance(value, Mapping)]
