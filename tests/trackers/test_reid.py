from __future__ import annotations

import numpy as np
import pytest

from mot_anon.trackers import ReidTracker, SortTracker

BOX = np.array([100.0, 100.0, 150.0, 220.0])
RED, BLUE, GREEN = np.eye(3, 8)


def see(tracker, *people):
    """People are (box, look) pairs."""
    boxes = np.array([box for box, _ in people]).reshape(-1, 4)
    looks = np.array([look for _, look in people]) if people else None
    return tracker.update(boxes, np.full(len(boxes), 0.9), looks)


def ids(output):
    return output[:, 4].astype(int).tolist()


def at(x, y=100.0):
    return np.array([x, y, x + 50.0, y + 120.0])


def test_a_track_is_reported_from_its_third_detection():
    tracker = ReidTracker(n_init=3)
    assert [ids(see(tracker, (BOX, RED))) for _ in range(4)] == [[], [], [1], [1]]


def test_a_tentative_track_ends_with_its_first_miss():
    tracker = ReidTracker(n_init=3)
    see(tracker, (BOX, RED))
    see(tracker)
    see(tracker, (BOX, RED))
    assert tracker.last_ids.tolist() == [2]


def test_detections_of_tentative_tracks_have_the_id_that_is_confirmed_later():
    tracker = ReidTracker(n_init=3)
    for _ in range(2):
        see(tracker, (BOX, RED))
        assert tracker.last_ids.tolist() == [1]
    assert ids(see(tracker, (BOX, RED))) == [1]


@pytest.mark.parametrize(("make", "found"), [(ReidTracker, True), (SortTracker, False)])
def test_reid_knows_people_again_after_an_occlusion_and_sort_does_not(make, found):
    tracker = make()
    for n in range(10):
        before = see(tracker, (at(100 + 4 * n), RED))
    for _ in range(15):
        see(tracker)
    for n in range(4):
        after = see(tracker, (at(100 + 4 * (25 + n)), RED))
    assert (ids(after) == ids(before)) is found


@pytest.mark.parametrize(("max_age", "found"), [(5, True), (4, False)])
def test_people_are_remembered_for_max_age_frames_without_a_detection(max_age, found):
    tracker = ReidTracker(max_age=max_age, n_init=1)
    see(tracker, (BOX, RED))
    for _ in range(5):
        see(tracker)
    assert (ids(see(tracker, (BOX, RED))) == [1]) is found


def test_somebody_else_at_the_same_place_after_a_gap_is_somebody_else():
    tracker = ReidTracker(n_init=1)
    see(tracker, (BOX, RED))
    see(tracker)
    assert ids(see(tracker, (BOX, BLUE))) == [2]


def test_the_same_look_too_far_away_is_somebody_else():
    tracker = ReidTracker(n_init=1)
    see(tracker, (BOX, RED))
    assert ids(see(tracker, (BOX + 900, RED))) == [2]


def test_overlap_carries_a_track_through_a_sudden_change_of_looks():
    tracker = ReidTracker(n_init=1)
    see(tracker, (BOX, RED))
    assert ids(see(tracker, (BOX, BLUE))) == [1]
    # And from then on it has both looks.
    see(tracker)
    assert ids(see(tracker, (BOX, RED))) == [1]


def crossing(tracker, looks):
    """Two people walk through each other; the tracks' ids before and after, left and right person."""
    for n in range(41):
        output = see(tracker, (at(100 + 5 * n), looks[0]), (at(300 - 5 * n, 104), looks[1]))
        if n == 4:
            before = tracker.last_ids.tolist()
    assert len(output) == 2
    return before, tracker.last_ids.tolist()


def test_people_who_cross_keep_their_ids():
    before, after = crossing(ReidTracker(), (RED, BLUE))
    assert before == after


def test_people_who_meet_and_turn_back_keep_their_ids_by_their_looks_alone():
    # They meet, hide each other for ten frames, and each goes back where it came from: motion says that they crossed.
    tracker = ReidTracker()
    for n in range(20):
        see(tracker, (at(100 + 5 * n), RED), (at(310 - 5 * n), BLUE))
    before = tracker.last_ids.tolist()
    for _ in range(10):
        see(tracker)
    for n in range(8):
        see(tracker, (at(195 - 5 * n), RED), (at(215 + 5 * n), BLUE))
    assert tracker.last_ids.tolist() == before


def test_who_was_seen_last_comes_first():
    # Two tracks of the same look; the one seen a frame ago gets the detection although the old one is the nearer look.
    tracker = ReidTracker(n_init=1, max_cosine_distance=0.5)
    near = RED + 0.3 * BLUE
    see(tracker, (at(100), near), (at(120), RED))
    see(tracker, (at(120), RED))
    assert ids(see(tracker, (at(110), near))) == [2]


def test_only_the_last_budget_features_are_remembered():
    tracker = ReidTracker(n_init=1, budget=2)
    see(tracker, (BOX, RED))
    for _ in range(2):
        see(tracker, (BOX, BLUE))
    see(tracker)
    assert ids(see(tracker, (BOX, RED))) == [2]


def test_features_need_not_be_of_unit_length():
    tracker = ReidTracker(n_init=1)
    see(tracker, (BOX, RED))
    see(tracker)
    assert ids(see(tracker, (BOX, 40 * RED))) == [1]


def test_a_feature_of_zeros_is_like_nobody():
    tracker = ReidTracker(n_init=1)
    see(tracker, (BOX, 0 * RED))
    see(tracker)
    assert ids(see(tracker, (BOX, 0 * RED))) == [2]


def test_features_are_asked_for_and_held_to_their_size():
    tracker = ReidTracker()
    with pytest.raises(ValueError, match="feature for each of the 1 detections"):
        tracker.update([BOX], [1.0])
    with pytest.raises(ValueError, match=r"\(1, D\)"):
        tracker.update([BOX], [1.0], np.ones((2, 3)))
    with pytest.raises(ValueError, match="detection 0 are not finite"):
        tracker.update([BOX], [1.0], [[np.nan, 1.0]])
    tracker.update([BOX], [1.0], np.ones((1, 3)))
    with pytest.raises(ValueError, match="3 columns before and have 4 now"):
        tracker.update([BOX], [1.0], np.ones((1, 4)))
    # The refused frames left no trace.
    tracker.update([BOX], [1.0], np.ones((1, 3)))
    assert ids(tracker.update([BOX], [1.0], np.ones((1, 3)))) == [1]


@pytest.mark.parametrize(
    "wrong",
    [
        {"max_age": -1},
        {"n_init": 0},
        {"budget": 0},
        {"max_cosine_distance": 2.1},
        {"max_iou_distance": -0.1},
        {"motion_gate": 0},
        {"motion_gate": np.nan},
    ],
)
def test_reid_parameters_out_of_range_are_refused(wrong):
    with pytest.raises(ValueError, match=next(iter(wrong))):
        ReidTracker(**wrong)
