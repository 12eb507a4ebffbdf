"""Folders of face crops as attacks look at them: ``PERSON/PICTURE.jpg``, a folder a person, and no camera known.

Everybody's pictures are cut into two halves by their names, and whoever is on a picture is looked for among everybody's
other half.  Faces are turned upright after the originals' landmarks, as those of trees are.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from mot_anon.data.frames import EXTENSIONS, Frame, read_frame
from mot_anon.errors import FrameError, NotFoundError
from mot_anon.measure.privacy.crops import Crops, numbered
from mot_anon.measure.privacy.face_crops import outlines, upright
from mot_anon.measure.privacy.trees import spread
from mot_anon.vision.face_detectors import AUTO, FaceDetector, make_face_detector
from mot_anon.vision.landmarks import SIZE, USABLE, LandmarkReader, reading_windows
from mot_anon.vision.parse import cut_window

_LOOKED_AT = 24  # pictures of a person
_NAMED = 5  # people in a note


def people_of(folder: Path) -> dict[str, list[str]]:
    """Person → names of their pictures, both sorted; empty where no folder in ``folder`` has pictures in it.

    Raises
    ------
    NotFoundError
        No such folder.
    """
    if not folder.is_dir():
        raise NotFoundError(f"{folder}: no such folder")
    found = {}
    for place in sorted(folder.iterdir()):
        if place.is_dir() and not place.name.startswith("."):
            names = (file.name for file in place.iterdir() if file.is_file() and not file.name.startswith("."))
            if pictures := sorted(name for name in names if Path(name).suffix.lower() in EXTENSIONS):
                found[place.name] = pictures
    return found


def read_face_folders(original: Path, published: Sequence[Path]) -> tuple[Crops, list[Crops], list[str]]:
    """The same pictures of the same people, original and published, and what has to be said of them.

    Parameters
    ----------
    original:
        A folder with one folder a person.  At most 24 pictures of a person are looked at, spread over their names.
    published:
        Folders that hold files of the same names, of the same sizes.

    Returns
    -------
    before, after:
        :attr:`Crops.across` is ``pictures``: the two halves of everybody's.
    notes:
        Lines: who was left out because there is a single picture of them, how many pictures were not looked at, and in
        how many originals no face can be read, so that its place is a guess.

    Raises
    ------
    NotFoundError
        No pictures, nobody with two of them, or a picture that one of the sides lacks.
    FrameError
        A picture cannot be read, or has another size than its original.
    """
    people = people_of(original)
    for folder in published:
        _require_same(original, people, folder)
    alone = [person for person, names in people.items() if len(names) < 2]
    rows = [
        (person, names[number], order, order >= min(len(names), _LOOKED_AT) // 2)
        for person, names in people.items()
        if len(names) > 1
        for order, number in enumerate(spread(len(names), _LOOKED_AT))
    ]
    if not rows:
        what = "nobody has two pictures, and who has one cannot be found again" if alone else "no PERSON/PICTURE.jpg"
        raise NotFoundError(f"{original}: {what}; a folder of face crops has one folder a person, pictures in it")
    paths = [Path(person) / name for person, name, _, _ in rows]
    pictures = [read_frame(original / path) for path in paths]
    places, sure = _landmarks(pictures)
    first = Crops(
        _cut(pictures, places),
        numbered([person for person, _, _, _ in rows]),
        np.array([late for _, _, _, late in rows], np.int64),
        np.array([order for _, _, order, _ in rows], np.int64),
        np.array([np.ptp(points, axis=0) for points in places], np.float64),
        outlines(pd.DataFrame({"points": places})),
        (original.name, original.name),
        "pictures",
        "face",
    )
    after = []
    for folder in published:
        shown = [_published(folder / path, original / path, one) for path, one in zip(paths, pictures, strict=True)]
        after.append(replace(first, pixels=_cut(shown, places)))
    total = sum(len(names) for names in people.values())
    return first, after, _notes(alone, total - len(alone) - len(rows), int((~sure).sum()), len(rows))


def _require_same(original: Path, people: dict[str, list[str]], published: Path) -> None:
    """Raise :class:`NotFoundError` for a picture that one side has and the other has not."""
    before, after = (
        {Path(person) / name for person, names in side.items() for name in names}
        for side in (people, people_of(published))
    )
    if missing := sorted(before - after):
        more = f", nor are {len(missing) - 1} others" if len(missing) > 1 else ""
        raise NotFoundError(
            f"{published / missing[0]}: not there{more}; published pictures are named as their originals in {original}"
        )
    if beyond := sorted(after - before):
        raise NotFoundError(f"{original / beyond[0]}: not there, though it was published in {published}")


def _published(path: Path, source: Path, original: Frame) -> Frame:
    picture = read_frame(path)
    if picture.shape != original.shape:
        (height, width), (high, wide) = picture.shape[:2], original.shape[:2]
        raise FrameError(f"{path}: {width}×{height} pixels, but {source} has {wide}×{high}; publish it anew")
    return picture


def _landmarks(pictures: list[Frame]) -> tuple[list[NDArray[np.float64]], NDArray[np.bool_]]:
    """The landmarks (68, 2) of the face of every picture, in its pixels, and which are more than a guess."""
    detector, read = make_face_detector(AUTO), LandmarkReader()
    assert detector is not None
    found = [_read(picture, detector, read) for picture in pictures]
    return [points for points, _ in found], np.array([sure >= USABLE for _, sure in found])


def _read(picture: Frame, detector: FaceDetector, read: LandmarkReader) -> tuple[NDArray[np.float64], float]:
    """Landmarks of the largest face that is found, else of the whole picture, which is said to be one."""
    height, width = picture.shape[:2]
    middle, half = np.array([width, height]) / 2, max(width, height) / 2
    windows = [np.concatenate([middle - half, middle + half])]
    faces = detector(picture, alone=True)
    if len(faces):
        windows.insert(0, reading_windows(faces[[faces[:, 2:4].prod(1).argmax()], :4])[0])
    points, sure = read(np.stack([cut_window(picture, window, SIZE) for window in windows]))
    best = next((number for number, value in enumerate(sure) if value >= USABLE), int(sure.argmax()))
    low, high = np.floor(windows[best][:2]), np.ceil(windows[best][2:])
    return low + points[best] * (high - low), float(sure[best])


def _cut(pictures: list[Frame], places: list[NDArray[np.float64]]) -> NDArray[np.uint8]:
    rows = pd.DataFrame({"points": places})
    return np.stack([upright(picture, rows.iloc[number]) for number, picture in enumerate(pictures)])


def _notes(alone: list[str], passed_over: int, guessed: int, total: int) -> list[str]:
    notes = []
    if alone:
        more = f" and {len(alone) - _NAMED} others" if len(alone) > _NAMED else ""
        notes.append(f"left out, for there is a single picture of them: {', '.join(alone[:_NAMED])}{more}")
    if passed_over:
        notes.append(f"at most {_LOOKED_AT} pictures of a person are looked at: {passed_over} are not")
    if guessed:
        notes.append(f"no face can be read in {guessed} of {total} originals: where it is there is a guess")
    return notes
