"""How a bundle of integers says in what its tensors are stored."""

from __future__ import annotations

import json

import onnx

from edgeeeg.bundle import Bundle
from edgeeeg_export.errors import ExportError
from edgeeeg_export.quantize import format
from edgeeeg_export.quantize.format import Formats
from edgeeeg_export.quantize.qdq_read import is_qdq

FORMATS = "formats.json"
"""In a bundle of integers: how each tensor and each state is stored."""
QDQ = "model_qdq.onnx"
"""In a bundle of integers: one step with pairs of QuantizeLinear and DequantizeLinear."""


def chosen_formats(bundle: Bundle, model: onnx.ModelProto) -> Formats | None:
    """The formats that post-training quantization chose; None of floats, and where the model has its own.

    Raises
    ------
    ExportError
        If the bundle says it in no known way.
    """
    if bundle.manifest.quantization is None or is_qdq(model):
        return None
    try:
        return format.from_json(json.loads(bundle.path(FORMATS).read_text()))
    except ValueError as error:
        raise ExportError(f"{bundle.folder}: {FORMATS} is no JSON; export the model again") from error
    except ExportError as error:
        raise ExportError(f"{bundle.folder}: {FORMATS}: {error}; export the model again") from error
