"""Saved states and the model's own errors, through the session and the firmware's link.c."""

from __future__ import annotations

import numpy as np
from session_bench import same_bits

from edgeeeg_bridge.messages import (
    Ack,
    Error,
    Reset,
    Restore,
    Samples,
    Save,
    State,
    StatsRequest,
)
from edgeeeg_bridge.protocol import ErrorCode


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
