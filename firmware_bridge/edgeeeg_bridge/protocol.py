"""The constants of the link, defined once: `protocol_header` turns them into C.

Every number on the wire is little-endian. docs/link.md gives the bytes of each message.
"""

from __future__ import annotations

from enum import IntEnum

VERSION = 2
"""Raised whenever a message changes; a board of another version is refused at the hello."""

MAX_PAYLOAD = 512
"""Bytes of one message: 125 float32 outputs, or one frame of 254 channels."""

CRC_BYTES = 4

COMMAND_HEADER_BYTES = 4
"""Kind, round and sequence number."""

REPLY_HEADER_BYTES = 3
"""Kind and sequence number."""

STATE_PIECE_BYTES = 496
"""Bytes of a saved state in one message, with room for header, offset and total."""

WINDOW = 16
"""Commands in flight; the board keeps as many replies so that it can repeat a lost one."""

RX_BUFFER_BYTES = 4096
"""The board's receive buffer. The host keeps at most half of it in flight, so that a repeat fits as well."""


class CommandKind(IntEnum):
    """First byte of a message from the host."""

    HELLO_REQUEST = 0x01
    SAMPLES = 0x02
    RESET = 0x03
    STATS_REQUEST = 0x04
    SAVE = 0x05
    RESTORE = 0x06
    FLUSH = 0x07


class ReplyKind(IntEnum):
    """First byte of a message from the board."""

    HELLO = 0x81
    OUTPUTS = 0x82
    ACK = 0x83
    STATS = 0x84
    STATE = 0x85
    NAK = 0x86
    ERROR = 0x87


class ErrorCode(IntEnum):
    """Why the board refused a command."""

    NO_SESSION = 1
    MALFORMED = 2
    TOO_MANY_FRAMES = 3
    MODEL = 4
    STATE = 5
