"""Outlines follow a picture's edges where a silhouette is undecided, and nowhere else."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from mot_anon.vision.edges import following

SIZE = (128, 64)
EDGE = 30  # column from which on somebody is


def picture(contrast: int) -> NDArray[np.uint8]:
    """Grey on the left, somebody ``contrast`` brighter on the right, with a little noise."""
    noise = np.random.default_rng(0).integers(0, 5, (*SIZE, 3))
    noise[:, EDGE:] += contrast
    return (60 + noise).astype(np.uint8)


def wide(middle: int, half: int) -> NDArray[np.uint8]:
    """A silhouette that rises over ``2 · half`` columns round a ``middle``."""
    ramp = np.clip((np.arange(SIZE[1]) - middle + half) / (2 * half), 0, 1)
    return np.broadcast_to(np.rint(255 * ramp).astype(np.uint8), SIZE).copy()


def edge_of(silhouette: NDArray[np.uint8]) -> float:
    """Column of the outline, mean over rows."""
    return float((silhouette <= 127).sum(1).mean())


def test_an_outline_that_is_a_little_off_moves_to_the_edge() -> None:
    for middle in (EDGE - 3, EDGE + 3):
        before = wide(middle, 6)
        after = following(before, picture(120))
        assert after.shape == SIZE
        assert after.dtype == np.uint8
        assert abs(edge_of(after) - EDGE) < abs(edge_of(before) - EDGE) - 0.5


def test_where_there_is_no_edge_it_stays() -> None:
    before = wide(EDGE + 3, 6)
    assert abs(edge_of(following(before, picture(0))) - edge_of(before)) < 1


def test_what_is_decided_stands_whatever_the_picture_shows() -> None:
    before = wide(EDGE - 10, 1)
    after = following(before, picture(120))
    assert (after[:, : EDGE - 12] <= 127).all()
    assert (after[:, EDGE - 8 :] > 127).mean() > 0.99
    for value in (0, 255):
        whole = np.full(SIZE, value, np.uint8)
        assert np.abs(following(whole, picture(120)).astype(int) - value).max() <= 3


def test_the_same_picture_gives_the_same_outline() -> None:
    assert np.array_equal(following(wide(30, 5), picture(40)), following(wide(30, 5), picture(40)))
