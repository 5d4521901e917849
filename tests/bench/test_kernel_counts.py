"""What kernels execute on emulated cores: each layer in an image of its own, as a program would have it."""

from __future__ import annotations

import pytest

from edgeeeg_bench.kernels.counting import count
from edgeeeg_bench.kernels.events import FORMS, RATES, event_rows
from edgeeeg_bench.kernels.fitting import solve
from edgeeeg_bench.kernels.layers import LAYERS
from edgeeeg_bench.kernels.section import layer_rows, limit
from edgeeeg_export.kernels.choice import choose, cost
from edgeeeg_export.kernels.costs import CORE, table
from edgeeeg_export.kernels.kernel import FAMILIES

MOST = {
    "cortex-m4": {
        "FC 64-64": 1.9,
        "FC 128-128": 1.6,
        "conv 1x1 16-32 x64": 2.2,
        "conv 1x8 16-16 x57": 1.6,
        "temporal conv 1x64 1-8, 22x256": 1.4,
        "depthwise 1x16, 16 ch x241": 3.0,
        "depthwise 22x1, 16 ch x256": 3.0,
        "depthwise 3x3, 16 ch, 16x16": 4.5,
    },
    "cortex-m55": {
        "FC 64-64": 0.45,
        "temporal conv 1x64 1-8, 22x256": 0.45,
        "depthwise 1x16, 16 ch x241": 1.0,
    },
}
"""Instructions per MAC, with requantization."""


@pytest.mark.parametrize("core", MOST)
def test_instructions_per_mac(core, tmp_path):
    found = count([layer.case for layer in LAYERS], core, tmp_path, per_image=1)
    rows = {row["layer"]: row for row in layer_rows(LAYERS, found, core)}
    assert all(row["bit_exact"] for row in rows.values())
    for name, most in MOST[core].items():
        assert rows[name]["limit"] < rows[name]["instructions_per_mac"] <= most, name
        assert rows[name]["vendor"] is None or rows[name]["instructions_per_mac"] < rows[name]["vendor"]


def test_a_layer_of_spikes_takes_the_cheaper_form(tmp_path):
    rows = event_rows("cortex-m4", tmp_path)
    assert {(row.dtype, row.rate) for row in rows} == {(dtype, rate) for dtype in FORMS for rate in RATES}
    assert all(row.bit_exact for row in rows)
    for row in rows:
        question = 64 + 5 * row.k if 0 < row.break_even < 1 else 0
        assert row.chosen <= min(row.events, row.dense) + question + 0.01 * row.dense, row
        if row.rate == 0.05 and row.k == row.n:
            assert row.chosen <= row.dense / 4, row


def test_every_kernel_has_costs_on_every_core():
    for layer in LAYERS:
        kernels = layer.op.kernels(layer.case.input_types)
        assert {kernel.name for kernel in kernels} <= table()["cortex-m4"].keys()
        for family in FAMILIES:
            assert cost(choose(kernels)[family], family) > layer.outputs
            assert set(kernels[0].work) <= table()[CORE[family]][kernels[0].name].keys()


def test_a_limit_counts_products_loads_and_stores():
    (dense, *_) = LAYERS
    assert limit(dense, "cortex-m4") == pytest.approx(0.5 + ((64 + 64 * 64) / 4 + 64) / 64**2)
    assert limit(dense, "cortex-m55") == pytest.approx(1 / 16 + ((64 + 64 * 64) / 16 + 64) / 64**2)


def test_costs_are_found_again():
    work = [{"call": 1, "mac": n, "odd": n % 2} for n in (3, 8, 20, 33, 50)]
    costs, worst = solve(work, [40 + 2.5 * each["mac"] + 7 * each["odd"] for each in work])
    assert costs == pytest.approx({"call": 40, "mac": 2.5, "odd": 7}, rel=1e-3)
    assert worst < 1e-3
