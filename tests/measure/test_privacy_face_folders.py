"""``mot-anon attack`` on folders of face crops: who is found again, what is at the floor, what cannot be attacked."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray
from typer.testing import CliRunner

from mot_anon.__main__ import app
from mot_anon.measure.face_judges import available
from mot_anon.measure.privacy.face_folders import people_of, read_face_folders
from mot_anon.vision.face_data import split
from tests.invented_faces import SIDE, draw_face
from tests.realdata import DATA, needs_faces

PEOPLE, PICTURES = 6, 4
Picture = NDArray[np.uint8]


@pytest.fixture(scope="module")
def faces(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, NDArray[np.float32]]]:
    """A folder of invented people in front of the same grey wall, and where the landmarks (68, 2) of everybody are."""
    folder, rng, landmarks = tmp_path_factory.mktemp("faces"), np.random.default_rng(5), {}
    for person in range(PEOPLE):
        drawn, points = draw_face(rng.integers(60, 230, 3), rng)
        picture = np.where(hull(points)[..., None], drawn, np.uint8(110))
        place = folder / f"{person:03d}"
        place.mkdir()
        landmarks[place.name] = SIDE * points
        for shot in range(PICTURES):
            noisy = (picture + rng.normal(0, 3, picture.shape)).clip(0, 255).astype(np.uint8)
            cv2.imwrite(str(place / f"{shot}.png"), noisy)
    return folder, landmarks


@pytest.fixture
def known(faces: tuple[Path, dict[str, NDArray[np.float32]]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the folder; where faces are in it is known without looking."""
    from mot_anon.measure.privacy import face_folders

    def landmarks(pictures: list[Picture]) -> tuple[list[NDArray[np.float64]], NDArray[np.bool_]]:
        places = [points.astype(float) for points in faces[1].values() for _ in range(PICTURES)]
        return places[: len(pictures)], np.ones(len(pictures), bool)

    monkeypatch.setattr(face_folders, "_landmarks", landmarks)
    return Path(shutil.copytree(faces[0], tmp_path / "original"))


def hull(points: NDArray[np.float32]) -> NDArray[np.bool_]:
    """The face inside its landmarks, (112, 112)."""
    inside = np.zeros((SIDE, SIDE), np.uint8)
    cv2.fillConvexPoly(inside, cv2.convexHull(np.rint(SIDE * points).astype(np.int32)), (1,))
    return inside > 0


def published(original: Path, out: Path, change: Callable[[Picture], Picture]) -> Path:
    """Every picture changed, under its name."""
    for path in sorted(original.glob("*/*")):
        target = out / path.relative_to(original)
        target.parent.mkdir(parents=True, exist_ok=True)
        picture = cv2.imread(str(path), cv2.IMREAD_UNCHANGED)
        assert picture is not None
        cv2.imwrite(str(target), change(np.asarray(picture, np.uint8)))
    return out


def pixelated(picture: Picture) -> Picture:
    small = cv2.resize(picture, (8, 8), interpolation=cv2.INTER_AREA)
    return np.asarray(cv2.resize(small, picture.shape[1::-1], interpolation=cv2.INTER_NEAREST), np.uint8)


def run(*words: object) -> tuple[int, str]:
    result = CliRunner().invoke(app, ["attack", *(str(word) for word in words)])
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result.exit_code, result.output


def figures(out: Path) -> dict[str, dict[str, Any]]:
    """``attacks.json``: protocol → figure."""
    stored = json.loads((out / "attacks.json").read_text(encoding="utf-8"))
    return {found["protocol"]: found for found in stored["findings"] if "value" in found}


def test_an_unprotected_copy_is_recognised_and_a_filled_face_is_not(known: Path, tmp_path: Path) -> None:
    copied = published(known, tmp_path / "copied", lambda picture: picture)
    filled = published(known, tmp_path / "filled", lambda picture: np.full_like(picture, 110))
    words = ("--original", known, "--embedder", "own", "--quiet")
    for side in (copied, filled):
        code, output = run(*words, "--published", side, "--out", tmp_path / f"out-{side.name}")
        assert code == 0, output
    raw, floor = figures(tmp_path / "out-copied"), figures(tmp_path / "out-filled")
    assert raw["original → original, other pictures (control)"]["value"]["value"] == 1
    for asked in (
        "published → original, other pictures",
        "original → published, other pictures",
        "features averaged over half of a person's pictures → original, other pictures",
        "pixels averaged over half of a person's pictures → original, other pictures",
    ):
        assert raw[asked]["value"]["value"] == 1, asked
        assert raw[asked]["over_floor"]["low"] > 0.2, asked
        assert floor[asked]["value"]["value"] < 0.5, asked
        assert floor[asked]["over_floor"]["low"] <= 0, asked
        assert floor[asked]["control"] == 1, asked
        assert 0 < floor[asked]["chance"] < 0.4, asked
        assert floor[asked]["people"] == PEOPLE


def test_crops_of_faces_are_known_as_such_and_attacked_without_being_told(known: Path, tmp_path: Path) -> None:
    copied = published(known, tmp_path / "copied", lambda picture: picture)
    code, output = run(
        "--original", known, "--published", copied, "--embedder", "own", "--attacks", "two-keys", "--out", tmp_path
    )
    assert code == 0, output
    assert "two-keys: not measured: needs two publications" in output
    stored = json.loads((tmp_path / "attacks.json").read_text(encoding="utf-8"))
    assert (stored["about"]["part"], stored["about"]["embedder"], stored["across"]) == ("face", "own", "pictures")
    assert (stored["people"], stored["crops"]) == (PEOPLE, PEOPLE * PICTURES)


def test_two_publications_are_compared_with_each_other(known: Path, tmp_path: Path) -> None:
    sides = [
        published(known, tmp_path / "turned", lambda picture: 255 - picture),
        published(known, tmp_path / "filled", lambda picture: np.full_like(picture, 110)),
    ]
    words = [word for side in sides for word in ("--published", side)]
    code, output = run(
        "--original", known, *words, "--embedder", "own", "--attacks", "two-keys", "--quiet", "--out", tmp_path
    )
    assert code == 0, output
    found = figures(tmp_path)
    assert set(found) == {
        "one key → another key, other pictures",
        "2 keys together → original, other pictures",
    }
    assert found["one key → another key, other pictures"]["value"]["value"] < 0.5
    assert found["one key → another key, other pictures"]["control"] == 1


def test_everybody_is_looked_for_in_the_other_half_of_their_pictures(known: Path) -> None:
    (known / "004" / "0.png").unlink()
    before, (after,), notes = read_face_folders(known, [known])
    assert notes == []
    assert (before.pixels == after.pixels).all()
    halves = [np.bincount(before.camera[before.person == person]).tolist() for person in range(PEOPLE)]
    assert halves == [[2, 2]] * 4 + [[1, 2], [2, 2]]
    assert before.pixels.shape[1:] == (112, 112, 3)
    assert before.silhouettes is not None
    assert 0.2 < (before.silhouettes > 127).mean() < 0.8


def test_who_has_a_single_picture_is_left_out_and_named(known: Path, tmp_path: Path) -> None:
    for shot in (1, 2, 3):
        (known / "005" / f"{shot}.png").unlink()
    copied = published(known, tmp_path / "copied", lambda picture: picture)
    words = ("--original", known, "--published", copied, "--embedder", "own", "--attacks", "two-keys")
    code, output = run(*words, "--out", tmp_path)
    assert code == 0, output
    said = "left out, for there is a single picture of them: 005"
    assert said in output
    stored = json.loads((tmp_path / "attacks.json").read_text(encoding="utf-8"))
    assert stored["people"] == PEOPLE - 1
    assert stored["about"]["notes"] == [said]


def test_of_many_pictures_some_are_looked_at_spread_over_all(known: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from mot_anon.measure.privacy import face_folders

    monkeypatch.setattr(face_folders, "_LOOKED_AT", 3)
    before, _, notes = read_face_folders(known, [known])
    assert len(before) == 3 * PEOPLE
    assert notes == [f"at most 3 pictures of a person are looked at: {PEOPLE} are not"]


def test_pictures_without_a_face_are_attacked_all_the_same_and_counted(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    for path in (tmp_path / person / f"{shot}.jpg" for person in ("ann", "bob") for shot in (1, 2)):
        path.parent.mkdir(exist_ok=True)
        cv2.imwrite(str(path), rng.integers(0, 255, (60, 40, 3), np.uint8))
    before, _, notes = read_face_folders(tmp_path, [tmp_path])
    assert len(before) == 4
    assert notes == ["no face can be read in 4 of 4 originals: where it is there is a guess"]


def test_a_weak_control_fails(known: Path, tmp_path: Path) -> None:
    filled = published(known, tmp_path / "filled", lambda picture: np.full_like(picture, 110))
    words = ("--published", known, "--embedder", "own", "--attacks", "averaging", "--quiet")
    code, output = run("--original", filled, *words)
    assert code == 1
    assert "prove nothing; faces here are too few" in output
    assert "--embedder dlib recognises more of them" in output


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (Path.unlink, "published/002/1.png: not there; published pictures are named as their originals"),
        (lambda path: cv2.imwrite(str(path), np.zeros((50, 60), np.uint8)), "published/002/1.png: 60×50 pixels, but "),
        (lambda path: path.write_bytes(b"no picture"), "published/002/1.png: not an image"),
        (lambda path: path.write_bytes(path.read_bytes()[:300]), "published/002/1.png: "),
        (lambda path: shutil.copy(path, path.with_name("8.png")), "original/002/8.png: not there, though it was"),
        (lambda path: shutil.rmtree(path.parents[1]), "published: no such folder"),
    ],
)
def test_what_is_wrong_with_the_published_pictures_is_said_in_one_line(
    known: Path, tmp_path: Path, spoil: Callable[[Path], object], said: str
) -> None:
    side = published(known, tmp_path / "published", lambda picture: picture)
    spoil(side / "002" / "1.png")
    code, output = run("--original", known, "--published", side, "--part", "face", "--quiet")
    assert code == 2
    assert said in output
    assert len(output.strip().splitlines()) == 1


def test_a_broken_original_is_named(known: Path, tmp_path: Path) -> None:
    side = published(known, tmp_path / "published", lambda picture: picture)
    (known / "002" / "1.png").write_bytes(b"no picture")
    code, output = run("--original", known, "--published", side, "--quiet")
    assert code == 2
    assert "original/002/1.png: not an image" in output


@pytest.mark.parametrize("layout", ["nothing", "flat", "deeper", "alone"])
@pytest.mark.parametrize("words", [(), ("--part", "face")])
def test_other_layouts_are_refused_in_one_line(tmp_path: Path, layout: str, words: tuple[str, ...]) -> None:
    folder = tmp_path / layout
    places = {"nothing": (), "flat": ("1.jpg",), "deeper": ("grey/ann/1.jpg",), "alone": ("ann/1.jpg", "bob/1.jpg")}
    folder.mkdir()
    for place in places[layout]:
        (folder / place).parent.mkdir(parents=True, exist_ok=True)
        cv2.imwrite(str(folder / place), np.zeros((112, 112, 3), np.uint8))
    code, output = run("--original", folder, "--published", folder, *words)
    assert code == 2
    assert str(folder) in output
    assert ("nobody has two pictures" if layout == "alone" else "nor of faces (PERSON/PICTURE.jpg)") in output
    assert len(output.strip().splitlines()) == 1


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--part", "body"), "as crops of faces; of people: index.csv"),
        (("--attacks", "recognition,linkage"), "--attacks linkage: not on crops of faces; there is: recognition,"),
        (("--people", "who.csv"), "a folder of crops says itself who is who"),
        (("--embedder", "friend"), "no embedder 'friend'"),
    ],
)
def test_what_cannot_be_done_to_crops_of_faces_is_refused(known: Path, words: tuple[str, ...], said: str) -> None:
    code, output = run("--original", known, "--published", known, *words)
    assert code == 2
    assert said in output
    assert len(output.strip().splitlines()) == 1


def test_frames_of_a_sequence_are_no_crops_of_faces(tmp_path: Path) -> None:
    from mot_anon.measure.privacy.sides import TREES, layout_of
    from tests.sequences import write_sequence

    place = write_sequence(tmp_path, "CAM-01")
    assert people_of(place)  # img1 and its pictures would do for a person
    assert layout_of(place) == TREES
    assert layout_of(tmp_path) == TREES


@needs_faces
@pytest.mark.skipif("dlib" not in available(), reason="the extra 'face-eval' is not installed")
def test_real_people_are_found_again_until_they_are_pixelated(tmp_path: Path) -> None:
    grey = DATA / "faces" / "grey"
    halves = split([f"grey/{place.name}" for place in grey.iterdir()])
    strangers = sorted(person for person, part in halves.items() if part == "test")[:12]
    original = tmp_path / "original"
    for person in strangers:
        for path in sorted((DATA / "faces" / person).iterdir())[:2]:
            target = original / path.parent.name / path.name
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(path, target)
    side = published(original, tmp_path / "published", pixelated)
    code, output = run(
        "--original", original, "--published", side, "--embedder", "dlib", "--attacks", "recognition", "--out", tmp_path
    )
    assert code == 0, output
    assert "originals: where it is there is a guess" not in output
    found = figures(tmp_path)
    assert found["original → original, other pictures (control)"]["value"]["value"] > 0.8
    assert found["published → original, other pictures"]["value"]["value"] < 0.4
    assert found["published → original, other pictures"]["over_floor"]["low"] <= 0
