"""How boxes move: the constant-velocity models of SORT and DeepSORT, written as filterpy filters."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from .kalman import BatchKalman

if TYPE_CHECKING:
    from filterpy.kalman import KalmanFilter

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Motion:
    """A motion model: what is measured of a box, how it moves, and how sure one is of it.

    Attributes:
        name: for messages.
        model: builds the filterpy filter, whose noise is that of a box 1 pixel high.
        powers: per state column, the power of the box height with which its noise grows.
        measure: (N, 4) xyxy boxes to (N, 4) measurements, the first four state columns.
        boxes: the way back.
        height: (N,) box heights of (N, 4) measurements.
        sizes: (column, its rate) of the quantities that must stay positive.
    """

    name: str
    model: Callable[[], KalmanFilter]
    powers: tuple[int, ...]
    measure: Callable[[Floats], Floats]
    boxes: Callable[[Floats], Floats]
    height: Callable[[Floats], Floats]
    sizes: tuple[tuple[int, int], ...]

    def filter(self) -> BatchKalman:
        """A new filter without tracks."""
        return BatchKalman(self.model(), self.height, self.powers)


def sort_model() -> KalmanFilter:
    """SORT (Bewley 2016, section 3.2): (u, v, s, r, u̇, v̇, ṡ): centre, area, aspect ratio width / height, which stays.

    The paper gives no noise but asks for a large first variance of the velocities. Ours is in box heights, so that near
    and far people are treated alike: a detector's box is off by a twentieth of the height. Scores hardly depend on it:
    on MOT17-FRCNN, five times less process noise, or constants in pixels, move IDF1 by 0.1 points.
    """
    position, rate, ratio = 1 / 20, 1 / 160, 0.1
    area = position  # of a box height squared: both sides off by a twentieth, of a person 0.5 as wide as high
    return _filter(
        measured=(position, position, area, ratio),
        first=(position, position, area, ratio, 0.5, 0.5, 0.5),
        process=(position, position, area, 0.01, rate, rate, rate),
    )


def deepsort_model() -> KalmanFilter:
    """DeepSORT (Wojke 2017, section 2.1): (u, v, γ, h, u̇, v̇, γ̇, ḣ): centre, aspect ratio width / height, height.

    The paper gives no noise. The weights, a twentieth of the height for positions and a 160th for velocities, are the
    ones in common use with this model.
    """
    position, rate = 1 / 20, 1 / 160
    return _filter(
        measured=(position, position, 0.1, position),
        first=(2 * position, 2 * position, 0.01, 2 * position, 10 * rate, 10 * rate, 1e-5, 10 * rate),
        process=(position, position, 0.01, position, rate, rate, 1e-5, rate),
    )


def _filter(measured: tuple[float, ...], first: tuple[float, ...], process: tuple[float, ...]) -> KalmanFilter:
    """A constant-velocity filter from standard deviations of the measurement, the first state and a frame's change."""
    from filterpy.kalman import KalmanFilter  # takes two seconds: it imports scipy.stats

    size, seen = len(first), len(measured)
    model = KalmanFilter(dim_x=size, dim_z=seen)
    model.F = np.eye(size)
    model.F[np.arange(size - seen), np.arange(seen, size)] = 1.0
    model.H = np.eye(seen, size)
    model.P, model.Q, model.R = (np.diag(np.square(deviations)) for deviations in (first, process, measured))
    return model


def _sort_measure(boxes: Floats) -> Floats:
    sides = boxes[:, 2:] - boxes[:, :2]
    return np.column_stack([boxes[:, :2] + sides / 2, sides[:, 0] * sides[:, 1], sides[:, 0] / sides[:, 1]])


def _sort_boxes(measured: Floats) -> Floats:
    width = np.sqrt(measured[:, 2] * measured[:, 3])
    return _around(measured[:, :2], width, measured[:, 2] / width)


def _sort_height(measured: Floats) -> Floats:
    return np.sqrt(measured[:, 2] / measured[:, 3])


def _deepsort_measure(boxes: Floats) -> Floats:
    sides = boxes[:, 2:] - boxes[:, :2]
    return np.column_stack([boxes[:, :2] + sides / 2, sides[:, 0] / sides[:, 1], sides[:, 1]])


def _deepsort_boxes(measured: Floats) -> Floats:
    return _around(measured[:, :2], measured[:, 2] * measured[:, 3], measured[:, 3])


def _deepsort_height(measured: Floats) -> Floats:
    return measured[:, 3]


def _around(centres: Floats, widths: Floats, heights: Floats) -> Floats:
    half = np.column_stack([widths, heights]) / 2
    return np.hstack([centres - half, centres + half])


SORT = Motion("SORT", sort_model, (1, 1, 2, 0, 1, 1, 2), _sort_measure, _sort_boxes, _sort_height, ((2, 6),))
DEEPSORT = Motion(
    "DeepSORT",
    deepsort_model,
    (1, 1, 0, 1, 1, 1, 0, 1),
    _deepsort_measure,
    _deepsort_boxes,
    _deepsort_height,
    ((2, 6), (3, 7)),
)
