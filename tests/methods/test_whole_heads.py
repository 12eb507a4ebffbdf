"""Whole heads for bodies that stay: what is drawn, where, and what it may know."""

from __future__ import annotations

import numpy as np
import pytest

from mot_anon.errors import OptionError
from mot_anon.methods.base import FaceShape, Item, make_method
from mot_anon.methods.whole_heads import WholeHeads
from mot_anon.publish.checks import checked_method
from mot_anon.vision.heads import bare_face, portrait_ovals, portrait_skulls, portrait_windows, skull_box
from mot_anon.vision.landmarks import draw_landmarks
from tests.invented_faces import face_points

SIDE = 120
WHITE, GREEN = np.ones(3, np.float32), np.array([0.1, 0.6, 0.2], np.float32)


class Paint:
    """A stand-in for the generator of portraits: white; remembers what it was told."""

    fingerprint = "paint"

    def __init__(self) -> None:
        self.told: list[tuple[np.ndarray, np.ndarray, np.ndarray]] = []

    def __call__(self, surroundings: np.ndarray, shapes: np.ndarray, codes: np.ndarray) -> np.ndarray:
        self.told.append((surroundings, shapes, codes))
        return np.ones_like(surroundings)


class Sketch:
    """One for the generator of heads: black."""

    fingerprint = "sketch"

    def __call__(self, surroundings: np.ndarray, shapes: np.ndarray, codes: np.ndarray) -> np.ndarray:
        return np.zeros_like(surroundings)


def method() -> tuple[WholeHeads, Paint]:
    made, paint = WholeHeads(), Paint()
    made._portraits, made._heads = paint, Sketch()  # type: ignore[assignment]
    return made, paint


def somebody(*, usable: bool = True, silhouette: float | None = 1.0) -> Item:
    """A head in a crop of 160×160 whose window begins at (20, 20)."""
    points = (face_points()).astype(np.float32)
    x1, y1, x2, _ = portrait_windows(points[None])[0]
    fractions = ((points - (x1, y1)) / (x2 - x1)).astype(np.float32)
    grey = np.full((64, 64, 3), 0.5, np.float32)  # no colour: skin stays as it is drawn
    hole = portrait_ovals(fractions[None], (64, 64))[0, 0]
    head = None if silhouette is None else np.full((64, 64), silhouette, np.float32)
    window = np.array([20, 20, 20 + SIDE, 20 + SIDE])
    told = None if usable else np.stack([hole, hole, hole])
    shape = FaceShape(window, grey, draw_landmarks(fractions[None])[0, 0], hole, 0.9, usable, fractions, head, told)
    erased = np.broadcast_to(GREEN, (160, 160, 3)).astype(np.float32).copy()
    region = np.zeros((160, 160), np.float32)
    region[10:150, 10:150] = 1
    code = np.random.default_rng(0).standard_normal(24).astype(np.float32)
    return Item(erased, region, code, 50.0, 0, face=shape)


def test_a_head_is_drawn_with_its_hair_and_not_below_the_chin() -> None:
    made, _ = method()
    rgb, alpha = made.render([somebody()])[0]
    assert rgb.shape == (160, 160, 3)
    assert alpha.shape == (160, 160)
    assert somebody().face is not None
    points = 20 + SIDE * somebody().face.points  # type: ignore[union-attr, operator]
    x, (brows, chin) = round(points[:, 0].mean()), (points[:, 1].min(), points[:, 1].max())
    assert alpha[round(brows) - 10, x] > 0.99
    assert np.allclose(rgb[round(brows), x], WHITE, atol=0.02)
    assert alpha[round(chin) + 15 :].max() == 0
    assert alpha[:5].max() == 0


def test_a_parser_that_sees_nobody_leaves_the_skull_at_least() -> None:
    made, _ = method()
    narrow, wide = (made.render([somebody(silhouette=share)])[0][1] for share in (0.01, 1.0))
    unknown = made.render([somebody(silhouette=None)])[0][1]
    assert 0.4 * wide.sum() < narrow.sum() < 0.9 * wide.sum()
    assert np.allclose(unknown, wide)
    assert made.render([]) == []


def test_the_generator_is_told_no_more_than_lines_outline_and_surroundings() -> None:
    made, paint = method()
    item = somebody()
    made.render([item])
    (surroundings, shapes, codes), *_ = paint.told
    assert surroundings.shape == (1, 64, 64, 3)
    assert shapes.shape == (1, 3, 64, 64)
    assert np.array_equal(codes, item.code[None])
    assert np.abs(surroundings - 0.5).max() < 0.01
    assert item.face is not None
    assert np.abs(shapes[0, 1] - item.face.landmarks).max() > 0.5  # in the proportions of the code


def test_heads_without_landmarks_are_drawn_beside_those_with_some() -> None:
    made, _ = method()
    faced, turned = made.render([somebody(), somebody(usable=False)])
    assert faced[0][80, 80].min() > 0.9
    assert turned[0][80, 80].max() < 0.4  # dark, or as the code's hair is
    assert turned[1][80, 80] == 1


def test_it_is_asked_for_by_name_and_for_faces_alone() -> None:
    assert make_method("heads", target="face").name == "heads"
    assert checked_method("heads", None, "face", control=False).uses_identity
    with pytest.raises(OptionError, match="cannot do target body"):
        checked_method("heads", None, "body", control=False)
    with pytest.raises(OptionError, match="no --strength"):
        make_method("heads", 8, "face")


def test_what_is_head_for_sure_has_a_box() -> None:
    points = (40 * face_points() + 200).astype(np.float32)
    x, y, w, h = skull_box(points)
    size = (400, 400)
    skull = portrait_skulls((points / 400)[None].astype(np.float32), size)[0, 0] > 0
    down, across = np.nonzero(skull)
    assert x <= across.min() <= x + 0.2 * w
    assert y <= down.min() <= y + 0.2 * h
    assert x + 0.8 * w <= across.max() + 1 <= x + w
    assert y + 0.8 * h <= down.max() + 1 <= y + h
    bare = bare_face(size, (points / 400).astype(np.float32)) > 0
    assert (skull[bare]).mean() > 0.97
