"""What the tests of stages share."""

from ..openai.conftest import _environment, _guarded, _telemetry, _unraisable

__all__ = ["_environment", "_guarded", "_telemetry", "_unraisable"]
