"""The re-ID tracker: SORT with a deep association metric (Wojke, Bewley, Paulus: ICIP 2017), from the paper."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .assignment import assign
from .boxes import iou_matrix
from .gallery import Gallery
from .motion import DEEPSORT
from .tracks import Detections, Tracks

CHI_SQUARE_95_4 = 9.4877
"""95 % quantile of the χ² distribution with 4 degrees of freedom: the motion gate t⁽¹⁾ (section 2.2)."""

Indices = NDArray[np.int64]


class ReidTracker:
    """Appearance decides among what motion allows; those seen last come first; overlap settles the rest.

    Args:
        max_cosine_distance: gate of the appearance (t⁽²⁾, section 2.2), 0..2. It belongs to the network that made the
            features: 0.2 is that of DeepSORT's own; pass the calibrated one of another.
        max_age: frames that a confirmed track may go without a detection (A_max).
        n_init: detections in a row, from its first, that confirm a track; a track missed before that is deleted at
            once.
        budget: features remembered per track (L_k).
        max_iou_distance: most IoU distance (1 − IoU) of the last step, 0..1.
        motion_gate: most squared Mahalanobis distance (t⁽¹⁾).

    The cost is the cosine distance alone (λ = 0, as in the paper's experiments); the Mahalanobis distance only gates.

    Attributes:
        last_ids: (N,) int64, the track of each detection of the last `update`, confirmed or not.

    Raises ValueError for parameters out of their range.
    """

    uses_appearance: bool = True

    def __init__(
        self,
        *,
        max_cosine_distance: float = 0.2,
        max_age: int = 30,
        n_init: int = 3,
        budget: int = 100,
        max_iou_distance: float = 0.7,
        motion_gate: float = CHI_SQUARE_95_4,
    ) -> None:
        if max_age < 0 or n_init < 1 or budget < 1:
            raise ValueError(
                f"max_age must be at least 0, n_init and budget at least 1, not {max_age}, {n_init} and {budget}"
            )
        if not 0 <= max_cosine_distance <= 2 or not 0 <= max_iou_distance <= 1 or not motion_gate > 0:
            raise ValueError(
                "max_cosine_distance must lie in 0..2, max_iou_distance in 0..1 and motion_gate above 0, "
                f"not at {max_cosine_distance}, {max_iou_distance} and {motion_gate}"
            )
        self._max_cosine_distance, self._max_age, self._n_init = max_cosine_distance, max_age, n_init
        self._max_iou_distance, self._motion_gate = max_iou_distance, motion_gate
        self._tracks = Tracks(DEEPSORT)
        self._gallery = Gallery(budget)
        self.last_ids: Indices = np.zeros(0, dtype=np.int64)

    def update(self, boxes: ArrayLike, scores: ArrayLike, features: ArrayLike | None = None) -> NDArray[np.float64]:
        """The next frame: (N, 4) xyxy boxes, (N,) scores, (N, D) features in, (M, 6) x1, y1, x2, y2, id, score out.

        Features are brought to unit length here. Raises ValueError for boxes without area, numbers that are not
        finite, and features that are missing or of another D than before; the state is then as before.
        """
        detections = Detections.checked(boxes, scores, features, need_features=True)
        looks = detections.features
        assert looks is not None
        if len(looks) and self._gallery.dimension not in (0, looks.shape[1]):
            raise ValueError(f"features had {self._gallery.dimension} columns before and have {looks.shape[1]} now")
        tracks = self._tracks
        self._keep(tracks.predict())
        rows, columns = self._associate(detections, looks)
        tracks.match(rows, columns, detections)
        self._gallery.add(rows, looks[columns])
        born = detections.unmatched(columns)
        tracks.start(born, detections)
        self._gallery.start(looks[born])
        tracks.confirmed |= (tracks.age == 0) & (tracks.hits >= self._n_init)
        self._keep((tracks.age == 0) | (tracks.confirmed & (tracks.age <= self._max_age)))
        self.last_ids = tracks.labels(detections)
        return tracks.report(detections)

    def _associate(self, detections: Detections, looks: NDArray[np.float32]) -> tuple[Indices, Indices]:
        """Pairs of tracks and detections: the matching cascade (listing 1), then overlap (end of section 2.3)."""
        tracks = self._tracks
        rows, columns = self._cascade(detections, looks)
        matched = np.zeros(len(tracks), dtype=bool)
        matched[rows] = True
        # Overlap is for tracks without a past to compare with and for sudden changes of appearance, so only just
        # after a detection.
        left = np.flatnonzero(~matched & (~tracks.confirmed | (tracks.age == 1)))
        free = detections.unmatched(columns)
        overlap = iou_matrix(tracks.boxes()[left], detections.boxes[free])
        more, which = assign(np.where(overlap > 0, 1 - overlap, np.inf), self._max_iou_distance)
        return np.append(rows, left[more]), np.append(columns, free[which])

    def _cascade(self, detections: Detections, looks: NDArray[np.float32]) -> tuple[Indices, Indices]:
        """Confirmed tracks by appearance within both gates, those with the freshest detection first."""
        tracks = self._tracks
        confirmed = np.flatnonzero(tracks.confirmed)
        open_ = tracks.squared_mahalanobis(confirmed, detections.boxes) <= self._motion_gate
        # Looks are the dear part: compare only where motion leaves a choice.
        reached = open_.any(axis=1)
        confirmed, open_ = confirmed[reached], open_[reached]
        cost = np.where(open_, self._gallery.distances(confirmed, looks), np.inf)
        rows: list[Indices] = [np.zeros(0, dtype=np.int64)]
        columns: list[Indices] = [np.zeros(0, dtype=np.int64)]
        free = np.arange(len(detections))
        for age in np.unique(tracks.age[confirmed]):
            level = np.flatnonzero(tracks.age[confirmed] == age)
            found, which = assign(cost[np.ix_(level, free)], self._max_cosine_distance)
            rows.append(confirmed[level[found]])
            columns.append(free[which])
            free = np.delete(free, which)
        return np.concatenate(rows), np.concatenate(columns)

    def _keep(self, mask: NDArray[np.bool_]) -> None:
        self._tracks.keep(mask)
        self._gallery.keep(mask)
