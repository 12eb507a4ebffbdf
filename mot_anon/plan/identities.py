"""Identity policies: which code a track gets."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

import numpy as np
from numpy.typing import NDArray

from mot_anon.errors import OptionError
from mot_anon.plan.keys import Key

CODE_SIZE = 24
"""Length of an identity code."""
PROMINENT = 8
"""How many numbers of a code, the first ones, say most about somebody's looks (:mod:`mot_anon.gan.code_map`)."""
CAMERA_TRACK = ""
"""The name under which everybody of a camera who has no track of their own gets a code."""

Codes = dict[str, NDArray[np.float16]]
"""Track name → (CODE_SIZE,) float16, standard normal."""
Embeddings = Mapping[str, NDArray[np.float64]]
"""Track name → (CODE_SIZE,): the mean of a track's codes as they were read (:mod:`mot_anon.gan.identity`)."""
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
ISOMETRY = "isometry"
"""The policy that needs embeddings: :func:`isometry`."""
POLICIES: dict[str, Policy] = {"pseudonym": pseudonym, "shared": shared, TRACKER: pseudonym, ISOMETRY: pseudonym}
KEYED_BY_LABELS = frozenset({"pseudonym", ISOMETRY})
"""Policies under which all pixels of one ground-truth id share a code: what tracking gains by it is no gain.

An isometry turns the mean over a whole track, and ground truth says which sights are that track's.
"""


def isometry(key: Key, camera: str, tracks: Iterable[str], embeddings: Embeddings) -> Codes:
    """The same rotation for everybody of a camera, another for the next: code = R(key, camera) · (embedding − mean).

    The prominent numbers are turned among themselves, and so are the others: what made two people look alike would else
    be turned into numbers that hardly show, and what hardly showed into looks.  People are as alike afterwards as they
    were (the cosines stay), so tracking by looks stays as hard as it was.  What everybody of a camera has in common,
    its light and its blur, is no likeness of people and is taken out before: in a code it would be a trait that they
    all share.  Whoever has no embedding, or is alone, gets a code as under :func:`pseudonym`.

    No rotation changes how much of somebody is prominent: two releases of one camera under two keys have that number in
    common, and it tells people of a camera apart.  One key, one release.
    """
    turn = rotation(key, camera)
    codes = pseudonym(key, camera, tracks)
    for track, own in centred({track: embeddings[track] for track in codes.keys() & embeddings.keys()}).items():
        turned = turn @ own
        length = float(np.linalg.norm(turned))
        if length > 0:
            codes[track] = (turned * (np.sqrt(CODE_SIZE) / length)).astype(np.float16)
    return codes


def centred(embeddings: Embeddings) -> dict[str, NDArray[np.float64]]:
    """Embeddings without their mean, in the order of their names."""
    if not embeddings:
        return {}
    names = sorted(embeddings)
    own = np.array([embeddings[name] for name in names], np.float64)
    return dict(zip(names, own - own.mean(0), strict=True))


def rotation(key: Key, camera: str) -> NDArray[np.float64]:
    """(CODE_SIZE, CODE_SIZE): two random orthogonal blocks, of the first ``PROMINENT`` numbers and of the others.

    Each is uniform over all orthogonal matrices of its size (Mezzadri, Notices AMS 2007).
    """
    turn = np.zeros((CODE_SIZE, CODE_SIZE))
    for name, block in (("prominent", slice(PROMINENT)), ("others", slice(PROMINENT, None))):
        size = len(range(CODE_SIZE)[block])
        drawn = key.normals("isometry", camera, name, size=size * size).astype(np.float64)
        orthogonal, triangle = np.linalg.qr(drawn.reshape(size, size))
        # QR leaves the signs open; with those of the diagonal the matrix is unique, and uniformly distributed.
        turn[block, block] = orthogonal * np.sign(np.diag(triangle))
    return turn


def identity_codes(
    policy: str, key: Key, camera: str, tracks: Iterable[str], embeddings: Embeddings | None = None
) -> Codes:
    """Codes of a camera's tracks, and of :data:`CAMERA_TRACK`, under a policy.

    Parameters
    ----------
    embeddings:
        What ``isometry`` turns; the other policies do without.

    Raises
    ------
    OptionError
        No policy of that name.
    """
    if policy not in POLICIES:
        raise OptionError(f"no policy {policy!r}; there is: {', '.join(POLICIES)}")
    if policy == ISOMETRY:
        if embeddings is None:
            raise ValueError("the policy isometry turns embeddings, and there are none")
        return isometry(key, camera, tracks, embeddings)
    return POLICIES[policy](key, camera, tracks)
