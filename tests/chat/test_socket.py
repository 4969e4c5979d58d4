"""Broken connections, pages of other sites, and the service's HTTP routes."""

from __future__ import annotations

import asyncio
import socket
import threading
import urllib.request
from collections.abc import Callable

import pytest
from opentelemetry.exporter.prometheus import PrometheusMetricReader
from opentelemetry.sdk.metrics import MeterProvider
from websockets.exceptions import ConnectionClosed

from tests.sdk.telemetry import RESOURCE, Telemetry

from .service import SECONDS, Service, quick, serving

TWO = "What are the weather and the time in Paris?"
Serve = Callable[..., Service]


def test_a_reconnected_page_receives_what_it_missed(serve: Serve) -> None:
    """When a socket breaks, the answer continues, and the next socket gets the missed events."""
    go_on = threading.Event()

    async def get_weather(city: str) -> str:
        await asyncio.to_thread(go_on.wait, SECONDS)
        return f"sun in {city}"

    service = serve(tools=quick(get_weather, limit=SECONDS))
    with service.page() as page:
        page.socket.send(TWO)
        page.wait_for("tool", name="get_weather", status="running")
        page.socket.socket.shutdown(socket.SHUT_RDWR)  # without a word, as a network does it
    numbers = [each["number"] for each in page.events if each["kind"] != "hello"]
    with service.page(after=numbers[-1]) as later:
        hello = later.wait_for("hello")
        assert hello["last"] >= numbers[-1]
        assert hello["fresh"] is False
        go_on.set()
        later.wait_for("answered")
    numbers += [each["number"] for each in later.events if each["kind"] != "hello"]
    assert numbers == list(range(1, len(numbers) + 1))
    (question,) = service.spans("answer question")
    assert [event.name for event in question.events] == ["chat.page.lost", "chat.page.connected"]
    assert service.memory.requests == 2


def test_two_pages_of_one_conversation_see_the_same(serve: Serve) -> None:
    """Two pages of a conversation receive the same events; another conversation none of them."""
    service = serve()
    with service.page() as one, service.page() as two, service.page("c-2") as other:
        events = one.ask("Say something nice.")
        two.wait_for("answered")
        assert two.events[1:] == events[1:]
        assert other.ask("Say something nice.")[1]["number"] == 1


def test_a_page_of_a_restarted_service_starts_anew(serve: Serve) -> None:
    """A page that is ahead of a restarted service is asked to start anew."""
    service = serve()
    with service.page(after=57) as page:
        assert page.wait_for("hello")["fresh"] is True
        assert page.ask("Say something nice.")[0]["number"] == 1


def test_a_page_of_another_site_is_refused(serve: Serve) -> None:
    """A page of another site gets no open socket; the service's own does."""
    service = serve()
    with service.page(origin="https://elsewhere.example") as page, pytest.raises(ConnectionClosed) as closed:
        page.wait_for("hello")
    assert closed.value.rcvd is not None
    assert closed.value.rcvd.code == 4403
    with service.page(origin=f"http://127.0.0.1:{service.port}") as page:
        assert page.wait_for("hello")["tools"] == ["get_weather", "get_time", "convert_money"]


def test_empty_questions_and_bytes_are_ignored(serve: Serve) -> None:
    """An empty question is ignored, and bytes end the socket without an error."""
    service = serve()
    with service.page() as page:
        page.socket.send("   ")
        page.socket.send(b"\x00")
        with pytest.raises(ConnectionClosed):
            page.wait_for("question")
    with service.page() as page:
        assert page.ask("Say something nice.")[-1]["kind"] == "answered"


def test_pages_and_metrics_are_served_over_http() -> None:
    """The page and its files are served, and Prometheus reads the conventions' and own metrics."""
    reader, telemetry = PrometheusMetricReader(), Telemetry()
    telemetry.meters = MeterProvider([reader], resource=RESOURCE, shutdown_on_exit=False)
    try:
        with (
            telemetry.on(metric_attributes=["feature"], usage_keys=["session.id"]),
            serving(telemetry) as service,
        ):
            with service.page() as page:
                page.ask(TWO)
            metrics = read(service, "/metrics")
            for path in ("/", "/chat.js", "/view.js", "/chat.css"):
                assert read(service, path)
    finally:
        telemetry.meters.shutdown()
    for name in (
        "gen_ai_client_inference_operation_input_tokens",
        "toolspan_tool_calls_total",
        "gen_ai_execute_tool_duration_seconds",
    ):
        assert f"\n{name}" in metrics
    assert 'feature="chat"' in metrics


def read(service: Service, path: str) -> str:
    """Return the service's response."""
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with opener.open(f"http://127.0.0.1:{service.port}{path}", timeout=SECONDS) as answer:
        text: str = answer.read().decode()
    return text
