"""A chain of layers as a NIR file, with what NIR's equations leave open in the metadata of every neuron."""

from __future__ import annotations

import itertools
import os
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from edgeeeg.errors import OutputError
from edgeeeg.output_path import require_file
from edgeeeg_export.errors import CaptureError
from edgeeeg_export.neuron import Neuron
from edgeeeg_export.nir_neuron import require_finite, write_node
from edgeeeg_export.nir_steps import InSteps, time_constant

if TYPE_CHECKING:
    import nir
    from torch import Tensor, nn


def write_nir(
    module: nn.Module,
    path: str | Path,
    dt: float | None = None,
    *,
    discretization: str = "forward_euler",
    input_shape: tuple[int, ...] | None = None,
) -> None:
    """Write a chain of layers as a NIR file, whole or not at all; its folder is made if there is none.

    Parameters
    ----------
    module : `NirModel`, or nn.Sequential of Linear, Conv1d, Conv2d, Flatten, Lif, Synaptic, RecurrentLif, and
        snnTorch's Leaky, Synaptic and RLeaky.
    dt : float, optional
        Time between two samples in seconds; a `NirModel` has its own.
    discretization : what turns the decays into time constants: other tools read 'forward_euler'.
    input_shape : features of one frame; by default those that a first Linear takes.

    Raises
    ------
    CaptureError
        For a layer or decay that NIR does not have, layers that do not suit each other, values that are not
        finite, or where dt or the input's shape is not known.
    OutputError
        If no file can be written there.
    """
    import nir
    import torch

    from edgeeeg_export.nir_model import NirModel

    if isinstance(module, NirModel):
        dt, input_shape = module.dt if dt is None else dt, module.input_shape
    if dt is None:
        raise CaptureError(f"{type(module).__name__} does not say how long a step is: pass dt in seconds")
    layers = list(_layers(module))
    if input_shape is None:
        first = layers[0][1] if layers else None
        if not isinstance(first, torch.nn.Linear):
            raise CaptureError(
                f"{type(module).__name__} does not begin with Linear: pass input_shape, features of one frame"
            )
        input_shape = (first.in_features,)
    time = InSteps(dt, discretization)
    frame = torch.zeros(1, *input_shape)
    nodes: dict[str, nir.NIRNode] = {"input": nir.Input(input_type=np.array(input_shape))}
    for name, layer in layers:
        key = f"layer_{name.replace('.', '_')}"
        nodes[key], frame = _node(name, layer, frame, time)
        require_finite(f"layer '{name}'", nodes[key])
    nodes["output"] = nir.Output(output_type=np.array(frame.shape[1:]))
    names = list(nodes)
    edges = list(itertools.pairwise(names))
    _write(Path(path), nir.NIRGraph(nodes=nodes, edges=edges))


def _write(path: Path, graph: nir.NIRGraph) -> None:
    """Write the file under another name first: what goes wrong leaves an older file as it was."""
    import nir

    require_file(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f".{path.name}.{os.getpid()}.partial")
    try:
        nir.write(str(partial), graph)
        partial.replace(path)
    except OSError as error:
        raise OutputError(f"{path}: cannot be written: {error}") from error
    finally:
        partial.unlink(missing_ok=True)


def _layers(module: nn.Module) -> Iterator[tuple[str, nn.Module]]:
    """The layers of a chain in order, by name."""
    import torch

    from edgeeeg_export.nir_model import NirModel

    chain = module.stages if isinstance(module, NirModel) else module
    if not isinstance(chain, (torch.nn.Sequential, torch.nn.ModuleList)):
        raise CaptureError(
            f"{type(module).__name__} does not say in which order its layers run; write them as nn.Sequential"
        )
    for name, layer in chain.named_children():
        if isinstance(layer, torch.nn.Sequential):
            yield from ((f"{name}.{inner}", child) for inner, child in _layers(layer))
        else:
            yield name, layer


def _node(name: str, layer: nn.Module, frame: Any, time: InSteps) -> tuple[nir.NIRNode, Any]:
    """The node of a layer that is given this frame (1, *features), and the frame behind it."""
    import nir
    import torch

    from edgeeeg_export.nir_model import LeakyIntegrator, OnFrames, neuron_of
    from edgeeeg_export.snntorch_neuron import read_neuron, spiking_layers

    shape = tuple(frame.shape[1:])
    stateless: Any = layer
    if isinstance(layer, (torch.nn.Linear, torch.nn.Conv1d, torch.nn.Conv2d, torch.nn.Flatten)):
        try:
            with torch.no_grad():
                after = layer(frame)
        except (RuntimeError, IndexError) as error:
            reason = str(error).splitlines()[0]
            raise CaptureError(f"layer '{name}' does not take features {shape}: {reason}") from error
    if isinstance(layer, torch.nn.Linear):
        weight = layer.weight.detach().numpy()
        if layer.bias is None:
            return nir.Linear(weight=weight), after
        return nir.Affine(weight=weight, bias=layer.bias.detach().numpy()), after
    if isinstance(layer, (torch.nn.Conv1d, torch.nn.Conv2d)):
        if layer.padding_mode != "zeros":
            raise CaptureError(f"layer '{name}' pads with '{layer.padding_mode}', and NIR with zeros")
        return _convolution(name, stateless, shape, tuple(after.shape[1:])), after
    if isinstance(layer, torch.nn.Flatten):
        start, end = layer.start_dim, layer.end_dim
        if start == 0:
            raise CaptureError(f"layer '{name}' flattens the batch; use start_dim=1")
        without = (axis - 1 if axis > 0 else axis for axis in (start, end))
        return nir.Flatten(np.array(shape), *without), after
    gain: NDArray[np.float32] = np.ones(int(np.prod(shape)), dtype=np.float32)
    if isinstance(layer, OnFrames):
        gain, layer = layer.gain.numpy(), layer.layer
    if isinstance(layer, LeakyIntegrator):
        beta = layer.beta.numpy().astype(np.float64).reshape(shape)
        tau = time_constant(name, beta, time)
        said = {key: value for key, value in time.metadata().items() if key in ("dt", "discretization")}
        r = gain.reshape(shape) / (1 - beta)
        return nir.LI(tau=tau, r=r, v_leak=np.zeros(shape), metadata=said), frame
    neuron = read_neuron(name, layer) if spiking_layers(layer) else neuron_of(name, layer)
    if neuron.V is None:
        return write_node(neuron, shape, gain, time), frame
    return _recurrent(neuron, neuron.V, shape, gain, time), frame


def _convolution(name: str, layer: Any, shape: tuple[int, ...], after: tuple[int, ...]) -> nir.NIRNode:
    """Conv1d or Conv2d; NIR has a bias always.

    Raises
    ------
    CaptureError
        Where nir takes it for another shape, which it then refuses to read: version 1.0 looks at the first
        side of a kernel alone, and not at groups.
    """
    import nir

    weight = layer.weight.detach().numpy()
    bias = np.zeros(len(weight), np.float32) if layer.bias is None else layer.bias.detach().numpy()
    node: nir.NIRNode
    if weight.ndim == 4:
        node = nir.Conv2d(shape[1:], weight, layer.stride, layer.padding, layer.dilation, layer.groups, bias)
    else:
        padding = layer.padding if isinstance(layer.padding, str) else layer.padding[0]
        node = nir.Conv1d(shape[1], weight, layer.stride[0], padding, layer.dilation[0], layer.groups, bias)
    expected = (*node.input_type["input"], *node.output_type["output"])
    if expected != (*shape, *after):
        raise CaptureError(
            f"layer '{name}' has a kernel {weight.shape[2:]} and {layer.groups} groups, which nir does not "
            "read back; use square kernels and one group"
        )
    return node


def _recurrent(
    neuron: Neuron, weights: Tensor, shape: tuple[int, ...], gain: NDArray[np.float32], time: InSteps
) -> nir.NIRGraph:
    """Neurons and the dense node through which they hear themselves, as a graph of their own."""
    import nir
    import torch

    n = int(np.prod(shape))
    if weights.shape != (n, n) and (weights.ndim == 2 or weights.numel() not in (1, n)):
        raise CaptureError(
            f"layer '{neuron.path}' has recurrent weights {tuple(weights.shape)} and is given features "
            f"{shape}; give it {n} neurons"
        )
    matrix = (weights if weights.ndim == 2 else torch.diag(weights.expand(n))).numpy()
    bias = np.zeros(n, np.float32) if neuron.bias is None else neuron.bias.numpy()
    # a gain of 0 has no such weights: what comes out is not finite, and refused
    with np.errstate(divide="ignore", invalid="ignore"):
        matrix, bias = matrix / gain[:, None], bias / gain
    back: nir.NIRNode = nir.Affine(matrix, bias) if bias.any() else nir.Linear(matrix)
    node = write_node(replace(neuron, V=None, bias=None), shape, gain, time)
    return nir.NIRGraph(
        nodes={
            "input": nir.Input(input_type=np.array(shape)),
            "lif": node,
            "w_rec": back,
            "output": nir.Output(output_type=np.array(shape)),
        },
        edges=[("input", "lif"), ("lif", "w_rec"), ("w_rec", "lif"), ("lif", "output")],
    )
