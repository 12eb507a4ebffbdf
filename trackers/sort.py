"""SORT: simple online and realtime tracking (Bewley, Ge, Ott, Ramos, Upcroft: ICIP 2016), from the paper."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .assignment import assign
from .boxes import iou_matrix
from .motion import SORT
from .tracks import Detections, Tracks


class SortTracker:
    """Boxes are predicted by a Kalman filter and paired with detections by IoU. No pixel, no appearance.

    Other implementations called SORT remember for longer, with max_age 30 (a second): that bridges gaps, and on
    MOT17-02 and -04-FRCNN it raises IDF1 by 4 to 5 points. The default is the paper's.

    Args:
        max_age: frames that a track may go without a detection (T_lost of the paper, section 3.4); it is not reported
            in them.
        min_hits: detections in a row that a track needs to be believed (section 3.4). At the start of a sequence
            nobody can have that many: a track detected in every frame so far is believed at once. A track once
            believed stays so.
        iou_threshold: least IoU of prediction and detection (IoU_min, section 3.3), 0..1.

    Attributes:
        last_ids: (N,) int64, the track of each detection of the last `update`, whether reported or not yet.

    Raises ValueError for parameters out of their range.
    """

    uses_appearance: bool = False

    def __init__(self, *, max_age: int = 1, min_hits: int = 3, iou_threshold: float = 0.3) -> None:
        if max_age < 0 or min_hits < 1:
            raise ValueError(f"max_age must be at least 0 and min_hits at least 1, not {max_age} and {min_hits}")
        if not 0 <= iou_threshold <= 1:
            raise ValueError(f"iou_threshold must lie in 0..1, not at {iou_threshold}")
        self._max_age, self._min_hits, self._iou_threshold = max_age, min_hits, iou_threshold
        self._tracks = Tracks(SORT)
        self._frame = 0
        self.last_ids: NDArray[np.int64] = np.zeros(0, dtype=np.int64)

    def update(self, boxes: ArrayLike, scores: ArrayLike, features: ArrayLike | None = None) -> NDArray[np.float64]:
        """The next frame: (N, 4) xyxy boxes and (N,) scores in, (M, 6) x1, y1, x2, y2, id, score out. Features are
        ignored.

        Raises ValueError for boxes without area and for numbers that are not finite; the state is then as before.
        """
        detections = Detections.checked(boxes, scores, features, need_features=False)
        tracks = self._tracks
        self._frame += 1
        tracks.keep(tracks.predict())
        overlap = iou_matrix(tracks.boxes(), detections.boxes)
        rows, columns = assign(np.where(overlap > 0, 1 - overlap, np.inf), 1 - self._iou_threshold)
        tracks.match(rows, columns, detections)
        tracks.start(detections.unmatched(columns), detections)
        tracks.confirmed |= (tracks.age == 0) & (tracks.hits >= min(self._min_hits, self._frame))
        tracks.keep(tracks.age <= self._max_age)
        self.last_ids = tracks.labels(detections)
        return tracks.report(detections)
