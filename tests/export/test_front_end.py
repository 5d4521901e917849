"""What stands in front of a model goes to the device with it: imported whole, streamed, the same bits."""

from __future__ import annotations

import json
import re
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from edgeeeg.layers.band_powers import BandPowers
from edgeeeg.layers.causal_conv import CausalConv1d
from edgeeeg.layers.exponential_moving_average import ExponentialMovingAverage
from edgeeeg.layers.filters import BandPass, Notch
from edgeeeg.layers.lif import Lif
from edgeeeg.layers.morlet import MorletFilterBank
from edgeeeg.layers.resample import Resample
from edgeeeg.layers.running_z_score import RunningZScore
from edgeeeg.layers.stft import StftMagnitude
from edgeeeg.signal import Recording, synthesize
from edgeeeg.signal.scalp import known_positions
from edgeeeg_export import reference
from edgeeeg_export.capture import load_program, to_onnx, trace
from edgeeeg_export.contract import by_step
from edgeeeg_export.importer import import_onnx
from edgeeeg_export.passes import simplify
from edgeeeg_export.passes.stream import stream
from edgeeeg_export.pipeline import export_model
from edgeeeg_export.targets.onnx_run import run_steps

ROOT = Path(__file__).parents[2]
N_CHANS, SFREQ, N_TIMES = 3, 128.0, 256
BANDS = ((1.0, 4.0), (4.0, 8.0), (8.0, 13.0))
LAYERS = {
    "band-pass": (lambda: BandPass(N_CHANS, 0.5, 30.0, SFREQ), 1),
    "notch": (lambda: Notch(N_CHANS, 50.0, SFREQ), 1),
    "running z-score": (lambda: RunningZScore(N_CHANS, 2.0, SFREQ), 1),
    "moving average": (lambda: ExponentialMovingAverage(N_CHANS, 1.0, SFREQ), 1),
    "to half of the rate": (lambda: Resample(N_CHANS, SFREQ, SFREQ / 2), 2),
    "to a quarter and back to half": (
        lambda: nn.Sequential(Resample(N_CHANS, SFREQ, SFREQ / 4), Resample(N_CHANS, SFREQ / 4, SFREQ / 2)),
        4,
    ),
    "to three halves of the rate": (lambda: Resample(N_CHANS, SFREQ, 1.5 * SFREQ), 2),
    "STFT": (lambda: StftMagnitude(N_CHANS, SFREQ, 0.5, 0.25), 32),
    "band powers": (lambda: BandPowers(N_CHANS, SFREQ, BANDS, 1.0, 0.25), 32),
    "band powers in logarithms": (
        lambda: BandPowers(N_CHANS, SFREQ, BANDS, 1.0, 0.25, log_floor=1e-3),
        32,
    ),
    "wavelet amplitudes": (lambda: MorletFilterBank(N_CHANS, SFREQ, (6.0, 20.0), hop_seconds=0.125), 16),
    "wavelet powers": (lambda: MorletFilterBank(N_CHANS, SFREQ, (6.0, 20.0), power=True), 1),
}


class FrontEnd(nn.Module):
    """Raw samples in; filters, half the rate, z-scores, and a small spiking detector on them."""

    n_chans = 2
    sfreq = SFREQ
    hop = 8

    def __init__(self):
        super().__init__()
        self.front = nn.Sequential(
            Notch(2, 50.0, SFREQ),
            BandPass(2, 0.5, 30.0, SFREQ, order=2),
            Resample(2, SFREQ, SFREQ / 2),
            RunningZScore(2, 5.0, SFREQ / 2),
        )
        with torch.random.fork_rng():
            torch.manual_seed(0)
            self.conv = CausalConv1d(2, 6, 16, stride=4)
            self.lif = Lif(6)
            self.head = nn.Linear(6, 1)

    def forward(self, x):
        return torch.sigmoid(self.head(self.lif(2.0 * self.conv(self.front(x)).transpose(1, 2))))


@pytest.fixture(scope="module", autouse=True)
def one_thread():
    torch.set_num_threads(1)


@pytest.mark.parametrize("name", LAYERS)
def test_a_layer_streams_with_torchs_numbers_and_the_same_bits_in_c(name, counts, as_input, native):
    build, hop = LAYERS[name]
    layer = build().eval()
    graph = simplify(import_onnx(to_onnx(trace(layer, N_CHANS, N_TIMES)).model, "layer"))
    samples = counts(N_TIMES, N_CHANS)
    x = as_input(samples)
    (output,) = graph.outputs
    truth = reference.run(graph, {"eeg": x}).tensors[output]
    with torch.no_grad():
        expected = layer(torch.from_numpy(x)).numpy()
    np.testing.assert_allclose(truth, expected, rtol=1e-5, atol=1e-6)
    step = stream(graph)
    assert step.inputs["eeg"].frames == hop
    type_ = step.tensors[output]
    in_c = native(step).push(samples)
    offline = by_step(truth, type_.time_axis, type_.frames)
    np.testing.assert_array_equal(in_c.view(np.uint32), offline.view(np.uint32))
    np.testing.assert_allclose(run_steps(step, {"eeg": x})[output], truth, rtol=1e-5, atol=2e-6)


def test_filters_stay_single_layers_under_their_own_names():
    graph = simplify(import_onnx(to_onnx(trace(FrontEnd(), 2, 64)).model, "front"))
    kinds = [(node.op.kind, node.path) for node in graph.nodes if node.path.startswith("front")]
    assert [k for k, _ in kinds if k not in ("Reshape", "Transpose")] == [
        "Biquad",
        "Biquad",
        "Conv",
        "RunningZScore",
    ]
    assert {path for _, path in kinds} == {"front.0", "front.1", "front.2", "front.3"}


def test_raw_samples_to_spikes_keep_the_contract(tmp_path):
    names = tuple(known_positions())[:2]
    recording = synthesize(6.0, SFREQ, names)
    bundle = export_model(FrontEnd(), tmp_path / "b", name="front", ch_names=names, recording=recording)
    info = bundle.manifest
    assert (info.hop, info.input.unit, info.input.sfreq) == (8, "uV", SFREQ)
    targets = json.loads(bundle.path("verification.json").read_text())["targets"]
    assert set(targets) == {"chunked", "numpy", "c_host", "onnxruntime", "torch"}
    assert all(record["holds"] for record in targets.values())
    states = {state.name.split(".")[-1] for state in info.states}
    assert {"memory", "weight", "mean", "variance", "frames", "mem"} <= states
    golden = np.load(bundle.path("golden.npz"))
    assert golden["outputs"].std() > 1e-3


class BehindLookAhead(nn.Module):
    """A convolution that needs the future, in front of filters and of more frames than there were samples."""

    n_chans = 1
    sfreq = 32.0
    n_times = 64

    def __init__(self):
        super().__init__()
        with torch.random.fork_rng():
            torch.manual_seed(0)
            self.smooth = nn.Conv1d(1, 1, 7, padding=3)
        self.up = Resample(1, 32.0, 48.0)
        self.band = BandPass(1, 1.0, 10.0, 48.0, order=1)
        self.score = RunningZScore(1, 1.0, 48.0)

    def forward(self, x):
        return self.score(self.band(self.up(torch.tanh(0.02 * self.smooth(x)))))


def test_filters_and_a_higher_rate_stand_behind_look_ahead(tmp_path):
    """Three samples of look-ahead are two steps, which the filters sleep through before they start."""
    data = 40 * np.random.default_rng(0).standard_normal((1, 128)).astype(np.float32)
    recording = Recording(data, ("Cz",), 32.0)
    bundle = export_model(BehindLookAhead(), tmp_path / "b", ch_names=("Cz",), recording=recording)
    assert (bundle.manifest.hop, bundle.manifest.outputs[0].shape) == (2, (1, 1, 3))
    targets = json.loads(bundle.path("verification.json").read_text())["targets"]
    assert all(record["holds"] for record in targets.values())


def test_an_exported_program_file_is_read_back_with_its_filters(tmp_path):
    program = trace(FrontEnd(), 2, 64)
    torch.export.save(program, tmp_path / "front.pt2")
    again = load_program(str(tmp_path / "front.pt2"))
    x = torch.randn(1, 2, 64, generator=torch.Generator().manual_seed(0))
    assert torch.equal(again.module()(x), program.module()(x))


def test_the_example_of_the_page_exports(tmp_path, monkeypatch):
    page = (ROOT / "docs" / "front_end.md").read_text(encoding="utf-8")
    (code,) = re.findall(r"```python\n(.*?)```", page, re.DOTALL)
    assert len([line for line in code.splitlines() if line.strip()]) <= 16
    namespace = {"__name__": "example"}
    exec(compile(code, "front_end.md", "exec"), namespace)
    model = namespace["model"]
    graph = simplify(import_onnx(to_onnx(trace(model, model.n_chans, 2 * model.hop)).model, "example"))
    assert stream(graph).inputs["eeg"].frames == model.hop
