"""The host's session against the firmware's own link.c: order, windows, greetings, restarts."""

from __future__ import annotations

import struct

import pytest
from session_bench import Bench, clean, same_bits

from edgeeeg_bridge.errors import IllegalTransition, LinkLost, MalformedMessage
from edgeeeg_bridge.framing import FrameDecoder, encode_frame
from edgeeeg_bridge.messages import (
    Ack,
    Reset,
    Samples,
)
from edgeeeg_bridge.protocol import RX_BUFFER_BYTES, VERSION, WINDOW, CommandKind, ErrorCode, ReplyKind
from edgeeeg_bridge.session import TRANSITIONS, Session, SessionState


@pytest.mark.parametrize("chunk", [1, 3, 4, 7, 100])
def test_chunks_of_any_size_give_the_models_outputs(bench, recording, reference, chunk: int) -> None:
    assert same_bits(bench.stream(recording, chunk), reference(recording))
    assert (bench.session.repeats, bench.timeouts) == (0, 0)


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


def test_the_table_of_transitions_leaves_no_state_without_a_way_in() -> None:
    assert {*TRANSITIONS.values()} | {SessionState.CLOSED} == set(SessionState)
