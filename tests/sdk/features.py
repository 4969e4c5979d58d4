"""What the installed SDK can do, found by inspection, never by its version."""

from __future__ import annotations

import importlib
import inspect
import operator
from collections.abc import Mapping
from functools import cache
from typing import Any

import openai
import pytest

OLD_SDK = "toolspan: this version of the SDK has no "
"""How our own logger begins to say that something of an old SDK is not traced."""


@cache
def has(feature: str) -> bool:
    """Whether the SDK has it.

    `responses.parse` is looked for in a client, `openai.providers` in the package (a module, or a name in
    one); after a colon comes the name of a parameter: `chat.completions.create:verbosity`.
    """
    path, _, parameter = feature.partition(":")
    try:
        found = _imported(path) if path.split(".")[0] == "openai" else _of_a_client(path)
    except (AttributeError, ImportError):
        return False
    return not parameter or parameter in inspect.signature(found).parameters


def needs(*features: str) -> Any:
    """A mark: the test is skipped where the SDK lacks one of these; the reason names the first such."""
    lacking = [feature for feature in features if not has(feature)]
    return pytest.mark.skipif(bool(lacking), reason=f"this SDK has no {lacking[0] if lacking else ''}")


def require(*features: str) -> None:
    """The same from inside of a test, or of a module's head."""
    for feature in features:
        if not has(feature):
            pytest.skip(f"this SDK has no {feature}", allow_module_level=True)


def known(method: str, arguments: Mapping[str, Any]) -> dict[str, Any]:
    """Those of the arguments that the SDK's method takes; an older one refuses the others."""
    return {name: value for name, value in arguments.items() if has(f"{method}:{name}")}


@cache
def _client() -> openai.OpenAI:
    """One client for all questions: each one reads all certificates anew, which takes 30 ms."""
    return openai.OpenAI(api_key="sk-none")


def _of_a_client(path: str) -> Any:
    return operator.attrgetter(path)(_client())


def _imported(path: str) -> Any:
    """A module or a name in one: a submodule counts only if it can be imported."""
    found: Any = importlib.import_module("openai")
    known = "openai"
    for name in path.split(".")[1:]:
        known = f"{known}.{name}"
        if not hasattr(found, name):
            importlib.import_module(known)
        found = getattr(found, name)
    return found
