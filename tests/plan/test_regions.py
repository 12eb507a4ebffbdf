from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mot_anon.data.motchallenge import GT_COLUMNS, PERSON_CLASSES, table
from mot_anon.data.sequence import select
from mot_anon.plan.regions import (
    REGION_COLUMNS,
    believed_occluders,
    clip,
    coming_and_going,
    fill_gaps,
    gt_regions,
    head_box,
    iou,
    mark_hidden,
    occluders,
    order_far_to_near,
    visible_share,
)
from tests.realdata import MOT, needs_mot

SIZE = (640, 480)
NOTHING = np.zeros((0, 4))
NO_THINGS = occluders(table([], GT_COLUMNS))

box_sizes = st.floats(1, 300)
boxes = st.tuples(st.floats(-100, 700), st.floats(-100, 500), box_sizes, box_sizes).map(np.array)
many = st.lists(boxes, max_size=5).map(lambda rows: np.array(rows).reshape(-1, 4))


def gt_of(*rows: tuple[float, ...]) -> pd.DataFrame:
    """Rows of frame, id, x, y, w, h, class, visibility; the flag is 1."""
    return table([(*row[:6], 1, *row[6:]) for row in rows], GT_COLUMNS)


# Geometry


@given(boxes, boxes)
def test_iou_is_symmetric_a_share_and_1_only_for_itself(a: np.ndarray, b: np.ndarray) -> None:
    there, back = iou(a[None], b[None])[0, 0], iou(b[None], a[None])[0, 0]
    assert there == pytest.approx(back)
    assert 0 <= there <= 1 + 1e-9
    assert iou(a[None], a[None])[0, 0] == pytest.approx(1)


def test_boxes_without_area_overlap_with_nothing() -> None:
    flat = np.array([[5.0, 5, 0, 10]])
    assert iou(flat, flat)[0, 0] == 0
    assert iou(NOTHING, flat).shape == (0, 1)


@given(boxes)
def test_clipped_bounds_hold_every_pixel_that_the_box_touches_inside_the_frame(box: np.ndarray) -> None:
    x1, y1, x2, y2 = clip(box, SIZE)
    assert 0 <= x1 <= x2 <= SIZE[0]
    assert 0 <= y1 <= y2 <= SIZE[1]
    columns, rows = np.arange(SIZE[0]), np.arange(SIZE[1])
    touched_x = (columns + 1 > box[0]) & (columns < box[0] + box[2])
    touched_y = (rows + 1 > box[1]) & (rows < box[1] + box[3])
    assert touched_x[x1:x2].sum() == touched_x.sum()
    assert touched_y[y1:y2].sum() == touched_y.sum()


@given(boxes, many, boxes)
def test_the_visible_share_falls_with_everything_that_comes_nearer(
    box: np.ndarray, nearer: np.ndarray, another: np.ndarray
) -> None:
    share = visible_share(box, nearer, SIZE)
    assert 0 <= share <= 1
    assert visible_share(box, np.concatenate([nearer, another[None]]), SIZE) <= share
    assert visible_share(box, np.concatenate([nearer, box[None]]), SIZE) == 0
    assert visible_share(box, nearer[::-1], SIZE) == share


def test_half_covered_is_half_visible() -> None:
    box = np.array([100.0, 100, 40, 80])
    assert visible_share(box, np.array([[100.0, 140, 40, 200]]), SIZE) == 0.5
    assert visible_share(box, np.array([[200.0, 140, 40, 200]]), SIZE) == 1
    assert visible_share(np.array([-50.0, 0, 40, 80]), NOTHING, SIZE) == 0


@given(boxes)
def test_the_head_part_is_at_the_top_over_the_whole_width(box: np.ndarray) -> None:
    head = head_box(box)
    assert head[1] < box[1]
    assert head[0] == box[0]
    assert head[2] == box[2]
    assert head[1] + head[3] >= box[1] + min(box[3], box[3] / 4) - 1e-6


# Ground truth


def test_everything_person_like_is_covered_whatever_its_flag_and_visibility() -> None:
    rows = [(1, kind, 10.0 * kind, 20, 30, 60, float(flag), kind, 0.0) for kind in range(1, 14) for flag in (0, 1)]
    gt = table([(row[0], index, *row[2:]) for index, row in enumerate(rows)], GT_COLUMNS)
    regions = gt_regions(gt, "yard")
    assert set(regions["x"] / 10) == {1, 2, 7, 8, 12, 13}
    assert len(regions) == 12
    assert (regions["kind"] == "person").all()
    assert regions["track"].is_unique
    assert regions["track"].str.startswith("yard:").all()


def test_things_that_hide_people_are_no_people() -> None:
    gt = gt_of((1, 1, 0, 0, 9, 9, 9, 1), (1, 2, 1, 0, 9, 9, 10, 1), (1, 3, 2, 0, 9, 9, 11, 1), (1, 4, 3, 0, 9, 9, 3, 1))
    assert occluders(gt)["x"].tolist() == [0, 1, 2]
    assert gt_regions(gt, "yard").empty


def test_a_short_pause_of_a_track_is_filled_on_a_straight_line() -> None:
    regions = gt_regions(gt_of((1, 7, 100, 50, 30, 60, 1, 1), (5, 7, 140, 50, 34, 60, 1, 1)), "yard")
    filled = fill_gaps(regions, longest=3).sort_values("frame")
    assert filled["frame"].tolist() == [1, 2, 3, 4, 5]
    assert filled["x"].tolist() == [100, 110, 120, 130, 140]
    assert filled["w"].tolist() == [30, 31, 32, 33, 34]
    assert filled["source"].tolist() == ["gt", "gap", "gap", "gap", "gt"]
    assert set(filled["track"]) == {"yard:7"}
    assert len(fill_gaps(regions, longest=2)) == 2


def test_pauses_of_different_tracks_are_not_mixed() -> None:
    regions = gt_regions(gt_of((1, 1, 0, 0, 9, 9, 1, 1), (3, 2, 100, 0, 9, 9, 1, 1)), "yard")
    assert len(fill_gaps(regions, longest=10)) == 2


def test_between_an_unsure_sight_and_another_everything_is_unsure() -> None:
    regions = gt_regions(gt_of((1, 7, 0, 0, 9, 9, 1, 1), (3, 7, 9, 0, 9, 9, 1, 1), (5, 7, 18, 0, 9, 9, 1, 1)), "yard")
    regions.loc[2, "kind"] = "unsure"
    filled = fill_gaps(regions, longest=3).set_index("frame")["kind"]
    assert (filled[2], filled[4]) == ("person", "unsure")


# Near and far


def test_lower_feet_are_nearer_and_doubtful_regions_farthest() -> None:
    gt = gt_of(
        (1, 1, 0, 0, 9, 300, 1, 1), (1, 2, 0, 0, 9, 100, 1, 1), (1, 3, 0, 0, 9, 400, 1, 1), (2, 1, 0, 0, 9, 9, 1, 1)
    )
    regions = gt_regions(gt, "y")
    regions.loc[regions["track"] == "y:3", "kind"] = "unsure"
    assert order_far_to_near(regions)["track"].tolist() == ["y:3", "y:2", "y:1", "y:1"]


@given(st.permutations(range(8)))
def test_the_order_of_rows_does_not_matter(order: list[int]) -> None:
    gt = gt_of(*((1 + n % 2, n, 10 * n, 5, 20, 30 + 7 * (n % 3), 1, 1) for n in range(8)))
    regions = gt_regions(gt, "y")
    shuffled = regions.iloc[list(order)].reset_index(drop=True)
    pd.testing.assert_frame_equal(order_far_to_near(shuffled), order_far_to_near(regions))


def hidden_tracks(gt: pd.DataFrame) -> set[str]:
    regions = mark_hidden(order_far_to_near(gt_regions(gt, "y")), occluders(gt), SIZE)
    return set(regions.loc[regions["kind"] == "hidden", "track"])


BEHIND = (1, 1, 100, 100, 40, 100, 1, 0.0)


def test_who_cannot_be_seen_behind_somebody_is_hidden() -> None:
    assert hidden_tracks(gt_of(BEHIND, (1, 2, 90, 90, 80, 150, 1, 1))) == {"y:1"}


def test_who_cannot_be_seen_behind_a_thing_is_hidden() -> None:
    assert hidden_tracks(gt_of(BEHIND, (1, 2, 90, 90, 80, 150, 9, 1))) == {"y:1"}


def test_a_visibility_of_zero_that_nothing_explains_is_not_believed() -> None:
    assert hidden_tracks(gt_of(BEHIND)) == set()
    assert hidden_tracks(gt_of(BEHIND, (1, 2, 90, 150, 80, 150, 1, 1))) == set(), "only the legs are covered"
    assert hidden_tracks(gt_of(BEHIND, (1, 2, 90, 90, 80, 105, 1, 1))) == set(), "whoever is farther hides nobody"
    assert hidden_tracks(gt_of(BEHIND, (2, 2, 90, 90, 80, 150, 1, 1))) == set(), "another frame"


def test_who_is_covered_but_said_to_be_visible_stays() -> None:
    assert hidden_tracks(gt_of((*BEHIND[:7], 0.1), (1, 2, 90, 90, 80, 150, 1, 1))) == set()


def test_who_is_hidden_hides_nobody() -> None:
    # 2 stands before 1 and is hidden by 3, which covers 1 only in part.
    gt = gt_of(BEHIND, (1, 2, 100, 100, 40, 101, 1, 0.0), (1, 3, 101.9, 98, 60, 130, 1, 1))
    assert hidden_tracks(gt) == {"y:1", "y:2"}
    smaller = gt_of(BEHIND, (1, 2, 106, 100, 40, 101, 1, 0.0), (1, 3, 107, 98, 60, 130, 1, 1))
    assert hidden_tracks(smaller) == {"y:2"}


# Things in front


PERSON = np.array([100.0, 100, 40, 100])
BENCH = np.array([[80.0, 160, 100, 60]])


def test_a_thing_in_front_is_cut_out_as_far_as_the_visibility_says() -> None:
    assert len(believed_occluders(PERSON, 0.6, BENCH, NOTHING, SIZE)) == 1
    assert len(believed_occluders(PERSON, 1.0, BENCH, NOTHING, SIZE)) == 0, "the person is seen beside the bench"


def test_a_thing_that_would_leave_nothing_of_somebody_is_cut_out_only_of_who_is_hidden() -> None:
    before = np.array([[90.0, 90, 70, 130]])
    assert len(believed_occluders(PERSON, 0.0, before, NOTHING, SIZE)) == 1
    assert len(believed_occluders(PERSON, 0.08, before, NOTHING, SIZE)) == 0, "their head is seen beside the post"


def test_a_thing_behind_or_elsewhere_is_not_cut_out() -> None:
    behind, beside = BENCH - np.array([0, 30, 0, 0]), BENCH + np.array([300, 0, 0, 0])
    assert len(believed_occluders(PERSON, 0.5, np.concatenate([behind, beside]), NOTHING, SIZE)) == 0


def test_what_nearer_people_hide_does_not_speak_for_a_thing() -> None:
    somebody = np.array([[100.0, 100, 20, 130]])
    assert len(believed_occluders(PERSON, 0.5, BENCH, somebody, SIZE)) == 0
    assert len(believed_occluders(PERSON, 0.3, BENCH, somebody, SIZE)) == 1


# Real people


@needs_mot
def test_in_a_real_street_everybody_is_covered_or_really_hidden() -> None:
    (sequence,) = select([MOT / "MOT17-mini"], ["MOT17-02"], allow_partial=True)
    gt, size = sequence.gt(), (sequence.width, sequence.height)
    regions = mark_hidden(order_far_to_near(gt_regions(gt, "street")), occluders(gt), size)
    people = gt[gt["class"].isin(PERSON_CLASSES)]
    assert len(regions) == len(people) > len(gt[(gt["class"] == 1) & (gt["confidence"] == 1)])
    hidden = regions[regions["kind"] == "hidden"]
    assert 0 < len(hidden) < len(regions) / 4
    assert (hidden["visibility"] == 0).all()


def rows_of(*boxes: tuple[float, float], w: float = 20, h: float = 50) -> pd.DataFrame:
    """One track, (frame, x) each."""
    rows = [(frame, "yard:1", x, 40.0, w, h, "person", "gt", 1.0) for frame, x in boxes]
    return pd.DataFrame(rows, columns=[*REGION_COLUMNS, "visibility"])


def test_whoever_comes_in_at_the_frames_edge_is_looked_for_before_they_are_annotated() -> None:
    found = coming_and_going(rows_of(*((10 + i, 2 + 4 * i) for i in range(6))), 12, 15, (200, 100))
    assert found["frame"].tolist() == [9, 8, 7, 6, 5]  # in frame 4 they would be at x = −22
    assert found["x"].tolist() == [-2, -6, -10, -14, -18]
    assert set(found["source"]) == {"gap"}


def test_whoever_leaves_is_looked_for_until_the_end_of_the_recording() -> None:
    found = coming_and_going(rows_of(*((1 + i, 140 + 4 * i) for i in range(6))), 20, 15, (200, 100))
    assert found["frame"].tolist() == list(range(7, 16))


@pytest.mark.parametrize("edge", [0, 1])
def test_whoever_is_annotated_only_as_far_as_the_frame_goes_is_carried_on_beyond_it(edge: int) -> None:
    # The box ends where the frame does, and only its other side tells that somebody walks out, or in.
    leaving = pd.concat([rows_of((1 + i, edge), w=30 - 4 * i) for i in range(6)], ignore_index=True)
    found = coming_and_going(leaving, 20, 15, (200, 100))
    assert found["frame"].tolist() == [7, 8]
    assert (found["x"] + found["w"]).tolist() == [edge + 6, edge + 2]
    coming = leaving.assign(frame=16 - leaving["frame"])
    assert coming_and_going(coming, 20, 15, (200, 100))["frame"].tolist() == [9, 8]


def test_whoever_stands_still_at_the_frames_edge_is_not_carried_on() -> None:
    assert coming_and_going(rows_of(*((1 + i, 0) for i in range(6))), 12, 30, (200, 100)).empty


def test_whoever_stops_being_annotated_in_the_middle_of_the_frame_is_not_carried_on() -> None:
    assert coming_and_going(rows_of((1, 80), (2, 81), (3, 82)), 12, 30, (200, 100)).empty
    assert coming_and_going(rows_of((1, 80)), 12, 30, (200, 100)).empty
