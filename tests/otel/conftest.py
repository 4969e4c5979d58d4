"""What the tests of the sinks share."""

from __future__ import annotations

import logging
from collections.abc import Iterator

import pytest


@pytest.fixture(autouse=True, name="quiet_sdk")
def _quiet_sdk(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    """OpenTelemetry's SDK and exporters complain of nothing that we hand them."""
    yield
    records = [record for record in caplog.get_records("call") if record.levelno >= logging.WARNING]
    assert [record.getMessage() for record in records if record.name != "toolspan"] == []
