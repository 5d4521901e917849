"""What a torch model returns, and what its outputs are called from here on."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from edgeeeg_export.errors import CaptureError

if TYPE_CHECKING:
    import torch

REMEDY = "return tensors, alone or in a tuple, list or dict"


def output_names(program: torch.export.ExportedProgram) -> list[str]:
    """A dict's keys; `score` for a tensor alone, `output_0`, `output_1`, … for several.

    Raises
    ------
    CaptureError
        If something else than a tensor is returned, or a key cannot be a name.
    """
    returned: tuple[Any, ...] = tuple(program.graph_signature.user_outputs)
    if not returned:
        raise CaptureError(f"the model's forward returns nothing; {REMEDY}")
    for index, value in enumerate(returned):
        if not isinstance(value, str):  # else the name of a node
            what = f"output {index}, " if len(returned) > 1 else ""
            raise CaptureError(f"the model's forward returns {value!r} ({what}not a tensor); {REMEDY}")
    spec = program.call_spec.out_spec
    if spec is None or spec.type is not dict:
        return ["score"] if len(returned) == 1 else [f"output_{i}" for i in range(len(returned))]
    if len(spec.context) < len(returned) or any(not child.is_leaf() for child in spec.children()):
        raise CaptureError(f"the model's forward returns containers in a dict; {REMEDY}")
    tensors = {node.name for node in program.graph.nodes}
    for key, tensor in zip(spec.context, returned, strict=True):
        if not isinstance(key, str) or not re.fullmatch(r"[A-Za-z][A-Za-z0-9_]*", key):
            raise CaptureError(
                f"the model's forward returns a dict with the key {key!r}, which is no name: a letter, then "
                "letters, digits and _"
            )
        if key in tensors and key != tensor:
            raise CaptureError(
                f"the model's forward returns '{tensor}' under the key '{key}', the name of another tensor "
                "of the model: choose another key"
            )
    return list(spec.context)
