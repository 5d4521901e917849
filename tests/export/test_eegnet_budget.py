"""EEGNet as it comes from braindecode, 22 electrodes and a window of 256 samples every 32: what a step costs.

Computed anew at every hop, as a compiler of ONNX to C does it, that takes 3.01 million multiply-accumulates
in 224 kB of RAM.
"""

from __future__ import annotations

import warnings

import pytest
import torch

from edgeeeg_export.importer import import_onnx
from edgeeeg_export.loading import load_model
from edgeeeg_export.lowering import lower
from edgeeeg_export.passes.rewriting import macs
from edgeeeg_export.targets import c


@pytest.fixture(scope="module")
def captured():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # braindecode's, of names that it will change
        import braindecode.models

        torch.manual_seed(0)
        network = braindecode.models.EEGNetv4(n_chans=22, n_outputs=4, n_times=256, sfreq=256)
    return load_model(network).onnx_model


def test_the_network_is_the_one_of_the_comparison(captured):
    assert macs(import_onnx(captured, "m")) == pytest.approx(3.01e6, rel=0.01)


@pytest.mark.parametrize(
    ("semantics", "saved", "ram_bytes"), [("continuous", 50, 12_000), ("windowed", 20, 20_000)]
)
def test_a_step_stays_within_its_budget(captured, semantics, saved, ram_bytes):
    step = lower(captured, "m", 32, semantics).step
    assert macs(step) * saved <= 3.01e6
    assert c.emit(step, 1.0).struct_bytes <= ram_bytes
