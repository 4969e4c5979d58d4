"""A request and an answer of the Responses API in which every content bears a mark.

Names, ids and counts bear none: those are recorded. It knows nothing of telemetry.
"""

from __future__ import annotations

from typing import Any

from . import wire_responses as wire_r
from .wire_responses import added, done, part

IMAGE = "data:image/png;base64," + "MARK" * 3000
ASK: dict[str, Any] = {
    "model": "gpt-test",
    "instructions": "MARK-instructions",
    "input": [
        {
            "role": "user",
            "content": [
                {"type": "input_text", "text": "MARK-prompt"},
                {"type": "input_file", "filename": "MARK-filename", "file_data": IMAGE},
                {"type": "input_image", "image_url": IMAGE},
            ],
        },
        wire_r.message("MARK-said"),
        wire_r.call("look", '{"q": "MARK-history"}'),
        {"type": "function_call_output", "call_id": "call_0", "output": "MARK-result"},
        wire_r.hosted("code_interpreter_call", 1, code="MARK-ran", outputs=[{"logs": "MARK-logs"}]),
    ],
    "tools": [
        {
            "type": "function",
            "name": "look",
            "description": "MARK-description",
            "parameters": {"properties": {"MARK-schema": {}}},
        },
        {
            "type": "mcp",
            "server_label": "docs",
            "server_url": "http://MARK-host/",
            "headers": {"X": "MARK-header"},
        },
        {"type": "web_search", "user_location": {"city": "MARK-city"}},
        {"type": "file_search", "vector_store_ids": ["MARK-store"]},
    ],
    "prompt": {"id": "pmpt_1", "variables": {"name": "MARK-variable"}},
    "metadata": {"note": "MARK-metadata"},
    "user": "MARK-user",
    "prompt_cache_key": "MARK-cache",
    "extra_headers": {"X-Note": "MARK-header"},
    "extra_query": {"note": "MARK-query"},
}
INPUT = {"MARK-instructions", "MARK-prompt", "MARK-said", "MARK-history", "MARK-result", "MARK-ran"}
OUTPUT = {
    "MARK-answer",
    "MARK-refusal",
    "MARK-reasoning",
    "MARK-arguments",
    "MARK-input",
    "MARK-asked",
    "MARK-search",
    "MARK-find",
    "MARK-code",
}

_LOOK = wire_r.call("look", '{"q": "MARK-arguments"}', at=2)
_RUN = wire_r.call("run", "MARK-input", at=3, kind="custom_tool_call")
_READ = wire_r.hosted("mcp_call", 4, name="read", arguments='{"q": "MARK-asked"}', output="MARK-read")
_SEARCH = wire_r.hosted(
    "web_search_call", 5, action={"query": "MARK-search", "sources": [{"url": "MARK-source"}]}
)
_FIND = wire_r.hosted("file_search_call", 6, queries=["MARK-find"], results=[{"text": "MARK-found"}])
_CODE = wire_r.hosted(
    "code_interpreter_call", 7, code="MARK-code", outputs=[{"type": "logs", "logs": "MARK-logs"}]
)
_IMAGE = wire_r.hosted("image_generation_call", 8, result="MARK" * 3000, revised_prompt="MARK-revised")
_THOUGHT: dict[str, Any] = {
    "type": "reasoning",
    "id": "rs_1",
    "summary": [{"type": "summary_text", "text": "MARK-reasoning"}],
    "encrypted_content": "MARK-encrypted",
}
_REFUSED = {
    **wire_r.message("", "msg_9"),
    "content": [
        {"type": "output_text", "text": "MARK-answer", "annotations": [{"title": "MARK-title"}]},
        {"type": "refusal", "refusal": "MARK-refusal"},
    ],
}
_ITEMS = [_THOUGHT, _LOOK, _RUN, _READ, _SEARCH, _FIND, _CODE, _IMAGE, _REFUSED]
_MORE = {"instructions": "MARK-instructions", "metadata": {"note": "MARK-metadata"}, "user": "MARK-user"}

WHOLE = wire_r.response(output=_ITEMS, **_MORE)
STREAM = wire_r.numbered(
    [
        {"type": "response.created", "response": wire_r.response("in_progress", **_MORE)},
        added({**_THOUGHT, "summary": []}, 0),
        part("reasoning_summary_text.delta", _THOUGHT, 0, summary_index=0, delta="MARK-"),
        part("reasoning_summary_text.delta", _THOUGHT, 0, summary_index=0, delta="reasoning"),
        done(_THOUGHT, 0),
        added(_LOOK, 2, arguments=""),
        part("function_call_arguments.delta", _LOOK, 2, delta='{"q": "MARK-'),
        part("function_call_arguments.delta", _LOOK, 2, delta='arguments"}'),
        part("function_call_arguments.done", _LOOK, 2, arguments=_LOOK["arguments"]),
        done(_LOOK, 2),
        added(_RUN, 3, input=""),
        part("custom_tool_call_input.delta", _RUN, 3, delta="MARK-input"),
        part("custom_tool_call_input.done", _RUN, 3, input="MARK-input"),
        done(_RUN, 3),
        added(_READ, 4, arguments=""),
        part("mcp_call_arguments.delta", _READ, 4, delta='{"q": "MARK-asked"}'),
        done(_READ, 4),
        added(_SEARCH, 5, action=None),
        done(_SEARCH, 5),
        added(_FIND, 6, queries=[]),
        done(_FIND, 6),
        added(_CODE, 7, code=""),
        part("code_interpreter_call_code.delta", _CODE, 7, delta="MARK-code"),
        part("code_interpreter_call_code.done", _CODE, 7, code="MARK-code"),
        done(_CODE, 7),
        added(_IMAGE, 8),
        part("image_generation_call.partial_image", _IMAGE, 8, partial_image_b64="MARK" * 3000),
        done(_IMAGE, 8),
        added(_REFUSED, 9, content=[]),
        part("output_text.delta", _REFUSED, 9, content_index=0, delta="MARK-answer"),
        part("output_text.annotation.added", _REFUSED, 9, annotation={"title": "MARK-title"}),
        part("refusal.delta", _REFUSED, 9, content_index=1, delta="MARK-refusal"),
        done(_REFUSED, 9),
        wire_r.progress("completed", _ITEMS, **_MORE),
    ]
)
FAILURE = {"code": "MARK code", "message": "MARK-error", "param": "MARK-param"}
STREAMS: dict[str, list[Any]] = {
    "cut": [*STREAM[:8]],
    "cut-in-a-text": [*STREAM[:2], added(_REFUSED, 9, content=[]), *STREAM[29:30]],
    "failed": [*STREAM[:4], wire_r.progress("failed", error=FAILURE, **_MORE)],
    "error-event": [*STREAM[:4], {"type": "error", **FAILURE}],
    "error-inside": [*STREAM[:4], {"type": "error", "error": FAILURE}],
    "unknown": [{"type": "response.MARK", "delta": "MARK"}, {"type": "MARK", "response": {"MARK": "MARK"}}],
}
