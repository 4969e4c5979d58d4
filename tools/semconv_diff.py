"""Print the metrics and log events in which two versions of the GenAI conventions differ.

`python -m tools.semconv_diff 1.41 0.1` reads `tests/conformance/facts.json`. v0.1.0 has no registry that
could be read, so each of its names has a certainty: `tag` was read in the release's documents, `main` in the
data of `main`, `branch` in a change whose merge was not seen.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from typing import Any

from .semconv_facts import TARGET, VERSIONS

_CERTAIN = "tag"


def lines(facts: dict[str, Any], old: str, new: str) -> Iterator[str]:
    """Yield a line for each name that only one of the versions has, then for each uncertain name."""
    yield f"{'name':<62}{'version':<10}certainty"
    for kind in ("metrics", "events"):
        for name, fact in facts[kind].items():
            found = [version for version in (old, new) if version in fact["versions"]]
            if len(found) == 1:
                certainty = fact["certainty"] if found[0] == VERSIONS[0] else ""
                yield f"{name:<62}{found[0]:<10}{certainty}".rstrip()
    yield ""
    yield f"The same in both versions, but not certain for {VERSIONS[0]}:"
    for kind in ("metrics", "events", "attributes"):
        for name, fact in facts[kind].items():
            if fact["certainty"] != _CERTAIN and len(fact.get("versions", VERSIONS)) == len(VERSIONS):
                yield f"{name:<62}{'':<10}{fact['certainty']}"


def main(arguments: list[str]) -> None:
    """Print the difference of two versions."""
    old, new = arguments or VERSIONS[::-1]
    for version in (old, new):
        if version not in VERSIONS:
            raise SystemExit(f"unknown version {version}; known: {', '.join(VERSIONS)}")
    print("\n".join(lines(json.loads(TARGET.read_text("utf-8")), old, new)))


if __name__ == "__main__":
    main(sys.argv[1:])
