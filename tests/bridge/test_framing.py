"""Framing: round trip, no corrupt payload, bounded memory, and the firmware's C equal to it."""

from __future__ import annotations

import ctypes
import itertools

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from edgeeeg_bridge.errors import FrameTooLong
from edgeeeg_bridge.framing import MAX_CODED, MAX_FRAME_BYTES, FrameDecoder, encode_frame
from edgeeeg_bridge.protocol import MAX_PAYLOAD

# Zeros and long runs without one are what COBS treats differently.
PAYLOADS = st.one_of(
    st.binary(min_size=1, max_size=MAX_PAYLOAD),
    st.builds(lambda n, tail: b"\x5a" * n + tail, st.integers(240, 500), st.binary(max_size=12)),
    st.builds(bytes, st.integers(1, MAX_PAYLOAD)),
)
DAMAGE = st.tuples(st.sampled_from(["drop", "insert", "replace"]), st.integers(0), st.integers(0, 255))

with_c = settings(
    deadline=None, max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


def damaged(frame: bytes, damage: tuple[str, int, int]) -> bytes:
    kind, place, byte = damage
    at = place % len(frame)
    kept = frame[at:] if kind == "insert" else frame[at + 1 :]
    return frame[:at] + (b"" if kind == "drop" else bytes([byte])) + kept


@given(st.lists(PAYLOADS, max_size=4), st.lists(st.integers(1, 40), min_size=1, max_size=8))
def test_frames_survive_any_cutting_of_the_stream(payloads: list[bytes], cuts: list[int]) -> None:
    stream = b"".join(map(encode_frame, payloads))
    decoder, received, at = FrameDecoder(), [], 0
    for cut in itertools.cycle(cuts):
        if at >= len(stream):
            break
        received += decoder.receive_data(stream[at : at + cut])
        at += cut
    assert received == payloads
    assert (decoder.received, decoder.rejected) == (len(payloads), 0)


@given(PAYLOADS, DAMAGE)
def test_a_damaged_byte_never_yields_another_payload(payload: bytes, damage: tuple[str, int, int]) -> None:
    decoder = FrameDecoder()
    received = decoder.receive_data(damaged(encode_frame(payload), damage) + encode_frame(b"next"))
    assert received in ([payload, b"next"], [b"next"])
    assert decoder.rejected <= 2


@given(st.binary(max_size=64))
def test_noise_before_a_frame_does_not_cost_the_frame(noise: bytes) -> None:
    assert FrameDecoder().receive_data(noise + encode_frame(b"payload"))[-1] == b"payload"


def test_an_endless_frame_is_rejected_once_and_not_kept() -> None:
    decoder = FrameDecoder()
    for _ in range(100):
        assert decoder.receive_data(b"\x07" * 1000) == []
    assert len(decoder._partial) <= MAX_CODED
    assert decoder.receive_data(encode_frame(b"after")) == [b"after"]
    assert decoder.rejected == 1


def test_the_longest_frame_with_bytes_after_it_is_no_frame(c_link: ctypes.CDLL) -> None:
    stream = encode_frame(b"\x01" * MAX_PAYLOAD)[:-1] + b"\x05\x05\0"
    decoder = FrameDecoder()
    assert (decoder.receive_data(stream), decoder.rejected) == ([], 1)
    assert c_decode(c_link, stream) == ([], 1)


def test_a_payload_too_long_for_a_frame_is_refused() -> None:
    assert len(encode_frame(b"\x01" * MAX_PAYLOAD)) == MAX_FRAME_BYTES
    with pytest.raises(FrameTooLong, match="513 bytes exceeds 512"):
        encode_frame(b"\x01" * (MAX_PAYLOAD + 1))


@with_c
@given(payload=PAYLOADS)
def test_c_writes_the_same_frames(c_link: ctypes.CDLL, payload: bytes) -> None:
    frame = ctypes.create_string_buffer(MAX_FRAME_BYTES)
    n = c_link.frame_encode(payload, ctypes.c_size_t(len(payload)), frame)
    assert frame.raw[:n] == encode_frame(payload)


class CDecoder(ctypes.Structure):
    _fields_ = (
        ("payload", ctypes.c_uint8 * MAX_CODED),
        ("payload_bytes", ctypes.c_size_t),
        ("coded_bytes", ctypes.c_size_t),
        ("overlong", ctypes.c_bool),
    )


def c_decode(c_link: ctypes.CDLL, stream: bytes) -> tuple[list[bytes], int]:
    decoder = CDecoder()
    c_link.frame_decoder_init(ctypes.byref(decoder))
    received, rejected = [], 0
    for byte in stream:
        event = c_link.frame_decoder_push(ctypes.byref(decoder), ctypes.c_uint8(byte))
        if event == 1:
            received.append(bytes(decoder.payload[: decoder.payload_bytes]))
        rejected += event == 2
    return received, rejected


@with_c
@given(payloads=st.lists(PAYLOADS, max_size=3), damage=DAMAGE, noise=st.binary(max_size=600))
def test_c_reads_and_rejects_the_same_frames(
    c_link: ctypes.CDLL, payloads: list[bytes], damage: tuple[str, int, int], noise: bytes
) -> None:
    stream = damaged(b"".join(map(encode_frame, payloads)) + b"\0", damage) + noise + b"\0"
    decoder = FrameDecoder()
    received = decoder.receive_data(stream)
    assert c_decode(c_link, stream) == (received, decoder.rejected)
