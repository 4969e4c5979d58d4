"""A program that gevent patches: many concurrent streams in greenlets, from a loopback server within it.

It prints its spans as JSON. With the argument `redact`, a redaction callback lets other greenlets run.
"""

from gevent import monkey

monkey.patch_all()

import json  # noqa: E402 - gevent patches before anything else is imported
import os  # noqa: E402 - as above
import platform  # noqa: E402 - as above
import sys  # noqa: E402 - as above
import time  # noqa: E402 - as above
from functools import partial  # noqa: E402 - as above

import gevent  # noqa: E402 - as above
import openai  # noqa: E402 - as above
from gevent.pywsgi import WSGIServer  # noqa: E402 - as above

from tests.sdk import wire  # noqa: E402 - as above
from tests.sdk.telemetry import Telemetry  # noqa: E402 - as above

COUNT = 20


def application(environment, start_response):  # type: ignore[no-untyped-def]  # WSGI
    """Answer with two tool calls; other greenlets run between the chunks."""
    environment["wsgi.input"].read()
    start_response("200 OK", [("content-type", "text/event-stream")])
    for part in wire.events(wire.CALLS):
        gevent.sleep(0)
        yield part


def turn(telemetry: Telemetry, client: openai.OpenAI, number: int) -> None:
    """Read a stream within its own span; close every third one early."""
    with telemetry.tracer.start_as_current_span(f"turn {number}") as parent:
        stream = client.chat.completions.create(stream=True, **wire.ASK)
        for at, _ in enumerate(stream):
            telemetry.tracer.start_span("in the loop").end()
            if number % 3 == 0 and at == 1:
                break
        stream.close()
        assert parent.is_recording()


def redact(name, value):  # type: ignore[no-untyped-def]  # any content
    """Block, and mark the content."""
    time.sleep(0.001)
    return None if isinstance(value, list) else {"seen": True}


def main() -> None:
    """Run all streams and print their spans.

    The SDK reads the platform once, which forks; in the child the telemetry SDK lets other greenlets run,
    each of which forks again, without end. So the platform is read before there is telemetry, and every
    later child ends at once.
    """
    platform.platform()
    os.register_at_fork(after_in_child=partial(os._exit, 1))
    telemetry = Telemetry()
    server = WSGIServer(("127.0.0.1", 0), application, log=None)
    server.start()
    url = f"http://127.0.0.1:{server.server_port}/v1"
    settings = {"capture_message_content": "SPAN_ONLY", "redact": redact} if "redact" in sys.argv else {}
    with telemetry.on(**settings), openai.OpenAI(api_key="key", base_url=url) as client:
        gevent.joinall([gevent.spawn(turn, telemetry, client, at) for at in range(COUNT)], raise_error=True)
    server.stop()
    names = {span.context.span_id: span.name for span in telemetry.everything_ended}
    spans = [
        {
            "parent": names[span.parent.span_id],
            "outcome": span.attributes["toolspan.stream.outcome"],
            "calls": len([event for event in span.events if event.name.endswith("completed")]),
            "seen": str([event.attributes for event in span.events]).count("seen"),
        }
        for span in telemetry.spans
    ]
    loops = [names[span.parent.span_id] for span in telemetry.everything_ended if span.name == "in the loop"]
    print(json.dumps({"spans": spans, "loops": sorted(set(loops))}))


main()
