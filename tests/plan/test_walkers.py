"""Motion decides where the parser hesitates, and nowhere else."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from mot_anon.plan.silhouettes import LIKELY, Maps
from mot_anon.plan.walkers import decided_by_motion, with_motion
from tests.plan.test_silhouettes import body, readings, regions
from tests.sequences import noise

NOBODY = np.zeros((128, 64), np.float32)


def moving(top: int, bottom: int, left: int, right: int) -> np.ndarray:
    shares = NOBODY.copy()
    shares[top:bottom, left:right] = 1
    return shares


def test_a_coat_of_which_the_parser_doubts_is_drawn_where_it_moves() -> None:
    doubtful = np.maximum(body(top=60), body(bottom=60, value=90))
    decided = decided_by_motion(doubtful, moving(12, 116, 20, 44), NOBODY)
    assert (decided[14:114, 22:42] > LIKELY).all()
    assert (decided[:, :16] <= LIKELY).all()


def test_motion_alone_is_nobody() -> None:
    decided = decided_by_motion(body(), moving(100, 128, 0, 64), NOBODY)  # a shadow
    assert (decided[120:] < LIKELY).all()


def test_beside_somebody_who_walks_nothing_is_theirs_that_does_not_move() -> None:
    wide = np.maximum(body(), body(left=6, right=58, value=150))
    walking = decided_by_motion(wide, moving(12, 116, 20, 44), NOBODY)
    assert (walking[20:110, 6:12] <= LIKELY).all()
    assert (walking[20:110, 22:42] > LIKELY).all()


def test_whoever_stands_stays_as_they_are() -> None:
    wide = np.maximum(body(), body(left=6, right=58, value=150))
    standing = decided_by_motion(wide, NOBODY, NOBODY)
    assert np.abs(standing.astype(int) - wide).max() <= 3


def test_what_moves_and_is_rather_somebody_elses_is_left_to_them() -> None:
    doubtful = np.maximum(body(top=60), body(bottom=60, value=90))
    decided = decided_by_motion(doubtful, moving(12, 116, 20, 44), moving(12, 58, 0, 64))
    assert (decided[14:50] <= LIKELY).all()
    assert (decided[64:114, 22:42] > LIKELY).all()


def filmed(folder: Path, shift: int) -> list[Path]:
    """Somebody dark who walks before a wall, in boxes of 40×100 at 100 + 12 n, 100; and a camera that may pan."""
    wall, frames = cv2.resize(noise((80, 60), 3), (400, 300), interpolation=cv2.INTER_CUBIC), []
    for number in range(1, 9):
        frame = np.roll(wall, shift * number, 1)
        left = 100 + 12 * number
        cv2.rectangle(frame, (left + 6, 104), (left + 33, 195), (0, 0, 0), -1)
        frames.append(folder / f"{number:06d}.png")
        cv2.imwrite(str(frames[-1]), frame)
    return frames


@pytest.mark.parametrize(("shift", "helps"), [(0, True), (9, False)])
def test_motion_is_looked_for_before_a_camera_that_stands(tmp_path: Path, shift: int, helps: bool) -> None:
    frames = filmed(tmp_path, shift)
    table = regions(*((n, "S:1", 100.0 + 12 * n, "person", 1.0) for n in range(1, 9)))
    doubtful: Maps = np.maximum(body(top=60), body(bottom=60, value=90))
    doubts = readings([doubtful] * 8)
    ticks: list[None] = []
    drawn = with_motion(frames, table, doubts, lambda: ticks.append(None))
    assert (np.mean(drawn[:, 20:56, 24:40] > LIKELY) > 0.7) == helps
    assert (drawn == doubts.silhouettes).all() != helps
    assert bool(ticks) == helps


def test_detections_of_nobodys_track_are_left_alone(tmp_path: Path) -> None:
    frames = filmed(tmp_path, 0)
    table = regions(*((n, "", 100.0 + 12 * n, "person", 1.0) for n in range(1, 9)))
    doubts = readings([body(value=90)] * 8)
    assert (with_motion(frames, table, doubts) == doubts.silhouettes).all()
