"""What all tests share: this package's own errors are raised here, so that none hides behind the guard."""

from __future__ import annotations

import pytest

from toolspan import guard


@pytest.fixture(autouse=True, name="reraise")
def _reraise(monkeypatch: pytest.MonkeyPatch) -> None:
    """A mistake of ours fails the test; tests of the guard itself switch this off again."""
    monkeypatch.setattr(guard, "reraise", True)
    guard.reset()
