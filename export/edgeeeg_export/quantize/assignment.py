"""Which format each tensor and each state gets, where all of a kind get the same."""

from __future__ import annotations

from edgeeeg_export.quantize.calibration import Calibration
from edgeeeg_export.quantize.format import Format, Formats, Storage


def assign(
    calibration: Calibration, inputs: Formats, tensors: Storage = "int8", states: Storage = "float32"
) -> dict[str, Format]:
    """Formats of everything that was seen; the tail of a program of int8 is int16.

    Parameters
    ----------
    inputs : Formats
        Of the model's inputs: a device has them in int16 as they come.
    tensors, states : what all other tensors, and the states of recurrences, are stored in.
    """
    last: Storage = "int16" if tensors == "int8" else tensors
    made = {
        name: seen.format(last if name in calibration.tail else tensors)
        for name, seen in calibration.tensors.items()
    }
    made |= {name: seen.format(states) for name, seen in calibration.states.items()}
    return made | dict(inputs)
