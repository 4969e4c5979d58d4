"""Turn a request of the SDK into a call, and its result into the call's end or a tracked stream."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from functools import partial
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from opentelemetry import trace
from opentelemetry.context import get_current
from opentelemetry.instrumentation.utils import is_instrumentation_enabled

from .. import open_streams
from ..agent_loop.invoke_agent import KEY
from ..call import Call
from ..event_stream.listener import EventListener
from ..guard import attribute, report
from ..kill_switch import switches_of
from ..otel import semconv as names
from ..otel.attributes import Value
from ..otel.call_data import OPERATIONS
from ..otel.deferred_metrics import measured_context
from ..otel.dispatch import Sinks
from ..otel.errors import SHORTEST_SECRET
from ..otel.labels import UserLabels
from ..otel.other_instrumentations import Outer, logfire_alone, outer_call
from ..settings import Settings
from ..user_context import current
from ..wire.providers import Endpoint, endpoint
from ..wire.record import End
from ..wire.request import Request
from . import retries
from .family import Sdk, default_provider
from .hooks import guarded
from .http_response import answer_of, hold
from .routes import Route, find_route, routes_of
from .sinks import stream_usage
from .stream import end_before_the_sdk, stand_in, tracked_stream


class Made(list[Call]):
    """The call of a request that is being sent, if it is traced.

    Such a list can be referred to weakly, and lives as long as the frame that sends the request.
    """

    __slots__ = ("__weakref__",)


class Exchange:
    """A maker of calls, with the settings and sinks of one `instrument()`."""

    def __init__(self, sdk: Sdk, settings: Settings, sinks: Sinks) -> None:
        self._sdk = sdk
        self._prefix, self._routes = sdk.member.prefix, routes_of(sdk.member)
        self._settings = settings
        self._sinks = sinks
        # The completion hook gets content also where nothing captures it.
        self._keep = settings.content or sinks.hooked
        self._timed = settings.chunk_timing
        self._labels = UserLabels(settings.metric_attributes)
        self.usage, self.streams = stream_usage(settings), sdk.streams
        self._last: tuple[Any, Any, Endpoint] = (None, None, Endpoint("", None, None))

    def open(self, client: Any, args: tuple[Any, ...], kwargs: Mapping[str, Any], made: Made) -> Call | None:
        """Return the opened call of a request; `None` for a request that is not traced.

        The call is also in `made`, from before its span starts. Raise `AgentStopped` within an agent that is
        stopped.
        """
        try:
            # Here no lock is held, so that streams which died in a garbage collection can be ended.
            if open_streams.waiting:
                open_streams.end_dropped()
            around = retries.current.get()
            if around is not None and around.covers and not around.finished:
                return None
            options = kwargs["options"] if "options" in kwargs else args[1]
            found = find_route(options, self._prefix, self._routes)
            if found is None:
                return None
            call = self.prepare(client, *found, stream=bool(kwargs.get("stream")))
        except Exception as error:
            report("reading a request", error)
            return None
        if call is not None:
            if call.agent is not None:
                call.agent.check()
            owner = open_streams.Owner(made, open_streams.waiting.append)
            owner.call = call
            call.owner = owner
            made.append(call)
            call.open()
        return call

    def prepare(
        self, client: Any, route: Route, body: Mapping[str, Any], *, stream: bool, url: Any = None
    ) -> Call | None:
        """Return the call of a request, not yet opened; `None` if switched off, suppressed or skipped."""
        on = switches_of(client)
        if not on.enabled:
            return None
        around = get_current()  # empty in most scripts: then there is nothing around the request
        suppressed = bool(around) and not is_instrumentation_enabled()
        if (suppressed or "logfire" in sys.modules) and (
            logfire_alone(client, suppressed=suppressed) or suppressed
        ):
            return None
        keep = self._keep and on.content
        request = route.read_request(body, keep=keep)
        request.stream = stream
        request.checked = self._settings.check_arguments and request.tools is not None
        outer = None
        if around and self._settings.other_instrumentations != "span":
            outer = outer_call(route.operation, OPERATIONS[route.operation].outer_key, request.model)
            if outer is not None and self._settings.other_instrumentations == "skip":
                return None
        call = self._call(client, route, request, url or client.base_url, keep)
        call.tracked = self._settings.track_streams and on.track_streams
        if outer is not None:
            _borrow(call, outer)
            # anthropic ends its own span before it returns a whole answer.
            call.arrived = None if stream or call.span is None else self.received
        if around and (agent := around.get(KEY)) is not None:
            agent.opened(call)  # type: ignore[attr-defined]  # an `AgentRun`
        try:
            if around and (user := current(self._settings.baggage_keys)):
                _add_user_attributes(call, user, self._labels)
        except Exception as error:
            report("adding user attributes", error)
        return call

    def _call(self, client: Any, route: Route, request: Request, url: Any, keep: bool) -> Call:
        endpoint = self._endpoint(client, url)
        on_event = self._settings.on_event
        pieces = keep or on_event is not None
        offered = request.tools if request.checked else None
        return Call(
            route.operation,
            route.api_type,
            request,
            endpoint,
            route.reader(request.expected, pieces=pieces, offered=offered, provider=endpoint.provider),
            self._sinks,
            keep=keep,
            timed=self._timed and OPERATIONS[route.operation].times_chunks,
            secrets=partial(secrets_of, client),
            listener=None if on_event is None else EventListener(on_event, request.expected, report),
        )

    def kwargs(self, call: Call, kwargs: Mapping[str, Any]) -> dict[str, Any]:
        """Return the request's keywords, with a stream class that makes tracked streams."""
        changed = dict(kwargs)
        try:
            if changed.get("stream") and changed.get("stream_cls") is not None and call.tracked:
                changed["stream_cls"] = stand_in(changed["stream_cls"], self._sdk.streaming)
        except Exception as error:
            report("preparing a stream", error)
        return changed

    # A call must end although reading its result failed, or its span is lost. A raw response is recognised
    # without running code of its class, which may be the application's own, passed as `cast_to`.
    def received(self, call: Call, result: Any) -> Any:
        """Return what the application gets: the same result, or a tracked stream of the same class."""
        if call.finished:  # it ended when the result was made
            return result
        call.response = None  # an interruption from here on must not let the answer be read a second time
        try:
            if call.request.stream:
                return self._streamed(call, result)
            if "http_response" in getattr(result, "__dict__", ()):
                _raw_answer(call, result)
            else:
                # The SDK returns a body of another content type than JSON as text.
                call.answer(_body(call) if type(result) is str else result)
                call.end(End.EXHAUSTED)
        except Exception as error:
            report("reading a result", error)
            open_streams.finish(call, End.EXHAUSTED)
        return result

    def _streamed(self, call: Call, result: Any) -> Any:
        raw = "http_response" in getattr(result, "__dict__", ())
        # A stream of a foreign class cannot be rebuilt: it is returned as it is, and its span ends here.
        if not call.tracked or not (raw or isinstance(result, self._sdk.streams)):
            call.leave()
            return result
        open_streams.opened(call)
        call.streaming()
        response = result.http_response if raw else result.response
        hold(response, call, raw=raw)
        if call.borrowed:
            end_before_the_sdk(response, call)
        if not raw:
            call.owner = None  # from here on it is the stream
        # A raw response is returned untouched (LiteLLM reads its headers, opentelemetry-python-contrib#4113);
        # its `parse()` makes the tracked stream, by the stream class of `kwargs`.
        return result if raw else tracked_stream(result)

    def _endpoint(self, client: Any, url: Any) -> Endpoint:
        """Return where the client sends its requests; the last endpoint is cached."""
        kind = type(client)
        # Most applications have one client. Compared by identity, because comparing URLs takes longer.
        last_kind, last_url, found = self._last
        if kind is not last_kind or url is not last_url:
            found = endpoint(str(url), self._settings.providers, default_provider(self._sdk.member, client))
            self._last = (kind, url, found)  # one tuple, replaced as a whole: threads need no lock
        return found


def failed(call: Call, error: BaseException) -> None:
    """End the call of a request that raised."""
    try:
        # The answer came, and the SDK could not make a result of it: `parse()` does not validate, the
        # content type is another. LengthFinishReasonError of `parse()` carries the answer.
        completion = attribute(error, "completion")
        if completion is None:
            completion = _body(call)
        if completion is not None:
            call.answer(completion)
        guarded(retries.failed, call, error)
    finally:  # the error's class may run code that raises anything, even SystemExit: the call ends
        open_streams.finish(call, error)


def _borrow(call: Call, outer: Outer) -> None:
    """Let the call enrich another instrumentation's span, if there is one, instead of starting a second."""
    call.counts_tokens, call.counts_times, call.counts_first = (
        not outer.tokens,
        not outer.times,
        not outer.first,
    )
    call.timed = call.timed and not outer.times
    call.borrowed = not outer.hidden
    if (span := outer.span) is not None:
        call.span, call.context = span, trace.set_span_in_context(span)
        call.measured = measured_context(span)


def _add_user_attributes(call: Call, user: Mapping[str, Value], labels: UserLabels) -> None:
    """Add what `toolspan.attributes` and baggage say of the call."""
    call.user = user
    # `gen_ai.conversation.id` counts as the conversation, unless the request has one itself.
    conversation = user.get(names.CONVERSATION_ID)
    if call.request.conversation is None and isinstance(conversation, str):
        call.request.conversation = conversation
    call.user_labels = labels.of(user)


def _body(call: Call) -> Any:
    """Return the JSON of the response that the SDK has read; `None` if there is none."""
    response = call.response() if call.response is not None else None
    try:
        return answer_of(response) if attribute(response, "is_closed") is True else None
    except Exception as error:
        report("reading a response body", error)
        return None


def _raw_answer(call: Call, result: Any) -> None:
    """Read a raw answer now if its body has arrived; otherwise read it while the application does."""
    # `with_raw_response` has read and closed the response; `with_streaming_response` has read its head only.
    if result.http_response.is_closed:
        if not call.traits.is_binary:
            call.answer(answer_of(result.http_response))
        call.end(End.EXHAUSTED)
    else:
        hold(result.http_response, call, raw=True)


_SECRET_WORDS = ("key", "secret", "token")


def secrets_of(client: Any) -> tuple[str, ...]:
    """Return the secrets of a client, which are never recorded, even if a server quotes one in an error."""
    found = [value for name, value in vars(client).items() if any(word in name for word in _SECRET_WORDS)]
    base_url = str(client.base_url)
    if "?" in base_url or "@" in base_url:
        parts = urlsplit(base_url)
        found += [parts.password, *(value for _, value in parse_qsl(parts.query))]
    secrets = [secret.strip("/") for secret in found if isinstance(secret, str)]
    return tuple(secret for secret in secrets if len(secret) >= SHORTEST_SECRET)
