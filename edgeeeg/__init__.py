"""EEG models from PyTorch to a verified streaming program on a microcontroller."""

__version__ = "0.1.0"
