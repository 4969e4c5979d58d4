"""What `toolspan pipeline` must print of the example's answer under each policy."""

from __future__ import annotations

from dataclasses import dataclass

STAGES = (
    "gateway.model",
    "gateway.send",
    "control.receive",
    "control.policy",
    "gateway.normalise",
    "client",
)
"""The six steps, in order."""
SERVICES = {"gateway": "gateway", "control": "control-plane", "client": "client"}
"""Which service tells of a stage, by the first part of its name."""


@dataclass(frozen=True)
class Expected:
    """How a chat under a policy ends: for its client, and by the command's exit status and words."""

    chunks: int
    ended: str
    status: int
    verdict: str
    said: str = ""


ARRIVED = "every chunk arrived"
_AT = "first at control.policy"
CHATS = {
    "passes": Expected(12, "completed", 0, ARRIVED),
    "alters": Expected(12, "completed", 0, ARRIVED, "chunk 5, tool call chunk of tool call 0"),
    "holds": Expected(12, "completed", 0, ARRIVED),
    "blocks": Expected(8, "completed", 1, f"{_AT} (chunk 7, first piece of tool call 1): read it and ended"),
    "drops_finish": Expected(11, "completed", 1, f"{_AT} (chunk 12, finish chunk): dropped it"),
    "swallows_last_fragment": Expected(
        11, "completed", 1, f"{_AT} (chunk 11, last piece of tool call 1): dropped it"
    ),
    "duplicates": Expected(
        13, "completed", 3, f"{_AT} (chunk 5, tool call chunk of tool call 0): emitted chunk 4 again"
    ),
    "reorders": Expected(
        12, "completed", 3, f"{_AT} (chunk 3, tool call chunk of tool call 0): emitted it after later chunks"
    ),
    "breaks": Expected(
        4,
        "APIError",
        1,
        f"{_AT} (chunk 5, latest piece of tool call 0): read it and ended",
        "raised LookupError",
    ),
    "vanishes": Expected(
        4,
        "APIError",
        1,
        f"{_AT} (chunk 5, latest piece of tool call 0): read it and ended",
        "ConnectionReset",
    ),
    "hangs": Expected(
        4, "APITimeoutError", 1, f"{_AT} (chunk 5, latest piece of tool call 0): still held it after"
    ),
    "passes:3": Expected(3, "completed", 1, "first at client: closed after 3 chunks"),
    "alters:1": Expected(1, "completed", 1, "first at client: closed after 1 chunks"),
    "hangs:2": Expected(2, "completed", 1, "first at client: closed after 2 chunks"),
}
"""By the policy, and after a colon how many chunks the client reads before it leaves."""
SECRETS = ("Paris", "Berlin", "get_weather")
"""Content, which no stage may tell of: the model's arguments, and the names of tools."""
BAD_SIGNS = (
    "different Context",
    "Failed to detach",
    "never retrieved",
    "was destroyed but it is pending",
    "Exception ignored",
    "never awaited",
    "the application is not affected",
)
"""In no log of any part."""
