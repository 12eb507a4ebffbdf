"""Who belongs to whom: the assignment of tracks to detections, with a limit to what a pair may cost."""

from __future__ import annotations

import lap
import numpy as np
from numpy.typing import ArrayLike, NDArray

Indices = NDArray[np.int64]


def assign(cost: ArrayLike, limit: float) -> tuple[Indices, Indices]:
    """Pair rows with columns so that the sum of (`limit` − cost) over the pairs is largest.

    That is the Hungarian assignment of the papers in which to stay alone costs as much as the worst pair still
    allowed: a good pair is never broken up for the sake of two bad ones that the limit would reject afterwards. Costs
    above `limit`, infinities and NaN forbid a pair; a cost of exactly `limit` is allowed. The same matrix gives the
    same pairs. Returns the row and the column numbers of the pairs, rows ascending.

    Raises ValueError unless `cost` is two-dimensional and `limit` finite.
    """
    matrix = np.asarray(cost, dtype=np.float64)
    if matrix.ndim != 2:
        raise ValueError(f"cost must be a matrix, not an array of shape {matrix.shape}")
    if not np.isfinite(limit):
        raise ValueError(f"limit must be a finite number, not {limit}")
    with np.errstate(invalid="ignore"):
        allowed = (matrix <= limit) & np.isfinite(matrix)
    rows, columns = np.flatnonzero(allowed.any(axis=1)), np.flatnonzero(allowed.any(axis=0))
    if not rows.size:
        return rows, columns
    block, open_ = matrix[np.ix_(rows, columns)], allowed[np.ix_(rows, columns)]
    # lapjv wants finite costs, and takes pairs that cost less than its limit: hence the shift to positive gains and
    # the hair's breadth.
    lowest = float(block[open_].min())
    width = limit - lowest
    margin = 1e-9 * max(width, 1.0)
    shifted = np.where(open_, block - lowest, 4.0 * (width + margin))
    _, partner, _ = lap.lapjv(np.ascontiguousarray(shifted), extend_cost=True, cost_limit=width + margin)
    paired = np.flatnonzero(partner >= 0)
    chosen = partner[paired].astype(np.int64)
    # A forbidden pair never pays, but rounding must not be able to let one through.
    kept = open_[paired, chosen]
    return rows[paired[kept]], columns[chosen[kept]]
