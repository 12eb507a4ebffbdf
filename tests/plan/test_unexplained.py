"""Which detections are of people whom nobody else stands for, in boxes and beside silhouettes."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pandas as pd
import pytest

from mot_anon.data.frames import read_frame
from mot_anon.data.motchallenge import DETECTION_COLUMNS, GT_COLUMNS, table
from mot_anon.data.sequence import open_sequence, select
from mot_anon.methods.base import Wishes
from mot_anon.plan import silhouettes as looks
from mot_anon.plan.keys import TEST_KEY, Key
from mot_anon.plan.regions import gt_regions, mark_hidden, occluders, order_far_to_near
from mot_anon.plan.steadying import steadied
from mot_anon.plan.unexplained import likely, unexplained, without_echoes
from mot_anon.publish.analyse import Coverage, plan_recording
from mot_anon.publish.cover import label_regions
from mot_anon.publish.recordings import recordings_of
from mot_anon.vision.parse import Parsed
from tests.realdata import MOT, needs_mot
from tests.sequences import write_sequence

SIZE = (640, 480)
NO_THINGS = occluders(table([], GT_COLUMNS))


def gt_of(*rows: tuple[float, ...]) -> pd.DataFrame:
    """Rows of frame, id, x, y, w, h, class, visibility; the flag is 1."""
    return table([(*row[:6], 1, *row[6:]) for row in rows], GT_COLUMNS)


def detected(*rows: tuple[float, ...]) -> pd.DataFrame:
    """Rows of frame, x, y, w, h."""
    return table([(*row, 1.0) for row in rows], DETECTION_COLUMNS)


def test_a_detection_of_a_known_person_is_no_new_region() -> None:
    regions = gt_regions(gt_of((1, 7, 100, 100, 40, 100, 1, 1)), "yard")
    near = detected((1, 104, 103, 38, 96))
    assert unexplained({"public": near, "hog": near}, regions, NO_THINGS, SIZE).empty


def test_what_two_detectors_saw_is_a_person_and_what_one_saw_is_unsure() -> None:
    regions = gt_regions(gt_of((1, 7, 100, 100, 40, 100, 1, 1)), "yard")
    found = unexplained(
        {"public": detected((1, 300, 100, 40, 100), (1, 500, 100, 40, 100)), "hog": detected((1, 305, 110, 40, 100))},
        regions,
        NO_THINGS,
        SIZE,
    )
    assert found.set_index("x")["kind"].to_dict() == {300: "person", 500: "unsure"}
    assert set(found["source"]) == {"detection"}
    assert set(found["track"]) == {""}


def test_who_two_detectors_saw_is_covered_as_far_as_either_reaches() -> None:
    found = unexplained(
        {"public": detected((1, 300, 100, 40, 100)), "hog": detected((1, 305, 90, 40, 100))},
        gt_regions(gt_of(), "yard"),
        NO_THINGS,
        SIZE,
    )
    assert found[["x", "y", "w", "h"]].to_numpy().tolist() == [[300, 90, 45, 110]]


def test_one_detector_twice_does_not_agree_with_itself() -> None:
    found = unexplained(
        {"public": detected((1, 300, 100, 40, 100), (1, 302, 100, 40, 100))}, gt_regions(gt_of(), "y"), NO_THINGS, SIZE
    )
    assert found["kind"].tolist() == ["unsure"]


def test_a_detection_outside_the_frame_or_in_another_frame_changes_nothing() -> None:
    regions = gt_regions(gt_of((1, 7, 100, 100, 40, 100, 1, 1)), "yard")
    assert unexplained({"hog": detected((1, 700, 100, 40, 100))}, regions, NO_THINGS, SIZE).empty
    assert len(unexplained({"hog": detected((2, 100, 100, 40, 100))}, regions, NO_THINGS, SIZE)) == 1


def test_a_hidden_region_explains_no_detection() -> None:
    regions = gt_regions(gt_of((1, 7, 100, 100, 40, 100, 1, 0)), "yard").assign(kind="hidden")
    assert len(unexplained({"hog": detected((1, 100, 100, 40, 100))}, regions, NO_THINGS, SIZE)) == 1


@needs_mot
def test_in_a_real_street_few_detections_are_of_nobody_who_is_known() -> None:
    (sequence,) = select([MOT / "MOT17-mini"], ["MOT17-02"], allow_partial=True)
    gt, size = sequence.gt(), (sequence.width, sequence.height)
    regions = mark_hidden(order_far_to_near(gt_regions(gt, "street")), occluders(gt), size)
    left = unexplained({"public": sequence.detections()}, regions, occluders(gt), size)
    assert len(left) < 0.1 * len(sequence.detections())
    assert (left["kind"] == "unsure").all()


# Inside the boxes of others


@pytest.mark.parametrize("silhouettes", [False, True])
def test_whose_head_looks_over_those_in_front_is_none_of_them(silhouettes: bool) -> None:
    regions = gt_regions(gt_of((1, 1, 100, 160, 50, 100, 1, 1), (1, 2, 145, 160, 50, 100, 1, 1)), "yard")
    behind = detected((1, 120, 118, 50, 140))  # nearly all of it in the boxes of the two
    taller = detected((1, 100, 75, 50, 185))  # more than half of it in the box of the first
    for seen in (behind, taller):
        found = unexplained({"public": seen}, regions, NO_THINGS, SIZE, silhouettes=silhouettes)
        assert found["kind"].tolist() == ["unsure"]
    loose, part = detected((1, 98, 148, 54, 112)), detected((1, 105, 150, 30, 70))  # a little above, as detectors are
    for seen in (loose, part):
        assert unexplained({"public": seen}, regions, NO_THINGS, SIZE, silhouettes=silhouettes).empty


def test_detections_without_scores_all_count() -> None:
    scored, unscored = detected((1, 10, 10, 20, 40), (1, 60, 10, 20, 40)), detected((1, 10, 10, 20, 40))
    scored["confidence"] = [0.4, -0.2]
    unscored["confidence"] = -1.0
    assert likely(scored, 0.0)["x"].tolist() == [10]
    assert likely(unscored, 0.0)["x"].tolist() == [10]
    assert likely(unscored.iloc[:0], 0.0).empty


COUPLE = gt_regions(gt_of((1, 1, 100, 100, 40, 100, 1, 1), (1, 2, 140, 100, 40, 100, 1, 1)), "yard")
BETWEEN = detected((1, 120, 105, 40, 90))


def found_inside(detections: pd.DataFrame, target: str = "body") -> list[str]:
    return list(unexplained({"hog": detections}, COUPLE, NO_THINGS, SIZE, target, silhouettes=True)["kind"])


def test_who_stands_between_others_is_theirs_only_while_boxes_are_covered() -> None:
    assert unexplained({"hog": BETWEEN}, COUPLE, NO_THINGS, SIZE).empty
    assert found_inside(BETWEEN) == ["hidden"]


def test_a_child_before_somebody_is_not_that_somebody() -> None:
    assert found_inside(detected((1, 105, 140, 24, 58))) == ["hidden"]


def test_half_a_person_with_the_head_in_its_place_is_that_person() -> None:
    assert found_inside(detected((1, 104, 102, 32, 50))) == []
    assert found_inside(detected((1, 102, 97, 40, 100))) == []


def test_who_is_inside_others_changes_nothing_about_who_is_not() -> None:
    both = {"public": detected((1, 165, 90, 40, 100), (1, 300, 100, 40, 100)), "hog": BETWEEN}
    boxes, people = (unexplained(both, COUPLE, NO_THINGS, SIZE, silhouettes=flag) for flag in (False, True))
    pd.testing.assert_frame_equal(people[people["kind"] != "hidden"].reset_index(drop=True), boxes)
    assert len(boxes) == 2
    assert len(people) == 3


def test_faces_are_explained_by_faces_whatever_is_covered_of_bodies() -> None:
    inside = unexplained({"hog": BETWEEN}, COUPLE, NO_THINGS, SIZE, "face", silhouettes=True)
    pd.testing.assert_frame_equal(inside, unexplained({"hog": BETWEEN}, COUPLE, NO_THINGS, SIZE, "face"))


def strip(left: float, right: float, box: tuple[float, ...]) -> looks.Maps:
    """The silhouette, in the window of a box, of somebody who is seen from x ``left`` to ``right``."""
    ((x1, _, x2, _),) = looks.windows_of(np.array([box]))
    columns = x1 + (np.arange(64) + 0.5) * (x2 - x1) / 64
    return np.repeat(np.where((columns >= left) & (columns < right), 250, 0)[None], 128, 0).astype(np.uint8)


def told_apart(left: float, right: float, score: float = 1.0, *, careful: bool = False) -> list[str]:
    """Kinds of what is left where the couple is seen at x 105…130 and 150…175, and in the box between them this."""
    more = unexplained({"hog": BETWEEN}, COUPLE, NO_THINGS, SIZE, silhouettes=True)
    regions = pd.concat([COUPLE, more.assign(visibility=1.0)], ignore_index=True)
    boxes = [tuple(box) for box in regions[["x", "y", "w", "h"]].to_numpy(float)]
    maps = [strip(*seen, box) for seen, box in zip(((105, 130), (150, 175), (left, right)), boxes, strict=True)]
    scores = np.array([1, 1, score], np.float32)
    steady = steadied(regions, looks.Readings(np.stack(maps), np.zeros((3, 4, 64, 32), np.uint8), scores))
    kept, read = without_echoes(regions, steady, SIZE, careful=careful)
    assert len(kept) == len(read.scores) == len(read.silhouettes)
    return list(kept["kind"])


def test_who_is_seen_between_others_is_covered_but_not_drawn() -> None:
    assert told_apart(132, 148) == ["person", "person", "unsure"]


def test_a_detection_in_which_only_the_others_are_seen_is_dropped() -> None:
    assert told_apart(105, 130) == ["person", "person"]
    assert told_apart(150, 175) == ["person", "person"]


def test_whether_doubts_are_enough_depends_on_how_careful_the_look_is() -> None:
    assert told_apart(132, 148, 0.4) == ["person", "person"]
    assert told_apart(132, 148, 0.4, careful=True) == ["person", "person", "unsure"]


def test_what_ground_truth_calls_hidden_is_no_echo() -> None:
    hidden = COUPLE.assign(kind=["hidden", "person"])
    maps = np.stack([strip(105, 130, (100, 100, 40, 100)), strip(150, 175, (140, 100, 40, 100))])
    read = looks.Readings(maps, np.zeros((2, 4, 64, 32), np.uint8), np.zeros(2, np.float32))
    kept, _ = without_echoes(hidden, steadied(hidden, read), SIZE)
    assert list(kept["kind"]) == ["hidden", "person"]


# Through the whole plan


class ColourParser:
    """Sees in a box whoever has the colour of its middle."""

    fingerprint = "colours"

    def __call__(self, frame: np.ndarray, corners: np.ndarray) -> Parsed:
        boxes = np.concatenate([corners[:, :2], corners[:, 2:] - corners[:, :2]], 1)
        maps, windows = [], looks.windows_of(boxes)
        for (x, y, w, h), (x1, y1, x2, y2) in zip(boxes, windows, strict=True):
            columns = (x1 + (np.arange(64) + 0.5) * (x2 - x1) / 64).astype(int).clip(0, frame.shape[1] - 1)
            rows = (y1 + (np.arange(128) + 0.5) * (y2 - y1) / 128).astype(int).clip(0, frame.shape[0] - 1)
            colour = frame[int(y + h / 2), int(x + w / 2)]
            maps.append((frame[rows[:, None], columns] == colour).all(-1) & colour.any())
        silhouettes = np.array(maps, np.float32)
        scores = np.ones(len(boxes), np.float32)
        return Parsed(silhouettes, np.repeat(silhouettes[:, None], 4, 1), scores, windows.astype(float))


@pytest.mark.parametrize("restored", [True, False])
def test_somebody_unlabelled_between_two_people_does_not_stay_raw_beside_their_silhouettes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, restored: bool
) -> None:
    monkeypatch.setenv("MOT_ANON_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr("mot_anon.vision.parse.Parser", ColourParser)
    gt = [(f, i, x, 40, 60, 120, 1, 1, 1.0) for f in (1, 2, 3) for i, x in ((1, 40), (2, 100))]
    legs = (45, 100, 50, 58)  # of the first of them
    det = [(f, -1, *box, 1.0) for f in (1, 2, 3) for box in ((72, 44, 56, 112), legs)]
    place = write_sequence(tmp_path / "data", frames=3, gt=gt, det=det, size=(200, 200))
    for path in sorted((place / "img1").iterdir()):
        frame = np.zeros((200, 200, 3), np.uint8)
        for left, right, colour in ((52, 84, (0, 0, 200)), (88, 112, (0, 200, 0)), (116, 148, (200, 0, 0))):
            frame[48:152, left:right] = colour
        cv2.imwrite(str(path), frame)
    (recording,) = recordings_of([open_sequence(place)], lambda what, steps: lambda: None)
    plan = plan_recording(
        recording,
        Key(TEST_KEY),
        "pseudonym",
        Coverage(detector=None),
        lambda what, steps: lambda: None,
        wishes=Wishes(silhouettes=True, restored=restored),
    )
    people = [region for region in plan.frame(2) if region.person]
    unlabelled = (read_frame(recording.first.frames[1]) == (0, 200, 0)).all(-1)
    assert not (label_regions(people, plan.size, "body") >= 0)[unlabelled].all()  # two silhouettes are not enough
    assert (label_regions(plan.frame(2), plan.size, "body") >= 0)[unlabelled].all()
    assert len(people) == 2
    assert list(plan.regions.loc[plan.regions["source"] == "detection", "kind"]) == ["unsure"] * 3
