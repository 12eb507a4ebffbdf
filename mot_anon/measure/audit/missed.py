"""People whom nobody covered, perhaps: a worklist that ``--regions`` takes back, and a picture of what to look at."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping
from collections.abc import Sequence as Rows
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from mot_anon.data.frames import Frame, read_frame
from mot_anon.measure.audit.sights import Sight
from mot_anon.plan.overrides import HEADER
from mot_anon.plan.regions import iou

_SAME = 0.4  # IoU of two sights of one person, at most so many frames apart
_APART = 15  # frames
_COLUMNS, _ROWS = 10, 12
_TILE = (96, 160)  # width, height in pixels of a crop on the sheet
_CAPTION = 30


@dataclass(frozen=True)
class Group:
    """Sights that seem to be of one person, by time.

    Attributes
    ----------
    sequence:
        Name.
    sights:
        In the order of frames.
    """

    sequence: str
    sights: tuple[Sight, ...]

    @property
    def best(self) -> Sight:
        """The sight that shows most."""
        return max(self.sights, key=lambda s: (s.score, s.box[2] * s.box[3]))

    @property
    def weight(self) -> float:
        """How much there is to see: the best score, more where it was seen again and again."""
        return self.best.score * (1 + np.log1p(len(self.sights) - 1))


def grouped(missed: Rows[tuple[str, Sight]]) -> list[Group]:
    """Join sights that lie over each other within a few frames; worst first."""
    groups: dict[str, list[list[Sight]]] = {}
    for sequence, sight in sorted(missed, key=lambda item: (item[0], item[1].frame, -item[1].score)):
        own = groups.setdefault(sequence, [])
        for group in own:
            last = group[-1]
            near = iou(np.array([last.box]), np.array([sight.box]))[0, 0] >= _SAME
            if near and 0 < sight.frame - last.frame <= _APART:
                group.append(sight)
                break
        else:
            own.append([sight])
    found = [Group(sequence, tuple(group)) for sequence, own in groups.items() for group in own]
    return sorted(found, key=lambda g: (-g.weight, g.sequence, g.sights[0].frame))


def worklist(groups: Rows[Group]) -> str:
    """The groups as ``--regions`` reads them: every sight a line that adds its box, worst group first."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(HEADER)
    for group in groups:
        for sight in group.sights:
            writer.writerow([group.sequence, sight.frame, "add", "", *(f"{value:.1f}" for value in sight.box)])
    return text.getvalue()


def contact_sheet(groups: Rows[Group], frames: Mapping[str, Rows[Path]]) -> Frame:
    """The best sight of every group, as published, in rows: what nobody covered is raw in it.

    Parameters
    ----------
    frames:
        Sequence → its published frames by number, first one first.
    """
    shown = groups[: _COLUMNS * _ROWS]
    rows = -(-len(shown) // _COLUMNS)
    width, height = _TILE[0] + 8, _TILE[1] + _CAPTION
    sheet = np.full((max(1, rows) * height, _COLUMNS * width, 3), 32, np.uint8)
    for index, group in enumerate(shown):
        sight = group.best
        y, x = index // _COLUMNS * height, index % _COLUMNS * width
        crop = _crop(read_frame(frames[group.sequence][sight.frame - 1]), sight.box)
        sheet[y : y + crop.shape[0], x : x + crop.shape[1]] = crop
        for line, text in enumerate((group.sequence[-14:], f"f{sight.frame} x{len(group.sights)} {sight.score:.2f}")):
            place = (x + 1, y + _TILE[1] + 11 + 13 * line)
            cv2.putText(sheet, text, place, cv2.FONT_HERSHEY_SIMPLEX, 0.36, (230, 230, 230), 1, cv2.LINE_AA)
    return sheet


def _crop(frame: Frame, box: tuple[float, float, float, float]) -> NDArray[np.uint8]:
    x, y, w, h = box
    size = (frame.shape[1], frame.shape[0])
    x1, y1 = max(0, int(x - 0.1 * w)), max(0, int(y - 0.05 * h))
    x2, y2 = min(size[0], int(x + 1.1 * w) + 1), min(size[1], int(y + 1.05 * h) + 1)
    if x2 <= x1 or y2 <= y1:
        return np.zeros((_TILE[1], _TILE[0], 3), np.uint8)
    scale = min(_TILE[0] / (x2 - x1), _TILE[1] / (y2 - y1))
    wanted = (max(1, round((x2 - x1) * scale)), max(1, round((y2 - y1) * scale)))
    return np.asarray(cv2.resize(frame[y1:y2, x1:x2], wanted, interpolation=cv2.INTER_AREA), np.uint8)
