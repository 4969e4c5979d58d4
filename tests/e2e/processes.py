"""Run commands and servers on this machine, each with a timeout."""

import http.client
import os
import socket
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

HOST = "127.0.0.1"
RUN_SECONDS = 1500
START_SECONDS = 60
STOP_SECONDS = 10
POLL_SECONDS = 0.05
TAIL = 25

Command = Sequence[object]
Variables = Mapping[str, str]
NOTHING_MORE: Variables = {}


class FatalError(Exception):
    """Something the test cannot go on without; its text is all that the user is shown."""


def run(command: Command, cwd: Path | None = None, variables: Variables = NOTHING_MORE) -> str:
    """Run a command to its end and give its output; `variables` are added to the environment."""
    try:
        done = subprocess.run(
            _words(command),
            cwd=cwd,
            env={**os.environ, **variables},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=RUN_SECONDS,
            check=False,
        )
    except FileNotFoundError:
        raise FatalError(f"{command[0]} is not installed") from None
    except subprocess.TimeoutExpired:
        raise FatalError(f"{_line(command)} did not end within {RUN_SECONDS} s") from None
    if done.returncode:
        raise FatalError(f"{_line(command)} failed with {done.returncode}:\n{tail(done.stdout)}")
    return done.stdout


@contextmanager
def serving(
    command: Command, log: Path, ready: Callable[[], bool], variables: Variables = NOTHING_MORE
) -> Iterator[None]:
    """Run a server while the block runs: from the moment it is ready, until it has really ended."""
    with log.open("wb") as output:
        server = subprocess.Popen(
            _words(command),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            env={**os.environ, **variables},
        )
    try:
        _await(server, ready, log)
        yield
    finally:
        _stop(server)


def _await(server: "subprocess.Popen[bytes]", ready: Callable[[], bool], log: Path) -> None:
    deadline = time.monotonic() + START_SECONDS
    while not ready():
        if server.poll() is not None:
            raise FatalError(f"{log.stem} ended with {server.returncode}:\n{tail(log.read_text())}")
        if time.monotonic() > deadline:
            raise FatalError(f"{log.stem} was not ready after {START_SECONDS} s:\n{tail(log.read_text())}")
        time.sleep(POLL_SECONDS)


def _stop(server: "subprocess.Popen[bytes]") -> None:
    server.terminate()
    try:
        server.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        server.kill()
        server.wait()


def answers(port: int, path: str, body: str | None = None) -> bool:
    """Whether a server on loopback answers 200, asked directly and never through a proxy."""
    connection = http.client.HTTPConnection(HOST, port, timeout=1)
    try:
        connection.request(
            "GET" if body is None else "POST", path, body, {"content-type": "application/json"}
        )
        return connection.getresponse().status == 200
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def free_ports(count: int) -> list[int]:
    """So many different ports on loopback that nobody uses now."""
    sockets = [socket.create_server((HOST, 0)) for _ in range(count)]
    ports = [each.getsockname()[1] for each in sockets]
    for each in sockets:
        each.close()
    return ports


def tail(text: str) -> str:
    """The last lines of an output, indented."""
    return "\n".join(f"    {line}" for line in text.splitlines()[-TAIL:])


def _words(command: Command) -> list[str]:
    return [str(word) for word in command]


def _line(command: Command) -> str:
    return " ".join(_words(command))
