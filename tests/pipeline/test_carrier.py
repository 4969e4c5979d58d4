"""A note in any message envelope, and out of it again."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from toolspan.pipeline.carrier import KEY, STREAM, put, take

from ..table import each_row

NOTE = {STREAM: "abc-01", "traceparent": "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"}
values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)
messages = st.dictionaries(st.text(max_size=6).filter(lambda name: name != KEY), values, max_size=4)


@given(message=messages, spaces=st.sampled_from(["", " ", "\n"]), tight=st.booleans())
def test_json_of_any_object_carries_the_note_and_comes_back(
    message: dict[str, Any], spaces: str, tight: bool
) -> None:
    """The JSON of any object carries the route, stays JSON, and comes back as it was."""
    plain = json.dumps(message, separators=(",", ":") if tight else None)
    for text in (spaces + plain, (spaces + plain).encode()):
        carrying = put(text, NOTE)
        assert json.loads(carrying) == {KEY: NOTE, **message}
        found, note = take(carrying)
        assert note == NOTE
        assert found == text
        assert type(found) is type(text)


@each_row(
    "data",
    [
        b'{"a": "\xff\xfe"}',
        b' \r\n\t{"a": "\xe9", "n": 1e5}\n',
        '{"a": "Tromsø 😀"}'.encode(),
        b'{ "a" : "\xc3" , "b":[ 1,2 ] } ',
        b"{ }",
        b'{"a": "\xed\xa0\x80"}',
    ],
)
def test_bytes_of_any_encoding_come_back_as_they_were(data: bytes) -> None:
    """Bytes come back as they were, also those that are not UTF-8, and spaces around and within them."""
    assert take(put(data, NOTE)) == (data, NOTE)
    assert STREAM.encode() in put(data, NOTE)
    text = data.decode("latin-1")
    assert take(put(text, NOTE)) == (text, NOTE)


def test_bytes_that_a_broker_changed_are_read_as_utf_8() -> None:
    """Text of other scripts survives a broker that encodes the message again; bytes of no encoding stay."""
    moved = json.dumps({"a": "ø😀", KEY: NOTE}, ensure_ascii=False)
    for text in (moved, moved.encode()):
        found, note = take(text)
        assert (json.loads(found), note) == ({"a": "ø😀"}, NOTE)
    odd = b'{"a": "\xff", ' + json.dumps({KEY: NOTE}).encode()[1:]
    assert take(odd) == (odd, None)


@given(message=messages)
def test_dict_carries_the_note_and_is_not_changed(message: dict[str, Any]) -> None:
    """A dict carries the route, and the given dict is not changed."""
    before = dict(message)
    carrying = put(message, NOTE)
    assert message == before
    assert take(carrying) == (message, NOTE)
    assert take(message)[0] is message


@given(message=messages)
def test_note_survives_a_broker_that_decodes_and_encodes(message: dict[str, Any]) -> None:
    """The route survives a broker that decodes and encodes the message, wherever the field is then."""
    whole = json.loads(put(json.dumps(message), NOTE))
    moved = {name: whole[name] for name in sorted(whole, reverse=True)}
    found, note = take(json.dumps(moved, separators=(",", ":")))
    assert (json.loads(found), note) == (message, NOTE)


@each_row("text", ["", "plain", "[1]", "{", "data: {}", '"text"', "7", "{broken"])
def test_text_that_is_not_a_json_object_stays_as_it_is(text: str) -> None:
    """What is no JSON object stays as it is, both ways."""
    assert put(text, NOTE) is text
    assert take(text) == (text, None)
    assert put(text.encode(), NOTE) == text.encode()
    assert take(text.encode()) == (text.encode(), None)


@each_row(
    "text",
    [
        '{"toolspan":',
        '{"toolspan": 7}',
        '{"toolspan": {}}',
        '{"a": "\\"toolspan\\":"}',
        '{"toolspan": {"other": "x"}, "a": 1}',
        '[{"toolspan":{}}]',
        '{"a": {"toolspan":{}}}',
    ],
)
def test_other_field_of_the_same_name_belongs_to_the_message(text: str) -> None:
    """A field of that name with another value belongs to the message."""
    assert take(text) == (text, None)


def test_header_pairs_carry_the_entries_as_text_or_bytes() -> None:
    """Headers carry the entries, as text or bytes like the others, in any case."""
    text, raw = [("content-type", "x")], [(b"content-type", b"x")]
    mixed = [("content-type", b"x")]
    assert put(text, NOTE) == [*text, *NOTE.items()]
    assert put(raw, NOTE) == [*raw, *((name.encode(), value.encode()) for name, value in NOTE.items())]
    assert put(mixed, NOTE) == [*mixed, *((name, value.encode()) for name, value in NOTE.items())]
    assert put((), NOTE) == tuple(NOTE.items())
    for headers in (text, raw, mixed):
        carrying = put(headers, NOTE)
        found, note = take(carrying)
        assert found is carrying
        assert note is not None
        assert {name: note[name] for name in NOTE} == NOTE
        assert take(headers) == (headers, None)
    shouted = {name.title(): value for name, value in NOTE.items()}
    assert take(shouted) == (shouted, NOTE)
    assert take([7, ("a",), (1, 2)]) == ([7, ("a",), (1, 2)], None)


class Framework:
    """Headers as a framework has them."""

    def items(self) -> Any:
        """As pairs."""
        return NOTE.items()


def test_other_envelopes_are_read_or_left_alone() -> None:
    """A framework's headers are read; any other value is not changed."""
    found = Framework()
    assert take(found) == (found, NOTE)
    for other in (7, None, object()):
        assert put(other, NOTE) is other
        assert take(other) == (other, None)
