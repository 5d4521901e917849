"""What intact frames must not be taken for."""

from __future__ import annotations

import math
import struct

import pytest

from edgeeeg_bridge.errors import MalformedMessage
from edgeeeg_bridge.messages import Hello, Outputs, parse_message
from edgeeeg_bridge.protocol import VERSION, ReplyKind


@pytest.mark.parametrize("payload", [b"", b"\x02\0\0", b"\xff\0\0"])
def test_an_unknown_kind_is_refused(payload: bytes) -> None:
    with pytest.raises(MalformedMessage, match="begins with"):
        parse_message(payload)


@pytest.mark.parametrize("kind", list(ReplyKind))
def test_a_truncated_message_is_refused(kind: ReplyKind) -> None:
    with pytest.raises(MalformedMessage, match=r"of 2 bytes"):
        parse_message(bytes([kind, VERSION]))


def test_an_unknown_error_code_is_refused() -> None:
    with pytest.raises(MalformedMessage, match="99 is not a valid ErrorCode"):
        parse_message(struct.pack("<BHBi", ReplyKind.ERROR, 0, 99, 0))


def test_a_hello_of_another_version_names_both_whatever_its_length() -> None:
    with pytest.raises(MalformedMessage, match=f"version {VERSION + 1}, this host {VERSION}"):
        parse_message(bytes([ReplyKind.HELLO, VERSION + 1]) + bytes(99))


def test_a_hello_gives_the_hash_in_hexadecimal_and_the_scale_exactly() -> None:
    payload = struct.pack("<BBI8sHHHfIB", ReplyKind.HELLO, VERSION, 7, bytes(range(8)), 8, 1, 2, 0.1, 512, 3)
    hello = parse_message(payload)
    assert hello == Hello(
        7, "0001020304050607", 8, 1, 2, struct.unpack("<f", struct.pack("<f", 0.1))[0], 512, 3
    )


def test_outputs_keep_the_bits_of_values_that_are_no_numbers() -> None:
    values = struct.pack("<III", 0x7F800001, 0xFFC12345, 0x80000000)
    outputs = parse_message(struct.pack("<BH", ReplyKind.OUTPUTS, 5) + values)
    assert isinstance(outputs, Outputs)
    assert outputs.values == values
    assert math.isnan(struct.unpack("<f", outputs.values[:4])[0])
