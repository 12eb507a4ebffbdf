"""How heads are drawn: landmarks steadied along tracks, and a window for everybody, whether or not there are any."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import cv2
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from mot_anon.plan.faces import FACE, Boxes, median_boxes, small_head, tracks_of
from mot_anon.plan.landmark_courses import held_to, smoothed, steady_choice
from mot_anon.plan.regions import NOT_ONE
from mot_anon.plan.silhouettes import PERSON, Maps, Readings, windows_of
from mot_anon.vision.heads import AROUND, portrait_windows, skull_box
from mot_anon.vision.landmarks import POINTS, face_windows
from mot_anon.vision.windows import in_frame

CELLS = 32
"""Rows and columns of the map of a head."""
_CALM = 4  # frames each way over which it is averaged


@dataclass(frozen=True)
class FacePlace:
    """Where one face, or the head it is on, is drawn in a frame.

    Attributes
    ----------
    points:
        (68, 2) float32: landmarks in pixels of the frame, smoothed along the track; NaN where there are none.
    window:
        (4,) x1, y1, x2, y2 in whole pixels of the frame: the square that is drawn; may leave the frame.  That of a
        head without landmarks is :data:`~mot_anon.vision.heads.AROUND` times as large as the head.
    confidence:
        0…1, of the landmarks in this frame.
    usable:
        Whether a face is drawn after them.
    oval:
        Whether the head is where a parser saw it or ground truth has it, or all that is known is a face: then the
        corners of its box are not covered.
    head:
        (32, 32) uint8: of a ``whole`` one with landmarks, the person's silhouette in the window; None where none was
        asked.
    whole:
        A head is drawn as a whole, hair and all, even where landmarks are usable; the window is then that of
        :func:`~mot_anon.vision.heads.portrait_windows`.
    skin:
        (4,) float32: red, green and blue of the person's skin over the light of the place, and how sure that is, 0…1;
        None where nobody looked.
    """

    points: NDArray[np.float32] = field(repr=False)
    window: NDArray[np.int64]
    confidence: float
    usable: bool
    oval: bool
    head: Maps | None = field(default=None, repr=False)
    whole: bool = False
    skin: NDArray[np.float32] | None = field(default=None, repr=False)

    @property
    def face_only(self) -> bool:
        """Whether no more of the head is drawn than its face: the rest of it stays."""
        return self.usable and not self.whole


@dataclass(frozen=True)
class Heads:
    """Where the heads are in N regions, in their order.

    Attributes
    ----------
    boxes:
        (N, 4) x, y, w, h: what is covered of everybody.
    faced:
        (N,) whether a face was found there.
    windows, points, confidence, usable, oval:
        As in :class:`FacePlace`, (N, …); None for methods that draw no faces.
    torsos:
        (N, 48, 48) uint8: :func:`~mot_anon.plan.torsos.torso_maps`; None for methods that draw no faces.
    maps:
        (N, 32, 32) uint8: :func:`outlines`; None for methods that draw no ``whole`` heads.
    whole:
        () bool: as in :class:`FacePlace`, of all of them; None counts as no.
    skin:
        (N, 4) float32: :func:`mot_anon.publish.complexion.complexions`; None for methods that draw no faces.
    """

    boxes: Boxes = field(repr=False)
    faced: NDArray[np.bool_] = field(repr=False)
    windows: NDArray[np.int64] | None = field(default=None, repr=False)
    points: NDArray[np.float32] | None = field(default=None, repr=False)
    confidence: NDArray[np.float32] | None = field(default=None, repr=False)
    usable: NDArray[np.bool_] | None = field(default=None, repr=False)
    oval: NDArray[np.bool_] | None = field(default=None, repr=False)
    torsos: Maps | None = field(default=None, repr=False)
    maps: Maps | None = field(default=None, repr=False)
    whole: NDArray[np.bool_] | None = None
    skin: NDArray[np.float32] | None = field(default=None, repr=False)

    def of(self, rows: NDArray[np.int64]) -> Heads:
        """Some of them, in the order given."""
        parts = {name: part for name, part in vars(self).items() if part is not None and name != "whole"}
        return replace(self, **{name: part[rows] for name, part in parts.items()})

    def place(self, row: int) -> FacePlace | None:
        """Where a face is drawn; None for methods that draw none."""
        if self.windows is None or self.points is None or self.confidence is None:
            return None
        assert self.usable is not None
        assert self.oval is not None
        sure, usable, oval = float(self.confidence[row]), bool(self.usable[row]), bool(self.oval[row])
        head = None if self.maps is None else self.maps[row]
        whole = self.whole is not None and bool(self.whole)
        skin = None if self.skin is None else self.skin[row]
        return FacePlace(self.points[row], self.windows[row], sure, usable, oval, head, whole, skin)


def drawn_heads(
    regions: pd.DataFrame,
    boxes: Boxes,
    faces: Boxes,
    seen: Boxes,
    read: tuple[NDArray[np.float32], NDArray[np.float32]],
    *,
    whole: bool = False,
) -> Heads:
    """Heads for a method that draws faces, or ``whole`` heads.

    Parameters
    ----------
    boxes, faces, seen:
        Of :func:`head_boxes`, :func:`bridged` and :func:`~mot_anon.plan.seen_heads.seen_heads`.
    read:
        Points (M, 68, 2) and confidences (M,) of the M rows whose face is not NaN, in their order.
    """
    there = np.flatnonzero(np.isfinite(faces[:, 0]))
    points = np.full((len(regions), POINTS, 2), np.nan, np.float32)
    confidence = np.zeros(len(regions), np.float32)
    usable = np.zeros(len(regions), bool)
    points[there], confidence[there] = read
    frames = regions["frame"].to_numpy(np.int64)
    places, sources = regions[["x", "y", "w", "h"]].to_numpy(float), regions["source"].to_numpy(object)
    for rows in tracks_of(regions):
        known = rows[np.isfinite(faces[rows, 0])]
        for run in np.split(known, np.flatnonzero(np.diff(frames[known]) > 1) + 1):
            # Two people of one name have no course; each is drawn a whole head.
            if len(run) and (np.diff(frames[run]) > 0).all():
                course = smoothed(points[run], confidence[run])
                points[run] = held_to(course, points[run], confidence[run], faces[run])
                usable[run] = steady_choice(confidence[run])
    usable &= ~np.isin(sources, NOT_ONE)  # a face is not all that there may be
    windows = np.empty((len(regions), 4))
    calm = median_boxes(faces, places, regions)
    boxes = boxes.copy()
    for row in range(len(regions)):
        if usable[row] and whole:
            windows[row] = portrait_windows(points[row][None])[0]
            boxes[row] = _joined(boxes[row], skull_box(points[row]))
        elif usable[row]:
            windows[row] = face_windows(points[row])[0]
        else:
            windows[row] = _head_window(boxes[row], calm[row], seen[row], places[row], sources[row])
    low = np.rint(windows[:, :2])
    side = np.maximum(4, np.rint((windows[:, 2:] - windows[:, :2]).max(1, keepdims=True)))
    windows = np.concatenate([low, low + side], 1)
    faced = np.isfinite(faces[:, 0])
    lying = places[:, 2] > places[:, 3]
    oval = np.isfinite(seen[:, 0]) | (sources == FACE) | ((sources == "gt") & ~lying & ~faced)
    all_of_them = np.array(whole)
    return Heads(boxes, faced, windows.astype(np.int64), points, confidence, usable, oval, whole=all_of_them)


def outlines(
    regions: pd.DataFrame, windows: NDArray[np.int64], readings: Readings, outlined: NDArray[np.bool_]
) -> Maps:
    """Silhouettes round the heads of N regions as the parser sees them, averaged over the frames beside.

    Parameters
    ----------
    regions, readings:
        N regions, and what the parser read in the first of them; what comes after is faces and nobody's body.
    windows:
        (N, 4) x1, y1, x2, y2 of :class:`FacePlace`.
    outlined:
        (N,) of whom they are wanted.

    Returns
    -------
    (N, 32, 32) uint8; 0 where it sees nobody.
    """
    seen = windows_of(regions[["x", "y", "w", "h"]].to_numpy(float))
    maps = np.zeros((len(regions), CELLS, CELLS), np.uint8)
    for row in np.flatnonzero((readings.scores >= PERSON) & outlined[: len(readings.scores)]):
        shown = in_frame(readings.silhouettes[row], seen[row], tuple(windows[row].tolist()))
        maps[row] = cv2.resize(shown, (CELLS, CELLS), interpolation=cv2.INTER_AREA)
    frames, calm = regions["frame"].to_numpy(np.int64), maps.copy()
    for rows in tracks_of(regions):
        for row in rows[outlined[rows]]:
            weight = np.clip(_CALM + 1 - np.abs(frames[rows] - frames[row]), 0, None) * outlined[rows]
            near = weight > 0
            calm[row] = np.rint(np.average(maps[rows[near]], axis=0, weights=weight[near]))
    return calm


def _head_window(box: Boxes, face: Boxes, seen: Boxes, place: Boxes, source: str) -> Boxes:
    """The square (4,) x1, y1, x2, y2 in which a head is drawn of which no landmarks are known."""
    if np.isfinite(face[0]) and (np.isnan(seen[0]) or _inside(face, seen)):
        middle, size = face[:2] + face[2:] * (0.5, 0.4), 1.35 * float(max(face[2:]))
    elif np.isfinite(seen[0]):
        middle, size = seen[:2] + seen[2:] / 2, float(max(seen[2:]))
    elif source == FACE:
        middle, size = place[:2] + place[2:] / 2, float(min(place[2:]))
    else:
        head = small_head(place)
        middle, size = np.clip(head[:2] + head[2:] / 2, box[:2], box[:2] + box[2:]), float(head[2])
    half = AROUND * size / 2
    return np.concatenate([middle - half, middle + half])


def _joined(one: Boxes, other: Boxes) -> Boxes:
    """The smallest box x, y, w, h that holds two of them."""
    low = np.minimum(one[:2], other[:2])
    return np.concatenate([low, np.maximum(one[:2] + one[2:], other[:2] + other[2:]) - low])


def _inside(face: Boxes, head: Boxes) -> bool:
    """Whether the middle of a face lies in a head: else one of the two is a mistake, more likely the face."""
    middle = face[:2] + face[2:] / 2
    return bool((head[:2] <= middle).all() and (middle <= head[:2] + head[2:]).all())
