"""Whose face is large enough to be seen."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from mot_anon.plan.camera import CameraPlan
from mot_anon.plan.portraits import LOOKS, Portraits, chosen_portraits, large_head, looks
from mot_anon.plan.silhouettes import Seen
from tests.invented_faces import face_points
from tests.plan.test_camera import plan_of


def seen(bright: int, window: tuple[int, int, int, int]) -> Seen:
    """Somebody whose head is 8×8 of 64×32 cells, from (10, 4) on."""
    parts = np.zeros((4, 64, 32), np.uint8)
    parts[0, 4:12, 10:18] = bright
    blank = np.zeros((128, 64), np.uint8)
    return Seen(np.array(window), blank, blank, parts, True)


def walk(n: int) -> pd.DataFrame:
    rows = [(f, "S:1", 0.0, 0.0, 100.0, 250.0, "person", "gt", 1.0) for f in range(1, n + 1)]
    return pd.DataFrame(rows, columns=["frame", "track", "x", "y", "w", "h", "kind", "source", "visibility"])


def read(n: int, confidence: list[float]) -> tuple[np.ndarray, np.ndarray]:
    """A face that stands still, seen alike by every look."""
    points = np.tile((50 + 20 * face_points()).astype(np.float32), (n * LOOKS, 1, 1))
    return points, np.repeat(np.array(confidence, np.float32), LOOKS)


def test_a_head_is_where_the_parser_has_it_if_it_is_large_and_there() -> None:
    assert large_head(seen(130, (100, 50, 228, 306))) == pytest.approx([140, 66, 32, 32])
    assert large_head(seen(30, (100, 50, 228, 306))) is None
    assert large_head(seen(130, (100, 50, 164, 178))) is None


def test_looks_are_squares_on_the_head() -> None:
    heads = np.array([[100.0, 50, 40, 50], [0, 0, 30, 20]])
    found = looks(heads)
    assert found.shape == (2 * LOOKS, 4)
    assert (found[:, 2] == found[:, 3]).all()
    middles = (found[:, :2] + found[:, 2:] / 2).reshape(2, LOOKS, 2)
    assert np.abs(middles[0] - (120, 75)).max() <= 0.3 * 50
    assert np.abs(middles[1] - (15, 10)).max() <= 0.3 * 30
    assert looks(np.zeros((0, 4))).shape == (0, 4)


def test_a_portrait_comes_and_goes_within_some_frames() -> None:
    confidence = [0.1] * 6 + [0.9] * 8 + [0.1] * 6
    heads = np.tile([30.0, 30, 40, 40], (20, 1))
    found = chosen_portraits(walk(20), list(range(20)), heads, read(20, confidence))
    assert found.shares[:3].max() == 0
    assert (found.shares[9:11] == 1).all()
    assert np.abs(np.diff(found.shares)).max() < 0.3
    assert found.of(0) is None
    shown = found.of(10)
    assert shown is not None
    assert shown.share == 1
    assert np.allclose(shown.points, 50 + 20 * face_points(), atol=0.5)


def test_a_single_frame_makes_no_face_and_takes_none_away() -> None:
    heads = np.tile([30.0, 30, 40, 40], (9, 1))
    for other, expected in ((0.9, 0.0), (0.1, 1.0)):
        confidence = [1 - other] * 4 + [other] + [1 - other] * 4
        shares = chosen_portraits(walk(9), list(range(9)), heads, read(9, confidence)).shares
        assert (shares == expected).all()


def test_small_heads_have_none_and_growing_ones_get_theirs_slowly() -> None:
    size = np.linspace(18, 34, 17)
    heads = np.stack([0 * size, 0 * size, size, size], 1)
    shares = chosen_portraits(walk(17), list(range(17)), heads, read(17, [0.9] * 17)).shares
    assert shares[0] == 0
    assert shares[-1] == 1
    assert (np.diff(shares) >= -1e-6).all()
    assert np.diff(shares).max() < 0.15


def test_sure_looks_count_more_than_doubtful_ones() -> None:
    points, sure = read(3, [0.9] * 3)
    points[1::LOOKS] += 30
    sure[1::LOOKS] = 0.2
    found = chosen_portraits(walk(3), [0, 1, 2], np.tile([30.0, 30, 40, 40], (3, 1)), (points, sure))
    assert np.allclose(found.points[1], 50 + 20 * face_points(), atol=0.5)


def test_whoever_shows_no_large_head_has_no_portrait_and_others_do() -> None:
    nobody = chosen_portraits(walk(3), [], np.zeros((0, 4)), read(0, []))
    assert [nobody.of(row) for row in range(3)] == [None] * 3
    gap = chosen_portraits(walk(7), [0, 1, 2, 4, 5, 6], np.tile([30.0, 30, 40, 40], (6, 1)), read(6, [0.9] * 6))
    assert [gap.of(row) is None for row in range(7)] == [False] * 3 + [True] + [False] * 3


def test_a_plan_keeps_its_portraits() -> None:
    plan = plan_of()
    shares = np.linspace(0, 1, len(plan.regions)).astype(np.float32)
    points = np.random.default_rng(0).random((len(plan.regions), 68, 2), np.float32)
    before = replace(plan, portraits=Portraits(points, shares))
    after = CameraPlan.from_bytes(before.to_bytes())
    assert after.to_bytes() == before.to_bytes()
    frame = after.frame(2)
    rows = np.flatnonzero((plan.regions["frame"] == 2) & (plan.regions["kind"] != "hidden"))
    for row, region in zip(rows, frame, strict=True):
        assert region.portrait is not None
        assert region.portrait.share == shares[row]
        assert np.array_equal(region.portrait.points, points[row])
    assert all(region.portrait is None for region in CameraPlan.from_bytes(plan.to_bytes()).frame(2))
