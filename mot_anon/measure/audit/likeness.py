"""Is a published face still the original's for a face recogniser?  At thresholds measured for faces of every size.

Recognisers are shown the face alone, from the chin to the middle of the forehead, in grey: hair and what is round the
face stay with target face, and would be recognised in a face that is filled with anything.

``python -m mot_anon.measure.audit.likeness --data FACES`` measures :data:`THRESHOLDS` anew (extra ``face-eval``).
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from mot_anon.measure.audit.detail import ROUGH
from mot_anon.measure.audit.faces import FaceLook
from mot_anon.measure.audit.sights import FaceSight
from mot_anon.measure.face_judges import JUDGES, Judge, available
from mot_anon.vision.face_data import FACE_SIZE, Faces, load_faces
from mot_anon.vision.landmarks import SIZE, USABLE, LandmarkReader, draw_holes

FALSE = 0.01
"""False-match rate of the thresholds."""
SIZES = (10, 14, 20, 28, 40, 80)
"""Longer side of a face's landmarks in pixels.  Smaller faces are not asked about."""
THRESHOLDS = {
    "own": (0.672, 0.667, 0.666, 0.667, 0.668, 0.670),
    "dlib": (0.947, 0.935, 0.925, 0.918, 0.913, 0.910),
}
"""Judge → cosine similarity that one in a hundred pairs of pictures of different people of that size reaches.

Measured on LFW's ``val`` people (89, whom no training saw), pictures shrunk to each size and enlarged again.  Of pairs
of one person reach it: own 0.15, 0.17, 0.20, 0.20, 0.20, 0.19; dlib 0.16, 0.34, 0.71, 0.91, 0.98, 0.99.  So our own
network hardly tells anybody apart there, and dlib's does from 20 pixels on.
"""
ENOUGH = 50
"""Pairs of strangers in a recording, from which on they have a say about its threshold."""
_ALIKE_IN_SIZE = 1.5
_APART = 10  # frames between pictures of one person that are compared as a control
_NOTHING = 127  # grey level of what recognisers are not shown


@dataclass(frozen=True)
class Control:
    """How a judge does on originals of the same frames.

    Attributes
    ----------
    judge:
        Name.
    strangers, same:
        Pairs of different people, seen in one frame, and of one person ten frames apart or more.
    false, true:
        Shares (0…1) of them that match at :data:`THRESHOLDS`; None without pairs.
    raised:
        By how much the threshold was raised so that only one in a hundred of these strangers matches.
    """

    judge: str
    strangers: int
    false: float | None
    same: int
    true: float | None
    raised: float


def threshold(judge: str, size: float) -> float:
    """Similarity from which faces of a size match, between the sizes that were measured."""
    return float(np.interp(size, SIZES, THRESHOLDS[judge]))


def compared(looks: Sequence[FaceLook], judges: Sequence[str]) -> tuple[list[FaceSight], list[Control]]:
    """What landmark reader and embedders say of found faces of one recording, in their order.

    Embedders are asked where the original has a face with landmarks, and no pixels have answered already.
    """
    if not looks:
        return [], []
    points, sure = LandmarkReader()(np.stack([_sized(look.crops[0], SIZE[0]) for look in looks]))
    sights = [replace(look.sight, landmarks=round(float(s), 4)) for look, s in zip(looks, sure, strict=True)]
    sizes = np.array([(p.max(0) - p.min(0)).max() * look.side for p, look in zip(points, looks, strict=True)])
    asked = [
        row
        for row, sight in enumerate(sights)
        if sight.landmarks >= USABLE and sizes[row] >= SIZES[0] and (sight.raw or 0.0) < ROUGH
    ]
    if not asked:
        return sights, []
    where, controls = np.stack([points[row] for row in asked]), []
    sides = [[looks[row].crops[side] for row in asked] for side in (0, 1)]
    alike: list[dict[str, float]] = [{} for _ in asked]
    for judge in judges:
        before, after = (JUDGES[judge](bare(pictures, where), where) for pictures in sides)
        found = control(judge, before, sizes[asked], [sights[row] for row in asked])
        for row, value in enumerate((before * after).sum(1)):
            alike[row][judge] = round(float(value) - threshold(judge, sizes[asked[row]]) - found.raised, 4)
        controls.append(found)
    for row, values in zip(asked, alike, strict=True):
        sights[row] = replace(sights[row], size=round(float(sizes[row]), 1), alike=values)
    return sights, controls


def control(
    judge: str, embeddings: NDArray[np.float32], sizes: NDArray[np.float64], sights: Sequence[FaceSight]
) -> Control:
    """How often originals (N, D) match that have about the same size, of different people and of one person."""
    tracks, frames = np.array([s.track for s in sights]), np.array([s.frame for s in sights])
    one, two = np.triu_indices(len(sights), 1)
    ratio = sizes[one] / sizes[two]
    near = (ratio < _ALIKE_IN_SIZE) & (ratio > 1 / _ALIKE_IN_SIZE)
    one, two = one[near], two[near]
    least = np.interp(np.minimum(sizes[one], sizes[two]), SIZES, THRESHOLDS[judge])
    over = (embeddings[one] * embeddings[two]).sum(1) - least
    other = frames[one] == frames[two]  # two faces of one frame are of two people, whatever tracks say
    same = (tracks[one] != "") & (tracks[one] == tracks[two]) & (np.abs(frames[one] - frames[two]) >= _APART)
    raised = max(0.0, float(np.quantile(over[other], 1 - FALSE))) if other.sum() >= ENOUGH else 0.0
    return Control(judge, int(other.sum()), _share(over[other]), int(same.sum()), _share(over[same]), raised)


def bare(pictures: Sequence[NDArray[np.uint8]], landmarks: NDArray[np.float32]) -> NDArray[np.uint8]:
    """Faces alone: pictures of any size, BGR, and landmarks (N, 68, 2) as fractions → (N, 112, 112, 3) in grey."""
    grey = np.stack([cv2.cvtColor(_sized(picture, FACE_SIZE), cv2.COLOR_BGR2GRAY) for picture in pictures])
    faces = draw_holes(landmarks, (FACE_SIZE, FACE_SIZE))[:, 0]
    shown = np.rint(faces * grey + (1 - faces) * _NOTHING).astype(np.uint8)
    return np.repeat(shown[..., None], 3, 3)


def measured(faces: Faces, judge: Judge, size: int) -> tuple[float, float]:
    """The threshold for faces of a size, and the share of pairs of one person that reach it."""
    sides = (faces.landmarks.max(1) - faces.landmarks.min(1)).max(1) * FACE_SIZE
    shrunk = [
        _sized(picture, max(4, round(FACE_SIZE * size / side)))
        for picture, side in zip(faces.pixels, sides, strict=True)
    ]
    found = judge(bare(shrunk, faces.landmarks), faces.landmarks)
    one, two = np.triu_indices(len(faces), 1)
    values, same = (found[one] * found[two]).sum(1), faces.person[one] == faces.person[two]
    least = float(np.quantile(values[~same], 1 - FALSE))
    return least, float((values[same] >= least).mean())


def _sized(crop: NDArray[np.uint8], side: int) -> NDArray[np.uint8]:
    way = cv2.INTER_AREA if crop.shape[0] > side else cv2.INTER_LINEAR
    return np.asarray(cv2.resize(crop, (side, side), interpolation=way), np.uint8)


def _share(over: NDArray[np.float64]) -> float | None:
    return float((over >= 0).mean()) if len(over) else None


def main() -> None:
    """Print what :data:`THRESHOLDS` must be."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True, help="faces with landmarks; LFW's val people are used")
    faces = load_faces(parser.parse_args().data, ("val",))
    faces = faces.of(faces.detected & ~faces.colour)
    for name in available():
        for size in SIZES:
            least, true = measured(faces, JUDGES[name], size)
            print(f"{name} {size} px: threshold {least:.3f}, pairs of one person {true:.2f}", flush=True)


if __name__ == "__main__":
    main()
