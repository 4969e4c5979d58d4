"""Request the tokens of a stream where the application does not, and hide what the server adds to it.

A request may set `stream_options.include_usage`; the server then sends one more chunk, without choices,
before the end. Only the bytes of the request differ: the application's chunks have no usage, as without it.
"""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any, ClassVar

from ..call import Call
from ..guard import attribute, report
from ..otel.call_data import CallData
from ..otel.sink import Sink
from ..wire.record import Outcome

_OPTION = "stream_options"
_SENDS_ON_REQUEST = "api.openai.com"
"""The host, also with a region before it, that is known to send usage only where it is requested.

Any other server is first seen without the option.
"""
_REFUSE = {
    "mistral_ai": "openai/openai-agents-python#442: status 422; it sends usage without it",
    "azure.ai.openai": "openai/openai-python#1469: status 400 with older API versions",
    "azure.ai.inference": "openai/openai-python#1469",
    "databricks": "anomalyco/opencode#4698: status 400 for models of Bedrock",
}
"""Providers that refuse the option, with a report of each."""
_REFUSING_FIELDS = ("data_sources",)  # Azure's own data, through any gateway: openai/openai-python#2296
_REFUSED = (400, 422)  # statuses
_MOST = 256  # servers and models that are remembered


class StreamUsage(Sink):
    """The option in requests, and what is learned of each server and model from its streams.

    A server that sends usage without it never gets the option: the application would lose that usage.
    """

    signals: ClassVar[dict[str, str]] = {"ended": "observations of servers that send no usage"}

    def __init__(self) -> None:
        self._known: dict[Any, bool] = {}

    def ended(self, call: CallData) -> None:
        """Learn from a completed stream whether its server sends usage without the option."""
        key = call.usage_key
        if key is not None and call.outcome is Outcome.COMPLETED and call.streamed:
            self._learn(key, option=call.record.usage is None)

    def sync(self, wrapped: Callable[..., Any], call: Call, streams: Any) -> Callable[..., Any]:
        """Return a function that sends the request with the option, then without it if that is refused.

        `streams` are the stream classes of the SDK, whose streams toolspan's iterator reads.
        """

        def request(*args: Any, **kwargs: Any) -> Any:
            changed = self._with_option(call, streams, args, kwargs)
            if changed is None:
                return wrapped(*args, **kwargs)
            try:
                return wrapped(*changed[0], **changed[1])
            except Exception as error:
                if not _is_refused(call, error):
                    raise
            result = wrapped(*args, **kwargs)
            self._refused(call)
            return result

        return request

    def asynchronous(self, wrapped: Callable[..., Any], call: Call, streams: Any) -> Callable[..., Any]:
        """Return the same for the async client."""

        async def request(*args: Any, **kwargs: Any) -> Any:
            changed = self._with_option(call, streams, args, kwargs)
            if changed is None:
                return await wrapped(*args, **kwargs)
            try:
                return await wrapped(*changed[0], **changed[1])
            except Exception as error:
                if not _is_refused(call, error):
                    raise
            result = await wrapped(*args, **kwargs)
            self._refused(call)
            return result

        return request

    def _with_option(self, call: Call, streams: Any, args: Any, kwargs: Any) -> tuple[Any, Any] | None:
        """Return the arguments of a request with the option; `None` to send the request as it is."""
        try:
            options = kwargs["options"] if "options" in kwargs else args[1]
            if not _can_have_option(call, options, kwargs.get("stream_cls"), streams):
                return None
            key = (call.endpoint, call.request.model)
            if not self._known.get(key, str(call.endpoint.address).endswith(_SENDS_ON_REQUEST)):
                call.usage_key = None if key in self._known else key
                return None
            # Copies: the body may be the application's own object, as with `client.post(body=…)`.
            changed = copy.copy(options)
            changed.json_data = {**options.json_data, _OPTION: {"include_usage": True}}
            call.added = take_away
        except Exception as error:
            report("requesting the usage of a stream", error)
            return None
        if "options" in kwargs:
            return args, {**kwargs, "options": changed}
        return (args[0], changed, *args[2:]), kwargs

    def _refused(self, call: Call) -> None:
        """Never send the option to this server and model again: the request has succeeded without it."""
        self._learn((call.endpoint, call.request.model), option=False)

    def _learn(self, key: Any, *, option: bool) -> None:
        self._known[key] = option
        if len(self._known) > _MOST:
            self._known.pop(next(iter(self._known)), None)


def _can_have_option(call: Call, options: Any, stream_cls: Any, streams: Any) -> bool:
    """Return whether the request may have the option, and its stream will pass toolspan's iterator."""
    headers = options.headers if isinstance(options.headers, dict) else {}
    # `with_streaming_response`: the application may read the bytes, which have the added chunk.
    reads_bytes = "stream" in headers.values()
    body = {**options.json_data, **(getattr(options, "extra_json", None) or {})}
    return (
        call.tracked
        and call.endpoint.provider not in _REFUSE
        and options.url.partition("?")[0].endswith("/completions")
        and "__new__" in vars(stream_cls)  # the subclass that makes tracked streams
        and issubclass(stream_cls, streams)
        and not reads_bytes
        and _OPTION not in body
        and body.keys().isdisjoint(_REFUSING_FIELDS)
    )


def _is_refused(call: Call, error: Exception) -> bool:
    """Return whether a server may have refused the option; then the stream is the application's own again."""
    if attribute(error, "status_code") not in _REFUSED:
        return False
    call.added = None
    return True


def take_away(chunk: Any) -> bool:
    """Return whether a chunk is the added one; remove the usage, also `null`, from any other chunk."""
    try:
        found = vars(chunk)
        if not found.get("choices") and found.get("usage") is not None:
            return True
        # A server that sends it with choices does so because of the option; all others send `null`.
        if "usage" in found:
            found["usage"] = None
        (attribute(chunk, "__pydantic_extra__") or {}).pop("usage", None)
        for sent in ("__pydantic_fields_set__", "__fields_set__"):  # pydantic 2 and 1
            (attribute(chunk, sent) or set()).discard("usage")
    except Exception as error:
        report("taking usage out of a chunk", error)
    return False


servers = StreamUsage()
"""What the process knows of its servers."""
