"""`--explain`: what the rewrites did to a model, where they did not fire, and which kernels compute it."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from types import MappingProxyType
from typing import Any

import onnx
from rich.console import RenderableType

from edgeeeg.bundle import Bundle
from edgeeeg_export import cache_choices, kernel_choices
from edgeeeg_export.errors import GraphError, NotCausal, UnsupportedOperator
from edgeeeg_export.importer import import_onnx
from edgeeeg_export.input_spec import common_ticks
from edgeeeg_export.loading import LoadedModel
from edgeeeg_export.lowering import Lowered, lower
from edgeeeg_export.passes import ARRANGEMENT, PIPELINE, Explanation, explain
from edgeeeg_export.passes.event_driven import event_driven
from edgeeeg_export.pipeline import reload
from edgeeeg_export.placement import SEMANTICS
from edgeeeg_export.quantize.qdq_read import float_model, is_qdq


@dataclass(frozen=True, slots=True)
class Explained:
    """Rewrites in their order, and the kernels and caches of the step program."""

    rewrites: Sequence[Explanation]
    kernels: tuple[kernel_choices.LayerChoice, ...]
    caches: tuple[cache_choices.CacheChoice, ...]

    def to_json(self) -> dict[str, Any]:
        """As JSON values."""
        return {
            "explain": [asdict(explanation) for explanation in self.rewrites],
            "kernels": kernel_choices.to_json(self.kernels),
            "caches": [choice.to_json() for choice in self.caches],
        }

    def render(self) -> Iterator[RenderableType]:
        """One line for each thing done or left alone, under the rewrite's name, and a table of kernels."""
        if not self.rewrites:
            yield "rewrites: none found anything to do"
        for explanation in self.rewrites:
            yield f"rewrite {explanation.rewrite}"
            yield from (f"  done: {line}" for line in explanation.fired)
            yield from (f"  left: {line}" for line in explanation.declined)
        yield from kernel_choices.render(self.kernels)
        yield from cache_choices.render(self.caches)


def explain_model(
    model: onnx.ModelProto, lowered: Lowered, ticks: Mapping[str, int] = MappingProxyType({})
) -> Explained:
    """What became of a captured model on its way to a step program.

    Parameters
    ----------
    model : onnx.ModelProto
    lowered : the program made from it, of floats or of integers.
    ticks : what a sample of each input lasts.

    Raises
    ------
    ExportError
        If it cannot be imported; the message names the layer.
    """
    pipeline = ARRANGEMENT if is_qdq(model) else PIPELINE
    imported = import_onnx(float_model(model), "model", ticks=ticks)
    return Explained(
        # which layers are event-driven is decided on the program's own operators
        (*explain(imported, pipeline), *explain(lowered.captured, (event_driven,))),
        kernel_choices.kernel_choices(lowered.step),
        cache_choices.cache_choices(lowered.step),
    )


def explain_bundle(bundle: Bundle) -> Explained:
    """What became of a bundle's model.

    Raises
    ------
    ExportError
        If this version of the package does not generate the same program from it.
    """
    ticks = common_ticks({each.name: each.sfreq for each in bundle.manifest.inputs})
    captured = onnx.load(str(bundle.path("captured.onnx")))
    return explain_model(captured, reload(bundle).lowered, ticks)


def explain_loaded(loaded: LoadedModel, hop: int | None = None) -> Explained | None:
    """What would become of a model in the first semantics that it can have; None where it has none."""
    for semantics in SEMANTICS:
        with contextlib.suppress(GraphError, NotCausal, UnsupportedOperator):  # an inspection names these
            lowered = lower(loaded.onnx_model, "model", hop, semantics, loaded.ticks)
            return explain_model(loaded.onnx_model, lowered, loaded.ticks)
    return None
