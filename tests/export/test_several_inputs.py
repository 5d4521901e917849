"""EEG at 256 Hz and EMG at 1024 Hz in, one score out: exported, streamed and verified as one model."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
import torch

from edgeeeg.bundle import Bundle
from edgeeeg.errors import BundleError, RecordingError
from edgeeeg.layers.causal_conv import CausalConv1d
from edgeeeg.layers.lif import Lif
from edgeeeg.signal import Recording
from edgeeeg.stream import Stream
from edgeeeg_export import contract, golden
from edgeeeg_export.errors import CaptureError, ExportError, NotCausal
from edgeeeg_export.input_spec import InputSpec
from edgeeeg_export.inspection import inspect_model
from edgeeeg_export.loading import load_model
from edgeeeg_export.pipeline import compile_model, export_model, load_original, reload
from edgeeeg_export.targets import c
from edgeeeg_export.targets.native import NativeModel

SECONDS = 4
INPUTS = (
    InputSpec("eeg", ("C3", "C4"), 256.0, 64),
    InputSpec("emg", ("EMG",), 1024.0, 256, lsb=1.0),
)


class Fusion(torch.nn.Module):
    """A convolution of stride 4 brings EMG to the frames of EEG; a GRU reads both."""

    inputs = INPUTS

    def __init__(self):
        super().__init__()
        with torch.random.fork_rng():
            torch.manual_seed(0)
            self.eeg = CausalConv1d(2, 4, 5)
            self.emg = CausalConv1d(1, 3, 8, stride=4)
            self.gru = torch.nn.GRU(7, 6, batch_first=True)
            self.head = torch.nn.Linear(6, 1)

    def forward(self, eeg, emg):
        joined = torch.cat((self.eeg(eeg * 0.02), self.emg(emg * 0.01)), 1)
        hidden, _ = self.gru(torch.tanh(joined).transpose(1, 2))
        return torch.sigmoid(self.head(hidden))


class Windowed(Fusion):
    """The same, averaged over its window."""

    def forward(self, eeg, emg):
        return super().forward(eeg, emg).mean(1)


class Spiking(Fusion):
    """Spikes of both, which other runtimes are compared with forced."""

    def __init__(self):
        super().__init__()
        with torch.random.fork_rng():
            torch.manual_seed(2)
            self.lif = Lif(7)
            self.head = torch.nn.Linear(7, 1)

    def forward(self, eeg, emg):
        joined = torch.cat((self.eeg(eeg * 0.02), self.emg(emg * 0.01)), 1)
        return torch.sigmoid(self.head(self.lif(joined.transpose(1, 2))))


class LookingAhead(Fusion):
    """Its EMG branch is late, and EEG has to wait for it; outputs remain after the last sample."""

    def __init__(self):
        super().__init__()
        with torch.random.fork_rng():
            torch.manual_seed(1)
            self.emg = torch.nn.Conv1d(1, 3, 20, stride=4, padding=8)


@pytest.fixture(scope="module", autouse=True)
def one_thread():
    torch.set_num_threads(1)


@pytest.fixture(scope="module")
def recordings():
    rng = np.random.default_rng(0)
    return {
        spec.name: Recording(
            40 * rng.standard_normal((len(spec.ch_names), round(SECONDS * spec.sfreq))).astype(np.float32),
            spec.ch_names,
            spec.sfreq,
        )
        for spec in INPUTS
    }


@pytest.fixture(scope="module")
def counts():
    rng = np.random.default_rng(1)
    return {
        spec.name: rng.integers(-1200, 1200, (round(SECONDS * spec.sfreq), len(spec.ch_names))).astype(
            np.int16
        )
        for spec in INPUTS
    }


@pytest.fixture(scope="module", params=[Fusion, Windowed, Spiking, LookingAhead])
def subject(request):
    return compile_model(load_model(request.param()), name="fusion", threshold=0.5).subject


@pytest.fixture(scope="module")
def bundle(tmp_path_factory):
    """A bundle as an export writes it, but for its proof, which `subject` covers."""
    compiled = compile_model(load_model(Fusion()), name="fusion")
    out = tmp_path_factory.mktemp("out") / "bundle"
    return Bundle.write(out, compiled.manifest, compiled.contents)


def outputs_of(subject, counts):
    truth = contract.reference.run(subject.offline, subject.samples(counts)).tensors
    return contract.stack_outputs(subject.step, truth)


def native(subject, folder):
    program = subject.program
    c_folder = program.write(folder / "c")
    return NativeModel(c_folder, folder, program.n_outputs, program.hops, program.saved_bytes)


def ragged(arrays, axis):
    """The same samples in amounts that have nothing to do with each other, an input left out at times."""
    rng = np.random.default_rng(2)
    at = dict.fromkeys(arrays, 0)
    while any(at[name] < array.shape[axis] for name, array in arrays.items()):
        piece = {}
        for name, array in arrays.items():
            n = int(rng.integers(0, 90))
            if n:
                piece[name] = np.take(array, range(at[name], min(at[name] + n, array.shape[axis])), axis)
                at[name] += len(piece[name]) if axis == 0 else piece[name].shape[axis]
        yield piece


def test_every_target_keeps_the_contract(subject, counts):
    records = contract.verify(subject, counts)
    contract.require_kept(records)
    assert set(records) == {"chunked", "numpy", "c_host", "onnxruntime", "torch"}
    assert all(records[name].bit_identical for name in ("chunked", "numpy", "c_host"))
    assert records["torch"].layers >= 4
    outputs = outputs_of(subject, counts)
    assert records["chunked"].samples == len(outputs) * subject.hop
    assert len(np.unique(outputs)) > 50  # not a constant


def test_c_takes_any_amounts_of_each(subject, counts, tmp_path):
    model = native(subject, tmp_path)
    pushed = [model.push(piece) for piece in ragged(counts, 0)]
    outputs = np.concatenate([*pushed, model.flush(subject.program.flush)])
    expected = outputs_of(subject, counts)
    assert len(pushed) > 5
    assert outputs.shape == expected.shape
    assert outputs.tobytes() == expected.tobytes()


def test_c_continues_from_a_saved_state_with_samples_of_each_waiting(counts, tmp_path):
    subject = compile_model(load_model(Windowed()), name="fusion").subject
    whole, model = native(subject, tmp_path / "a"), native(subject, tmp_path / "b")
    expected = whole.push(counts)
    hop = subject.program.hops
    before = model.push({"eeg": counts["eeg"][:203], "emg": counts["emg"][: 200 * 4 + 5]})
    saved = model.save()
    assert len(saved) == subject.program.saved_bytes
    model.reset()
    model.restore(saved)
    after = model.push({"eeg": counts["eeg"][203:], "emg": counts["emg"][200 * 4 + 5 :]})
    assert hop == {"eeg": 8, "emg": 32}
    assert np.concatenate([before, after]).tobytes() == expected.tobytes()
    damaged = bytearray(saved)
    damaged[16] = 33  # more frames of emg than wait in any step
    with pytest.raises(BundleError, match="belongs to another model or is damaged"):
        model.restore(bytes(damaged))


def test_a_nan_among_the_samples_of_any_input_that_wait_is_refused(counts, tmp_path):
    subject = compile_model(load_model(Windowed()), name="fusion").subject
    model = native(subject, tmp_path)
    model.push({"eeg": counts["eeg"][:3], "emg": counts["emg"][:5]})
    saved = model.save()
    states = c.emit(subject.step, 1.0, sliding=False).state_bytes  # saved without what windows slide through
    eeg = len(saved) - 4 * (2 * 8 + 32) - states
    emg = eeg + 4 * 2 * 8
    for place in (eeg + 4 * (8 + 2), emg + 4 * 4, emg + 4 * 32):  # the last is of a state
        with pytest.raises(BundleError, match="damaged; the model keeps its own"):
            model.restore(with_nan(saved, place))
    for place in (eeg + 4 * (8 + 3), emg + 4 * 5):  # frames that are not there yet
        model.restore(with_nan(saved, place))
    model.restore(saved)


def with_nan(saved, at):
    return saved[:at] + np.float32(np.nan).tobytes() + saved[at + 4 :]


def test_a_manifest_that_misstates_an_input(bundle):
    info = Bundle.load(bundle.folder).manifest
    eeg, emg = info.inputs
    for inputs, fragment in (
        ((eeg,), "names 1 inputs where the program has 2"),
        ((eeg, emg.model_copy(update={"ch_names": ("E1", "E2")})), r"2 electrodes \(inputs\.1\.ch_names\)"),
        ((eeg, emg.model_copy(update={"name": "ecg"})), r"says inputs\.1\.name is ecg where"),
        ((eeg, emg.model_copy(update={"hop": 8})), r"says inputs\.1\.hop is 8 where the program has 4"),
    ):
        misstated = replace(bundle, manifest=info.model_copy(update={"inputs": inputs}))
        with pytest.raises(BundleError, match=fragment):
            reload(misstated)


def test_a_stream_of_any_amounts_gives_the_contracts_outputs(bundle, counts):
    subject = reload(bundle)
    samples = {name: array[0] for name, array in subject.samples(counts).items()}
    stream = Stream(bundle)
    outputs = np.concatenate([stream.push(piece) for piece in ragged(samples, 1)])
    expected = outputs_of(subject, counts)
    assert outputs.shape == expected.shape
    np.testing.assert_allclose(outputs, expected, atol=1e-4)
    assert stream.push({"eeg": samples["eeg"]}).shape == (0, 1)  # waits for emg


def test_what_a_stream_of_several_refuses_and_takes_nothing_of(bundle, counts):
    subject = reload(bundle)
    samples = {name: array[0] for name, array in subject.samples(counts).items()}
    broken = samples["emg"].copy()
    broken[0, 7] = np.nan
    stream = Stream(bundle)
    for pushed, fragment in (
        (samples["eeg"], "has 2 inputs: push a mapping of eeg, emg"),
        ({"ecg": samples["eeg"]}, "has no input 'ecg', only eeg, emg"),
        ({"eeg": samples["emg"], "emg": samples["emg"]}, "do not fit input 'eeg'"),
        ({"eeg": samples["eeg"], "emg": broken}, "channel EMG has a sample that is not finite at index 7"),
    ):
        with pytest.raises(RecordingError, match=fragment):
            stream.push(pushed)
    np.testing.assert_allclose(stream.push(samples), outputs_of(subject, counts), atol=1e-4)


def test_the_manifest_has_each_input_and_no_reader_of_one_takes_the_first(bundle):
    info = Bundle.load(bundle.folder).manifest
    assert [(each.name, each.sfreq, each.hop, each.lsb) for each in info.inputs] == [
        ("eeg", 256.0, 1, 0.125),
        ("emg", 1024.0, 4, 1.0),
    ]
    assert info.hop == 1
    with pytest.raises(BundleError, match=r"has 2 inputs \(eeg at 256 Hz, emg at 1024 Hz\)"):
        _ = info.input


def test_the_header_names_what_each_input_takes(bundle):
    header = bundle.path("c/fusion.h").read_text()
    for part in (
        "int fusion_push_eeg(fusion_t *model, const int16_t *samples, size_t frames);",
        "int fusion_push_emg_f32(fusion_t *model, const float *samples, size_t frames);",
        "FUSION_HOP_emg = 4",
        "FUSION_N_CHANS_eeg = 2",
        "uint32_t filled_emg; /* frames of emg that wait in the arena */",
        "0.125f of eeg, 1.0f of emg",
    ):
        assert part in header


def test_an_export_in_one_call(recordings, tmp_path):
    bundle = export_model(Windowed(), tmp_path / "bundle", name="fusion", recording=recordings)
    stored = json.loads(bundle.path("verification.json").read_text())["targets"]
    assert all(record["holds"] for record in stored.values())
    stored = np.load(bundle.path("golden.npz"))
    assert set(stored) == {"counts_eeg", "counts_emg", "outputs"}
    counts = {name: stored[f"counts_{name}"] for name in ("eeg", "emg")}
    assert outputs_of(reload(bundle), counts).tobytes() == stored["outputs"].tobytes()
    card = bundle.path("README.md").read_text()
    assert all(part in card for part in ("input eeg", "at 1024 Hz", "8 samples of eeg, 32 samples of emg"))
    assert (bundle.manifest.hop, bundle.manifest.window) == (8, 64)
    golden.require_played(bundle, reload(bundle))
    assert load_original(bundle, f"{__name__}:Windowed").kind == "torch"
    with pytest.raises(ExportError, match="LookingAhead is not the model that"):
        load_original(bundle, f"{__name__}:LookingAhead")


@pytest.mark.parametrize(
    ("model", "options", "fragment"),
    [
        (Fusion, {"sfreq": 250.0}, r"says all of its inputs \(eeg, emg\)"),
        (Fusion, {"n_chans": 2}, "leave out --n-chans"),
        (Fusion, {"inputs": INPUTS[:1]}, "cannot trace"),
        (Windowed, {"hop": 0}, "a hop of 0 samples of input 'eeg' splits a frame; use a multiple of 1"),
        (Fusion, {"inputs": (INPUTS[0], InputSpec("emg", ("E",), 1024.0, 128))}, "last differently long"),
    ],
)
def test_options_that_cannot_be(model, options, fragment, tmp_path):
    with pytest.raises((CaptureError, ExportError), match=fragment) as caught:
        export_model(model(), tmp_path / "out", **options)
    assert "\n" not in str(caught.value)
    assert not (tmp_path / "out").exists()


def test_a_hop_is_counted_in_samples_of_the_first_input():
    subject = compile_model(load_model(Windowed()), name="fusion", hop=16).subject
    assert (subject.hop, subject.program.hops) == (16, {"eeg": 16, "emg": 64})
    pooled = Windowed()
    pooled.inputs = (INPUTS[1], INPUTS[0])
    pooled.forward = lambda emg, eeg: Windowed.forward(pooled, eeg, emg)
    with pytest.raises(
        NotCausal, match="a hop of 6 samples of input 'emg' splits a frame; use a multiple of 4"
    ):
        compile_model(load_model(pooled), name="fusion", hop=6)


def test_more_targets_are_of_models_of_one_input(subject, counts):
    with pytest.raises(
        ExportError, match=r"board takes models of one input, and this one has 2 \(eeg, emg\)"
    ):
        contract.verify(subject, counts, extra={"board": contract.run_on_host})


def test_an_inspection_shows_each_rate_and_wants_them():
    found = inspect_model(load_model(Fusion()))
    assert found.obstacles == ()
    assert found.rates == {"eeg": 256.0, "emg": 1024.0}
    loaded = load_model(Fusion())
    silent = type(loaded)(loaded.onnx_model, None, None, "uV")
    (reason,) = inspect_model(silent).obstacles
    assert "2 inputs (eeg, emg) and does not say their rates" in reason
    with pytest.raises(ExportError, match="pass inputs=, an InputSpec for each"):
        compile_model(silent, name="fusion", sfreq=256.0)
