"""The HTTP modules that the installed SDKs use, and a key for their clients."""

from __future__ import annotations

import importlib
from typing import Any

import openai

KEY = "sk-test-0123456789"


def _http_module() -> Any:
    """Return `httpx2` since openai 3, `httpx` before: the module of the SDK's own client."""
    for cls in type(openai.OpenAI(api_key=KEY)._client).__mro__:
        name = cls.__module__.partition(".")[0]
        if name.startswith("httpx"):
            return importlib.import_module(name)
    raise LookupError("the SDK's client comes from no known HTTP module")


http = _http_module()
httpx: Any = importlib.import_module("httpx")
"""The module of the other SDKs of the family."""
MODULES = (http,) if http is httpx else (http, httpx)


def kinds(name: str) -> tuple[type, ...]:
    """The classes of this name, one in each module."""
    return tuple(getattr(module, name) for module in MODULES)
