"""The ordinary chunk as JSON text, read without decoding it: one more piece of a text or of a call.

It knows the fields and their order as OpenAI and most servers write them; all else is left to `texts.py`.
"""

from __future__ import annotations

import re
from json.decoder import scanstring  # type: ignore[attr-defined]  # the stubs lack it, no Python does

from .marks import CONTENT, TEXT, TOOL_CALL, Meaning, Place, place

CHOICES = '"choices":'
"""The name between plain quotes, which cannot stand within a string, where quotes are escaped."""

_until_the_piece = re.compile(
    CHOICES + r' ?\[\{"index": ?(\d), ?"delta": ?\{'
    r'(?:"content": ?"|"tool_calls": ?\[\{"index": ?(\d\d?), ?"function": ?\{"arguments": ?")'
).match
_END = r'\}, ?(?:"logprobs": ?null, ?)?"finish_reason": ?null ?\}\](?!.*"choices":)'
_text_ends = re.compile(_END, re.DOTALL).match
_call_ends = re.compile(r"\}\}\]" + _END, re.DOTALL).match
_places: dict[tuple[str | None, ...], Place] = {
    (str(index), None): place(TEXT, index, None, CONTENT) for index in range(10)
} | {(str(index), str(call)): place(TOOL_CALL, index, call) for index in range(10) for call in range(100)}


_until_the_delta = re.compile(
    r'(?:data: ?)?\{"type": ?"response\.(output_text|function_call_arguments)\.delta"'
    r'(?:, ?"(?:sequence_number|output_index|content_index)": ?\d+|, ?"item_id": ?"[^"\\]*")*, ?"delta": ?"'
).match
_index = re.compile(r'"output_index": ?(\d\d?)\b').search


def event_of(text: str) -> Meaning | None:
    """What an event of the Responses API says that is one more piece; `ValueError` if it is no JSON."""
    begun = _until_the_delta(text)
    if begun is None:
        return None
    piece, at = scanstring(text, begun.end(), True)
    if not piece or text.find('"delta":', at) > 0 or text.find('"type":', at) > 0:
        return None
    if begun[1] == "output_text":
        return ((_places["0", None], piece),)
    index = _index(text, 0, begun.end())
    found = None if index is None else _places.get(("0", index[1]))
    return None if found is None else ((found, piece),)


class Pieces:
    """Reads such texts one after the other; around the piece all is mostly as it was before."""

    __slots__ = ("_after", "_before", "_place")

    def __init__(self) -> None:
        self._before = self._after = ""
        self._place: Place | None = None

    def read(self, text: str) -> Meaning | None:
        """What the only chunk in this JSON text says, if it is of that kind."""
        at = text.find(CHOICES)
        where, before, after = self._place, self._before, self._after
        try:
            if where is not None and text.startswith(before, at) and text.endswith(after):
                piece, end = scanstring(text, at + len(before), True)
                if end + len(after) == len(text) and piece:
                    return ((where, piece),)
            return event_of(text) if at < 0 else self._look(text, at)
        except ValueError:
            return None

    def _look(self, text: str, at: int) -> Meaning | None:
        begun = _until_the_piece(text, at)
        if begun is None:
            return None
        places = begun.groups()
        piece, end = scanstring(text, begun.end(), True)
        where = _places.get(places)
        if not piece or where is None or (_text_ends if places[1] is None else _call_ends)(text, end) is None:
            return None
        self._place, self._before, self._after = where, text[at : begun.end()], text[end:]
        return ((where, piece),)
