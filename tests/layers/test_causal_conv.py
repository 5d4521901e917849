import pytest
import torch

from edgeeeg.errors import ModelError
from edgeeeg.layers.causal_conv import CausalConv1d


@pytest.mark.parametrize(
    ("kernel_size", "stride", "dilation"), [(8, 4, 1), (4, 4, 1), (3, 1, 5), (7, 2, 3), (1, 1, 1)]
)
def test_a_frame_reads_up_to_the_last_sample_of_its_hop(kernel_size: int, stride: int, dilation: int) -> None:
    torch.manual_seed(0)
    conv = CausalConv1d(2, 3, kernel_size, stride=stride, dilation=dilation)
    x = torch.randn(1, 2, 10 * stride)
    base = conv(x)
    assert base.shape == (1, 3, 10)
    for sample in range(x.shape[-1]):
        changed = x.clone()
        changed[..., sample] += 1.0
        differs = (conv(changed) != base).any(1)[0]
        first = sample // stride
        assert not differs[:first].any()
        reach = dilation * (kernel_size - 1) + 1
        if dilation == 1 and reach >= stride:
            assert differs[first]


def test_samples_that_are_no_multiple_of_the_stride_are_refused() -> None:
    with pytest.raises(ModelError, match="10 samples are no multiple of the stride 4; crop to 8"):
        CausalConv1d(1, 1, 8, stride=4)(torch.zeros(1, 1, 10))


def test_a_stride_beyond_the_kernel_is_refused() -> None:
    with pytest.raises(ModelError, match="use a stride of at most 3"):
        CausalConv1d(1, 1, 3, stride=4)


@pytest.mark.parametrize(
    "size", ["in_channels", "out_channels", "kernel_size", "stride", "dilation", "groups"]
)
def test_a_size_below_1_is_refused(size: str) -> None:
    sizes = {"in_channels": 2, "out_channels": 2, "kernel_size": 3, size: 0}
    with pytest.raises(ModelError, match=f"CausalConv1d: {size} is 0; it must be a whole number from 1"):
        CausalConv1d(**sizes)
