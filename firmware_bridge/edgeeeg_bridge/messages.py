"""The messages of the link as frozen dataclasses, each of which knows its own bytes.

Samples and float outputs stay little-endian bytes here, so that no conversion can touch a bit of them.
`seq` and `round` of a command are filled in by the session that sends it.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass

from edgeeeg_bridge.errors import MalformedMessage
from edgeeeg_bridge.protocol import VERSION, CommandKind, ErrorCode, ReplyKind

_COMMAND = struct.Struct("<BBH")
_REPLY = struct.Struct("<BH")
_HELLO_REQUEST = struct.Struct("<BBI")
_HELLO = struct.Struct("<BBI8sHHHfIB")
_STATS = struct.Struct("<BH8I")
_NAK = struct.Struct("<BHB")
_ERROR = struct.Struct("<BHBi")
_OFFSET = struct.Struct("<I")
_OFFSET_TOTAL = struct.Struct("<II")


@dataclass(frozen=True, slots=True)
class HelloRequest:
    """Open a session; a nonce other than the last one resets the board's sequence numbers, not its model."""

    nonce: int

    def payload(self) -> bytes:
        """Bytes of the message."""
        return _HELLO_REQUEST.pack(CommandKind.HELLO_REQUEST, VERSION, self.nonce)


@dataclass(frozen=True, slots=True)
class Samples:
    """Frames of int16 counts, interleaved (n_frames, n_chans)."""

    samples: bytes
    seq: int = 0
    round: int = 0

    def payload(self) -> bytes:
        """Bytes of the message."""
        return _COMMAND.pack(CommandKind.SAMPLES, self.round, self.seq) + self.samples


@dataclass(frozen=True, slots=True)
class Reset:
    """Put the model into its initial state."""

    seq: int = 0
    round: int = 0

    def payload(self) -> bytes:
        """Bytes of the message."""
        return _COMMAND.pack(CommandKind.RESET, self.round, self.seq)


@dataclass(frozen=True, slots=True)
class Flush:
    """The recording is over: ask for one of the outputs that remain, none when all have been sent."""

    seq: int = 0
    round: int = 0

    def payload(self) -> bytes:
        """Bytes of the message."""
        return _COMMAND.pack(CommandKind.FLUSH, self.round, self.seq)


@dataclass(frozen=True, slots=True)
class StatsRequest:
    """Ask for the board's counters."""

    seq: int = 0
    round: int = 0

    def payload(self) -> bytes:
        """Bytes of the message."""
        return _COMMAND.pack(CommandKind.STATS_REQUEST, self.round, self.seq)


@dataclass(frozen=True, slots=True)
class Save:
    """Ask for the model's state from byte `offset` on; offset 0 takes the snapshot that the rest reads."""

    offset: int
    seq: int = 0
    round: int = 0

    def payload(self) -> bytes:
        """Bytes of the message."""
        return _COMMAND.pack(CommandKind.SAVE, self.round, self.seq) + _OFFSET.pack(self.offset)


@dataclass(frozen=True, slots=True)
class Restore:
    """One piece of a saved state of `total` bytes; the piece that completes it restores the model."""

    offset: int
    total: int
    state: bytes
    seq: int = 0
    round: int = 0

    def payload(self) -> bytes:
        """Bytes of the message."""
        header = _COMMAND.pack(CommandKind.RESTORE, self.round, self.seq)
        return header + _OFFSET_TOTAL.pack(self.offset, self.total) + self.state


Command = Samples | Flush | Reset | StatsRequest | Save | Restore


@dataclass(frozen=True, slots=True)
class Hello:
    """What runs on the board; nonce 0 announces a start of the board.

    `hop` is in frames per step, `lsb_uv` in µV per int16 count, `n_outputs` counts the float32 values of one
    step. `exception` is the number of the Cortex-M exception that restarted the board, 0 for none.
    """

    nonce: int
    model_hash: str
    hop: int
    n_chans: int
    n_outputs: int
    lsb_uv: float
    saved_bytes: int
    exception: int

    @classmethod
    def parse(cls, payload: bytes) -> Hello:
        """Read the message.

        Raises
        ------
        MalformedMessage
            The board speaks another version of the protocol.
        """
        if len(payload) > 1 and payload[1] != VERSION:
            raise MalformedMessage(
                f"the board speaks protocol version {payload[1]}, this host {VERSION}: rebuild the firmware"
            )
        _, _, nonce, model_hash, hop, n_chans, n_outputs, lsb_uv, saved_bytes, exception = _HELLO.unpack(
            payload
        )
        return cls(nonce, model_hash.hex(), hop, n_chans, n_outputs, lsb_uv, saved_bytes, exception)


@dataclass(frozen=True, slots=True)
class Outputs:
    """The float32 outputs, (n_steps, n_outputs), of the steps that a `Samples` or `Flush` completed."""

    seq: int
    values: bytes

    @classmethod
    def parse(cls, payload: bytes) -> Outputs:
        """Read the message."""
        return cls(_REPLY.unpack_from(payload)[1], payload[_REPLY.size :])


@dataclass(frozen=True, slots=True)
class Ack:
    """A command that has no other answer was carried out."""

    seq: int

    @classmethod
    def parse(cls, payload: bytes) -> Ack:
        """Read the message."""
        return cls(_REPLY.unpack(payload)[1])


@dataclass(frozen=True, slots=True)
class Stats:
    """The board's counters since it started: bytes of stack, frames, commands seen twice, model steps, ms.

    `rx_overruns` counts bytes that found the receive buffer full.
    """

    seq: int
    stack_high_water: int
    stack_size: int
    frames_received: int
    rejected_frames: int
    duplicates: int
    steps: int
    uptime_ms: int
    rx_overruns: int

    @classmethod
    def parse(cls, payload: bytes) -> Stats:
        """Read the message."""
        return cls(*_STATS.unpack(payload)[1:])


@dataclass(frozen=True, slots=True)
class State:
    """One piece of the model's saved state."""

    seq: int
    offset: int
    state: bytes

    @classmethod
    def parse(cls, payload: bytes) -> State:
        """Read the message."""
        start = _REPLY.size + _OFFSET.size
        (offset,) = _OFFSET.unpack_from(payload, _REPLY.size)
        return cls(_REPLY.unpack_from(payload)[1], offset, payload[start:])


@dataclass(frozen=True, slots=True)
class Nak:
    """A frame of that round was lost: the board waits for command `expected`."""

    expected: int
    round: int

    @classmethod
    def parse(cls, payload: bytes) -> Nak:
        """Read the message."""
        return cls(*_NAK.unpack(payload)[1:])


@dataclass(frozen=True, slots=True)
class Error:
    """The board refused a command; `detail` is the model's own return value where the model refused."""

    seq: int
    code: ErrorCode
    detail: int

    @classmethod
    def parse(cls, payload: bytes) -> Error:
        """Read the message."""
        _, seq, code, detail = _ERROR.unpack(payload)
        return cls(seq, ErrorCode(code), detail)


Reply = Outputs | Ack | Stats | State | Error
Message = Reply | Hello | Nak

MESSAGES: dict[
    int,
    type[Hello] | type[Outputs] | type[Ack] | type[Stats] | type[State] | type[Nak] | type[Error],
] = {
    ReplyKind.HELLO: Hello,
    ReplyKind.OUTPUTS: Outputs,
    ReplyKind.ACK: Ack,
    ReplyKind.STATS: Stats,
    ReplyKind.STATE: State,
    ReplyKind.NAK: Nak,
    ReplyKind.ERROR: Error,
}
"""Message by first byte."""


def parse_message(payload: bytes) -> Message:
    """Read one message of the board.

    Raises
    ------
    MalformedMessage
        The kind is unknown, the length is not that of its kind, or the version differs.
    """
    message = MESSAGES.get(payload[0]) if payload else None
    if message is None:
        raise MalformedMessage(f"no message of protocol version {VERSION} begins with {payload[:1].hex()!r}")
    try:
        return message.parse(payload)
    except (struct.error, ValueError) as error:
        raise MalformedMessage(
            f"{message.__name__} of {len(payload)} bytes: {error}; is the firmware of version {VERSION}?"
        ) from error
