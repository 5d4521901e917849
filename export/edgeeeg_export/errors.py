"""Errors of capture, streaming, code generation and boards that a user can mend."""

from __future__ import annotations

from edgeeeg.errors import EdgeEEGError


class ExportError(EdgeEEGError):
    """A model cannot be turned into the program that was asked for."""


class UnknownBoard(ExportError):
    """No board of that name is in the table."""


class DoesNotFit(ExportError):
    """A program needs more flash or RAM than the board has."""


class CaptureError(ExportError):
    """A model or its file cannot be loaded or traced."""


class GraphError(ExportError):
    """Shapes or names in a graph do not fit together."""


class UnsupportedOperator(ExportError):
    """A model uses an operator, or a form of one, outside the closed set."""


class NotCausal(ExportError):
    """A layer needs samples of the future, or its whole window, and cannot stream continuously."""


class ToolchainError(ExportError):
    """A compiler refused generated code."""


class ContractBroken(ExportError):
    """The same model gave different numbers on two targets."""


class QuantizationError(ExportError):
    """A model cannot be quantized on what it was given."""
