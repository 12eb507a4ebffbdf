"""Aligned faces with landmarks, as trainings and benchmarks read them from a ``faces`` folder."""

from __future__ import annotations

import hashlib
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from mot_anon.errors import FormatError, NotFoundError, OptionError

FACE_SIZE = 112
"""Height and width at which faces are kept."""
SPLITS = ("train", "val", "test")
COLOUR, GREY = "color", "grey"
_HELD_OUT = 4  # people in colour whom no training and no choice ever sees
_TRAIN, _VAL = 0.80, 0.05  # shares of the people in grey


@dataclass(frozen=True)
class Faces:
    """Faces in memory.

    Attributes
    ----------
    pixels:
        (N, 112, 112, 3) uint8 BGR; three equal channels where the picture is grey.
    person:
        (N,) int64: who it is, numbered over everybody of the folder, whichever splits were read.
    colour:
        (N,) bool.
    landmarks:
        (N, 68, 2) float32: x, y as fractions of the picture, in the usual order; may lie outside 0…1.
    detected:
        (N,) bool: False where the teacher found no face, and its landmarks are a guess.
    split:
        (N,) text: train, val or test (:func:`split`).
    """

    pixels: NDArray[np.uint8]
    person: NDArray[np.int64]
    colour: NDArray[np.bool_]
    landmarks: NDArray[np.float32]
    detected: NDArray[np.bool_]
    split: NDArray[np.str_]

    def __len__(self) -> int:
        return len(self.pixels)

    def of(self, rows: NDArray[np.bool_] | NDArray[np.int64]) -> Faces:
        """Some of them."""
        return Faces(
            self.pixels[rows],
            self.person[rows],
            self.colour[rows],
            self.landmarks[rows],
            self.detected[rows],
            self.split[rows],
        )


def split(people: Collection[str]) -> dict[str, str]:
    """Person (``color/000``) → train, val or test; nobody is in two.

    Of the people in colour the last four by name are test, the others train.  Of those in grey, 80 % are train, 5 % val
    and 15 % test, each by a hash of the name, whoever else is there.
    """
    coloured = sorted(person for person in people if person.startswith(f"{COLOUR}/"))
    found = dict.fromkeys(coloured, "train") | dict.fromkeys(coloured[-_HELD_OUT:], "test")
    for person in people:
        if person not in found:
            place = int.from_bytes(hashlib.sha256(person.encode()).digest()[:4], "big") / 2**32
            found[person] = "train" if place < _TRAIN else "val" if place < _TRAIN + _VAL else "test"
    return found


def load_faces(data: Path, splits: Collection[str] = SPLITS) -> Faces:
    """Read the faces of a folder with ``landmarks.npz``, ``color/PERSON/*.jpg`` and ``grey/PERSON/*.jpg``.

    Parameters
    ----------
    splits:
        Which to read; all of them take half a gigabyte.

    Raises
    ------
    OptionError
        No split of that name.
    NotFoundError
        There are no landmarks, or there is no face of these splits.
    FormatError
        A picture cannot be read.
    """
    if not set(splits) <= set(SPLITS):
        raise OptionError(f"no split {', '.join(sorted(set(splits) - set(SPLITS)))}; there is: {', '.join(SPLITS)}")
    path = data / "landmarks.npz"
    if not path.is_file():
        raise NotFoundError(f"{path}: not there; --data is a folder with landmarks.npz, {COLOUR} and {GREY}")
    with np.load(path) as stored:
        names = stored["name"]
        landmarks, detected = stored["landmarks"].astype(np.float32), stored["detected"].astype(bool)
    owners = [str(name).rpartition("/")[0] for name in names]
    people = sorted(set(owners))
    chosen = split(people)
    rows = np.flatnonzero([chosen[owner] in splits for owner in owners])
    if not len(rows):
        raise NotFoundError(f"{path}: has no face of {', '.join(splits)}")
    numbers = {person: number for number, person in enumerate(people)}
    pixels = np.empty((len(rows), FACE_SIZE, FACE_SIZE, 3), np.uint8)
    for position, row in enumerate(rows):
        pixels[position] = _read(data / str(names[row]))
    here = [owners[row] for row in rows]
    return Faces(
        pixels,
        np.array([numbers[owner] for owner in here], np.int64),
        np.array([owner.startswith(f"{COLOUR}/") for owner in here], bool),
        landmarks[rows],
        detected[rows],
        np.array([chosen[owner] for owner in here], np.str_),
    )


def _read(path: Path) -> NDArray[np.uint8]:
    image = cv2.imread(str(path), cv2.IMREAD_COLOR)
    if image is None:
        raise FormatError(path, None, "cannot be read as a picture")
    if image.shape[:2] != (FACE_SIZE, FACE_SIZE):
        image = cv2.resize(image, (FACE_SIZE, FACE_SIZE), interpolation=cv2.INTER_AREA)
    return np.asarray(image, np.uint8)
