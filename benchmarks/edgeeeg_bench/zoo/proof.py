"""The contract of one network of the table, on the first seconds of the synthetic EEG."""

from __future__ import annotations

from dataclasses import dataclass

from edgeeeg_bench.zoo.entry import Entry
from edgeeeg_export.contract import verify
from edgeeeg_export.loading import LoadedModel
from edgeeeg_export.pipeline import compile_model
from edgeeeg_export.placement import Semantics
from edgeeeg_export.verification_counts import counts_for

SECONDS = 20.0


@dataclass(frozen=True, slots=True)
class Proof:
    """Samples of the run, how far foreign runtimes were off, and who broke it, with their worst layer."""

    samples: int
    same_bits: tuple[str, ...]
    max_abs: dict[str, float]
    broken: dict[str, str]


def prove(entry: Entry, loaded: LoadedModel, semantics: Semantics) -> Proof:
    """Hold all targets of a model to its NumPy reference; what is broken is told, not raised.

    Raises
    ------
    ExportError
        If the model cannot be compiled, or a target gives no outputs.
    """
    compiled = compile_model(loaded, name="model", sfreq=entry.sfreq, hop=entry.hop, semantics=semantics)
    counts = counts_for(compiled.manifest, None)[: round(SECONDS * entry.sfreq)]
    records = verify(compiled.subject, counts)
    return Proof(
        samples=len(counts) - len(counts) % compiled.subject.hop,
        same_bits=tuple(name for name, record in records.items() if record.bit_identical),
        max_abs={name: record.max_abs for name, record in records.items() if record.tolerance > 0},
        broken={name: record.worst_layer for name, record in records.items() if not record.holds},
    )
