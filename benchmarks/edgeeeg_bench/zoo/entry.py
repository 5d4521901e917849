"""The models of docs/models.md: where each comes from, and how it is loaded."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import onnx
import torch

from edgeeeg.errors import MissingDependency
from edgeeeg_bench.zoo.conv_transformer import ConvTransformer
from edgeeeg_bench.zoo.crnn import Crnn
from edgeeeg_bench.zoo.epidenet import EpiDeNet
from edgeeeg_bench.zoo.keras_eegnet import SFREQ, keras_eegnet
from edgeeeg_bench.zoo.window_lstm import WindowLstm
from edgeeeg_export.loading import LoadedModel, load_model

SEED = 0


@dataclass(frozen=True, slots=True)
class Entry:
    """One model: its name, who wrote it, a loader, its rate in Hz, and its hop in samples.

    Without a hop it takes the default: an eighth of the window, rounded up to whole frames.
    """

    name: str
    origin: str
    load: Callable[[], LoadedModel]
    sfreq: float
    hop: int | None = None


def entries() -> tuple[Entry, ...]:
    """Every model, in the order of the table."""
    return (
        Entry("EEGNetv4, 22 × 256", "braindecode", _braindecode("EEGNetv4", 22, 256), 256.0, 32),
        Entry("EEGNet, 22 × 256, ONNX (N, C, T, 1)", "Keras-style", _keras_eegnet, SFREQ, 32),
        Entry("Deep4Net, 22 × 1125", "braindecode", _braindecode("Deep4Net", 22, 1125), 250.0),
        Entry("ShallowFBCSPNet, 22 × 1125", "braindecode", _shallow, 250.0),
        Entry("TCN, 22 × 256", "braindecode", _tcn, 256.0, 32),
        Entry("EpiDeNet, 4 × 1024", "ours, after the paper", _ours(EpiDeNet), 256.0, 128),
        Entry("LSTM, last step, 22 × 256", "ours", _ours(WindowLstm), 256.0, 32),
        Entry("CRNN (convolutions, GRU), 22 × 256", "ours", _ours(Crnn), 256.0, 32),
        Entry("convolution and attention, 22 × 256", "ours", _ours(ConvTransformer), 256.0, 32),
    )


def _ours(build: Callable[[], torch.nn.Module]) -> Callable[[], LoadedModel]:
    def load() -> LoadedModel:
        torch.manual_seed(SEED)
        return load_model(build().eval())

    return load


def _braindecode(name: str, n_chans: int, n_times: int, **options: object) -> Callable[[], LoadedModel]:
    build = braindecode_module(name, n_chans, n_times, **options)

    def load() -> LoadedModel:
        torch.manual_seed(SEED)
        return load_model(build().eval(), n_chans=n_chans, n_times=n_times)

    return load


def braindecode_module(
    name: str, n_chans: int, n_times: int, **options: object
) -> Callable[[], torch.nn.Module]:
    """What builds a network of braindecode with four outputs.

    Raises
    ------
    MissingDependency
        When it is called, if braindecode is not installed.
    """

    def build() -> torch.nn.Module:
        try:
            import braindecode.models
        except ImportError as error:
            raise MissingDependency(
                f"{name} needs braindecode; install it with: pip install 'edgeeeg[zoo]'"
            ) from error
        options_of_all = {"n_chans": n_chans, "n_outputs": 4, "n_times": n_times}
        module: torch.nn.Module = getattr(braindecode.models, name)(**options_of_all | options)
        return module

    return build


def _shallow() -> LoadedModel:
    return _braindecode("ShallowFBCSPNet", 22, 1125, final_conv_length="auto")()


def _tcn() -> LoadedModel:
    sizes = {"n_filters": 32, "n_blocks": 4, "kernel_size": 4, "drop_prob": 0.2}
    return _braindecode("TCN", 22, 256, **sizes)()


def _keras_eegnet() -> LoadedModel:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "keras_eegnet.onnx"
        onnx.save(keras_eegnet(), path)
        return load_model(str(path))
