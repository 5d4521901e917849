"""Frames on a serial line: 0x00, COBS of payload and CRC-32, 0x00.

COBS (Cheshire and Baker, IEEE/ACM Transactions on Networking 7(2), 1999) keeps 0x00 out of the coded bytes,
so a zero always ends a frame and a receiver that joins late, or saw a corrupt byte, is in step again at the
next one. The leading zero parts a frame from noise before it. CRC-32 is that of zlib and IEEE 802.3.
"""

from __future__ import annotations

import zlib

from cobs import cobs

from edgeeeg_bridge.errors import FrameTooLong
from edgeeeg_bridge.protocol import CRC_BYTES, MAX_PAYLOAD

MAX_CODED = MAX_PAYLOAD + CRC_BYTES + (MAX_PAYLOAD + CRC_BYTES) // 254 + 1
"""Bytes between two zeros at most: COBS adds one byte per 254, and one."""

MAX_FRAME_BYTES = MAX_CODED + 2


def encode_frame(payload: bytes) -> bytes:
    """Return the bytes on the wire for one payload.

    Raises
    ------
    FrameTooLong
        The payload exceeds `MAX_PAYLOAD` bytes.
    """
    if len(payload) > MAX_PAYLOAD:
        raise FrameTooLong(f"a payload of {len(payload)} bytes exceeds {MAX_PAYLOAD}: split it")
    crc = zlib.crc32(payload).to_bytes(CRC_BYTES, "little")
    coded: bytes = cobs.encode(payload + crc)
    return b"\0" + coded + b"\0"


def _decode_frame(coded: bytes) -> bytes | None:
    """Return the payload between two zeros, or None where a byte of it is wrong."""
    try:
        decoded: bytes = cobs.decode(coded)
    except cobs.DecodeError:
        return None
    payload, crc = decoded[:-CRC_BYTES], decoded[-CRC_BYTES:]
    if not payload or int.from_bytes(crc, "little") != zlib.crc32(payload):
        return None
    return payload


class FrameDecoder:
    """Cuts a stream of bytes, in pieces of any size, into payloads; memory is bounded by one frame.

    `received` counts payloads, `rejected` the runs of bytes between zeros that were no valid frame.
    """

    def __init__(self) -> None:
        self.received = 0
        self.rejected = 0
        self._partial = bytearray()
        self._overlong = False

    def receive_data(self, data: bytes) -> list[bytes]:
        """Return the payloads that `data` completes, in order."""
        *ends, rest = data.split(b"\0")
        payloads = []
        for end in ends:
            self._extend(end)
            payload = self._complete()
            if payload is not None:
                payloads.append(payload)
        self._extend(rest)
        return payloads

    def _extend(self, piece: bytes) -> None:
        if len(self._partial) + len(piece) > MAX_CODED:
            self._overlong = True
            self._partial.clear()
        elif not self._overlong:
            self._partial += piece

    def _complete(self) -> bytes | None:
        coded, overlong = bytes(self._partial), self._overlong
        self._partial.clear()
        self._overlong = False
        if not coded and not overlong:
            return None  # the zeros of neighbouring frames enclose nothing
        payload = None if overlong else _decode_frame(coded)
        if payload is None:
            self.rejected += 1
        else:
            self.received += 1
        return payload
