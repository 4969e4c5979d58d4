"""Read JSON over HTTP from a server on loopback, and wait for it."""

import json
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable
from typing import Any, TypeVar

from tests.e2e.processes import HOST, FatalError

SECONDS = 10
POLL_SECONDS = 0.2
T = TypeVar("T")
direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))


def get(port: int, path: str, **query: str) -> Any:
    """What a server answers, refusals too, if they are JSON."""
    url = f"http://{HOST}:{port}{path}" + (f"?{urllib.parse.urlencode(query)}" if query else "")
    try:
        with direct.open(url, timeout=SECONDS) as answer:
            return json.load(answer)
    except urllib.error.HTTPError as error:
        return json.load(error)


def await_(what: str, look: Callable[[], T | None], seconds: float = 30) -> T:
    """The first result that is something; waits, because telemetry takes a moment to arrive."""
    deadline = time.monotonic() + seconds
    while (found := look()) is None:
        if time.monotonic() > deadline:
            raise FatalError(f"{what} did not arrive within {seconds:g} s")
        time.sleep(POLL_SECONDS)
    return found
