"""One conversation, byte for byte: what Python sends, what the firmware's C answers, what Python reads.

`python tests/bridge/test_golden_frames.py` writes golden_frames.txt again; review the difference as code.
"""

from __future__ import annotations

import struct
import tempfile
from pathlib import Path
from typing import Protocol

from edgeeeg_bridge.framing import FrameDecoder, encode_frame
from edgeeeg_bridge.messages import (
    Ack,
    Command,
    Error,
    Flush,
    Hello,
    HelloRequest,
    Message,
    Nak,
    Outputs,
    Reset,
    Restore,
    Samples,
    Save,
    State,
    Stats,
    StatsRequest,
    parse_message,
)
from edgeeeg_bridge.protocol import ErrorCode


class CBoard(Protocol):
    def receive(self, data: bytes) -> bytes: ...


GOLDEN = Path(__file__).parent / "golden_frames.txt"

# The fake model: hop 4, 2 channels of 0.125 µV per count. Its outputs are two sums that leak by 0.96875,
# their sum and difference (exact here), and as bits 0x7f800001 plus the number of the step.
FIVE_FRAMES = struct.pack("<10h", 0, 0, 0, 0, 0, 0, 8, -8, 16, 0)
THREE_FRAMES = struct.pack("<6h", *[0] * 6)
LEAK_3, LEAK_4 = 0.96875**3, 0.96875**4
STEP_1 = struct.pack("<ffffI", 1, -1, 0, 2, 0x7F800001)
STEP_2 = struct.pack("<ffffI", LEAK_4 + 2 * LEAK_3, -LEAK_4, 2 * LEAK_3, 2 * LEAK_4 + 2 * LEAK_3, 0x7F800002)
FRESH_STATE = b"EKAF" + bytes(1184)

CONVERSATION: tuple[tuple[HelloRequest | Command, Message], ...] = (
    (HelloRequest(0x01020304), Hello(0x01020304, "0123456789abcdef", 4, 2, 5, 0.125, 1200, 0)),
    (Samples(FIVE_FRAMES, seq=0), Outputs(0, STEP_1)),
    (Samples(THREE_FRAMES, seq=1), Outputs(1, STEP_2)),
    (Samples(THREE_FRAMES, seq=3, round=9), Nak(expected=2, round=9)),
    (StatsRequest(seq=2, round=10), Stats(2, 1000, 8192, 5, 0, 0, 2, 1234, 2)),
    (Reset(seq=3, round=10), Ack(3)),
    (Samples(struct.pack("<2h", -32768, 0), seq=4), Error(4, ErrorCode.MODEL, -7)),
    (Samples(THREE_FRAMES, seq=5), Error(5, ErrorCode.MODEL, -7)),
    (Reset(seq=6), Ack(6)),
    (Samples(b"odd", seq=7), Error(7, ErrorCode.MALFORMED, 3)),
    (Save(offset=0, seq=8), State(8, 0, FRESH_STATE[:496])),
    (Save(offset=992, seq=9), State(9, 992, FRESH_STATE[992:])),
    (Save(offset=5000, seq=10), Error(10, ErrorCode.STATE, 1188)),
    (Restore(0, 8, b"EKAF\0\0\0\0", seq=11), Error(11, ErrorCode.STATE, -2)),
    (Samples(bytes(4 * 101), seq=12), Error(12, ErrorCode.TOO_MANY_FRAMES, 101)),
    (Flush(seq=13), Outputs(13, struct.pack("<5f", 1, 0, 0, 0, 0))),
    (Flush(seq=14), Outputs(14, struct.pack("<5f", 2, 0, 0, 0, 0))),
    (Flush(seq=15), Outputs(15, b"")),
)


def golden() -> list[tuple[str, bytes]]:
    rows = (line.split() for line in GOLDEN.read_text(encoding="utf-8").splitlines())
    return [(f"{speaker} {kind}", bytes.fromhex(frame)) for speaker, kind, frame in rows]


def named(speaker: str, message: object) -> str:
    return f"{speaker} {type(message).__name__}"


def test_python_sends_the_golden_commands() -> None:
    sent = [(named("host", command), encode_frame(command.payload())) for command, _ in CONVERSATION]
    assert sent == golden()[::2]


def test_c_answers_with_the_golden_replies(c_board: CBoard) -> None:
    rows = golden()
    for (host, command), (board, reply) in zip(rows[::2], rows[1::2], strict=True):
        assert c_board.receive(command).hex() == reply.hex(), f"{host}, {board}"


def test_python_reads_the_golden_replies() -> None:
    read = []
    for speaker, frame in golden()[1::2]:
        (payload,) = FrameDecoder().receive_data(frame)
        read.append((speaker, parse_message(payload)))
    assert read == [(named("board", reply), reply) for _, reply in CONVERSATION]


def write_golden() -> None:
    from conftest import CBoard, build_c_link

    with tempfile.TemporaryDirectory() as directory:
        board = CBoard(build_c_link(Path(directory)))
        rows = []
        for command, reply in CONVERSATION:
            frame = encode_frame(command.payload())
            rows.append(f"{named('host', command)} {frame.hex()}")
            rows.append(f"{named('board', reply)} {board.receive(frame).hex()}")
    GOLDEN.write_text("\n".join(rows) + "\n", encoding="utf-8")


if __name__ == "__main__":
    write_golden()
