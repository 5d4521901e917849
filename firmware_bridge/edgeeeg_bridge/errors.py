"""Errors of the link, split by whose fault they are: wire, board, caller or machine."""

from __future__ import annotations

from edgeeeg.errors import EdgeEEGError


class BridgeError(EdgeEEGError):
    """A board cannot be built for, reached or understood."""


class FrameTooLong(BridgeError):
    """A payload is longer than one frame may carry."""


class MalformedMessage(BridgeError):
    """A frame arrived intact, but its payload is no message of this protocol version."""


class IllegalTransition(BridgeError):
    """The session was asked for something that its state does not allow."""


class LinkLost(BridgeError):
    """The board no longer answers, or it restarted and has lost the model's state."""


class BoardRefused(BridgeError):
    """The board answered a command with an error."""


class UnusableStream(BridgeError):
    """Samples or a saved state do not fit the model that the board runs."""


class PortError(BridgeError):
    """A serial port cannot be opened, or cannot be opened again after it failed."""


class BuildError(BridgeError):
    """The firmware cannot be built from a model's C files."""


class EmulatorError(BridgeError):
    """The emulator left before it was asked to."""


class IllegalCase(BridgeError):
    """A kernel case cannot be drawn, named or run as it says."""
