from __future__ import annotations

import numpy as np
import pytest

from mot_anon.errors import OptionError
from mot_anon.plan.identities import CAMERA_TRACK, CODE_SIZE, PROMINENT, identity_codes, rotation
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


def embeddings(n: int = 6, seed: int = 0) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(seed)
    common = rng.normal(size=CODE_SIZE)
    return {f"yard:{i}": 0.7 * rng.normal(size=CODE_SIZE) + 0.5 * common for i in range(n)}


def cosines(rows: list[np.ndarray]) -> np.ndarray:
    unit = np.stack([np.asarray(row, float) / np.linalg.norm(row.astype(float)) for row in rows])
    return unit @ unit.T


def test_isometry_keeps_how_alike_people_are_but_for_what_all_of_a_camera_have_in_common() -> None:
    people = embeddings()
    codes = identity_codes("isometry", KEY, "yard", people, people)
    mean = np.mean(list(people.values()), axis=0)
    before = cosines([person - mean for person in people.values()])
    after = cosines([codes[track] for track in people])
    assert np.abs(before - after).max() < 2e-3  # of float16
    hazy = {track: person + 5 for track, person in people.items()}
    again = identity_codes("isometry", KEY, "yard", hazy, hazy)
    assert np.abs(cosines([again[track] for track in people]) - after).max() < 2e-3
    assert all(abs(np.linalg.norm(code.astype(float)) - CODE_SIZE**0.5) < 0.05 for t, code in codes.items() if t)


def test_isometry_of_nobody_is_no_fault() -> None:
    assert set(identity_codes("isometry", KEY, "yard", [""], {})) == {""}


def test_under_isometry_another_camera_or_key_turns_everybody_another_way() -> None:
    people = embeddings(60)
    yard, door, later = (
        identity_codes("isometry", key, camera, people, people)
        for key, camera in ((KEY, "yard"), (KEY, "door"), (OTHER, "yard"))
    )
    for other in (door, later):
        same = [float(cosines([yard[track], other[track]])[0, 1]) for track in people]
        assert np.abs(np.mean(same)) < 0.2
    assert all(np.abs(cosines([yard[t], people[t]])[0, 1]) < 0.8 for t in people)


def test_a_rotation_is_orthogonal_and_the_same_every_time() -> None:
    turn = rotation(KEY, "yard")
    assert np.allclose(turn @ turn.T, np.eye(CODE_SIZE), atol=1e-12)
    assert np.array_equal(turn, rotation(KEY, "yard"))


def test_what_shows_is_turned_into_what_shows_and_the_rest_into_the_rest() -> None:
    turn = rotation(KEY, "yard")
    assert (turn[:PROMINENT, PROMINENT:] == 0).all()
    assert (turn[PROMINENT:, :PROMINENT] == 0).all()
    assert np.abs(turn[:PROMINENT, :PROMINENT]).max() < 0.99
    assert np.linalg.norm(turn - rotation(KEY, "door")) > 1


def test_under_isometry_whoever_is_alone_has_the_code_of_a_pseudonym() -> None:
    alone = {"yard:1": embeddings()["yard:1"]}
    codes = identity_codes("isometry", KEY, "yard", alone, alone)
    assert np.array_equal(codes["yard:1"], identity_codes("pseudonym", KEY, "yard", alone)["yard:1"])


def test_isometry_gives_those_of_whom_nothing_is_known_a_code_and_refuses_to_guess_about_all() -> None:
    codes = identity_codes("isometry", KEY, "yard", TRACKS, {"yard:1": embeddings()["yard:1"]})
    assert set(codes) == {*TRACKS, CAMERA_TRACK}
    assert np.array_equal(codes["yard:2"], identity_codes("pseudonym", KEY, "yard", TRACKS)["yard:2"])
    with pytest.raises(ValueError, match="embeddings"):
        identity_codes("isometry", KEY, "yard", TRACKS)
