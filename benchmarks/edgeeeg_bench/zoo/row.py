"""What a model costs as a stream, counted from its graphs and its C program: a row of docs/models.md."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Any

from edgeeeg_bench.errors import BenchError
from edgeeeg_bench.zoo.entry import Entry
from edgeeeg_bench.zoo.proof import Proof, prove
from edgeeeg_export.importer import import_onnx
from edgeeeg_export.inspection import LayerCost, StreamCost, inspect_model
from edgeeeg_export.inspection_table import PLUMBING
from edgeeeg_export.passes.rewriting import macs


@dataclass(frozen=True, slots=True)
class StreamRow:
    """One semantics of a model; work in multiply-accumulates, memory in bytes, delay in samples.

    `beyond_window` is the part of the delay that is not the wait for the first whole window: look-ahead, and
    the rounding to whole hops. `ratio` compares a step with a window as imported, computed anew each hop.
    """

    hop: int
    macs: int
    ratio: float
    delay: int
    delay_ms: float
    beyond_window: int
    state_bytes: int
    arena_bytes: int
    struct_bytes: int
    streams: tuple[str, ...]
    edges: tuple[str, ...]
    waits: tuple[str, ...]
    proof: Proof


@dataclass(frozen=True, slots=True)
class ModelRow:
    """A model in both semantics; `obstacles` says why one is missing."""

    name: str
    origin: str
    sfreq: float
    window: int
    weight_bytes: int
    macs_imported: int
    macs_rewritten: int
    continuous: StreamRow | None
    windowed: StreamRow | None
    obstacles: tuple[str, ...]

    def to_json(self) -> dict[str, Any]:
        """The row as JSON values."""
        return asdict(self)


def count(entry: Entry) -> ModelRow:
    """Load, lower, count and verify one model.

    Raises
    ------
    BenchError
        If it streams in neither semantics.
    """
    loaded = entry.load()
    found = inspect_model(loaded, entry.hop)
    if not found.streams:
        raise BenchError(f"{entry.name} does not stream: {'; '.join(found.obstacles)}")
    imported = macs(import_onnx(loaded.onnx_model, "model"))
    streams = {
        semantics: _row(cost, imported, entry, prove(entry, loaded, semantics))
        for semantics, cost in found.streams.items()
    }
    (cost, *_) = found.streams.values()
    return ModelRow(
        name=entry.name,
        origin=entry.origin,
        sfreq=entry.sfreq,
        window=cost.window_samples,
        weight_bytes=found.weight_bytes,
        macs_imported=imported,
        macs_rewritten=cost.macs_of_window,
        continuous=streams.get("continuous"),
        windowed=streams.get("windowed"),
        obstacles=found.obstacles,
    )


def _row(cost: StreamCost, imported: int, entry: Entry, proof: Proof) -> StreamRow:
    waits = _operators(cost.layers, "window")
    return StreamRow(
        hop=cost.hop,
        macs=cost.macs,
        ratio=imported / cost.macs,
        delay=cost.delay_samples,
        delay_ms=1000 * cost.delay_samples / entry.sfreq,
        beyond_window=cost.delay_samples - (cost.window_samples - cost.hop if waits else 0),
        state_bytes=cost.state_bytes,
        arena_bytes=cost.arena_bytes,
        struct_bytes=cost.struct_bytes,
        streams=_operators(cost.layers, "stream"),
        edges=_operators(cost.layers, "edge"),
        waits=waits,
        proof=proof,
    )


def _operators(layers: Iterable[LayerCost], place: str) -> tuple[str, ...]:
    """The operators that run there, once each: those that multiply, or all of them if none does."""
    there = [layer for layer in layers if layer.runs == place and layer.operator not in PLUMBING]
    working = [layer for layer in there if layer.macs] or there
    return tuple(dict.fromkeys(layer.operator for layer in working))
