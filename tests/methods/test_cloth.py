"""Detail on people who are larger than a generator's cells."""

from __future__ import annotations

import cv2
import numpy as np

from mot_anon.methods.cloth import woven


def generated(contrast: float = 0.2) -> np.ndarray:
    """(32, 40, 3): stripes on the left, one colour on the right."""
    picture = np.full((32, 40, 3), 0.5, np.float32)
    picture[::2, :8] += contrast
    picture[..., 2] *= 0.5
    return picture


def large(picture: np.ndarray, times: int = 6) -> np.ndarray:
    return cv2.resize(picture, None, fx=times, fy=times, interpolation=cv2.INTER_CUBIC).clip(0, 1)


def test_whoever_is_small_is_left_as_drawn() -> None:
    picture = generated()
    assert woven(large(picture), picture, 0.0) is not None
    assert np.array_equal(woven(large(picture), picture, 0.0), large(picture))


def test_cloth_has_detail_where_the_picture_has_some_and_none_where_it_is_of_one_colour() -> None:
    picture = generated()
    added = woven(large(picture), picture, 1.0) - large(picture)
    assert added[:, :24].std() > 0.005
    assert added[:, 180:].std() < 0.3 * added[:, :24].std()
    assert np.abs(added.mean()) < 0.01
    plain = generated(0.0)
    assert np.abs(woven(large(plain), plain, 1.0) - large(plain)).max() < 1e-5


def test_only_brightness_changes_and_stays_within_what_a_picture_can_show() -> None:
    picture = generated()
    added = woven(large(picture), picture, 1.0) - large(picture)
    assert np.abs(added[..., 0] - added[..., 1]).max() < 1e-5
    bright = generated(0.5)
    shown = woven(large(bright), bright, 1.0)
    assert shown.min() >= 0
    assert shown.max() <= 1


def test_the_texture_lies_still_on_the_person_and_grows_with_them() -> None:
    picture = generated()
    near, nearer = (woven(large(picture, times), picture, 1.0) - large(picture, times) for times in (6, 7))
    again = cv2.resize(nearer, near.shape[1::-1], interpolation=cv2.INTER_AREA)
    assert np.corrcoef(near[:, :40, 0].ravel(), again[:, :40, 0].ravel())[0, 1] > 0.8
