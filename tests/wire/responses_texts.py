"""Texts, thoughts, refusals and compactions of the Responses API, as OpenAI streams them."""

from __future__ import annotations

from typing import Any

from .response_shapes import (
    ASKED,
    ONE,
    Case,
    added,
    asks,
    begins,
    counts,
    done,
    ends,
    event,
    message,
    pieces,
    response,
    says,
)

HELLO = message()
REFUSED = message(content=[{"type": "refusal", "refusal": "I cannot."}])
TWO_PARTS = message(content=[*HELLO["content"], *message(" you")["content"]])
THOUGHT = {
    "type": "reasoning",
    "id": "rs_1",
    "summary": [],
    "content": [{"type": "reasoning_text", "text": "Hm."}],
}
SUMMARY = {
    "type": "reasoning",
    "id": "rs_1",
    "summary": [{"type": "summary_text", "text": "Hm"}, {"type": "summary_text", "text": "."}],
    "encrypted_content": "gAAA",
}
COMPACTED = {"type": "compaction", "id": "cmp_1", "encrypted_content": "gAAA"}
ASKED_BY_USER = {
    "type": "message",
    "id": "msg_u",
    "role": "user",
    "status": "completed",
    "content": [{"type": "input_text", "text": "What the user said."}],
}
_PART = {"content_index": 0}


def thinking(item: dict[str, Any], kind: str, *texts: str) -> list[dict[str, Any]]:
    """A reasoning item, its thoughts in these pieces, and the answer after it."""
    return [
        *begins(),
        added(item, 0, summary=[], content=None),
        *pieces(kind, list(texts), "rs_1"),
        event(f"{kind}.done", "rs_1", 0, text="".join(texts)),
        done(item, 0),
        *says(HELLO, 1, "Hel", "lo"),
        ends(item, HELLO),
    ]


CASES = [
    Case("text", [*begins(), *says(HELLO, 0, "Hel", "lo"), ends(HELLO)], [], text="Hello"),
    Case(
        "text-without-pieces",
        [*begins(), added(HELLO, content=[]), done(HELLO), ends(HELLO)],
        [],
        text="Hello",
    ),
    Case("text-in-the-last-event", [*begins(), ends(HELLO)], [], text="Hello"),
    Case(
        "text-of-two-parts",
        [*begins(), *pieces("output_text", ["Hello", " you"], "msg_1"), done(TWO_PARTS), ends(TWO_PARTS)],
        [],
        text="Hello you",
    ),
    Case(
        "two-messages",
        [
            *begins(),
            *says(HELLO, 0, "Hello"),
            *says(message(" again", "msg_2"), 1, " again"),
            ends(HELLO, message(" again", "msg_2")),
        ],
        [],
        text="Hello again",
    ),
    Case(
        "text-then-call",
        [*begins(), *says(HELLO, 0, "Hello"), *asks(ONE, 1, 2), ends(HELLO, ONE)],
        ASKED,
        "tool_calls",
        text="Hello",
    ),
    Case("thoughts", thinking(THOUGHT, "reasoning_text", "H", "m."), [], text="Hello", reasoning="Hm."),
    Case(
        "summary", thinking(SUMMARY, "reasoning_summary_text", "Hm", "."), [], text="Hello", reasoning="Hm."
    ),
    Case(
        "refusal",
        [
            *begins(),
            added(REFUSED, content=[]),
            *pieces("refusal", ["I can", "not."], "msg_1"),
            event("refusal.done", "msg_1", 0, refusal="I cannot.", **_PART),
            done(REFUSED),
            ends(REFUSED),
        ],
        [],
        refusal="I cannot.",
    ),
    Case(
        "compacted-on-the-way",
        [
            *begins(),
            added(COMPACTED, status=None, encrypted_content=""),
            event("compaction.compacting", "cmp_1", 0),
            done(COMPACTED),
            *says(HELLO, 1, "Hello"),
            ends(COMPACTED, HELLO),
        ],
        [],
        text="Hello",
        compacted=True,
    ),
    Case(
        "compaction",
        [
            response(
                ASKED_BY_USER,
                COMPACTED,
                status=None,
                object="response.compaction",
                model=None,
                usage=counts(),
            )
        ],
        [],
        "compaction",
        compacted=True,
        status=None,
        model=None,
        whole=response(
            ASKED_BY_USER, COMPACTED, status=None, object="response.compaction", model=None, usage=counts()
        ),
    ),
    Case(
        "speech",
        [
            *begins(),
            event("output_audio_transcript.delta", "msg_1", 0, delta="Hel"),
            event("output_audio.delta", "msg_1", 0, delta="UklGRg=="),
            event("output_audio_transcript.delta", "msg_1", 0, delta="lo"),
            ends(message(content=[{"type": "output_audio", "transcript": "Hello"}])),
        ],
        [],
        text="Hello",
    ),
    Case(
        "speech-without-places",
        [
            *begins(),
            event("audio.transcript.delta", delta="Hel"),
            event("audio.transcript.delta", delta="lo"),
            ends(message(content=[{"type": "output_audio", "transcript": "Hello"}])),
        ],
        [],
        text="Hello",
    ),
    Case(
        "annotated",
        [
            *begins(),
            *says(HELLO, 0, "Hello")[:3],
            event("output_text.annotation.added", "msg_1", 0, annotation={"type": "url_citation"}, **_PART),
            *says(HELLO, 0, "Hello")[3:],
            ends(HELLO),
        ],
        [],
        text="Hello",
    ),
]
