"""One Kalman filter for many tracks: filterpy's equations on stacks of matrices."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from filterpy.kalman import KalmanFilter

Floats = NDArray[np.float64]


class BatchKalman:
    """Runs a filterpy `KalmanFilter` model (F, H, Q, R, and P as the first covariance) for all tracks at once.

    With `scale`, the model's noise is that of a box of height 1, and a track's own is in proportion to its height:
    the standard deviation of state column i is multiplied by scale(z)**powers[i], where z are the track's first
    `dim_z` state columns. Q takes the state before the prediction, R the predicted one, P0 the first measurement.
    Without it all tracks share the model's matrices.

    The state must begin with the measured quantities (H = [I 0]), whose rates follow. Equations are those of
    filterpy, Joseph form included; tests hold the two together to 1e-9.

    Attributes: `x` (T, dim_x) states, `P` (T, dim_x, dim_x) covariances, one row a track, in the order in which they
    were added.
    """

    def __init__(
        self, model: KalmanFilter, scale: Callable[[Floats], Floats] | None = None, powers: Sequence[int] | None = None
    ) -> None:
        self._F, self._H = np.array(model.F, dtype=np.float64), np.array(model.H, dtype=np.float64)
        self._Q, self._R, self._P0 = (np.array(matrix, dtype=np.float64) for matrix in (model.Q, model.R, model.P))
        self._identity = np.eye(len(self._F))
        self._measured = len(self._H)
        if not np.array_equal(self._H, np.eye(*self._H.shape)):
            raise ValueError("the model's measurements must be the first columns of its state (H = [I 0])")
        if (scale is None) != (powers is None):
            raise ValueError("scale and powers go together")
        if powers is not None and len(powers) != len(self._F):
            raise ValueError(f"powers has {len(powers)} entries for {len(self._F)} state columns")
        self._scale, self._powers = scale, np.array(powers if powers is not None else [], dtype=np.int64)
        self.x: Floats = np.zeros((0, len(self._F)))
        self.P: Floats = np.zeros((0, *self._F.shape))

    def __len__(self) -> int:
        return len(self.x)

    def add(self, measurements: Floats) -> None:
        """Append a track at rest for every row of (N, dim_z) measurements."""
        states = np.zeros((len(measurements), len(self._F)))
        states[:, : self._measured] = measurements
        self.x = np.concatenate([self.x, states])
        self.P = np.concatenate([self.P, self._scaled(self._P0, measurements)])

    def keep(self, mask: NDArray[np.bool_]) -> None:
        """Drop the tracks whose entry in the (T,) mask is False."""
        self.x, self.P = self.x[mask], self.P[mask]

    def predict(self) -> None:
        """Move all tracks on by one frame."""
        noise = self._scaled(self._Q, self.x[:, : self._measured])
        self.x = self.x @ self._F.T
        self.P = self._F @ self.P @ self._F.T + noise

    def project(self) -> tuple[Floats, Floats]:
        """What all tracks expect to measure: (T, dim_z) means, (T, dim_z, dim_z) covariances, noise included."""
        return self._project(np.arange(len(self.x)))

    def update(self, rows: NDArray[np.int64], measurements: Floats) -> None:
        """Correct the tracks in `rows` (K,), each at most once, by their (K, dim_z) measurements."""
        if not len(rows):
            return
        P, n = self.P[rows], self._measured
        noise = self._scaled(self._R, self.x[rows, :n])
        innovation = P[:, :n, :n] + noise
        # K = P Hᵀ S⁻¹, solved instead of inverted; S is symmetric.
        gain = np.linalg.solve(innovation, P[:, :n, :]).transpose(0, 2, 1)
        self.x[rows] += (gain @ (measurements - self.x[rows, :n])[:, :, None])[:, :, 0]
        rest = self._identity - gain @ self._H
        self.P[rows] = rest @ P @ rest.transpose(0, 2, 1) + gain @ noise @ gain.transpose(0, 2, 1)

    def squared_mahalanobis(self, rows: NDArray[np.int64], measurements: Floats) -> Floats:
        """(K, N) squared Mahalanobis distances of N measurements to the tracks in `rows` (Wojke 2017, eq. 1)."""
        means, covariances = self._project(rows)
        residuals = measurements[None, :, :] - means[:, None, :]
        whitened = np.linalg.solve(covariances, residuals.transpose(0, 2, 1))
        distances: Floats = np.einsum("tnd,tdn->tn", residuals, whitened)
        return distances

    def _project(self, rows: NDArray[np.int64]) -> tuple[Floats, Floats]:
        n = self._measured
        means = self.x[rows, :n]
        return means, self.P[rows, :n, :n] + self._scaled(self._R, means)

    def _scaled(self, matrix: Floats, measured: Floats) -> Floats:
        """`matrix` for every track, (T, k, k): D·matrix·D, D the diagonal of height to the columns' powers."""
        if self._scale is None:
            return np.broadcast_to(matrix, (len(measured), *matrix.shape))
        factors = self._scale(measured)[:, None] ** self._powers[: len(matrix)]
        scaled: Floats = matrix * factors[:, :, None] * factors[:, None, :]
        return scaled
