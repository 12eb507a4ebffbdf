"""The skin of a track: one sight of a neck says what it is like in all frames."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pandas as pd

from mot_anon.plan.heads import Heads
from mot_anon.publish.complexion import complexions
from mot_anon.vision.landmarks import face_windows
from tests.invented_faces import face_points

SKIN = np.array([0.75, 0.56, 0.46])  # red, green, blue
POINTS = (60 * face_points() + (50, 30)).astype(np.float32)


def frames(folder: Path, necks: list[bool]) -> list[Path]:
    """A grey wall, and now and then a neck below the face."""
    paths = []
    for number, neck in enumerate(necks):
        picture = np.full((160, 160, 3), 120, np.uint8)
        if neck:
            chin = round(float(POINTS[:, 1].max()))
            picture[chin - 4 : chin + 40, 55:105] = np.rint(255 * SKIN[::-1])
        paths.append(folder / f"{number:06d}.png")
        cv2.imwrite(str(paths[-1]), picture)
    return paths


def told(folder: Path, necks: list[bool], usable: list[bool] | None = None) -> tuple[np.ndarray, int]:
    n = len(necks)
    regions = pd.DataFrame({"frame": range(1, n + 1), "track": "S:1", "kind": "person"})
    windows = np.tile(np.rint(face_windows(POINTS[None])[0]).astype(np.int64), (n, 1))
    use = np.ones(n, bool) if usable is None else np.array(usable)
    points, sure = np.tile(POINTS, (n, 1, 1)), np.ones(n, np.float32)
    heads = Heads(np.zeros((n, 4)), use, windows, points, sure, use, use)
    ticks: list[int] = []
    found = complexions(frames(folder, necks), regions, heads, lambda: ticks.append(1))
    return found, len(ticks)


def test_skin_that_is_seen_once_is_that_of_all_frames(tmp_path: Path) -> None:
    found, ticks = told(tmp_path, [False, True, False, False])
    assert found.shape == (4, 4)
    assert found.dtype == np.float32
    assert ticks == 4
    assert (found[:, 3] > 0.5).all()
    ratio = found[:, :3] / found[:, :1]
    assert np.abs(ratio - SKIN / SKIN[0]).max() < 0.06
    assert np.abs(found - found[1]).max() < 1e-6


def test_where_no_neck_is_seen_nothing_is_said(tmp_path: Path) -> None:
    found, _ = told(tmp_path, [False, False])
    assert found.max() == 0


def test_only_whose_face_is_drawn_is_looked_at(tmp_path: Path) -> None:
    found, ticks = told(tmp_path, [True, True], [False, True])
    assert ticks == 1
    assert found[0].max() == 0
    assert found[1, 3] > 0.5
