"""The colours of hair and skin: what a code says, and where they are put."""

from __future__ import annotations

import numpy as np
import pytest

from mot_anon.methods.hair import dyed, hair_colour, hair_of_head, hair_of_portrait, muted, skin_colour
from tests.invented_faces import face_points

LIGHT = np.ones(3, np.float32)
RED = np.array([0.6, 0.3, 0.1], np.float32)


def codes(n: int) -> np.ndarray:
    return np.random.default_rng(3).standard_normal((n, 24)).astype(np.float32)


def test_people_have_all_kinds_of_hair_and_most_of_it_is_dark() -> None:
    light = np.array([hair_colour(code).mean() for code in codes(500)])
    assert len(np.unique(light)) >= 4
    assert 0.6 < (light < 0.3).mean() < 0.9
    skin = np.array([skin_colour(code) for code in codes(500)])
    assert np.median(skin.mean(1)) > 0.55
    assert skin.mean(1).min() < 0.45
    assert (skin[:, 0] > skin[:, 1]).all()
    assert (skin[:, 1] > skin[:, 2]).all()


def test_the_length_of_a_code_does_not_matter_and_hair_says_nothing_of_skin() -> None:
    some = codes(500)
    assert all(np.array_equal(hair_colour(code), hair_colour(7 * code)) for code in some)
    hair, skin = (np.array([colour(code).mean() for code in some]) for colour in (hair_colour, skin_colour))
    assert abs(np.corrcoef(hair, skin)[0, 1]) < 0.45


def test_a_portrait_has_hair_round_its_face_and_not_beside_its_mouth() -> None:
    points = (0.25 * face_points() + (0.5, 0.6)).astype(np.float32)
    hair = hair_of_portrait(points, np.ones((64, 64), np.float32))
    brows, nose, chin = (64 * points[part][..., 1].mean() for part in (slice(17, 27), 30, 8))
    middle = round(64 * float(points[30, 0]))
    assert hair[2, middle] > 0.9
    assert hair[round(brows) + 1, 2] > 0.9
    assert hair[round(nose), middle] < 0.05
    assert hair[round(brows), middle] < 0.05
    assert hair[round(chin) :].max() == 0
    assert hair_of_portrait(points, np.zeros((64, 64), np.float32)).max() == 0


def test_hair_of_other_heads_is_dark_and_no_skin_in_the_shade() -> None:
    head = np.full((8, 8, 3), 0.15, np.float32)
    head[4:] = (0.75, 0.55, 0.45)
    head[:, :2] = (0.3, 0.18, 0.1)
    hair = hair_of_head(head, np.ones((8, 8), np.float32), LIGHT)
    assert hair[:4, 2:].min() == 1
    assert hair[4:].max() == hair[:, :2].max() == 0


def test_dyed_hair_has_the_colour_and_its_light_and_shade() -> None:
    rng = np.random.default_rng(0)
    picture = rng.uniform(0.1, 0.2, (16, 16, 1)).astype(np.float32) * LIGHT
    hair = np.zeros((16, 16), np.float32)
    hair[:8] = 1
    made = dyed(picture, hair, RED)
    assert made[:8].mean((0, 1)) == pytest.approx(RED, rel=0.1)
    assert np.array_equal(made[8:], picture[8:])
    shade = np.corrcoef(made[:8, :, 0].ravel(), picture[:8, :, 0].ravel())[0, 1]
    assert shade > 0.95
    assert dyed(picture, np.zeros_like(hair), RED) is picture


def test_a_head_glows_no_more_than_skin_does_in_its_light() -> None:
    skin = np.full((4, 4, 3), (0.75, 0.58, 0.48), np.float32)
    assert np.allclose(muted(skin, LIGHT), skin, atol=1e-6)
    glowing = np.full((4, 4, 3), (0.9, 0.3, 0.05), np.float32)
    calm = muted(glowing, LIGHT)
    assert calm[0, 0, 0] < 0.7
    assert calm[0, 0, 2] > 0.3
    warm = np.array([1.1, 1.0, 0.8], np.float32)
    assert muted(glowing, warm)[0, 0, 0] > calm[0, 0, 0]  # an evening's light
