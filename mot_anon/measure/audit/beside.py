"""What of labelled people sticks out of their boxes and is still there.

Boxes lag behind, are too narrow or end below the hair.  Nobody but a parser, and motion where the camera stands still,
says that somebody goes on there, and the parser takes bags, walls and shadows for them, too: so these are doubts.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

import cv2
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from mot_anon.data.frames import decode_frame, frame_bytes, read_frame
from mot_anon.errors import FrameError
from mot_anon.measure.audit.candidates import BOX
from mot_anon.measure.audit.detail import ROUGH, detail, enough_told, rawness
from mot_anon.measure.audit.findings import DOUBT, Finding
from mot_anon.plan.outgrown import at_most, same_person
from mot_anon.plan.regions import clip
from mot_anon.plan.silhouettes import LIKELY, PERSON, Readings, windows_of
from mot_anon.threads import spread
from mot_anon.vision.cache import Tick, parse_sequence
from mot_anon.vision.motion import Grey, moving
from mot_anon.vision.windows import in_frame

_SLACK = 0.035  # of a box's height: how far people may leave it without a word
_LEAST, _LEAST_PIXELS = 0.02, 64  # of a silhouette, and pixels, that have to stick out
_VISIBLE = 0.25  # visibility below which it is rather somebody in front who is seen
_ONCE = 5  # frames without a sight that one finding bridges


def beside(
    sequence: str,
    frames: Sequence[Path],
    published: Sequence[Path],
    people: pd.DataFrame,
    everybody: Sequence[pd.DataFrame],
    still: Grey | None,
    tick: Tick,
) -> list[Finding]:
    """Doubts about parts of labelled people outside of every box, one for each time that they show.

    Parameters
    ----------
    sequence:
        Name, for the findings.
    frames, published:
        Files of the same frames; those that are missing or broken among the published are passed over.
    people:
        Rows of ground truth, with columns of :data:`~mot_anon.measure.audit.candidates.CANDIDATE_COLUMNS`.
    everybody:
        Tables of boxes (frame, x, y, w, h) of whoever may be seen: their pixels are judged there.
    still:
        The background where the camera stands still (:func:`~mot_anon.vision.motion.still_background`): there what
        sticks out has to move, too.
    tick:
        Called once a frame that is compared.
    """
    from mot_anon.vision.parse import Parser

    people = people[people["visibility"] >= _VISIBLE].reset_index(drop=True)
    if not len(people):
        return []
    boxes = people[BOX].to_numpy(float)
    roomy, parser = at_most(boxes), Parser()
    small, large = (
        Readings.from_bytes(parse_sequence(frames, people.assign(**dict(zip(BOX, some.T, strict=True))), parser))
        for some in (boxes, roomy)
    )
    inner, outer = windows_of(boxes), windows_of(roomy)
    asked = np.flatnonzero((small.scores >= PERSON) & (large.scores >= PERSON))
    asked = np.array(
        [row for row in asked if same_person(small.silhouettes[row], inner[row], large.silhouettes[row], outer[row])],
        np.int64,
    )
    numbers = people["frame"].to_numpy(np.int64)
    others = pd.concat([table[["frame", *BOX]] for table in everybody], ignore_index=True)

    def look(number: int) -> list[tuple[int, float, tuple[int, int, int, int]]]:
        original = read_frame(frames[number - 1])
        size = original.shape[1], original.shape[0]
        try:
            path = published[number - 1]
            before, after = detail(original), detail(decode_frame(frame_bytes(path), path, size=size))
        except FrameError:
            return []  # named where frames are judged
        moves = None if still is None else moving(before.pixels, still)
        known = others.loc[others["frame"] == number, BOX].to_numpy(float)
        found = []
        for row in asked[numbers[asked] == number]:
            x1, y1, x2, y2 = part = clip(_around(outer[row]), size)
            seen = in_frame(large.silhouettes[row], outer[row], part) > LIKELY
            more = _outside(seen, part, [boxes[row], *known], _SLACK * boxes[row, 3], size)
            if moves is not None:
                more &= moves[y1:y2, x1:x2]
            more = _largest(more)
            if more.sum() < max(_LEAST_PIXELS, _LEAST * seen.sum()):
                continue
            here = slice(y1, y2), slice(x1, x2)
            said, _ = rawness(before.part(here), after.part(here), more)
            if enough_told(said) and said.share >= ROUGH:
                down, across = np.nonzero(more)
                place = x1 + int(across.min()), y1 + int(down.min()), int(np.ptp(across)) + 1, int(np.ptp(down)) + 1
                found.append((int(row), said.share, place))
        return found

    sights = []
    for some in spread(look, sorted(set(numbers[asked].tolist()))):
        sights += some
        tick()
    return _findings(sequence, people, sights)


def _findings(
    sequence: str, people: pd.DataFrame, sights: list[tuple[int, float, tuple[int, int, int, int]]]
) -> list[Finding]:
    numbers, tracks = people["frame"].to_numpy(np.int64), people["track"].to_numpy(str)
    findings = []
    for track in sorted({str(tracks[row]) for row, *_ in sights}):
        mine = sorted((sight for sight in sights if tracks[sight[0]] == track), key=lambda sight: numbers[sight[0]])
        starts = [at + 1 for at, (a, b) in enumerate(pairwise(mine)) if numbers[b[0]] - numbers[a[0]] > _ONCE]
        for start, stop in pairwise([0, *starts, len(mine)]):
            row, share, (x, y, w, h) = max(mine[start:stop], key=lambda sight: sight[2][2] * sight[2][3])
            message = (
                f"goes on beyond their box, by the parser, at {x},{y} {w}×{h}, and {share:.0%} of what can be told "
                f"there shows the original, in {stop - start} frames"
            )
            findings.append(Finding(DOUBT, "beside", message, sequence, int(numbers[row]), track))
    return findings


def _around(window: NDArray[np.int64]) -> NDArray[np.float64]:
    return np.concatenate([window[:2], window[2:] - window[:2]]).astype(np.float64)


def _largest(mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """The largest connected part of a mask."""
    _, parts, stats, _ = cv2.connectedComponentsWithStats(mask.astype(np.uint8))
    return np.asarray(parts == 1 + stats[1:, cv2.CC_STAT_AREA].argmax()) if len(stats) > 1 else mask


def _outside(
    seen: NDArray[np.bool_],
    part: tuple[int, int, int, int],
    boxes: Sequence[NDArray[np.float64]],
    slack: float,
    size: tuple[int, int],
) -> NDArray[np.bool_]:
    """What is seen in a part x1, y1, x2, y2 of the frame and lies in none of the boxes, made wider by ``slack``."""
    rest = seen.copy()
    for x, y, w, h in boxes:
        x1, y1, x2, y2 = clip(np.array([x - slack, y - slack, w + 2 * slack, h + 2 * slack]), size)
        rest[max(0, y1 - part[1]) : max(0, y2 - part[1]), max(0, x1 - part[0]) : max(0, x2 - part[0])] = False
    return rest
