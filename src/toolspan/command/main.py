"""The command line: what is asked for, and the exit status.

It judges nothing itself and prints nothing but errors.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from importlib.metadata import version

from .pipeline import output
from .pipeline.diagnose import ALL, CHANGED, HELP, LOST, Finding, findings, first, journey, lost_at, status
from .pipeline.load import InputError, load
from .pipeline.traced_stages import choose, missing

BAD_INPUT = 2
_STATUS = f"""exit status:
  {ALL}  every chunk arrived
  {LOST}  some chunk did not arrive
  {BAD_INPUT}  there is something wrong with the input
  {CHANGED}  every chunk arrived, but one more than once or in another order
     (with --strict also: or altered, or chunks were injected)"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; gives the exit status."""
    options = _parser().parse_args(arguments)
    try:
        return _pipeline(options)
    except InputError as error:
        print(f"toolspan pipeline: {error}", file=sys.stderr)
        return BAD_INPUT
    except ImportError:
        print(
            "toolspan pipeline: it needs the extra: pip install 'toolspan[terminal]', or --json",
            file=sys.stderr,
        )
        return BAD_INPUT
    except BrokenPipeError:  # whoever reads the output has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return BAD_INPUT


def _parser() -> argparse.ArgumentParser:
    whole = argparse.ArgumentParser(prog="toolspan")
    whole.add_argument("--version", action="version", version=f"toolspan {version('toolspan')}")
    commands = whole.add_subparsers(title="commands", required=True)
    parser = commands.add_parser(
        "pipeline",
        help="say which stage lost a chunk",
        description="Prints the stages of a stream in order, and the first one at which a chunk was lost.",
        epilog=_STATUS,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "source", help="a file of OTLP's or Jaeger's JSON, - for the standard input; with --jaeger a trace id"
    )
    parser.add_argument("--jaeger", metavar="ADDRESS", help="ask this Jaeger, such as http://localhost:16686")
    parser.add_argument("--trace", metavar="ID", help="the trace, where the file holds several")
    parser.add_argument("--stream", metavar="ID", help="the stream, where the trace holds several")
    parser.add_argument("--chunk", metavar="WHICH", help=f"follow this chunk: {HELP}")
    parser.add_argument("--strict", action="store_true", help="altered and injected chunks count as well")
    parser.add_argument("--json", action="store_true", help="print JSON")
    return whole


def _pipeline(options: argparse.Namespace) -> int:
    stages = choose(load(options.source, options.jaeger), options.trace, options.stream)
    found = findings(stages)
    sights = journey(stages, options.chunk) if options.chunk else []
    result = status(found, strict=options.strict)
    if options.json:
        print(output.as_json(stages, found, sights, result))
        return result
    out = output.console()
    for stage in missing(stages):
        found.insert(0, Finding(stage.name, ALL, "the stage that it reads from is not in the trace"))
    output.show(out, stages, found, _verdict(found, result))
    if options.chunk:
        output.show_journey(out, sights, lost_at(sights))
    return result


def _verdict(found: list[Finding], result: int) -> str:
    cause = first(found)
    if cause is None or result == ALL:
        return "every chunk arrived"
    position = "" if cause.position is None else f"chunk {cause.position}, "
    what = f" ({position}{cause.chunk})" if cause.chunk else ""
    said = "not every chunk arrived" if result == LOST else "every chunk arrived, but not as it was"
    where = cause.where if cause.where.startswith("before ") else f"at {cause.where}"
    return f"{said}; first {where}{what}: {cause.what}"
