"""Patterns go from clothes, edges stay."""

from __future__ import annotations

import numpy as np

from mot_anon.gan.cloth import plain


def test_what_is_faint_goes_and_edges_stay() -> None:
    rng = np.random.default_rng(0)
    picture = np.full((40, 40, 3), 0.3, np.float32)
    picture[:, 20:] = 0.7
    woven = (picture + 0.02 * rng.standard_normal((40, 40, 1))).astype(np.float32)
    smooth = plain(woven, 0.2, 2.0, 2)
    assert smooth.dtype == np.float32
    assert smooth[:, :18].std() < 0.5 * woven[:, :18].std()
    assert np.abs(smooth[:, 19] - 0.3).max() < 0.06
    assert np.abs(smooth[:, 20] - 0.7).max() < 0.06
