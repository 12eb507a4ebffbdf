"""Boxes that are too small for their people grow as far as the people do, and no others."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from mot_anon.plan.outgrown import fitted, outgrown
from mot_anon.plan.silhouettes import Readings, windows_of
from tests.plan.test_silhouettes import SIZE, regions, walk

PERSON = (85.0, 95.0, 45.0, 105.0)
"""x, y, w, h of whoever stands there; :func:`walk` has boxes at 100, 100 of 40×100."""


def seen_at(boxes: np.ndarray, place: tuple[float, ...] = PERSON, score: float = 1.0, value: int = 250) -> Readings:
    """What a parser reads of somebody who fills a place of the frame, in any boxes."""
    silhouettes = np.zeros((len(boxes), 128, 64), np.uint8)
    for row, window in enumerate(windows_of(boxes)):
        cell = (window[2:] - window[:2]) / (64, 128)
        low = np.rint((np.array(place[:2]) - window[:2]) / cell).astype(int).clip(0)
        high = np.rint((np.array(place[:2]) + place[2:] - window[:2]) / cell).astype(int).clip(0)
        silhouettes[row, low[1] : high[1], low[0] : high[0]] = value
    parts = np.zeros((len(boxes), 4, 64, 32), np.uint8)
    return Readings(silhouettes, parts, np.full(len(boxes), score, np.float32))


def boxes_of(table: pd.DataFrame) -> np.ndarray:
    return table[["x", "y", "w", "h"]].to_numpy(float)


def grown(table: pd.DataFrame, place: tuple[float, ...] = PERSON, **seen: float) -> np.ndarray:
    readings = seen_at(boxes_of(table), place, **seen)
    roomy = outgrown(table, readings, SIZE)
    return fitted(table, readings, roomy, seen_at(roomy, place, **seen))


def test_a_box_reaches_as_far_as_its_person_does() -> None:
    box = grown(walk(1))[0]
    assert box[0] == pytest.approx(85, abs=2)
    assert box[0] + box[2] == pytest.approx(140)
    assert box[1] == 100  # the window's margin shows all that is above
    above = grown(walk(1), (105.0, 85.0, 30.0, 110.0))[0]
    assert above[1] == pytest.approx(88, abs=2)  # no farther than it looks
    assert above[1] + above[3] == 200


def test_what_a_parser_hesitates_over_at_an_edge_is_looked_at_too() -> None:
    table = walk(1)
    doubtful = seen_at(boxes_of(table), value=100)
    assert (outgrown(table, doubtful, SIZE) != boxes_of(table)).any()


def test_whoever_fits_keeps_their_box() -> None:
    table = walk(3)
    assert (grown(table, (103.0, 102.0, 34.0, 97.0)) == boxes_of(table)).all()


def test_a_head_that_is_all_seen_has_nothing_above_it() -> None:
    table = walk(1)
    readings = seen_at(boxes_of(table), (105.0, 85.0, 30.0, 110.0))
    readings.parts[0, 0, 6:14, 12:20] = 200
    assert (outgrown(table, readings, SIZE) == boxes_of(table)).all()


@pytest.mark.parametrize(
    ("kind", "track", "score"), [("unsure", "S:1", 1.0), ("person", "", 1.0), ("person", "S:1", 0.2)]
)
def test_boxes_of_nobody_known_stay(kind: str, track: str, score: float) -> None:
    table = regions((1, track, 100.0, kind, 1.0))
    assert (grown(table, score=score) == boxes_of(table)).all()


@pytest.mark.parametrize("source", ["group", "manual"])
def test_boxes_of_more_than_one_person_stay(source: str) -> None:
    table = walk(1).assign(source=source)
    assert (grown(table) == boxes_of(table)).all()


def test_somebody_else_beside_them_is_not_their_own() -> None:
    table = walk(1)
    readings = seen_at(boxes_of(table))
    roomy = outgrown(table, readings, SIZE)
    neighbour = seen_at(roomy, (80.0, 95.0, 14.0, 105.0))
    assert (fitted(table, readings, roomy, neighbour) == boxes_of(table)).all()


@pytest.mark.parametrize(("neighbour", "grows"), [(62.0, False), (20.0, True)])
def test_a_box_does_not_grow_into_somebody_elses(neighbour: float, grows: bool) -> None:
    table = regions((1, "S:1", 100.0, "person", 1.0), (1, "S:2", neighbour, "person", 1.0))
    roomy = outgrown(table, seen_at(boxes_of(table)), SIZE)
    assert (roomy[0, 0] < 100) == grows


def test_boxes_beside_in_time_grow_alike() -> None:
    table = walk(12)
    readings = seen_at(boxes_of(table), (103.0, 102.0, 34.0, 97.0))
    one = seen_at(boxes_of(table)[:1])
    readings = readings.replaced(np.array([5]), one)
    roomy = outgrown(table, readings, SIZE)
    box = fitted(table, readings, roomy, seen_at(roomy))
    assert (np.diff(box[:6, 0]) <= 0).all()
    assert box[5, 0] == pytest.approx(85, abs=2)
    assert (np.abs(np.diff(box[:, 0])) < 5).all()


def test_at_the_edge_of_the_picture_nobody_goes_on() -> None:
    table = walk(1).assign(x=0.0)
    assert grown(table, (-15.0, 102.0, 45.0, 97.0))[0, 0] == 0
