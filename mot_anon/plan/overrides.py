"""``--regions FILE``: regions that a person adds, moves or vetoes by hand.

A CSV file with the header ``sequence,frame,action,track,x,y,w,h``.  ``sequence`` is a sequence or camera name.

========  ==================================================================================================
add       cover this box; with a ``track`` it is that person, without one it gets the camera's identity
move      give the region of this ``track`` (an id of ground truth) this box instead
veto      do not cover the region of this ``track``, or, without one, the detected regions at this box
========  ==================================================================================================
"""

from __future__ import annotations

import csv
import math
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from mot_anon.errors import FormatError, NotFoundError
from mot_anon.plan.moving import MOTION
from mot_anon.plan.regions import REGION_COLUMNS, iou

HEADER = ["sequence", "frame", "action", "track", "x", "y", "w", "h"]
SAME_BOX = 0.5
"""IoU from which on a line's box means a region."""
_DETECTED = ("detection", "tracker", "gap", MOTION)


@dataclass(frozen=True)
class Override:
    """One line of the file; ``box`` is x, y, w, h or None, ``track`` an id or an empty text."""

    line: int
    sequence: str
    frame: int
    action: str
    track: str
    box: tuple[float, float, float, float] | None


def read_overrides(path: Path) -> list[Override]:
    """Read the file; raises :class:`FormatError` with the line that is wrong."""
    try:
        rows = list(csv.reader(path.read_text(encoding="utf-8-sig").splitlines()))
    except FileNotFoundError:
        raise NotFoundError(f"{path}: no such file of regions") from None
    except (OSError, UnicodeDecodeError, csv.Error):
        raise FormatError(path, None, f"cannot be read as text; the first line is {','.join(HEADER)}") from None
    if not rows or [field.strip() for field in rows[0]] != HEADER:
        raise FormatError(path, 1, f"the first line is {','.join(HEADER)}")
    overrides = []
    for number, row in enumerate(rows[1:], start=2):
        fields = [field.strip() for field in row]
        if not any(fields):
            continue
        if len(fields) != len(HEADER):
            raise FormatError(path, number, f"{len(fields)} columns where there are {len(HEADER)}")
        overrides.append(_parse(path, number, fields))
    return overrides


def require_known(overrides: Iterable[Override], known: Iterable[str], *, path: Path) -> None:
    """Raise :class:`FormatError` for the first override whose sequence or camera is none of ``known``.

    A misspelt name would otherwise leave somebody uncovered whom the file means to cover.
    """
    names = set(known)
    for override in overrides:
        if override.sequence not in names:
            there = ", ".join(sorted(names))
            raise FormatError(path, override.line, f"no sequence or camera {override.sequence!r}; there is: {there}")


def apply_overrides(
    regions: pd.DataFrame, overrides: list[Override], *, path: Path, recording: str, n_frames: int
) -> pd.DataFrame:
    """Carry out the overrides of one camera's regions; one that finds nothing to move or veto is an error."""
    table = regions.copy()
    for override in overrides:
        if override.frame > n_frames:
            raise FormatError(path, override.line, f"frame {override.frame} is beyond the end ({n_frames} frames)")
        here = table["frame"] == override.frame
        if override.action == "add":
            track = f"{recording}:{override.track}" if override.track else ""
            assert override.box is not None
            row = pd.DataFrame([(override.frame, track, *override.box, "person", "manual")], columns=REGION_COLUMNS)
            row["visibility"] = 1.0
            table = pd.concat([table, row], ignore_index=True)
            continue
        if override.track:
            found = here & (table["track"] == f"{recording}:{override.track}")
        else:
            box = np.array([override.box], float)
            near = iou(table[["x", "y", "w", "h"]].to_numpy(float), box)[:, 0] >= SAME_BOX
            labelled = table["track"].isin(table.loc[table["source"].isin(("gt", "group")), "track"])
            found = here & table["source"].isin(_DETECTED) & near & ~labelled
        if not found.any():
            raise FormatError(path, override.line, f"frame {override.frame} has no such region to {override.action}")
        if override.action == "veto":
            table = table[~found].reset_index(drop=True)
        else:
            table.loc[found, ["x", "y", "w", "h"]] = _box(override)
            table.loc[found, ["source", "visibility"]] = ["manual", 1.0]
    return table


def _box(override: Override) -> NDArray[np.float64]:
    return np.array(override.box, float)


def _parse(path: Path, line: int, fields: list[str]) -> Override:
    sequence, frame, action, track = fields[:4]
    if action not in ("add", "move", "veto"):
        raise FormatError(path, line, f"action {action!r}; it is add, move or veto")
    if not re.fullmatch("[0-9]{1,9}", frame) or int(frame) < 1:
        raise FormatError(path, line, f"frame {frame!r} is not a number from 1")
    box = None
    if any(fields[4:]):
        try:
            x, y, w, h = map(float, fields[4:])
        except ValueError:
            raise FormatError(path, line, "x,y,w,h are four numbers") from None
        if not all(map(math.isfinite, (x, y, w, h))) or w <= 0 or h <= 0:
            raise FormatError(path, line, "a box has finite numbers and a positive size")
        box = (x, y, w, h)
    if action != "veto" and box is None:
        raise FormatError(path, line, f"{action} needs a box")
    if action == "move" and not track:
        raise FormatError(path, line, "move needs a track")
    if action == "veto" and not track and box is None:
        raise FormatError(path, line, "veto needs a track or a box")
    return Override(line, sequence, int(frame), action, track, box)
