import numpy as np
import pytest
import torch
from neurons import BETA, RHO, RISE, THRESHOLD, N, currents

from edgeeeg.cells import adaptive_lif, lif
from edgeeeg.cells.firing import Firing
from edgeeeg.errors import ModelError


def test_without_a_rise_it_is_a_lif() -> None:
    params = adaptive_lif.AdaptiveLifParams(BETA, THRESHOLD, RHO, torch.zeros(N))
    x = currents(2, 300)
    for reset in ("subtract", "zero", "none"):
        ours, state = adaptive_lif.scan(params, x, firing=Firing(reset))
        theirs, last = lif.scan(lif.LifParams(BETA, THRESHOLD), x, firing=Firing(reset))
        assert torch.equal(ours, theirs)
        assert torch.equal(state.mem, last.mem)


def test_it_is_the_papers_recurrence_in_float64() -> None:
    """Bellec et al. 2018, eq. 1 and its methods, written down once more."""
    x = currents(1, 400).double()
    beta, threshold, rho, b = (value.double().numpy() for value in (BETA, THRESHOLD, RHO, RISE))
    params = adaptive_lif.AdaptiveLifParams(*(torch.from_numpy(v) for v in (beta, threshold, rho, b)))
    spikes, _ = adaptive_lif.scan(params, x)
    potential, adaptation, z, level = (np.zeros(N) for _ in range(4))
    expected = []
    for current in x[0].numpy():
        potential = beta * potential + current - level * z  # B_j(t) z_j(t) of the spike
        adaptation = rho * adaptation + (1 - rho) * z
        level = threshold + b * adaptation
        z = (potential > level).astype(float)
        expected.append(z)
    np.testing.assert_array_equal(spikes[0].numpy(), np.array(expected))


def test_a_steady_drive_tires_the_neuron_and_silence_rests_it() -> None:
    params = adaptive_lif.AdaptiveLifParams(*(torch.tensor([v]) for v in (0.5, 1.0, 0.98, 2.0)))
    x = torch.cat([torch.full((1, 300, 1), 1.2), torch.zeros(1, 600, 1), torch.full((1, 300, 1), 1.2)], 1)
    spikes = adaptive_lif.scan(params, x)[0].flatten()
    fresh, tired, rested = (spikes[start : start + 20].sum().item() for start in (0, 280, 900))
    assert fresh == rested > tired > 0


def test_a_reset_at_once_is_refused() -> None:
    params = adaptive_lif.AdaptiveLifParams(BETA, THRESHOLD, RHO, RISE)
    with pytest.raises(ModelError, match="use reset_delay=True"):
        adaptive_lif.scan(params, currents(1, 5), firing=Firing(reset_delay=False))
