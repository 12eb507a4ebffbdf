"""What of somebody is their head, by a parser's word."""

from __future__ import annotations

import numpy as np

from mot_anon.vision.turned import emptied, head_shares, shown


def maps() -> np.ndarray:
    """Somebody whose head is above row 40 of the window, and whose torso is below it; an arm is raised on the left."""
    made = np.zeros((1, 4, 64, 64), np.float32)
    made[0, 0, 14:, 16:48] = 1
    made[0, 2, 40:, 16:48] = 0.6
    made[0, 3, 14:, 16:20] = 0.6
    return made


def test_neither_torso_nor_arms_are_head() -> None:
    share = head_shares(maps())
    assert share.shape == (1, 64, 64)
    assert share[0, 30, 32] == 1
    assert share[0, 40:].max() == share[0, :, :20].max() == 0
    doubted = maps()
    doubted[0, 0] *= 0.3
    assert shown(head_shares(doubted)).max() == 0
    assert 0 <= shown(share).min() <= shown(share).max() == 1


def test_what_is_far_from_the_middle_is_nobody_s_head() -> None:
    everything = np.zeros((1, 4, 64, 64), np.float32)
    everything[:, 0] = 1
    share = head_shares(everything)[0]
    assert share[32, 32] == 1
    assert share[0].max() == share[:, 0].max() == 0


def test_nothing_of_a_head_is_left_in_an_emptied_window() -> None:
    opaque = shown(head_shares(maps()))[0]
    window = np.full((64, 64, 3), 80, np.uint8)
    window[opaque > 0] = 255
    empty = emptied(window, opaque)
    assert np.abs(empty.astype(int) - 80).max() <= 1
