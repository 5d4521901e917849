"""The host's session against the firmware's own link.c, over a wire in memory that may be faulty."""

from __future__ import annotations

import struct
from collections.abc import Iterable

import numpy as np
import pytest
from numpy.typing import NDArray

from edgeeeg_bridge.errors import IllegalTransition, LinkLost, MalformedMessage
from edgeeeg_bridge.framing import FrameDecoder, encode_frame
from edgeeeg_bridge.messages import (
    Ack,
    Command,
    Error,
    Outputs,
    Reply,
    Reset,
    Restore,
    Samples,
    Save,
    State,
    Stats,
    StatsRequest,
)
from edgeeeg_bridge.protocol import RX_BUFFER_BYTES, VERSION, WINDOW, CommandKind, ErrorCode, ReplyKind
from edgeeeg_bridge.session import TRANSITIONS, Session, SessionState

KINDS = ("drop", "flip", "duplicate", "insert", "stray zero", "burst")


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


@pytest.fixture
def bench(c_board) -> Bench:
    bench = Bench(c_board)
    bench.open()
    return bench


def same_bits(a: NDArray[np.float32], b: NDArray[np.float32]) -> bool:
    return a.shape == b.shape and a.tobytes() == b.tobytes()


def stats(bench: Bench) -> Stats:
    (reply,) = bench.exchange([StatsRequest()])
    assert isinstance(reply, Stats)
    return reply


@pytest.mark.parametrize("chunk", [1, 3, 4, 7, 100])
def test_chunks_of_any_size_give_the_models_outputs(bench, recording, reference, chunk: int) -> None:
    assert same_bits(bench.stream(recording, chunk), reference(recording))
    assert (bench.session.repeats, bench.timeouts) == (0, 0)


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


def test_a_command_answered_long_ago_is_not_answered_with_a_later_reply(c_board) -> None:
    bench = Bench(c_board)
    bench.open()
    bench.exchange([Reset()] * (WINDOW + 1))
    assert c_board.receive(encode_frame(Reset(seq=1).payload())) != b""
    assert c_board.receive(encode_frame(Reset(seq=0).payload())) == b""


def test_a_gap_is_named_once_a_round(c_board) -> None:
    Bench(c_board).open()
    for round_, answered in ((0, True), (0, False), (1, True), (1, False)):
        answer = c_board.receive(encode_frame(Reset(seq=3, round=round_).payload()))
        assert (answer != b"") is answered


def test_a_nak_of_an_earlier_round_is_not_followed_again(bench) -> None:
    bench.session.send(Reset(), 0.0)
    nak = encode_frame(struct.pack("<BHB", ReplyKind.NAK, 0, 0))
    bench.session.receive_data(nak, 0.0)
    bench.session.receive_data(nak, 0.0)
    assert bench.session.repeats == 1


def test_a_hello_to_somebody_else_opens_no_session(c_board) -> None:
    session, other = Session(1), Session(2)
    for each in (session, other):
        each.open(0.0)
    session.receive_data(c_board.receive(other.data_to_send()), 0.0)
    assert (session.state, session.hello) == (SessionState.CONNECTING, None)


def test_sequence_numbers_wrap(c_board) -> None:
    bench = Bench(c_board)
    bench.open()
    for _ in range(70):
        replies = bench.exchange([Reset()] * 1000)
        assert all(isinstance(reply, Ack) for reply in replies)
        assert len(replies) == 1000
    assert bench.session.repeats == 0


def test_what_is_in_flight_fits_the_boards_buffer_twice(bench) -> None:
    while bench.session.can_send:
        bench.session.send(Samples(bytes(400)), 0.0)
    assert len(bench.session.data_to_send()) <= RX_BUFFER_BYTES // 2
    with pytest.raises(IllegalTransition, match="wait for a reply"):
        bench.session.send(Reset(), 0.0)


def test_the_window_bounds_short_commands(bench) -> None:
    sent = 0
    while bench.session.can_send:
        bench.session.send(Reset(), 0.0)
        sent += 1
    assert sent == WINDOW


def test_a_saved_state_restores_the_model_in_the_middle_of_a_hop(bench, recording, reference) -> None:
    expected = reference(recording)
    assert same_bits(bench.stream(recording[:1002], 3), expected[:250])
    replies = bench.exchange([Save(0), Save(496), Save(992)])
    assert all(isinstance(reply, State) for reply in replies)
    state = b"".join(reply.state for reply in replies)
    rest = bench.stream(recording[1002:], 50)
    assert same_bits(rest, expected[250:])

    bench.exchange([Reset()])
    bench.stream(recording[:99], 11)
    pieces = [Restore(at, len(state), state[at : at + 496]) for at in range(0, len(state), 496)]
    assert all(isinstance(reply, Ack) for reply in bench.exchange(pieces))
    assert same_bits(bench.stream(recording[1002:], 50), rest)


def test_a_state_in_wrong_pieces_is_refused_and_the_model_left_alone(bench, recording, reference) -> None:
    bench.stream(recording[:400])
    (snapshot,) = bench.exchange([Save(0)])
    for wrong in (
        [Restore(496, 1188, bytes(100))],
        [Restore(0, 100, bytes(101))],
        [Restore(0, 1201, bytes(8))],
        [Restore(0, 1188, bytes(400)), Restore(400, 300, bytes(8))],
        [Restore(0, 9, b"another m")],
    ):
        reply = bench.exchange(wrong)[-1]
        assert isinstance(reply, Error)
        assert reply.code is ErrorCode.STATE
    (again,) = bench.exchange([Save(0)])
    assert again.state == snapshot.state
    assert same_bits(bench.stream(recording[400:]), reference(recording)[100:])


def test_after_an_error_the_model_refuses_samples_until_it_is_reset(bench, recording, reference) -> None:
    bad = recording[:8].copy()
    bad[5, 0] = -32768
    first, second, third = bench.exchange(
        [Samples(bad.tobytes()), Samples(recording[:4].tobytes()), StatsRequest()]
    )
    assert (first.code, first.detail) == (second.code, second.detail) == (ErrorCode.MODEL, -7)
    assert third.steps == 0
    bench.exchange([Reset()])
    assert same_bits(bench.stream(recording), reference(recording))


def test_a_restored_state_ends_the_refusal_too(bench, recording, reference) -> None:
    bench.stream(recording[:40])
    state = b"".join(reply.state for reply in bench.exchange([Save(0), Save(496), Save(992)]))
    bench.exchange([Samples(np.full(2, -32768, np.int16).tobytes())])
    bench.exchange(Restore(at, len(state), state[at : at + 496]) for at in range(0, len(state), 496))
    assert same_bits(bench.stream(recording[40:]), reference(recording)[10:])


def test_a_model_that_takes_a_whole_hop_without_a_step_is_an_error_and_no_endless_loop(bench) -> None:
    (reply,) = bench.exchange([Samples(np.full((10, 2), -32766, np.int16).tobytes())])
    assert isinstance(reply, Error)
    assert (reply.code, reply.detail) == (ErrorCode.MODEL, 1)


def test_a_board_without_a_session_keeps_silent_on_noise(c_board) -> None:
    assert c_board.receive(b"\0noise\0") == b""


def test_a_new_session_is_not_answered_with_the_old_ones_replies(
    bench, c_board, recording, reference
) -> None:
    bench.stream(recording[:40])
    bench.session.send(Samples(recording[40:44].tobytes()), 0.0)
    stale = c_board.receive(bench.session.data_to_send())
    later = Bench(c_board, nonce=2)
    later.to_host = lambda data: stale + data
    later.open()
    later.to_host = clean
    assert later.exchange([Reset()]) == [Ack(0)]
    assert same_bits(later.stream(recording), reference(recording))


def test_a_hello_sent_twice_does_not_restart_the_sequence(bench, c_board, recording, reference) -> None:
    bench.stream(recording[:40])
    hello = Session(1)
    hello.open(0.0)
    bench.session.receive_data(c_board.receive(hello.data_to_send()), 0.0)
    assert same_bits(bench.stream(recording[40:]), reference(recording)[10:])


def test_a_board_that_starts_after_the_hello_gets_another(c_board) -> None:
    session = Session(3)
    session.open(0.0)
    session.data_to_send()  # lost: the board was not running yet
    session.receive_data(c_board.restart(), 0.1)
    session.receive_data(c_board.receive(session.data_to_send()), 0.2)
    assert session.state is SessionState.READY


def test_a_restart_of_the_board_is_noticed_by_its_announcement(bench, c_board) -> None:
    with pytest.raises(LinkLost, match="restarted and has lost the model's state"):
        bench.session.receive_data(c_board.restart(), 0.0)
    assert bench.session.state is SessionState.LOST
    with pytest.raises(IllegalTransition, match="command is not possible while the session is lost"):
        bench.session.send(Reset(), 0.0)


def test_a_restart_whose_announcement_was_lost_is_noticed_at_the_next_command(bench, c_board) -> None:
    c_board.restart()
    with pytest.raises(LinkLost, match="restarted"):
        bench.exchange([Reset()])


def test_a_silent_board_is_given_up_after_the_repeats() -> None:
    session = Session(1, timeout=2.0, max_repeats=3)
    session.open(0.0)
    for _ in range(3):
        session.check_time(session.deadline)
    with pytest.raises(LinkLost, match="has not answered for 8 s"):
        session.check_time(session.deadline)
    assert len(FrameDecoder().receive_data(session.data_to_send())) == 4  # hellos
    assert session.state is SessionState.LOST


def test_a_host_of_another_version_is_told_the_boards_and_gets_no_session(c_board) -> None:
    answer = c_board.receive(encode_frame(bytes([CommandKind.HELLO_REQUEST, 77, 1, 0, 0, 0])))
    assert FrameDecoder().receive_data(answer)[0][:2] == bytes([0x81, VERSION])
    (refusal,) = FrameDecoder().receive_data(c_board.receive(encode_frame(Reset().payload())))
    assert refusal[0] == 0x87
    assert refusal[3] == ErrorCode.NO_SESSION


def test_an_intact_frame_that_is_no_message_is_an_error(bench) -> None:
    with pytest.raises(MalformedMessage):
        bench.session.receive_data(encode_frame(b"\x99"), 0.0)


def test_an_intact_frame_too_short_for_a_command_is_counted_as_rejected(bench, c_board) -> None:
    assert c_board.receive(encode_frame(b"\x03\0")) == b""
    assert stats(bench).rejected_frames == 1


def test_the_table_of_transitions_leaves_no_state_without_a_way_in() -> None:
    assert {*TRANSITIONS.values()} | {SessionState.CLOSED} == set(SessionState)


def test_noise_on_an_idle_line_does_no_harm(bench, c_board, recording, reference) -> None:
    rng = np.random.default_rng(5)
    for _ in range(20):
        bench.session.receive_data(c_board.receive(rng.bytes(700)), 0.0)
    assert same_bits(bench.stream(recording), reference(recording))
