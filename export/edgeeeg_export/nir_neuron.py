"""Spiking nodes of NIR and the cells here: continuous time against steps of dt, and what a spike resets.

NIR gives differential equations, such as tau dv/dt = (v_leak - v) + R I, and leaves open how they become
steps. With beta = 1 - dt/tau (forward Euler) or beta = exp(-dt/tau) (exponential), and v_leak = 0,

    v_t = beta · v_{t-1} + gain · I_t        gain = R (1 - beta)

which is the membrane of the cells with their input times the gain. IF is beta = 1 and gain = R dt. The
current of CubaLIF has the gain w_in (1 - alpha), and the membrane's goes into it too, for both are linear.
NIR resets to v_reset in the step of the spike. A reset by subtraction, or one step later, is something that
a file can only say in the metadata of a node, and so is the way to steps.

References
----------
Pedersen et al. 2024, Neuromorphic intermediate representation, Nature Communications 15, 8122: table 1.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from edgeeeg.cells.firing import FIRES, RESETS
from edgeeeg_export.errors import CaptureError
from edgeeeg_export.neuron import Neuron

if TYPE_CHECKING:
    import nir

DISCRETIZATIONS = ("forward_euler", "exponential")

NEEDED = ("dt", "discretization", "reset", "reset_delay")
"""What a file or who reads it must say of a neuron."""

FLOAT32_ROUNDING = 2.0**-24


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
        words = {"discretization": DISCRETIZATIONS, "reset": RESETS, "fires": FIRES}
        for name, allowed in words.items():
            if getattr(self, name) not in allowed:
                raise CaptureError(f"NIR: {name}={getattr(self, name)!r} is not one of {', '.join(allowed)}")
        if not self.dt > 0:
            raise CaptureError(f"NIR: a step of dt={self.dt} s is none; give the time between two samples")

    def metadata(self) -> dict[str, Any]:
        """What a node of a file says."""
        return {
            name: int(value) if isinstance(value, bool) else value for name, value in asdict(self).items()
        }


def in_steps(name: str, node: nir.NIRNode, given: Mapping[str, Any]) -> InSteps:
    """What a node says of itself, and what is given where it does not.

    Raises
    ------
    CaptureError
        Where the two differ, or neither says something of `NEEDED`.
    """
    fields_ = InSteps.__slots__
    said = {key: _plain(value) for key, value in node.metadata.items() if key in fields_}
    for key in said.keys() & given.keys():
        if given[key] != said[key]:
            raise CaptureError(
                f"NIR node '{name}' says {key}={said[key]!r}, and {key}={given[key]!r} was asked for"
            )
    known = {**given, **said}
    missing = [key for key in NEEDED if key not in known]
    if missing:
        raise CaptureError(
            f"NIR node '{name}' does not say its {', '.join(missing)}: pass them to read_nir as the model "
            "was trained (NIR's equations are reset='zero', reset_delay=False; snnTorch's files have "
            "dt=1e-4, discretization='forward_euler')"
        )
    return InSteps(**(known | {"dt": float(known["dt"]), "reset_delay": bool(known["reset_delay"])}))


def _plain(value: Any) -> Any:
    """A value of a file's metadata as Python has it."""
    value = value.item() if isinstance(value, (np.generic, np.ndarray)) else value
    return value.decode() if isinstance(value, bytes) else value


def read_node(
    name: str, node: nir.NIRNode, shape: tuple[int, ...], given: Mapping[str, Any]
) -> tuple[Neuron, NDArray[np.float32]]:
    """A spiking node on features of a shape, and the gain of its input, one for each neuron.

    Raises
    ------
    CaptureError
        For another node, one whose reset or leak no cell has, or one that does not say what it must.
    """
    import nir

    kind = type(node)
    if kind not in (nir.LIF, nir.CubaLIF, nir.IF):
        raise CaptureError(
            f"NIR node '{name}' ({kind.__name__}) is no neuron here; use LIF, CubaLIF, IF or LI"
        )
    values: Any = node
    time = in_steps(name, node, given)
    if np.any(values.v_reset != 0):
        raise CaptureError(
            f"NIR node '{name}' resets to v_reset other than 0, which no cell does; set it to 0"
        )
    alpha: NDArray[np.float64] | None = None
    if kind is nir.IF:
        beta, gain = np.ones_like(values.r, dtype=np.float64), values.r * time.dt
    else:
        _require_no_leak(name, values.v_leak)
        beta = decay(name, values.tau_mem if kind is nir.CubaLIF else values.tau, time)
        gain = values.r * (1 - beta)
    if kind is nir.CubaLIF:
        alpha = decay(name, values.tau_syn, time)
        gain = gain * values.w_in * (1 - alpha)
    neuron = Neuron(
        name,
        "Leaky" if alpha is None else "Synaptic",
        each(name, beta, shape),
        each(name, values.v_threshold, shape),
        time.reset,
        time.reset_delay,
        time.fires,
        alpha=None if alpha is None else each(name, alpha, shape),
    )
    scale: NDArray[np.float32] = each(name, gain, shape).numpy()
    # tau and r are quotients of the decay: 1 comes back but for a rounding of float64
    return neuron, np.where(np.abs(scale - 1) <= FLOAT32_ROUNDING, np.float32(1), scale)


def write_node(
    neuron: Neuron, shape: tuple[int, ...], gain: NDArray[np.float32], time: InSteps
) -> nir.NIRNode:
    """The node of a neuron on features of a shape, in forward Euler or exponential steps of `time`.

    Raises
    ------
    CaptureError
        For a decay that no time constant has, or decays of 1 in some neurons only.
    """
    import nir

    beta, threshold = (_wide(value, shape) for value in (neuron.beta, neuron.threshold))
    said = replace(time, reset=neuron.reset, reset_delay=neuron.reset_delay, fires=neuron.fires).metadata()
    zeros = np.zeros(shape)
    wide_gain = gain.astype(np.float64).reshape(shape)
    if (beta == 1).all() and neuron.alpha is None:
        return nir.IF(r=wide_gain / time.dt, v_threshold=threshold, v_reset=zeros, metadata=said)
    rest = {"v_leak": zeros, "v_threshold": threshold, "v_reset": zeros, "metadata": said}
    tau = time_constant(neuron.path, beta, time)
    if neuron.alpha is None:
        return nir.LIF(tau=tau, r=wide_gain / (1 - beta), **rest)
    alpha = _wide(neuron.alpha, shape)
    return nir.CubaLIF(
        tau_syn=time_constant(neuron.path, alpha, time),
        tau_mem=tau,
        r=1 / (1 - beta),
        w_in=wide_gain / (1 - alpha),
        **rest,
    )


def decay(name: str, tau: NDArray[np.float64], time: InSteps) -> NDArray[np.float64]:
    """Decay of a step for time constants in seconds: 1 - dt/tau, or exp(-dt/tau).

    Raises
    ------
    CaptureError
        Where the step is longer than the time constant allows.
    """
    steps = time.dt / np.asarray(tau, dtype=np.float64)
    beta = np.exp(-steps) if time.discretization == "exponential" else 1 - steps
    if not (np.isfinite(beta) & (beta >= 0) & (beta <= 1)).all():
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


def _require_no_leak(name: str, v_leak: NDArray[np.float64]) -> None:
    if np.any(v_leak != 0):
        raise CaptureError(
            f"NIR node '{name}' leaks to v_leak other than 0, which no cell does; shift its thresholds by it"
        )


def each(name: str, value: Any, shape: tuple[int, ...]) -> Any:
    """A parameter as float32 tensor, one value for each neuron, (n,)."""
    import torch

    try:
        whole = np.broadcast_to(np.asarray(value, dtype=np.float64), shape)
    except ValueError as error:
        raise CaptureError(
            f"NIR node '{name}' has parameters of shape {np.shape(value)} and is given features {shape}"
        ) from error
    return torch.from_numpy(whole.astype(np.float32).reshape(-1))


def _wide(value: Any, shape: tuple[int, ...]) -> NDArray[np.float64]:
    """A parameter as NIR has it: float64, with the shape of the features."""
    wide: NDArray[np.float64] = value.detach().numpy().astype(np.float64)
    return wide.reshape(shape) if wide.size == np.prod(shape) else np.broadcast_to(wide, shape).copy()
