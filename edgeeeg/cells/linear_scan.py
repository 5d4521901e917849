"""First-order linear recurrence, the part of a linear cell that has to wait for the step before it.

    h_t = a_t · h_{t-1} + b_t

Its gradient is the same recurrence, backwards in time: g_t = dL/dh_t + conj(a_{t+1}) · g_{t+1}, then
dL/db_t = g_t and dL/da_t = g_t · conj(h_{t-1}). Written out by hand, both directions are one fused
multiplication and addition a step into memory that is there already, where autograd would record and
allocate several; that, not arithmetic, is what a step over narrow states costs.

References
----------
Martin and Cundy 2018, Parallelizing Linear Recurrent Neural Nets Over Sequence Length, arXiv 1709.04057,
section 2.1: the recurrence and its adjoint.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.autograd.function import FunctionCtx, once_differentiable


class _LinearScan(torch.autograd.Function):
    @staticmethod
    def forward(ctx: FunctionCtx, a: Tensor, b: Tensor, h: Tensor) -> Tensor:
        hs = torch.empty_like(b)
        previous = h
        for a_t, b_t, h_t in zip(a.unbind(1), b.unbind(1), hs.unbind(1), strict=True):
            previous = torch.addcmul(b_t, a_t, previous, out=h_t)
        ctx.save_for_backward(a, h, hs)
        return hs

    @staticmethod
    @once_differentiable
    def backward(ctx: FunctionCtx, *grads: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        a, h, hs = ctx.saved_tensors  # type: ignore[attr-defined]
        a, h, hs = a.conj(), h.conj(), hs.conj()
        g = torch.empty_like(grads[0])
        a_steps, g_steps, received = a.unbind(1), g.unbind(1), grads[0].unbind(1)
        g_steps[-1].copy_(received[-1])
        for t in range(len(g_steps) - 2, -1, -1):
            torch.addcmul(received[t], a_steps[t + 1], g_steps[t + 1], out=g_steps[t])
        grad_a = torch.empty_like(g)
        torch.mul(g[:, 0], h, out=grad_a[:, 0])
        torch.mul(g[:, 1:], hs[:, :-1], out=grad_a[:, 1:])
        return grad_a, g, a[:, 0] * g[:, 0]


def linear_scan(a: Tensor, b: Tensor, h: Tensor) -> Tensor:
    """All h_t of h_t = a_t · h_{t-1} + b_t: (batch, time, ...) in time's order, from h before the first.

    Parameters
    ----------
    a : coefficients, of a shape that broadcasts to b's.
    b : what is added, (batch, time, ...) with at least one frame; real or complex.
    h : the state before the first frame, (batch, ...).
    """
    hs: Tensor = _LinearScan.apply(a.expand(b.shape), b, h)  # type: ignore[no-untyped-call]
    return hs
