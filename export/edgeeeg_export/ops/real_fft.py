"""The fast Fourier transform of real frames whose length is a power of two.

Even and odd samples become the parts of one complex signal z of half the length N, which is transformed in
place by decimation in time (radix 2), and taken apart again:

X[k] = E[k] + W^k O[k];  E = (Z[k] + Z*[N - k]) / 2;  O = -i (Z[k] - Z*[N - k]) / 2;  W = e^(-2πi / 2N)

Source: Cooley and Tukey 1965, Math. Comput. 19(90); Sorensen et al. 1987, Real-valued fast Fourier transform
algorithms, IEEE Trans. Acoust., Speech, Signal Process. 35(6).
"""

from __future__ import annotations

import numpy as np

from edgeeeg_export.tensor import Array

HALF = np.float32(0.5)


def is_fast(n: int) -> bool:
    """Whether there is a fast transform of n real samples: a power of two from 4."""
    return n >= 4 and n & (n - 1) == 0


def macs(n: int) -> int:
    """Multiply-accumulates of one transform: four for each complex product."""
    half = n // 2
    return 4 * (half // 2 * (half.bit_length() - 1) + (half // 2 - 1))


def real_fft(rows: Array, twiddles: Array) -> Array:
    """Spectra (rows, n / 2 + 1, 2) of real rows (rows, n), bit for bit as `edgeeeg_real_fft`.

    `twiddles` (n, 2) holds cos and sin of -2πm / n.
    """
    count, n = rows.shape
    half = n // 2
    order = _bit_reversed(half)
    real, imaginary = (np.ascontiguousarray(rows[:, part::2][:, order]) for part in (0, 1))
    size = 1
    while size < half:
        cos, sin = twiddles[np.arange(size) * (half // size)].T
        shape = (count, half // (2 * size), 2, size)
        (ar, br), (ai, bi) = (np.moveaxis(part.reshape(shape), 2, 0) for part in (real, imaginary))
        tr, ti = br * cos - bi * sin, br * sin + bi * cos
        real = np.stack([ar + tr, ar - tr], axis=2).reshape(count, half)
        imaginary = np.stack([ai + ti, ai - ti], axis=2).reshape(count, half)
        size *= 2
    spectra = np.zeros((count, half + 1, 2), dtype=np.float32)
    spectra[:, 0, 0] = real[:, 0] + imaginary[:, 0]
    spectra[:, half, 0] = real[:, 0] - imaginary[:, 0]
    spectra[:, half // 2, 0] = real[:, half // 2]
    spectra[:, half // 2, 1] = -imaginary[:, half // 2]
    k = np.arange(1, half // 2)
    ar, ai, br, bi = real[:, k], imaginary[:, k], real[:, half - k], imaginary[:, half - k]
    er, ei = HALF * (ar + br), HALF * (ai - bi)
    odd_r, odd_i = HALF * (ai + bi), HALF * (br - ar)
    cos, sin = twiddles[k].T
    tr, ti = odd_r * cos - odd_i * sin, odd_r * sin + odd_i * cos
    spectra[:, k] = np.stack([er + tr, ei + ti], axis=2)
    spectra[:, half - k] = np.stack([er - tr, ti - ei], axis=2)
    return spectra


def _bit_reversed(n: int) -> np.ndarray:
    """Where the sample of each place of the first stage comes from: its index with the bits reversed."""
    order = np.zeros(1, dtype=np.int64)
    while len(order) < n:
        order = np.concatenate([2 * order, 2 * order + 1])
    return order
