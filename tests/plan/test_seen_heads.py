"""Where the parser sees heads, and which detections say nothing that tracked people do not."""

from __future__ import annotations

import numpy as np
import pytest

from mot_anon.plan.faces import head_boxes, sure_to_go
from mot_anon.plan.regions import head_size
from mot_anon.plan.seen_heads import behind_somebody, known_already, seen_heads
from mot_anon.plan.silhouettes import Readings, windows_of
from tests.plan.test_faces_on_tracks import BODY, FACE, NOWHERE, person, shifted, table

HEAD = (118.0, 52.0, 18.0, 22.0)
FRAME = (640, 480)


def readings(
    boxes: np.ndarray, head: tuple[float, ...] | None, score: float = 0.9, level: int = 200, body: bool = False
) -> Readings:
    """A head at one place of the frame in every row; with ``body`` silhouettes that fill the boxes."""
    parts, silhouettes = np.zeros((len(boxes), 4, 64, 32), np.uint8), np.zeros((len(boxes), 128, 64), np.uint8)
    for row, window in enumerate(windows_of(boxes)):
        if head is not None:
            cell = (window[2:] - window[:2]) / (32, 64)
            x1, y1 = np.rint((np.array(head[:2]) - window[:2]) / cell).astype(int)
            x2, y2 = np.rint((np.array(head[:2]) + head[2:] - window[:2]) / cell).astype(int)
            parts[row, 0, y1:y2, x1:x2] = level
        silhouettes[row, 8:120, 12:52] = 255 * body
    return Readings(silhouettes, parts, np.full(len(boxes), score, np.float32))


def walk(n: int) -> tuple[object, np.ndarray]:
    return table([person(frame) for frame in range(1, n + 1)]), np.array([BODY] * n)


def test_a_head_is_where_the_parser_is_sure_of_one() -> None:
    regions, boxes = walk(1)
    (seen,), sure = seen_heads(readings(boxes, HEAD), regions)
    assert np.allclose(seen, HEAD, atol=3)
    assert sure.all()
    for nothing in (readings(boxes, None), readings(boxes, HEAD, 0.2), readings(boxes, (110.0, 170.0, 18.0, 22.0))):
        assert np.isnan(seen_heads(nothing, regions)[0]).all()


def test_of_two_heads_in_a_window_the_brighter_one_is_theirs() -> None:
    regions, boxes = walk(1)
    both = readings(boxes, HEAD)
    other = readings(boxes, shifted(HEAD, 30), level=150)
    (seen,), _ = seen_heads(Readings(both.silhouettes, np.maximum(both.parts, other.parts), both.scores), regions)
    assert np.allclose(seen, HEAD, atol=3)


def test_a_head_that_one_frame_only_suspects_is_believed_where_the_frames_beside_it_say_the_same() -> None:
    (one, alone), (many, boxes) = walk(1), walk(5)
    assert np.isnan(seen_heads(readings(alone, HEAD, level=80), one)[0]).all()
    seen, sure = seen_heads(readings(boxes, HEAD, level=80), many)
    assert np.allclose(seen, HEAD, atol=3)
    assert not sure.any()
    elsewhere = readings(boxes, HEAD, level=80)
    for row, x in enumerate((-24, 24, 0, -24, 24)):
        elsewhere.parts[row] = readings(boxes[:1], shifted(HEAD, x), level=80).parts[0]
    assert np.isnan(seen_heads(elsewhere, many)[0]).all()


def test_one_frame_that_misreads_a_head_is_outvoted() -> None:
    regions, boxes = walk(7)
    good = readings(boxes, HEAD)
    good.parts[3] = readings(boxes[:1], (132.0, 64.0, 18.0, 22.0)).parts[0]
    assert np.ptp(seen_heads(good, regions)[0][:, :2], axis=0).max() < 2


@pytest.mark.parametrize(("longest", "there"), [(0, [0, 1, 5, 6]), (2, [0, 1, 5, 6]), (3, [0, 1, 2, 3, 4, 5, 6])])
def test_short_gaps_are_bridged_and_longer_ones_and_the_ends_are_not(longest: int, there: list[int]) -> None:
    regions, boxes = walk(8)
    some = readings(boxes, HEAD)
    some.parts[[2, 3, 4, 7]] = 0
    assert np.flatnonzero(np.isfinite(seen_heads(some, regions, longest)[0][:, 0])).tolist() == there


def test_a_head_seen_in_part_is_as_large_as_heads_are() -> None:
    regions, boxes = walk(1)
    part = (122.0, 54.0, 8.0, 10.0)
    (seen,), _ = seen_heads(readings(boxes, part), regions)
    assert seen[2:] == pytest.approx(head_size(np.array(BODY)))
    assert seen[0] < part[0]
    assert seen[0] + seen[2] > part[0] + part[2]


def test_a_detection_is_superfluous_where_its_head_is_covered_or_the_parser_sees_nobody_else() -> None:
    places = [BODY, shifted(BODY, 4, 4), shifted(BODY, 4, 4), shifted(BODY, 300)]
    regions = table([person(1), *[person(1, "", box, "unsure", "detection") for box in places[1:]]])
    boxes = np.array(places)
    read = readings(boxes, None, body=True)
    heads = np.array([HEAD, HEAD, NOWHERE, NOWHERE])
    nowhere = np.full((4, 4), np.nan)
    covered = head_boxes(regions, nowhere, heads, np.ones(4, bool), drawn=True)
    nothing, face_only = known_already(regions, read, covered, covered, heads, nowhere, FRAME)
    assert nothing.tolist() == [False, True, True, False]
    assert not face_only.any()
    # A head of its own beside the covered one, a face on somebody's chest, and a face on somebody else.
    heads[1] = shifted(HEAD, 30)
    faces = np.array([NOWHERE, NOWHERE, shifted(FACE, 0, 60), shifted(FACE, 300)])
    nothing, face_only = known_already(regions, read, covered, covered, heads, faces, FRAME)
    assert not nothing.any()
    assert face_only.tolist() == [False, False, True, False]


def test_a_detection_is_not_superfluous_whose_face_does_not_go_with_the_head_that_covers_its_own() -> None:
    regions = table([person(1), person(1, "", shifted(BODY, 4, 4), "unsure", "detection")])
    read = readings(np.array([BODY, BODY]), None, body=True)
    heads, covered = np.array([HEAD, HEAD]), np.array([BODY, BODY])
    own, other = np.array(FACE), np.array(shifted(FACE, -18))
    for face, superfluous in ((own, True), (other, False)):
        faces = np.array([own, face])
        nothing, _ = known_already(regions, read, covered, sure_to_go(covered, faces), heads, faces, FRAME)
        assert nothing.tolist() == [False, superfluous]


def test_where_nobody_is_no_head_is_seen() -> None:
    regions = table([person(1)]).iloc[:0]
    heads, sure = seen_heads(readings(np.zeros((0, 4)), None), regions)
    assert heads.shape == (0, 4)
    assert sure.shape == (0,)


@pytest.mark.parametrize(
    ("visibility", "faced", "deep", "score", "behind"),
    [
        (0.0, False, True, 0.9, True),
        (0.5, False, True, 0.9, False),  # ground truth sees them
        (0.0, True, True, 0.9, False),  # a detector sees their face
        (0.0, False, False, 0.9, False),  # beside the person in front
        (0.0, False, True, 0.2, False),  # there may be nobody in front
    ],
)
def test_a_hand_of_somebody_in_front_is_no_head_of_who_is_hidden(
    visibility: float, faced: bool, deep: bool, score: float, behind: bool
) -> None:
    far, near = person(1, track="T:far"), person(1, track="T:near", box=(60.0, 0.0, 160.0, 400.0))
    regions = table([far, near]).assign(visibility=[visibility, 1.0])
    boxes = regions[["x", "y", "w", "h"]].to_numpy(float)
    read = readings(boxes, None, score, body=True)
    heads, faces = np.full((2, 4), np.nan), np.full((2, 4), np.nan)
    heads[0] = HEAD if deep else shifted(HEAD, -90)
    if faced:
        faces[0] = FACE
    assert behind_somebody(regions, read, heads, faces).tolist() == [behind, False]
