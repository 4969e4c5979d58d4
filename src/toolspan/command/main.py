"""The command line: options, errors and exit status."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from importlib.metadata import version
from typing import Any

from .doctor import doctor, present
from .pipeline import output
from .pipeline.diagnose import (
    ALL,
    CHANGED,
    HELP,
    LOST,
    Finding,
    Sight,
    findings,
    first,
    journey,
    lost_at,
    status,
)
from .pipeline.load import InputError, load
from .pipeline.output import printable
from .pipeline.traced_stages import Stage, choose, missing

# The statuses are an interface: scripts and CI branch on them. 2 is also argparse's for wrong options.
BAD_INPUT = 2
_STATUS = f"""exit status:
  {ALL}  every chunk arrived
  {LOST}  some chunk did not arrive
  {BAD_INPUT}  the input cannot be read; the error names the reason
  {CHANGED}  every chunk arrived, but some repeated or out of order
     (with --strict also: altered or injected)"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command and return its exit status."""
    options = _parser().parse_args(arguments)
    try:
        return int(options.run(options))
    except InputError as error:
        reason = str(error)
    except (ArithmeticError, LookupError, TypeError, ValueError) as error:
        reason = f"the spans hold a value that no stage writes: {error}"
    except OSError as error:
        reason = _unwritable(error)
    if reason:  # it may quote the trace, a path or an answer
        print(f"toolspan {options.command}: {printable(reason)}", file=sys.stderr or sys.stdout)
    return BAD_INPUT


def _unwritable(error: OSError) -> str:
    """Give up standard output; return the reason, empty for a pipe that its reader closed, as `head` does."""
    # The interpreter flushes again at exit, and would report a second error.
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    reason = f"standard output cannot be written: {error.strerror or error}"
    return "" if isinstance(error, BrokenPipeError) else reason


def _parser() -> argparse.ArgumentParser:
    """Return the parser of the command line."""
    form = argparse.RawDescriptionHelpFormatter
    root = argparse.ArgumentParser(
        prog="toolspan", description=_DESCRIPTION, epilog=_EXAMPLES, formatter_class=form
    )
    root.add_argument("--version", action="version", version=f"toolspan {version('toolspan')}")
    commands = root.add_subparsers(title="commands", required=True, metavar="COMMAND", dest="command")
    for name, (run, short, long, ending, known) in _COMMANDS.items():
        parser = commands.add_parser(name, help=short, description=long, epilog=ending, formatter_class=form)
        parser.set_defaults(run=run)
        for argument, options in known.items():
            parser.add_argument(argument, **options)
    return root


_DESCRIPTION = """\
toolspan traces the calls of LLM SDKs with OpenTelemetry. A program gets its traces by one line,
`toolspan.show()` or `toolspan.instrument()`, or by opentelemetry-instrument, without a change.
This command examines a set-up, and traces that were written."""
_EXAMPLES = """\
examples:
  opentelemetry-instrument toolspan doctor     why does no span arrive?
  opentelemetry-instrument --traces_exporter toolspan_file --metrics_exporter none \\
      --logs_exporter none python app.py       write the spans to toolspan-traces.jsonl
  toolspan pipeline toolspan-traces.jsonl             which stage lost a chunk?

`toolspan COMMAND --help` explains a command."""

_ARGUMENTS: Mapping[str, Mapping[str, Any]] = {
    "source": {"help": "a file in OTLP or Jaeger JSON, - for standard input, or a trace id with --jaeger"},
    "--jaeger": {"metavar": "ADDRESS", "help": "load from Jaeger, such as http://localhost:16686"},
    "--trace": {"metavar": "ID", "help": "the trace, if the file holds several"},
    "--stream": {"metavar": "ID", "help": "the stream, if the trace holds several"},
    "--chunk": {"metavar": "WHICH", "help": f"follow this chunk: {HELP}"},
    "--strict": {"action": "store_true", "help": "also fail on altered and injected chunks"},
    "--json": {"action": "store_true", "help": "print JSON instead of a table"},
}


def _pipeline(options: argparse.Namespace) -> int:
    """Run `toolspan pipeline` and return its exit status."""
    if sys.stdout is None:
        raise InputError("standard output is closed")
    stages = choose(load(options.source, options.jaeger), options.trace, options.stream)
    found = findings(stages)
    sights = journey(stages, options.chunk) if options.chunk else []
    result = status(found, strict=options.strict)
    if options.json:
        print(output.as_json(stages, found, sights, result))
    else:  # only here: JSON needs no rich
        _show(output.console(), stages, found, sights if options.chunk else None, result)
    sys.stdout.flush()
    return result


def _doctor(options: argparse.Namespace) -> int:
    """Run `toolspan doctor` and return its exit status."""
    return doctor(present(), lambda line: print(printable(line)))


_DOCTOR = """\
Print the installed SDKs, the exporters, the settings, and each problem with its remedy.
Start it as you start the program: `opentelemetry-instrument [OPTIONS] toolspan doctor`, with the same
variables. It sends an export without telemetry to OTLP endpoints."""
_PIPELINE = """\
Print the stages of a stream in order, and the first one that lost a chunk.
`opentelemetry-instrument --traces_exporter toolspan_file` writes a file that it reads, and so does the
file exporter of the Collector."""
_COMMANDS: Mapping[str, tuple[Callable[[argparse.Namespace], int], str, str, str, Mapping[str, Any]]] = {
    "doctor": (
        _doctor,
        "say what is instrumented, where telemetry goes, and what is wrong",
        _DOCTOR,
        "exit status:\n  0  no problem\n  1  a problem that costs telemetry",
        {},
    ),
    "pipeline": (
        _pipeline,
        "name the stage that lost a chunk",
        _PIPELINE,
        _STATUS,
        _ARGUMENTS,
    ),
}


def _show(
    out: Any, stages: list[Stage], found: list[Finding], sights: list[Sight] | None, result: int
) -> None:
    """Print the stages, the findings and the journey of a chunk, if one was chosen."""
    for stage in missing(stages):
        # Shown, but without weight: a missing span is no proof of a lost chunk.
        found.insert(0, Finding(stage.name, ALL, "the stage that it reads from is not in the trace"))
    output.show(out, stages, found, _verdict(found, result))
    if sights is not None:
        output.show_journey(out, sights, lost_at(sights))


def _verdict(found: list[Finding], result: int) -> str:
    """Return the last line of the output: whether every chunk arrived, and the first finding that matters."""
    cause = first(found)
    if cause is None or result == ALL:
        return "every chunk arrived"
    position = "" if cause.position is None else f"chunk {cause.position}, "
    what = f" ({position}{cause.chunk})" if cause.chunk else ""
    result_text = (
        "not every chunk arrived" if result == LOST else "every chunk arrived, but the stream changed"
    )
    # `before X` already names a place; stages and pairs of stages need a preposition.
    where = cause.where if cause.where.startswith("before ") else f"at {cause.where}"
    return f"{result_text}; first {where}{what}: {cause.what}"
