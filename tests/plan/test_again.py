"""Who is seen time and again by a detector was there in between."""

from __future__ import annotations

import pandas as pd

from mot_anon.plan.again import between_sights
from mot_anon.plan.regions import REGION_COLUMNS


def sights(*rows: tuple[int, float], kind: str = "unsure") -> pd.DataFrame:
    table = [(frame, "", x, 50.0, 40.0, 100.0, kind, "detection") for frame, x in rows]
    return pd.DataFrame(table, columns=REGION_COLUMNS)


def test_whoever_was_seen_before_and_after_was_there_in_between() -> None:
    found = between_sights(sights((3, 100.0), (6, 106.0)), 10, 40)
    assert found["frame"].tolist() == [4, 5]
    assert found["x"].tolist() == [102, 104]
    assert found["h"].tolist() == [100, 100]


def test_two_sights_far_apart_are_two_people() -> None:
    assert not len(between_sights(sights((3, 100.0), (30, 100.0)), 10, 40))
    assert not len(between_sights(sights((3, 100.0), (5, 300.0)), 10, 40))


def test_whoever_sits_there_was_there_before_and_stays() -> None:
    found = between_sights(sights((8, 100.0), (10, 101.0), (12, 100.0)), 4, 14)
    assert found["frame"].tolist() == [9, 11, 4, 5, 6, 7, 13, 14]


def test_whoever_walks_does_not_stay() -> None:
    found = between_sights(sights((8, 100.0), (9, 112.0), (10, 124.0)), 4, 30)
    assert not len(found)


def test_two_people_in_one_frame_are_not_one() -> None:
    assert not len(between_sights(sights((8, 100.0), (8, 101.0)), 4, 30))


def test_what_is_seen_of_others_is_nobody() -> None:
    assert not len(between_sights(sights((3, 100.0), (6, 100.0), kind="hidden"), 10, 40))
