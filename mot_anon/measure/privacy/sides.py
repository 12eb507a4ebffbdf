"""The two sides of an attack, whatever they lie in: sequences, crops of people, or crops of faces."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from mot_anon.data.sequence import discover
from mot_anon.errors import FormatError, NotFoundError, OptionError
from mot_anon.measure.privacy import crops, face_crops, face_folders, trees
from mot_anon.measure.privacy.crops import Crops

TREES, BODIES, FACES = "trees", "bodies", "faces"
_DEMO = "demo"


def layout_of(original: Path) -> str:
    """What lies in a folder: :data:`TREES`, :data:`BODIES` (``index.csv``) or :data:`FACES` (``PERSON/PICTURE.jpg``).

    Raises
    ------
    NotFoundError
        No such folder, or none of these is in it.
    """
    people = face_folders.people_of(original)
    if (original / "index.csv").is_file():
        return BODIES
    if discover([original]):
        return TREES
    if people:
        return FACES
    raise NotFoundError(
        f"{original}: neither sequences, nor crops of people (index.csv), nor of faces (PERSON/PICTURE.jpg)"
    )


def part_of(part: str | None, target: str | None, original: Path, layout: str) -> str:
    """What of people is attacked, ``body`` or ``face``: as ``--part`` says, else as was published.

    Raises
    ------
    OptionError
        Another part, or one that these crops do not show.
    """
    if part not in (None, "body", "face"):
        raise OptionError(f"--part {part}: body or face")
    if layout == BODIES and part == "face":
        raise OptionError(f"--part face: {original} has an index.csv, as crops of people; of faces: PERSON/PICTURE.jpg")
    if layout == FACES and part == "body":
        raise OptionError(f"--part body: {original} is PERSON/PICTURE.jpg, as crops of faces; of people: index.csv")
    return "face" if layout == FACES or (layout == TREES and (part or target) == "face") else "body"


def read_sides(
    original: Path, published: Sequence[Path], layout: str, part: str, *, split: str, people: Path | None
) -> tuple[Crops, list[Crops], list[str]]:
    """The originals, what was published of them, and what has to be said of that, line by line.

    Parameters
    ----------
    split:
        Of :data:`BODIES`.
    people:
        Of :data:`TREES`: the file that says who is who across cameras, ``demo``, or None.

    Raises
    ------
    InputError
        What lies there cannot be read, or the sides are not of the same people.
    """
    if layout == TREES:
        what = face_crops.FACE if part == "face" else trees.PERSON
        return *trees.read_trees(original, published, _known(people), part=what), []
    if people is not None:
        raise OptionError("--people is for sequences; a folder of crops says itself who is who")
    if layout == FACES:
        return face_folders.read_face_folders(original, published)
    before = crops.read_folder(original, split)
    after = [crops.read_folder(folder, split) for folder in published]
    for folder, side in zip(published, after, strict=True):
        if len(side) != len(before) or (side.person != before.person).any() or (side.camera != before.camera).any():
            raise FormatError(folder / "index.csv", None, f"other rows of {split} than {original}; publish it anew")
    return before, after, []


def _known(path: Path | None) -> dict[tuple[str, int], str] | None:
    if path is None:
        return None
    if str(path) == _DEMO:
        from mot_anon.data.demo import demo_identities

        return {place: f"{person:02d}" for place, person in demo_identities().items()}
    return trees.read_people(path)
