"""What a reader is: whatever turns an API's chunks into events. It knows no API."""

from __future__ import annotations

from typing import Any, Protocol

from .events import Event


class Reader(Protocol):
    """Turns what the server sent into events."""

    @property
    def output(self) -> bool:
        """Whether what was read last is output of the model, not a notice of the service."""

    def read(self, body: Any) -> list[Event]:
        """The events of one chunk or one whole answer."""

    def close(self) -> list[Event]:
        """The events of the end."""
