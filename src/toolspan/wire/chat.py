"""Read chunks and whole answers of Chat Completions and legacy Completions as events."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple
from zlib import crc32

from . import quirks, values
from .chat_answer import ordinary_answer
from .chat_tool_calls import Calls
from .events import IDENTITY, Event, Finished, Reasoning, Refusal, Started, Text, identified
from .tools import Tools
from .usage import UsageReports

_NONE: list[Event] = []
# Azure sends an empty model in its first chunk and the real one later (langfuse-python#561), so the
# identity is read from the first chunks. After these, only a chunk with usage is read for it: one that
# still lacks a part then gets its last chance, and the other chunks cost no look-up.
_FULL_READS = 4
_HEAD = 64  # characters
_HEAD_LETTERS = 3


_TEXT = {"content"}
_PLAIN_CHOICE = {"index", "delta", "finish_reason", "logprobs"}


class Piece(NamedTuple):
    """What an ordinary chunk adds: a text of a choice, or arguments of the tool call at the index `call`."""

    choice: int
    call: int | None
    text: str


def ordinary(body: Any) -> Piece | None:
    """Return what a chunk adds if it is one piece of one text or tool call; `None` for any other chunk.

    `body` is an SDK object or decoded JSON. It returns `None` wherever a quirk needs the general path.
    """
    # Objects are read by `__dict__`: `getattr` of a name that a pydantic object lacks costs 3.3 µs.
    try:
        if body.__class__ is dict:
            known = beyond = body
        else:
            known, beyond = body.__dict__, body.__pydantic_extra__
        (choice,) = known["choices"]
        if known.get("usage") is not None or (beyond and quirks.carries_content(beyond)):
            return None
        # Most chunks by far: a text is all that was sent. pydantic knows which declared fields were, so that
        # one comparison shows that there is no other.
        if known is not beyond and not choice.__pydantic_extra__:
            held = choice.__dict__
            delta = held["delta"] if choice.__pydantic_fields_set__ <= _PLAIN_CHOICE else choice
            if delta.__pydantic_fields_set__ == _TEXT and not delta.__pydantic_extra__:
                index, text = held["index"], delta.__dict__["content"]
                if held["finish_reason"] is None and index.__class__ is int and text.__class__ is str:
                    return _new(Piece, (index, None, text))
        return ordinary_choice(choice)
    except (AttributeError, KeyError, TypeError, ValueError):
        return None


# Readers and pipelines share this fast path: nearly all chunks of a long stream are ordinary.
def ordinary_choice(held: Any) -> Piece | None:
    """Return what the only choice of a chunk adds, as `ordinary` does, which catches the errors of others."""
    plain, general = held.__class__ is dict, quirks.GENERAL
    if plain:
        choice, delta = held, held.get("delta", held)
        special = None if general.isdisjoint(choice) and general.isdisjoint(delta) else {**choice, **delta}
    else:
        # Most fields of LiteLLM's objects are extras (1.108: all of them).
        special = held.__pydantic_extra__
        choice = held.__dict__ or special
        inner = choice.get("delta", held)
        beyond = inner.__pydantic_extra__
        delta = beyond if beyond and "content" in beyond else inner.__dict__ or beyond
        if beyond:
            special = {**special, **beyond} if special else beyond
    get = delta.get
    # Declared, and rare: `function_call`, refusals, Groq's `reasoning`; last, Together's `reasoning_content`.
    if get("function_call") is not None or get("refusal") is not None or get("reasoning") is not None:
        return None
    # Servers add fields of their own (Cerebras `time_info`); only those of quirks matter.
    if (special and quirks.carries_content(special)) or choice.get("finish_reason") is not None:
        return None
    entries, index, call = get("tool_calls"), choice["index"], None
    if not entries:
        # A legacy choice, with `text`, is its own delta.
        text = get("content" if delta is not choice or "message" in choice else "text")
    # Text and a call may share a delta; dd-trace-py drops the call then.
    elif quirks.ARGUMENTS or get("content"):
        return None
    else:
        (entry,) = entries
        entry = entry if plain else entry.__dict__
        function = entry["function"] if plain else entry["function"].__dict__
        call, text = entry["index"], function["arguments"]
        # An id or a name may begin another call at the same index.
        if call.__class__ is not int or entry.get("id") or function.get("name"):
            return None
    if text.__class__ is not str or index.__class__ is not int or get("reasoning_content") is not None:
        return None
    return _new(Piece, (index, call, text))


# A named tuple's own constructor is a Python function, which would take a third of the time of `ordinary`.
_new = tuple.__new__


class Seen:
    """The length and the checksum of a text so far, which recognise a repetition of it."""

    __slots__ = ("checksum", "head", "length", "snapshots")

    def __init__(self, begin: str) -> None:
        self.length = len(begin)
        self.checksum = crc32(begin.encode("utf-8", "surrogatepass"))
        self.head = begin[:_HEAD]
        self.snapshots = False

    def added(self, piece: str, may_repeat: bool) -> str:
        """Return what a piece adds; with `may_repeat`, a piece may be all of the text so far."""
        if may_repeat and self._is_snapshot(piece):
            self.snapshots = True
            piece = piece[self.length :]
        self.length += len(piece)
        self.checksum = crc32(piece.encode("utf-8", "surrogatepass"), self.checksum)
        return piece

    def rest_of(self, whole: str) -> str:
        """Return what a whole text has more than its pieces; nothing if it contradicts them."""
        return self.added(whole[self.length :], False) if self._begins(whole) else ""

    def _begins(self, text: str) -> bool:
        """Return whether a text begins with all of the text so far."""
        begin = text[: self.length].encode("utf-8", "surrogatepass")
        return len(text) >= self.length and crc32(begin) == self.checksum

    # A first word, repeated and continued, is a snapshot; a repeated dash or digit is not.
    def _is_snapshot(self, piece: str) -> bool:
        if not piece.startswith(self.head) or not self._begins(piece):
            return False
        return self.snapshots or (
            len(piece) > self.length and sum(map(str.isalpha, self.head)) >= _HEAD_LETTERS
        )


def _merged(known: Mapping[str, Any], extra: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return all fields in one mapping, as `values.fields` does."""
    return known if extra is known or not extra else {**extra, **known}


class ChatReader:
    """A reader of the chunks of one answer, in their order.

    `expected` is the request's `n`. `pieces` selects the events: with it, every piece of text and arguments
    is an event; without it, only a text's first piece and the start and end of a call. `offered` are the
    tools that calls are checked against. `provider` names the server, for quirks of one server only.
    """

    __slots__ = (
        "_begun",
        "_calls",
        "_counts_tokens",
        "_expected",
        "_finished",
        "_full_reads",
        "_identity",
        "_offered",
        "_pieces",
        "_reports",
        "provider",
    )
    output = True
    """Whether the last chunk was output of the model: always, because chat has no notices of the service."""
    whole = ordinary_answer

    def __init__(
        self,
        expected: int = 1,
        *,
        pieces: bool = True,
        offered: Tools | None = None,
        provider: str | None = None,
    ) -> None:
        self._expected = expected
        self._pieces = pieces
        self._offered = offered
        self.provider = provider
        self._begun: dict[tuple[type, int], Seen] = {}
        self._counts_tokens: bool | None = None
        self._identity = Started(None, None)
        self._full_reads = _FULL_READS
        self._calls: dict[int, Calls] = {}
        self._finished: set[int] = set()
        self._reports: UsageReports | None = None

    def read(self, body: Any) -> list[Event]:
        """Return the events of one chunk or of one whole answer, an SDK object or plain JSON."""
        events, viewed = _NONE, None
        if self._full_reads:
            known, extra = viewed = values.view(body)
            events = self._identify(_merged(known, extra) if extra else known)
        # `tests/wire/test_chat_fast_path.py` reads every quirk both ways and requires equal events.
        if (self._begun or self._calls) and (piece := ordinary(body)) is not None:
            if piece.call is None:
                seen = self._begun.get((Text, piece.choice))
                # An index that counts tokens changes with every chunk.
                if seen is not None and not self._counts_tokens:
                    if not piece.text:
                        return events
                    seen.length += len(piece.text)
                    seen.checksum = crc32(piece.text.encode("utf-8", "surrogatepass"), seen.checksum)
                    return [*events, Text(piece.choice, piece.text)] if self._pieces else events
            elif calls := self._calls.get(piece.choice):
                more = calls.read_on(piece.call, piece.text)
                if more is not None:
                    return [*events, *more] if events else more
        events = [*events]
        self._read(*(viewed or values.view(body)), events)
        return events

    def _read(self, known: Mapping[str, Any], extra: Mapping[str, Any], events: list[Event]) -> None:
        """Append the events of a chunk of any shape, from its declared and its undeclared fields."""
        choices = known.get("choices")
        for position, choice in enumerate(choices if type(choices) is list else values.sequence(choices)):
            self._choice(choice, position, events)
        # LiteLLM's whole answers have the usage as an extra.
        if (usage := known.get("usage", extra.get("usage"))) is not None and (
            counts := self._reported(usage)
        ) is not None:
            # Usage comes late in the stream: the last chance to complete the identity.
            if self._full_reads == 0 and None in self._identity[: len(IDENTITY)]:
                self._full_reads = 1
                events.extend(self._identify(_merged(known, extra)))
            events.append(counts)
        # OpenAI's SDK keeps these fields as extras; Groq's own SDK declares them.
        if extra or known.get("x_groq") is not None:
            self._beyond(known, extra, events)

    def close(self) -> list[Event]:
        """Return the events of the end: a call that is still open ends with the stream."""
        events: list[Event] = []
        for calls in self._calls.values():
            calls.close(events)
        return events

    def _identify(self, known: Mapping[str, Any]) -> list[Event]:
        """Complete the answer's identity; each part keeps its first non-empty value."""
        self._full_reads -= 1
        new = identified(self._identity, known)
        if None not in new[: len(IDENTITY)]:
            self._full_reads = 0
        if new is self._identity:
            return _NONE
        self._identity = new
        return [new]

    def _reported(self, value: object) -> Event | None:
        """Return the usage after one more report, `None` if nothing changed."""
        # Made at the first report: most of a stream's chunks, and many streams, have none.
        if self._reports is None:
            self._reports = UsageReports(self.provider)
        return self._reports.read(value)

    def _beyond(self, known: Mapping[str, Any], extra: Mapping[str, Any], events: list[Event]) -> None:
        """Append the events of fields that OpenAI does not declare."""
        both = _merged(known, extra)
        # Groq's streams have the usage under `x_groq` (litellm#7621).
        groq = values.fields(both.get("x_groq")).get("usage")
        if groq is not None and (counts := self._reported(groq)) is not None:
            events.append(counts)
        if both.get("error") and (failure := quirks.failure_of(both)):
            events.append(Finished(0, None, failure))

    def _choice(self, value: Any, position: int, events: list[Event]) -> None:
        """Append the events of one choice."""
        choice, extra = values.view(value)
        if extra and extra is not choice:
            # SDKs declare less than their servers send: Together's no finish reason of completions, and
            # Cerebras' no delta if a chunk lacks a field that the SDK requires.
            choice = {**extra, **choice}
        index = choice.get("index")
        if index.__class__ is int and index == 0 and not self._counts_tokens:
            self._counts_tokens = False
        else:
            index = self._index(index, position)
        delta, message = choice.get("delta"), choice.get("message", extra.get("message"))
        if delta is not None:
            self._message(delta, index, False, events)
        # A gateway's last chunk may hold the whole message (hermes-browser-extension#11). The SDK keeps it as
        # an extra field.
        if message is not None:
            self._message(message, index, True, events)
        elif delta is None and (piece := values.text(choice.get("text"))) is not None:  # legacy Completions
            self._add(Text, piece, index, False, events)
        if (reason := choice.get("finish_reason")) is not None:
            plain = type(reason) is str and 0 < len(reason) <= quirks.LONGEST_REASON
            self._finish(reason if plain else quirks.finish_reason(reason), index, events)
        if extra and "usage" in extra and (usage := self._reported(extra["usage"])):
            events.append(usage)  # Moonshot puts the usage into the choice (openllmetry, source)

    def _index(self, value: object, position: int) -> int:
        """Return the choice's index; the position in the list where the index is unusable."""
        # The first index decides for the whole answer.
        if self._counts_tokens is None:
            self._counts_tokens = quirks.counts_tokens(value, self._expected)
        found = values.index_of(value)
        return position if found is None or self._counts_tokens else found

    def _message(self, value: Any, index: int, whole: bool, events: list[Event]) -> None:
        """Append the events of a delta or a message."""
        message, extra = values.view(value)
        if extra and extra is not message:  # LiteLLM's content and calls are extras
            message = {**extra, **message}
        thinks = not (quirks.THOUGHTS.isdisjoint(extra) and quirks.THOUGHTS.isdisjoint(message))
        if thinks and (thought := quirks.reasoning_text(extra) or quirks.reasoning_text(message)):
            self._add(Reasoning, thought, index, whole, events)
        # Several of these may stand in one delta, so no branch excludes the next.
        if content := message.get("content"):
            if type(content) is str:
                self._add(Text, content, index, whole, events)
            else:
                self._parts(content, index, whole, events)
        if message.get("tool_calls") is not None or message.get("function_call") is not None:
            self._tool_calls(message, index, whole, events)
        refusal = message.get("refusal") or extra.get("refusal")  # openai before 1.40 does not declare it
        if refusal is not None and (refusal := values.text(refusal)):
            self._add(Refusal, refusal, index, whole, events)

    def _parts(self, content: Any, index: int, whole: bool, events: list[Event]) -> None:
        """Append the events of content as parts; those of a whole message are joined."""
        texts: dict[type[Text | Reasoning], list[str]] = {}
        for is_reasoning, piece in quirks.content_pieces(content):
            kind = Reasoning if is_reasoning else Text
            if whole:
                texts.setdefault(kind, []).append(piece)
            else:
                self._add(kind, piece, index, False, events)
        for kind, pieces in texts.items():
            self._add(kind, "".join(pieces), index, True, events)

    def _tool_calls(self, message: Mapping[str, Any], index: int, whole: bool, events: list[Event]) -> None:
        """Append the events of the calls of a delta or a message."""
        deltas = quirks.call_deltas(message.get("tool_calls"), whole)
        if (function := message.get("function_call")) is not None:
            deltas += quirks.function_call_deltas(function)
        if deltas:
            calls = self._calls_of(index)
            (calls.read_whole if whole else calls.read)(deltas, events)

    def _add(
        self, kind: type[Text | Reasoning | Refusal], piece: str, index: int, whole: bool, events: list[Event]
    ) -> None:
        """Append the event of a piece of a text, or of what a whole text has more than its pieces."""
        seen = self._begun.get((kind, index))
        if seen is None:
            self._begun[kind, index] = Seen(piece)
            events.append(kind(index, piece))
            return
        new = seen.rest_of(piece) if whole else seen.added(piece, kind is Reasoning)
        if new:
            events.append(kind(index, new))

    def _calls_of(self, index: int) -> Calls:
        """Return the tool calls of a choice."""
        calls = self._calls.get(index)
        if calls is None:
            calls = self._calls[index] = Calls(index, pieces=self._pieces, offered=self._offered)
        return calls

    def _finish(self, reason: str | None, index: int, events: list[Event]) -> None:
        """Close the choice's calls and append its finish reason, once."""
        if reason is None:
            return
        if index in self._calls:
            self._calls[index].finish(events)
        # OpenRouter sends the finish reason twice, the second time with usage (hass_local_openai_llm#92).
        if index not in self._finished:
            self._finished.add(index)
            events.append(Finished(index, reason))
