"""Run one chat under each policy through all parts, and check the command's output; `make pipeline`."""

from __future__ import annotations

import json
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tests.e2e import collector
from tests.e2e.parts import CACHE, alone, obtain
from tests.e2e.processes import FatalError

from . import environment
from .expected import ARRIVED, BAD_SIGNS, CHATS, SECRETS, SERVICES, STAGES, Expected

SECONDS = 20
"""What the last spans may take to arrive."""
POLL = 0.1


def command(file: Path, *options: str) -> tuple[int, str]:
    """The command's status and output."""
    found = subprocess.run(
        [sys.executable, "-m", "toolspan", "pipeline", str(file), *options],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    return found.returncode, found.stdout + found.stderr


def chats(folder: Path) -> tuple[list[dict[str, Any]], Path, dict[str, Path]]:
    """What the client says of all chats, the file that the Collector wrote, and the logs."""
    with (
        collector.receive(folder) as receiver,
        environment.running(folder, receiver.endpoints["http/protobuf"]) as parts,
    ):
        told = parts.client(*CHATS)
        await_stages(receiver.file, len(told) * len(STAGES))
    return told, receiver.file, parts.logs


def await_stages(file: Path, count: int) -> None:
    """Until so many stages have arrived; that they do not is found by what is checked."""
    deadline = time.monotonic() + SECONDS
    while time.monotonic() < deadline:
        if file.exists() and file.read_text().count('"toolspan.stage.name"') >= count:
            return
        time.sleep(POLL)


def check_chat(told: dict[str, Any], wanted: Expected, file: Path) -> Iterator[str]:
    """One chat: what the client got, and what the command says of it."""
    if (told["chunks"], told["ended"]) != (wanted.chunks, wanted.ended):
        yield f"the client received {told['chunks']} chunks and {told['ended']}"
    status, out = command(file, "--trace", told["trace"])
    lines = out.splitlines() or [""]
    if status != wanted.status:
        yield f"status {status}, not {wanted.status}: {out}"
    if wanted.verdict not in lines[-1] or (wanted.verdict == ARRIVED and lines[-1] != ARRIVED):
        yield f"the verdict is: {lines[-1]}"
    if wanted.said not in out:
        yield f"{wanted.said!r} is not in the output"
    if told["stream"] not in lines[0]:
        yield f"the stream id is not the client's: {lines[0]}"
    names = tuple(line.split()[0] for line in lines[2 : 2 + len(STAGES)])
    if names != STAGES:
        yield f"the stages are {', '.join(names)}"


def check_one_chunk(told: dict[str, Any], file: Path) -> Iterator[str]:
    """A chunk through all six steps, on both sides of each, in one trace and one stream."""
    for chunk in ("call:0:first", "call:1:last", "finish", "10"):
        status, out = command(file, "--trace", told["trace"], "--stream", told["stream"], "--chunk", chunk)
        seen = [tuple(line.split()[1:3]) for line in out.splitlines() if line.startswith("✔")]
        if status or seen != [(name, side) for name in STAGES for side in ("in", "out")]:
            yield f"{chunk} was seen at {seen}"
        elif chunk == "call:1:last":
            print(out, flush=True)


def check_services(told: dict[str, Any], file: Path) -> Iterator[str]:
    """Each stage is told of by its own service, each once."""
    _, out = command(file, "--trace", told["trace"], "--json")
    for stage in json.loads(out)["stages"]:
        if stage["service"] != SERVICES[stage["name"].partition(".")[0]]:
            yield f"{stage['name']} comes from the service {stage['service']}"


def check_logs(told: list[dict[str, Any]], file: Path, logs: dict[str, Path]) -> Iterator[str]:
    """No part complains, the messages are logged, and no content is told of."""
    for name, log in logs.items():
        text = log.read_text()
        yield from (f"the log of {name} contains {sign!r}" for sign in BAD_SIGNS if sign in text)
    words = logs["control-plane"].read_text()
    stream = told[0]["stream"]
    for word in ("START", "CHUNK", "END"):
        if f"{word} stream={stream}" not in words:
            yield f"the control plane's log has no {word} of {stream}"
    if "ERROR stream=" not in words:
        yield "the control plane's log has no ERROR"
    stages = [line for line in file.read_text().splitlines() if '"toolspan.stage.name"' in line]
    yield from (f"a stage's span contains {secret}" for secret in SECRETS if secret in _stages(stages))


def _stages(lines: list[str]) -> str:
    """The spans of stages alone, as JSON: those of the model's calls name their tools."""
    found = [
        span
        for line in lines
        for resource in json.loads(line).get("resourceSpans", ())
        for scope in resource["scopeSpans"]
        for span in scope["spans"]
        if span["name"].startswith("stage ")
    ]
    return json.dumps(found)


def examine() -> int:
    """Run all, print a line for each check, and give the number of those that failed."""
    print(f"part  collector: {obtain(collector.PART)}", flush=True)
    print(f"part  proxy: {obtain(environment.PART)}", flush=True)
    folder = CACHE / "last-run" / "gateway"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    told, file, logs = chats(folder)
    checks = {
        f"under {name}": check_chat(each, CHATS[name], file) for name, each in zip(CHATS, told, strict=True)
    }
    checks["one chunk through all six steps"] = check_one_chunk(told[0], file)
    checks["each step in its service"] = check_services(told[0], file)
    checks["logs"] = check_logs(told, file, logs)
    failed = 0
    for title, found in checks.items():
        problems = list(found)
        failed += bool(problems)
        print("FAIL " if problems else "ok   ", title, *(f"\n      {each}" for each in problems), flush=True)
    return failed


def main() -> int:
    """Run everything and give the exit code; being told to stop ends the servers as well."""
    began = time.monotonic()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    try:
        with alone():
            failed = examine()
    except FatalError as error:
        print(f"FAIL  {error}", flush=True)
        failed = 1
    print(f"{'FAIL' if failed else 'ok'}    a pipeline in real parts, {time.monotonic() - began:.1f} s")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
