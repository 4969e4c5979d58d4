"""One header by its name."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from toolspan.wire.heads import header


def test_one_header() -> None:
    """Its value, whatever the case of its name; nothing where it or all headers are missing."""
    headers: Any = SimpleNamespace(raw=[(b"a", b"1"), (b"X-LiteLLM-Response-Cost", b"0.25")])
    assert header(headers, b"x-litellm-response-cost") == "0.25"
    assert header(headers, b"b") is None
    assert header(None, b"a") is None
