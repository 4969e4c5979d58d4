"""`python -m tests.viewers`: play every scenario, let the viewers read the spans, write `docs/viewers.md`.

With `pictures`, the real viewers run instead.
"""

from __future__ import annotations

import base64
import json
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from opentelemetry.exporter.otlp.proto.common.trace_encoder import encode_spans

import toolspan
from tests.conformance.playing import played
from tests.conformance.scenarios import REPEATED, SCENARIOS
from tests.conformance.test_emitted_loop import CASES

from .judge import COMPLETE, FACTS, judge, truth

HERE = Path(__file__).parent
REPOSITORY = HERE.parents[1]
PAGE = REPOSITORY / "docs" / "viewers.md"
BEGIN = "| fact |"
VIEWERS = {"Phoenix": "phoenix", "MLflow": "mlflow"}
SETTINGS: Mapping[str, Mapping[str, Any]] = {
    "": {},
    " with `compat`": {"compat": "openinference,cost,cache_creation"},
}


def spans(**settings: Any) -> list[Any]:
    """Return the spans of all scenarios, with content and with a cost where the server reports one."""
    found: list[Any] = []
    for scenario in (*SCENARIOS.values(), *REPEATED.values(), *CASES.values()):
        with toolspan.attributes({"gen_ai.conversation.id": "c-17"}):
            telemetry, _ = played(scenario, capture_message_content="span_only", **settings)
        found += telemetry.spans
    return found


def views(viewer: str, found: list[Any]) -> tuple[str, list[dict[str, Any]]]:
    """Return the version of a viewer, and what it shows of each span."""
    python = REPOSITORY / ".cache" / "viewers" / viewer / "bin" / "python"
    sent = [
        base64.b64encode(part.SerializeToString()).decode()
        for span in found
        for part in encode_spans([span]).resource_spans[0].scope_spans[0].spans
    ]
    done = subprocess.run(
        [python, HERE / f"reader_{viewer}.py"],
        input=json.dumps(sent),
        capture_output=True,
        text=True,
        check=True,
    )
    answer = json.loads(done.stdout.splitlines()[-1])
    return answer["version"], answer["views"]


def main() -> int:
    """Write the table; return 1 if a viewer misses what every viewer must show."""
    columns: dict[str, dict[str, tuple[int, int]]] = {}
    misses: list[str] = []
    for words, settings in SETTINGS.items():
        found = spans(**settings)
        for name, viewer in VIEWERS.items():
            version, shown = views(viewer, found)
            column = columns.setdefault(f"{name} {version}{words}", dict.fromkeys(FACTS, (0, 0)))
            for span, view in zip(found, shown, strict=True):
                for fact, right in judge(truth(span), view).items():
                    good, all_ = column[fact]
                    column[fact] = (good + right, all_ + 1)
                    if not right:
                        misses.append(f"{name}{words}: {fact} of {span.name}: {view}"[:400])
    lines = [("fact", *columns), ("---", *["---"] * len(columns))]
    lines += [(fact, *(_cell(*column[fact]) for column in columns.values())) for fact in FACTS]
    table = "".join(f"| {' | '.join(cells)} |\n" for cells in lines)
    PAGE.write_text(PAGE.read_text("utf-8").partition(BEGIN)[0] + table, "utf-8")
    print(table)
    if "--misses" in sys.argv:
        print("\n".join(misses))
    wrong = [name for name, column in columns.items() for fact in COMPLETE if len(set(column[fact])) > 1]
    return int(bool(wrong))


def _cell(good: int, all_: int) -> str:
    return "all" if good == all_ else f"{good} of {all_}"


if __name__ == "__main__":
    if "pictures" in sys.argv:
        from . import pictures

        sys.exit(pictures.main())
    sys.exit(main())
