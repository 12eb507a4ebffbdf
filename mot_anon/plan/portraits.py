"""Whose face is large enough to be seen, and how it is turned: landmarks for methods that draw whole bodies.

No face detector is asked.  The parser says where a head is; landmarks are read from several places round it, and the
reader's own confidence says whether there is a face at all.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from mot_anon.plan.faces import Boxes, tracks_of
from mot_anon.plan.landmark_courses import smoothed, steady_choice
from mot_anon.plan.silhouettes import Seen
from mot_anon.vision.heads import Portrait, brightest_box
from mot_anon.vision.landmarks import POINTS

_HEAD = 60  # of 255: how bright the parser has to draw a head
_LEAST, _LARGE = 20.0, 30.0  # pixels that a head measures from which a portrait begins to show, and shows wholly
_ASIDE, _DOWN, _SIZES = (-0.2, 0.0, 0.2), (-0.15, 0.06, 0.3), (0.6, 0.85, 1.15)
"""Of a head's size: where round its middle, and how large, faces are looked for."""
LOOKS = len(_ASIDE) * len(_DOWN) * len(_SIZES)
"""How often each head is looked at."""
_SHARP = 4  # power of the confidence by which looks are weighted
_FADE = 2  # frames each way over which portraits come and go


@dataclass(frozen=True)
class Portraits:
    """Faces in N regions, in their order: ``points`` (N, 68, 2) float32 in pixels of the frame, ``shares`` (N,)."""

    points: NDArray[np.float32] = field(repr=False)
    shares: NDArray[np.float32] = field(repr=False)

    def of(self, row: int) -> Portrait | None:
        """That of a region; None where none shows."""
        return Portrait(self.points[row], float(self.shares[row])) if self.shares[row] > 0 else None


def large_head(seen: Seen) -> NDArray[np.float64] | None:
    """The box (4,) x, y, w, h of a head that is large enough for a portrait, in pixels of the frame, or None."""
    head = seen.parts[0]
    if head.max() < _HEAD:
        return None
    box = brightest_box(head, seen.window.astype(float))
    return box if max(box[2:]) >= _LEAST else None


def looks(heads: Boxes) -> Boxes:
    """Where faces may be on heads (N, 4): (N · :data:`LOOKS`, 4) x, y, w, h."""
    size = heads[:, 2:].max(1)[:, None]
    middle = heads[:, :2] + heads[:, 2:] / 2
    found = []
    for across in _ASIDE:
        for down in _DOWN:
            for share in _SIZES:
                centre, side = middle + size * np.array([across, down]), share * size
                found.append(np.concatenate([centre - side / 2, side, side], 1))
    return np.stack(found, 1).reshape(-1, 4)


def chosen_portraits(
    regions: pd.DataFrame,
    rows: Sequence[int],
    heads: Boxes,
    read: tuple[NDArray[np.float32], NDArray[np.float32]],
) -> Portraits:
    """Which portraits show, and their landmarks, smoothed along tracks as faces are.

    Parameters
    ----------
    regions:
        N of them.
    rows, heads:
        M of them that have a large head, and its box (M, 4).
    read:
        Points (M · :data:`LOOKS`, 68, 2) in pixels of the frame, and confidences, of :func:`looks` of the heads.
    """
    points = np.full((len(regions), POINTS, 2), np.nan, np.float32)
    shares = np.zeros(len(regions), np.float32)
    if not len(rows):
        return Portraits(points, shares)
    sure = read[1].reshape(len(rows), LOOKS)
    weight = (sure.astype(np.float64) / sure.max(1, keepdims=True).clip(1e-6)) ** _SHARP
    several = read[0].reshape(len(rows), LOOKS, POINTS, 2)
    points[rows] = np.einsum("ml,mlpd->mpd", weight / weight.sum(1, keepdims=True), several)
    confidence, size = np.zeros(len(regions), np.float32), np.zeros(len(regions), np.float32)
    confidence[rows], size[rows] = sure.max(1), heads[:, 2:].max(1)
    frames, known = regions["frame"].to_numpy(np.int64), np.isin(np.arange(len(regions)), rows)
    for track in tracks_of(regions):
        there = track[known[track]]
        for run in np.split(there, np.flatnonzero(np.diff(frames[there]) > 1) + 1):
            if len(run) > 1:
                points[run] = smoothed(points[run], confidence[run])
                shares[run] = _faded(steady_choice(confidence[run])) * _grown(size[run])
    return Portraits(points, shares)


def _faded(shown: NDArray[np.bool_]) -> NDArray[np.float32]:
    """(T,) 0…1: what shows comes and goes within some frames."""
    wide = np.pad(shown.astype(np.float32), _FADE, mode="edge")
    return np.convolve(wide, np.full(2 * _FADE + 1, 1 / (2 * _FADE + 1), np.float32), mode="valid")


def _grown(size: NDArray[np.float32]) -> NDArray[np.float32]:
    """(T,) 0…1: how large heads are, by the median of five so that nothing flickers."""
    wide = np.pad(size, _FADE, mode="edge")
    calm = np.median(np.lib.stride_tricks.sliding_window_view(wide, 2 * _FADE + 1), axis=1)
    return np.clip((calm - _LEAST) / (_LARGE - _LEAST), 0, 1).astype(np.float32)
