"""A session and a board, joined by wires in memory that may be faulty."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from edgeeeg_bridge.messages import (
    Command,
    Outputs,
    Reply,
    Samples,
    Stats,
    StatsRequest,
)
from edgeeeg_bridge.session import Session


def clean(data: bytes) -> bytes:
    return data


class Bench:
    """A session and a board, joined by wires that carry a few bytes at a time, and a clock of their own.

    A turn takes 1 ms and moves at most `BYTES_A_TURN` either way, so that frames are on their way while
    others are answered; once nothing moves, the clock jumps to the session's deadline.
    """

    BYTES_A_TURN = 64

    def __init__(self, board, to_board=clean, to_host=clean, nonce: int = 1) -> None:
        self.board, self.to_board, self.to_host = board, to_board, to_host
        self.session = Session(nonce, timeout=2.0, max_repeats=20)
        self.now = 0.0
        self.timeouts = 0
        self._there, self._back = bytearray(), bytearray()

    def open(self) -> None:
        self.session.open(self.now)
        while self.session.hello is None:
            self.turn()

    def turn(self) -> list[Reply]:
        self.now += 0.001
        self._there += self.to_board(self.session.data_to_send())
        there, self._there = self._there[: self.BYTES_A_TURN], self._there[self.BYTES_A_TURN :]
        self._back += self.to_host(self.board.receive(bytes(there)))
        back, self._back = self._back[: self.BYTES_A_TURN], self._back[self.BYTES_A_TURN :]
        if not there and not back:
            self.now = self.session.deadline
            self.timeouts += 1
        replies = self.session.receive_data(bytes(back), self.now)
        self.session.check_time(self.now)
        return replies

    def exchange(self, commands: Iterable[Command]) -> list[Reply]:
        waiting = list(commands)
        replies: list[Reply] = []
        while waiting or not self.session.idle:
            while waiting and self.session.can_send:
                self.session.send(waiting.pop(0), self.now)
            replies += self.turn()
        return replies

    def stream(self, samples: NDArray[np.int16], chunk: int = 4) -> NDArray[np.float32]:
        pieces = (samples[start : start + chunk] for start in range(0, len(samples), chunk))
        replies = self.exchange(Samples(piece.tobytes()) for piece in pieces)
        assert all(isinstance(reply, Outputs) for reply in replies), replies
        return np.frombuffer(b"".join(reply.values for reply in replies), "<f4").reshape(-1, 5)


def same_bits(a: NDArray[np.float32], b: NDArray[np.float32]) -> bool:
    return a.shape == b.shape and a.tobytes() == b.tobytes()


def stats(bench: Bench) -> Stats:
    (reply,) = bench.exchange([StatsRequest()])
    assert isinstance(reply, Stats)
    return reply
