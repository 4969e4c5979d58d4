"""Read chunks and whole answers of Chat Completions and legacy Completions as events."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from . import quirks, values
from .chat_tool_calls import Calls
from .events import IDENTITY, Event, Finished, Reasoning, Refusal, Started, Text, identified
from .tools import Tools

_NONE: list[Event] = []
# Azure sends an empty model in its first chunk and the real one later (langfuse-python#561), so the
# identity is read from the first chunks. After these, only a chunk with usage is read for it: one that
# still lacks a part then gets its last chance, and the other chunks cost no look-up.
_FULL_READS = 4


class ChatReader:
    """A reader of the chunks of one answer, in their order.

    `expected` is the request's `n`. `pieces` selects the events: with it, every piece of text and arguments
    is an event; without it, only a text's first piece and the start and end of a call. `offered` are the
    tools that calls are checked against.
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
    )
    output = True
    """Whether the last chunk was output of the model: always, because chat has no notices of the service."""

    def __init__(self, expected: int = 1, *, pieces: bool = True, offered: Tools | None = None) -> None:
        self._expected = expected
        self._pieces = pieces
        self._offered = offered
        self._begun: set[object] = set()
        self._counts_tokens: bool | None = None
        self._identity = Started(None, None)
        self._full_reads = _FULL_READS
        self._calls: dict[int, Calls] = {}
        self._finished: set[int] = set()

    def read(self, body: Any) -> list[Event]:
        """Return the events of one chunk or of one whole answer, an SDK object or plain JSON."""
        # Nearly all chunks of a long stream add one piece and nothing else.
        # `tests/wire/test_chat_fast_path.py` reads every quirk both ways and requires equal events.
        if not self._full_reads and (found := self._read_on(body)) is not None:
            return found
        events: list[Event] = []
        self._read(body, events)
        return events

    def _read_on(self, body: Any) -> list[Event] | None:
        """Return the events of an SDK chunk that only adds a piece, or `None` for any other chunk."""
        try:
            known = body.__dict__
            (choice,) = known["choices"]
            fields = choice.__dict__
            delta = fields["delta"]
            if fields["finish_reason"] is not None or known["usage"] is not None:
                return None
            # Servers add fields of their own (Cerebras `time_info`); only those that matter here need the
            # general way.
            beyond = body.__pydantic_extra__ or choice.__pydantic_extra__ or delta.__pydantic_extra__
            if beyond and quirks.carries_content(body, choice, delta):
                return None
            return self._piece(delta.__dict__, fields["index"])
        except (AttributeError, KeyError, TypeError, ValueError):
            return None

    def _piece(self, delta: dict[str, Any], index: Any) -> list[Event] | None:
        """Return the events of a delta that only continues a text or a call; `None` for any other delta."""
        # The deprecated `function_call` and refusals are rare; the general way reads them. Groq's SDK
        # declares `reasoning`, which is not among the extras then.
        get = delta.get
        if get("function_call") is not None or get("refusal") is not None or get("reasoning") is not None:
            return None
        entries, content = delta["tool_calls"], delta["content"]
        if index.__class__ is not int:
            return None
        if entries is None:
            if index not in self._begun or content.__class__ is not str:
                return None
            return [Text(index, content)] if content and self._pieces else _NONE
        # Text and a call may share a delta; dd-trace-py drops the call then.
        if content or len(entries) != 1:
            return None
        # An unknown index raises `KeyError`: the caller then reads the chunk the general way.
        return self._calls[index].read_on(entries[0])

    def _read(self, body: Any, events: list[Event]) -> None:
        """Append the events of a chunk of any shape."""
        known, extra = values.view(body)
        if self._full_reads:
            self._identify(values.fields(body), events)
        for position, choice in enumerate(values.sequence(known.get("choices"))):
            self._choice(choice, position, events)
        if (usage := known.get("usage")) is not None and (counts := quirks.usage(usage)) is not None:
            self._usage(counts, values.fields(body), events)
        # OpenAI's SDK keeps these fields as extras; Groq's own SDK declares them.
        if extra or known.get("x_groq") is not None:
            self._beyond(values.fields(body), events)

    def close(self) -> list[Event]:
        """Return the events of the end: a call that is still open ends with the stream."""
        events: list[Event] = []
        for calls in self._calls.values():
            calls.close("end", events)
        return events

    def _identify(self, known: Mapping[str, Any], events: list[Event]) -> None:
        """Complete the answer's identity; each part keeps its first non-empty value."""
        self._full_reads -= 1
        new = identified(self._identity, known)
        if self._is_known(new):
            self._full_reads = 0
        if new is not self._identity:
            self._identity = new
            events.append(new)

    @staticmethod
    def _is_known(identity: Started) -> bool:
        return all(getattr(identity, name) is not None for name in IDENTITY)

    def _usage(self, counts: Event, known: Mapping[str, Any], events: list[Event]) -> None:
        """Append the token counts, and complete the identity from the chunk that carries them."""
        # Usage comes late in the stream: the last chance to complete the identity.
        if self._full_reads == 0 and not self._is_known(self._identity):
            self._full_reads = 1
            self._identify(known, events)
        events.append(counts)

    def _beyond(self, known: Mapping[str, Any], events: list[Event]) -> None:
        """Append the events of fields that OpenAI does not declare."""
        if "x_groq" in known and (counts := quirks.groq_usage(known)) is not None:
            self._usage(counts, known, events)
        if known.get("error") and (failure := quirks.failure_of(known)):
            events.append(Finished(0, None, failure))

    def _choice(self, value: Any, position: int, events: list[Event]) -> None:
        """Append the events of one choice."""
        choice, extra = values.view(value)
        index = self._index(choice.get("index"), position)
        delta = choice.get("delta")
        if delta is not None:
            self._message(delta, index, False, events)
        elif (message := choice.get("message")) is not None:
            self._message(message, index, True, events)
        if (reason := choice.get("finish_reason")) is not None:
            self._finish(quirks.finish_reason(reason), index, events)
        if extra and "usage" in extra and (usage := quirks.usage(extra["usage"])):
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
        if thought := quirks.reasoning_text(extra) or quirks.reasoning_text(message):
            events.append(Reasoning(index, thought))
        # Several of these may stand in one delta, so no branch excludes the next.
        for is_reasoning, piece in quirks.content_pieces(message.get("content")):
            events.append((Reasoning if is_reasoning else Text)(index, piece))
            # An index that counts tokens changes with every chunk: it must not enter the fast path.
            if not is_reasoning and not self._counts_tokens:
                self._begun.add(index)
        if (entries := message.get("tool_calls")) is not None:
            self._tool_calls(entries, index, whole, events)
        refusal = message.get("refusal") or extra.get("refusal")  # openai before 1.40 does not declare it
        if refusal is not None and (refusal := values.text(refusal)):
            events.append(Refusal(index, refusal))
        if (function := message.get("function_call")) is not None:
            self._calls_of(index).read(quirks.function_call_deltas(function), events)

    def _tool_calls(self, entries: Any, index: int, whole: bool, events: list[Event]) -> None:
        self._calls_of(index).read(quirks.call_deltas(entries, whole), events)

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
            self._calls[index].close("finish", events)
        # OpenRouter sends the finish reason twice, the second time with usage (hass_local_openai_llm#92).
        if index not in self._finished:
            self._finished.add(index)
            events.append(Finished(index, reason))


class CompletionsReader(ChatReader):
    """A reader of the chunks of one legacy completion, whose choices hold a `text` instead of a delta."""

    __slots__ = ()

    def _read_on(self, body: Any) -> list[Event] | None:
        """Return no events for an SDK chunk that adds nothing but unrecorded text; `None` for any other."""
        try:
            known = body.__dict__
            (choice,) = known["choices"]
            fields = choice.__dict__
            if fields["finish_reason"] is not None or known["usage"] is not None:
                return None
            if quirks.carries_content(body, choice):
                return None
            return _NONE if fields["index"] in self._begun and not self._pieces else None
        except (AttributeError, KeyError, TypeError, ValueError):
            return None

    def _choice(self, value: Any, position: int, events: list[Event]) -> None:
        """Append the text of one choice, and its finish reason."""
        choice, _ = values.view(value)
        if (piece := values.text(choice.get("text"))) is not None:
            index = self._index(choice.get("index"), position)
            events.append(Text(index, piece))
            if not self._pieces:
                self._begun.add(index)
        super()._choice(value, position, events)
