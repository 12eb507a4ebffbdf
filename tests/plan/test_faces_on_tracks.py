"""Whose a found face is, where faces are that a detector missed, and what is covered of a head."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from mot_anon.plan import faces as whose
from mot_anon.plan.loose_faces import loose_regions
from mot_anon.plan.regions import head_box, likely_head_box

BODY = (100.0, 50.0, 60.0, 160.0)
FACE = (120.0, 56.0, 16.0, 18.0)
NOWHERE = np.full(4, np.nan)
SURE = np.array([True])


def table(rows: list[tuple[object, ...]]) -> pd.DataFrame:
    columns = ["frame", "track", "x", "y", "w", "h", "kind", "source", "visibility"]
    return pd.DataFrame(rows, columns=columns)


def person(
    frame: int, track: str = "S:1", box: tuple[float, ...] = BODY, kind: str = "person", source: str = "gt"
) -> tuple[object, ...]:
    return (frame, track, *box, kind, source, 1.0)


def found(*rows: tuple[int, tuple[float, ...], float]) -> pd.DataFrame:
    columns = ["frame", "x", "y", "w", "h", "confidence"]
    return pd.DataFrame([(frame, *box, score) for frame, box, score in rows], columns=columns).assign(loose=True)


def shifted(box: tuple[float, ...], x: float, y: float = 0.0) -> tuple[float, ...]:
    return (box[0] + x, box[1] + y, *box[2:])


def test_everybody_gets_the_face_at_the_top_of_their_box() -> None:
    regions = table([person(1), person(1, "S:2", shifted(BODY, 40))])
    own, loose = whose.owned_faces(found((1, shifted(FACE, 42), 0.9), (1, FACE, 0.8)), regions)
    assert np.allclose(own, [FACE, shifted(FACE, 42)])
    assert not loose["loose"].any()


def test_a_face_belongs_to_nobody_where_no_head_is_or_no_face_is_so_large() -> None:
    regions = table([person(1)])
    feet, giant = shifted(FACE, 0, 120), (105.0, 40.0, 50.0, 60.0)
    own, loose = whose.owned_faces(found((1, feet, 0.9), (1, giant, 0.9), (2, FACE, 0.9)), regions)
    assert np.isnan(own).all()
    assert loose["loose"].all()


def test_two_faces_are_never_one_persons() -> None:
    own, loose = whose.owned_faces(found((1, FACE, 0.9), (1, shifted(FACE, 14, 4), 0.7)), table([person(1)]))
    assert np.isfinite(own).all()
    assert loose["loose"].sum() == 1


def test_a_doubtful_box_over_somebody_does_not_take_their_face() -> None:
    regions = table([person(1, "", shifted(BODY, 2, -2), "unsure", "detection"), person(1)])
    poster = shifted(FACE, -20, 8)
    own, _ = whose.owned_faces(found((1, poster, 0.9), (1, shifted(FACE, 2), 0.9)), regions)
    assert np.allclose(own[1], shifted(FACE, 2))


def test_a_missed_face_is_where_it_was_relative_to_the_body() -> None:
    regions = table([person(frame, box=shifted(BODY, 3 * frame)) for frame in range(10, 15)])
    own = np.array([shifted(FACE, 30), NOWHERE, NOWHERE, NOWHERE, shifted(FACE, 44)])
    faces = whose.bridged(own, regions, longest=5)
    assert np.allclose(faces[[0, 4]], own[[0, 4]])
    # The body went 12 px, the face 14: it moved 2 px within the body.
    assert np.allclose(faces[1:4, 0], [120 + 33.5, 120 + 37, 120 + 40.5])
    assert np.allclose(faces[1:4, 1:], FACE[1:])


def test_a_face_is_held_for_three_frames_and_no_longer_gap_is_bridged_than_asked() -> None:
    regions = table([person(frame) for frame in range(1, 21)])
    own = np.full((20, 4), np.nan)
    own[[5, 14]] = FACE
    there = np.isfinite(whose.bridged(own, regions, longest=3)[:, 0])
    assert np.flatnonzero(there).tolist() == [2, 3, 4, 5, 14, 15, 16, 17]


def test_nobodys_detections_share_no_faces() -> None:
    regions = table([person(frame, "", kind="unsure", source="detection") for frame in (1, 2)])
    faces = whose.bridged(np.array([FACE, NOWHERE]), regions, longest=9)
    assert np.isnan(faces[1]).all()


def test_a_face_without_a_body_is_a_track_of_its_own() -> None:
    regions, far = table([person(5)]), (400.0, 80.0, 20.0, 24.0)
    loose = found((4, far, 0.9), (7, shifted(far, 6), 0.3))
    more = loose_regions(loose, np.array([head_box(np.array(BODY))]), regions, "S", 5, 50)
    assert more["frame"].tolist() == list(range(1, 11))
    assert set(more["track"]) == {"S:face1"}
    assert set(more["kind"]) == {"person"}
    (between,) = more.loc[more["frame"] == 5, ["x", "y", "w", "h"]].to_numpy()
    assert np.allclose(whose.inner_face(between[None])[0], shifted(far, 2))


def test_a_face_that_a_painted_head_covers_needs_no_region_and_a_doubtful_one_gets_none() -> None:
    regions, heads = table([person(1)]), np.array([head_box(np.array(BODY))])
    assert loose_regions(found((1, FACE, 0.9)), heads, regions, "S", 5, 1).empty
    hidden = regions.assign(kind="hidden")
    assert len(loose_regions(found((1, FACE, 0.9)), heads, hidden, "S", 5, 1)) == 1
    assert loose_regions(found((1, (400.0, 80.0, 20.0, 24.0), 0.3)), heads, regions, "S", 5, 1).empty


def test_a_face_that_becomes_somebodys_is_one_before_their_track_begins() -> None:
    before = found((1, FACE, 0.35), (2, shifted(FACE, 1), 0.9)).assign(loose=[True, False])
    regions, heads = table([person(2)]), np.array([head_box(np.array(BODY))])
    more = loose_regions(before, heads, regions, "S", 5, 2)
    assert more["frame"].tolist() == [1]
    owned = before.assign(loose=False)
    assert loose_regions(owned, heads, regions, "S", 5, 2).empty


@pytest.mark.parametrize("drawn", [False, True])
def test_what_is_covered_holds_the_face_and_the_head_that_was_seen(drawn: bool) -> None:
    regions = table([person(1)])
    face, seen = np.array([shifted(FACE, 30, -20)]), np.array([[118.0, 52.0, 18.0, 22.0]])
    (covered,) = whose.head_boxes(regions, face, seen, SURE, drawn=drawn)
    for part in (face[0], seen[0]):
        assert (covered[:2] <= part[:2]).all()
        assert (covered[:2] + covered[2:] >= part[:2] + part[2:]).all()
    (usual,) = whose.head_boxes(regions, np.array([NOWHERE]), np.array([NOWHERE]), ~SURE, drawn=drawn)
    assert np.allclose(usual, head_box(np.array(BODY)))


def test_methods_that_cover_keep_the_whole_upper_part_and_those_that_draw_only_the_head() -> None:
    regions, none = table([person(1)]), np.array([NOWHERE])
    face, seen = np.array([FACE]), np.array([(118.0, 52.0, 18.0, 22.0)])
    (covered,), (drawn,) = (whose.head_boxes(regions, face, seen, SURE, drawn=drawn) for drawn in (False, True))
    usual = head_box(np.array(BODY))
    assert (covered[2:] >= usual[2:]).all()
    assert 1.3 * FACE[2] < drawn[2] < usual[2]
    # Whatever a detector takes for a face: a head that no parser saw may be elsewhere.
    (doubtful,) = whose.head_boxes(regions, face, none, ~SURE, drawn=True)
    assert (doubtful[2:] >= usual[2:]).all()


def test_a_head_of_which_the_parser_is_not_sure_gets_more_room() -> None:
    regions, none, seen = table([person(1)]), np.array([NOWHERE]), np.array([(118.0, 52.0, 18.0, 22.0)])
    (sure,), (doubted,) = (whose.head_boxes(regions, none, seen, one, drawn=True) for one in (SURE, ~SURE))
    assert (doubted[2:] > sure[2:]).all()
    assert (sure[2:] > seen[0, 2:]).all()


def test_heads_that_nobody_looked_for_are_by_geometry() -> None:
    box = np.array(BODY)
    assert np.array_equal(whose.usual_head(box, "gt"), head_box(box))
    assert np.array_equal(whose.usual_head(box, "detection"), likely_head_box(box))
    assert np.array_equal(whose.usual_head(box, "manual"), box)


def test_a_doubtful_detection_with_a_face_is_a_person_and_one_over_others_without_a_head_is_nobody() -> None:
    regions = table([person(1), *[person(1, "", shifted(BODY, x), "unsure", "detection") for x in (5, 10, 400)]])
    own = np.array([NOWHERE, shifted(FACE, 5), NOWHERE, NOWHERE])
    none = np.full_like(own, np.nan)
    settled = whose.settled(regions, np.full(4, 0.6, np.float32), none, own, own, (640, 480))
    assert settled["kind"].tolist() == ["person", "person", "hidden", "unsure"]


def test_a_head_behind_somebody_nearer_is_not_drawn_over_them() -> None:
    regions, none = table([person(1), person(1, "S:2", (90.0, 40.0, 80.0, 210.0))]), np.full((2, 4), np.nan)
    regions["visibility"] = [0.5, 1.0]
    unseen = whose.settled(regions, np.array([0.2, 0.9], np.float32), none, none, none, (640, 480))
    assert unseen["kind"].tolist() == ["hidden", "person"]
    seen = np.array([FACE, (np.nan,) * 4])
    for one in (
        whose.settled(regions, np.array([0.2, 0.9], np.float32), seen, none, none, (640, 480)),
        whose.settled(regions, np.array([0.2, 0.9], np.float32), none, none, seen, (640, 480)),
        whose.settled(regions, np.array([0.7, 0.9], np.float32), none, none, none, (640, 480)),
    ):
        assert one["kind"].tolist() == ["person", "person"]


def test_whom_ground_truth_sees_is_drawn_whatever_the_parser_says() -> None:
    regions, none = table([person(1), person(1, "S:2")]), np.full((2, 4), np.nan)
    regions["visibility"] = [0.9, 0.1]
    settled = whose.settled(regions, np.full(2, 0.1, np.float32), none, none, none, (640, 480))
    assert settled["kind"].tolist() == ["person", "hidden"]


def test_whoever_stands_with_their_head_beyond_the_frame_is_not_taken_for_hidden() -> None:
    regions, none = table([person(1), person(1, "S:2", (570.0, 40.0, 80.0, 210.0))]), np.full((2, 4), np.nan)
    regions[["x", "visibility"]] = [(632.0, 0.4), (570.0, 1.0)]
    settled = whose.settled(regions, np.array([0.2, 0.9], np.float32), none, none, none, (640, 480))
    assert settled["kind"].tolist() == ["person", "person"]


def test_of_a_crowd_or_what_a_hand_drew_everything_is_covered_and_in_a_crowd_nobody_is_drawn() -> None:
    regions = table([person(1, source="group"), person(1, "S:2", source="manual")])
    none, seen = np.full((2, 4), np.nan), np.array([(118.0, 52.0, 18.0, 22.0)] * 2)
    covered = whose.head_boxes(regions, none, seen, np.ones(2, bool), drawn=True)
    assert (covered[:, 3] >= BODY[3]).all()
    settled = whose.settled(regions, np.full(2, 0.9, np.float32), seen, none, none, (640, 480))
    assert settled["kind"].tolist() == ["unsure", "person"]


def test_a_crowd_is_covered_though_the_parser_sees_nobody() -> None:
    regions = table([person(1, source="group"), person(1, "S:2", source="manual")]).assign(kind="unsure")
    none = np.full((2, 4), np.nan)
    settled = whose.settled(regions, np.zeros(2, np.float32), none, none, none, (640, 480))
    assert settled["kind"].tolist() == ["unsure", "unsure"]
