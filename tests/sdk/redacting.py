"""Callbacks and hooks for the tests of redaction and of the completion hook."""

from __future__ import annotations

import json
import re
from typing import Any

from .telemetry import Telemetry
from .test_privacy import everything


def hide(name: str, value: Any) -> Any:
    """Puts `HIDE` in the place of every `MARK`."""
    return json.loads(json.dumps(value).replace("MARK", "HIDE"))


def hidden(telemetry: Telemetry, *kinds: str) -> set[str]:
    """All that stands in the place of a mark."""
    return set(re.findall(r"HIDE[-\w]*", everything(telemetry, *kinds)))


class Recorder:
    """A completion hook that keeps its arguments."""

    def __init__(self) -> None:
        self.calls: list[dict[str, Any]] = []

    def on_completion(self, **given: Any) -> None:
        """See util-genai's `CompletionHook`."""
        self.calls.append(given)

    @property
    def said(self) -> str:
        """All content that it was given."""
        names = ("inputs", "outputs", "system_instruction", "tool_definitions")
        return repr([[given[name] for name in names] for given in self.calls])
