"""Faces of people near the camera, over the bodies that are drawn."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from mot_anon.methods.base import Item, Shape
from mot_anon.methods.hair import skin_colour
from mot_anon.methods.portraits import window_of, with_portraits
from mot_anon.vision.heads import Portrait, portrait_ovals, portrait_skulls, portrait_windows
from tests.invented_faces import face_points

HEIGHT, WIDTH = 320, 160
GREEN, WHITE, BLUE = ((np.array(rgb, np.float32)) for rgb in ((0.2, 0.6, 0.2), (1, 1, 1), (0.1, 0.1, 0.9)))


class Paint:
    """A generator that paints everything in one colour, and remembers what it was told."""

    def __init__(self, colour: np.ndarray = WHITE) -> None:
        self.colour = colour
        self.told: list[tuple[np.ndarray, ...]] = []

    def __call__(self, surroundings: np.ndarray, shapes: np.ndarray, codes: np.ndarray) -> np.ndarray:
        self.told.append((surroundings, shapes, codes))
        return np.broadcast_to(self.colour, surroundings.shape).astype(np.float32)


def somebody(share: float = 1.0, *, tall: int = 0) -> Item:
    """Somebody before a green wall: a head round (80, 60) and a torso below; ``tall`` pixels of hood on the head."""
    rows, columns = np.mgrid[:HEIGHT, :WIDTH]
    head = np.hypot((columns - 80) / 26, (rows - 58) / 36) < 1
    hood = (np.abs(columns - 80) < 20) & (rows > 22 - tall) & (rows < 60)
    torso = (np.abs(columns - 80) < 50) & (rows > 95)
    silhouette = (head | hood | torso).astype(np.float32)
    parts = np.zeros((4, 128, 64), np.float32)
    parts[1, 38:, 12:52] = 1
    shape = Shape(np.array([0, 0, WIDTH, HEIGHT]), np.full((128, 64, 3), 0.5, np.float32), parts[1], parts)
    points = (np.array([80, 66]) + face_points() * (19, 24)).astype(np.float32)
    erased = np.broadcast_to(GREEN, (HEIGHT, WIDTH, 3)).astype(np.float32).copy()
    code = np.random.default_rng(0).standard_normal(24).astype(np.float32)
    return Item(erased, silhouette, code, 50.0, 0, shape=shape, portrait=Portrait(points, share))


def body(item: Item) -> tuple[np.ndarray, np.ndarray]:
    return np.broadcast_to(BLUE, item.erased.shape).astype(np.float32).copy(), item.silhouette.copy()


def shown(item: Item, drawn: tuple[np.ndarray, np.ndarray]) -> np.ndarray:
    rgb, alpha = drawn
    return item.erased + alpha[..., None] * (rgb - item.erased)


def test_a_window_holds_the_head_with_its_hair() -> None:
    points = face_points()[None].astype(np.float32)
    x1, y1, x2, y2 = portrait_windows(points)[0]
    assert x2 - x1 == pytest.approx(y2 - y1)
    assert x1 < -1.5
    assert y1 < -1.5
    inside = ((points - (x1, y1)) / (x2 - x1)).astype(np.float32)
    oval, skull = portrait_ovals(inside, (64, 64)), portrait_skulls(inside, (64, 64))
    assert oval.shape == skull.shape == (1, 1, 64, 64)
    assert (oval >= skull - 1e-6).all()
    assert skull.sum() > 0.5 * oval.sum()
    cells = (64 * inside[0]).astype(int)
    assert oval[0, 0, cells[:, 1], cells[:, 0]].min() > 0.3


def a_head(pixel: np.ndarray) -> bool:
    """Neither wall nor coat."""
    return min(float(np.abs(pixel - other).max()) for other in (BLUE, GREEN)) > 0.25


def test_whoever_has_no_portrait_stays_as_drawn() -> None:
    items = [replace(somebody(), portrait=None), somebody()]
    drawn = [body(item) for item in items]
    made = with_portraits(items, drawn, Paint())  # type: ignore[arg-type]
    assert all(a is b for a, b in zip(made[0], drawn[0], strict=True))
    assert not np.array_equal(made[1][0], drawn[1][0])
    assert with_portraits([], [], Paint()) == []  # type: ignore[arg-type]


def test_a_portrait_covers_the_head_and_nothing_below_the_chin() -> None:
    item = somebody()
    picture = shown(item, with_portraits([item], [body(item)], Paint())[0])  # type: ignore[arg-type]
    assert a_head(picture[60, 80])
    assert a_head(picture[44, 80])
    assert np.allclose(picture[110:, 80], BLUE, atol=0.01)
    assert np.allclose(picture[60, :40], GREEN, atol=0.01)


def test_a_share_lets_the_body_s_own_head_through() -> None:
    half, whole = somebody(0.5), somebody()
    made, all_of_it = (with_portraits([item], [body(item)], Paint())[0] for item in (half, whole))  # type: ignore[arg-type]
    mixed = (shown(whole, all_of_it)[60, 80] + BLUE) / 2
    assert np.allclose(shown(half, made)[60, 80], mixed, atol=0.1)
    assert made[1][60, 80] == pytest.approx(1)


def test_what_sticks_out_of_the_body_s_own_head_goes_and_shoulders_stay() -> None:
    item = somebody(tall=20)
    before = shown(item, body(item))
    picture = shown(item, with_portraits([item], [body(item)], Paint())[0])  # type: ignore[arg-type]
    assert np.allclose(before[4, 80], BLUE)
    assert np.allclose(picture[4, 80], GREEN, atol=0.01)
    raised = replace(item, silhouette=np.maximum(item.silhouette, 0))
    assert raised.shape is not None
    arms = raised.shape.parts.copy()
    arms[2, :30, 24:40] = 1  # somebody who holds a thing over their head
    raised = replace(raised, shape=replace(raised.shape, parts=arms))
    picture = shown(raised, with_portraits([raised], [body(raised)], Paint())[0])  # type: ignore[arg-type]
    assert np.allclose(picture[4, 80], BLUE, atol=0.01)


def test_a_head_that_the_silhouette_misses_is_drawn_all_the_same() -> None:
    item = somebody()
    silhouette = item.silhouette.copy()
    silhouette[:50] = 0  # a white cap before a white wall
    item = replace(item, silhouette=silhouette)
    picture = shown(item, with_portraits([item], [body(item)], Paint())[0])  # type: ignore[arg-type]
    assert a_head(picture[47, 80])


def test_skin_and_hair_are_those_of_the_code_whatever_the_collar_is_like() -> None:
    def face(item: Item, collar: np.ndarray) -> np.ndarray:
        rgb, alpha = body(item)
        return shown(item, with_portraits([item], [(rgb * 0 + collar, alpha)], Paint())[0])[60, 80]  # type: ignore[arg-type]

    one = somebody()
    fair, *_, dark = sorted(np.random.default_rng(0).standard_normal((50, 24)), key=lambda code: -skin_colour(code)[0])
    one, another = (replace(one, code=code.astype(np.float32)) for code in (fair, dark))
    red = np.array([0.8, 0.2, 0.1], np.float32)
    collars = [face(one, collar) for collar in (BLUE, red)]
    assert np.abs(collars[0] - collars[1]).max() < 0.15
    assert np.abs(face(another, BLUE) - collars[0]).max() > 0.03


def test_the_generator_sees_the_drawn_body_without_its_head_and_how_the_face_is_turned() -> None:
    item, paint = somebody(), Paint()
    with_portraits([item], [body(item)], paint)  # type: ignore[arg-type]
    (surroundings, shapes, codes), *_ = paint.told
    assert surroundings.shape == (1, 64, 64, 3)
    assert shapes.shape == (1, 3, 64, 64)
    assert np.array_equal(codes, item.code[None])
    x1, y1, x2, _ = window_of(item.portrait).tolist()  # type: ignore[arg-type]
    row, column = ((np.array([60 - y1, 80 - x1]) + 0.5) * 64 / (x2 - x1)).astype(int)
    assert shapes[0, 0, row, column] == shapes[0, 2, row, column] == 1
    assert np.abs(surroundings[0, row, column] - GREEN).max() < 0.25  # filled from the wall beside
    assert np.abs(surroundings[0, -1, 32] - BLUE).max() < 0.1  # the torso
    assert shapes[0, 1].max() == 1
    assert (shapes[0, 0] >= shapes[0, 2] - 1e-6).all()


def test_a_portrait_that_leaves_its_crop_is_cut_off_and_one_outside_is_not_drawn() -> None:
    for moved, same in (((0, -40), False), ((70, 0), False), ((0, -400), True)):
        item = somebody()
        assert item.portrait is not None
        points = item.portrait.points + np.array(moved, np.float32)
        item = replace(item, portrait=replace(item.portrait, points=points))
        rgb, alpha = with_portraits([item], [body(item)], Paint())[0]  # type: ignore[arg-type]
        assert rgb.shape == item.erased.shape
        assert np.isfinite(rgb).all()
        assert 0 <= alpha.min() <= alpha.max() <= 1
        assert np.array_equal(rgb, body(item)[0]) == same
