from __future__ import annotations

import numpy as np

from mot_anon.trackers import SortTracker, label_detections, long_memory_tracker, make_tracker

BOX = np.array([[100.0, 100.0, 150.0, 220.0]])
ASIDE = np.array([400.0, 0.0, 400.0, 0.0])
RED, BLUE = np.eye(2, 8, dtype=np.float32)[:, None, :]
ONE, NOBODY = np.ones(1), (np.zeros((0, 4)), np.zeros(0), None)


def test_somebody_seen_in_every_other_frame_stays_one_person():
    frames = [(BOX, ONE, RED) if n % 2 == 0 else NOBODY for n in range(20)]
    labels = label_detections(long_memory_tracker(), frames)
    assert [label.tolist() for label in labels] == [[1], []] * 10
    forgetful = label_detections(make_tracker("reid"), frames)
    assert len({label[0] for label in forgetful[::2]}) == 10


def test_somebody_who_comes_back_elsewhere_after_seconds_is_known_again():
    away = [NOBODY] * 200
    labels = label_detections(long_memory_tracker(), [(BOX, ONE, RED)] * 30 + away + [(BOX + ASIDE, ONE, RED)])
    assert labels[-1].tolist() == [1]
    labels = label_detections(long_memory_tracker(), [(BOX, ONE, RED)] * 30 + away + [(BOX, ONE, BLUE)])
    assert labels[-1].tolist() == [2]


def test_the_memory_ends():
    labels = label_detections(long_memory_tracker(max_age=50), [(BOX, ONE, RED), *[NOBODY] * 51, (BOX, ONE, RED)])
    assert labels[-1].tolist() == [2]


def test_two_alike_in_one_frame_are_two():
    pair = np.vstack([BOX, BOX + 5])
    labels = label_detections(long_memory_tracker(), [(pair, np.ones(2), np.vstack([RED, RED]))] * 5)
    assert all(sorted(label.tolist()) == [1, 2] for label in labels)


def test_the_first_detections_of_a_track_have_its_id_and_lone_ones_have_one_too():
    frames = [NOBODY] * 4 + [(BOX, ONE, None)] * 5 + [(np.vstack([BOX, BOX + 500]), np.ones(2), None), NOBODY]
    labels = label_detections(SortTracker(), frames)
    assert [label.tolist() for label in labels] == [[]] * 4 + [[1]] * 5 + [[1, 2], []]
