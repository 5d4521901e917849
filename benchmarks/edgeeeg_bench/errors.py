"""Errors of counting, energy and reports that a user can mend."""

from __future__ import annotations

from edgeeeg.errors import EdgeEEGError


class BenchError(EdgeEEGError):
    """A figure cannot be had as asked."""


class CountError(BenchError):
    """A counting run left no result, or one that cannot be trusted."""


class EnergyError(BenchError):
    """Energy cannot be modelled for this part from these cycles."""
