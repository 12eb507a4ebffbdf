from __future__ import annotations

import numpy as np
import pytest

from mot_anon.errors import OptionError
from mot_anon.plan.identities import CAMERA_TRACK, CODE_SIZE, identity_codes
from mot_anon.plan.keys import Key

KEY, OTHER = Key(bytes(32)), Key(bytes([1]) * 32)
TRACKS = ["yard:1", "yard:2"]


def test_under_pseudonym_everybody_is_somebody_of_their_own_in_every_camera_and_under_every_key() -> None:
    codes = [
        code
        for key in (KEY, OTHER)
        for camera in ("yard", "door")
        for code in identity_codes("pseudonym", key, camera, TRACKS).values()
    ]
    assert len(codes) == 12
    assert len({code.tobytes() for code in codes}) == 12
    assert {(code.shape, code.dtype) for code in codes} == {((CODE_SIZE,), np.dtype(np.float16))}


def test_a_persons_code_does_not_depend_on_who_else_is_there() -> None:
    alone, together = (identity_codes("pseudonym", KEY, "yard", tracks) for tracks in (TRACKS[:1], TRACKS[::-1]))
    assert np.array_equal(alone["yard:1"], together["yard:1"])


def test_under_shared_a_camera_has_one_somebody_and_the_next_another() -> None:
    yard, door = (identity_codes("shared", KEY, camera, TRACKS) for camera in ("yard", "door"))
    assert len({code.tobytes() for code in yard.values()}) == 1
    assert not np.array_equal(yard["yard:1"], door["yard:1"])


@pytest.mark.parametrize("policy", ["pseudonym", "shared"])
def test_whoever_has_no_track_has_a_code_too(policy: str) -> None:
    assert CAMERA_TRACK in identity_codes(policy, KEY, "yard", [])


def test_an_unknown_policy_is_refused() -> None:
    with pytest.raises(OptionError, match="no policy 'isometric'; there is: pseudonym, shared"):
        identity_codes("isometric", KEY, "yard", TRACKS)
