"""From a module to a verified bundle, and every way in which that is refused: nothing is left behind then."""

from __future__ import annotations

import json
import shutil

import numpy as np
import onnxruntime
import pytest
import torch

from edgeeeg.bundle import Bundle
from edgeeeg.cli import main
from edgeeeg.errors import EdgeEEGError
from edgeeeg.layers.causal_conv import CausalConv1d
from edgeeeg.layers.mamba import MambaBlock
from edgeeeg.signal import Recording, write_edf
from edgeeeg_export.adversarial import adversarial_counts
from edgeeeg_export.contract import run_on_host
from edgeeeg_export.errors import ContractBroken, ExportError
from edgeeeg_export.pipeline import export_model, reload
from edgeeeg_export.verification_counts import counts_for

NEEDS_ARM = pytest.mark.skipif(
    shutil.which("arm-none-eabi-gcc") is None, reason="arm-none-eabi-gcc is not installed"
)


class Small(torch.nn.Module):
    n_chans = 2
    sfreq = 128.0
    n_times = 64

    def __init__(self):
        super().__init__()
        with torch.random.fork_rng():
            torch.manual_seed(0)
            self.front = CausalConv1d(2, 4, 8, stride=4)
            self.mamba = MambaBlock(4, d_state=2)
            self.head = torch.nn.Linear(4, 1)

    def forward(self, x):
        frames = torch.tanh(self.front(x * 0.02)).transpose(1, 2)
        return torch.sigmoid(self.head(self.mamba(frames)))


class SamePadding(Small):
    def __init__(self):
        super().__init__()
        self.front = torch.nn.Conv1d(2, 4, 7, padding=3)


class WithTransposed(Small):
    def __init__(self):
        super().__init__()
        self.finer = torch.nn.ConvTranspose1d(4, 4, 2)

    def forward(self, x):
        return self.head(self.finer(self.front(x)).transpose(1, 2))


class LongMemory(Small):
    """A cache of 70,001 frames of 2 channels: more than half a megabyte."""

    def __init__(self):
        super().__init__()
        self.front = CausalConv1d(2, 4, 2, dilation=70_000)


@pytest.fixture(scope="module", autouse=True)
def one_thread():
    torch.set_num_threads(1)


@pytest.fixture(scope="module")
def recording():
    data = 40 * np.random.default_rng(0).standard_normal((3, 128 * 6)).astype(np.float32)
    return Recording(data, ("Cz", "Fz", "Pz"), 128.0)


@pytest.fixture(scope="module")
def bundle(recording, tmp_path_factory):
    out = tmp_path_factory.mktemp("out") / "bundle"
    return export_model(Small(), out, name="small", ch_names=("Fz", "Pz"), threshold=0.5, recording=recording)


def test_a_module_becomes_a_bundle_in_one_call(bundle):
    assert Bundle.load(bundle.folder).manifest == bundle.manifest
    info = bundle.manifest
    assert (info.name, info.hop, info.input.sfreq, info.input.unit) == ("small", 4, 128.0, "uV")
    assert info.input.ch_names == ("Fz", "Pz")
    assert [(o.name, o.shape, o.threshold) for o in info.outputs] == [("score", (1, 1, 1), 0.5)]
    assert {"model.onnx", "captured.onnx", "golden.npz", "verification.json", "README.md"} < set(info.files)
    assert {"c/small.c", "c/small.h", "c/edgeeeg_model.h", "c/edgeeeg_math.h"} < set(info.files)
    assert not any(path.name.startswith(".") for path in bundle.folder.parent.iterdir())


def test_the_contract_travels_with_it(bundle):
    stored = json.loads(bundle.path("verification.json").read_text())
    assert set(stored["targets"]) == {"chunked", "numpy", "c_host", "onnxruntime", "torch"}
    assert all(record["holds"] for record in stored["targets"].values())
    n_times = 768 + len(adversarial_counts(2, 128.0))
    assert {record["samples"] for record in stored["targets"].values()} == {n_times - n_times % 4}


def test_the_step_model_of_the_bundle_is_what_torch_computes(bundle, recording):
    golden = np.load(bundle.path("golden.npz"))
    x = golden["counts"].T[None].astype(np.float32) * np.float32(bundle.manifest.input.lsb)
    np.testing.assert_allclose(x[0], recording.pick(("Fz", "Pz")).data, atol=0.07)  # half a count
    with torch.no_grad():
        expected = Small().eval()(torch.from_numpy(np.ascontiguousarray(x))).numpy()
    np.testing.assert_allclose(golden["outputs"], expected[0], atol=1e-5)
    assert golden["outputs"].std() > 1e-3
    session = onnxruntime.InferenceSession(bundle.path("model.onnx"), providers=["CPUExecutionProvider"])
    assert session.get_inputs()[0].name == "eeg"


def test_the_same_export_gives_the_same_bytes(bundle, recording, tmp_path):
    again = export_model(
        Small(), tmp_path / "again", name="small", ch_names=("Fz", "Pz"), threshold=0.5, recording=recording
    )
    assert again.manifest == bundle.manifest  # with the hash of every file


def test_the_card_says_what_the_manifest_says(bundle):
    card = bundle.path("README.md").read_text()
    assert all(
        word in card for word in ("Fz, Pz", "128 Hz", "31.2 ms", bundle.manifest.model_hash, "small.h")
    )


def test_a_bundle_gives_its_model_back(bundle):
    subject = reload(bundle)
    assert subject.step.hash == bundle.manifest.model_hash
    assert subject.thresholds == (0.5,)
    assert subject.program.files["small.c"] == bundle.path("c/small.c").read_text()


def test_the_same_model_gives_the_same_source(bundle, recording, tmp_path):
    again = export_model(
        Small(), tmp_path / "b", name="small", ch_names=("Fz", "Pz"), threshold=0.5, recording=recording
    )
    names = [name for name in bundle.manifest.files if name.startswith("c/")] + ["model.onnx"]
    assert len(names) > 4
    for name in names:
        assert again.manifest.files[name] == bundle.manifest.files[name]


def test_a_broken_contract_fails_the_export(recording, tmp_path):
    def tampered(program, counts):
        outputs = run_on_host(program, counts)
        outputs.view(np.uint32)[3, 0] ^= 1
        return outputs

    out = tmp_path / "out"
    with pytest.raises(ContractBroken, match=r"board differs: .* from sample 12 on"):
        export_model(Small(), out, ch_names=("Fz", "Pz"), recording=recording, extra={"board": tampered})
    assert not out.exists()


def test_a_bundle_of_another_generator_is_not_passed_off_as_its_own(bundle):
    info = bundle.manifest.model_copy(update={"model_hash": "0" * 64})
    with pytest.raises(ExportError, match="builds another program from it: export the model again"):
        reload(Bundle(bundle.folder, info))


def refusal(out, *arguments, **options):
    with pytest.raises(EdgeEEGError) as caught:
        export_model(*arguments[:1], out, **options)
    assert not out.exists()
    assert not list(out.parent.glob(".*"))
    assert "\n" not in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize(
    ("options", "fragment"),
    [
        ({"ch_names": ("Fz",)}, "takes 2 channels but 1 names"),
        ({"ch_names": ("Fz", "Fz")}, "two channels bear one name"),
        ({"name": "My Model"}, "'My Model' is not a symbol prefix"),
        ({"name": "9lives"}, "is not a symbol prefix"),
        ({"hop": 6}, "use a multiple of 4"),
        ({"lsb": -1.0}, "lsb: -1 uV per count cannot be computed in float32; give the amplifier's step"),
        ({"lsb": 0.0}, "lsb: 0 uV per count cannot"),
        ({"lsb": float("inf")}, "lsb: inf uV per count cannot"),
        ({"lsb": float("nan")}, "lsb: nan uV per count cannot"),
        ({"lsb": 1e-5}, "use at least"),
        ({"lsb": 1e30}, "give --lsb between"),
        ({"threshold": float("nan")}, "a threshold of nan decides nothing"),
        ({"threshold": float("inf")}, "a threshold of inf decides nothing"),
        ({"sfreq": -1.0}, "has sfreq (Hz) -1; it must be greater than 0"),
        ({"board": "nrf5284"}, "did you mean nrf52840"),
        ({"n_times": 62, "n_chans": 2}, "62 samples are no multiple of the stride 4"),
    ],
)
def test_options_that_cannot_be(tmp_path, options, fragment):
    assert fragment in refusal(tmp_path / "out", Small(), **options)


def test_a_model_without_a_rate(tmp_path):
    module = Small()
    module.sfreq = None
    assert "pass --sfreq" in refusal(tmp_path / "out", module)


def test_an_unsupported_layer_is_refused_by_its_name(tmp_path):
    message = refusal(tmp_path / "out", WithTransposed())
    assert "'finer' (ConvTranspose)" in message
    assert "Resize" in message


def test_same_padding_becomes_delay(recording, tmp_path):
    """Three frames of look-ahead in front of a layer with a state: verified, and flushed by every target."""
    model = SamePadding().eval()
    bundle = export_model(model, tmp_path / "b", ch_names=("Fz", "Pz"), hop=32, recording=recording)
    info = bundle.manifest
    assert (info.hop, info.window, info.delay_steps, info.flush_steps) == (32, None, 1, 1)
    assert info.ended_state == "clock.ended"
    golden = np.load(bundle.path("golden.npz"))
    x = golden["counts"].T[None].astype(np.float32) * np.float32(info.input.lsb)
    with torch.no_grad():
        expected = model(torch.from_numpy(np.ascontiguousarray(x))).numpy()
    np.testing.assert_allclose(golden["outputs"].ravel(), expected.ravel(), atol=1e-5)
    assert reload(bundle).step.timing.delay == 1


@NEEDS_ARM
def test_a_program_too_large_for_the_board_says_by_how_much(tmp_path):
    message = refusal(tmp_path / "out", LongMemory(), board="nrf52840")
    assert "RAM" in message
    assert "nrf52840" in message
    assert any(word.replace(",", "").isdigit() for word in message.split())


@pytest.mark.parametrize(
    ("change", "fragment"),
    [
        ({"sfreq": 256.0}, "256"),
        ({"unit": "z"}, "takes 'uV' and the recording is in 'z'"),
        ({"ch_names": ("Cz", "Fz", "Oz")}, "Pz"),
    ],
)
def test_a_recording_of_another_rate_unit_or_montage(bundle, recording, change, fragment):
    values = {"data": recording.data, "ch_names": recording.ch_names, "sfreq": 128.0, "unit": "uV"} | change
    with pytest.raises(EdgeEEGError, match=fragment):
        counts_for(bundle.manifest, Recording(**values))


def test_synthetic_eeg_stands_in_for_a_recording(bundle):
    counts = counts_for(bundle.manifest, None)
    assert counts.shape == (600 * 128, 2)
    assert counts.std() > 50


def run(monkeypatch, *arguments):
    monkeypatch.setattr("sys.argv", ["edgeeeg", *arguments])
    with pytest.raises(SystemExit) as done:
        main()
    return done.value.code


@pytest.fixture
def user_module(tmp_path, monkeypatch):
    (tmp_path / "user_models.py").write_text(
        "import torch\nfrom edgeeeg.layers.causal_conv import CausalConv1d\n"
        "class Good(torch.nn.Sequential):\n    n_chans = 1\n"
        "    def __init__(self):\n        super().__init__(CausalConv1d(1, 1, 3))\n"
        "class Finer(torch.nn.Sequential):\n    n_chans = 1\n"
        "    def __init__(self):\n        super().__init__(torch.nn.ConvTranspose1d(1, 1, 2, stride=2))\n"
    )
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("sys.path", ["", *__import__("sys").path])
    yield "user_models"
    __import__("sys").modules.pop("user_models", None)


def test_the_verb_exports_and_prints_one_json_object(user_module, tmp_path, monkeypatch, capsys):
    data = np.random.default_rng(0).standard_normal((1, 512)).astype(np.float32) * 30
    write_edf(Recording(data, ("Cz",), 256.0), tmp_path / "eeg.edf")
    arguments = ("--sfreq", "128", "--channel", "Cz", "--recording", "eeg.edf", "--out", "b", "--json")
    assert run(monkeypatch, "export", f"{user_module}:Good", *arguments) == 0
    printed = json.loads(capsys.readouterr().out)
    assert printed["hop"] == 1
    # two seconds at the model's rate, and what follows every recording
    assert printed["contract"]["c_host"]["samples"] == 256 + len(adversarial_counts(1, 128.0))
    assert Bundle.load("b").manifest.model_hash == printed["model_hash"]


def test_the_verb_refuses_in_one_line_with_exit_code_2(user_module, monkeypatch, capsys):
    assert run(monkeypatch, "export", f"{user_module}:Finer", "--sfreq", "128", "--out", "b") == 2
    said = capsys.readouterr()
    assert said.out == ""
    (line,) = said.err.strip().splitlines()
    assert line.startswith("edgeeeg: layer ")
    assert "use Resize" in line
