"""Run an agent's turn through each SDK and LiteLLM against each model server, and check what was recorded.

`python -m tests.e2e.sdks NAME…` runs some of them. With a provider's key in the environment, the same program
also runs against that provider; `GROQ_MODEL` and the like name another model.
"""

import os
import shutil
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

from tests.gateway import environment as proxy

from . import aimock, application, checks, collector, llama, loop
from .checks import COMPLETED, Group, Problems, Run, differ
from .parts import CACHE, HERE, alone, obtain
from .processes import HOST, FatalError
from .telemetry import read

PARTS = (aimock.PART, llama.SERVER, llama.MODEL, collector.PART, application.PART, proxy.PART)
SLACK = 2_000_000
"""Nanoseconds between the clocks of a span and of the application."""


class Program(NamedTuple):
    """One way to ask: the provider that spans name, and what the real provider needs."""

    provider: str
    key: str
    model: str
    scope: str = "toolspan"
    variables: tuple[tuple[str, str], ...] = ()


_QUIET = (("ANTHROPIC_OPEN_TELEMETRY", "false"),)  # else the SDK makes spans, which toolspan enriches
PROGRAMS = {
    "openai": Program("openai", "OPENAI", "gpt-5-mini"),
    "groq": Program("groq", "GROQ", "llama-3.3-70b-versatile"),
    "cerebras": Program("cerebras", "CEREBRAS", "gpt-oss-120b"),
    "together": Program("together_ai", "TOGETHER", "openai/gpt-oss-120b"),
    "perplexity": Program("perplexity", "PERPLEXITY", "sonar"),
    "writer": Program("writer", "WRITER", "palmyra-x5"),
    "anthropic": Program("anthropic", "ANTHROPIC", "claude-haiku-4-5", variables=_QUIET),
    "anthropic-own": Program("anthropic", "ANTHROPIC", "claude-haiku-4-5", scope="com.anthropic.sdk.python"),
    "litellm-openai": Program("openai", "OPENAI", "gpt-5-mini"),
    "litellm-groq": Program("groq", "GROQ", "llama-3.3-70b-versatile"),
    "litellm-anthropic": Program("anthropic", "ANTHROPIC", "claude-haiku-4-5"),
}


@dataclass(frozen=True)
class Result:
    """A run of one program, and what it printed; or why there is none."""

    name: str
    run: Run | None
    printed: dict[str, Any]
    failure: str = ""


def call_times(printed: dict[str, Any], run: Run) -> Problems:
    """Each event of a call has the time of its chunk: after the one before, until the application got it."""
    chunks = [times for call in printed["turns"][0]["times"] for times in call]
    for event, (before, now) in zip(run.tool_events, chunks, strict=True):
        if not before - SLACK <= event.time <= now + SLACK:
            yield f"{event.name} is {(now - event.time) / 1e6:.3f} ms before its chunk"


def provider(run: Run) -> Problems:
    """Both spans and all metrics name the provider."""
    wanted = PROGRAMS[run.service.removeprefix(f"{application.SERVICE}-")].provider
    points = [
        point for name, each in run.telemetry.metrics.items() if name.startswith("gen_ai") for point in each
    ]
    owners = [span.attributes for span in run.turns] + [point["attributes"] for point in points]
    found = {each.get("gen_ai.provider.name") for each in owners}
    yield from differ("the provider", found, {wanted})


def problems(result: Result) -> Iterator[str]:
    """All that is wrong with a run."""
    if result.run is None:
        yield result.failure
        return
    groups: list[Group] = [group for _, group in checks.GROUPS]
    if result.run.model != "scripted":
        groups.remove(checks.application)
    groups += [loop.check, provider, partial(call_times, result.printed)]
    for group in groups:
        try:
            yield from group(result.run)
        except (LookupError, TypeError, ValueError) as error:
            yield f"could not be checked: {error!r}"


def ask(name: str, folder: Path, endpoint: str, port: int | None) -> Result:
    """Run one program against a server of this machine, or without a port against its provider."""
    program = PROGRAMS[name]
    key, base = f"{program.key}_API_KEY", f"{program.key}_BASE_URL"
    where = {"SERVER": f"http://{HOST}:{port}"} if port else {base: os.environ.get(base, "")}
    variables = {
        **application.environment(endpoint, "http/protobuf"),
        **dict(program.variables),
        **where,
        key: "none" if port else os.environ[key],
        "OTEL_SERVICE_NAME": f"{application.SERVICE}-{name}",
        "LITELLM_LOCAL_MODEL_COST_MAP": "True",
    }
    home = proxy.FOLDER if name.startswith("litellm") else application.PART.folder
    command = [HERE / "sdk_agent.py", name.removesuffix("-own"), _model(name, port)]
    try:
        return Result(name, None, application.run_program(folder / f"{name}.log", command, variables, home))
    except (FatalError, LookupError, ValueError) as error:
        return Result(name, None, {}, str(error))


def received(result: Result, file: Path, port: int | None) -> Result:
    """Add what the Collector received of a program."""
    if result.failure:
        return result
    service = f"{application.SERVICE}-{result.name}"
    run = Run(
        application.seen_of(result.printed),
        read(file, service),
        port or 0,
        model=_model(result.name, port),
        service=service,
        scope=PROGRAMS[result.name].scope,
    )
    if port is None and run.turns:
        known = run.turns[0].attributes
        host, port = str(known.get("server.address")), int(known.get("server.port", 0))
        run = replace(run, host=host, port=port)
    return Result(result.name, run, result.printed)


def _model(name: str, port: int | None) -> str:
    program = PROGRAMS[name]
    return "scripted" if port else os.environ.get(f"{program.key}_MODEL") or program.model


def row(server: str, result: Result) -> str:
    """The line of the table: what the run recorded."""
    if result.run is None or not result.run.turns:
        return f"| {result.name} | none | {server} | nothing |"
    first, second = result.run.turns[0], result.run.turns[-1]
    done = [
        f"{(each.time - first.start) / 1e9:.2f}" for each in result.run.tool_events if each.name == COMPLETED
    ]
    tokens = [
        "/".join(str(span.attributes.get(f"gen_ai.usage.{kind}_tokens")) for kind in ("input", "output"))
        for span in (first, second)
    ]
    waits = [
        f"{1000 * each.attributes['toolspan.tool_call.turnaround']:.0f}"
        for each in second.events
        if each.name == loop.ANSWERED
    ]
    cells = [
        result.name,
        result.printed["version"],
        server,
        len(result.run.telemetry.spans),
        f"{(first.end - first.start) / 1e9:.2f}",
        ", ".join(done),
        ", ".join(tokens),
        ", ".join(waits),
        len(second.links),
    ]
    return f"| {' | '.join(map(str, cells))} |"


HEAD = (
    "| SDK | version | server | spans | first turn, s | calls complete at, s | tokens in/out"
    " | turnaround, ms | links |"
)


@contextmanager
def no_server(_: Path) -> Iterator[None]:
    """The provider itself answers."""
    yield None


SERVERS: tuple[tuple[str, Callable[[Path], AbstractContextManager[int | None]]], ...] = (
    ("aimock", aimock.serve),
    ("llama-server", llama.serve),
    ("its provider", no_server),
)


def examine(
    server: str, serve: Callable[[Path], AbstractContextManager[int | None]], names: list[str]
) -> int:
    """Run the programs against one server, print a line for each, and give how many failed."""
    folder = CACHE / "last-run" / f"sdks-{server.replace(' ', '-')}"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    with serve(folder) as port, collector.receive(folder) as receiver:
        if port is None:
            names = [name for name in names if os.environ.get(f"{PROGRAMS[name].key}_API_KEY")]
        endpoint = receiver.endpoints["http/protobuf"]
        with ThreadPoolExecutor(2) as pool:
            results = list(pool.map(lambda name: ask(name, folder, endpoint, port), names))
    failed = 0
    for result in (received(each, receiver.file, port) for each in results):
        wrong = list(problems(result))
        print(row(server, result), *(f"      FAIL  {each}" for each in wrong), sep="\n", flush=True)
        failed += bool(wrong)
    return failed


def check(names: list[str] | None = None) -> int:
    """Run all programs against all servers, print the table, and give how many failed."""
    print(HEAD, f"|{' --- |' * (HEAD.count('|') - 1)}", sep="\n", flush=True)
    failed = 0
    for server, serve in SERVERS:
        try:
            failed += examine(server, serve, names or list(PROGRAMS))
        except FatalError as error:
            print(f"FAIL  {server}: {error}", flush=True)
            failed += 1
    print(f"{'FAIL' if failed else 'ok  '}  an agent's turn through each SDK", flush=True)
    return failed


if __name__ == "__main__":
    with alone():
        for part in PARTS:
            obtain(part)
        sys.exit(bool(check(sys.argv[1:])))
