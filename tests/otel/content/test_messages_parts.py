"""The parts of a message's content: texts limited, inline data replaced by media type and size."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest

from toolspan.otel.content.messages import content_parts, text_part

from ...table import each_row

DATA = base64.b64encode(b"x" * 3000).decode()
DATA_URL = f"data:image/png;base64,{DATA}"


def test_text_part() -> None:
    """A text becomes a text part."""
    assert text_part("hello", 3) == {"type": "text", "content": "he…"}


def blob(modality: str, size: int, mime_type: str | None = None) -> dict[str, Any]:
    """Inline data as it is recorded."""
    found: dict[str, Any] = {"type": "blob", "modality": modality, "content": "", "size": size}
    return {**found, "mime_type": mime_type} if mime_type else found


def uri(modality: str, address: str) -> dict[str, Any]:
    """A reference as it is recorded."""
    return {"type": "uri", "modality": modality, "uri": address}


PARTS: dict[str, tuple[Any, dict[str, Any]]] = {
    "bare text": ("hi", {"type": "text", "content": "hi"}),
    "text": ({"type": "text", "text": "hi"}, {"type": "text", "content": "hi"}),
    "refusal": ({"type": "refusal", "refusal": "no"}, {"type": "text", "content": "no"}),
    "image": (
        {"type": "image_url", "image_url": {"url": "https://a.test/i"}},
        uri("image", "https://a.test/i"),
    ),
    "image, bare": ({"type": "image_url", "image_url": "https://a.test/i"}, uri("image", "https://a.test/i")),
    "input image": (
        {"type": "input_image", "image_url": "https://a.test/i"},
        uri("image", "https://a.test/i"),
    ),
    "video": (
        {"type": "video_url", "video_url": {"url": "https://a.test/v"}},
        uri("video", "https://a.test/v"),
    ),
    "sound": (
        {"type": "audio_url", "audio_url": {"url": "https://a.test/a"}},
        uri("audio", "https://a.test/a"),
    ),
    "image data": ({"type": "image_url", "image_url": {"url": DATA_URL}}, blob("image", 3000, "image/png")),
    "image data, bare": ({"type": "image_url", "image_url": DATA_URL}, blob("image", 3000, "image/png")),
    "data without a type": ({"type": "image_url", "image_url": "data:,abcd"}, blob("image", 3)),
    "no address": ({"type": "image_url"}, uri("image", "")),
    "audio": (
        {"type": "input_audio", "input_audio": {"data": DATA, "format": "wav"}},
        blob("audio", 3000, "audio/wav"),
    ),
    "audio, no format": ({"type": "input_audio", "input_audio": {"data": DATA}}, blob("audio", 3000)),
    "audio, nothing": ({"type": "input_audio"}, blob("audio", 0)),
    "file": ({"type": "file", "file": {"file_data": DATA, "filename": "a.pdf"}}, blob("document", 3000)),
    "input file": ({"type": "input_file", "file_data": DATA}, blob("document", 3000)),
    "file by id": (
        {"type": "file", "file": {"file_id": "file-1"}},
        {"type": "file", "modality": "document", "file_id": "file-1"},
    ),
    "unknown": ({"type": "dance", "moves": [1]}, {"type": "dance"}),
    "nameless": ({"moves": [1]}, {"type": "unknown"}),
    "number": (7, {"type": "unknown"}),
}


@each_row(("part", "expected"), PARTS.values(), ids=PARTS)
def test_part(part: Any, expected: dict[str, Any]) -> None:
    """Each form that the API accepts, and what is recorded of it."""
    assert content_parts([part], 100) == [expected]


@each_row(
    ("content", "expected"),
    [
        ("hi", [{"type": "text", "content": "hi"}]),
        ("", []),
        (None, []),
        (float("nan"), []),
        (b"bytes", []),
        ({"a"}, []),
        ({"type": "text", "text": "hi"}, [{"type": "text", "content": "hi"}]),
        (("a", "b"), [{"type": "text", "content": "a"}, {"type": "text", "content": "b"}]),
    ],
    ids=["text", "empty", "none", "nan", "bytes", "set", "one part", "tuple"],
)
def test_content(content: Any, expected: list[Any]) -> None:
    """A text or a list of parts; anything else is no content and no error."""
    assert content_parts(content, 100) == expected


@pytest.mark.parametrize("scheme", ["data", "DATA", "Data"])
def test_inline_data_is_not_kept(scheme: str) -> None:
    """Nothing of the data itself is recorded, whichever way the scheme is written."""
    part = {"type": "image_url", "image_url": {"url": f"{scheme}:image/png;base64,{DATA}"}}
    assert DATA[:8] not in json.dumps(content_parts([part], 8192))


def test_large_data_url_is_small() -> None:
    """A data URL of five megabytes becomes less than 200 characters."""
    url = "data:image/png;base64," + "A" * 5_000_000
    parts = content_parts([{"type": "image_url", "image_url": {"url": url}}], 8192)
    assert len(json.dumps(parts)) < 200
    assert parts[0]["size"] == 3_750_000


def test_every_text_is_limited() -> None:
    """Texts, refusals and addresses keep to the limit each."""
    long = "x" * 500
    parts = [
        long,
        {"type": "text", "text": long},
        {"type": "refusal", "refusal": long},
        {"type": "image_url", "image_url": long},
    ]
    sizes = [len(part.get("content") or part["uri"]) for part in content_parts(parts, 100)]
    assert sizes == [100, 100, 100, 100]
