"""The demo server with faults: the model's name selects one; any other model gets a normal answer."""

import json
import time
from collections.abc import Callable

from demo_server import Handler, Json, chunks, completion

LATE_SECONDS = 0.6
DAWDLE_SECONDS = 0.1
CACHED = {"prompt_tokens_details": {"cached_tokens": 64}}


class FaultyHandler(Handler):
    """Answer with the fault of the requested model."""

    def reply(self, request: Json) -> None:
        """Answer with the model's fault, or normally."""
        FAULTS.get(str(request.get("model")), Handler.reply)(self, request)

    def refuse(self, status: int, message: str) -> None:
        """Answer with an error in the API's format that the client may retry after 20 ms."""
        error = {"message": message, "type": "server_error", "code": None}
        self.whole(status, {"error": error}, {"retry-after-ms": "20"})


def limited(handler: FaultyHandler, request: Json) -> None:
    """Answer twice with 429, then normally."""
    # The SDK sends the number of its attempt in this header, so the server keeps no state.
    if int(handler.headers.get("x-stainless-retry-count", 0)) < 2:
        handler.refuse(429, "slow down")
    else:
        Handler.reply(handler, request)


def exhausted(handler: FaultyHandler, request: Json) -> None:
    """Answer every request with 429."""
    handler.refuse(429, "no more today")


def broken(handler: FaultyHandler, request: Json) -> None:
    """Answer every request with 500."""
    handler.refuse(500, "something is broken")


def late(handler: FaultyHandler, request: Json) -> None:
    """Answer normally, after the client's timeout."""
    time.sleep(LATE_SECONDS)
    Handler.reply(handler, request)


def dawdling(handler: FaultyHandler, request: Json) -> None:
    """Answer normally, with long pauses between the chunks."""
    handler.pause = DAWDLE_SECONDS
    Handler.reply(handler, request)


def cut(handler: FaultyHandler, request: Json) -> None:
    """Close the connection within the arguments of the first call."""
    handler.stream([json.dumps(chunk) for chunk in chunks(request)][:4], whole=False)


def short(handler: FaultyHandler, request: Json) -> None:
    """End the stream normally, but before the finish reason."""
    handler.stream([*[json.dumps(chunk) for chunk in chunks(request)][:4], "[DONE]"])


def altered(handler: FaultyHandler, request: Json, part: str, changes: "dict[str, str]") -> None:
    """Answer with some characters replaced in the names or the arguments of the calls."""
    found = list(chunks(request))
    for chunk in found:
        for choice in chunk["choices"]:
            for call in choice["delta"].get("tool_calls", []):
                for old, new in changes.items() if part in call["function"] else ():
                    call["function"][part] = call["function"][part].replace(old, new)
    handler.stream([*map(json.dumps, found), "[DONE]"])


def garbled(handler: FaultyHandler, request: Json) -> None:
    """Leave out the colons of the arguments, so that they are not JSON."""
    altered(handler, request, "arguments", {":": ""})


def misnamed(handler: FaultyHandler, request: Json) -> None:
    """Call tools that the request did not offer."""
    altered(handler, request, "name", {"get_": "fetch_"})


def lacking(handler: FaultyHandler, request: Json) -> None:
    """Send an argument of another name instead of the required one."""
    altered(handler, request, "arguments", {'{"': '{"the_'})


def mistyped(handler: FaultyHandler, request: Json) -> None:
    """Send a list where the tool's schema has a string."""
    altered(handler, request, "arguments", {":": ":[", "}": "]}"})


def hanging(handler: FaultyHandler, request: Json) -> None:
    """Begin the stream and send no more, until the client closes the connection."""
    handler.stream([json.dumps(chunk) for chunk in chunks(request)][:2], whole=False)
    handler.rfile.read(1)


def cached(handler: FaultyHandler, request: Json) -> None:
    """Answer without streaming, with a part of the input from the provider's cache."""
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
