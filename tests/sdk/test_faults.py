"""Whatever fails in telemetry costs the application nothing and is said once; the other signals go on."""

from __future__ import annotations

import pytest

from .apis import CHAT, RESPONSES, Api
from .faults import Broken, alive, unharmed
from .params import each
from .sdk import ASYNC, SYNC, Face
from .telemetry import Telemetry

pytestmark = pytest.mark.usefixtures("guarded")

PLACES = [(SYNC, CHAT), (ASYNC, RESPONSES)]
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


@each(("face", "api"), PLACES)
@pytest.mark.parametrize("method", TRACING)
def test_tracing_fails(
    face: Face, api: Api, method: str, telemetry: Telemetry, caplog: pytest.LogCaptureFixture
) -> None:
    """Any failure of the tracing SDK leaves the application, the metrics and the logs as they are."""
    unharmed(face, api, telemetry, caplog, tracer_provider=Broken(telemetry.tracers, method))
    assert alive(telemetry, api) >= {"metrics", "logs"}


@each(("face", "api"), PLACES)
@pytest.mark.parametrize("method", METERING)
def test_metering_fails(
    face: Face, api: Api, method: str, telemetry: Telemetry, caplog: pytest.LogCaptureFixture
) -> None:
    """Any failure of the metrics SDK leaves the application, the spans and the logs as they are."""
    unharmed(face, api, telemetry, caplog, meter_provider=Broken(telemetry.meters, method))
    assert alive(telemetry, api) >= {"spans", "logs"}


@each(("face", "api"), PLACES)
@pytest.mark.parametrize("method", LOGGING)
def test_logging_fails(
    face: Face, api: Api, method: str, telemetry: Telemetry, caplog: pytest.LogCaptureFixture
) -> None:
    """Any failure of the logs SDK leaves the application, the spans and the metrics as they are."""
    unharmed(face, api, telemetry, caplog, logger_provider=Broken(telemetry.loggers, method))
    assert alive(telemetry, api) >= {"spans", "metrics"}
