"""How a bundle of integers remembers what its graph was made with: formats and adjustments."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

import onnx

from edgeeeg.bundle import Bundle
from edgeeeg_export.errors import ExportError
from edgeeeg_export.quantize import format
from edgeeeg_export.quantize.adjustments import Adjustments
from edgeeeg_export.quantize.format import Formats
from edgeeeg_export.quantize.qdq_read import is_qdq

FORMATS = "formats.json"
"""How each tensor and each state is stored."""
ADJUSTMENTS = "adjustments.json"
"""What was changed in the float model before it was rounded."""
QDQ = "model_qdq.onnx"
"""One step with pairs of QuantizeLinear and DequantizeLinear."""
Stored = TypeVar("Stored")


@dataclass(frozen=True, slots=True)
class StoredQuantization:
    """Both of them; neither for a program of floats."""

    formats: Formats | None = None
    adjustments: Adjustments | None = None

    def render(self) -> dict[str, bytes]:
        """The files of a bundle."""
        files: dict[str, Any] = {}
        if self.formats is not None:
            files[FORMATS] = format.to_json(self.formats)
        if self.adjustments is not None:
            files[ADJUSTMENTS] = self.adjustments.to_json()
        return {name: (json.dumps(value, indent=2) + "\n").encode() for name, value in files.items()}


def read(bundle: Bundle, model: onnx.ModelProto) -> StoredQuantization:
    """What a bundle of this model was made with; nothing where the model itself says how it is stored.

    Raises
    ------
    ExportError
        If it says that in no known way.
    """
    if bundle.manifest.quantization is None or is_qdq(model):
        return StoredQuantization()
    adjustments = None
    if ADJUSTMENTS in bundle.manifest.files:
        adjustments = _read(bundle, ADJUSTMENTS, Adjustments.from_json)
    return StoredQuantization(_read(bundle, FORMATS, format.from_json), adjustments)


def _read(bundle: Bundle, file: str, parse: Callable[[Any], Stored]) -> Stored:
    try:
        return parse(json.loads(bundle.path(file).read_text()))
    except ValueError as error:
        raise ExportError(f"{bundle.folder}: {file} is no JSON; export the model again") from error
    except ExportError as error:
        raise ExportError(f"{bundle.folder}: {file}: {error}; export the model again") from error
