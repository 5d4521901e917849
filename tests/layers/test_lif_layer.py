import torch

from edgeeeg.cells import lif as cell
from edgeeeg.layers.lif import Lif


def test_the_layer_scans_the_cell_with_a_decay_below_one() -> None:
    layer = Lif(5, beta=(0.9, 0.9), threshold=(0.7, 0.7))
    with torch.no_grad():
        layer.beta_logit[0] = 50.0
    params = layer.params
    assert (params.beta <= 1).all()
    torch.testing.assert_close(params.beta[1:], torch.full((4,), 0.9))
    x = torch.randn(2, 30, 5, generator=torch.Generator().manual_seed(0))
    assert torch.equal(layer(x), cell.scan(params, x)[0])


def test_neurons_start_with_spread_decays_and_thresholds() -> None:
    params = Lif(5, beta=(0.2, 0.6), threshold=(0.25, 4.0)).params
    torch.testing.assert_close(params.beta.sort().values, torch.tensor([0.2, 0.3, 0.4, 0.5, 0.6]))
    torch.testing.assert_close(params.threshold, torch.tensor([0.25, 0.5, 1.0, 2.0, 4.0]))


def test_an_exported_program_keeps_one_node_with_named_semantics() -> None:
    layer = Lif(3)
    x = torch.randn(1, 8, 3, generator=torch.Generator().manual_seed(0))
    program = torch.export.export(layer, (x,))
    nodes = [node for node in program.graph.nodes if node.target is torch.ops.edgeeeg.lif.default]
    assert len(nodes) == 1
    assert not any("unbind" in str(node.target) for node in program.graph.nodes)
    assert torch.equal(program.module()(x), layer(x))
