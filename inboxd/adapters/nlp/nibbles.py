"""Weights of four bits, two in a byte: a file of them is a tenth smaller than with one in a byte, compressed or not."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

MOST = 7  # of a weight, up and down
_ZERO = 8


def packed(numbers: NDArray[np.int8]) -> NDArray[np.uint8]:
    """Rows of an even count of whole numbers from -MOST to MOST, as rows of half as many bytes."""
    raised = (numbers + _ZERO).astype(np.uint8)
    found: NDArray[np.uint8] = (raised[:, ::2] * np.uint8(16)) + raised[:, 1::2]
    return found


def unpacked(rows: NDArray[np.uint8]) -> NDArray[np.int8]:
    """What `packed` made them from."""
    both = np.stack([rows >> 4, rows & 15], axis=-1).reshape(len(rows), -1)
    return both.astype(np.int8) - np.int8(_ZERO)
