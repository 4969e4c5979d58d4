"""The page of what is recorded of each SDK says what a run finds."""

from __future__ import annotations

import pytest

from tools import sdks_recorded


def test_the_page_of_recorded_facts_is_that_of_a_run(request: pytest.FixtureRequest) -> None:
    """Run with `--full`: it asks all SDKs, which takes some seconds."""
    if not request.config.getoption("full"):
        pytest.skip("the page is compared with --full")
    found = {**sdks_recorded.columns(), "LiteLLM": sdks_recorded.kept()}
    assert sdks_recorded.PAGE.read_text() == sdks_recorded.page(found)
