"""What is seen of everybody: the parser's silhouettes, steadied along tracks, and how far they can be trusted.

Ground truth says who is where and draws boxes round what may be hidden; the parser says which pixels of a box show the
person.  Where it is sure, nothing but those pixels and a margin is covered; where it is not, the whole box is.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from mot_anon.plan import regions as reg
from mot_anon.plan.identities import CAMERA_TRACK
from mot_anon.plan.moving import MOTION
from mot_anon.plan.perspective import too_tall
from mot_anon.vision.bodies import PARTS
from mot_anon.vision.parse import SIZE, widen
from mot_anon.vision.windows import in_frame

Maps = NDArray[np.uint8]
_PART_SIZE = (SIZE[0] // 2, SIZE[1] // 2)
_MAP, _PART_MAPS = SIZE[0] * SIZE[1], len(PARTS) * _PART_SIZE[0] * _PART_SIZE[1]
PACKED = 1 + 2 * _MAP + _PART_MAPS
"""Bytes of one packed :class:`Seen`."""

PERSON = 0.5
"""Score from which the parser agrees that somebody is there."""
_SURELY, _CERTAIN = 0.8, 0.95  # from which its word makes a person of a track, and of a detection, of one detector
NOBODY = 0.3
"""Score below which the parser is sure that a detection is of nobody."""
_FILLED = 0.2  # least share of the visible part of a box that a person fills
_LEAST = 0.03  # and of the whole box
_VAGUE = 1.7  # pixels that may be the person's, by those that are likely theirs: above it nothing is decided
_STRAYED = 0.35  # IoU below which a silhouette has nothing to do with those before and after
_ANOTHER = 0.5  # share of a silhouette that is nobody else's, from which it is somebody else
CLEAR = 0.7  # share of a detection's box outside the boxes of tracked people, from which it stands clear of them
_REVEALED = 0.04  # share of a box that is seen of somebody whom ground truth calls hidden
_GLIMPSE = 0.01  # the same for a careful look
LIKELY, POSSIBLE = 128, 64
"""Of 255: from which a pixel of a silhouette is the person's, and from which it may be."""


@dataclass(frozen=True)
class Seen:
    """What is seen of one person in one frame.

    Attributes
    ----------
    window:
        (4,) x1, y1, x2, y2 in pixels of the frame: what the maps cover; whole numbers, may leave the frame.
    silhouette:
        (128, 64) uint8, 0…255, steadied along the track: what is drawn.
    possible:
        (128, 64) uint8: the most that this frame and those beside it make of it: what is covered.
    parts:
        (4, 64, 32) uint8.
    sure:
        False: the silhouette may miss some of the person.
    """

    window: NDArray[np.int64]
    silhouette: Maps = field(repr=False)
    possible: Maps = field(repr=False)
    parts: Maps = field(repr=False)
    sure: bool


@dataclass(frozen=True)
class Readings:
    """What the parser read in the N rows of a table of regions.

    ``silhouettes`` (N, 128, 64), ``parts`` (N, 4, 64, 32) uint8, ``scores`` (N,) float32 in 0…1.
    """

    silhouettes: Maps
    parts: Maps
    scores: NDArray[np.float32]

    @classmethod
    def from_bytes(cls, packed: Maps) -> Readings:
        """What :func:`mot_anon.vision.cache.parse_sequence` gives, (N, 1 + 128·64 + 4·64·32) uint8."""
        return cls(
            packed[:, 1 : 1 + _MAP].reshape(-1, *SIZE),
            packed[:, 1 + _MAP :].reshape(-1, len(PARTS), *_PART_SIZE),
            packed[:, 0].astype(np.float32) / np.float32(255),
        )

    def of(self, rows: NDArray[np.int64]) -> Readings:
        """Some of them, in the order given."""
        return Readings(self.silhouettes[rows], self.parts[rows], self.scores[rows])

    def replaced(self, rows: NDArray[np.int64], others: Readings) -> Readings:
        """These with others in some of the rows."""
        silhouettes, parts, scores = self.silhouettes.copy(), self.parts.copy(), self.scores.copy()
        silhouettes[rows], parts[rows], scores[rows] = others.silhouettes, others.parts, others.scores
        return Readings(silhouettes, parts, scores)


@dataclass(frozen=True)
class Steady:
    """Readings after smoothing; arrays as in :class:`Seen`, ``agreement`` (N,) the IoU of a silhouette with it."""

    silhouettes: Maps
    possible: Maps
    parts: Maps
    scores: NDArray[np.float32]
    agreement: NDArray[np.float32]


def windows_of(boxes: NDArray[np.float64]) -> NDArray[np.int64]:
    """The windows (N, 4) xyxy that the parser sees of boxes (N, 4) x, y, w, h, in whole pixels."""
    corners = np.concatenate([boxes[:, :2], boxes[:, :2] + boxes[:, 2:]], 1)
    windows = widen(corners)
    low = np.floor(windows[:, :2])
    return np.concatenate([low, np.maximum(low + 1, np.ceil(windows[:, 2:]))], 1).astype(np.int64)


def trusted(
    regions: pd.DataFrame, steady: Steady, size: tuple[int, int], *, careful: bool = False
) -> NDArray[np.bool_]:
    """(N,) whether a silhouette holds all that is seen of the person.

    It must be of somebody (score), as large as what ground truth says is visible, decided, and like those of the frames
    before and after.  Of a doubtful detection that belongs to no track, and in which the parser is sure of nobody,
    which lies over tracked people or is too tall for anybody, no more is believed than what might be somebody after
    all.  To a ``careful`` look that is not enough: they are not trusted.
    """
    boxes = regions[["x", "y", "w", "h"]].to_numpy(float)
    visibility = regions["visibility"].to_numpy(float)
    windows = windows_of(boxes)
    sure = np.zeros(len(regions), bool)
    for row, (box, window) in enumerate(zip(boxes, windows, strict=True)):
        x1, y1, x2, y2 = reg.clip(box, size)
        inside = max(0, x2 - x1) * max(0, y2 - y1)
        silhouette = steady.silhouettes[row]
        cell = float((window[2] - window[0]) * (window[3] - window[1])) / _MAP
        seen = float((silhouette > LIKELY).sum()) * cell
        least = max(_LEAST, _FILLED * min(1.0, visibility[row] * box[2] * box[3] / max(1, inside)))
        vague = (silhouette > POSSIBLE).sum() / max(1, (silhouette > LIKELY).sum())
        sure[row] = (
            steady.scores[row] >= PERSON
            and seen >= least * inside
            and vague < _VAGUE
            and steady.agreement[row] >= _STRAYED
        )
    # A silhouette is one person's, and not all that may be in a crowd's box, in one that was drawn by hand, or in what
    # moves and is nobody's: all of those is covered.
    sure &= ~regions["source"].isin([*reg.NOT_ONE, MOTION]).to_numpy()
    if careful:
        return sure
    doubtful = (regions["kind"] == "unsure").to_numpy() & _loose(regions)
    return sure | (doubtful & ((steady.scores < NOBODY) | ~_clear(regions, size) | too_tall(regions, size)))


def revealed(regions: pd.DataFrame, steady: Steady, size: tuple[int, int], *, careful: bool = False) -> pd.DataFrame:
    """Take back ``hidden`` where the parser sees the person beside those who stand before them.

    Ground truth calls somebody hidden by the boxes of nearer people; once no more than silhouettes of those are
    painted, it takes the parser's word, too, that nothing is seen.  To a ``careful`` look they are hidden only where it
    is sure of that.
    """
    kinds = regions["kind"].to_numpy(object, copy=True)
    boxes = regions[["x", "y", "w", "h"]].to_numpy(float)
    doubtful = kinds == "hidden"
    for frame in sorted(set(regions.loc[doubtful, "frame"])):
        rows = np.flatnonzero(regions["frame"] == frame)
        for at, row in enumerate(rows):
            nearer = rows[at + 1 :]
            nearer = nearer[kinds[nearer] == "person"]
            if doubtful[row] and beside(int(row), nearer, boxes, steady, size, careful=careful):
                kinds[row] = "person"
    return regions.assign(kind=kinds)


def beside(
    row: int,
    others: NDArray[np.int64],
    boxes: NDArray[np.float64],
    steady: Steady,
    size: tuple[int, int],
    *,
    careful: bool = False,
) -> bool:
    """Whether the parser sees somebody in the box of a row who is none of the others (rows).

    It must say that somebody is there, and see them in some of the box where nobody else may be.  A ``careful`` look
    takes its doubts for enough.
    """
    score, least, level = (NOBODY, _GLIMPSE, POSSIBLE) if careful else (PERSON, _REVEALED, LIKELY)
    part = reg.clip(boxes[row], size)
    if steady.scores[row] < score or part[2] <= part[0] or part[3] <= part[1]:
        return False
    own, *windows = windows_of(boxes[[row, *others]])
    seen = in_frame((steady.possible if careful else steady.silhouettes)[row], own, part) > level
    for other, window in zip(others, windows, strict=True):
        seen &= in_frame(steady.possible[other], window, part) <= POSSIBLE
    return bool(seen.mean() >= least)


def settled(regions: pd.DataFrame, steady: Steady, size: tuple[int, int]) -> pd.DataFrame:
    """Which detections are people: ``person`` and ``unsure`` after the parser's word.

    A detection that belongs to nobody's track is a person where the parser agrees (and is certain, if a single detector
    made it), sees somebody there who is not one of the tracked, it stands clear of them (boxes over parts of others
    are what detectors are wrong about most) and is no taller than people are there.  A track of which no two detectors
    agree is a person where the parser is very sure of most of it.
    """
    kinds = regions["kind"].to_numpy(object, copy=True)
    tracks = regions["track"].to_numpy(object)
    boxes = regions[["x", "y", "w", "h"]].to_numpy(float)
    windows = windows_of(boxes)
    score = pd.Series(steady.scores).groupby(tracks).transform("median").to_numpy(np.float32)
    kinds[(kinds == "unsure") & (tracks != CAMERA_TRACK) & (score >= _SURELY)] = "person"
    loose, clear = _loose(regions), _clear(regions, size) & ~too_tall(regions, size)
    numbers = regions["frame"].to_numpy(np.int64)
    for row in np.flatnonzero(loose & (kinds != "hidden")):
        others = np.flatnonzero((numbers == numbers[row]) & ~loose & (kinds == "person"))
        agreed = clear[row] and steady.scores[row] >= (_CERTAIN if kinds[row] == "unsure" else PERSON)
        another = agreed and somebody_else(
            int(row), others, windows, steady.silhouettes, steady.possible, reg.clip(boxes[row], size)
        )
        kinds[row] = "person" if another else "unsure"
    return regions.assign(kind=kinds)


def somebody_else(
    row: int,
    others: NDArray[np.int64],
    windows: NDArray[np.int64],
    silhouettes: Maps,
    possible: Maps,
    part: tuple[int, int, int, int],
) -> bool:
    """Whether most of a row's silhouette, in a part x1, y1, x2, y2 of the frame, may be none of the others' (rows)."""
    seen = in_frame(silhouettes[row], windows[row], part) > LIKELY
    new = seen.copy()
    for other in others:
        new &= in_frame(possible[other], windows[other], part) <= POSSIBLE
    return bool(new.sum() >= _ANOTHER * max(1, seen.sum()))


def _loose(regions: pd.DataFrame) -> NDArray[np.bool_]:
    """Which rows are detections that belong to nobody's track."""
    return ((regions["track"] == CAMERA_TRACK) & (regions["source"] == "detection")).to_numpy()


def _clear(regions: pd.DataFrame, size: tuple[int, int]) -> NDArray[np.bool_]:
    """Which of the loose rows stand clear of everybody who has a track."""
    boxes, numbers = regions[["x", "y", "w", "h"]].to_numpy(float), regions["frame"].to_numpy(np.int64)
    loose = _loose(regions)
    clear = np.ones(len(regions), bool)
    for row in np.flatnonzero(loose):
        clear[row] = reg.visible_share(boxes[row], boxes[(numbers == numbers[row]) & ~loose], size) >= CLEAR
    return clear


def pack(steady: Steady, sure: NDArray[np.bool_], rows: NDArray[np.int64]) -> Maps:
    """(len(rows), :data:`PACKED`) uint8."""
    flat = [sure[rows, None].astype(np.uint8)]
    flat += [maps[rows].reshape(len(rows), -1) for maps in (steady.silhouettes, steady.possible, steady.parts)]
    return np.concatenate(flat, 1)


def unpack(packed: Maps, box: NDArray[np.float64]) -> Seen:
    """One row of :func:`pack`, of a region whose box is x, y, w, h."""
    first, second, third = np.split(packed[1:], [_MAP, 2 * _MAP])
    return Seen(
        windows_of(box[None])[0],
        first.reshape(SIZE),
        second.reshape(SIZE),
        third.reshape(len(PARTS), *_PART_SIZE),
        bool(packed[0]),
    )
