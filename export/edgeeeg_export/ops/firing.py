"""Firing: when neurons fire and what their membranes lose for it, in NumPy, C and ONNX.

    subtract   mem - (threshold where r, else 0)        zero   0 where r, else mem        none   mem

With a delay, r is H(mem > threshold) of the frame before. Without one a membrane also loses s - r of its
threshold (of itself, for zero) as soon as it fires, where s is the spike: a reset that came twice is taken
back. `>=` takes the place of `>` where neurons fire at the threshold. Source: snnTorch 1.0, `Leaky.forward`.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from edgeeeg_export.ops.op import OnnxBuilder
from edgeeeg_export.tensor import Array

Flags = NDArray[np.bool_]
ZERO, ONE = np.float32(0.0), np.float32(1.0)

RESETS = ("subtract", "zero", "none")
FIRES = ("above", "at")


@dataclass(frozen=True, slots=True)
class Firing:
    """A rule of `RESETS`, whether it comes a frame after the spike, and where of `FIRES` a neuron fires."""

    reset: str
    reset_delay: bool
    fires: str

    @property
    def at_once(self) -> bool:
        """Whether a spike changes the membrane in its own frame."""
        return not self.reset_delay and self.reset != "none"

    def passed(self, mem: Array, threshold: Array) -> Flags:
        """Which membranes are past their thresholds."""
        return np.asarray(mem >= threshold if self.fires == "at" else mem > threshold)

    def discharge(self, mem: Array, reset: Flags, threshold: Array) -> Array:
        """Membranes after the reset of the frame before."""
        if self.reset == "subtract":
            return mem - np.where(reset, threshold, ZERO)
        return np.where(reset, ZERO, mem) if self.reset == "zero" else mem

    def leak(self, beta: Array, mem: Array, x: Array, reset: Flags, threshold: Array) -> Array:
        """Next membranes; a reset to zero spares what comes in."""
        if self.reset == "zero":
            return beta * np.where(reset, ZERO, mem) + x
        return self.discharge(beta * mem + x, reset, threshold)

    def settle(self, mem: Array, reset: Flags, threshold: Array, forced: Flags | None) -> Array:
        """Membranes as they are kept; `forced` has the spikes to follow in place of their own."""
        if not self.at_once:
            return mem
        spike = self.passed(mem, threshold) if forced is None else forced
        by = spike.astype(np.float32) - reset.astype(np.float32)
        return mem - by * (threshold if self.reset == "subtract" else mem)

    def c_flags(self) -> str:
        """The argument of the kernels in edgeeeg_spiking.h."""
        flags = []
        if self.reset != "none":
            flags.append(f"EDGEEEG_RESET_{self.reset.upper()}")
        if self.at_once:
            flags.append("EDGEEEG_RESET_AT_ONCE")
        if self.fires == "at":
            flags.append("EDGEEEG_FIRES_AT")
        return " | ".join(flags) or "0u"

    def passed_onnx(self, builder: OnnxBuilder, mem: str, threshold: str) -> str:
        """Which membranes are past their thresholds."""
        return builder.add("GreaterOrEqual" if self.fires == "at" else "Greater", (mem, threshold))

    def discharge_onnx(self, builder: OnnxBuilder, mem: str, reset: str, threshold: str) -> str:
        """Membranes after the reset of the frame before."""
        zero = builder.constant(0.0)
        if self.reset == "subtract":
            return builder.add("Sub", (mem, builder.add("Where", (reset, threshold, zero))))
        return builder.add("Where", (reset, zero, mem)) if self.reset == "zero" else mem

    def leak_onnx(self, builder: OnnxBuilder, beta: str, mem: str, x: str, reset: str, threshold: str) -> str:
        """Next membranes."""
        add = builder.add
        if self.reset == "zero":
            return add("Add", (add("Mul", (beta, self.discharge_onnx(builder, mem, reset, threshold))), x))
        charged = add("Add", (add("Mul", (beta, mem)), x))
        return self.discharge_onnx(builder, charged, reset, threshold)

    def settle_onnx(
        self, builder: OnnxBuilder, mem: str, spike: str, reset: str, threshold: str, name: str
    ) -> None:
        """Membranes as they are kept where a spike changes them at once, under a name."""
        zero, one, add = builder.constant(0.0), builder.constant(1.0), builder.add
        by = add("Sub", tuple(add("Where", (flag, one, zero)) for flag in (spike, reset)))
        lost = add("Mul", (by, threshold if self.reset == "subtract" else mem))
        add("Sub", (mem, lost), name)
