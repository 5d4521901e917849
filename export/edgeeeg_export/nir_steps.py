"""Steps of NIR's equations: their length, how they are taken, and what a file says of both.

NIR gives differential equations and leaves open how they become steps of dt: beta = 1 - dt/tau (forward
Euler) or beta = exp(-dt/tau) (exponential). It resets to v_reset in the step of the spike; a reset by
subtraction, or one step later, is something that a file can only say in the metadata of a node.
"""

from __future__ import annotations

import math
import numbers
import reprlib
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from edgeeeg.cells.firing import FIRES, RESETS
from edgeeeg_export.errors import CaptureError

if TYPE_CHECKING:
    import nir

DISCRETIZATIONS = ("forward_euler", "exponential")

WORDS = {"discretization": DISCRETIZATIONS, "reset": RESETS, "fires": FIRES}

NEEDED = ("dt", "discretization", "reset", "reset_delay")
"""What a file or who reads it must say of a neuron."""


@dataclass(frozen=True, slots=True)
class InSteps:
    """How the equations of a node become steps.

    Parameters
    ----------
    dt : length of a step in seconds.
    discretization : 'forward_euler' or 'exponential'.
    reset : 'zero' is NIR's own with v_reset = 0; 'subtract' and 'none' are not in NIR's equations.
    reset_delay : whether the reset comes one step after the spike; in NIR's equations it does not.
    fires : 'above' the threshold, as in NIR's equations, or 'at' it already.

    Raises
    ------
    CaptureError
        For a word that is none of these, or a step that takes no time.
    """

    dt: float
    discretization: str = "forward_euler"
    reset: str = "zero"
    reset_delay: bool = False
    fires: str = "above"

    def __post_init__(self) -> None:
        require_defined("NIR:", {name: getattr(self, name) for name in InSteps.__slots__})

    def metadata(self) -> dict[str, Any]:
        """What a node of a file says."""
        return {
            name: int(value) if isinstance(value, bool) else value for name, value in asdict(self).items()
        }


def require_defined(where: str, said: Mapping[str, Any]) -> None:
    """Refuse values that `InSteps` does not define; `where` begins the message, `said` has them by name.

    Raises
    ------
    CaptureError
        Naming the value and those that it may have.
    """
    for name, value in said.items():
        shown = f"{where} {name}={reprlib.repr(value)}"
        number = isinstance(value, numbers.Real)
        if name == "dt" and not (number and not isinstance(value, bool) and 0 < value < math.inf):
            raise CaptureError(f"{shown} is no time in s above 0; give the time between two samples")
        if name == "reset_delay" and not (number and value in (0, 1)):
            raise CaptureError(f"{shown} is neither 0, a reset in the step of the spike, nor 1, one after it")
        if name in WORDS and value not in WORDS[name]:
            raise CaptureError(f"{shown} is not one of {', '.join(WORDS[name])}")


def stated(name: str, node: nir.NIRNode) -> dict[str, Any]:
    """What the metadata of a node say of its steps, in Python's own types.

    Raises
    ------
    CaptureError
        For a value that is not defined.
    """
    said = {key: _plain(value) for key, value in node.metadata.items() if key in InSteps.__slots__}
    require_defined(f"NIR node '{name}' says", said)
    return said


def in_steps(name: str, node: nir.NIRNode, given: Mapping[str, Any]) -> InSteps:
    """What a node says of itself, and what is given where it does not.

    Raises
    ------
    CaptureError
        Where the two differ, or neither says something of `NEEDED`.
    """
    said = stated(name, node)
    for key in said.keys() & given.keys():
        if given[key] != said[key]:
            raise CaptureError(
                f"NIR node '{name}' says {key}={said[key]!r}, and {key}={given[key]!r} was asked for"
            )
    known = {**given, **said}
    missing = [key for key in NEEDED if key not in known]
    if missing:
        raise CaptureError(
            f"NIR node '{name}' does not say its {', '.join(missing)}: pass "
            f"{'it' if len(missing) == 1 else 'them'} to read_nir as the model was trained (NIR's equations "
            "are reset='zero', reset_delay=False; snnTorch's files have dt=1e-4, "
            "discretization='forward_euler')"
        )
    time = InSteps(**known)
    return replace(time, dt=float(time.dt), reset_delay=bool(time.reset_delay))


def _plain(value: Any) -> Any:
    """A value of a file's metadata as Python has it."""
    if isinstance(value, (np.generic, np.ndarray)):
        value = value.item() if value.size == 1 else value.tolist()
    return value.decode(errors="replace") if isinstance(value, bytes) else value


def decay(name: str, tau: NDArray[np.float64], time: InSteps) -> NDArray[np.float64]:
    """Decay of a step for time constants in seconds: 1 - dt/tau, or exp(-dt/tau).

    Raises
    ------
    CaptureError
        For a time constant that is none, or where the step is longer than it allows.
    """
    tau = np.asarray(tau, dtype=np.float64)
    if not (tau > 0).all():
        raise CaptureError(
            f"NIR node '{name}' has a time constant of {np.min(tau):g} s, and time constants are above 0"
        )
    steps = time.dt / tau
    beta = np.exp(-steps) if time.discretization == "exponential" else 1 - steps
    if not (beta >= 0).all():
        raise CaptureError(
            f"NIR node '{name}' has a time constant of {np.min(tau):g} s, too short for steps of "
            f"{time.dt:g} s: use a dt below it"
        )
    return np.asarray(beta)


def time_constant(name: str, beta: NDArray[np.float64], time: InSteps) -> NDArray[np.float64]:
    """Time constants in seconds of decays within [0, 1) a step.

    Raises
    ------
    CaptureError
        For a decay that has none.
    """
    exponential = time.discretization == "exponential"
    if (beta >= 1).any() or (exponential and (beta == 0).any()):
        bad = float(beta[(beta >= 1) | (beta == 0)].flat[0])
        raise CaptureError(
            f"'{name}' has a decay of {bad:g}, which no time constant of NIR gives "
            f"({time.discretization}); keep it below 1" + (" and above 0" if exponential else "")
        )
    return -time.dt / np.log(beta) if exponential else time.dt / (1 - beta)
