"""NumPy and C give the same bits; the error against the true value is what the docstring says."""

from __future__ import annotations

import ctypes
import math
from importlib.resources import files

import numpy as np
import pytest

from edgeeeg import floatmath
from edgeeeg_export.toolchain import compile_shared

FUNCTIONS = (
    *("exp", "expm1", "log", "log1p", "erf", "tanh", "sigmoid", "softplus"),
    *("flush", "trunc", "floor", "ceil", "round_half_even"),
)

EDGES = np.array(
    [0.0, -0.0, np.inf, -np.inf, np.nan, 1e-45, -1e-45, 1.17549435e-38, 3.4028235e38, -3.4028235e38]
    + [2.0**-80, -(2.0**-80)]
    + [sign * edge for edge in (88.72283, 87.33655, 0.625, 0.41421357, 0.5, 1.0, 20.0) for sign in (1, -1)],
    dtype=np.float32,
)


@pytest.fixture(scope="module")
def compiled(tmp_path_factory):
    folder = tmp_path_factory.mktemp("math")
    loops = "\n".join(
        f"void {name}(const float *x, float *y, size_t n) {{\n"
        f"    for (size_t i = 0; i < n; i++) {{ y[i] = edgeeeg_{name}(x[i]); }}\n}}"
        for name in FUNCTIONS
    )
    loops += (
        "\nvoid pow(const float *x, const float *y, float *z, size_t n) {\n"
        "    for (size_t i = 0; i < n; i++) { z[i] = edgeeeg_pow(x[i], y[i]); }\n}"
    )
    (folder / "math.c").write_text(f'#include <stddef.h>\n#include "edgeeeg_math.h"\n{loops}\n')
    runtime = files("edgeeeg_export").joinpath("runtime")
    return ctypes.CDLL(str(compile_shared([folder / "math.c"], runtime, folder / "libmath.so")))


def call(compiled, name, x):
    y = np.empty_like(x)
    getattr(compiled, name)(
        x.ctypes.data_as(ctypes.c_void_p), y.ctypes.data_as(ctypes.c_void_p), ctypes.c_size_t(x.size)
    )
    return y


def arguments(name):
    rng = np.random.default_rng(7)
    patterns = rng.integers(0, 2**32, 700_000, dtype=np.uint32).view(np.float32)
    usual = rng.uniform(-95, 95, 300_000).astype(np.float32)
    with np.errstate(over="ignore"):
        near = np.concatenate([np.nextafter(EDGES, np.float32(s * np.inf)) for s in (1, -1)])
    x = np.concatenate([EDGES, near, patterns, usual])
    return np.abs(x[np.isfinite(x)]) if name == "log1p" else x


@pytest.mark.parametrize("name", FUNCTIONS)
def test_numpy_and_c_agree_to_the_last_bit(compiled, name):
    x = arguments(name)
    assert x.size >= 990_000
    with np.errstate(all="ignore"):
        ours = getattr(floatmath, name)(x)
    theirs = call(compiled, name, x)
    assert ours.dtype == np.float32
    nan = np.isnan(ours)
    np.testing.assert_array_equal(nan, np.isnan(theirs))  # IEEE leaves a NaN's sign and payload open
    np.testing.assert_array_equal(ours[~nan].view(np.uint32), theirs[~nan].view(np.uint32))


@pytest.mark.parametrize(
    ("name", "truth", "low", "high", "bound"),
    [
        ("exp", np.exp, -87.3, 88.7, 1.0),
        ("expm1", np.expm1, -80.0, 88.0, 4.0),
        ("log", np.log, 1e-30, 1e30, 1.0),
        ("log", np.log, 0.5, 2.0, 1.0),
        ("log1p", np.log1p, 0.0, 1.0, 2.0),
        ("erf", np.vectorize(math.erf), -5.0, 5.0, 2.0),
        ("tanh", np.tanh, -12.0, 12.0, 2.0),
        ("sigmoid", lambda x: 1 / (1 + np.exp(-x)), -80.0, 80.0, 3.0),
        ("softplus", lambda x: np.logaddexp(0, x), -80.0, 80.0, 3.0),
    ],
)
def test_error_is_within_the_documented_ulps(name, truth, low, high, bound):
    x = np.random.default_rng(3).uniform(low, high, 400_000).astype(np.float32)
    small = np.random.default_rng(4).uniform(low / 50, high / 50, 400_000).astype(np.float32)
    x = np.concatenate([x, small])
    exact = truth(x.astype(np.float64))
    error = np.abs(getattr(floatmath, name)(x).astype(np.float64) - exact) / np.spacing(
        np.abs(exact).astype(np.float32)
    )
    assert error.max() < bound


@pytest.mark.parametrize("name", ["trunc", "floor", "ceil"])
def test_whole_numbers_are_numpys(name):
    x = arguments(name)
    with np.errstate(invalid="ignore"):
        np.testing.assert_array_equal(getattr(floatmath, name)(x), getattr(np, name)(x))


def test_rounding_takes_the_even_of_two():
    x = np.concatenate([arguments("round"), np.arange(-50, 50, dtype=np.float32) / 2])
    with np.errstate(invalid="ignore"):
        np.testing.assert_array_equal(floatmath.round_half_even(x), np.round(x))


def test_pow_is_the_same_in_c_and_close_to_the_truth(compiled):
    rng = np.random.default_rng(11)
    edges = np.array([0, -0.0, 1, -1, 2, -2, 3, 0.5, -0.5, np.inf, -np.inf, np.nan, 1e38, 1e-40], np.float32)
    x, y = (v.ravel() for v in np.meshgrid(edges, edges))
    base = np.exp(rng.uniform(-9, 9, 200_000)).astype(np.float32)
    x, y = np.concatenate([x, base]), np.concatenate([y, rng.uniform(-9, 9, 200_000).astype(np.float32)])
    theirs = np.empty_like(x)
    pointers = [v.ctypes.data_as(ctypes.c_void_p) for v in (x, y, theirs)]
    compiled.pow(*pointers, ctypes.c_size_t(x.size))
    with np.errstate(all="ignore"):
        ours = floatmath.pow(x, y)
        exact = np.power(x.astype(np.float64), y.astype(np.float64))
    nan = np.isnan(ours)
    np.testing.assert_array_equal(nan, np.isnan(theirs))
    np.testing.assert_array_equal(ours[~nan].view(np.uint32), theirs[~nan].view(np.uint32))
    usual = slice(edges.size**2, None)
    exponent = np.abs(y[usual].astype(np.float64) * np.log(x[usual].astype(np.float64)))
    error = np.abs(ours[usual] / exact[usual] - 1) * 2.0**24
    assert (error <= 2 + 2 * exponent).all()
    for case in (
        (-2.0, 3.0, -8.0),
        (-2.0, 2.0, 4.0),
        (0.0, 2.0, 0.0),
        (0.0, -1.0, np.inf),
        (np.nan, 0.0, 1.0),
    ):
        assert floatmath.pow(np.float32(case[0]), np.float32(case[1])) == pytest.approx(case[2], rel=1e-6)


def test_limits():
    one = np.float32
    assert floatmath.exp(one(-87.4)) == 0.0
    assert floatmath.exp(one(88.73)) == np.inf
    assert math.isnan(floatmath.exp(one(np.nan)))
    assert floatmath.exp(one(0.0)) == 1.0
    assert floatmath.tanh(one(40.0)) == 1.0
    assert floatmath.tanh(one(-40.0)) == -1.0
    assert floatmath.sigmoid(one(-100.0)) == 0.0
    assert floatmath.sigmoid(one(100.0)) == 1.0
    assert floatmath.softplus(one(50.0)) == 50.0
    assert floatmath.log1p(one(0.0)) == 0.0
