"""Silhouettes of who walks: before a camera that stands still, they differ from what stands behind them.

A parser that has learnt on small crops hesitates where a dark coat passes a dark window, and draws coats too wide.
Where it hesitates, motion decides; where it is sure, and where somebody stands still, motion has little to say.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from mot_anon.data.frames import read_frame
from mot_anon.plan.identities import CAMERA_TRACK
from mot_anon.plan.silhouettes import Maps, Readings, windows_of
from mot_anon.threads import spread
from mot_anon.vision.cache import Tick, still_sequence
from mot_anon.vision.motion import moving
from mot_anon.vision.windows import window_pixels

_FOR, _AGAINST = 2.0, 1.0  # logits by which what moves is somebody's, and what does not is not
# Cells: gaps in what moves that are closed, specks that are nobody's, and how far round it nothing is held against.
_CLOSED, _SPECKS, _ROUND = 7, 5, 9
_DOUBT = (0.05, 0.2)  # probabilities below which motion gives nothing, and from which it gives all
_FIRM = 0.8  # probability from which a silhouette says whether somebody moves
_STILL, _WALKS = 0.5, 0.9  # share of it that moves: who stands, and who surely walks
_THEIRS = 0.2  # probability by which a cell is rather somebody else's, from which their motion says nothing
_LEAST = 0.01  # probability that maps of bytes can say


def with_motion(frames: Sequence[Path], regions: pd.DataFrame, readings: Readings, tick: Tick | None = None) -> Maps:
    """Silhouettes (N, 128, 64) uint8 of N rows: those of ``readings``, and of the people of tracks with motion's word.

    Where the camera moves they are as they were.

    Parameters
    ----------
    regions:
        Everybody in the frames; whoever is likelier there than somebody is who moves there.
    tick:
        Called once a frame with people.
    """
    silhouettes = readings.silhouettes.copy()
    background = still_sequence(frames)
    if background is None:
        return silhouettes
    windows = windows_of(regions[["x", "y", "w", "h"]].to_numpy(np.float64))
    numbers = regions["frame"].to_numpy(np.int64)
    somebody = ((regions["kind"] == "person") & (regions["track"] != CAMERA_TRACK)).to_numpy()

    def look(number: int) -> None:
        moves = moving(read_frame(frames[number - 1]), background).astype(np.uint8) * np.uint8(255)
        rows = np.flatnonzero(somebody & (numbers == number))
        for row in rows:
            own, others = readings.silhouettes[row], rows[rows != row]
            theirs = _projected(readings.silhouettes[others], windows[others], windows[row])
            silhouettes[row] = decided_by_motion(own, _seen_moving(moves, windows[row], own.shape), theirs)

    for _ in spread(look, sorted(set(numbers[somebody].tolist()))):
        if tick:
            tick()
    return silhouettes


def decided_by_motion(silhouette: Maps, moves: NDArray[np.float32], theirs: NDArray[np.float32]) -> Maps:
    """A silhouette (h, w) after what ``moves`` in its window (h, w) in 0…1, and how likely others are there, in 0…1."""
    own = silhouette.astype(np.float32) / np.float32(255)
    firm = own >= _FIRM
    walks = np.clip((moves[firm].mean() - _STILL) / (_WALKS - _STILL), 0, 1) if firm.any() else 0.0
    closed = cv2.morphologyEx(cv2.morphologyEx(moves, cv2.MORPH_CLOSE, _disc(_CLOSED)), cv2.MORPH_OPEN, _disc(_SPECKS))
    round_about = cv2.dilate(cv2.morphologyEx(moves, cv2.MORPH_CLOSE, _disc(_ROUND)), _disc(3))
    mine = np.clip((own - theirs) / _THEIRS + 1, 0, 1) * np.clip((own - _DOUBT[0]) / (_DOUBT[1] - _DOUBT[0]), 0, 1)
    likely = own.clip(_LEAST, 1 - _LEAST)
    logit = np.log(likely / (1 - likely)) + _FOR * cv2.GaussianBlur(closed, (3, 3), 0) * mine
    logit -= _AGAINST * walks * (1 - round_about)
    return np.asarray(np.rint(255 / (1 + np.exp(-logit))), np.uint8)


def _seen_moving(moves: NDArray[np.uint8], window: NDArray[np.int64], size: tuple[int, ...]) -> NDArray[np.float32]:
    """(h, w) share of every cell of a window that moves; 0 beyond the frame."""
    shares = window_pixels(moves, window, (size[0], size[1])).astype(np.float32) / np.float32(255)
    rows, columns = _middles(window, size)
    inside = ((rows >= 0) & (rows < moves.shape[0]))[:, None] & ((columns >= 0) & (columns < moves.shape[1]))
    return np.where(inside, shares, np.float32(0))


def _projected(maps: Maps, windows: NDArray[np.int64], onto: NDArray[np.int64]) -> NDArray[np.float32]:
    """(h, w) in 0…1: the most that maps (M, h, w) of other windows (M, 4) have where the cells of a window lie."""
    most = np.zeros(maps.shape[1:], np.uint8)
    rows, columns = _middles(onto, maps.shape[1:])
    for other, window in zip(maps, windows, strict=True):
        cells = (window[2:] - window[:2]) / np.array(other.shape[::-1])
        down = np.floor((rows - window[1]) / cells[1]).astype(int)
        across = np.floor((columns - window[0]) / cells[0]).astype(int)
        inside = ((down >= 0) & (down < other.shape[0]))[:, None] & ((across >= 0) & (across < other.shape[1]))
        there = other[down.clip(0, other.shape[0] - 1)[:, None], across.clip(0, other.shape[1] - 1)]
        most = np.maximum(most, np.where(inside, there, 0))
    return most.astype(np.float32) / np.float32(255)


def _middles(window: NDArray[np.int64], size: tuple[int, ...]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """y of the middles of a window's rows of cells and x of those of its columns, in pixels of the frame."""
    x1, y1, x2, y2 = window.tolist()
    return y1 + (np.arange(size[0]) + 0.5) * (y2 - y1) / size[0], x1 + (np.arange(size[1]) + 0.5) * (x2 - x1) / size[1]


def _disc(side: int) -> NDArray[np.uint8]:
    return np.asarray(cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (side, side)), np.uint8)
