"""Heads whose face cannot be read: everybody has one who is in view, and it lies in its window."""

from __future__ import annotations

import numpy as np
import pandas as pd

from mot_anon.plan.faces import small_head
from mot_anon.plan.silhouettes import LIKELY, Readings, windows_of
from mot_anon.plan.turned_heads import turned_heads, turned_windows, usual_body
from mot_anon.vision.heads import AROUND, brightest_box
from mot_anon.vision.windows import in_frame
from tests.plan.test_faces_on_tracks import BODY, FACE, person, table
from tests.plan.test_seen_heads import HEAD, readings

NOBODY = np.full((3, 4), np.nan)
NONE = np.zeros(3, bool)


def walk(n: int = 3, apart: int = 1, **more: object) -> pd.DataFrame:
    return table([person(1 + apart * row, **more) for row in range(n)])  # type: ignore[arg-type]


def seen_at(maps: np.ndarray, place: tuple[float, float]) -> int:
    """What a silhouette in the window of BODY is at x, y of the frame."""
    x, y = np.rint(place).astype(int).tolist()
    return int(in_frame(maps, windows_of(np.array([BODY]))[0], (x, y, x + 1, y + 1))[0, 0])


def test_what_the_parser_sees_is_drawn_of_those_whose_face_cannot_be_read() -> None:
    read = readings(np.array([BODY] * 3), HEAD, body=True)
    usable = np.array([False, True, False])
    made = turned_heads(walk(), NOBODY, usable, read, 3)
    assert made.silhouettes[0].max() == 255
    assert made.parts[0, 0].max() > 100
    assert made.silhouettes[1].max() == made.parts[1].max() == 0


def test_whoever_has_a_face_has_a_head_round_it() -> None:
    read = readings(np.array([BODY] * 3), None)
    faces = NOBODY.copy()
    faces[1] = FACE
    made = turned_heads(walk(apart=9), faces, NONE, read, 3)
    middle = FACE[0] + FACE[2] / 2, FACE[1] + 0.4 * FACE[3]
    assert seen_at(made.silhouettes[1], middle) > LIKELY
    assert made.silhouettes[0].max() == 0


def test_whom_the_parser_misses_has_one_if_ground_truth_says_that_they_are_in_view() -> None:
    read = readings(np.array([BODY] * 3), None, 0.1)
    made = turned_heads(walk(apart=9).assign(visibility=[1.0, 0.3, 1.0]), NOBODY, NONE, read, 3)
    x, y, w, h = small_head(np.array(BODY))
    assert seen_at(made.silhouettes[0], (x + w / 2, y + h / 2)) > LIKELY
    assert made.silhouettes[1].max() == 0
    assert turned_heads(walk(kind="unsure"), NOBODY, NONE, read, 3).silhouettes.max() == 0


def test_faces_without_a_body_have_nothing_to_be_drawn_after() -> None:
    read = readings(np.array([BODY] * 2), HEAD, body=True)
    made = turned_heads(walk(), NOBODY, NONE, read, 3)
    assert made.silhouettes.shape == (3, 128, 64)
    assert made.silhouettes[2].max() == 0


def test_a_window_lies_round_the_head_that_was_given() -> None:
    read = readings(np.array([BODY] * 3), HEAD, body=True)
    made = turned_heads(walk(), NOBODY, NONE, read, 3)
    before = np.tile(np.array([0, 0, 40, 40]), (3, 1))
    windows = turned_windows(walk(), made, before, np.array([True, False, True]))
    assert np.array_equal(windows[1], before[1])
    assert np.abs((windows[0, :2] + windows[0, 2:]) / 2 - (HEAD[0] + HEAD[2] / 2, HEAD[1] + HEAD[3] / 2)).max() < 4
    assert (windows[0, 2:] - windows[0, :2]).tolist() == [windows[0, 2] - windows[0, 0]] * 2
    empty = Readings(read.silhouettes * 0, read.parts * 0, read.scores)
    nothing = turned_heads(walk(), NOBODY, NONE, empty, 3)
    assert np.array_equal(turned_windows(walk(), nothing, before, ~NONE), before)


def test_a_usual_body_has_its_head_where_it_is_known() -> None:
    middle, size = np.array([200.0, 90.0]), 40.0
    seen = usual_body(middle, size)
    box = brightest_box(seen.parts[0], seen.window.astype(float))
    assert np.abs(box[:2] + box[2:] / 2 - middle).max() < 0.1 * size
    assert 0.7 * size < max(box[2:]) < 1.5 * size
    assert AROUND * size < seen.window[3] - seen.window[1]
    below = in_frame(seen.silhouette, seen.window, (199, 170, 201, 172))
    assert below.min() == 255
    assert in_frame(seen.silhouette, seen.window, (120, 90, 122, 92)).max() == 0


def test_what_comes_and_goes_is_drawn_calmly() -> None:
    read = readings(np.array([BODY] * 3), HEAD, body=True)
    read.parts[1, 0] = 0
    made = turned_heads(walk(), NOBODY, NONE, read, 3)
    far = turned_heads(walk(apart=9), NOBODY, NONE, read, 3)
    apart = np.abs(made.parts[0, 0].astype(int) - made.parts[1, 0]).max()
    assert apart < 0.5 * np.abs(far.parts[0, 0].astype(int) - far.parts[1, 0]).max()
