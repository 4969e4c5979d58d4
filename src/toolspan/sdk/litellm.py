"""Trace the functions of LiteLLM, whatever sends their requests: an SDK inside, or LiteLLM's own HTTP.

A call of a function is one call of the model. SDKs that LiteLLM uses within it make no spans. LiteLLM's
answers, chunks and arguments have OpenAI's shape, so the readers are those of OpenAI's APIs.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from time import perf_counter_ns as now
from types import SimpleNamespace
from typing import Any, NamedTuple

import wrapt

from .. import open_streams
from ..call import Call
from ..guard import attribute, report
from ..otel.attributes import server_attributes
from ..otel.dispatch import Sinks
from ..otel.other_instrumentations import counted
from ..settings import Settings
from ..wire import values
from ..wire.events import Retried
from ..wire.headers import LITELLM_COST
from ..wire.providers import Endpoint, endpoint
from ..wire.record import End
from . import retries
from .family import LITELLM, Sdk
from .hooks import guarded, undoing
from .litellm_streams import Streams
from .patch import Patch
from .requests import Exchange, Made


class _Api(NamedTuple):
    """One API of LiteLLM: the path of its row in `routes.ROUTES`, and its first positional arguments."""

    path: str
    positional: tuple[str, str]
    is_async: bool = False


_FUNCTIONS = {
    "completion": _Api("/chat/completions", ("model", "messages")),
    "text_completion": _Api("/completions", ("prompt", "model")),
    "embedding": _Api("/embeddings", ("model", "input")),
    "responses": _Api("/responses", ("input", "model")),
}
"""Each has an async twin, whose name begins with an `a`."""
# `litellm.completion` calls a function that its module keeps as `_PYTHON_COMPLETION`. Both are wrapped:
# frameworks write `from litellm import completion`, perhaps before `instrument()`.
_MODULES = (
    "litellm",
    "litellm.main",
    "litellm.responses.main",
    "litellm.chat_completions.dispatch",
    "litellm.embeddings.dispatch",
    "litellm.responses.dispatch",
)
_PROVIDERS: Mapping[str, str] = {
    "azure": "azure.ai.openai",
    "azure_text": "azure.ai.openai",
    "azure_ai": "azure.ai.inference",
    "bedrock": "aws.bedrock",
    "bedrock_converse": "aws.bedrock",
    "bedrock_mantle": "aws.bedrock",
    "vertex_ai": "gcp.vertex_ai",
    "vertex_ai_beta": "gcp.vertex_ai",
    "gemini": "gcp.gemini",
    "cohere_chat": "cohere",
    "codestral": "mistral_ai",
    "dashscope": "alibaba_cloud",
    "fireworks_ai": "fireworks",
    "hosted_vllm": "vllm",
    "litellm_proxy": "litellm",
    "mistral": "mistral_ai",
    "moonshot": "moonshot_ai",
    "nvidia_nim": "nvidia",
    "ollama_chat": "ollama",
    "vercel_ai_gateway": "vercel",
    "watsonx": "ibm.watsonx.ai",
    "xai": "x_ai",
    "zai": "zhipu_ai",
    "bigmodel": "zhipu_ai",
}
"""LiteLLM's names of providers that differ from those of `wire/providers.py`."""
_OLD = "text-completion-openai"
_OPENAI = frozenset(("", "openai", "custom_openai", "openai_like", "aiohttp_openai", _OLD))
"""Routes to any server of OpenAI's protocol: the host says which provider it is."""


class _Options(NamedTuple):
    """A request as the SDKs of the family describe it, so that the table of routes finds it."""

    method: str
    url: str
    json_data: dict[str, Any]


class _Headers(NamedTuple):
    """Headers as `wire.headers` reads them."""

    raw: list[tuple[bytes, bytes]]


class LiteLLMExchange(Exchange):
    """A maker of calls for LiteLLM's functions; the client of a call is the row of the function."""

    def __init__(self, settings: Settings, sinks: Sinks) -> None:
        module = sys.modules[LITELLM.module]
        super().__init__(Sdk(LITELLM, (None, None), (None, None), module, module), settings, sinks)
        self.observed = Streams()  # the patch has one for all its exchanges

    def open(self, client: Any, args: tuple[Any, ...], kwargs: Mapping[str, Any], made: Made) -> Call | None:
        """Return the opened call of a function; `None` within another call, or for one that is not traced."""
        found = guarded(self._request, client, args, kwargs)
        if type(found) is not tuple:  # nothing to trace, or an error that is reported
            return None
        client, options, logger = found
        call = super().open(client, (), {"options": options, "stream": client.stream}, made)
        if call is not None:
            call.covers = True
            if logger is not None:
                call.counts_tokens = call.counts_tokens and not counted(LITELLM.module)[0]
                # The first one takes toolspan's span for the call's, unless the call is over by then. The
                # second one makes spans of async calls only.
                call.shows_usage = not (client.stream if logger == _OTEL[0] else client.is_async)
        return call

    def _request(
        self, api: _Api, args: tuple[Any, ...], kwargs: Mapping[str, Any]
    ) -> tuple[Any, _Options, str | None] | None:
        """Return a client, the request, and the module of LiteLLM's own telemetry if that is on.

        The client has the facts of the provider, the request has OpenAI's shape. Return `None` for a call
        that is not traced.
        """
        # A sync function with such a flag is the first half of the async one.
        if any(kwargs.get(f"a{name}") for name in _FUNCTIONS):
            return None
        others = self._settings.other_instrumentations
        logger = None if others == "span" else _otel_logger()
        if logger is not None and others == "skip":
            return None
        body = {**dict(zip(api.positional, args, strict=False)), **kwargs}
        model, provider = _route(body)
        # The result is a bare generator, which cannot be observed; the SDK inside has the span.
        if provider == _OLD and body.get("stream") and "messages" in body:
            return None
        base = body.get("api_base") or body.get("base_url") or ""
        client = SimpleNamespace(
            base_url=base,
            provider=provider,
            api_key=body.get("api_key"),
            stream=bool(body.get("stream")),
            is_async=api.is_async,
        )
        body["model"] = model
        if isinstance(messages := body.get("messages"), list):
            body["messages"] = [_plain(message) for message in messages]
        return client, _Options("post", api.path, body), logger

    def _endpoint(self, client: Any, url: Any) -> Endpoint:
        """Return the provider as LiteLLM knows it, with the address if it is known yet."""
        found = endpoint(str(url), self._settings.providers)
        named = found.provider in dict(self._settings.providers).values()
        known = client.provider in _OPENAI or named  # what the user set wins
        return found if known else found._replace(provider=_PROVIDERS.get(client.provider, client.provider))

    def kwargs(self, call: Call, kwargs: Mapping[str, Any]) -> Any:
        """Return the arguments as they are: LiteLLM makes its streams itself."""
        return kwargs

    def received(self, call: Call, result: Any) -> Any:
        """Return the same result: an answer that has been read, or a stream whose iteration is observed."""
        call.response = None
        try:
            _head(call, attribute(result, "_hidden_params"))
            if not hasattr(type(result), "__next__") and not hasattr(type(result), "__anext__"):
                call.answer(result)
                call.end(End.EXHAUSTED)
            elif not call.tracked or not self.observed.follow(call, result):
                call.leave()
        except Exception as error:
            report("reading a result of LiteLLM", error)
            open_streams.finish(call, End.EXHAUSTED)
        return result

    def sent(self, call: Call, url: Any, provider: Any) -> None:
        """Record the address of a request that LiteLLM sends, and whether it repeats a failed one."""
        if (failure := call.failure) is not None:
            call.failure = None
            status, kind, at = failure
            call.retries += 1
            call.note(Retried(call.retries, status, kind, (now() - at) / 1e9))
        client = SimpleNamespace(provider=provider if isinstance(provider, str) else "")
        found = self._endpoint(client, url)
        if found.address is None or found == call.endpoint or call.streamed:
            return
        call.endpoint, call.common = found, None
        if call.span is not None and not call.borrowed:
            call.span.set_attributes(server_attributes(found))


def _route(body: Mapping[str, Any]) -> tuple[Any, str]:
    """Return the model without the prefix of its provider, and the provider, by LiteLLM's own tables.

    `litellm.get_llm_provider` is not called: it prints, and may read keys from a secret manager.
    """
    litellm: Any = sys.modules[LITELLM.module]
    model, named = body.get("model"), body.get("custom_llm_provider")
    if not isinstance(model, str):
        return model, named if isinstance(named, str) else ""
    first, slash, rest = model.partition("/")
    if slash and first in litellm.provider_list and named in (None, first):
        return rest, first
    if not isinstance(named, str):
        named = str(values.fields(litellm.model_cost.get(model)).get("litellm_provider") or "")
        named = "vertex_ai" if named.startswith("vertex_ai-") else named
    return model, named


_OTEL = ("litellm.integrations.opentelemetry", "litellm.integrations.otel")
"""The modules of LiteLLM's two loggers for OpenTelemetry; other ones derive from them."""


def _otel_logger() -> str | None:
    """Return the module of LiteLLM's own logger for OpenTelemetry; `None` if it is off."""
    litellm: Any = sys.modules[LITELLM.module]
    callbacks = (*litellm.callbacks, *litellm.success_callback, *litellm._async_success_callback)
    kinds = {f"{kind.__module__}." for each in callbacks for kind in type(each).__mro__}
    # The first call makes the object of this name.
    by_name = _OTEL[0] if "otel" in callbacks else None
    return next((module for module in _OTEL if any(kind.startswith(f"{module}.") for kind in kinds)), by_name)


def _plain(message: Any) -> Any:
    """Return a message as a dict; LiteLLM accepts its own objects, too."""
    dump = None if isinstance(message, dict) else attribute(message, "model_dump")
    return dump() if callable(dump) else message


def _head(call: Call, hidden: Any) -> None:
    """Keep the headers of the provider's response and the cost that LiteLLM computed."""
    hidden = values.fields(hidden)
    found = values.fields(hidden.get("additional_headers"))
    raw = [
        (str(name).removeprefix("llm_provider-").encode(), str(value).encode())
        for name, value in found.items()
    ]
    if cost := hidden.get("response_cost"):  # LiteLLM's cost of an unknown model is 0
        raw.append((LITELLM_COST, str(cost).encode()))
    before = call.head or {}
    retries.see(call, _Headers(raw))
    call.head = {**before, **(call.head or {})}


class _Requests:
    """Wrappers around what LiteLLM calls for each request within a call: before it, and for its error."""

    def __init__(self, exchange: LiteLLMExchange) -> None:
        self.exchange = exchange
        self._undo: list[Callable[[], None]] = []

    def install(self) -> None:
        """Wrap the functions, as far as this version of LiteLLM has them."""
        logging = attribute(sys.modules.get("litellm.litellm_core_utils.litellm_logging"), "Logging")
        for owner, name, wrapper in (
            (logging, "pre_call", self._before),
            (sys.modules["litellm"], "exception_type", self._failed),
            (sys.modules.get("litellm.main"), "exception_type", self._failed),
        ):
            own = vars(owner).get(name) if owner is not None else None
            if own is not None:
                setattr(owner, name, wrapt.FunctionWrapper(own, wrapper))
                self._undo.append(undoing(owner, name, own))

    def remove(self) -> None:
        """Restore the functions."""
        while self._undo:
            self._undo.pop()()

    def _before(self, wrapped: Any, logging: Any, args: Any, kwargs: Any) -> Any:
        if (call := retries.current.get()) is not None and call.covers:
            sent = values.fields(kwargs.get("additional_args"))
            details = values.fields(attribute(logging, "model_call_details"))
            guarded(self.exchange.sent, call, sent.get("api_base"), details.get("custom_llm_provider"))
        return wrapped(*args, **kwargs)

    def _failed(self, wrapped: Any, owner: Any, args: Any, kwargs: Any) -> Any:
        if (call := retries.current.get()) is not None and call.covers:
            error = kwargs.get("original_exception")
            call.failure = (*retries.kind_of(error), now())
        return wrapped(*args, **kwargs)


class LiteLLMPatch(Patch):
    """The patch of LiteLLM's functions."""

    def __init__(self, exchange: Any) -> None:
        self._attempts: Any = _Requests(exchange)
        self._sockets: Any = exchange.observed
        self._undo: list[Callable[[], None]] = []
        self.use(exchange)

    def use(self, exchange: Any) -> None:
        """Trace later calls with these settings and sinks; open streams keep theirs."""
        exchange.observed = self._sockets
        self._exchange = self._attempts.exchange = exchange

    def install(self) -> None:
        """Wrap the functions wherever LiteLLM keeps them: calls are traced from now on."""
        open_streams.install()
        for module in filter(None, map(sys.modules.get, _MODULES)):
            for name, api in _FUNCTIONS.items():
                twin = api._replace(is_async=True)
                for key in (name, f"_PYTHON_{name.upper()}"):
                    self._wrap_function(module, key, api, self._sync)
                for key in (f"a{name}", f"_PYTHON_A{name.upper()}"):
                    self._wrap_function(module, key, twin, self._async)
        guarded(self._attempts.install)

    def _wrap_function(self, module: Any, key: str, api: _Api, run: Callable[..., Any]) -> None:
        own = vars(module).get(key)
        if not callable(own):  # also `litellm.responses`, where that is only a package
            return

        def wrapper(wrapped: Any, instance: Any, args: Any, kwargs: Any) -> Any:
            return run(wrapped, api, args, kwargs)

        setattr(module, key, wrapt.FunctionWrapper(own, wrapper))
        self._undo.append(undoing(module, key, own))
