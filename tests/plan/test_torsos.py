"""Whose body shows beside a head that is taken out."""

from __future__ import annotations

import numpy as np
import pytest

from mot_anon.plan.torsos import CELLS, torso_maps, torso_window
from tests.plan.test_faces_on_tracks import BODY, person, shifted, table
from tests.plan.test_seen_heads import HEAD, readings

HEADS = np.array([HEAD])
NONE = np.full((1, 4), np.nan)


def test_a_window_is_as_wide_as_the_head_and_half_of_it_on_every_side() -> None:
    assert torso_window(np.array(HEAD)) == (109, 41, 145, 85)
    assert torso_window(np.array([3.2, 4.0, 0.0, 0.0])) == (3, 4, 4, 5)


@pytest.mark.parametrize("score", [0.9, 0.1])  # as the parser reads it, and by geometry where it sees nobody
def test_shoulders_are_below_the_head_and_the_wall_is_round_it(score: float) -> None:
    (body,) = torso_maps(table([person(1)]), HEADS, HEADS, readings(np.array([BODY]), HEAD, score, body=True))
    assert body.shape == (CELLS, CELLS)
    assert body[-3:, 8:16].min() > 200
    assert body[: CELLS // 2].max() == 0


def test_bodies_are_those_of_people_in_the_same_frame() -> None:
    rows = [person(1), person(2), person(1, "S:2", shifted(BODY, 0, -80)), person(1, kind="unsure", source="detection")]
    boxes = np.array([BODY, BODY, shifted(BODY, 0, -80), BODY])
    heads, seen = np.array([HEAD] * 4), np.full((4, 4), np.nan)
    made = torso_maps(table(rows), heads, seen, readings(boxes, None, body=True))
    assert made[0][:6, 8:16].min() > 200  # somebody stands in front of the first one's head
    assert made[1][:6].max() == 0
    assert np.array_equal(made[0], made[3])
    alone = torso_maps(table([rows[3]]), HEADS, NONE, readings(boxes[3:], HEAD, body=True))
    assert alone.max() == 0


def test_faces_that_are_added_are_nobodys_bodies() -> None:
    regions = table([person(1), person(1, "S:face1", HEAD, source="face")])
    made = torso_maps(regions, np.array([HEAD, HEAD]), np.concatenate([HEADS, NONE]), readings(np.array([BODY]), HEAD))
    assert made.shape == (2, CELLS, CELLS)
    assert made.max() == 0
