"""The package as it is installed: its name, version, entry point, types and what importing it costs."""

from __future__ import annotations

import re
import subprocess
import sys
from importlib import resources
from importlib.metadata import metadata, version
from typing import get_args

import pytest

import toolspan
from toolspan import OpenAIInstrumentor, instrumentor


def test_the_package_has_exactly_these_public_names() -> None:
    """`toolspan.__all__` has these functions and these types."""
    functions = [name for name in toolspan.__all__ if name.islower()]
    assert functions == sorted(
        [
            *AGENTS,
            "attributes",
            "events",
            "instrument",
            "show",
            "switch",
            "tool",
            "uninstrument",
            "usage",
            *PIPELINES,
        ]
    )
    types = set(toolspan.__all__) - set(functions)
    others = {
        "CallInfo",
        "Route",
        "Usage",
        "UsageTotal",
        "Budget",
        "BudgetPassed",
        "Runaway",
        "AgentStopped",
        *INSTRUMENTORS,
    }
    assert types == {*others, "StreamEvent", "EventStream", "AsyncEventStream", *EVENTS}
    assert {kind.__name__ for kind in get_args(toolspan.StreamEvent)} == EVENTS


EVENTS = {
    "TextDelta",
    "ReasoningDelta",
    "RefusalDelta",
    "ToolCallStarted",
    "ToolCallArgumentsDelta",
    "ToolCallCompleted",
    "ToolCallCorrected",
    "UsageReported",
    "StreamError",
    "Done",
}
"""The types of the events that an application gets of a stream."""
INSTRUMENTORS = {each.__name__ for each in instrumentor.INSTRUMENTORS}
"""The classes that instrument one SDK each."""
AGENTS = ("agent", "score")
"""The functions for agents."""
PIPELINES = ("extract", "inject", "socket", "stage")
"""The functions for pipelines."""


def test_the_distribution_has_a_version_number() -> None:
    """The version has two or three numbers, and maybe a suffix."""
    assert re.fullmatch(r"\d+\.\d+(\.\d+)?\S*", version("toolspan"))


def test_type_checkers_find_the_packages_types() -> None:
    """Type checkers find the package's types."""
    assert resources.files("toolspan").joinpath("py.typed").is_file()
    assert "Typing :: Typed" in metadata("toolspan").get_all("Classifier", [])


def test_importing_imports_no_sdk_http_client_or_prices() -> None:
    """Importing the package imports no SDK, HTTP client, telemetry SDK or prices."""
    heavy = (
        "openai",
        "groq",
        "cerebras",
        "together",
        "perplexity",
        "writerai",
        "httpx",
        "httpx2",
        "pydantic",
        "opentelemetry.sdk",
        "genai_prices",
    )
    script = f"import sys, toolspan; print([n for n in {heavy} if n in sys.modules])"
    found = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert (found.stdout.strip(), found.stderr) == ("[]", "")


def test_the_sdk_has_a_lower_bound_only() -> None:
    """The dependency on the SDK has a lower bound and no upper one."""
    (found,) = OpenAIInstrumentor().instrumentation_dependencies()
    assert found.startswith("openai >=")
    assert "<" not in found


def test_importing_the_package_imports_none_of_its_modules() -> None:
    """`import toolspan` loads no part of it; a public name loads its group alone."""
    program = (
        "import sys, toolspan\n"
        "def loaded(): return {name.split('.')[1] for name in sys.modules if name.startswith('toolspan.')}\n"
        "assert not loaded(), loaded()\n"
        "toolspan.Done\n"
        "assert not loaded() & {'pipeline', 'terminal', 'cost', 'sdk', 'instrumentor'}, loaded()\n"
    )
    subprocess.run([sys.executable, "-c", program], timeout=60, check=True)


def test_each_public_name_is_imported_on_first_use() -> None:
    """All public names are there, instrumentors included; an unknown name is an `AttributeError`."""
    assert set(toolspan.__all__) <= set(dir(toolspan))
    assert all(getattr(toolspan, name) is not None for name in toolspan.__all__)
    assert set(instrumentor.__all__) == INSTRUMENTORS | {"instrument", "show", "uninstrument"}
    for name in ("unheard_of", "UnheardInstrumentor", "SdkInstrumentor"):
        with pytest.raises(AttributeError, match=f"'toolspan' has no attribute '{name}'"):
            getattr(toolspan, name)
