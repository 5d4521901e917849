"""A model as float32 and as int8 by each observer: scores, memory, and the layer that loses most."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from edgeeeg.data.bonn_segments import LabelledSegments
from edgeeeg.data.folds import Fold
from edgeeeg.evaluation.detection_scores import Spread
from edgeeeg_bench.quantization.entry import Entry
from edgeeeg_bench.quantization.scoring import as_input, aucs
from edgeeeg_export.graph import Graph
from edgeeeg_export.loading import load_model
from edgeeeg_export.lowering import Lowered, lower
from edgeeeg_export.passes.stream import stream
from edgeeeg_export.quantize.assignment import assign
from edgeeeg_export.quantize.calibration import calibrate
from edgeeeg_export.quantize.observers import OBSERVERS
from edgeeeg_export.quantize.report import LayerReport, layer_reports
from edgeeeg_export.targets import c

QAT = "QAT"
"""The variant of models that were trained on in integers."""
CALIBRATION_EVERY, REPORT_EVERY = 10, 10
"""Every tenth training file calibrates, every tenth held-out file shows the noise of each layer."""


@dataclass(frozen=True, slots=True)
class Memory:
    """Bytes of a program: weights and tables, the arena of activations, and states."""

    constants: int
    arena: int
    states: int

    @classmethod
    def of(cls, lowered: Lowered) -> Memory:
        """What the C program of one step takes."""
        program = c.emit(lowered.step, 1.0)
        return cls(program.weight_bytes, program.arena_bytes, program.state_bytes)


@dataclass(frozen=True, slots=True)
class Loss:
    """A layer whose signal-to-quantization-noise ratio is `fall_db` below that of its worst input."""

    layer: str
    operator: str
    sqnr_db: float
    fall_db: float


@dataclass(frozen=True, slots=True)
class Trial:
    """A row of the table.

    Parameters
    ----------
    auc : variant ("float", an observer, or "QAT" for a model that was trained on in integers) to state
        ("windowed", "carried") to its spread over the folds.
    loses_most : of each observer, on the first fold.
    """

    name: str
    parameters: int
    n_times: int
    hop: int
    folds: tuple[int, ...]
    auc: Mapping[str, Mapping[str, Spread]]
    float_memory: Memory
    int8_memory: Memory
    loses_most: Mapping[str, Loss | None]

    def to_json(self) -> dict[str, Any]:
        """The row as JSON values."""
        return asdict(self)


def score(
    entry: Entry,
    labelled: LabelledSegments,
    folds: tuple[Fold, ...],
    on_program: Callable[[], None] = lambda: None,
) -> Trial:
    """Quantize the model of each of its folds with every observer, and score all on the held-out files.

    Parameters
    ----------
    on_program : called after each program that was scored.
    """
    found: dict[str, list[dict[str, float]]] = {name: [] for name in ("float", *OBSERVERS)}
    losses: dict[str, Loss | None] = {}
    memory: dict[str, Memory] = {}
    for number in entry.folds:
        model = entry.model_of_fold(number)
        onnx_model = load_model(model, n_times=entry.n_times).onnx_model
        plain = lower(onnx_model, "model", entry.hop)
        held_out = labelled.take(folds[number].held_out)
        found["float"].append(aucs(plain, entry.n_times, held_out))
        on_program()
        memory["float"] = Memory.of(plain)
        streaming = stream(plain.captured, entry.hop)
        seen = as_input(plain, labelled.samples[folds[number].train[::CALIBRATION_EVERY]].ravel())
        shown = as_input(plain, held_out.samples[::REPORT_EVERY].ravel())
        for observer in OBSERVERS:
            ranges = calibrate(streaming, seen, observer)
            inputs = {name: ranges.tensors[name].format("int16") for name in plain.captured.inputs}
            formats = assign(ranges, inputs)
            integers = lower(onnx_model, "model", entry.hop, formats=formats)
            found[observer].append(aucs(integers, entry.n_times, held_out))
            on_program()
            memory["int8"] = Memory.of(integers)
            reports = layer_reports(plain.offline, integers.offline, formats, shown)
            losses.setdefault(observer, worst_fall(plain.offline, reports))
        if entry.retrained is not None:
            frozen = load_model(entry.retrained(number, model), n_times=entry.n_times).onnx_model
            trained = lower(frozen, "model", entry.hop)
            found.setdefault(QAT, []).append(aucs(trained, entry.n_times, held_out))
            on_program()
    return Trial(
        name=entry.name,
        parameters=sum(p.numel() for p in model.parameters()),
        n_times=entry.n_times,
        hop=entry.hop,
        folds=entry.folds,
        auc={
            name: {state: Spread.of([fold[state] for fold in of_folds]) for state in of_folds[0]}
            for name, of_folds in found.items()
        },
        float_memory=memory["float"],
        int8_memory=memory["int8"],
        loses_most=losses,
    )


def worst_fall(graph: Graph, reports: tuple[LayerReport, ...]) -> Loss | None:
    """The layer whose output has most noise beside the worst of its inputs; None where there is no noise.

    A tensor that has no form in integers passes on the ratio of the worst of its own inputs; the samples of
    the model are noise by their own rounding alone, which no layer made.
    """
    known = {report.name: report.sqnr_db for report in reports}
    ratio: dict[str, float] = {name: value for name in graph.inputs if (value := known.get(name)) is not None}
    losses = []
    for node in graph.nodes:
        before = min((ratio[name] for name in node.inputs if name in ratio), default=None)
        for name in node.outputs:
            own = known.get(name)
            if own is not None:
                ratio[name] = own
                if before is not None:
                    losses.append(Loss(node.label, node.op.kind, own, before - own))
            elif before is not None:
                ratio[name] = before
    return max(losses, key=lambda loss: loss.fall_db, default=None)
