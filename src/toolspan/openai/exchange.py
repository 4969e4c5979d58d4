"""What the seam does before and after a request: a request becomes a call, a result ends it or is watched.

It knows the SDK's options and results by their attributes, not by their classes, and nothing of telemetry.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from openai import AsyncAzureOpenAI, AsyncStream, AzureOpenAI, Stream
from opentelemetry.instrumentation.utils import is_instrumentation_enabled

from ..call import Call
from ..guard import report
from ..otel.sinks import Sinks
from ..settings import Settings
from ..wire.outcome import End
from ..wire.providers import Endpoint, endpoint
from . import drops
from .body import answer_of, hold
from .routes import find_route
from .stream import stand_in, watched

_AZURE = "azure.ai.openai"


class Exchange:
    """Opens calls for one instrumentation's settings and sinks."""

    def __init__(self, settings: Settings, sinks: Sinks) -> None:
        self._settings = settings
        self._sinks = sinks
        self._timed = settings.chunk_timing
        self._last: tuple[Any, Any, Endpoint] = (None, None, Endpoint("", None, None))

    def open(self, client: Any, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Call | None:
        """The call for a request that is about to be sent; `None` for one that is not ours."""
        try:
            drops.settle()
            options = kwargs["options"] if "options" in kwargs else args[1]
            found = find_route(options)
            if found is None or not is_instrumentation_enabled():
                return None
            route, body = found
            request = route.read_request(body, keep=self._settings.content)
            request.stream = bool(kwargs.get("stream"))
            call = Call(
                route.operation,
                route.api_type,
                request,
                self._endpoint(client),
                route.reader(request.expected, pieces=self._settings.content),
                self._sinks,
                keep=self._settings.content,
                timed=self._timed,
                secrets=partial(_secrets, client),
            )
        except Exception as error:
            report("reading a request", error)
            return None
        call.open()
        return call

    def kwargs(self, kwargs: Mapping[str, Any]) -> dict[str, Any]:
        """The keywords to hand on: the caller's, with our stand-in for the stream class."""
        changed = dict(kwargs)
        try:
            if changed.get("stream") and changed.get("stream_cls") is not None and self._settings.streams:
                changed["stream_cls"] = stand_in(changed["stream_cls"])
        except Exception as error:
            report("preparing a stream", error)
        return changed

    def received(self, call: Call, result: Any) -> Any:
        """The result to hand to the application: the same object, or the same kind of stream."""
        try:
            if call.request.stream:
                return self._streamed(call, result)
            if _is_raw(result):
                _raw_answer(call, result)
            else:
                call.answer(result)
                call.end(End.EXHAUSTED)
        except Exception as error:
            report("reading a result", error)
            drops.finish(call, End.EXHAUSTED)
        return result

    def failed(self, call: Call, error: BaseException) -> None:
        """The request raised; some of the SDK's errors carry the answer that they complain about."""
        completion = getattr(error, "completion", None)
        if completion is not None:
            call.answer(completion)
        drops.finish(call, error)

    def _streamed(self, call: Call, result: Any) -> Any:
        raw = _is_raw(result)
        if not self._settings.streams or not (raw or isinstance(result, (Stream, AsyncStream))):
            call.leave()
            return result
        call.streaming()
        drops.opened(call)
        hold(result.http_response if raw else result.response, call, raw=raw)
        return result if raw else watched(result)

    def _endpoint(self, client: Any) -> Endpoint:
        """Where the client's requests go; most applications have one client, so the last answer is kept."""
        kind, base_url = type(client), client.base_url
        last_kind, last_url, found = self._last
        if kind is not last_kind or base_url is not last_url:
            default = _AZURE if issubclass(kind, (AzureOpenAI, AsyncAzureOpenAI)) else "openai"
            found = endpoint(str(base_url), self._settings.providers, default)
            self._last = (kind, base_url, found)
        return found


def _is_raw(result: Any) -> bool:
    """Whether the application asked for the response instead of what it stands for."""
    return "http_response" in getattr(result, "__dict__", ())


def _raw_answer(call: Call, result: Any) -> None:
    """An answer that is not streamed: its body is here, or the application reads it later."""
    if result.http_response.is_closed:
        call.answer(answer_of(result.http_response))
        call.end(End.EXHAUSTED)
    else:
        hold(result.http_response, call, raw=True)


def _secrets(client: Any) -> tuple[str, ...]:
    """What must never be recorded, even if a server quotes it in an error."""
    found = [vars(client).get("api_key"), vars(client).get("_azure_ad_token")]
    base_url = str(client.base_url)
    if "?" in base_url or "@" in base_url:
        parts = urlsplit(base_url)
        found += [parts.password, *(value for _, value in parse_qsl(parts.query))]
    return tuple(secret.strip("/") for secret in found if isinstance(secret, str) and secret.strip("/"))
