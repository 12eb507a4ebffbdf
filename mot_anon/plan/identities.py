"""Identity policies: which code a track gets."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import numpy as np
from numpy.typing import NDArray

from mot_anon.errors import OptionError
from mot_anon.plan.keys import Key

CODE_SIZE = 128
"""Length of an identity code."""
CAMERA_TRACK = ""
"""The name under which everybody of a camera who has no track of their own gets a code."""

Codes = dict[str, NDArray[np.float16]]
"""Track name → (CODE_SIZE,) float16, standard normal."""
Policy = Callable[[Key, str, Iterable[str]], Codes]


def pseudonym(key: Key, camera: str, tracks: Iterable[str]) -> Codes:
    """Every track somebody of its own: code = f(key, camera, track)."""
    return {track: key.normals("identity", camera, track, size=CODE_SIZE) for track in {CAMERA_TRACK, *tracks}}


def shared(key: Key, camera: str, tracks: Iterable[str]) -> Codes:
    """One code for everybody of a camera: code = f(key, camera)."""
    code = key.normals("identity", camera, CAMERA_TRACK, size=CODE_SIZE)
    return dict.fromkeys({CAMERA_TRACK, *tracks}, code)


TRACKER = "tracker"
"""The policy whose tracks are a tracker's, whatever ground truth says (:func:`mot_anon.plan.tracks.retracked`)."""
POLICIES: dict[str, Policy] = {"pseudonym": pseudonym, "shared": shared, TRACKER: pseudonym}
KEYED_BY_LABELS = frozenset({"pseudonym"})
"""Policies under which the ids of ground truth can be read off the pixels: what tracking gains by it is no gain."""


def identity_codes(policy: str, key: Key, camera: str, tracks: Iterable[str]) -> Codes:
    """Codes of a camera's tracks, and of :data:`CAMERA_TRACK`, under a policy.

    Raises
    ------
    OptionError
        No policy of that name.
    """
    if policy not in POLICIES:
        raise OptionError(f"no policy {policy!r}; there is: {', '.join(POLICIES)}")
    return POLICIES[policy](key, camera, tracks)
