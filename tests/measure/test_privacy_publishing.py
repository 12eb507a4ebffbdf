"""Crops are published as frames are, also by methods that read silhouettes by themselves."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

from mot_anon.gan.identity import WEIGHTS as IDENTITY
from mot_anon.measure.privacy.crops import Crops, read_folder
from mot_anon.measure.privacy.publishing import publish_crops
from mot_anon.methods.base import Item, Pixels
from mot_anon.methods.classical import code_colour
from mot_anon.plan.keys import TEST_KEY, Key
from mot_anon.vision.parse import WEIGHTS as PARSER
from tests.realdata import BODIES, needs_bodies

KEY = Key(TEST_KEY)
pytestmark = [
    needs_bodies,
    pytest.mark.skipif(
        not PARSER.is_file() or not IDENTITY.is_file(), reason="parser or identity weights are not there"
    ),
]


class Silhouettes:
    """Paints silhouettes in the colour of the code: a generator's part in everything but looks."""

    name = "silhouettes"
    targets = frozenset({"body"})
    needs_raw = False
    uses_identity = True
    wants_silhouettes = True
    control = False

    def __init__(self) -> None:
        self.codes: list[np.ndarray] = []

    def parameters(self) -> dict[str, float | int | str]:
        return {}

    def render(self, batch: Sequence[Item]) -> list[tuple[Pixels, Pixels]]:
        painted = []
        for item in batch:
            assert item.shape is not None
            assert item.raw is None
            self.codes.append(item.code)
            colour = np.broadcast_to(code_colour(item.code), item.erased.shape).astype(np.float32)
            painted.append((colour, (item.silhouette > 0.5).astype(np.float32)))
        return painted


@pytest.fixture(scope="module")
def people() -> Crops:
    val = read_folder(BODIES, "val")
    _, rows = np.unique(val.tracks, return_index=True)
    chosen = np.concatenate([rows[:12], rows[:12] + 1])
    return val.take(np.sort(chosen))


def test_the_person_is_replaced_and_the_corners_are_not(people: Crops) -> None:
    published = publish_crops(people, Silhouettes(), "pseudonym", KEY)
    assert people.silhouettes is not None
    changed = np.abs(published.pixels.astype(int) - people.pixels).max(axis=3) > 24
    body = people.masks() > 0.9
    assert changed[body].mean() > 0.8
    corners = people.masks() < 0.02
    assert changed[corners].mean() < 0.35


def test_a_person_has_one_code_in_a_camera_and_another_in_the_next(people: Crops) -> None:
    method = Silhouettes()
    publish_crops(people, method, "pseudonym", KEY)
    codes = {track: np.unique(np.stack(method.codes)[people.tracks == track], axis=0) for track in set(people.tracks)}
    assert all(len(code) == 1 for code in codes.values())
    assert len(np.unique(np.concatenate(list(codes.values())), axis=0)) == len(codes)


def test_an_isometry_keeps_how_alike_people_are_and_turns_them_otherwise_in_every_camera(people: Crops) -> None:
    methods = [Silhouettes(), Silhouettes()]
    for number, method in enumerate(methods):
        publish_crops(people, method, "isometry", KEY.derived("test", str(number)))
    first, second = (np.stack(method.codes).astype(np.float64) for method in methods)
    for camera in (0, 1):
        here = people.camera == camera
        alike = [codes[here] @ codes[here].T / 128 for codes in (first, second)]
        assert np.abs(alike[0] - alike[1]).max() < 0.02
    assert np.abs((first * second).sum(1) / 128).max() < 0.6  # the key decides who they become
