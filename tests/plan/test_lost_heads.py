"""Whoever has shoulders has a head, where it was in the frames beside or where their track has it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from mot_anon.plan import silhouettes as looks
from mot_anon.plan.lost_heads import with_heads
from tests.plan.test_silhouettes import body, regions, walk

LONGEST = 3
HEADED, HEADLESS = np.maximum(body(top=27), body(top=8, bottom=27, left=24, right=40)), body(top=27)
SKULL = (slice(10, 20), slice(29, 35))


def steady(maps: list[looks.Maps], heads: list[bool]) -> looks.Steady:
    parts = np.zeros((len(maps), 4, 64, 32), np.uint8)
    for row, head in enumerate(heads):
        parts[row, 0, 4:13, 14:19] = 200 * head
    ones = np.ones(len(maps), np.float32)
    return looks.Steady(np.stack(maps), np.stack(maps), parts, ones, ones)


def headless(n: int, *lost: int) -> looks.Steady:
    return steady([HEADLESS if row in lost else HEADED for row in range(n)], [row not in lost for row in range(n)])


def test_a_head_that_is_lost_for_a_while_is_where_it_was() -> None:
    before = headless(5, 2)
    after = with_heads(walk(5), before, LONGEST)
    for maps in (after.silhouettes, after.possible):
        assert (maps[2][SKULL] > looks.LIKELY).all()
        assert (maps[2, 24:30, 31:33] > looks.LIKELY).all()  # a neck
    assert after.parts[2, 0].max() >= 100
    assert (after.parts[2, 1:] == before.parts[2, 1:]).all()
    others = [0, 1, 3, 4]
    assert (after.silhouettes[others] == before.silhouettes[others]).all()
    assert (after.parts[others] == before.parts[others]).all()


def test_a_head_that_is_lost_for_long_is_where_the_track_has_it() -> None:
    n = 20
    after = with_heads(walk(n), headless(n, *range(6, n)), LONGEST)
    assert (after.silhouettes[n - 1][SKULL] > looks.LIKELY).all()
    known_nowhere = headless(n, *range(n))
    assert (with_heads(walk(n), known_nowhere, LONGEST).silhouettes == known_nowhere.silhouettes).all()


def test_nothing_is_taken_away() -> None:
    before = headless(5, 2)
    after = with_heads(walk(5), before, LONGEST)
    for name in ("silhouettes", "possible", "parts"):
        assert (getattr(after, name) >= getattr(before, name)).all()


@pytest.mark.parametrize(
    "table",
    [
        regions(*((f, "S:1", 100.0, "person", 0.3 if f == 3 else 1.0) for f in range(1, 6))),  # mostly hidden
        regions(*((f, "S:1", 100.0, "unsure" if f == 3 else "person", 1.0) for f in range(1, 6))),
        regions(*((f, "", 100.0, "person", 1.0) for f in range(1, 6))),
    ],
)
def test_nobody_gets_a_head_who_is_hidden_or_doubtful_or_has_no_track(table: pd.DataFrame) -> None:
    before = headless(5, 2)
    assert (with_heads(table, before, LONGEST).silhouettes == before.silhouettes).all()


def test_a_head_wants_shoulders_that_are_drawn() -> None:
    for left in (body(top=60), np.where(HEADLESS > 0, np.uint8(140), np.uint8(0))):
        before = headless(5, 2)
        before.silhouettes[2] = left
        assert (with_heads(walk(5), before, LONGEST).silhouettes[2] == left).all()


def test_where_the_parser_sees_nobody_there_is_no_head() -> None:
    before = headless(5, 2)
    scores = np.where(np.arange(5) == 2, 0.2, 1.0).astype(np.float32)
    before = replace(before, scores=scores)
    assert (with_heads(walk(5), before, LONGEST).silhouettes == before.silhouettes).all()


def test_a_silhouette_that_has_a_head_is_told_where_it_is() -> None:
    before = steady([HEADED] * 5, [True, True, False, True, True])
    after = with_heads(walk(5), before, LONGEST)
    assert (after.silhouettes == before.silhouettes).all()
    assert after.parts[2, 0, 5:10, 15:17].min() >= 100
