"""Training speed of the recurrent cells on this host: sequence forms beside a loop over steps, in one run.

Forward and backward of 1,024 frames of 64 channels, gradients of every input and parameter. The loop is
`edgeeeg.cells.step_loop`: the cell's definition on unbound inputs, as a careful author would write it. LIF
is compared with the loop of snnTorch's tutorials, `snntorch.Leaky` called once a frame.

Writes benchmarks/results/cell_training.json with machine, versions and commit; asserts nothing. Medians of
interleaved repeats on one thread, so a busy moment of the machine hits all alike; compare the ratios.
"""

from __future__ import annotations

import json
import platform
import statistics
import subprocess
import time
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from typing import Any

import snntorch
import torch
from rich.table import Table
from torch import Tensor

from edgeeeg import terminal
from edgeeeg.cells import lif, linear_attention, s4d, selective_scan, wkv4, wkv6
from edgeeeg.cells.step_loop import step_loop
from edgeeeg.evidence import Evidence

TIME, WIDTH, N_STATES = 1024, 64, 8
BATCHES = (1, 8, 32)
REPEATS = 7
RESULTS = Path(__file__).parent / "results"

Form = Callable[[], Tensor]
"""A forward pass over the whole sequence."""


def forms(cell: Any, params: Any, x: Any, state: Any) -> tuple[Form, Form, tuple[Tensor, ...]]:
    """The loop over steps, the cell's own sequence form, and the tensors that both are differentiated by."""
    leaves = (*params, *((x,) if isinstance(x, Tensor) else x))
    return (
        lambda: step_loop(cell.step, params, x, state)[0],
        lambda: cell.scan(params, x)[0],
        tuple(leaf.requires_grad_() for leaf in leaves),
    )


def snntorch_forms(params: lif.LifParams, x: Tensor) -> tuple[Form, Form, tuple[Tensor, ...]]:
    """snnTorch's loop and the LIF cell's scan, on the same decays and thresholds."""
    neuron = snntorch.Leaky(params.beta, threshold=params.threshold, learn_beta=True, learn_threshold=True)

    def loop() -> Tensor:
        mem, spikes = neuron.init_leaky(), []
        for frame in x.unbind(1):
            fired, mem = neuron(frame, mem)
            spikes.append(fired)
        return torch.stack(spikes, dim=1)

    leaves = (*params, *neuron.parameters(), x)
    return loop, lambda: lif.scan(params, x)[0], tuple(leaf.requires_grad_() for leaf in leaves)


def work(batch: int) -> dict[str, tuple[Form, Form, tuple[Tensor, ...]]]:
    """What is timed at one batch size, by the cell's name."""
    torch.manual_seed(0)

    def frames(width: int = WIDTH) -> Tensor:
        return torch.randn(batch, TIME, width)

    scan = selective_scan.ScanParams(-1 - torch.rand(WIDTH, N_STATES), torch.randn(WIDTH))
    delta = 0.1 * torch.rand(batch, TIME, WIDTH)
    size, angle = torch.exp(-torch.rand(WIDTH, N_STATES)), torch.rand(WIDTH, N_STATES)
    C_re, C_im = torch.randn(2, WIDTH, N_STATES)
    modes = s4d.S4dParams(size * angle.cos(), size * angle.sin(), C_re, C_im, torch.randn(WIDTH))
    average = wkv4.Wkv4Params(0.01 + torch.rand(WIDTH), torch.randn(WIDTH))
    head = wkv6.Wkv6Params(torch.randn(1, WIDTH))
    attention = linear_attention.AttentionParams(torch.tensor([0.99]))
    read = linear_attention.AttentionInput(frames(), frames(), frames())
    pairs = wkv4.Wkv4Input(frames(), frames())
    selected = wkv6.Wkv6Input(frames(), frames(), frames(), torch.exp(-torch.exp(frames() - 2)))
    return {
        "selective scan": forms(
            selective_scan,
            scan,
            selective_scan.ScanInput(frames(), delta, frames(N_STATES), frames(N_STATES)),
            selective_scan.init_state(batch, scan),
        ),
        "S4D": forms(s4d, modes, frames(), s4d.init_state(batch, modes)),
        "RWKV-4": forms(wkv4, average, pairs, wkv4.init_state(batch, average)),
        "RWKV-6": forms(wkv6, head, selected, wkv6.init_state(batch, head, WIDTH)),
        "linear attention": forms(
            linear_attention, attention, read, linear_attention.init_state(batch, attention, read)
        ),
        "LIF (loop: snnTorch)": snntorch_forms(
            lif.LifParams(0.5 + 0.4 * torch.rand(WIDTH), torch.ones(WIDTH)), frames()
        ),
    }


def milliseconds(form: Form, leaves: tuple[Tensor, ...]) -> float:
    """Time of a forward and a backward pass."""
    start = time.perf_counter()
    y = form()
    # the two neurons of LIF keep their parameters apart
    torch.autograd.grad(y, leaves, torch.ones_like(y), allow_unused=True)
    return (time.perf_counter() - start) * 1e3


def measure(batch: int) -> list[dict[str, Any]]:
    """Medians of every cell at one batch size."""
    cells = work(batch)
    times: dict[str, tuple[list[float], list[float]]] = {name: ([], []) for name in cells}
    for repeat in range(REPEATS + 1):
        for name, (loop, ours, leaves) in cells.items():
            for form, values in zip((loop, ours), times[name], strict=True):
                value = milliseconds(form, leaves)
                if repeat:  # the first round warms up
                    values.append(value)
    rows = []
    for name, of in times.items():
        loop_ms, ours_ms = (statistics.median(values) for values in of)
        rows.append(
            {"cell": name, "batch": batch, "loop_ms": loop_ms, "ours_ms": ours_ms, "ratio": loop_ms / ours_ms}
        )
    return rows


def main() -> None:
    """Time every cell at every batch size, write the result and print it."""
    torch.set_num_threads(1)
    rows = [row for batch in BATCHES for row in measure(batch)]
    commit = subprocess.run(["git", "rev-parse", "HEAD"], capture_output=True, text=True, check=False)
    result = {
        "what": f"milliseconds of a forward and backward pass over {TIME} frames of {WIDTH} channels "
        f"({N_STATES} states or modes each, or one head of {WIDTH} keys and values), one thread, median of "
        "interleaved repeats",
        "evidence": str(Evidence.MEASURED),
        "machine": {"processor": platform.processor() or platform.machine(), "system": platform.platform()},
        "versions": {name: version(name) for name in ("edgeeeg", "torch", "snntorch")},
        "commit": commit.stdout.strip(),
        "threads": 1,
        "repeats": REPEATS,
        "rows": rows,
    }
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / "cell_training.json").write_text(json.dumps(result, indent=2) + "\n")
    table = Table("cell", "batch", "loop ms", "ours ms", "ratio")
    for row in sorted(rows, key=lambda row: row["cell"]):
        figures = (f"{row[column]:.1f}" for column in ("loop_ms", "ours_ms", "ratio"))
        table.add_row(row["cell"], str(row["batch"]), *figures)
    terminal.stdout.print(table)


if __name__ == "__main__":
    main()
