from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pandas as pd
import pytest
from numpy.typing import NDArray

from mot_anon.data.frames import Frame
from mot_anon.data.motchallenge import DETECTION_COLUMNS, table
from mot_anon.plan import tracks as module
from mot_anon.plan.regions import REGION_COLUMNS
from mot_anon.plan.tracks import merge_detections, retracked, tracks_from_detections

FRAMES = 20


class ColourEmbedder:
    """The mean colour of a box: enough to tell a red person from a blue one."""

    fingerprint = "mean colour"

    def __call__(self, frame: Frame, boxes: NDArray[np.float64]) -> NDArray[np.float32]:
        means = [frame[int(y1) : int(y2), int(x1) : int(x2)].mean((0, 1)) for x1, y1, x2, y2 in boxes]
        features = np.array(means, np.float32).reshape(-1, 3)
        return features / np.linalg.norm(features, axis=1, keepdims=True)


@pytest.fixture
def street(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """A red and a blue person who walk towards each other, meet in the middle and go on."""
    monkeypatch.setenv("MOT_ANON_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(module, "OsnetEmbedder", ColourEmbedder)
    monkeypatch.setattr(module, "calibrated_gate", lambda: 0.2)
    paths = []
    for frame in range(1, FRAMES + 1):
        picture = np.full((240, 320, 3), 60, np.uint8)
        for name, colour in (("red", (10, 10, 230)), ("blue", (230, 10, 10))):
            x, y, w, h = map(int, place(name, frame))
            picture[y : y + h, x : x + w] = colour
        paths.append(tmp_path / f"{frame:06d}.png")
        cv2.imwrite(str(paths[-1]), picture)
    return paths


def place(name: str, frame: int) -> tuple[float, float, float, float]:
    return (20 + 10 * frame, 60, 30, 90) if name == "red" else (260 - 10 * frame, 100, 30, 90)


def seen(name: str, frames: range | list[int]) -> pd.DataFrame:
    return table([(frame, *place(name, frame), 1.0) for frame in frames], DETECTION_COLUMNS)


def both(*tables: pd.DataFrame) -> pd.DataFrame:
    return pd.concat(tables, ignore_index=True).sort_values("frame", ignore_index=True)


def test_people_who_cross_keep_their_tracks_and_pauses_are_filled(street: list[Path]) -> None:
    missed = [frame for frame in range(1, FRAMES + 1) if frame not in (6, 7)]
    regions = tracks_from_detections(
        street, {"hog": both(seen("red", missed), seen("blue", range(1, FRAMES + 1)))}, "yard", 10.0
    )
    assert list(regions.columns) == [*REGION_COLUMNS, "visibility"]
    assert regions["track"].nunique() == 2
    for name in ("red", "blue"):
        first = regions[(regions["frame"] == 1) & (regions["y"] == place(name, 1)[1])].iloc[0]
        mine = regions[regions["track"] == first["track"]].set_index("frame").sort_index()
        assert mine.index.tolist() == list(range(1, FRAMES + 1))
        assert (mine["y"] == place(name, 1)[1]).all(), "the track went over to the other person"
    gaps = regions[regions["source"] == "gap"]
    assert sorted(gaps["frame"]) == [6, 7]
    assert gaps.sort_values("frame")["x"].tolist() == [80, 90]


def test_a_track_begins_and_ends_a_little_before_and_after_its_detections(street: list[Path]) -> None:
    regions = tracks_from_detections(street, {"hog": seen("red", range(8, 12))}, "yard", 10.0)
    assert sorted(regions["frame"]) == list(range(5, 15))
    early = regions[regions["frame"] == 5].iloc[0]
    x, y, w, h = place("red", 8)
    assert early["x"] < x
    assert early["x"] + early["w"] > x + w
    assert (early["y"], early["h"]) == (y, h)


def test_what_only_one_of_two_detectors_ever_saw_is_unsure_in_all_its_frames(street: list[Path]) -> None:
    hog = both(seen("red", range(1, FRAMES + 1)), seen("blue", [3, 4, 7, 8]))
    regions = tracks_from_detections(street, {"public": seen("red", [5]), "hog": hog}, "yard", 10.0)
    assert set(regions.loc[regions["y"] == 60, "kind"]) == {"person"}
    assert set(regions.loc[regions["y"] == 100, "kind"]) == {"unsure"}
    assert {5, 6} <= set(regions.loc[regions["y"] == 100, "frame"])


def test_with_one_detector_everything_it_saw_is_a_person(street: list[Path]) -> None:
    regions = tracks_from_detections(street, {"hog": seen("red", [5, 6])}, "yard", 10.0)
    assert set(regions["kind"]) == {"person"}


def test_where_nothing_was_detected_there_is_nothing(street: list[Path]) -> None:
    regions = tracks_from_detections(street, {"hog": table([], DETECTION_COLUMNS)}, "yard", 10.0)
    assert regions.empty
    assert list(regions.columns) == [*REGION_COLUMNS, "visibility"]


def test_boxes_that_mean_the_same_become_one_that_encloses_them() -> None:
    public = table([(1, 100, 100, 40, 100, 0.9), (1, 300, 100, 40, 100, 0.8)], DETECTION_COLUMNS)
    hog = table([(1, 105, 95, 40, 100, 0.7), (2, 100, 100, 40, 100, 0.6)], DETECTION_COLUMNS)
    merged = merge_detections({"public": public, "hog": hog})
    assert merged.to_numpy().tolist() == [
        [1, 100, 95, 45, 105, 0.9, True],
        [1, 300, 100, 40, 100, 0.8, False],
        [2, 100, 100, 40, 100, 0.6, False],
    ]


def test_a_tracker_says_who_is_who_where_labels_say_where_people_are(street: list[Path]) -> None:
    def region(frame: int, track: str, who: str, kind: str = "person") -> tuple[object, ...]:
        return (frame, track, *place(who, frame), kind, "gt", 1.0)

    rows = [region(frame, f"cam:{frame}", who) for frame in range(1, FRAMES + 1) for who in ("red", "blue")]
    rows += [region(3, "cam:hidden", "red", "hidden"), region(4, "", "blue")]
    regions = pd.DataFrame(rows, columns=[*REGION_COLUMNS, "visibility"])
    found = retracked(street, regions, "cam")
    assert found.drop(columns="track").equals(regions.drop(columns="track"))
    people = found["track"].iloc[: 2 * FRAMES].to_numpy().reshape(FRAMES, 2)  # ids of labels that change every frame
    assert set(people[:, 0]) == {people[0, 0]}
    assert set(people[:, 1]) == {people[0, 1]}
    assert people[0, 0] != people[0, 1]
    assert all(name.startswith("cam:t") for name in people[0])
    assert found["track"].iloc[2 * FRAMES :].tolist() == ["cam:hidden", ""]
