"""What a module may return, and that exporting it leaves it as it was."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from edgeeeg_export.capture import to_onnx, trace
from edgeeeg_export.errors import CaptureError
from edgeeeg_export.forced_interpreter import interpret
from edgeeeg_export.loading import load_model
from edgeeeg_export.module_outputs import output_names
from edgeeeg_export.pipeline import compile_model


class Returning(torch.nn.Module):
    n_chans, sfreq, n_times = 1, 128.0, 16

    def __init__(self, returned):
        super().__init__()
        with torch.random.fork_rng():
            torch.manual_seed(0)
            self.conv = torch.nn.Conv1d(1, 2, 1)
        self.returned = returned

    def forward(self, x):
        return self.returned(self.conv(x))


def refusal(returned):
    with pytest.raises(CaptureError) as refused:
        load_model(Returning(returned))
    assert "\n" not in str(refused.value)
    return str(refused.value)


@pytest.mark.parametrize(
    ("returned", "said"),
    [
        (lambda y: None, "returns None (not a tensor)"),
        (lambda y: {}, "returns nothing"),
        (lambda y: (), "returns nothing"),
        (lambda y: (y, None), "returns None (output 1, not a tensor)"),
        (lambda y: {"a": y, "n": 3}, "returns 3 (output 1, not a tensor)"),
        (lambda y: {"a": {"b": y}, "c": [y * 2]}, "containers in a dict"),
        (lambda y: {"a": {"b": y, "c": y * 2}}, "containers in a dict"),
        (lambda y: {1: y}, "the key 1, which is no name"),
        (lambda y: {"seizure risk": y}, "the key 'seizure risk', which is no name"),
        (lambda y: {"tanh": y, "b": torch.tanh(y)}, "the name of another tensor"),
    ],
)
def test_what_is_no_output_is_one_line(returned, said):
    assert said in refusal(returned)


@pytest.mark.parametrize(
    ("returned", "names"),
    [
        (lambda y: y, ["score"]),
        (lambda y: (y, torch.tanh(y)), ["output_0", "output_1"]),
        (lambda y: [y, y], ["output_0", "output_1"]),
        (lambda y: {"risk": torch.sigmoid(y)}, ["risk"]),
        (lambda y: {"risk": torch.sigmoid(y), "artefact": torch.tanh(y)}, ["risk", "artefact"]),
    ],
)
def test_outputs_keep_their_names_in_onnx_and_in_the_original(returned, names):
    program = trace(Returning(returned), 1, 16)
    assert output_names(program) == names
    assert [output.name for output in to_onnx(program).model.graph.output] == names
    x = np.linspace(-1, 1, 16, dtype=np.float32).reshape(1, 1, 16)
    with torch.no_grad():
        values = interpret(program, (x,), {})
        expected = Returning(returned)(torch.from_numpy(x))
    expected = list(expected.values()) if isinstance(expected, dict) else expected
    for name, value in zip(names, [expected] if torch.is_tensor(expected) else expected, strict=True):
        np.testing.assert_array_equal(values[name], value.numpy())


def test_a_dicts_keys_name_the_outputs_of_the_program():
    module = Returning(lambda y: {"risk": torch.sigmoid(y), "artefact": torch.tanh(y)})
    compiled = compile_model(load_model(module), name="model")
    assert [output.name for output in compiled.manifest.outputs] == ["risk", "artefact"]
    header = compiled.subject.program.files["model.h"]
    assert "float risk[2];" in header
    assert "float artefact[2];" in header


@pytest.mark.parametrize("training", [True, False])
def test_a_module_stays_in_the_mode_it_was_in(training):
    module = torch.nn.Sequential(torch.nn.Conv1d(1, 2, 1), torch.nn.BatchNorm1d(2), torch.nn.Dropout(0.5))
    module.train(training)
    module[1].eval()  # frozen statistics, while the rest is trained on
    loaded = load_model(module, n_chans=1, n_times=16)
    loaded.source.run({"eeg": np.zeros((1, 1, 32), dtype=np.float32)})  # traces it again, at another length
    assert [layer.training for layer in module.modules()] == [training, training, False, training]


def test_the_mode_is_restored_after_a_failure():
    module = Returning(lambda y: y if y.sum() > 0 else -y).train()
    with pytest.raises(CaptureError):
        load_model(module)
    assert module.training
