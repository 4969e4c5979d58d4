"""The headers of an answer that are read, in each server's form."""

from __future__ import annotations

import math
from typing import NamedTuple

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from toolspan.wire import headers as header_facts
from toolspan.wire.headers import Head, Limit

from ..table import each_row

NOW = 1_741_305_600.0
"""2025-03-07 00:00:00 UTC."""
DATE = "Fri, 07 Mar 2025 00:00:00 GMT"


class Raw(NamedTuple):
    """Headers as a client keeps them."""

    raw: list[tuple[bytes, bytes]]


def read_head(headers: Raw, now: float | None = None) -> Head:
    """What they say."""
    return header_facts.read_head(header_facts.fields_of(headers), now)


def raw(**headers: str) -> Raw:
    """Headers whose names are written with underscores."""
    return Raw(
        [(name.replace("_", "-").encode(), value.encode("latin-1")) for name, value in headers.items()]
    )


SERVERS: dict[str, tuple[Raw, Head]] = {
    "openai": (
        raw(
            x_request_id="req_ab",
            x_ratelimit_limit_requests="60",
            x_ratelimit_limit_tokens="150000",
            x_ratelimit_remaining_requests="59",
            x_ratelimit_remaining_tokens="149984",
            x_ratelimit_reset_requests="1s",
            x_ratelimit_reset_tokens="6m0s",
        ),
        Head("req_ab", Limit(60, 59, 1.0), Limit(150_000, 149_984, 360.0)),
    ),
    "groq": (
        raw(
            x_request_id="req_ab",
            x_ratelimit_limit_requests="14400",
            x_ratelimit_remaining_requests="14370",
            x_ratelimit_reset_requests="2m59.56s",
            x_ratelimit_reset_tokens="7.66s",
            retry_after="2",
        ),
        Head("req_ab", Limit(14_400, 14_370, 179.56), Limit(reset=7.66), 2.0),
    ),
    "azure": (
        raw(
            apim_request_id="9f-1",
            x_ratelimit_remaining_requests="9",
            x_ratelimit_reset_requests="20ms",
            x_ratelimit_remaining_tokens="900",
            retry_after="7",
            retry_after_ms="6500",
        ),
        Head("9f-1", Limit(None, 9, 0.02), Limit(None, 900), 6.5),
    ),
    "anthropic-limits": (
        raw(
            request_id="req_ab",
            anthropic_ratelimit_requests_limit="50",
            anthropic_ratelimit_requests_remaining="49",
            anthropic_ratelimit_requests_reset="2025-03-07T00:01:00Z",
            anthropic_ratelimit_tokens_limit="9000",
            anthropic_ratelimit_tokens_reset="2025-03-07T02:00:07.500+02:00",
            anthropic_ratelimit_input_tokens_reset="2025-13-07T00:01:00Z",
        ),
        Head("req_ab", Limit(50, 49, 60.0), Limit(9000, None, 7.5)),
    ),
    "anthropic-odd": (raw(anthropic_ratelimit_tokens_reset="2025-13-07T00:01:00Z"), Head()),
    "bedrock": (raw(**{"x-amzn-RequestId": "5b-1"}), Head("5b-1")),
    "anthropic": (raw(request_id="req_011"), Head("req_011")),
    "several ids": (raw(apim_request_id="second", x_request_id="first"), Head("first")),
    "cerebras": (
        raw(
            x_ratelimit_limit_requests_day="14400",
            x_ratelimit_remaining_requests_day="14390",
            x_ratelimit_reset_requests_day="33011.382867",
            x_ratelimit_limit_tokens_day="1000000",
            x_ratelimit_limit_tokens_minute="60000",
            x_ratelimit_remaining_tokens_minute="59000",
            x_ratelimit_reset_tokens_minute="11.382867",
        ),
        Head(None, Limit(14_400, 14_390, 33_011.382867), Limit(60_000, 59_000, 11.382867)),
    ),
    "sambanova": (
        raw(
            x_ratelimit_limit_requests_day="1500",
            x_ratelimit_reset_requests_day="4h17m",
            x_ratelimit_limit_requests="20",
        ),
        Head(None, Limit(20)),
    ),
    "digitalocean": (
        raw(
            x_ratelimit_limit_tokens_per_day="5000",
            x_ratelimit_limit_tokens_per_minute="100",
            x_ratelimit_reset_tokens_per_minute=f"{NOW + 30:.0f}",
        ),
        Head(None, Limit(), Limit(100, None, 30.0)),
    ),
    "openrouter": (
        raw(x_ratelimit_limit="50", x_ratelimit_remaining="0", x_ratelimit_reset=f"{NOW + 60:.0f}000"),
        Head(None, Limit(50, 0, 60.0)),
    ),
    "named and not": (
        raw(x_ratelimit_limit="50", x_ratelimit_limit_requests_day="9", x_ratelimit_remaining="1"),
        Head(None, Limit(9)),
    ),
    "an http date": (raw(retry_after="Fri, 07 Mar 2025 00:00:20 GMT"), Head(retry_after=20.0)),
    "a date that has been": (raw(retry_after="Thu, 06 Mar 2025 23:59:59 GMT"), Head(retry_after=0.0)),
    "nothing": (raw(content_type="text/plain"), Head()),
}


@each_row(("headers", "head"), SERVERS.values(), ids=SERVERS)
def test_headers_of_each_server_are_read_in_any_case(headers: Raw, head: Head) -> None:
    """The headers of each server are read, with names in any case."""
    assert read_head(headers, NOW) == head
    assert read_head(Raw([(name.upper(), value) for name, value in headers.raw]), NOW) == head


@each_row(
    ("text", "seconds"),
    [
        ("0", 0),
        ("1", 1),
        ("1.5", 1.5),
        ("20ms", 0.02),
        ("500us", 0.0005),
        ("7ns", 7e-9),
        ("1h2m3.5s", 3723.5),
        ("1d", 86_400),
        (" 12s ", 12),
    ],
)
def test_durations_are_read_as_seconds_or_with_units(text: str, seconds: float) -> None:
    """Plain seconds and units."""
    found = read_head(raw(x_ratelimit_reset_requests=text))
    assert found.requests.reset == pytest.approx(seconds)


HOSTILE = [
    *(
        "",
        "-1",
        "nan",
        "inf",
        "1e9",
        "1_000",
        "0x10",
        "\xb2",
        "unlimited",
        "9" * 65,
        "1s" * 40,
        "soon",
        "1;2",
    ),
    *("99999999999999999999", "1 2", "1,000"),
]


@each_row("value", HOSTILE)
def test_header_value_that_is_not_a_sane_number_is_ignored(value: str) -> None:
    """A value that is not a number, or is a wait of more than a year, is ignored in every header."""
    named = (f"x_ratelimit_{fact}_tokens" for fact in ("limit", "remaining", "reset"))
    headers = raw(**dict.fromkeys((*named, "retry_after", "retry_after_ms"), value))
    assert read_head(headers, NOW) == Head()


@each_row("value", ["", "a\nb", "a\x00b", "n\xfcmber", "x" * 201])
def test_long_or_unprintable_request_id_is_ignored(value: str) -> None:
    """A request id is short and printable; else the next header counts."""
    assert read_head(raw(x_request_id=value)) == Head()
    assert read_head(raw(x_request_id=value, apim_request_id="next")).id == "next"


@each_row(
    "value",
    [
        "Mon, 99 Foo 2025 99:99:99 GMT",
        "1 Jan 99999999999999 00:00:00 GMT",
        "Fri, 07 Mar 2030 00:00:00 GMT",
        "Fri, 07 Mar 2003 00:00:00 GMT",
    ],
)
def test_impossible_or_distant_date_is_ignored(value: str) -> None:
    """A date that is malformed or years away is ignored."""
    assert read_head(raw(retry_after=value), NOW).retry_after is None


@pytest.mark.parametrize("value", ["40000000", "99999999999"])
def test_number_too_large_for_a_time_is_ignored(value: str) -> None:
    """A number that is too large for a wait and is no present time is ignored."""
    assert read_head(raw(x_ratelimit_reset=value), NOW).requests.reset is None


def test_reset_date_is_relative_to_the_servers_own_clock() -> None:
    """A date is compared with the server's `date` header, and ignored without a clock."""
    late = raw(retry_after="Fri, 07 Mar 2025 00:00:20 GMT")
    assert read_head(late).retry_after is None
    assert read_head(Raw([*late.raw, (b"date", DATE.encode())]), NOW + 3600).retry_after == 20
    assert read_head(Raw([*late.raw, (b"date", b"yesterday")]), NOW).retry_after == 20


NAMES = sorted({name for headers, _ in SERVERS.values() for name, _ in headers.raw} | {b"date"})


@given(st.lists(st.tuples(st.sampled_from(NAMES), st.binary(max_size=80))))
@example(
    [(b"retry-after", b"1 Jan 99999999999999 00:00:00 GMT"), (b"date", b"1 Jan 99999999999999 00:00:00 GMT")]
)
def test_any_header_bytes_are_read_without_an_error(headers: list[tuple[bytes, bytes]]) -> None:
    """Any bytes are read without an error, into values of the right type and range."""
    head = read_head(Raw(headers), NOW)
    for limit in (head.requests, head.tokens):
        assert all(isinstance(value, int) and 0 <= value < 2**63 for value in limit[:2] if value is not None)
        assert limit.reset is None or (math.isfinite(limit.reset) and 0 <= limit.reset <= 366 * 86_400)
    assert head.retry_after is None or 0 <= head.retry_after <= 366 * 86_400
    assert head.id is None or (head.id.isascii() and head.id.isprintable() and 0 < len(head.id) <= 200)


def test_only_known_headers_are_kept_while_streaming() -> None:
    """Only the headers that are read are kept while the answer streams, the last value of each."""
    given = raw(X_Request_Id="a", set_cookie="MARKER", authorization="MARKER", x_litellm_response_cost="0.5")
    found = header_facts.fields_of(Raw([*given.raw, (b"x-request-id", b"b")]))
    assert found == {b"x-request-id": b"b", b"x-litellm-response-cost": b"0.5"}
