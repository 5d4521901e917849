"""`--explain`: what rewrites did, for people and for machines."""

from __future__ import annotations

import json

import numpy as np
import onnx
import pytest
from onnx import helper
from typer.testing import CliRunner

from edgeeeg.cli import build_app
from edgeeeg_export.explanation import explain_model
from edgeeeg_export.lowering import lower
from edgeeeg_export.quantize.format import Format

RNG = np.random.default_rng(0)


@pytest.fixture
def scaled(onnx_model):
    """A convolution with a factor behind it."""
    nodes = [
        helper.make_node("Conv", ["x", "w"], ["c"], name="conv", pads=[2, 0]),
        helper.make_node("Mul", ["c", "s"], ["y"], name="gain"),
    ]
    weights = {
        "w": RNG.standard_normal((4, 3, 3)).astype(np.float32),
        "s": np.full((4, 1), 2.0, dtype=np.float32),
    }
    return onnx_model(nodes, weights, output_shape=(1, 4, 32))


def test_lines_name_the_rewrite_the_layers_and_what_was_done(scaled):
    said = explain_model(scaled, lower(scaled, "net", 8))
    assert list(said.render())[:2] == [
        "rewrite fold_behind",
        "  done: layer 'gain' (Mul): went into the weights of 'conv' (Conv)",
    ]
    (cache,) = said.to_json()["caches"]
    assert (cache["layer"], cache["chosen"]) == ("conv", "moving")
    assert said.to_json()["explain"][0]["rewrite"] == "fold_behind"


def test_nothing_to_do_is_said(onnx_model):
    model = onnx_model([helper.make_node("Relu", ["x"], ["y"])])
    said = explain_model(model, lower(model, "net", 8))
    assert list(said.render()) == ["rewrites: none found anything to do"]


def test_kernels_chosen_and_the_others_are_said(onnx_model):
    nodes = [helper.make_node("Conv", ["x", "w"], ["y"], name="conv", pads=[2, 0])]
    weights = {"w": RNG.standard_normal((4, 3, 3)).astype(np.float32)}
    model = onnx_model(nodes, weights, output_shape=(1, 4, 32))
    formats = {"x": Format("int8", 0.02), "y": Format("int8", 0.1)}
    said = explain_model(model, lower(model, "net", 8, formats=formats))
    choices = {choice.core: choice for choice in said.kernels}
    assert choices.keys() == {"plain", "cortex-m4", "cortex-m55"}
    for choice in choices.values():
        least = min(choice.instructions, key=lambda k: choice.instructions[k] + choice.flash_bytes[k])
        assert choice.chosen == least
        assert {"window", "slide", "columns"} <= choice.instructions.keys()
    (*_, table, _, cache) = said.render()
    assert cache.startswith("  conv: moving ")
    assert table.row_count == len({choice.layer for choice in said.kernels})


def test_inspect_explains(scaled, tmp_path):
    path = tmp_path / "scaled.onnx"
    onnx.save(scaled, path)
    result = CliRunner().invoke(build_app(), ["inspect", str(path), "--explain", "--json"])
    assert result.exit_code == 0, result.output
    (explanation,) = json.loads(result.stdout)["explain"]
    assert explanation["fired"] == ["layer 'gain' (Mul): went into the weights of 'conv' (Conv)"]
    plain = CliRunner().invoke(build_app(), ["inspect", str(path), "--json"])
    assert "explain" not in json.loads(plain.stdout)
    readable = CliRunner().invoke(build_app(), ["inspect", str(path), "--explain"])
    assert "rewrite fold_behind" in readable.stdout


def test_a_model_that_cannot_be_imported_has_no_explanation(onnx_model, tmp_path):
    path = tmp_path / "foreign.onnx"
    nodes = [helper.make_node("ConvTranspose", ["x", "w"], ["y"])]
    weights = {"w": np.ones((3, 4, 1), dtype=np.float32)}
    onnx.save(onnx_model(nodes, weights, output_shape=(1, 4, 32)), path)
    result = CliRunner().invoke(build_app(), ["inspect", str(path), "--explain", "--json"])
    assert result.exit_code == 0, result.output
    found = json.loads(result.stdout)
    assert found["explain"] is None
    assert "ConvTranspose" in found["obstacles"][0]
