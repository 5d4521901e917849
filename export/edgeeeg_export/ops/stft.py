"""STFT: X[t, k] = Σ_j w[j] x[t step + j] e^(-2πi jk / n), as Frame, Mul by the window, and Dft.

No normalisation, and no centring: the first frame begins with the first sample.
"""

from __future__ import annotations

from edgeeeg_export.ops.dft import Dft
from edgeeeg_export.ops.frame import Frame
from edgeeeg_export.ops.mul import Mul
from edgeeeg_export.ops.op import Lowered, OnnxNode


def from_onnx(node: OnnxNode) -> Lowered:
    """A signal (batch, time, 1 or 2) becomes (batch, frames, bins, 2)."""
    x = node.type(0)
    if len(x.shape) != 3:
        raise node.refuse(f"its signal is {x.shape}; expected (batch, time, 1 or 2): insert the last axis")
    step, window, length = (node.constant(k) for k in (1, 2, 3))
    if step is None or (window is None and length is None):
        raise node.refuse("it needs a constant frame_step and a constant window or frame_length")
    n = int(length.item()) if length is not None else len(window) if window is not None else 0
    if window is not None and len(window) != n:
        raise node.refuse(f"its window has {len(window)} samples and its frames {n}; make them equal")
    y = node.outputs[0]
    frames = f"{y}.frames"
    lowered: Lowered = ((Frame(1, n, int(step.item())), node.inputs[:1], (frames,)),)
    if window is not None:
        shaped = node.add_constant(window.reshape(n, 1), "window")
        lowered += ((Mul(), (frames, shaped), (f"{y}.windowed",)),)
        frames = f"{y}.windowed"
    onesided = bool(node.attribute("onesided", 1)) and x.shape[2] == 1
    return lowered + Dft.lower(node, frames, y, 2, n, onesided)
