import pytest
import torch

from edgeeeg.cells import lif
from edgeeeg.cells.firing import Firing, Forced


@pytest.mark.parametrize(("fires", "expected"), [("above", [0.0, 1.0, 0.0]), ("at", [1.0, 1.0, 1.0])])
def test_at_the_threshold_itself(fires: str, expected: list[float]) -> None:
    params = lif.LifParams(torch.tensor([0.0]), torch.tensor([1.0]))
    spikes, _ = lif.scan(
        params, torch.tensor([[[1.0], [1.0000001], [1.0]]]), firing=Firing("none", fires=fires)
    )
    assert spikes.flatten().tolist() == expected


@pytest.mark.parametrize(
    ("reset", "delay", "expected"),
    [
        ("subtract", True, [2.5, 2.25, 1.125]),
        # beyond twice the threshold the reset comes a second time, and the third step takes it back
        ("subtract", False, [1.5, 1.75, 1.875]),
        ("zero", True, [2.5, 2.0, 1.0]),
        ("zero", False, [0.0, 0.0, 1.0]),
        ("none", True, [2.5, 3.25, 2.625]),
    ],
)
def test_a_membrane_by_hand(reset: str, delay: bool, expected: list[float]) -> None:
    """Half of it stays, the threshold is 1."""
    params = lif.LifParams(torch.tensor([0.5]), torch.tensor([1.0]))
    state, mems = lif.init_state(1, params), []
    for current in (2.5, 2.0, 1.0):
        _, state = lif.step(params, torch.tensor([[current]]), state, Firing(reset, delay))
        mems.append(state.mem.item())
    assert mems == expected


def test_forced_spikes_steer_the_reset_and_leave_the_own_decision_visible() -> None:
    params = lif.LifParams(torch.tensor([1.0]), torch.tensor([1.0]))
    x = torch.tensor([[[1.5], [0.0], [0.0]]])
    own, _ = lif.scan(params, x)
    assert own.flatten().tolist() == [1.0, 0.0, 0.0]
    never = torch.zeros(1, 3, 1)
    unsaid, state = lif.scan(params, x, forced=Forced(never, never))
    assert unsaid.flatten().tolist() == [1.0, 1.0, 1.0]
    assert state.mem.item() == 1.5
