"""Errors that a user can mend. The command line prints them as one line and exits with 2."""


class EdgeEEGError(Exception):
    """Base of every error whose cause is the input, the request or the machine, not a bug."""


class RecordingError(EdgeEEGError):
    """A recording or its file cannot be used: missing channel, NaN, unit, rate, truncation."""


class ModelError(EdgeEEGError):
    """A model, its weights or its factory cannot be loaded."""


class BundleError(EdgeEEGError):
    """A bundle is corrupt, of an unknown version, or not what was asked for."""


class OutputError(EdgeEEGError):
    """A result cannot be written where it was asked for."""


class IllegalOption(EdgeEEGError):
    """An option of the command line has no effect beside the others, or cannot be had."""


class MissingDependency(EdgeEEGError):
    """A package or program that this task needs is not installed; the message says how to get it."""
