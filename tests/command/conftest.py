"""What the tests of the command share."""

from ..openai.conftest import _environment, _telemetry

__all__ = ["_environment", "_telemetry"]
