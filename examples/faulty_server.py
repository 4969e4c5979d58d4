"""The demo server with faults: the model's name says which; any other model is answered as ever."""

import json
import time
from collections.abc import Callable

from demo_server import Handler, Json, chunks, completion

LATE_SECONDS = 0.6
DAWDLE_SECONDS = 0.1
CACHED = {"prompt_tokens_details": {"cached_tokens": 64}}


class FaultyHandler(Handler):
    """Answers as its model is known to answer."""

    def reply(self, request: Json) -> None:
        """Find the fault of the model, or answer properly."""
        FAULTS.get(str(request.get("model")), Handler.reply)(self, request)

    def refuse(self, status: int, message: str) -> None:
        """Answer with an error, as the API words it; one that may be tried again at once."""
        error = {"message": message, "type": "server_error", "code": None}
        self.whole(status, {"error": error}, {"retry-after-ms": "20"})


def limited(handler: FaultyHandler, request: Json) -> None:
    """Two answers of 429, then a proper one; the client says in a header which attempt this is."""
    if int(handler.headers.get("x-stainless-retry-count", 0)) < 2:
        handler.refuse(429, "slow down")
    else:
        Handler.reply(handler, request)


def exhausted(handler: FaultyHandler, request: Json) -> None:
    """Only ever 429."""
    handler.refuse(429, "no more today")


def broken(handler: FaultyHandler, request: Json) -> None:
    """Only ever 500."""
    handler.refuse(500, "something is broken")


def late(handler: FaultyHandler, request: Json) -> None:
    """A proper answer, after the client has stopped waiting."""
    time.sleep(LATE_SECONDS)
    Handler.reply(handler, request)


def dawdling(handler: FaultyHandler, request: Json) -> None:
    """A proper answer, each piece of it long after the one before."""
    handler.pause = DAWDLE_SECONDS
    Handler.reply(handler, request)


def cut(handler: FaultyHandler, request: Json) -> None:
    """The connection is closed while the arguments of the first call are on their way."""
    handler.stream([json.dumps(chunk) for chunk in chunks(request)][:4], whole=False)


def short(handler: FaultyHandler, request: Json) -> None:
    """The stream ends properly, but before the model has finished."""
    handler.stream([*[json.dumps(chunk) for chunk in chunks(request)][:4], "[DONE]"])


def altered(handler: FaultyHandler, request: Json, part: str, changes: "dict[str, str]") -> None:
    """A proper answer, but for some characters in the name or the arguments of its calls."""
    found = list(chunks(request))
    for chunk in found:
        for choice in chunk["choices"]:
            for call in choice["delta"].get("tool_calls", []):
                for old, new in changes.items() if part in call["function"] else ():
                    call["function"][part] = call["function"][part].replace(old, new)
    handler.stream([*map(json.dumps, found), "[DONE]"])


def garbled(handler: FaultyHandler, request: Json) -> None:
    """The colons of the arguments are missing, so that they are no JSON."""
    altered(handler, request, "arguments", {":": ""})


def misnamed(handler: FaultyHandler, request: Json) -> None:
    """The tools that are called were not offered."""
    altered(handler, request, "name", {"get_": "fetch_"})


def lacking(handler: FaultyHandler, request: Json) -> None:
    """The required argument is missing; there is one of another name."""
    altered(handler, request, "arguments", {'{"': '{"the_'})


def mistyped(handler: FaultyHandler, request: Json) -> None:
    """The argument is a list, where a text is wanted."""
    altered(handler, request, "arguments", {":": ":[", "}": "]}"})


def hanging(handler: FaultyHandler, request: Json) -> None:
    """The stream begins and nothing follows, until the client hangs up."""
    handler.stream([json.dumps(chunk) for chunk in chunks(request)][:2], whole=False)
    handler.rfile.read(1)


def cached(handler: FaultyHandler, request: Json) -> None:
    """A whole answer, part of whose input came from the provider's cache."""
    answer = completion(request)
    answer["usage"] = {**answer["usage"], **CACHED}
    handler.whole(200, answer)


FAULTS: dict[str, Callable[[FaultyHandler, Json], None]] = {
    each.__name__: each
    for each in (
        *(limited, exhausted, broken, late, dawdling, cut, short, hanging, cached),
        *(garbled, misnamed, lacking, mistyped),
    )
}
