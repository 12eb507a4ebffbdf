"""Silhouettes for methods that leave the frame round them as it was: rather too much is covered than a limb left."""

from __future__ import annotations

import numpy as np
import pytest

from mot_anon.plan import silhouettes as looks
from mot_anon.plan.generous import SMALLEST, generous, reliable
from mot_anon.plan.steadying import steadied
from mot_anon.vision.parse import MARGIN
from tests.plan.test_silhouettes import body, readings, regions, walk

SURE = np.array([True])
EDGE = round(32 + 32 / MARGIN)  # column of the box's right edge


def possible(maps: list[looks.Maps], sure: bool = True) -> looks.Maps:
    table = walk(len(maps))
    return generous(table, steadied(table, readings(maps)), np.full(len(maps), sure)).possible


@pytest.mark.parametrize(("away", "covered"), [(3, True), (5, False)])
def test_what_frames_nearby_see_of_a_limb_is_covered(away: int, covered: bool) -> None:
    maps = [body() for _ in range(11)]
    maps[5 - away] = body(left=12)
    found = possible(maps)[5] > 128
    assert found[60, 14] == covered
    assert found[60, 20 - 2]  # the rim
    assert not found[60, 4:10].any()


def test_the_middle_of_a_box_is_covered_whatever_the_parser_says() -> None:
    nothing = np.zeros((128, 64), np.uint8)
    found = possible([nothing])[0] > 128
    assert found[20:108, 24:40].all()
    assert not found[:, :20].any()
    assert not found[:, 44:].any()
    assert not found[:12].any()


def test_outside_the_box_no_more_is_covered_than_the_frame_itself_shows() -> None:
    stride = body(right=64)
    found = possible([stride, body(), stride])[1] > 128
    assert found[60, 52]
    assert not found[:, EDGE:].any()
    assert (possible([stride, body()])[0][12:116, 44:] > 128).all()


def test_whoever_is_in_view_and_not_trusted_has_a_margin_round_the_box_unless_things_hide_them() -> None:
    maps = [body()]
    doubted = possible(maps, sure=False)[0] >= 64
    assert doubted[10:118, 5:59].all()
    assert not (possible(maps)[0] >= 64)[:, 5:16].any()
    behind = regions((1, "S:1", 100.0, "person", 0.3))
    hidden = generous(behind, steadied(behind, readings(maps)), ~SURE).possible[0] >= 64
    assert not hidden[:, 5:16].any()


def test_only_tracks_of_people_who_are_not_tiny_are_reliable() -> None:
    table = regions(*((1, track, 100.0, "person", 1.0) for track in ("S:1", "S:2", "", "S:3")))
    table.loc[1, "h"] = SMALLEST - 1
    assert reliable(table, np.array([True, True, True, False])).tolist() == [True, False, False, False]


def test_to_a_careful_look_somebody_is_hidden_only_where_the_parser_is_sure_of_it() -> None:
    table = regions((1, "S:1", 100.0, "hidden", 0.0), (1, "S:2", 110.0, "person", 1.0))
    steady = steadied(table, readings([body(left=8, right=24), body(left=30, right=44)], [0.4, 1.0]))
    assert list(looks.revealed(table, steady, (400, 300))["kind"]) == ["hidden", "person"]
    assert list(looks.revealed(table, steady, (400, 300), careful=True)["kind"]) == ["person", "person"]
    nobody = steadied(table, readings([body(left=8, right=24), body(left=30, right=44)], [0.1, 1.0]))
    assert list(looks.revealed(table, nobody, (400, 300), careful=True)["kind"]) == ["hidden", "person"]


def test_a_careful_look_trusts_no_single_detectors_mistake() -> None:
    table = regions((1, "", 100.0, "unsure", 1.0)).assign(source="detection")
    steady = steadied(table, readings([body(bottom=20)], [0.05]))
    assert looks.trusted(table, steady, (400, 300)).tolist() == [True]
    assert looks.trusted(table, steady, (400, 300), careful=True).tolist() == [False]
