"""Silhouettes along tracks: steadied without smearing."""

from __future__ import annotations

import numpy as np

from mot_anon.plan.steadying import steadied
from tests.plan.test_silhouettes import body, readings, regions, walk


def test_what_one_frame_misses_the_frames_beside_it_give_back() -> None:
    legless = body(bottom=100)
    steady = steadied(walk(3), readings([body(), legless, body()]))
    assert (steady.silhouettes[1] == body()).all()
    assert (steady.possible[1] == body()).all()


def test_what_only_one_frame_sees_is_not_drawn_but_covered() -> None:
    with_arm = body(right=50)
    steady = steadied(walk(3), readings([body(), with_arm, body()]))
    assert (steady.silhouettes[1] == body()).all()
    assert (steady.possible[1] == with_arm).all()


def test_who_steps_behind_something_does_so_at_once() -> None:
    half = body(bottom=50)
    steady = steadied(walk(4), readings([body(), body(), half, half]))
    assert [int((maps > 128).sum()) for maps in steady.silhouettes] == [24 * 104, 24 * 104, 24 * 38, 24 * 38]


def test_people_and_pauses_are_not_mixed() -> None:
    table = regions(
        (1, "S:1", 10.0, "person", 1.0),
        (1, "S:2", 90.0, "person", 1.0),
        (2, "S:1", 10.0, "person", 1.0),
        (4, "S:2", 90.0, "person", 1.0),
        (1, "", 200.0, "unsure", 1.0),
        (2, "", 200.0, "unsure", 1.0),
    )
    maps = [body(left=20 + i) for i in range(6)]
    steady = steadied(table, readings(maps))
    for row in (1, 3, 4, 5):  # nothing before or after
        assert (steady.possible[row] == maps[row]).all()
    assert (steady.possible[0] == np.maximum(maps[0], maps[2])).all()
