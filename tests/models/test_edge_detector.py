import pytest
import torch

from edgeeeg.errors import ModelError
from edgeeeg.models.edge_detector import EdgeDetector


@pytest.fixture
def model() -> EdgeDetector:
    torch.manual_seed(0)
    return EdgeDetector().eval()


def test_one_probability_each_hop(model: EdgeDetector) -> None:
    x = 500 * torch.randn(2, 1, 10 * model.hop, generator=torch.Generator().manual_seed(0))
    y = model(x)
    assert y.shape == (2, 10, 1)
    assert ((y > 0) & (y < 1)).all()
    torch.testing.assert_close(y, torch.sigmoid(model.logits(x)))


def test_the_future_does_not_change_the_past(model: EdgeDetector) -> None:
    x = 500 * torch.randn(1, 1, 40 * model.hop, generator=torch.Generator().manual_seed(0))
    changed = x.clone()
    changed[..., 20 * model.hop :] += 2000.0
    before, after = model(x), model(changed)
    assert torch.equal(before[:, :20], after[:, :20])
    assert not torch.equal(before[:, 20], after[:, 20])


def test_input_scale_is_a_unit(model: EdgeDetector) -> None:
    torch.manual_seed(0)
    other = EdgeDetector(input_scale=1.0).eval()
    x = 5 * torch.randn(1, 1, 20 * model.hop, generator=torch.Generator().manual_seed(0))
    torch.testing.assert_close(other(x), model(x * 100.0))


def test_samples_that_are_no_multiple_of_the_hop_are_refused(model: EdgeDetector) -> None:
    with pytest.raises(ModelError, match=f"crop to {2 * model.hop}"):
        model(torch.zeros(1, 1, 2 * model.hop + 1))
    with pytest.raises(ModelError, match="no positive multiple"):
        EdgeDetector(n_times=model.hop - 1)


def test_another_number_of_channels_is_refused(model: EdgeDetector) -> None:
    with pytest.raises(ModelError, match=r"expected \(batch, 1, n_times\)"):
        model(torch.zeros(1, 2, model.hop))


def test_an_exported_program_keeps_each_recurrence_as_one_node(model: EdgeDetector) -> None:
    x = 500 * torch.randn(1, 1, 20 * model.hop, generator=torch.Generator().manual_seed(0))
    program = torch.export.export(model, (x,))
    targets = [node.target for node in program.graph.nodes]
    assert targets.count(torch.ops.edgeeeg.lif.default) == 1
    assert targets.count(torch.ops.edgeeeg.selective_scan.default) == 1
    torch.testing.assert_close(program.module()(x), model(x))
