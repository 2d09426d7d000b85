"""Frames and messages of a process that nobody trusts."""

import contextlib

import msgpack
import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.executor.host.plugarr_host import frames
from services.executor.hosts.messages import Logged, parse
from services.executor.hosts.protocol import (
    _STRING,
    FrameDecoder,
    ProtocolViolation,
    _parts,
    decode_json,
    encode,
    too_many_values,
)

JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**64 - 1) | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)
FLAT = st.none() | st.booleans() | st.integers(-(2**63), 2**64 - 1) | st.text() | st.binary()
TO_HOST = st.tuples(st.just(True), st.lists(st.dictionaries(st.text(), JSON, max_size=4), max_size=5))
TO_EXECUTOR = st.tuples(st.just(False), st.lists(st.dictionaries(st.text(), FLAT, max_size=4), max_size=5))


@given(sent=TO_HOST | TO_EXECUTOR, cuts=st.lists(st.integers(1, 40), min_size=1, max_size=30))
def test_messages_arrive_whole_however_the_stream_is_cut(
    sent: tuple[bool, list[dict]], cuts: list[int]
) -> None:
    ours, messages = sent
    stream = b"".join((encode if ours else frames.pack)(message) for message in messages)
    decoder = frames.FrameDecoder() if ours else FrameDecoder()
    found, at, turn = [], 0, 0
    while at < len(stream):
        size = cuts[turn % len(cuts)]
        found.extend(decoder.feed(stream[at : at + size]))
        at += size
        turn += 1
    assert found == messages


@given(data=st.binary(max_size=300))
def test_any_bytes_are_messages_or_a_violation(data: bytes) -> None:
    with contextlib.suppress(ProtocolViolation):
        for message in FrameDecoder(1000).feed(data):
            parse(message)


@given(body=st.binary(max_size=300))
def test_any_frame_is_a_message_or_a_violation(body: bytes) -> None:
    with contextlib.suppress(ProtocolViolation):
        for message in FrameDecoder().feed(len(body).to_bytes(4, "big") + body):
            parse(message)


KINDS = st.sampled_from(["loaded", "ended", "call", "log", "progress", "run", None, 3])
FIELDS = st.sampled_from(
    [
        "id",
        "ok",
        "said",
        "error",
        "end",
        "result",
        "refreshed",
        "run",
        "depth",
        "method",
        "args",
        "lines",
        "done",
        "total",
        "message",
    ]
)


@given(kind=KINDS, fields=st.dictionaries(FIELDS, JSON | st.binary() | st.just(b"{}"), max_size=8))
def test_any_fields_are_a_message_or_a_violation(kind: object, fields: dict) -> None:
    with contextlib.suppress(ProtocolViolation):
        parse({"t": kind, **fields})


STRINGS = st.text(st.sampled_from('",[]{}\\a\n'))


@given(value=st.recursive(STRINGS, lambda v: st.lists(v) | st.dictionaries(STRINGS, v), max_leaves=20))
def test_parts_are_counted_without_what_strings_hold(value: object) -> None:
    assert _parts(_STRING.sub(b"", orjson.dumps(value))) == parts_of(value)


def parts_of(value: object) -> int:
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, list):
        return 1 + max(0, len(value) - 1) + sum(map(parts_of, value))
    return 0


def test_text_full_of_commas_is_one_value() -> None:
    assert not too_many_values(orjson.dumps({"csv": 'a,"[b]",\\\n' * 2_000_000}))
    assert too_many_values(b"[" + b"0," * 4_000_001 + b"0]")


@pytest.mark.parametrize("text", [b'"' + b'\\"' * 3_000_000, b'"' * 6_000_001, b'"\\' * 3_000_000])
def test_counting_is_linear_in_text_that_is_no_json(text: bytes) -> None:
    too_many_values(text + b"," * 4_000_001)  # the test's time limit is the proof


@given(
    lines=st.lists(st.lists(st.none() | st.text() | st.integers(0, 9), min_size=4, max_size=6), max_size=3)
)
def test_log_lines_are_made_regular_or_refused(lines: list) -> None:
    with contextlib.suppress(ProtocolViolation):
        logged = parse({"t": "log", "lines": orjson.dumps(lines)})
        assert isinstance(logged, Logged)
        for line in logged.lines:
            assert line.line["level"] in {"debug", "info", "warning", "error"}
            assert line.line["time"].endswith("Z")


def test_large_frames_are_refused_from_their_length_alone() -> None:
    with pytest.raises(ProtocolViolation, match="1,001 bytes"):
        list(FrameDecoder(1000).feed((1001).to_bytes(4, "big")))


def test_message_that_is_too_large_is_never_sent() -> None:
    with pytest.raises(ValueError, match="more than a frame holds"):
        encode({"x": "x" * (64 * 1024 * 1024)})


@pytest.mark.parametrize(
    "text", [b"NaN", b"[1e999]", b'"\\ud800"', b"{", b"", b"\xff", "{}", None, b"[" * 300 + b"]" * 300]
)
def test_what_is_no_json_is_a_violation(text: object) -> None:
    with pytest.raises(ProtocolViolation):
        decode_json(text)


def test_extension_types_are_refused() -> None:
    frame = msgpack.packb({"t": msgpack.Timestamp(1)})
    body = len(frame).to_bytes(4, "big") + frame
    with contextlib.suppress(ProtocolViolation):
        message = next(FrameDecoder().feed(body))
        with pytest.raises(ProtocolViolation):
            parse(message)
