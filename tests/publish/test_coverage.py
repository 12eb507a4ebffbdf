"""Nobody is left out: who counts as covered, as hidden, and what may be cut out of a person."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from mot_anon.data.motchallenge import DETECTION_COLUMNS, GT_COLUMNS
from mot_anon.plan import regions as reg
from mot_anon.plan.camera import CameraPlan
from mot_anon.plan.unexplained import unexplained

SIZE = (400, 300)


def gt(*rows: tuple[float, ...]) -> pd.DataFrame:
    """Rows of (id, x, y, w, h, class, visibility) in frame 1."""
    table = pd.DataFrame([(1, i, x, y, w, h, 1, c, v) for i, x, y, w, h, c, v in rows], columns=GT_COLUMNS)
    return table.astype({"frame": "int64", "id": "int64", "class": "int64"})


def seen(*boxes: tuple[float, ...]) -> pd.DataFrame:
    return pd.DataFrame([(1, *box, 1.0) for box in boxes], columns=DETECTION_COLUMNS)


def planned(labels: pd.DataFrame, target: str = "body") -> pd.DataFrame:
    ordered = reg.order_far_to_near(reg.gt_regions(labels, "S"))
    return reg.mark_hidden(ordered, reg.occluders(labels), SIZE, target)


def kinds(labels: pd.DataFrame, target: str = "body") -> dict[str, str]:
    table = planned(labels, target)
    return dict(zip(table["track"], table["kind"], strict=True))


def regions_of(labels: pd.DataFrame) -> dict[str, object]:
    table = planned(labels)
    codes = {track: np.zeros(24, np.float16) for track in [*table["track"], ""]}
    plan = CameraPlan("S", "S", SIZE, 1, table, reg.occluders(labels), codes, 0)
    return {region.track: region for region in plan.frame(1)}


def test_a_hidden_person_hides_nobody_else() -> None:
    # 1 stands behind 2, 2 behind a van that leaves 1's left half free.
    labels = gt((1, 100, 90, 40, 100, 1, 0), (2, 98, 90, 44, 105, 1, 0), (3, 120, 50, 60, 200, 9, 1))
    labels.loc[labels["id"] == 3, "x"] = 97
    assert kinds(labels) == {"S:1": "hidden", "S:2": "hidden"}
    labels.loc[labels["id"] == 3, ["x", "w"]] = [100, 41]
    assert kinds(labels)["S:1"] == "hidden"  # by the van itself
    labels.loc[labels["id"] == 3, ["x", "w"]] = [120, 60]
    assert kinds(labels) == {"S:1": "hidden", "S:2": "person"}  # 2 is painted after all, and covers 1


def test_visibility_zero_is_believed_only_where_something_nearer_covers() -> None:
    assert kinds(gt((1, 100, 100, 40, 100, 1, 0))) == {"S:1": "person"}
    behind = gt((1, 100, 100, 40, 100, 1, 0), (9, 90, 50, 80, 120, 9, 1))  # the thing ends above the person's feet
    assert kinds(behind) == {"S:1": "person"}


def test_in_face_mode_people_hide_nobody() -> None:
    labels = gt((1, 110, 120, 20, 60, 1, 0), (2, 100, 50, 60, 180, 1, 1))
    assert kinds(labels)["S:1"] == "hidden"
    assert kinds(labels, "face")["S:1"] == "person"


def test_a_detection_on_a_hidden_row_is_explained_by_nothing() -> None:
    labels = gt((1, 100, 100, 40, 100, 1, 0), (9, 90, 80, 80, 130, 9, 1))
    regions = planned(labels)
    assert list(regions["kind"]) == ["hidden"]
    found = unexplained({"hog": seen((101, 101, 39, 99))}, regions, reg.occluders(labels), SIZE)
    assert list(found["kind"]) == ["unsure"]


def test_a_detection_of_a_painted_person_is_explained() -> None:
    labels = gt((1, 100, 100, 40, 100, 1, 1))
    for box in ((104, 95, 40, 100), (105, 110, 25, 40)):
        assert unexplained({"hog": seen(box)}, planned(labels), reg.occluders(labels), SIZE).empty


def test_in_face_mode_somebody_inside_anothers_box_is_not_explained_by_it() -> None:
    labels = gt((1, 100, 50, 80, 200, 1, 1))
    child = {"hog": seen((110, 150, 36, 90))}
    things = reg.occluders(labels)
    assert unexplained(child, planned(labels), things, SIZE).empty
    assert len(unexplained(child, planned(labels, "face"), things, SIZE, "face")) == 1


def test_what_two_detectors_saw_differently_is_covered_as_far_as_either_reaches() -> None:
    nobody = planned(gt()).assign(visibility=1.0)
    both = {"public": seen((100, 100, 40, 100)), "hog": seen((110, 90, 44, 100))}
    found = unexplained(both, nobody, reg.occluders(gt()), SIZE)
    assert found[["x", "y", "w", "h", "kind"]].to_numpy().tolist() == [[100, 90, 54, 110, "person"]]


@pytest.mark.parametrize(
    ("visibility", "cut"),
    [(0.5, 1), (0.7, 0), (1.0, 0)],
)
def test_a_thing_is_cut_out_only_where_visibility_bears_it_out(visibility: float, cut: int) -> None:
    labels = gt((1, 100, 100, 40, 100, 1, visibility), (9, 120, 90, 40, 130, 9, 1))
    assert len(regions_of(labels)["S:1"].cut) == cut  # type: ignore[attr-defined]


def test_what_nearer_people_hide_is_not_taken_from_a_person_twice() -> None:
    # Half of 1 is behind 2, which is all that visibility says; the thing's box covers the other half and must be wrong.
    labels = gt((1, 100, 100, 40, 100, 1, 0.5), (2, 120, 100, 40, 110, 1, 1), (9, 95, 90, 25, 130, 9, 1))
    assert len(regions_of(labels)["S:1"].cut) == 0  # type: ignore[attr-defined]


def test_what_the_frame_cuts_off_is_not_taken_from_a_person_twice() -> None:
    labels = gt((1, -20, 100, 40, 100, 1, 0.5), (9, 0, 90, 10, 130, 9, 1))
    assert len(regions_of(labels)["S:1"].cut) == 0  # type: ignore[attr-defined]


@pytest.mark.parametrize("kind", [12, 13])
def test_the_head_of_a_crowd_or_a_reflection_may_be_anywhere(kind: int) -> None:
    region = regions_of(gt((1, 100, 100, 40, 100, kind, 1)))["S:1"]
    assert (region.head == region.box).all()  # type: ignore[attr-defined]


def test_whoever_lies_down_has_the_head_anywhere() -> None:
    region = regions_of(gt((1, 100, 100, 90, 30, 1, 1)))["S:1"]
    assert (region.head == region.box).all()  # type: ignore[attr-defined]


def test_of_somebody_cut_off_at_the_waist_more_is_head() -> None:
    whole, half = (reg.head_box(np.array([0.0, 0.0, 45.0, h])) for h in (100.0, 50.0))
    assert half[3] == whole[3]
    assert reg.head_size(np.array([0, 0, 45, 50])) == reg.head_size(np.array([0, 0, 45, 100]))


def test_gaps_of_a_crowd_are_those_of_a_crowd() -> None:
    labels = pd.concat([gt((1, 100, 100, 40, 100, 13, 1)).assign(frame=f) for f in (1, 3)], ignore_index=True)
    assert set(reg.fill_gaps(reg.gt_regions(labels, "S"), 5)["source"]) == {"group"}


@pytest.mark.parametrize(
    ("source", "grown"), [("gt", False), ("manual", False), ("tracker", True), ("detection", True)]
)
def test_boxes_of_detectors_get_room_and_boxes_of_annotators_do_not(source: str, grown: bool) -> None:
    table = planned(gt((1, 100, 100, 40, 100, 1, 1))).assign(source=source)
    codes = {"S:1": np.zeros(24, np.float16)}
    (region,) = CameraPlan("S", "S", SIZE, 1, table, reg.occluders(gt()), codes, 0).frame(1)
    assert (region.box[2] > 40 and region.box[3] > 100) == grown


def test_a_second_person_whom_a_loose_detection_holds_too_is_covered() -> None:
    labels = gt((1, 100, 100, 40, 100, 1, 1))
    two = {"public": seen((60, 100, 80, 110))}  # as wide as two people, of whom one has a row
    found = unexplained(two, planned(labels), reg.occluders(labels), SIZE)
    assert len(found) == 1
