"""Load `data/samples.json`: telemetry that conforms, for tests to alter."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

Attributes = Mapping[str, Any]
SAMPLES: dict[str, Any] = json.loads((Path(__file__).parent / "data" / "samples.json").read_text("utf-8"))
GONE = object()
"""In place of a value: remove the attribute."""


def changed(attributes: Attributes, **changes: Any) -> dict[str, Any]:
    """Return a copy with other values, without those that are `GONE`; pass dotted names as `**{...}`."""
    return {name: value for name, value in {**attributes, **changes}.items() if value is not GONE}
