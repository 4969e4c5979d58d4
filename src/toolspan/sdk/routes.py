"""The table of traced APIs by method and path; requests to any other path pass untouched."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple, Protocol

from ..otel import call_data
from ..wire.anthropic_messages import MessagesReader, messages_request
from ..wire.chat import ChatReader
from ..wire.embeddings import EmbeddingsReader
from ..wire.events import Reader
from ..wire.other_apis import OtherReader, image_request, other_request, speech_request, text_request
from ..wire.request import (
    Request,
    chat_request,
    completions_request,
    embeddings_request,
    fetch_request,
    realtime_request,
    responses_request,
)
from ..wire.responses import FetchReader, ResponsesReader
from ..wire.tools import Tools
from .family import Member


class ReadRequest(Protocol):
    """A function that reads the facts of a request's body; `keep`: whether content is kept."""

    def __call__(self, body: Mapping[str, Any], *, keep: bool) -> Request:
        """Return the facts of this body."""


class MakeReader(Protocol):
    """A function that makes the reader of one answer of `expected` choices.

    `pieces`: whether it emits each piece of text and arguments. `offered`: the tools that calls are checked
    against. `provider`: the name of the endpoint's provider, so that a quirk can be one server's.
    """

    def __call__(self, expected: int, *, pieces: bool, offered: Tools | None, provider: str | None) -> Reader:
        """Return a new reader."""


class Route(NamedTuple):
    """One API: the convention's operation, the type of its interface if it has one, and its two readers."""

    operation: str
    api_type: str | None
    read_request: ReadRequest
    reader: MakeReader


RESPONSES = Route(call_data.CHAT, "responses", responses_request, ResponsesReader)
REALTIME = Route(call_data.CHAT, "realtime", realtime_request, ResponsesReader)
_FETCH = Route(call_data.FETCH_RESPONSE, "responses", fetch_request, FetchReader)
ROUTES: dict[tuple[str, str], Route] = {
    ("post", "/chat/completions"): Route(call_data.CHAT, "chat_completions", chat_request, ChatReader),
    ("post", "/responses"): RESPONSES,
    ("post", "/responses/compact"): RESPONSES,
    ("post", "/completions"): Route(call_data.TEXT_COMPLETION, None, completions_request, ChatReader),
    ("post", "/embeddings"): Route(call_data.EMBEDDINGS, None, embeddings_request, EmbeddingsReader),
    ("post", "/v1/messages"): Route(call_data.CHAT, None, messages_request, MessagesReader),
}
for _path, _operation, _read in (
    ("/images/generations", call_data.IMAGE_GENERATION, image_request),
    ("/images/edits", call_data.IMAGE_GENERATION, image_request),
    ("/images/variations", call_data.IMAGE_GENERATION, image_request),
    ("/audio/speech", call_data.SPEECH, speech_request),
    ("/audio/transcriptions", call_data.TRANSCRIPTION, text_request),
    ("/audio/translations", call_data.TRANSLATION, text_request),
    ("/moderations", call_data.MODERATION, other_request),
    ("/decisions", call_data.DECISION, other_request),
    ("/videos", call_data.VIDEO_GENERATION, other_request),
    ("/agents/sessions", call_data.AGENT_SESSION, other_request),
):
    ROUTES["post", _path] = Route(_operation, None, _read, OtherReader)
# Keys are the paths of the SDK's resources. Azure's client adds its deployment later, inside of `request`.


def routes_of(member: Member) -> Mapping[tuple[str, str], Route]:
    """Return the routes with the paths of an SDK, without its prefix."""
    found = {**ROUTES}
    for path, known in member.paths:
        if known is None:
            del found["post", path]
        else:
            found["post", path] = ROUTES["post", known]
    return found


def find_route(
    options: Any, prefix: str = "", routes: Mapping[tuple[str, str], Route] = ROUTES
) -> tuple[Route, Mapping[str, Any]] | None:
    """Return the route of a request and the body to read; `None` for a request that is not traced."""
    method, url = options.method, options.url.removeprefix(prefix)
    route = routes.get((method, url))
    if route is None and "?" in url:  # the SDK's beta resources add a query
        url = url.partition("?")[0]
        route = routes.get((method, url))
    if route is not None:
        body = options.json_data
        if not isinstance(body, dict):  # multipart, or a generator of bytes
            return None
        # The SDK merges `extra_body` only when it builds the HTTP request, inside of `request`.
        extra = getattr(options, "extra_json", None)
        return route, ({**body, **extra} if isinstance(extra, dict) and extra else body)
    # `responses.retrieve(id)`; not `/responses/{id}/input_items`, which is a listing.
    if method == "get" and url.startswith("/responses/") and url.count("/") == 2:
        return _FETCH, {**_mapping(options.params), "response_id": url.rpartition("/")[2]}
    return None


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}
