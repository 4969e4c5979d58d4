"""The instrumentation with the real SDK, over scripted transports and loopback servers."""

import pytest

pytest.register_assert_rewrite("tests.sdk.endings", "tests.sdk.faults", "tests.sdk.observe")
