"""A 64-bit checksum of results, the same in C and in NumPy: a polynomial in an odd number.

h(w) = P**n + sum_i w[i] P**(n-1-i) modulo 2**64, a word for each element: a float's bits, an integer's value.
P is odd and so has an inverse: results that differ in one word never agree in h. Horner's rule on a board and
a dot product here give the same. The C twin is `firmware/kernel_check.h`.
"""

from __future__ import annotations

import numpy as np

from edgeeeg_export.tensor import Array

POLYNOMIAL = np.uint64(6364136223846793005)
START = 1


def extend_checksum(checksum: int, results: Array) -> int:
    """The checksum of what came before, and of the elements of `results` in their order."""
    flat = np.ascontiguousarray(results).ravel()
    words = flat.view(np.uint32) if flat.dtype == np.float32 else flat.astype(np.int32).view(np.uint32)
    powers = np.full(len(words) + 1, POLYNOMIAL)
    powers[0] = 1
    powers = np.cumprod(powers)
    tail = np.sum(words * powers[-2::-1], dtype=np.uint64)
    return (checksum * int(powers[-1]) + int(tail)) % (1 << 64)
