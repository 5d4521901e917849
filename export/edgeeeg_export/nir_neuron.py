"""Spiking nodes of NIR and the cells here: continuous time against steps of dt, and what a spike resets.

NIR gives differential equations, such as tau dv/dt = (v_leak - v) + R I, and leaves open how they become
steps; `nir_steps` has what makes a decay beta of a time constant. With v_leak = 0,

    v_t = beta · v_{t-1} + gain · I_t        gain = R (1 - beta)

which is the membrane of the cells with their input times the gain. IF is beta = 1 and gain = R dt. The
current of CubaLIF has the gain w_in (1 - alpha), and the membrane's goes into it too, for both are linear.

References
----------
Pedersen et al. 2024, Neuromorphic intermediate representation, Nature Communications 15, 8122: table 1.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from edgeeeg_export.errors import CaptureError
from edgeeeg_export.neuron import Neuron
from edgeeeg_export.nir_steps import InSteps, decay, in_steps, time_constant

if TYPE_CHECKING:
    import nir

FLOAT32_ROUNDING = 2.0**-24


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

    beta, threshold = (_wide(neuron.path, value, shape) for value in (neuron.beta, neuron.threshold))
    said = replace(time, reset=neuron.reset, reset_delay=neuron.reset_delay, fires=neuron.fires).metadata()
    zeros = np.zeros(shape)
    wide_gain = gain.astype(np.float64).reshape(shape)
    if (beta == 1).all() and neuron.alpha is None:
        return nir.IF(r=wide_gain / time.dt, v_threshold=threshold, v_reset=zeros, metadata=said)
    rest = {"v_leak": zeros, "v_threshold": threshold, "v_reset": zeros, "metadata": said}
    tau = time_constant(neuron.path, beta, time)
    if neuron.alpha is None:
        return nir.LIF(tau=tau, r=wide_gain / (1 - beta), **rest)
    alpha = _wide(neuron.path, neuron.alpha, shape)
    return nir.CubaLIF(
        tau_syn=time_constant(neuron.path, alpha, time),
        tau_mem=tau,
        r=1 / (1 - beta),
        w_in=wide_gain / (1 - alpha),
        **rest,
    )


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
    with np.errstate(over="ignore"):
        values = whole.astype(np.float32).reshape(-1)
    if not np.isfinite(values).all():
        raise CaptureError(
            f"NIR node '{name}' comes to a parameter of {np.abs(whole).max():g}, too large for float32; "
            "scale its r, w_in or thresholds down"
        )
    return torch.from_numpy(values)


def _wide(path: str, value: Any, shape: tuple[int, ...]) -> NDArray[np.float64]:
    """A parameter as NIR has it: float64, with the shape of the features."""
    wide: NDArray[np.float64] = value.detach().numpy().astype(np.float64)
    if wide.size == np.prod(shape):
        return wide.reshape(shape)
    try:
        return np.broadcast_to(wide, shape).copy()
    except ValueError as error:
        raise CaptureError(
            f"layer '{path}' has parameters of shape {wide.shape} and is given features {shape}; give it as "
            "many neurons as there are features"
        ) from error


def require_finite(what: str, node: nir.NIRNode) -> None:
    """Refuse a node, or a graph of nodes, with a value that no float32 is; `what` begins the message.

    Raises
    ------
    CaptureError
        Naming the array.
    """
    import nir

    if isinstance(node, nir.NIRGraph):
        for name, inner in node.nodes.items():
            require_finite(f"{what}, node '{name}',", inner)
        return
    for name, value in vars(node).items():
        if not isinstance(value, np.ndarray) or value.dtype.kind != "f":
            continue
        with np.errstate(over="ignore"):
            if not np.isfinite(value.astype(np.float32)).all():
                raise CaptureError(
                    f"{what} has values in {name} that are NaN, infinite or too large for float32; give "
                    "finite ones"
                )
