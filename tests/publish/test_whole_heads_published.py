"""Whole heads in published frames: nothing of the old one is left, hair included, and the neck stays."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np

from mot_anon.methods.base import Item, Pixels
from mot_anon.plan.camera import CameraPlan, Region
from mot_anon.plan.heads import FacePlace, Heads, drawn_heads
from mot_anon.publish.cover import covered_mask, label_regions
from mot_anon.publish.render import render_frame
from mot_anon.publish.verify import check_frame
from mot_anon.vision.heads import portrait_windows
from tests.invented_faces import face_points
from tests.plan.test_camera import plan_of
from tests.plan.test_faces_on_tracks import FACE, person, table
from tests.sequences import noise

SIZE = (200, 160)
PLACE = noise(SIZE, 4)
POINTS = (12 * face_points() + (90, 60)).astype(np.float32)
HEAD_BOX = np.array([66.0, 26.0, 48.0, 62.0])


class Mask:
    """A stand-in for a method that draws whole heads: flat colours; remembers what it was shown."""

    name, targets, needs_raw, uses_identity, control = "mask", frozenset({"face"}), False, True, False
    wants_silhouettes, wants_faces, wants_heads = False, True, True

    def __init__(self) -> None:
        self.shown: list[Item] = []

    def parameters(self) -> dict[str, float | int | str]:
        return {}

    def render(self, batch: list[Item]) -> list[tuple[Pixels, Pixels]]:  # type: ignore[override]
        self.shown = list(batch)
        return [(np.full_like(item.erased, 0.7), item.silhouette) for item in batch]


def region(**more: object) -> Region:
    window = np.rint(portrait_windows(POINTS[None])[0]).astype(np.int64)
    window[2:] = window[:2] + (window[2:] - window[:2]).max()
    place = FacePlace(POINTS, window, 0.9, usable=True, oval=True, whole=True)
    code = np.random.default_rng(1).normal(size=128).astype(np.float32)
    box = np.array([50.0, 20.0, 80.0, 130.0])
    return replace(Region("S:1", box, True, HEAD_BOX, np.zeros((0, 4)), code, face=place), **more)  # type: ignore[arg-type]


def test_hair_goes_with_the_face_and_the_neck_stays() -> None:
    rendered, labels = render_frame(PLACE, [region()], Mask(), "face", 0)
    touched = (rendered != PLACE).any(-1)
    chin, brows = round(POINTS[:, 1].max()), round(POINTS[:, 1].min())
    assert touched[brows - 8 : brows, 80:100].mean() > 0.95
    x, y = np.rint(POINTS - 0.5).astype(int).T
    assert (labels[y, x] == 0).all()
    assert not touched[chin + 6 : round(HEAD_BOX[1] + HEAD_BOX[3])].any()
    assert not touched[labels < 0].any()


def test_where_no_landmarks_are_the_whole_head_is_covered() -> None:
    one = region()
    assert one.face is not None
    turned = replace(one, face=replace(one.face, usable=False))
    more, less = (label_regions([some], SIZE, "face") == 0 for some in (turned, one))
    assert (more | ~less).all()
    assert more.sum() > less.sum()
    assert np.array_equal(covered_mask(one, SIZE, "face").shape, HEAD_BOX[3:1:-1])


def test_a_method_is_shown_outline_and_surroundings_and_nothing_of_the_head() -> None:
    one = region()
    assert one.face is not None
    head = np.zeros((32, 32), np.uint8)
    head[8:24, 8:24] = 204
    one = replace(one, face=replace(one.face, head=head))
    other = PLACE.copy()
    inside = label_regions([one], SIZE, "face") == 0
    other[inside] = noise(SIZE, 9)[inside]
    shown = []
    for picture in (PLACE, other):
        mask = Mask()
        render_frame(picture, [one], mask, "face", 0)
        shown.append(mask.shown[0])
    first, second = (item.face for item in shown)
    assert first is not None
    assert second is not None
    assert shown[0].raw is None
    assert np.array_equal(shown[0].erased, shown[1].erased)
    assert np.array_equal(first.surroundings, second.surroundings)
    assert first.landmarks.max() > 0.5
    assert first.head is not None
    assert np.allclose(first.head[24:40, 24:40], 0.8)


def test_a_drawn_head_passes_the_check(tmp_path: Path) -> None:
    rendered, labels = render_frame(PLACE, [region()], Mask(), "face", 0)
    data = cv2.imencode(".png", rendered)[1].tobytes()
    check_frame(tmp_path / "1.png", data, PLACE, rendered, labels, [region()], "face")


def whole(n: int = 5) -> Heads:
    regions = table([person(frame) for frame in range(1, n + 1)])
    points = np.tile(8 * face_points() + (128, 66), (n, 1, 1)).astype(np.float32)
    read = (points, np.full(n, 0.9, np.float32))
    covered = np.tile((124.0, 60.0, 8.0, 10.0), (n, 1))
    return drawn_heads(regions, covered, np.array([FACE] * n), np.full((n, 4), np.nan), read, whole=True)


def test_whole_heads_have_wider_windows_and_are_covered_wherever_they_may_be_drawn() -> None:
    heads = whole()
    place = heads.place(2)
    assert place is not None
    assert place.usable
    assert place.whole
    assert np.abs(place.window - portrait_windows(place.points[None])[0]).max() <= 1
    x, y, w, h = heads.boxes[2]
    assert (place.points > (x, y)).all()
    assert (place.points < (x + w, y + h)).all()
    assert y < 60  # the skull, above what was to be covered
    turned = heads.of(np.array([3, 1])).place(0)
    assert turned is not None
    assert turned.whole


def test_plans_keep_that_heads_are_whole() -> None:
    plan = replace(plan_of(), heads=whole(len(plan_of().regions)))
    again = CameraPlan.from_bytes(plan.to_bytes())
    assert again.heads is not None
    place = again.heads.place(0)
    assert place is not None
    assert place.whole
