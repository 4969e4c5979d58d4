"""Compare a framework's results and requests with those of a run without toolspan."""

from __future__ import annotations

import re
from collections.abc import Iterator

from tests.e2e import story

from .catalog import Framework
from .environment import Done
from .servers import PERSON, Request

_OF_ONE_RUN = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}|127\.0\.0\.1:\d+")
"""What differs between any two runs: random ids and the server's port."""
_FORBIDDEN = ("toolspan", "Failed to detach", "is not affected")


def failures(framework: Framework, done: Done) -> Iterator[str]:
    """Where the framework did not do what its user wants of it."""
    if done.code:
        yield f"ended with {done.code}: {done.complaints[-1500:].strip()}"
    answer = ", ".join(PERSON.values()) if framework.calls == (1,) else story.ANSWER
    if answer not in done.output:
        yield f"answered {done.output[-300:]!r} instead of {answer!r}"
    for words in _FORBIDDEN:
        if words in done.complaints:
            yield f"{words!r} is in its error output: {done.complaints[-1500:].strip()}"


def differences(traced: Done, bare: Done) -> Iterator[str]:
    """Where the two runs did not end the same, or did not write the same."""
    if traced.code != bare.code:
        yield f"ended with {traced.code}, and with {bare.code} without toolspan"
    for what, found, wanted in (
        ("output", traced.output, bare.output),
        ("error output", traced.complaints, bare.complaints),
    ):
        if _lines(found) != _lines(wanted):
            yield f"its {what} differs without toolspan: {found[-300:]!r}, not {wanted[-300:]!r}"


def _lines(text: str) -> list[str]:
    """What was written, in no order: frameworks run tools in threads."""
    return sorted(_OF_ONE_RUN.sub("", text).splitlines())


def other_requests(traced: list[Request], bare: list[Request]) -> Iterator[str]:
    """Where the two runs did not send the same requests, headers included."""
    if len(traced) != len(bare):
        yield f"{len(traced)} requests, and {len(bare)} without toolspan"
    for at, (found, wanted) in enumerate(zip(traced, bare, strict=False)):
        if found != wanted:
            yield f"request {at} differs without toolspan: {found.sent}, not {wanted.sent}"
