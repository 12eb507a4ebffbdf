"""Silhouettes that are borrowed: whom the parser misses in a few frames is drawn, and covered as before."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from mot_anon.plan import silhouettes as looks
from mot_anon.plan.borrowed import borrowed
from tests.plan.test_silhouettes import SIZE, body, regions, walk

LONGEST = 4
NOTHING = np.zeros((128, 64), np.uint8)


def lent(table: pd.DataFrame, maps: list[looks.Maps]) -> tuple[looks.Steady, looks.Steady]:
    """Readings before and after; the parts of row n are n + 1 throughout."""
    parts = np.ones((len(maps), 4, 64, 32), np.uint8) * np.arange(1, len(maps) + 1, dtype=np.uint8)[:, None, None, None]
    scores = np.array([1.0 if some.any() else 0.05 for some in maps], np.float32)
    steady = looks.Steady(np.stack(maps), np.stack(maps), parts, scores, np.ones(len(maps), np.float32))
    return steady, borrowed(table, steady, looks.trusted(table, steady, SIZE), LONGEST)


@pytest.mark.parametrize("left", [NOTHING, body(bottom=20)])
def test_whom_the_parser_misses_in_some_frames_is_drawn_as_in_the_nearest_that_is_sure(left: looks.Maps) -> None:
    before, after = body(right=40), body(right=48)
    _, found = lent(walk(5), [before, left, left, left, after])
    for row, lender, maps in ((1, 0, before), (2, 0, before), (3, 4, after)):
        assert (found.silhouettes[row] == maps).all()
        assert (found.parts[row] == lender + 1).all()


def test_what_is_covered_and_what_is_sure_stay_as_they_were() -> None:
    table, maps = walk(3), [body(), NOTHING, body(right=50)]
    steady, found = lent(table, maps)
    assert (found.possible == steady.possible).all()
    assert not looks.trusted(table, steady, SIZE)[1]
    assert (found.silhouettes[[0, 2]] == steady.silhouettes[[0, 2]]).all()
    assert not steady.silhouettes[1].any()


@pytest.mark.parametrize("away", [LONGEST, LONGEST + 1])
def test_nothing_is_borrowed_from_frames_far_away(away: int) -> None:
    _, found = lent(walk(away + 1), [body(), *[NOTHING] * away])
    assert found.silhouettes[away].any() == (away <= LONGEST)


@pytest.mark.parametrize(
    "other",
    [
        (1, "S:2", 100.0, "person", 1.0),  # somebody else
        (1, "S:1", 100.0, "person", 0.3),  # most of whom is hidden there
        (1, "S:1", 100.0, "unsure", 1.0),
    ],
)
def test_only_frames_that_show_the_same_person_as_well_lend(other: tuple[object, ...]) -> None:
    table = regions(other, (2, "S:1", 100.0, "person", 1.0))
    _, found = lent(table, [body(), NOTHING])
    assert not found.silhouettes[1].any()


@pytest.mark.parametrize(
    ("track", "kind", "visibility"), [("S:1", "person", 0.2), ("S:1", "unsure", 1.0), ("", "person", 1.0)]
)
def test_nobody_is_drawn_who_is_hidden_or_doubtful_or_has_no_track(track: str, kind: str, visibility: float) -> None:
    table = regions((1, track, 100.0, "person", 1.0), (2, track, 100.0, kind, visibility))
    _, found = lent(table, [body(), NOTHING])
    assert not found.silhouettes[1].any()


def test_the_order_of_the_rows_does_not_matter() -> None:
    maps = [body(right=40), NOTHING, body(right=48)]
    backwards = walk(3).iloc[::-1].reset_index(drop=True)
    assert (lent(backwards, maps[::-1])[1].silhouettes[::-1] == lent(walk(3), maps)[1].silhouettes).all()
