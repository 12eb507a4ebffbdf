"""The background plate: what a standing camera sees where nobody is, and nothing of anybody."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
import pandas as pd
import pytest

from mot_anon.plan.plate import Masks, make_plate, things_there
from tests.sequences import noise

SIZE = (160, 96)
WALL = noise(SIZE, 3)
PERSON = (20, 60)  # width and height


@pytest.fixture(autouse=True)
def _cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MOT_ANON_CACHE", str(tmp_path / "cache"))


def filmed(folder: Path, lefts: list[int], *, shift: int = 0, loose: bool = False) -> tuple[list[Path], pd.DataFrame]:
    """Frames of somebody red before a wall, at these places, and their regions."""
    folder.mkdir(exist_ok=True)
    rows, frames = [], []
    for number, left in enumerate(lefts, start=1):
        frame = np.roll(WALL, shift * number, 1)
        cv2.rectangle(frame, (left, 20), (left + PERSON[0] - 1, 79), (0, 0, 255), -1)
        frames.append(folder / f"{number:06d}.png")
        cv2.imwrite(str(frames[-1]), frame)
        rows.append((number, loose, left, 20.0, *map(float, PERSON), "person", "gt", 1.0))
    return frames, pd.DataFrame(rows, columns=["frame", "loose", "x", "y", "w", "h", "kind", "source", "visibility"])


def test_the_plate_is_the_wall_and_nothing_of_the_people(tmp_path: Path) -> None:
    frames, regions = filmed(tmp_path / "a", list(range(10, 130, 10)))
    plate = make_plate(frames, regions, SIZE, seconds=9)
    assert plate is not None
    assert plate.known.mean() > 0.95
    assert (plate.pixels[plate.known] == WALL[plate.known]).all()


def test_where_somebody_always_stands_nothing_is_known(tmp_path: Path) -> None:
    frames, regions = filmed(tmp_path / "a", [50] * 12)
    plate = make_plate(frames, regions, SIZE, seconds=9)
    assert plate is not None
    assert not plate.known[20:80, 50:70].any()
    assert plate.known[:, :40].all()


def test_a_few_frames_are_not_enough(tmp_path: Path) -> None:
    frames, regions = filmed(tmp_path / "a", [50] * 8 + [110] * 4)  # free in four frames only
    plate = make_plate(frames, regions, SIZE, seconds=9)
    assert plate is not None
    assert not plate.known[20:80, 50:70].any()


def test_where_untracked_detections_keep_coming_nothing_is_known(tmp_path: Path) -> None:
    # Somebody stands there all the time, as still as people can, and the detector sees them in every third frame.
    frames, regions = filmed(tmp_path / "a", [50, 51, 50, 49, 50] * 3, loose=True)
    plate = make_plate(frames, regions.iloc[::3], SIZE, seconds=9)
    assert plate is not None
    assert not plate.known[20:80, 50:70].any()


def test_what_never_moves_is_known_whatever_detectors_say_of_it(tmp_path: Path) -> None:
    frames, regions = filmed(tmp_path / "a", [50] * 15, loose=True)
    plate = make_plate(frames, regions.iloc[::3], SIZE, seconds=60)
    assert plate is not None
    assert plate.known.all()
    assert (plate.pixels[30:70, 52:68] == (0, 0, 255)).all()


@pytest.mark.parametrize("seconds", [9, 25])  # too short for their size, and for whoever is taken for a person
def test_who_holds_still_for_some_seconds_is_no_thing(tmp_path: Path, seconds: float) -> None:
    frames, regions = filmed(tmp_path / "a", [50] * 15, loose=True)
    plate = make_plate(frames, regions.iloc[::3], SIZE, seconds=seconds)
    assert plate is not None
    assert not plate.known[20:80, 50:70].any()
    assert not things_there(plate, regions, SIZE).any()


def test_the_taller_somebody_would_be_the_sooner_it_is_a_thing(tmp_path: Path) -> None:
    frames, regions = filmed(tmp_path / "a", [50] * 15, loose=True)
    regions = regions.assign(kind="unsure")
    tall = make_plate(frames, regions.iloc[::3], SIZE, seconds=25)
    assert tall is not None
    assert tall.known[20:80, 50:70].all()
    assert things_there(tall, regions, SIZE).all()
    small = regions.assign(y=40.0, h=30.0)  # of whom a pixel is twice as much
    short = make_plate(frames, small.iloc[::3], SIZE, seconds=25)
    assert short is not None
    assert not short.known[42:68, 52:68].any()
    assert not things_there(short, small, SIZE).any()


def test_hands_and_hair_beyond_a_box_are_not_the_background(tmp_path: Path) -> None:
    frames, regions = filmed(tmp_path / "a", [50] * 12)
    narrow = regions.assign(x=regions["x"] + 4, w=12.0, y=26.0, h=48.0)  # a box that somebody drew too small
    plate = make_plate(frames, narrow, SIZE, seconds=9)
    assert plate is not None
    assert not plate.known[20:79, 50:70].any()


def test_a_box_of_what_never_moves_is_a_thing_and_one_of_somebody_who_moves_is_not(tmp_path: Path) -> None:
    frames, regions = filmed(tmp_path / "a", list(range(5, 50, 3)))
    plate = make_plate(frames, regions.iloc[:0], SIZE, seconds=60)  # nobody is known to walk there
    assert plate is not None
    asked = pd.DataFrame({"x": [110, 20, 400], "y": [20, 20, 0], "w": [40, 20, 9], "h": [60, 60, 9]})
    asked["kind"] = "person"
    assert things_there(plate, asked, SIZE).tolist() == [True, False, False]


def outlined(regions: pd.DataFrame, *, missed: Sequence[int] = (), strangers: bool = False) -> Masks:
    """People covered as far as they are red, as a parser has it; in some frames it misses them."""

    def masks(number: int) -> tuple[np.ndarray, np.ndarray]:
        covered, nobody = np.zeros((2, *SIZE[::-1]), bool)
        for left in regions.loc[regions["frame"] == number, "x"].astype(int):
            covered[20:80, left : left + PERSON[0]] = number not in missed
        return (nobody, covered) if strangers else (covered, nobody)

    return masks


def test_outlines_show_more_of_the_wall_than_boxes_do(tmp_path: Path) -> None:
    frames, regions = filmed(tmp_path / "a", [50] * 12)
    roomy = regions.assign(x=20.0, w=90.0)
    by_boxes, by_outlines = (make_plate(frames, roomy, SIZE, seconds=9, masks=m) for m in (None, outlined(regions)))
    assert by_boxes is not None
    assert by_outlines is not None
    assert not by_boxes.known[50, 20:110].any()
    assert by_outlines.known[50, 20:46].all()
    assert not by_outlines.known[50, 50:70].any()
    assert (by_outlines.pixels[by_outlines.known] == WALL[by_outlines.known]).all()


@pytest.mark.parametrize("kind", ["person", "hidden"])
def test_whoever_is_missed_now_and_then_does_not_become_the_wall(tmp_path: Path, kind: str) -> None:
    frames, regions = filmed(tmp_path / "a", [50] * 15)
    missed = range(1, 6) if kind == "person" else range(1, 16)  # nothing of who counts as hidden is ever covered
    plate = make_plate(frames, regions.assign(kind=kind), SIZE, seconds=9, masks=outlined(regions, missed=missed))
    assert plate is not None
    assert not plate.known[20:80, 50:70].any()


def test_behind_strangers_whom_a_detector_finds_now_and_then_nothing_is_known(tmp_path: Path) -> None:
    frames, regions = filmed(tmp_path / "a", [50, 51, 50, 49, 50] * 3, loose=True)
    masks = outlined(regions, missed=range(2, 16, 2), strangers=True)
    plate = make_plate(frames, regions, SIZE, seconds=9, masks=masks)
    assert plate is not None
    assert not plate.known[20:80, 50:70].any()
    assert plate.known[50, :44].all()


def test_a_camera_that_moves_has_no_plate(tmp_path: Path) -> None:
    frames, regions = filmed(tmp_path / "a", list(range(10, 130, 10)), shift=5)
    assert make_plate(frames, regions, SIZE, seconds=9) is None


def test_a_plate_is_used_for_frames_that_were_taken_from_the_same_place(tmp_path: Path) -> None:
    frames, regions = filmed(tmp_path / "a", list(range(10, 130, 10)))
    plate = make_plate(frames, regions, SIZE, seconds=9)
    assert plate is not None
    outside = np.ones(SIZE[::-1], bool)
    assert plate.shows(WALL, outside)
    assert not plate.shows(np.roll(WALL, 9, 1), outside)
    assert not plate.shows(WALL, ~outside)  # nothing to judge by
