import pytest
import torch
from torch import nn

from edgeeeg.errors import ModelError
from edgeeeg.layers.cross_time_mixing import CrossTimeMixing
from edgeeeg.layers.time_mixing4 import TimeMixing4

D = 8


def modalities() -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(1)
    a, b = torch.randn(2, 2, 15, D, generator=generator)
    return a, b


def test_between_a_modality_and_itself_it_is_time_mixing() -> None:
    torch.manual_seed(0)
    cross, single = CrossTimeMixing(D), TimeMixing4(D)
    single.load_state_dict(cross.state_dict())
    a, _ = modalities()
    for y in cross(a, a):
        torch.testing.assert_close(y, single(a))


def test_each_reads_the_other_with_its_own_receptance() -> None:
    torch.manual_seed(0)
    cross = CrossTimeMixing(D)
    a, b = (part.requires_grad_() for part in modalities())
    y_a, y_b = cross(a, b)
    swapped = cross(b, a)
    torch.testing.assert_close(swapped, (y_b, y_a))
    # with its own key and value silenced, what a reads of b does not change
    of_b, of_a = torch.autograd.grad(y_a[:, -1].sum(), (b, a))
    assert (of_b.abs().amax((0, 2)) > 0).all()
    # a's receptance sees its last two frames only
    assert (of_a.abs().amax((0, 2))[:-2] == 0).all()
    assert of_a[:, -1].abs().max() > 0


def test_the_causal_twin_has_the_same_parameters() -> None:
    torch.manual_seed(0)
    both, twin = CrossTimeMixing(D, causal=False), CrossTimeMixing(D)
    twin.load_state_dict(both.state_dict())
    a, b = modalities()
    changed = b.clone()
    changed[:, 10:] += 1.0
    assert (both(a, b)[0][:, 0] != both(a, changed)[0][:, 0]).any()
    assert torch.equal(twin(a, b)[0][:, :10], twin(a, changed)[0][:, :10])


@pytest.mark.parametrize(("output_projection", "squares"), [(True, 4), (False, 3)])
def test_it_has_half_the_weights_of_cross_attention_or_fewer(output_projection: bool, squares: int) -> None:
    matrices = [p for p in CrossTimeMixing(D, output_projection).parameters() if p.ndim == 2]
    attention = [p for _ in range(2) for p in nn.MultiheadAttention(D, 1, bias=False).parameters()]
    assert sum(p.numel() for p in matrices) == squares * D * D
    assert sum(p.numel() for p in attention) == 8 * D * D


def test_an_exported_program_keeps_one_node_for_each_modality() -> None:
    cross = CrossTimeMixing(D)
    program = torch.export.export(cross, modalities())
    assert [str(n.target) for n in program.graph.nodes].count("edgeeeg.wkv4.default") == 2
    torch.testing.assert_close(program.module()(*modalities()), cross(*modalities()))


def test_modalities_of_unequal_shape_are_refused() -> None:
    a, b = modalities()
    with pytest.raises(ModelError, match=r"shapes \(2, 15, 8\) and \(2, 14, 8\)"):
        CrossTimeMixing(D)(a, b[:, 1:])
