"""How heads are drawn along tracks."""

from __future__ import annotations

import numpy as np
import pytest

from mot_anon.plan.heads import Heads, drawn_heads, outlines
from mot_anon.plan.landmark_courses import held_to, smoothed, steady_choice
from mot_anon.vision.landmarks import USABLE, face_windows
from tests.invented_faces import face_points
from tests.plan.test_faces_on_tracks import BODY, FACE, person, table
from tests.plan.test_seen_heads import HEAD, readings

NOWHERE = np.full(4, np.nan)


def walk(n: int, noise: float) -> tuple[np.ndarray, np.ndarray]:
    """A face that walks with a swing, and what a reader makes of it: (n, 68, 2) each."""
    rng = np.random.default_rng(0)
    time = np.arange(n)
    way = np.stack([3.0 * time, 2 * np.sin(time / 6)], 1)[:, None]
    true = 10 * face_points()[None] + way + 50
    return true, (true + rng.normal(0, noise, true.shape)).astype(np.float32)


def test_smoothing_takes_noise_away_and_leaves_the_way() -> None:
    true, read = walk(60, 1.0)
    course = smoothed(read, np.ones(60, np.float32))
    assert np.abs(course - true).mean() < 0.6 * np.abs(read - true).mean()
    assert np.abs(np.diff(course, 2, axis=0)).mean() < 0.2 * np.abs(np.diff(read, 2, axis=0)).mean()
    assert np.allclose(smoothed(true.astype(np.float32), np.ones(60, np.float32)), true, atol=0.25)


def test_a_frame_of_which_the_reader_was_unsure_follows_the_others() -> None:
    true, read = walk(15, 0.2)
    read[7] += 30
    confidence = np.ones(15, np.float32)
    confidence[7] = 0.01
    assert np.abs(smoothed(read, confidence)[7] - true[7]).mean() < 2


def test_two_frames_are_left_as_they_are() -> None:
    _, read = walk(2, 1.0)
    assert np.array_equal(smoothed(read, np.ones(2, np.float32)), read)


@pytest.mark.parametrize("sure", [0.9, 0.05])
def test_a_course_stays_on_the_face_where_a_camera_jolts(sure: float) -> None:
    true, read = walk(15, 0.0)
    faces = np.concatenate([true.min(1), np.ptp(true, axis=1)], 1)
    jolted, confidence = read.copy(), np.full(15, 0.9, np.float32)
    jolted[7, :, 0] += 40
    faces[7, 0] += 40
    confidence[7] = sure
    if sure < USABLE:
        jolted[7] -= (60, 10)  # what was read is wrong as well
    course = held_to(smoothed(jolted, confidence), jolted, confidence, faces)
    there = true[7].mean(0) + np.array([40, 0])
    assert np.linalg.norm(course[7].mean(0) - there) < 0.12 * np.ptp(true[7], axis=0).max()
    assert np.abs(course[:4] - smoothed(jolted, confidence)[:4]).max() < 0.1


def test_two_people_of_one_name_have_no_course_and_no_face_is_drawn_between_them() -> None:
    regions = table([person(frame) for frame in (1, 1, 2, 2, 3, 3)])
    points = np.tile(8 * face_points() + (128, 66), (6, 1, 1)).astype(np.float32)
    points[1::2, :, 0] += 100
    read = (points.copy(), np.full(6, 0.9, np.float32))
    heads = drawn_heads(regions, np.tile(BODY, (6, 1)), np.array([FACE] * 6), np.full((6, 4), np.nan), read)
    assert heads.usable is not None
    assert not heads.usable.any()


def test_faces_do_not_come_and_go() -> None:
    sure = np.array([0.9] * 8 + [0.1] + [0.9] * 8 + [0.1] * 8 + [0.9] + [0.1] * 8, np.float32)
    chosen = steady_choice(sure)
    assert chosen[:17].all()
    assert not chosen[19:].any()
    assert not steady_choice(np.array([0.9, 0.9], np.float32)).any()


def test_a_face_is_drawn_in_the_window_of_its_landmarks_and_a_head_where_it_was_seen() -> None:
    regions = table([*[person(frame) for frame in range(1, 6)], *[person(frame, "S:2") for frame in (1, 2)]])
    faces = np.array([FACE] * 5 + [NOWHERE] * 2)
    seen = np.array([NOWHERE] * 6 + [(118.0, 52.0, 18.0, 22.0)])
    points = np.tile(8 * face_points() + (128, 66), (5, 1, 1)).astype(np.float32)
    heads = drawn_heads(regions, np.tile(BODY, (7, 1)), faces, seen, (points, np.full(5, 0.9, np.float32)))
    assert heads.usable is not None
    assert heads.windows is not None
    assert heads.usable.tolist() == [True] * 5 + [False] * 2
    assert np.abs(heads.windows[0] - face_windows(points[:1])[0]).max() <= 1
    assert (heads.windows[:, 2] - heads.windows[:, 0] == heads.windows[:, 3] - heads.windows[:, 1]).all()
    middle = heads.windows[:, :2] + heads.windows[:, 2:]
    assert np.abs(middle[6] / 2 - (127, 63)).max() <= 1
    assert heads.oval is not None
    assert heads.oval.tolist() == [False] * 5 + [True] * 2
    # Nobody saw this one: in the middle of the body's upper end.
    assert abs(middle[5, 0] / 2 - 130) <= 1
    assert BODY[1] < middle[5, 1] / 2 < BODY[1] + 40


def test_a_face_in_a_crowd_does_not_leave_the_rest_of_it_raw() -> None:
    regions = table([person(frame, source="group") for frame in range(1, 6)])
    points = np.tile(8 * face_points() + (128, 66), (5, 1, 1)).astype(np.float32)
    faces = np.array([FACE] * 5)
    read = (points, np.full(5, 0.9, np.float32))
    heads = drawn_heads(regions, np.tile(BODY, (5, 1)), faces, np.full((5, 4), np.nan), read)
    assert heads.usable is not None
    assert not heads.usable.any()


def test_heads_follow_their_rows_and_methods_that_draw_none_have_no_places() -> None:
    heads = Heads(np.arange(12.0).reshape(3, 4), np.array([True, False, True]))
    turned = heads.of(np.array([2, 0]))
    assert turned.boxes[:, 0].tolist() == [8, 0]
    assert turned.faced.tolist() == [True, True]
    assert turned.place(0) is None


def test_outlines_are_what_the_parser_sees_steadily_and_of_whom_they_are_wanted() -> None:
    frames = range(1, 8)
    regions = table([*[person(frame) for frame in frames], person(4, "S:face1", HEAD, source="face")])
    boxes = np.array([BODY] * 7)
    windows = np.tile(np.array([105, 41, 153, 89]), (8, 1))  # round the middle of the head
    read = readings(boxes, HEAD)
    read.silhouettes[:] = 200
    read.silhouettes[3] = 0  # missed in one frame
    wanted = np.array([True] * 5 + [False] * 3)
    maps = outlines(regions, windows, read, wanted)
    assert maps.shape == (8, 32, 32)
    assert maps[0].min() > 150
    assert 0.6 * maps[0].mean() < maps[3].mean() < maps[0].mean()
    assert maps[5:].max() == 0
    assert outlines(regions, windows, readings(boxes, HEAD, 0.1), wanted).max() == 0
