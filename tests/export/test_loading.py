"""What a user may bring, and what is said of what cannot be loaded."""

from __future__ import annotations

import pickle

import numpy as np
import onnx
import pytest
import torch
from onnx import helper
from safetensors.torch import save_file

from edgeeeg.layers.lif import Lif
from edgeeeg_export.capture import trace
from edgeeeg_export.errors import CaptureError
from edgeeeg_export.loading import SHIPPED, load_model
from edgeeeg_export.source import OnnxSource

SHAPE = (1, 3, 32)

MODULE = """
import torch
from edgeeeg.layers.causal_conv import CausalConv1d

class Detector(torch.nn.Sequential):
    n_chans, sfreq, n_times = 2, 200.0, 32
    def __init__(self):
        super().__init__(CausalConv1d(2, 3, 4), torch.nn.Tanh(), CausalConv1d(3, 1, 1))

class Nameless(torch.nn.Sequential):
    def __init__(self):
        super().__init__(CausalConv1d(2, 1, 4))

class Branching(torch.nn.Module):
    n_chans = 1
    def forward(self, x):
        return x if x.sum() > 0 else -x

def needs(width):
    return Detector()

def number():
    return 3
"""


@pytest.fixture
def factory(tmp_path, monkeypatch):
    """A module of the user's, importable from the current folder."""
    name = f"user_{tmp_path.name.replace('-', '_')}"
    (tmp_path / f"{name}.py").write_text(MODULE)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("sys.path", ["", *__import__("sys").path])
    return name


def detector(factory):
    return __import__(factory).Detector()


def refusal(*arguments, **options):
    with pytest.raises(CaptureError) as caught:
        load_model(*arguments, **options)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def bias(loaded):
    weights = {w.name: onnx.numpy_helper.to_array(w) for w in loaded.onnx_model.graph.initializer}
    return next(value for name, value in weights.items() if name.endswith("2.bias"))


def test_a_factory_brings_its_rate_and_shape(factory):
    loaded = load_model(f"{factory}:Detector")
    assert (loaded.sfreq, loaded.unit, loaded.source.kind) == (200.0, "uV", "torch")
    dims = loaded.onnx_model.graph.input[0].type.tensor_type.shape.dim
    assert [d.dim_value for d in dims] == [1, 2, 32]


def test_shape_and_channels_may_be_given(factory):
    loaded = load_model(f"{factory}:Nameless", n_chans=2, n_times=48)
    dims = loaded.onnx_model.graph.input[0].type.tensor_type.shape.dim
    assert [d.dim_value for d in dims] == [1, 2, 48]


def test_a_module_without_channels_says_how_to_give_them(factory):
    message = refusal(f"{factory}:Nameless")
    assert "Nameless" in message
    assert "--n-chans" in message


@pytest.mark.parametrize("suffix", ["safetensors", "pt", "pth"])
def test_a_state_dict_is_loaded(factory, tmp_path, suffix):
    state = detector(factory).state_dict()
    state["2.bias"] = torch.full((1,), 0.625)
    path = tmp_path / f"weights.{suffix}"
    save_file(state, path) if suffix == "safetensors" else torch.save(state, path)
    assert bias(load_model(f"{factory}:Detector", path)) == np.float32(0.625)


@pytest.mark.parametrize("suffix", ["safetensors", "pt"])
def test_a_state_dict_of_another_model_names_the_keys(factory, tmp_path, suffix):
    state = {"2.weird": torch.ones(1)}
    path = tmp_path / f"weights.{suffix}"
    save_file(state, path) if suffix == "safetensors" else torch.save(state, path)
    message = refusal(f"{factory}:Detector", path)
    assert "does not hold the weights of this model" in message
    assert "2.weird" in message


class Payload:
    """Unpickling this would run code."""

    def __reduce__(self):
        return (print, ("a pickle was executed",))


@pytest.mark.parametrize("content", ["pickle", "module", "noise", "empty"])
def test_full_pickles_and_noise_are_never_loaded(factory, tmp_path, capsys, content):
    path = tmp_path / "weights.pt"
    if content == "pickle":
        path.write_bytes(pickle.dumps(Payload(), protocol=2))
    elif content == "module":
        torch.save(torch.nn.Linear(2, 2), path)
    else:
        path.write_bytes(b"noise" * 50 if content == "noise" else b"")
    message = refusal(f"{factory}:Detector", path)
    assert "cannot be read as a plain state dict" in message
    assert "safetensors" in message
    assert "executed" not in capsys.readouterr().out


def test_damaged_safetensors(factory, tmp_path):
    (tmp_path / "weights.safetensors").write_bytes(b"\x10\0\0\0\0\0\0\0{")
    assert "cannot be read" in refusal(f"{factory}:Detector", tmp_path / "weights.safetensors")


def test_other_suffixes_and_missing_files(factory, tmp_path):
    (tmp_path / "weights.bin").write_bytes(b"")
    assert "must end in .safetensors, .pt or .pth" in refusal(f"{factory}:Detector", tmp_path / "weights.bin")
    assert "there is no file" in refusal(f"{factory}:Detector", tmp_path / "none.pt")
    assert "there is no file none.onnx" in refusal("none.onnx")
    assert "there is no file none.pt2" in refusal("none.pt2")


def test_factories_that_cannot_be_used(factory):
    assert "cannot import 'no_such_module'" in refusal("no_such_module:Detector")
    assert "has no 'Missing'" in refusal(f"{factory}:Missing")
    assert "without arguments" in refusal(f"{factory}:needs")
    assert "returned a int, not a torch.nn.Module" in refusal(f"{factory}:number")
    assert "write module:factory" in refusal(":Detector")
    assert "write module:factory" in refusal(f"{factory}:")
    assert "cannot trace Branching" in refusal(f"{factory}:Branching")


def test_a_module_that_fails_as_it_is_imported_is_one_line(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(tmp_path)
    (tmp_path / "broken_syntax_module.py").write_text("def f(:\n")
    (tmp_path / "raising_module.py").write_text("raise RuntimeError('boom')\n")
    assert "failed with SyntaxError" in refusal("broken_syntax_module:f")
    assert "failed with RuntimeError: boom" in refusal("raising_module:f")
    assert "failed with TypeError" in refusal(".relative:f")


@pytest.mark.parametrize(("name", "value"), [("n_chans", "2"), ("hop", 0), ("n_times", 1.5)])
def test_attributes_of_a_module_must_be_whole_numbers(name, value):
    module = torch.nn.Conv1d(2, 1, 1)
    module.n_chans = 2
    setattr(module, name, value)
    assert f"Conv1d.{name} is {value!r}" in refusal(module)


def test_something_else_lists_what_works():
    message = refusal("detector")
    assert all(name in message for name in (*SHIPPED, "module:factory", ".pt2", ".onnx", ".nir"))


def test_a_pt2_file(factory, tmp_path):
    module = detector(factory)
    path = tmp_path / "model.pt2"
    torch.export.save(trace(module, 2, 32), path)
    loaded = load_model(str(path))
    assert loaded.source.kind == "torch"
    assert loaded.source.longest(1000) == 32
    x = np.random.default_rng(0).standard_normal((1, 2, 32)).astype(np.float32)
    with torch.no_grad():
        expected = module(torch.from_numpy(x)).numpy()
    np.testing.assert_allclose(loaded.source.run({"eeg": x})["score"], expected, atol=1e-6)
    with pytest.raises(CaptureError, match="takes 32 samples, not 16"):
        loaded.source.run({"eeg": x[:, :, :16]})
    assert "leave out --weights" in refusal(str(path), tmp_path / "weights.pt")


def test_a_file_that_is_no_exported_program(tmp_path):
    (tmp_path / "model.pt2").write_bytes(b"noise")
    assert "is not an exported program" in refusal(str(tmp_path / "model.pt2"))


def test_an_onnx_file_is_its_own_judge(onnx_model, tmp_path):
    model = onnx_model([helper.make_node("Tanh", ["x"], ["y"])], output_shape=SHAPE)
    path = tmp_path / "model.onnx"
    onnx.save(model, path)
    loaded = load_model(str(path))
    assert isinstance(loaded.source, OnnxSource)
    assert loaded.source.longest(1000) == 32
    x = np.random.default_rng(0).standard_normal((1, 3, 32)).astype(np.float32)
    np.testing.assert_allclose(loaded.source.run({"x": x})["y"], np.tanh(x), atol=1e-6)


def test_an_onnx_file_with_our_nodes_has_no_other_runtime(onnx_model, tmp_path):
    lif = helper.make_node("Lif", ["x", "b", "b"], ["y"], domain="edgeeeg", reset="subtract", reset_delay=1)
    path = tmp_path / "model.onnx"
    onnx.save(onnx_model([lif], {"b": np.ones(32, dtype=np.float32)}, output_shape=SHAPE), path)
    assert load_model(str(path)).source is None
    with pytest.raises(CaptureError, match="bring the torch module"):
        OnnxSource(onnx.load(path))


def test_onnx_files_that_cannot_be_used(onnx_model, tmp_path):
    noise = tmp_path / "noise.onnx"
    noise.write_bytes(b"noise")
    assert "is not a valid ONNX model" in refusal(str(noise))
    old = tmp_path / "old.onnx"
    onnx.save(onnx_model([helper.make_node("Relu", ["x"], ["y"])], output_shape=SHAPE, opset=12), old)
    message = refusal(str(old))
    assert "opset 12; opset 13 or later is needed" in message
    assert "version_converter" in message


def test_a_model_that_changes_a_buffer_is_refused_by_its_name():
    class Smoothing(torch.nn.Module):
        n_chans = 1

        def __init__(self):
            super().__init__()
            self.register_buffer("average", torch.zeros(1, 1, 1))

        def forward(self, x):
            self.average.mul_(0.9).add_(0.1 * x[:, :, :1])
            return x - self.average

    assert "changes its buffer 'average'" in refusal(Smoothing(), None, 1, 16)


@pytest.mark.parametrize(("value", "what"), [(float("nan"), "NaN"), (float("-inf"), "infinity")])
def test_weights_that_are_no_numbers_are_refused_by_their_own_names(value, what, factory, tmp_path):
    model = detector(factory)
    with torch.no_grad():
        model[2].weight[0, 1] = value
    message = f"parameter '2.weight' (1, 3, 1) holds {what} in 1 of 3 values; train it again"
    assert refusal(model).startswith(f"Detector's {message}")
    saved = tmp_path / "weights.safetensors"
    save_file(model.state_dict(), saved)
    assert message in refusal(f"{factory}:Detector", saved)
    program = tmp_path / "detector.pt2"
    torch.export.save(trace(model, 2, 32), program)
    assert message in refusal(str(program))


def test_a_fixed_threshold_is_named_too():
    class Spiking(torch.nn.Module):
        n_chans = 2

        def __init__(self):
            super().__init__()
            self.mid = torch.nn.Sequential(Lif(2, learn_threshold=False))
            self.mid[0].threshold[1] = float("nan")

        def forward(self, x):
            return self.mid(x.transpose(1, 2)).transpose(1, 2)

    assert "Spiking's buffer 'mid.0.threshold' (2,) holds NaN in 1 of 2 values" in refusal(Spiking())
