"""A stretch of the stream in the NumPy reference, from the state that C had: the same bits or a failure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from edgeeeg_bench.soak.eeg import Counts
from edgeeeg_bench.soak.saved_state import decode
from edgeeeg_export import reference
from edgeeeg_export.contract import Subject, stack_outputs
from edgeeeg_export.reference import States
from edgeeeg_export.targets.c_layout import StreamLayout
from edgeeeg_export.tensor import Array


@dataclass(frozen=True, slots=True)
class Stretch:
    """One comparison with the reference.

    Parameters
    ----------
    start : seconds since the start of the stream.
    seconds : its length.
    outputs_equal, states_equal : all outputs, and the state after it, have the same bits.
    """

    start: int
    seconds: int
    outputs_equal: bool
    states_equal: bool

    @property
    def holds(self) -> bool:
        """Whether both are equal."""
        return self.outputs_equal and self.states_equal


def check_stretch(
    subject: Subject,
    layout: StreamLayout,
    counts: Counts,
    outputs: Array,
    before: bytes,
    after: bytes,
) -> tuple[bool, bool]:
    """Whether outputs and states of the reference over counts (n_times, n_chans) are C's, bit for bit.

    Parameters
    ----------
    outputs : what C gave for them, (n_steps, n_outputs).
    before, after : C's saved states around them; the reference starts from the first.
    """
    result = reference.run(subject.step, subject.samples(counts), decode(layout, before))
    expected = stack_outputs(subject.step, result.tensors)
    return _same_bits(expected, outputs), _same_states(result.states, decode(layout, after))


def check_stretches(
    subject: Subject,
    layout: StreamLayout,
    spans: Sequence[tuple[int, int]],
    counts: Counts,
    outputs: Array,
    saved: Sequence[bytes],
    since: int,
) -> list[Stretch]:
    """The stretches of one hour of samples, each from the state that C had at its start.

    Parameters
    ----------
    spans : first and last second (exclusive) of each, within the hour.
    counts, outputs : of the whole hour, (n_times, n_chans) and (n_steps, n_outputs).
    saved : C's saved state at every second from the start on.
    since : seconds of the stream before the hour.
    """
    rate = len(counts) // (len(saved) - 1)
    steps = rate // subject.program.hop
    return [
        Stretch(
            since + start,
            stop - start,
            *check_stretch(
                subject,
                layout,
                counts[start * rate : stop * rate],
                outputs[start * steps : stop * steps],
                saved[start],
                saved[stop],
            ),
        )
        for start, stop in spans
    ]


def _same_states(expected: States, found: States) -> bool:
    return expected.keys() == found.keys() and all(
        _same_bits(mine, theirs)
        for name in expected
        for mine, theirs in zip(expected[name], found[name], strict=True)
    )


def _same_bits(expected: Array, found: Array) -> bool:
    # comparing values would take -0 for 0
    return expected.shape == found.shape and expected.tobytes() == np.ascontiguousarray(found).tobytes()
