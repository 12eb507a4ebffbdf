"""Faces as trainings read them."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from mot_anon.errors import FormatError, NotFoundError, OptionError
from mot_anon.vision.face_data import SPLITS, load_faces, split
from tests.invented_faces import write_faces
from tests.realdata import DATA, needs_faces

GREY = [f"grey/{number:04d}" for number in range(1000)]
COLOUR = [f"color/{number:03d}" for number in range(18)]


def test_the_last_four_in_colour_are_for_tests_and_nobody_of_them_for_choosing() -> None:
    found = split([*COLOUR, *GREY])
    assert [person for person in COLOUR if found[person] == "test"] == COLOUR[-4:]
    assert {found[person] for person in COLOUR[:-4]} == {"train"}


def test_who_is_in_which_split_does_not_depend_on_who_else_is_there() -> None:
    everybody = split(GREY)
    assert all(split(GREY[start::7])[GREY[start]] == everybody[GREY[start]] for start in range(7))


def test_people_in_grey_are_split_about_as_they_should_be() -> None:
    counts = {name: list(split(GREY).values()).count(name) for name in SPLITS}
    assert 760 < counts["train"] < 840
    assert 30 < counts["val"] < 70
    assert 115 < counts["test"] < 185


def test_faces_come_with_who_they_are_and_where_their_landmarks_are(tmp_path: Path) -> None:
    faces = load_faces(write_faces(tmp_path, coloured=6, grey=10))
    assert faces.pixels.shape == (32, 112, 112, 3)
    assert len(np.unique(faces.person)) == 16
    assert faces.colour.sum() == 12
    assert (faces.pixels[~faces.colour] == faces.pixels[~faces.colour][..., :1]).all()
    assert faces.landmarks.shape == (32, 68, 2)
    assert set(faces.split[faces.colour]) == {"train", "test"}


def test_one_split_has_nobody_of_the_others(tmp_path: Path) -> None:
    folder = write_faces(tmp_path, coloured=6, grey=30)
    parts = [set(load_faces(folder, (name,)).person.tolist()) for name in ("train", "test")]
    assert not parts[0] & parts[1]
    assert len(load_faces(folder, ("train",))) < len(load_faces(folder))


def test_what_cannot_be_read_is_said_with_its_name(tmp_path: Path) -> None:
    with pytest.raises(NotFoundError, match=r"landmarks\.npz"):
        load_faces(tmp_path)
    folder = write_faces(tmp_path, coloured=5, grey=0)
    with pytest.raises(OptionError, match="no split trial"):
        load_faces(folder, ("trial",))
    with pytest.raises(NotFoundError, match="no face of val"):
        load_faces(folder, ("val",))
    (folder / "color" / "000" / "0000.jpg").write_bytes(b"no picture")
    with pytest.raises(FormatError, match=r"0000\.jpg"):
        load_faces(folder)


@needs_faces
def test_enough_real_people_are_kept_for_tests_and_each_of_them_has_two_pictures() -> None:
    with np.load(DATA / "faces" / "landmarks.npz") as stored:
        owners = [str(name).rpartition("/")[0] for name in stored["name"]]
    people = split(set(owners))
    tested = [person for person, part in people.items() if part == "test" and person.startswith("grey/")]
    assert len(tested) >= 250
    assert min(owners.count(person) for person in tested) >= 2
    assert cv2.imread(str(DATA / "faces" / f"{tested[0]}" / "00.jpg")) is not None
