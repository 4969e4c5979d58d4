"""Whatever fails in telemetry costs the application nothing and is said once; the other signals go on."""

from __future__ import annotations

import pytest

from .faults import Broken, alive, unharmed
from .sdk import Face, both_faces
from .telemetry import Telemetry

pytestmark = pytest.mark.usefixtures("guarded")

TRACING = (
    "get_tracer",
    "start_span",
    "set_attributes",
    "set_attribute",
    "add_event",
    "end",
    "is_recording",
    "set_status",
)
METERING = ("get_meter", "create_histogram", "create_counter", "create_up_down_counter", "record", "add")
LOGGING = ("get_logger", "emit", "enabled")


@both_faces
@pytest.mark.parametrize("method", TRACING)
def test_tracing_fails(
    face: Face, method: str, telemetry: Telemetry, caplog: pytest.LogCaptureFixture
) -> None:
    """Any failure of the tracing SDK leaves the application, the metrics and the logs as they are."""
    unharmed(face, telemetry, caplog, tracer_provider=Broken(telemetry.tracers, method))
    assert alive(telemetry) >= {"metrics", "logs"}


@both_faces
@pytest.mark.parametrize("method", METERING)
def test_metering_fails(
    face: Face, method: str, telemetry: Telemetry, caplog: pytest.LogCaptureFixture
) -> None:
    """Any failure of the metrics SDK leaves the application, the spans and the logs as they are."""
    unharmed(face, telemetry, caplog, meter_provider=Broken(telemetry.meters, method))
    assert alive(telemetry) >= {"spans", "logs"}


@both_faces
@pytest.mark.parametrize("method", LOGGING)
def test_logging_fails(
    face: Face, method: str, telemetry: Telemetry, caplog: pytest.LogCaptureFixture
) -> None:
    """Any failure of the logs SDK leaves the application, the spans and the metrics as they are."""
    unharmed(face, telemetry, caplog, logger_provider=Broken(telemetry.loggers, method))
    assert alive(telemetry) >= {"spans", "metrics"}
