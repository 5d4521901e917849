"""A NIR file as a module: chains of dense, convolutional and flattening nodes and neurons."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from edgeeeg_export.errors import CaptureError
from edgeeeg_export.neuron import Neuron
from edgeeeg_export.nir_neuron import each, read_node, require_finite
from edgeeeg_export.nir_steps import decay, in_steps, require_defined, stated

if TYPE_CHECKING:
    import nir
    from torch import nn

    from edgeeeg_export.nir_model import NirModel


@dataclass(frozen=True, slots=True)
class Link:
    """A node of the chain, and the dense node through which its spikes come back, if they do."""

    name: str
    node: nir.NIRNode
    back: nir.NIRNode | None


def read_nir(
    path: str | Path,
    dt: float | None = None,
    *,
    discretization: str | None = None,
    reset: str | None = None,
    reset_delay: bool | None = None,
) -> NirModel:
    """Read a NIR file as a module over (batch, n_chans, n_times), with the layers of edgeeeg.

    Parameters
    ----------
    dt : float, optional
        Time between two samples in seconds; may be left out, as all others, where the file's metadata say it.
    discretization : 'forward_euler' or 'exponential', optional
    reset : 'subtract', 'zero' or 'none', optional
    reset_delay : bool, optional
        Whether the reset comes one step after the spike.

    Raises
    ------
    CaptureError
        For a file that is none, a node that no layer here is, values that are not finite, another graph than
        a chain, and a neuron of which neither file nor arguments say when and how it is reset.
    """
    import nir
    import torch

    if not Path(path).is_file():
        raise CaptureError(f"there is no file {path}")
    try:
        graph = nir.read(path)
    except Exception as error:  # h5py, nir's own checks and assertions all raise their own
        reason = " ".join(str(error).split()) or "a node that breaks its own rules"
        raise CaptureError(
            f"{path} is not a NIR file that nir can read ({type(error).__name__}: {reason})"
        ) from error
    from edgeeeg_export.nir_model import NirModel, OnFrames

    asked = {"dt": dt, "discretization": discretization, "reset": reset, "reset_delay": reset_delay}
    given = {name: value for name, value in asked.items() if value is not None}
    require_defined("read_nir:", given)
    links = list(chain(graph))
    first = links[0].node.output_type["output"]
    if first is None:
        raise CaptureError(f"{path} does not say the shape of its input; write nir.Input with an input_type")
    input_shape = tuple(int(size) for size in np.atleast_1d(first))
    frame, stages, step = torch.zeros(1, *input_shape), [], dt
    for link in links[1:]:
        stage = _stage(link, tuple(frame.shape[1:]), given)
        step = _step(link, step)
        try:
            with torch.no_grad():
                frame = stage(frame, 1) if isinstance(stage, OnFrames) else stage(frame)
        except RuntimeError as error:
            reason = str(error).splitlines()[0]
            raise CaptureError(
                f"NIR node '{link.name}' does not take features {tuple(frame.shape[1:])}: {reason}"
            ) from error
        stages.append(stage)
    if step is None:
        raise CaptureError(f"{path} does not say how long a step is: pass dt in seconds")
    return NirModel(stages, input_shape, step)


def chain(graph: nir.NIRGraph, prefix: str = "") -> Iterator[Link]:
    """The nodes of a graph in the order of its edges, those of graphs within it in their place.

    Raises
    ------
    CaptureError
        Where it branches, joins or ends before its output.
    """
    import nir

    nodes, edges = graph.nodes, list(dict.fromkeys((str(a), str(b)) for a, b in graph.edges))
    starts = [name for name, node in nodes.items() if isinstance(node, nir.Input)]
    if len(starts) != 1:
        raise CaptureError(f"the NIR graph {prefix or 'itself'} has {len(starts)} inputs; give it one")
    (name,), came, seen = starts, None, set()
    while not isinstance(nodes[name], nir.Output):
        seen.add(name)
        after = [b for a, b in edges if a == name]
        back = [
            other
            for other in after
            if isinstance(nodes[other], (nir.Linear, nir.Affine))
            and [b for a, b in edges if a == other] == [name]
        ]
        before = [a for a, b in edges if b == name and a not in back]
        onward = [other for other in after if other not in back]
        if (
            len(onward) != 1
            or len(back) > 1
            or before != ([] if came is None else [came])
            or onward[0] in seen
        ):
            raise CaptureError(
                f"NIR node '{prefix}{name}' comes from {before} and goes to {onward}; only chains are read, "
                "and neurons with one dense node from themselves to themselves"
            )
        node = nodes[name]
        if isinstance(node, nir.NIRGraph):
            yield from (
                link for link in chain(node, f"{prefix}{name}.") if not isinstance(link.node, nir.Input)
            )
        else:
            yield Link(prefix + name, node, nodes[back[0]] if back else None)
        came, name = name, onward[0]


def _step(link: Link, step: float | None) -> float | None:
    """Length of a step as far as it is known with this node.

    Raises
    ------
    CaptureError
        If another was said before.
    """
    said = stated(link.name, link.node).get("dt")
    if said is None:
        return step
    if step is not None and said != step:
        raise CaptureError(f"NIR node '{link.name}' has steps of {said:g} s, others of {step:g} s")
    return float(said)


def _stage(link: Link, shape: tuple[int, ...], given: Mapping[str, Any]) -> nn.Module:
    """The layer of a node on features of this shape."""
    import nir
    import torch

    from edgeeeg_export.nir_model import LeakyIntegrator, OnFrames, layer_of

    node: Any = link.node
    kind = type(node)
    require_finite(f"NIR node '{link.name}'", node)
    if link.back is not None:
        require_finite(f"NIR node '{link.name}', from itself to itself,", link.back)
    if link.back is not None and kind is not nir.LIF:
        raise CaptureError(
            f"NIR node '{link.name}' ({kind.__name__}) hears its own output; only LIF is read so"
        )
    if kind in (nir.Linear, nir.Affine):
        rows, columns = node.weight.shape
        return _weighted(torch.nn.Linear(columns, rows, bias=kind is nir.Affine), node)
    if kind in (nir.Conv1d, nir.Conv2d):
        layer = (torch.nn.Conv1d if kind is nir.Conv1d else torch.nn.Conv2d)(
            node.weight.shape[1] * int(node.groups),
            node.weight.shape[0],
            tuple(node.weight.shape[2:]),
            _sizes(node.stride),
            _sizes(node.padding),
            _sizes(node.dilation),
            int(node.groups),
        )
        return _weighted(layer, node)
    if kind is nir.Flatten:
        start, end = int(node.start_dim), int(node.end_dim)  # NIR counts without the batch
        return torch.nn.Flatten(start + 1 if start >= 0 else start, end + 1 if end >= 0 else end)
    if kind is nir.LI:
        time = in_steps(link.name, node, {**given, "reset": "none", "reset_delay": False})
        if np.any(node.v_leak != 0):
            raise CaptureError(
                f"NIR node '{link.name}' leaks to v_leak other than 0; subtract it behind the node"
            )
        beta = decay(link.name, node.tau, time)
        gain = each(link.name, node.r * (1 - beta), shape).numpy()
        return OnFrames(LeakyIntegrator(each(link.name, beta, shape)), gain)
    neuron, gain = read_node(link.name, node, shape, given)
    return OnFrames(layer_of(_recurrent(neuron, link.back, gain)), gain)


def _recurrent(neuron: Neuron, back: Any, gain: Any) -> Neuron:
    """The neuron with the weights through which it hears itself, whose current has the same gain."""
    import torch

    if back is None:
        return neuron
    n = len(gain)
    if back.weight.shape != (n, n):
        raise CaptureError(
            f"NIR node '{neuron.path}' has {n} neurons and recurrent weights {back.weight.shape}; "
            f"give ({n}, {n})"
        )
    bias = getattr(back, "bias", None)
    return replace(
        neuron,
        kind="RLeaky",
        V=torch.from_numpy((gain[:, None] * back.weight).astype(np.float32)),
        bias=None if bias is None else torch.from_numpy((gain * bias).astype(np.float32)),
    )


def _weighted(layer: nn.Module, node: Any) -> nn.Module:
    """A layer with the weights of its node."""
    import torch

    parameters: Any = layer
    with torch.no_grad():
        parameters.weight.copy_(torch.from_numpy(np.asarray(node.weight, dtype=np.float32)))
        if parameters.bias is not None:
            parameters.bias.copy_(torch.from_numpy(np.asarray(node.bias, dtype=np.float32)))
    return layer


def _sizes(value: Any) -> Any:
    """Strides and the like as torch takes them; a padding may be a word."""
    if isinstance(value, (str, bytes)):
        return value.decode() if isinstance(value, bytes) else value
    return tuple(int(size) for size in np.atleast_1d(value))
