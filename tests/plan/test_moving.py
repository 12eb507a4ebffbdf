"""What moves before a standing camera and is nobody's."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pandas as pd
import pytest

from mot_anon.plan.moving import (
    MOTION,
    at_edge,
    drawn_already,
    moving_regions,
    parts_beside,
    whole_bodies,
    with_rims,
)
from mot_anon.publish import guesses
from mot_anon.publish.guesses import moving_somebody
from mot_anon.vision.motion import moving, smooth_grey, upright_blobs
from tests.sequences import noise

SIZE = (160, 120)
WALL = cv2.GaussianBlur(noise(SIZE, 3), (0, 0), 2)
NOBODY = pd.DataFrame(
    {"frame": pd.Series(dtype="int64"), "track": pd.Series(dtype=str), "kind": pd.Series(dtype=str)}
    | {name: pd.Series(dtype=float) for name in "xywh"}
)


@pytest.fixture(autouse=True)
def _cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MOT_ANON_CACHE", str(tmp_path / "cache"))


def filmed(folder: Path, lefts: list[int], *, shift: int = 0) -> list[Path]:
    """Somebody red, 24 by 70 pixels, before a wall."""
    folder.mkdir()
    frames = []
    for number, left in enumerate(lefts, start=1):
        frame = np.ascontiguousarray(np.roll(WALL, shift * number, 1))
        cv2.rectangle(frame, (left, 30), (left + 23, 99), (0, 0, 255), -1)
        frames.append(folder / f"{number:06d}.png")
        cv2.imwrite(str(frames[-1]), frame)
    return frames


def test_who_walks_and_is_in_no_box_is_found_where_they_are(tmp_path: Path) -> None:
    lefts = list(range(-10, 140, 10))
    found = moving_regions(filmed(tmp_path / "a", lefts), NOBODY, SIZE)
    assert set(found["kind"]) == {"unsure"}
    assert set(found["source"]) == {MOTION}
    assert len(set(found["frame"])) >= len(lefts) - 1
    for row in found.itertuples():
        left = max(0, lefts[row.frame - 1])
        right = min(SIZE[0], lefts[row.frame - 1] + 24)
        assert abs(row.x - left) <= 3
        assert abs(row.x + row.w - right) <= 3
        assert abs(row.y - 30) <= 3
    edge = found[at_edge(found, SIZE)]
    assert set(edge["frame"]) == {1, 2}


def test_who_is_in_a_box_is_known(tmp_path: Path) -> None:
    lefts = list(range(0, 130, 10))
    rows = [(number, left, 30, 24, 70) for number, left in enumerate(lefts, start=1)]
    known = pd.DataFrame(rows, columns=["frame", "x", "y", "w", "h"])
    frames = filmed(tmp_path / "a", lefts)
    assert moving_regions(frames, known, SIZE).empty
    assert set(moving_regions(frames, known[known["frame"] != 5], SIZE)["frame"]) == {5}


def test_where_the_camera_moves_nothing_is_said(tmp_path: Path) -> None:
    assert moving_regions(filmed(tmp_path / "a", list(range(0, 130, 10)), shift=7), NOBODY, SIZE).empty


def test_only_sides_and_feet_are_cut_off_by_the_frame() -> None:
    boxes = pd.DataFrame({"x": [0, 50, 140, 50, 50], "y": [20, 0, 20, 60, 20], "w": 20, "h": [50, 50, 50, 60, 50]})
    assert at_edge(boxes, SIZE).tolist() == [True, False, True, True, False]


def test_without_a_parser_only_what_the_frame_cuts_off_is_covered(tmp_path: Path) -> None:
    frames = filmed(tmp_path / "a", list(range(-10, 140, 10)))
    kept = moving_somebody(frames, "a", NOBODY, SIZE, lambda what, steps: lambda: None, parsed=False)
    assert len(kept)
    assert at_edge(kept, SIZE).all()
    assert len(moving_regions(frames, NOBODY, SIZE)) > len(kept)


def test_a_leg_at_the_edge_is_enough(tmp_path: Path) -> None:
    frames = filmed(tmp_path / "a", [-17, -17, 60, 70, 80, 90, 100, 110, 60, 30, 60, 90])
    found = moving_regions(frames, NOBODY, SIZE)
    assert {1, 2} <= set(found[at_edge(found, SIZE)]["frame"])  # ten times as high as wide


@pytest.mark.parametrize(
    ("kind", "track", "parsed"), [("unsure", "", True), ("person", "", True), ("hidden", "a:1", False)]
)
def test_a_box_that_may_paint_nothing_silences_no_motion(tmp_path: Path, kind: str, track: str, parsed: bool) -> None:
    frames = filmed(tmp_path / "a", [-17, -17, 60, 70, 80, 90, 100, 110, 60, 30, 60, 90])
    box = pd.DataFrame({"frame": [1, 2], "track": track, "x": 0, "y": 20, "w": 30, "h": 90, "kind": kind})
    kept = moving_somebody(frames, "a", box, SIZE, lambda what, steps: lambda: None, parsed=parsed)
    assert {1, 2} <= set(kept[at_edge(kept, SIZE)]["frame"])
    tracked = box.assign(kind="person", track="a:1")
    kept = moving_somebody(frames, "a", tracked, SIZE, lambda what, steps: lambda: None, parsed=parsed)
    assert not {1, 2} & set(kept["frame"])


def test_motion_of_whom_two_detectors_saw_is_theirs() -> None:
    columns = ["frame", "track", "x", "y", "w", "h", "kind", "source"]
    rows = [
        (1, "", 10, 10, 40, 90, "person", "detection"),
        (1, "", 14, 12, 30, 80, "unsure", MOTION),
        (1, "", 100, 12, 30, 80, "unsure", MOTION),
        (2, "", 14, 12, 30, 80, "unsure", MOTION),
    ]
    assert drawn_already(pd.DataFrame(rows, columns=columns), SIZE).tolist() == [False, True, False, False]
    unsure = pd.DataFrame(rows, columns=columns).assign(kind="unsure")
    assert not drawn_already(unsure, SIZE).any()


def test_a_head_that_rises_from_the_lower_edge_is_enough(tmp_path: Path) -> None:
    frames = filmed(tmp_path / "a", [200] * 12)
    for number in (5, 6):
        frame = cv2.imread(str(frames[number]))
        cv2.rectangle(frame, (60, 80), (99, 119), (0, 0, 255), -1)
        cv2.imwrite(str(frames[number]), frame)
    assert set(moving_regions(frames, NOBODY, SIZE)["frame"]) == {6, 7}


@pytest.mark.parametrize("gain", [0.8, 1.2])
def test_light_that_changes_is_nobody_and_hides_nobody(gain: float) -> None:
    frame = np.clip(WALL.astype(np.float32) * gain, 0, 255).astype(np.uint8)
    background = smooth_grey(WALL)
    assert moving(frame, background).mean() < 0.02
    cv2.rectangle(frame, (60, 30), (83, 99), (0, 0, 90), -1)
    (blob,) = upright_blobs(moving(frame, background))
    assert np.abs(np.array(blob) - (60, 30, 24, 70)).max() <= 3


def test_the_whole_frame_is_no_person(tmp_path: Path) -> None:
    assert upright_blobs(np.ones((120, 60), bool), 12.0) == []


def test_a_head_behind_somebody_with_a_box_is_found_beside_it() -> None:
    mask = np.zeros(SIZE[::-1], bool)
    box = np.array([[60.0, 50.0, 30.0, 66.0]])
    mask[30:44, 68:84] = True  # above the box, as far as hair of whoever is in it may reach
    assert parts_beside(mask, box) == []
    mask[30:47, 68:84] = True
    assert parts_beside(mask, box) == [(68, 30, 16, 17, 66.0)]
    mask[10:47, 68:84] = True  # more than half as high as they are
    assert parts_beside(mask, box) == []
    mask[:] = False
    mask[40:50, 68:72] = True  # a hand
    assert parts_beside(mask, box) == []


def test_a_part_stands_above_its_body_and_gets_a_rim() -> None:
    rows = [(68.0, 30.0, 16.0, 18.0, 70.0), (10.0, 10.0, 20.0, 60.0, 0.0)]
    parts = pd.DataFrame(rows, columns=["x", "y", "w", "h", "standing"])
    whole, rims = whole_bodies(parts), with_rims(parts)
    assert whole.loc[0, ["x", "y", "w", "h"]].tolist() == [62.0, 30.0, 28.0, 70.0]
    assert rims.loc[0, "w"] > 16
    assert rims.loc[0, "y"] < 30
    for made in (whole, rims):
        assert made.loc[1].tolist() == parts.loc[1].tolist()


@pytest.mark.parametrize(("score", "covered"), [(1.0, True), (0.1, False)])
def test_a_part_is_covered_unless_the_parser_sees_nobody_below_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, score: float, covered: bool
) -> None:
    frames = filmed(tmp_path / "a", [200] * 9)
    frame = cv2.imread(str(frames[4]))
    cv2.rectangle(frame, (68, 28), (84, 60), (0, 0, 255), -1)
    cv2.imwrite(str(frames[4]), frame)
    known = pd.DataFrame({"frame": range(1, 10), "track": "a:1", "x": 60, "y": 50, "w": 30, "h": 66, "kind": "person"})
    asked: list[pd.DataFrame] = []

    def scores(paths: object, boxes: pd.DataFrame, tick: object) -> np.ndarray:
        asked.append(boxes)
        return np.full(len(boxes), score, np.float32)

    monkeypatch.setattr(guesses, "_scores", scores)
    kept = moving_somebody(frames, "a", known, SIZE, lambda what, steps: lambda: None, parsed=True)
    assert list(kept["frame"]) == [5] * covered
    assert asked[0]["h"].tolist() == [66.0]
    if covered:
        x, y, w, h = kept.iloc[0][["x", "y", "w", "h"]].to_numpy(float)
        assert x < 68
        assert x + w > 84
        assert y < 28
        assert y + h >= 47
