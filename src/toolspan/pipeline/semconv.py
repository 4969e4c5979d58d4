"""Names of the attributes and span events of pipeline stages."""

from __future__ import annotations

from typing import Final, NamedTuple

STAGE_NAME: Final = "toolspan.stage.name"
STREAM_ID: Final = "toolspan.stream.id"
STAGE_ERROR_SIDE: Final = "toolspan.stage.error.side"
STAGE_HELD_LONGEST: Final = "toolspan.stage.held.longest"
STAGE_HELD_SUM: Final = "toolspan.stage.held.sum"


class SideNames(NamedTuple):
    """The names of what a stage received, or of what it emitted."""

    chunks: str
    text: str
    tool_call: str
    finish: str
    size: str
    digest: str
    first_chunk: str
    longest_pause: str


IN: Final = SideNames(
    "toolspan.stage.in.chunks",
    "toolspan.stage.in.text",
    "toolspan.stage.in.tool_call",
    "toolspan.stage.in.finish",
    "toolspan.stage.in.size",
    "toolspan.stage.in.digest",
    "toolspan.stage.in.first_chunk",
    "toolspan.stage.in.longest_pause",
)
OUT: Final = SideNames(
    "toolspan.stage.out.chunks",
    "toolspan.stage.out.text",
    "toolspan.stage.out.tool_call",
    "toolspan.stage.out.finish",
    "toolspan.stage.out.size",
    "toolspan.stage.out.digest",
    "toolspan.stage.out.first_chunk",
    "toolspan.stage.out.longest_pause",
)
IN_COMPLETE: Final = "toolspan.stage.in.complete"

# what the stage did to the chunks, in total
PASSED: Final = "toolspan.stage.passed"
ALTERED: Final = "toolspan.stage.altered"
DROPPED: Final = "toolspan.stage.dropped"
INJECTED: Final = "toolspan.stage.injected"
BLOCKED: Final = "toolspan.stage.blocked"
REORDERED: Final = "toolspan.stage.reordered"
PENDING: Final = "toolspan.stage.pending"
UNTRACKED: Final = "toolspan.stage.untracked"
BY_KIND: Final = {
    PASSED: ("toolspan.stage.passed.text", "toolspan.stage.passed.tool_call", "toolspan.stage.passed.finish"),
    ALTERED: (
        "toolspan.stage.altered.text",
        "toolspan.stage.altered.tool_call",
        "toolspan.stage.altered.finish",
    ),
    DROPPED: (
        "toolspan.stage.dropped.text",
        "toolspan.stage.dropped.tool_call",
        "toolspan.stage.dropped.finish",
    ),
    INJECTED: (
        "toolspan.stage.injected.text",
        "toolspan.stage.injected.tool_call",
        "toolspan.stage.injected.finish",
    ),
    BLOCKED: (
        "toolspan.stage.blocked.text",
        "toolspan.stage.blocked.tool_call",
        "toolspan.stage.blocked.finish",
    ),
    REORDERED: (
        "toolspan.stage.reordered.text",
        "toolspan.stage.reordered.tool_call",
        "toolspan.stage.reordered.finish",
    ),
    PENDING: (),
    UNTRACKED: (),
}
"""The names for text, tool calls and finish chunks, by the name of the total."""

# span events of single chunks: sampled ones, and those that did not simply pass
CHUNK_FOLLOWED_EVENT: Final = "toolspan.chunk.followed"
CHUNK_CHANGED_EVENT: Final = "toolspan.chunk.changed"
CHUNK_SIDE: Final = "toolspan.chunk.side"
CHUNK_POSITION: Final = "toolspan.chunk.position"
CHUNK_ROLE: Final = "toolspan.chunk.role"
CHUNK_KIND: Final = "toolspan.chunk.kind"
CHUNK_FINGERPRINT: Final = "toolspan.chunk.fingerprint"
CHUNK_FATE: Final = "toolspan.chunk.fate"
CHUNK_OUT_POSITION: Final = "toolspan.chunk.out.position"
CHUNK_OUT_FINGERPRINT: Final = "toolspan.chunk.out.fingerprint"
CHUNK_REPEATS: Final = "toolspan.chunk.repeats"
