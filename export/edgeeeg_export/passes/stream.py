"""Streaming: a graph over a recording becomes one over a hop, with explicit state.

What a layer needs of the past becomes a cache, and what it needs of the future a delay: its outputs come
later by as many frames. Branches of unequal delay meet behind delay lines. In mid-network the frames from
before the start and after the end are gated, so that they are the padding of the offline layer and not
features of silence. The result is `continuous`: its outputs are those of one offline pass over the whole
recording, the first after `timing.delay` steps, the last `timing.flush` of them once the recording has ended.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from fractions import Fraction
from types import MappingProxyType

from edgeeeg_export.errors import GraphError, NotCausal
from edgeeeg_export.graph import Graph, Node, Timing
from edgeeeg_export.ops.cache import Cache
from edgeeeg_export.ops.clock import Clock
from edgeeeg_export.ops.delay import Delay
from edgeeeg_export.ops.gate import Gate
from edgeeeg_export.ops.guarded import Guarded
from edgeeeg_export.ops.op import Op, Sliding, TimeWindow, time_window
from edgeeeg_export.ops.windows import Windows
from edgeeeg_export.passes.schedule import schedule

CLOCK = "clock"
WINDOWS_PER_LENGTH = 8
"""How often a model that needs whole windows runs within one, unless told otherwise."""


def natural_hop(graph: Graph) -> int:
    """The fewest ticks after which every layer has whole frames."""
    return math.lcm(
        *(Fraction(t.samples_per_frame).numerator for t in graph.tensors.values() if t.time_axis is not None)
    )


def at_hop(graph: Graph, hop: int | None = None) -> Graph:
    """The same graph with a window every `hop` ticks, where something in it needs whole windows.

    By default the hop is the multiple of the natural one that is nearest above an eighth of the window.

    Raises
    ------
    NotCausal
        If the hop splits a frame of a layer before the windows, or skips samples between them.
    """
    windows = [node for node in graph.nodes if isinstance(node.op, Windows)]
    if not windows:
        return graph
    read = (*(graph.tensors[node.inputs[0]] for node in windows), *graph.inputs.values())
    natural = math.lcm(*(Fraction(type_.samples_per_frame).numerator for type_ in read))
    longest = max(type_.frames * type_.samples_per_frame for type_ in graph.inputs.values())
    if hop is None:
        hop = natural * math.ceil(longest / WINDOWS_PER_LENGTH / natural)
    _require_whole(graph, hop, natural)
    if hop > longest:
        first = next(iter(graph.inputs.values())).samples_per_frame
        raise NotCausal(
            f"a hop of {int(hop / first)} samples is longer than the window of {int(longest / first)}: "
            "samples between windows would never be read; use a hop within the window"
        )
    nodes = tuple(_with_stride(graph, node, hop) for node in graph.nodes)
    return graph.with_nodes(nodes)


def _with_stride(graph: Graph, node: Node, hop: int) -> Node:
    if not isinstance(node.op, Windows):
        return node
    frames = hop / Fraction(graph.tensors[node.inputs[0]].samples_per_frame)
    return replace(node, op=replace(node.op, stride=int(frames)))


def _require_whole(graph: Graph, hop: int, natural: int) -> None:
    if hop < 1 or hop % natural:
        name, type_ = next(iter(graph.inputs.items()))
        of_input = "" if len(graph.inputs) == 1 else f" of input '{name}'"
        hop, natural = (Fraction(ticks) // Fraction(type_.samples_per_frame) for ticks in (hop, natural))
        raise NotCausal(f"a hop of {hop} samples{of_input} splits a frame; use a multiple of {natural}")


def obstacles(graph: Graph) -> tuple[str, ...]:
    """Everything that keeps a graph from running hop by hop: the layer, the reason, what would work."""
    reasons = [
        f"layer {node.label} cannot stream: {reason}"
        for node in graph.nodes
        if (reason := node.op.obstacle(graph.types(node.inputs))) is not None
    ]
    reasons += [
        f"output '{name}' has no time axis, so it does not follow the input's samples"
        for name in graph.outputs
        if graph.tensors[name].time_axis is None
    ]
    return tuple(reasons)


def stream(graph: Graph, hop: int | None = None) -> Graph:
    """The step graph of `hop` ticks (the natural hop without it); a sample of a single input lasts one.

    Raises
    ------
    NotCausal
        If a layer needs its whole window, or an output does not vary in time; the message names the layer and
        what would work.
    """
    standing = obstacles(graph)
    if standing:
        raise NotCausal(standing[0])
    natural = natural_hop(graph)
    hop = natural if hop is None else hop
    _require_whole(graph, hop, natural)
    return _Streaming(graph, hop).build()


@dataclass(frozen=True, slots=True)
class _Extent:
    """How late a tensor is, and how many frames more than K n a recording of K steps of n frames has."""

    delay: int
    surplus: int


@dataclass(frozen=True, slots=True)
class _Slide:
    """A window of time over a tensor: what it is on a recording, and the past frames that it needs in a step.

    With a negative `length` it leaves out the first frames of a step; `spare` counts the frames behind its
    last whole window. `leading` and `trailing` say that frames from before the start, or from after the end,
    have to become padding first.
    """

    op: Sliding
    window: TimeWindow
    length: int
    spare: int
    leading: bool
    trailing: bool

    @property
    def outside(self) -> bool:
        """Whether it sees what lies outside the recording."""
        return max(self.window.before, self.window.after) > 0


@dataclass(frozen=True, slots=True)
class _Timed:
    """A node, the delay at which its operands meet, its window, and the steps that its state sleeps."""

    node: Node
    delay: int = 0
    slide: _Slide | None = None
    asleep: int = 0


Shared = tuple[str, bool, float]
"""What nodes share a cache by: a tensor, whether it is gated, and the padding."""


class _Streaming:
    """The walk over a graph that times its nodes, and then builds them with what they need around them."""

    def __init__(self, graph: Graph, hop: int) -> None:
        self.graph, self.hop = graph, hop
        captured = max(type_.frames * type_.samples_per_frame for type_ in graph.inputs.values())
        self.steps = math.ceil(Fraction(captured) / hop)
        self.recording = graph.with_frames(self.steps * hop)
        self.extents = {name: self._extent(name, 0) for name in graph.inputs}
        self.timed = tuple(self._time(node) for node in graph.nodes)
        outputs = [(self.extents[name], self._frames(name)) for name in graph.outputs]
        remaining = min(extent.surplus // frames for extent, frames in outputs)
        # outputs that the end of a recording takes away must not have been given before it
        self.delay = max(-remaining, *(-(-extent.delay // frames) for extent, frames in outputs))
        self.flush = self.delay + remaining
        self.preferred = self._preferred()
        self.cached = self._caches()
        self.names = {node.name for node in graph.nodes}
        self.nodes: list[Node] = []
        self.made: dict[object, str] = {}
        self.path = ""  # of the layer for which nodes are made

    def _frames(self, name: str) -> int:
        """Frames of a tensor in one step."""
        return int(self.hop / Fraction(self.graph.tensors[name].samples_per_frame))

    def _extent(self, name: str, delay: int) -> _Extent:
        return _Extent(delay, self.recording.tensors[name].frames - self.steps * self._frames(name))

    def _varying(self, node: Node) -> tuple[str, ...]:
        """The operands that have a time axis."""
        return tuple(name for name in node.inputs if name in self.extents)

    def _time(self, node: Node) -> _Timed:
        """When a node can run, and how late its results are."""
        varying = self._varying(node)
        if not varying:
            return _Timed(node)
        types = self.graph.types(node.inputs)
        delay, frames, asleep = max(self.extents[name].delay for name in varying), self._frames(varying[0]), 0
        if node.op.states(types):
            asleep = -(-delay // frames)
            delay = asleep * frames
        op, window, slide, late = node.op, time_window(node.op, types), None, delay
        if isinstance(op, Sliding) and window is not None:
            delay = self._known(node.inputs[0])
            missing = delay + window.reach - window.before - window.stride
            late = self._rounded(node.outputs[0], max(-(-missing // window.stride), 0))
            length = late * window.stride + window.before - delay
            seen = (self._frames(node.outputs[0]) - 1) * window.stride + window.reach
            # zeros are pushed once the recording has ended, so an input's end pads itself with zeros
            trailing = window.after > 0 and (node.inputs[0] not in self.graph.inputs or window.padding != 0.0)
            leading = window.before > 0 and delay > 0
            slide = _Slide(op, window, length, frames + length - seen, leading, trailing)
        for name in node.outputs:
            if self.graph.tensors[name].time_axis is not None:
                # blocks of windows have more frames a step than the windows
                scale = 1 if slide is not None else self._frames(name) // frames
                self.extents[name] = self._extent(name, late * scale)
        return _Timed(node, delay, slide, asleep)

    def _rounded(self, name: str, late: int) -> int:
        """A delay at which a pool behind this tensor begins with a whole window, and so needs no cache.

        It waits for the frames between anyway: its own delay stays what it is.
        """
        while name not in self.graph.outputs:
            readers = self.graph.consumers(name)
            if len(readers) != 1:
                return late
            (reader,) = readers
            types = self.graph.types(reader.inputs)
            window = time_window(reader.op, types)
            if window is not None:
                apart = window.reach <= window.stride and window.before == 0
                return -(-late // window.stride) * window.stride if apart else late
            moving = [type_ for type_ in types if type_.time_axis is not None]
            plain = len(moving) == len(reader.outputs) == 1 and not reader.op.states(types)
            if not plain or self._frames(reader.outputs[0]) != self._frames(name):
                return late
            name = reader.outputs[0]
        return late

    def _known(self, name: str) -> int:
        """The delay at which windows of time read a tensor.

        Where one of them pads its end, and the recording has fewer frames of it than steps bring, a frame
        waits until it is known to be one.
        """
        extent = self.extents[name]
        readers = self.graph.consumers(name)
        windows = (time_window(node.op, self.graph.types(node.inputs)) for node in readers)
        padded = any(window is not None and window.after > 0 for window in windows)
        return max(extent.delay, -extent.surplus) if padded else extent.delay

    def _preferred(self) -> dict[str, Shared]:
        """The cache of each tensor that those may share who see nothing outside the recording."""
        slides = [(timed.node.inputs[0], timed.slide) for timed in self.timed if timed.slide is not None]
        return {name: self._own_key(name, slide) for name, slide in reversed(slides) if slide.outside}

    def _own_key(self, name: str, slide: _Slide) -> Shared:
        gated = slide.leading or (slide.trailing and self.flush > 0)
        return name, gated, slide.window.padding

    def _caches(self) -> dict[Shared, int]:
        """The longest past that anything needs, by what shares it."""
        lengths: dict[Shared, int] = {}
        for timed in self.timed:
            if timed.slide is not None:
                key = self._key(timed, timed.slide)
                lengths[key] = max(lengths.get(key, 0), timed.slide.length)
        return lengths

    def _key(self, timed: _Timed, slide: _Slide) -> Shared:
        name = timed.node.inputs[0]
        if slide.outside:
            return self._own_key(name, slide)
        return self.preferred.get(name, (name, False, 0.0))

    def build(self) -> Graph:
        """The step graph."""
        graph = self.graph
        for timed in self.timed:
            self._emit(timed)
        self._align_outputs()
        behind = {name: extent.delay for name, extent in self.extents.items()}
        timing = Timing(self.delay, self.flush, MappingProxyType(behind))
        inputs = graph.inputs_with(self.hop)
        # the clock goes first: it reads an input only for its length, which need not live for that
        nodes = tuple(sorted(self.nodes, key=lambda node: not isinstance(node.op, Clock)))
        return schedule(Graph(graph.name, inputs, graph.outputs, nodes, graph.constants, timing))

    def _emit(self, timed: _Timed) -> None:
        """A node behind its delays, gate and cache."""
        node, op = timed.node, timed.node.op
        self.path = node.path or node.name
        sources = tuple(
            self._late(name, timed.delay) if name in self.extents else name for name in node.inputs
        )
        if timed.slide is not None:
            sources = (self._past(timed, timed.slide, sources[0]), *sources[1:])
            kept = self.cached[self._key(timed, timed.slide)]
            types = self.graph.types(node.inputs)
            op = timed.slide.op.over(types, timed.slide.length - kept, -timed.slide.spare)
        elif timed.asleep:
            times = tuple(self.graph.tensors[name].time_axis for name in node.inputs)
            results = tuple(self.graph.tensors[name].time_axis or 0 for name in node.outputs)
            op, sources = Guarded(op, timed.asleep, times, results), (*sources, self._clock())
        self.nodes.append(replace(node, op=op, inputs=sources))

    def _late(self, name: str, delay: int) -> str:
        """A tensor behind a delay line, if it is earlier than that."""
        frames = delay - self.extents[name].delay
        if frames == 0:
            return name
        op = Delay(frames, self._axis(name))
        return self._once((name, frames), op, f"{name}_delay", (name,), f"{name}.late.{frames}")

    def _axis(self, name: str) -> int:
        axis = self.graph.tensors[name].time_axis
        if axis is None:
            raise GraphError(f"tensor '{name}' has no time axis and cannot be late")
        return axis

    def _past(self, timed: _Timed, slide: _Slide, source: str) -> str:
        """An operand with the frames before it, padding where it lies outside the recording."""
        name = timed.node.inputs[0]
        key = self._key(timed, slide)
        _, gated, padding = key
        if gated:
            op = Gate(self._axis(name), timed.delay, self.extents[name].surplus, padding)
            operands = (source, self._clock())
            source = self._once((*key, "gate"), op, f"{name}_gate", operands, f"{name}.gated")
        length = self.cached[key]
        if length == 0:
            return source
        cache = Cache(length, padding, self._axis(name))
        return self._once(key, cache, f"{timed.node.name}_cache", (source,), f"{source}.window")

    def _clock(self) -> str:
        """The tensor that counts the steps."""
        name = next(iter(self.graph.inputs))
        return self._once("clock", Clock(self._frames(name)), "clock", (name,), "clock.now")

    def _once(self, key: object, op: Op, node: str, inputs: tuple[str, ...], output: str) -> str:
        """The output of a node that is made when it is first asked for."""
        if key not in self.made:
            unique = "".join(c if c.isalnum() else "_" for c in node)
            while unique in self.names:
                unique += "_"
            self.names.add(unique)
            self.made[key] = output if output not in self.made.values() else f"{output}.{len(self.made)}"
            self.nodes.append(Node(unique, op, inputs, (self.made[key],), self.path))
        return self.made[key]

    def _align_outputs(self) -> None:
        """Outputs that come together, each under its own name."""
        for name in self.graph.outputs:
            late = self.delay * self._frames(name)
            frames, axis = late - self.extents[name].delay, self._axis(name)
            if frames > 0:
                renamed = {name: f"{name}.early"}
                self.nodes = [node.renamed(renamed) for node in self.nodes]
                self._once((name, "output"), Delay(frames, axis), f"{name}_delay", (renamed[name],), name)
                self.extents[name] = self._extent(name, late)
