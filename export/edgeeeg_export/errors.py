"""Errors of capture, streaming, code generation and boards that a user can mend."""

from __future__ import annotations

from edgeeeg.errors import EdgeEEGError


class ExportError(EdgeEEGError):
    """A model cannot be turned into the program that was asked for."""


class UnknownBoard(ExportError):
    """No board of that name is in the table."""


class DoesNotFit(ExportError):
    """A program needs more flash or RAM than the board has."""
