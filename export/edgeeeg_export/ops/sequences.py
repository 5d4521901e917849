"""What recurrences along time ask of their operands: sequences of features, all of the same frames."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from edgeeeg_export.ops.op import require
from edgeeeg_export.tensor import TensorType

ELEMENTS_AT_ONCE = 1 << 20
"""How many numbers of hidden states NumPy holds at a time: 4 MiB; those of a long recording are gigabytes."""


def require_sequences(operands: Mapping[str, TensorType]) -> None:
    """Raise GraphError unless every operand, by name, is (1, time, features) of the same frames."""
    ((first, leading), *_) = operands.items()
    for name, x in operands.items():
        require(
            len(x.shape) == 3 and x.shape[0] == 1 and x.time_axis == 1,
            f"its {name} is {x.shape}; give it (1, time, features), with the features last",
        )
        require(
            (x.frames, x.samples_per_frame) == (leading.frames, leading.samples_per_frame),
            f"its {name} has {x.frames} frames of {x.samples_per_frame} samples and {first} {leading.frames} "
            f"of {leading.samples_per_frame}; compute both from the same frames",
        )


def frame_blocks(frames: int, elements: int) -> Iterator[range]:
    """The frames in blocks, as many at a time as hold `ELEMENTS_AT_ONCE` when each has `elements` of them."""
    size = max(1, ELEMENTS_AT_ONCE // elements)
    for start in range(0, frames, size):
        yield range(start, min(start + size, frames))
