"""What holds of every linear recurrence: its sequence form is its step, in value, gradient and state."""

from __future__ import annotations

import io
from typing import Any

import pytest
import torch
from linear_cells import CELLS, Case, case
from torch import Tensor

from edgeeeg.cells.step_loop import step_loop

# frames: one, less than a chunk, a whole one, whole ones and a rest
LENGTHS = (1, 5, 64, 150)


def leaves(of: Case) -> tuple[Tensor, ...]:
    """Every tensor that a gradient is wanted of; whether it has started is no quantity."""
    state = of.state[:-1] if hasattr(of.state, "started") else of.state
    return tuple(leaf.requires_grad_() for leaf in (*of.parts(), *of.params, *state))


def value_and_gradients(of: Case, run: Any) -> tuple[Tensor, ...]:
    """Output, last state, and gradients of a random combination of both."""
    wanted = leaves(of)
    y, state = run()
    generator = torch.Generator().manual_seed(9)
    loss = y.new_zeros(())
    for part in (y, *(part for part in state if part.requires_grad)):
        loss = loss + (part * torch.randn(part.shape, generator=generator, dtype=part.dtype)).sum()
    return y, *state, *torch.autograd.grad(loss, wanted)


@pytest.mark.parametrize("time", LENGTHS)
@pytest.mark.parametrize("name", CELLS)
@pytest.mark.parametrize(
    ("dtype", "tolerance"), [(torch.float64, 1e-9), (torch.float32, 2e-5)], ids=["float64", "float32"]
)
def test_the_sequence_form_is_the_step_loop(
    name: str, time: int, dtype: torch.dtype, tolerance: float
) -> None:
    of = case(name, time, dtype=dtype)
    expected = value_and_gradients(of, lambda: step_loop(of.cell.step, of.params, of.x, of.state))
    actual = value_and_gradients(of, lambda: of.cell.scan(of.params, of.x, of.state))
    for want, have in zip(expected, actual, strict=True):
        scale = want.abs().max().clamp(min=1).item()
        torch.testing.assert_close(have / scale, want / scale, rtol=0, atol=tolerance)


@pytest.mark.parametrize("name", CELLS)
def test_without_a_state_it_starts_from_the_initial_one(name: str) -> None:
    of = case(name, 9)
    y, _ = step_loop(of.cell.step, of.params, of.x, of.initial_state())
    torch.testing.assert_close(of.cell.scan(of.params, of.x)[0], y, rtol=1e-10, atol=1e-11)


@pytest.mark.parametrize("name", CELLS)
def test_gradients_are_those_of_finite_differences(name: str) -> None:
    of = case(name, 5, batch=1)
    wanted = leaves(of)
    n_parts, n_params = len(of.parts()), len(of.params)

    def output(*values: Tensor) -> Tensor:
        parts, rest = values[:n_parts], values[n_parts:]
        state = of.state._replace(**dict(zip(of.state._fields, rest[n_params:], strict=False)))
        y: Tensor = of.cell.scan(type(of.params)(*rest[:n_params]), of.inputs(parts), state)[0]
        return y

    assert torch.autograd.gradcheck(output, wanted)


@pytest.mark.parametrize("chunk", [1, 3, 7])
@pytest.mark.parametrize("name", CELLS)
def test_chunks_with_carried_state_are_the_whole(name: str, chunk: int) -> None:
    of = case(name, 75)
    whole, last = of.cell.scan(of.params, of.x)
    state, parts = None, []
    for start in range(0, 75, chunk):
        y, state = of.cell.scan(of.params, of.between(start, start + chunk), state)
        parts.append(y)
    torch.testing.assert_close(torch.cat(parts, 1), whole, rtol=1e-10, atol=1e-10)
    torch.testing.assert_close(tuple(state or ()), tuple(last), rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize("name", CELLS)
def test_two_instances_are_independent(name: str) -> None:
    of, other = case(name, 20), case(name, 20, seed=5)
    alone, last = of.cell.scan(of.params, of.x, of.state)
    kept = tuple(part.clone() for part in of.state)
    y1, state = of.cell.scan(of.params, of.between(0, 8), of.state)
    other.cell.scan(other.params, other.x, other.state)
    y2, state = of.cell.scan(of.params, of.between(8, 20), state)
    torch.testing.assert_close(torch.cat([y1, y2], 1), alone, rtol=1e-10, atol=1e-10)
    torch.testing.assert_close(tuple(state), tuple(last), rtol=1e-10, atol=1e-10)
    assert all(torch.equal(before, after) for before, after in zip(kept, of.state, strict=True))


@pytest.mark.parametrize("name", CELLS)
def test_the_rows_of_a_batch_are_independent(name: str) -> None:
    of = case(name, 70)
    both, _ = of.cell.scan(of.params, of.x, of.state)
    second = of.inputs(tuple(part[1:] for part in of.parts()))
    alone, _ = of.cell.scan(of.params, second, type(of.state)(*(part[1:] for part in of.state)))
    torch.testing.assert_close(alone, both[1:], rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize("name", CELLS)
def test_a_saved_and_restored_state_changes_nothing(name: str) -> None:
    of = case(name, 30, dtype=torch.float32)
    _, state = of.cell.scan(of.params, of.between(0, 13), of.state)
    expected, _ = of.cell.scan(of.params, of.between(13, 30), state)
    file = io.BytesIO()
    torch.save(tuple(state), file)
    file.seek(0)
    restored = type(state)(*torch.load(file, weights_only=True))
    assert torch.equal(of.cell.scan(of.params, of.between(13, 30), restored)[0], expected)


@pytest.mark.parametrize("scale", [0.0, 1e4], ids=["silence", "1e4"])
@pytest.mark.parametrize("name", CELLS)
def test_silence_and_large_inputs_stay_finite(name: str, scale: float) -> None:
    of = case(name, 200, dtype=torch.float32)
    generator = torch.Generator().manual_seed(3)
    # signs change at random, and the first frame is the most negative: no sum has begun then
    parts = {field: None for field in getattr(of.x, "_fields", ("u",))}
    for field, part in zip(parts, of.parts(), strict=True):
        if field == "w":
            parts[field] = torch.full_like(part, 1 - 2**-12)
        elif field == "delta":
            parts[field] = torch.full_like(part, scale)
        else:
            signs = torch.randint(0, 2, part.shape, generator=generator) * 2.0 - 1
            signs[:, 0] = -1
            parts[field] = scale * signs
    x = of.inputs(tuple(part.requires_grad_() for part in parts.values()))
    params = type(of.params)(*(part.requires_grad_() for part in of.params))
    for run in (
        lambda: of.cell.scan(params, x),
        lambda: step_loop(of.cell.step, params, x, of.initial_state()),
    ):
        y, state = run()
        gradients = torch.autograd.grad(y.sum(), (*parts.values(), *params))
        for part in (y, *state, *gradients):
            assert part.isfinite().all()


@pytest.mark.parametrize("name", CELLS)
def test_the_custom_operator_runs_the_scan_from_the_initial_state(name: str) -> None:
    of = case(name, 70)
    assert torch.equal(of.operator()(*of.operands()), of.cell.scan(of.params, of.x)[0])


@pytest.mark.parametrize("name", CELLS)
def test_the_custom_operator_is_what_its_fake_says(name: str) -> None:
    of = case(name, 70)
    torch.library.opcheck(of.operator(), of.operands(), test_utils=("test_schema", "test_faketensor"))
