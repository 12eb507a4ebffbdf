"""Silhouettes: trusted only where they hold together."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from mot_anon.plan import silhouettes as looks
from mot_anon.plan.camera import CameraPlan
from mot_anon.plan.regions import OCCLUDER_COLUMNS
from mot_anon.plan.steadying import steadied
from mot_anon.vision.windows import in_frame

SIZE = (400, 300)


def body(top: int = 12, bottom: int = 116, left: int = 20, right: int = 44, value: int = 250) -> looks.Maps:
    maps = np.zeros((128, 64), np.uint8)
    maps[top:bottom, left:right] = value
    return maps


def regions(*rows: tuple[object, ...]) -> pd.DataFrame:
    """Rows of (frame, track, x, kind, visibility); everybody is 40×100."""
    table = [(f, t, x, 100.0, 40.0, 100.0, kind, "gt", v) for f, t, x, kind, v in rows]
    columns = ["frame", "track", "x", "y", "w", "h", "kind", "source", "visibility"]
    return pd.DataFrame(table, columns=columns)


def readings(maps: list[looks.Maps], scores: list[float] | None = None) -> looks.Readings:
    parts = np.zeros((len(maps), 4, 64, 32), np.uint8)
    return looks.Readings(np.stack(maps), parts, np.array(scores or [1.0] * len(maps), np.float32))


def walk(n: int) -> pd.DataFrame:
    return regions(*((f, "S:1", 100.0, "person", 1.0) for f in range(1, n + 1)))


@pytest.mark.parametrize(
    ("maps", "score", "visibility", "sure"),
    [
        (body(), 1.0, 1.0, True),
        (body(), 0.3, 1.0, False),  # of nobody
        (body(bottom=30), 1.0, 1.0, False),  # a head, where all is to be seen
        (body(bottom=30), 1.0, 0.2, True),  # a head, where that is all there is
        (np.maximum(body(bottom=40), body(value=100)), 1.0, 1.0, False),  # undecided
    ],
)
def test_a_silhouette_is_trusted_where_everything_agrees(
    maps: looks.Maps, score: float, visibility: float, sure: bool
) -> None:
    table = regions((1, "S:1", 100.0, "person", visibility))
    steady = steadied(table, readings([maps], [score]))
    assert looks.trusted(table, steady, SIZE).tolist() == [sure]


@pytest.mark.parametrize("careful", [True, False])
@pytest.mark.parametrize("source", ["group", "manual", "motion"])
def test_a_silhouette_is_not_all_of_a_crowd_or_of_a_box_by_hand(source: str, careful: bool) -> None:
    table = walk(3).assign(source=source)
    steady = steadied(table, readings([body()] * 3))
    assert not looks.trusted(table, steady, SIZE, careful=careful).any()


def test_a_silhouette_that_jumps_is_not_trusted() -> None:
    steady = steadied(walk(3), readings([body(), body(left=45, right=62), body()]))
    assert looks.trusted(walk(3), steady, SIZE).tolist() == [False, False, False]


def test_of_a_single_detectors_mistake_only_what_might_be_somebody_is_believed() -> None:
    table = regions(*((1, "", 100.0, kind, 1.0) for kind in ("unsure", "person", "unsure"))).assign(source="detection")
    steady = steadied(table, readings([body(bottom=20)] * 3, [0.05, 0.05, 0.7]))
    assert looks.trusted(table, steady, SIZE).tolist() == [True, False, False]


def test_somebody_who_is_seen_beside_the_one_before_them_is_not_hidden() -> None:
    behind, before = (1, "S:1", 100.0, "hidden", 0.0), (1, "S:2", 110.0, "person", 1.0)
    table = regions(behind, before)
    left, right = body(left=5, right=25), body(left=28, right=60)
    seen = looks.revealed(table, steadied(table, readings([left, right])), SIZE)
    assert list(seen["kind"]) == ["person", "person"]
    same = steadied(table, readings([body(left=44, right=60), right]))  # the parser saw the other one
    assert list(looks.revealed(table, same, SIZE)["kind"]) == ["hidden", "person"]
    nobody = steadied(table, readings([left, right], [0.2, 1.0]))
    assert list(looks.revealed(table, nobody, SIZE)["kind"]) == ["hidden", "person"]


def test_a_detection_is_a_person_when_the_parser_agrees_and_sees_somebody_new() -> None:
    rows = [(1, "", 100.0, "unsure", 1.0), (1, "", 250.0, "unsure", 1.0), (1, "", 255.0, "person", 1.0)]
    table = regions(*rows, (1, "S:1", 104.0, "person", 1.0)).assign(source=["detection"] * 3 + ["gt"])
    steady = steadied(table, readings([body()] * 4, [0.99, 0.99, 0.6, 1.0]))
    assert list(looks.settled(table, steady, SIZE)["kind"]) == ["unsure", "person", "person", "person"]
    doubted = steadied(table, readings([body()] * 4, [0.99, 0.9, 0.4, 1.0]))
    assert list(looks.settled(table, doubted, SIZE)["kind"]) == ["unsure", "unsure", "unsure", "person"]


def test_one_detectors_box_over_parts_of_tracked_people_is_nobody_new() -> None:
    rows = [(1, "", 80.0, "unsure", 1.0), (1, "S:1", 100.0, "person", 1.0)]
    table = regions(*rows).assign(source=["detection", "gt"])
    apart = [body(left=4, right=30), body(left=30, right=50)]  # what is seen in the two does not overlap
    steady = steadied(table, readings(apart, [0.99, 1.0]))
    assert list(looks.settled(table, steady, SIZE)["kind"]) == ["unsure", "person"]


def test_a_track_of_one_detector_is_a_person_in_all_frames_or_in_none() -> None:
    table = walk(5).assign(kind="unsure", source="tracker")
    maps = [body()] * 5
    sure = steadied(table, readings(maps, [1.0, 1.0, 0.1, 1.0, 1.0]))
    assert set(looks.settled(table, sure, SIZE)["kind"]) == {"person"}
    not_sure = steadied(table, readings(maps, [0.6, 0.6, 1.0, 0.6, 0.6]))
    assert set(looks.settled(table, not_sure, SIZE)["kind"]) == {"unsure"}


@pytest.mark.parametrize("box", [(100, 100, 40, 100), (-10, -20, 40, 100), (100, 100, 7, 15), (50, 20, 120, 260)])
def test_maps_lie_where_the_box_lies(box: tuple[float, ...]) -> None:
    window = looks.windows_of(np.array([box], float))[0]
    part = (0, 0, *SIZE)
    whole = in_frame(np.full((128, 64), 255, np.uint8), window, part)
    x1, y1, x2, y2 = np.clip(window, 0, [*SIZE, *SIZE]).tolist()
    outside = whole.copy()
    outside[y1:y2, x1:x2] = 0
    assert not outside.any()
    assert (whole[y1:y2, x1:x2] == 255).all()
    middle = in_frame(body(), window, part)
    rows, _ = np.nonzero(middle > 128)
    scale = (window[3] - window[1]) / 128
    assert abs(rows.max() - min(SIZE[1] - 1, window[1] + 116 * scale)) <= max(2, scale)


def test_a_frame_finds_what_was_seen_of_its_regions_in_their_order() -> None:
    table = regions((1, "S:1", 10.0, "hidden", 0.0), (1, "S:2", 90.0, "person", 1.0), (2, "S:1", 10.0, "person", 1.0))
    steady = steadied(table, readings([body(left=10), body(left=15), body(left=5)]))
    seen = {f: looks.pack(steady, np.array([0, 1, 0], bool), np.array(rows)) for f, rows in ((1, [1]), (2, [2]))}
    codes = {track: np.zeros(24, np.float16) for track in ("", "S:1", "S:2")}
    things = pd.DataFrame(columns=OCCLUDER_COLUMNS).astype({"frame": "int64"})
    plan = CameraPlan("S", "S", SIZE, 2, table, things, codes, 0, seen=seen)
    for found in (plan, CameraPlan.from_bytes(plan.to_bytes())):
        (one,), (two,) = found.frame(1), found.frame(2)
        assert one.seen is not None
        assert two.seen is not None
        assert (one.seen.sure, two.seen.sure) == (True, False)
        assert (one.seen.silhouette == body(left=15)).all()
        assert (two.seen.possible == body(left=5)).all()
        assert found.frame(3) == []
    assert CameraPlan.from_bytes(plan.to_bytes()).to_bytes() == plan.to_bytes()
