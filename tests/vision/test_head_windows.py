"""Where a head is in a parser's map, and what of its window is drawn."""

from __future__ import annotations

import numpy as np

from mot_anon.vision.heads import brightest_box, head_oval


def test_the_head_is_what_hangs_together_with_the_brightest_cell() -> None:
    head = np.zeros((40, 20), np.uint8)
    head[5:11, 8:13] = 120
    head[7:9, 9:11] = 250
    head[30:33, 2:5] = 200
    box = brightest_box(head, np.array([100.0, 50.0, 140.0, 130.0]))
    assert box.tolist() == [116, 60, 10, 12]


def test_a_faint_head_is_as_large_as_a_bright_one() -> None:
    bright = np.zeros((40, 20), np.uint8)
    bright[5:11, 8:13] = 130
    window = np.array([0.0, 0.0, 20.0, 40.0])
    assert np.array_equal(brightest_box(bright, window), brightest_box(bright // 2, window))


def test_an_oval_goes_with_its_window_and_ends_softly() -> None:
    whole = head_oval((64, 64))
    assert whole.dtype == np.float32
    assert whole[32, 32] == 1
    assert whole[0].max() == whole[:, 0].max() == 0
    assert 0.05 < ((whole > 0) & (whole < 1)).sum() / (whole > 0).sum() < 0.5
    assert (whole > 0.5).any(0).sum() < (whole > 0.5).any(1).sum()  # higher than wide
    placed = head_oval((80, 100), np.array([20, 10, 84, 74]))
    assert np.allclose(placed[10:74, 20:84], whole, atol=1e-5)
    assert placed.sum() > 0.99 * whole.sum()


def test_windows_may_leave_the_picture_and_be_tiny() -> None:
    assert head_oval((10, 12), np.array([-40, -40, 60, 60])).shape == (10, 12)
    assert np.isfinite(head_oval((1, 9), np.array([0, 0, 4, 4]))).all()
