"""A model as float32 and in integers of several kinds: scores, memory, and the layer that loses most."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from types import MappingProxyType
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
from edgeeeg_export.quantize.format import Storage
from edgeeeg_export.quantize.observers import OBSERVERS
from edgeeeg_export.quantize.quantized import Quantized
from edgeeeg_export.quantize.report import LayerReport, layer_reports
from edgeeeg_export.quantmath import Width
from edgeeeg_export.targets import c

QAT = "QAT"
"""The variant of models that were trained on in integers."""


@dataclass(frozen=True, slots=True)
class Variant:
    """How a program of integers is made: what gives the ranges of int8, and what is stored in what."""

    observer: str
    width: Width = "int8"
    states: Storage = "float32"


VARIANTS: Mapping[str, Variant] = MappingProxyType(
    {
        **{name: Variant(name) for name in OBSERVERS},
        "int16 states": Variant("percentile", states="int16"),
        "int16": Variant("percentile", "int16", "int16"),
    }
)
"""Of int8 activations by each observer with float states, and by percentile with states, or all, of int16."""
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
    auc : variant ("float", one of `VARIANTS`, or "QAT" for a model trained on in integers) to state
        ("windowed", "carried") to its spread over the folds.
    memory : "float" or one of `VARIANTS` to its bytes.
    loses_most : of each variant, on the first fold.
    """

    name: str
    parameters: int
    n_times: int
    hop: int
    folds: tuple[int, ...]
    auc: Mapping[str, Mapping[str, Spread]]
    memory: Mapping[str, Memory]
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
    """Make every program of integers of the model of each of its folds, and score all on held-out files.

    Parameters
    ----------
    on_program : called after each program that was scored.
    """
    found: dict[str, list[dict[str, float]]] = {name: [] for name in ("float", *VARIANTS)}
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
        ranges = {observer: calibrate(streaming, seen, observer) for observer in OBSERVERS}
        for name, variant in VARIANTS.items():
            of_tensors = ranges[variant.observer]
            inputs = {source: of_tensors.tensors[source].format("int16") for source in plain.captured.inputs}
            formats = assign(of_tensors, inputs, variant.width, variant.states)
            integers = lower(onnx_model, "model", entry.hop, formats=formats)
            found[name].append(aucs(integers, entry.n_times, held_out))
            on_program()
            memory[name] = Memory.of(integers)
            reports = layer_reports(
                plain.offline, integers.offline, Quantized(plain.captured, formats), shown
            )
            losses.setdefault(name, worst_fall(plain.offline, reports))
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
        memory=memory,
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
