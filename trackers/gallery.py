"""How tracks looked: the last features of every track, and how far a new one is from them."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Features = NDArray[np.float32]
Indices = NDArray[np.int64]


class Gallery:
    """A ring buffer of at most `budget` unit features per track, rows of one shared matrix.

    The matrix grows with what is stored, not with tracks times budget: with a long memory most tracks are short.
    Tracks are numbered by their position, and `keep` renumbers them as the caller's table does.
    """

    def __init__(self, budget: int) -> None:
        self._budget = budget
        self._pool: Features = np.zeros((0, 0), dtype=np.float32)
        self._free: list[int] = []
        self._places: Indices = np.zeros(
            (0, budget), dtype=np.int64
        )  # rows of the pool; the first min(count, budget) hold
        self._count: Indices = np.zeros(0, dtype=np.int64)  # features ever stored

    def __len__(self) -> int:
        return len(self._count)

    @property
    def dimension(self) -> int:
        """D of the features, 0 before the first."""
        return int(self._pool.shape[1])

    def start(self, features: Features) -> None:
        """Append a track for every row of (N, D) features."""
        n = len(features)
        self._places = np.concatenate([self._places, np.zeros((n, self._budget), dtype=np.int64)])
        self._count = np.append(self._count, np.zeros(n, dtype=np.int64))
        self.add(np.arange(len(self) - n, len(self)), features)

    def add(self, tracks: Indices, features: Features) -> None:
        """Store one more feature for each of `tracks` (K,), none twice; the oldest makes room.

        Raises ValueError for features of another D than before.
        """
        if not len(tracks):
            return
        if self.dimension not in (0, features.shape[1]):
            raise ValueError(f"features had {self.dimension} columns before and have {features.shape[1]} now")
        slots = self._count[tracks] % self._budget
        fresh = tracks[self._count[tracks] < self._budget]
        self._reserve(len(fresh), features.shape[1])
        self._places[fresh, self._count[fresh]] = [self._free.pop() for _ in range(len(fresh))]
        self._pool[self._places[tracks, slots]] = features
        self._count[tracks] += 1

    def keep(self, mask: NDArray[np.bool_]) -> None:
        """Forget the tracks whose entry in the (T,) mask is False."""
        if mask.all():
            return
        gone = np.flatnonzero(~mask)
        held = np.arange(self._budget) < self._count[gone, None]
        self._free.extend(self._places[gone][held].tolist())
        self._places, self._count = self._places[mask], self._count[mask]

    def distances(self, tracks: Indices, features: Features) -> NDArray[np.float64]:
        """(K, N) smallest cosine distances, 0..2, of `tracks` (K,) to N features (Wojke 2017, eq. 3).

        Raises ValueError for features of another D than before.
        """
        if not len(tracks) or not len(features):
            return np.zeros((len(tracks), len(features)))
        if features.shape[1] != self.dimension:
            raise ValueError(f"features had {self.dimension} columns before and have {features.shape[1]} now")
        filled = np.minimum(self._count[tracks], self._budget)
        places = self._places[tracks][np.arange(self._budget) < filled[:, None]]
        starts = np.concatenate([[0], np.cumsum(filled)[:-1]])
        nearest = np.maximum.reduceat(self._pool[places] @ features.T, starts, axis=0)
        return 1.0 - nearest.astype(np.float64)

    def _reserve(self, n: int, dimension: int) -> None:
        """At least `n` free rows in the pool."""
        if len(self._free) >= n:
            return
        old = len(self._pool)
        new = max(2 * old, old + n, 256)
        grown = np.zeros((new, dimension), dtype=np.float32)
        grown[:old] = self._pool.reshape(old, dimension)
        self._pool = grown
        self._free.extend(range(new - 1, old - 1, -1))
