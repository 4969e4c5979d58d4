"""Read requests and answers of OpenAI's APIs that are no chat: images, audio, moderations, decisions.

Model, output type, usage and errors are read. Prompts, images, sounds and texts never are.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

from . import quirks, values
from .events import Event, Finished, Started, identified
from .request import Request, Rules, read_facts
from .tools import Tools
from .usage import UsageReports

_RULES: Rules = {"model": ("model", values.word)}
_ENDS = frozenset(
    (
        "image_generation.completed",
        "image_edit.completed",
        "speech.audio.done",
        "transcript.text.done",
        "agent.session.turn.completed",
    )
)
"""The events with which a stream of these APIs is complete."""
_FAILS = frozenset(("agent.session.failed", "agent.session.turn.failed"))


def _request(body: Mapping[str, Any], *, keep: bool, output: str | None) -> Request:
    found = read_facts(body, _RULES)
    found.output_type = output
    return found


image_request = partial(_request, output="image")
"""Reads the facts of an image to be generated, edited or varied."""
speech_request = partial(_request, output="speech")
"""Reads the facts of a text to be spoken."""
text_request = partial(_request, output="text")
"""Reads the facts of a sound to be written down or translated."""
other_request = partial(_request, output=None)
"""Reads the facts of any other request."""


class OtherReader:
    """A reader of a whole answer, or of the events of a stream."""

    __slots__ = ("_identity", "_reports")
    output = True
    whole = None

    def __init__(
        self,
        expected: int = 1,
        *,
        pieces: bool = True,
        offered: Tools | None = None,
        provider: str | None = None,
    ) -> None:
        """Accept the arguments that all readers share; most do not apply."""
        self._identity = Started(None, None)
        self._reports = UsageReports(provider)

    def read(self, body: Any) -> list[Event]:
        """Return the events of a whole answer or of one stream event, an SDK object or plain JSON."""
        known = values.fields(body)
        events: list[Event] = []
        new = identified(self._identity, known)
        if new is not self._identity:
            self._identity = new
            events.append(new)
        # The usage of an agent's session is that of its turn.
        usage = known.get("usage") or values.fields(known.get("turn")).get("usage")
        if usage is not None and (counts := self._reports.read(usage)) is not None:
            events.append(counts)
        kind = values.text(known.get("type"))
        if known.get("error") or kind in _FAILS:
            events.append(Finished(0, None, quirks.failure_of({"error": {"code": None}, **known})))
        elif kind in _ENDS:
            events.append(Finished(0, "stop"))
        return events

    def close(self) -> list[Event]:
        """Return no events: nothing stays open."""
        return []
