"""A session over wires that drop, flip, double and invent bytes: repeats are lost, and nothing else."""

from __future__ import annotations

import numpy as np
import pytest
from session_bench import Bench, same_bits, stats

from edgeeeg_bridge.framing import encode_frame
from edgeeeg_bridge.messages import (
    Samples,
)

KINDS = ("drop", "flip", "duplicate", "insert", "stray zero", "burst")


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("seed", range(3))
def test_a_faulty_wire_loses_repeats_and_changes_nothing(
    c_board, faulty_wire, recording, reference, kind: str, seed: int
) -> None:
    there, back = faulty_wire((kind,), 0.002, seed), faulty_wire((kind,), 0.002, 100 + seed)
    bench = Bench(c_board, there.carry, back.carry)
    bench.open()
    assert same_bits(bench.stream(recording), reference(recording))
    assert stats(bench).steps == 500
    assert there.faults > 10
    assert back.faults > 10


def test_a_wire_with_every_fault_at_once_is_mastered(c_board, faulty_wire, recording, reference) -> None:
    there, back = faulty_wire(KINDS, 0.01, 7), faulty_wire(KINDS, 0.01, 8)
    bench = Bench(c_board, there.carry, back.carry)
    bench.open()
    assert same_bits(bench.stream(recording), reference(recording))
    assert stats(bench).steps == 500


def test_losses_are_repaired_without_waiting_and_without_a_storm(
    c_board, faulty_wire, recording, reference
) -> None:
    bench = Bench(c_board, faulty_wire(("flip",), 0.005, 0).carry, faulty_wire(("flip",), 0.005, 100).carry)
    bench.open()
    assert same_bits(bench.stream(recording), reference(recording))
    assert bench.timeouts <= 4
    assert bench.session.repeats < 1400  # of 500 commands, with some 300 frames damaged


class DamageOnce:
    """Flips a bit in the middle of one transmission."""

    def __init__(self, which: int) -> None:
        self._left = which

    def __call__(self, data: bytes) -> bytes:
        if data:
            self._left -= 1
        if not data or self._left != -1:
            return data
        middle = len(data) // 2
        return data[:middle] + bytes([data[middle] ^ 0x10]) + data[middle + 1 :]


def test_a_damaged_command_is_asked_for_again_at_once(bench, recording, reference) -> None:
    bench.to_board = DamageOnce(0)
    assert same_bits(bench.stream(recording[:4]), reference(recording[:4]))
    assert (bench.timeouts, bench.session.repeats) == (0, 1)
    assert stats(bench).rejected_frames == 1


def test_a_damaged_reply_is_repeated_at_once_and_its_command_not_carried_out_twice(
    bench, recording, reference
) -> None:
    bench.to_host = DamageOnce(0)
    assert same_bits(bench.stream(recording[:4]), reference(recording[:4]))
    assert (bench.timeouts, bench.session.repeats, bench.session.rejected_frames) == (0, 1, 1)
    counted = stats(bench)
    assert (counted.duplicates, counted.steps) == (1, 1)


def test_a_reply_that_vanished_is_noticed_by_the_next_one(bench, recording, reference) -> None:
    vanishing = iter([True])
    bench.to_host = lambda data: b"" if data and next(vanishing, False) else data
    assert same_bits(bench.stream(recording[:200]), reference(recording[:200]))
    assert bench.timeouts == 0
    assert bench.session.repeats == stats(bench).duplicates <= 3


def test_a_silence_is_ended_by_repeating_everything(bench, recording, reference) -> None:
    silent = True

    def line(data: bytes) -> bytes:
        return b"" if silent else data

    bench.to_board = line
    for start in (0, 4, 8):
        bench.session.send(Samples(recording[start : start + 4].tobytes()), bench.now)
    bench.turn()
    bench.turn()
    silent = False
    assert bench.timeouts == 2
    assert same_bits(bench.stream(recording[12:40]), reference(recording[:40]))


def test_a_board_without_a_session_keeps_silent_on_noise(c_board) -> None:
    assert c_board.receive(b"\0noise\0") == b""


def test_an_intact_frame_too_short_for_a_command_is_counted_as_rejected(bench, c_board) -> None:
    assert c_board.receive(encode_frame(b"\x03\0")) == b""
    assert stats(bench).rejected_frames == 1


def test_noise_on_an_idle_line_does_no_harm(bench, c_board, recording, reference) -> None:
    rng = np.random.default_rng(5)
    for _ in range(20):
        bench.session.receive_data(c_board.receive(rng.bytes(700)), 0.0)
    assert same_bits(bench.stream(recording), reference(recording))
