"""The seam, tested with the real SDK over scripted transports and loopback servers."""

import pytest

pytest.register_assert_rewrite("tests.openai.endings", "tests.openai.faults", "tests.openai.observe")
