"""What a generator of bodies is told of somebody who was steadied along a track."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from mot_anon.methods.base import Item, Shape
from mot_anon.methods.ciagan import Ciagan
from mot_anon.methods.drawing import decided, opacity, outspoken


def soft_edge() -> np.ndarray:
    """(8, 40): 1 on the left, 0 on the right, and a slope of 16 cells in between."""
    row = np.interp(np.arange(40), [12, 28], [1.0, 0.0])
    return np.repeat(row[None], 8, 0).astype(np.float32)


def test_a_silhouette_is_firm_and_reaches_beyond_what_is_opaque() -> None:
    silhouette = soft_edge()
    seen, shown = decided(silhouette), opacity(silhouette)
    assert ((seen > 0.05) & (seen < 0.95)).sum() < ((silhouette > 0.05) & (silhouette < 0.95)).sum() / 2
    assert (seen[0] > 0.95).sum() > (shown[0] > 0.95).sum() + 1
    assert (seen >= shown - 1e-6).all()
    assert not decided(np.zeros((8, 40), np.float32)).any()


def test_large_people_have_a_narrow_edge_at_the_same_place() -> None:
    silhouette = soft_edge()
    wide, narrow = opacity(silhouette), opacity(silhouette, 1.0)
    assert ((narrow > 0.05) & (narrow < 0.95)).sum() < ((wide > 0.05) & (wide < 0.95)).sum()
    assert abs(float(narrow.sum()) - float(wide.sum())) < 0.02 * silhouette.size


def test_faint_parts_are_made_as_strong_as_sure_ones_and_what_is_not_there_stays_away() -> None:
    parts = np.zeros((4, 128, 64), np.float32)
    parts[0, 10:30, 20:40] = 0.4
    parts[1, 30:70, 15:45] = 0.97
    parts[2, 30:70, 10:20] = 0.1
    found = outspoken(parts)
    assert found.shape == parts.shape
    assert 0.9 < found[0].max() <= 1
    assert np.allclose(found[1], parts[1], atol=0.03)
    assert np.array_equal(found[2], parts[2])
    assert not found[3].any()


def test_only_whoever_is_large_passes_the_second_stage_and_nobody_jumps_into_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def somebody(height: int) -> Item:
        maps = np.zeros((5, 128, 64), np.float32)
        maps[0, 10:120, 16:48] = 1
        maps[2, 30:70, 18:46] = 1
        size = (height, height // 2)
        silhouette = cv2.resize(maps[0], size[::-1], interpolation=cv2.INTER_LINEAR)
        shape = Shape(np.array([0, 0, size[1], size[0]]), np.full((128, 64, 3), 0.5, np.float32), maps[0], maps[1:])
        code = np.zeros(24, np.float32)
        return Item(np.full((*size, 3), 0.5, np.float32), silhouette, code, 20.0, 0, shape=shape)

    class White:
        def nearer(self, drawn: np.ndarray, shape: np.ndarray) -> np.ndarray:
            assert len(drawn) == len(shape) == 3
            return np.ones((len(drawn), 256, 128, 3), np.float32)

    method = Ciagan()
    monkeypatch.setattr(method, "_second_stage", White)
    heights = (128, 180, 200, 256, 640)
    drawn = method.render([somebody(height) for height in heights])
    chests = [rgb[h // 3 : h // 2, h // 5 : h // 4].mean() for h, (rgb, _) in zip(heights, drawn, strict=True)]
    assert chests[0] == pytest.approx(chests[1], abs=0.03)
    assert chests[1] < chests[2] < chests[3] < chests[4]
    assert chests[2] - chests[1] < 0.15
    assert chests[4] == pytest.approx(1)
