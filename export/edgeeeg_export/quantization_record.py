"""`quantization.json`: what integers did to a model on the recording of the contract."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import onnx

from edgeeeg_export import contract
from edgeeeg_export.quantize import qdq_deviation, report, report_table, state_report
from edgeeeg_export.quantize.mixed_precision import Candidate


def render(
    subject: contract.Subject,
    qdq: bytes | None,
    eeg: Mapping[str, contract.Counts],
    pareto: tuple[Candidate, ...],
) -> dict[str, bytes]:
    """The file by its name, or nothing of a program of floats.

    Parameters
    ----------
    qdq : the bundle's QDQ model.
    eeg : counts of every input.
    pareto : programs that a budget chose from.

    Raises
    ------
    QuantizationError
        If a range that calibration chose does not hold what a tensor or a state does on the recording.
    """
    quantized = subject.lowered.quantized
    if subject.twin is None or subject.formats is None or quantized is None or qdq is None:
        return {}
    samples = subject.samples(contract.whole_steps(subject, eeg))
    reports = report.layer_reports(subject.twin.offline, subject.offline, quantized, samples)
    states = state_report.state_reports(subject.twin.step, subject.offline, quantized, samples)
    if quantized.own is None:  # else its ranges were chosen elsewhere, and saturation may be meant
        report.require_in_range(reports)
        state_report.require_states_in_range(states)
    model = onnx.load_from_string(qdq)
    deviation = qdq_deviation.measure(model, subject.offline, subject.step, subject.formats, samples)
    found: dict[str, Any] = {
        "layers": report.to_json(reports),
        "states": state_report.to_json(states),
        "qdq": qdq_deviation.to_json(deviation),
    }
    if pareto:
        found["pareto"] = [candidate.to_json() for candidate in pareto]
    return {report_table.REPORT: (json.dumps(found, indent=2) + "\n").encode()}
