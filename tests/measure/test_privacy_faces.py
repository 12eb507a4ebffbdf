"""Attacks on faces: cut out upright at the same place of both trees, recognised, with floors and an honest control."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pandas as pd
import pytest
from numpy.typing import NDArray
from typer.testing import CliRunner

from mot_anon.__main__ import app
from mot_anon.data.frames import read_frame
from mot_anon.data.sequence import Sequence
from mot_anon.measure.privacy import face_crops, publishing
from mot_anon.measure.privacy.face_crops import FACE, seen_faces, upright, usual_landmarks
from mot_anon.measure.privacy.trees import read_trees
from mot_anon.vision.face_detectors import centerface_weights
from tests.invented_faces import SIDE, draw_face
from tests.realdata import MOT, needs_mot
from tests.sequences import write_sequence

PEOPLE, FRAMES, STEP = 5, 6, 130


def place_of(person: int) -> tuple[int, int, int, int]:
    """The box of a person whose head is a picture of a face."""
    return STEP * person + 4, 6, SIDE, 3 * SIDE


@pytest.fixture(scope="module")
def street(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, NDArray[np.float32]]:
    """A tree with one sequence of people who stand there, and their landmarks (people, 68, 2) in its frames."""
    folder = tmp_path_factory.mktemp("street")
    rows = [(f, p + 1, *place_of(p), 1, 1, 1.0) for p in range(PEOPLE) for f in range(1, FRAMES + 1)]
    place = write_sequence(folder, "FACES-01", gt=rows, frames=FRAMES, size=(STEP * PEOPLE, 3 * SIDE + 20))
    rng = np.random.default_rng(5)
    faces = [draw_face(rng.integers(60, 230, 3), rng) for _ in range(PEOPLE)]
    for number in range(1, FRAMES + 1):
        path = place / "img1" / f"{number:06d}.png"
        frame = cv2.imread(str(path))
        for person, (picture, _) in enumerate(faces):
            x, y, _, _ = place_of(person)
            frame[y : y + SIDE, x : x + SIDE] = (picture + rng.normal(0, 3, picture.shape)).clip(0, 255)
        cv2.imwrite(str(path), frame)
    corners = np.array([place_of(person)[:2] for person in range(PEOPLE)], np.float32)
    return folder, np.stack([SIDE * points for _, points in faces]) + corners[:, None]


@pytest.fixture
def known(street: tuple[Path, NDArray[np.float32]], monkeypatch: pytest.MonkeyPatch) -> Path:
    """The tree; where faces are in it is known without looking."""
    folder, landmarks = street

    def seen(sequence: Sequence) -> pd.DataFrame:
        gt = sequence.gt()
        faces = gt.assign(points=[landmarks[identity - 1].astype(float) for identity in gt["id"]])
        return faces.assign(h=faces["w"])

    monkeypatch.setattr(face_crops, "FACE", replace(FACE, seen=seen))
    return folder


@pytest.fixture
def pixelated(known: Path, tmp_path: Path) -> Path:
    """The same with every face in 4×4 cells, published with target face."""
    tree = Path(shutil.copytree(known, tmp_path / "published"))
    for path in (tree / "FACES-01" / "img1").iterdir():
        frame = cv2.imread(str(path))
        for person in range(PEOPLE):
            x, y, side, _ = place_of(person)
            small = cv2.resize(frame[y : y + side, x : x + side], (4, 4), interpolation=cv2.INTER_AREA)
            frame[y : y + side, x : x + side] = cv2.resize(small, (side, side), interpolation=cv2.INTER_NEAREST)
        cv2.imwrite(str(path), frame)
    record = {"method": "pixelate", "parameters": {"strength": 8}, "policy": "pseudonym", "target": "face"}
    (tree / "anonymization.json").write_text(json.dumps(record), encoding="utf-8")
    return tree


def run(*words: object) -> tuple[int, str]:
    result = CliRunner().invoke(app, ["attack", *(str(word) for word in words)])
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result.exit_code, result.output


def test_a_turned_and_smaller_face_is_cut_out_as_it_was(street: tuple[Path, NDArray[np.float32]]) -> None:
    folder, landmarks = street
    frame = read_frame(folder / "FACES-01" / "img1" / "000001.png")
    points = landmarks[2].astype(float)
    turn = cv2.getRotationMatrix2D(points.mean(0).tolist(), 25, 0.7)
    turned = cv2.warpAffine(frame, turn, frame.shape[1::-1], None, cv2.INTER_LINEAR)
    one = upright(frame, pd.Series({"points": points})).astype(float)
    two = upright(np.asarray(turned), pd.Series({"points": points @ turn[:, :2].T + turn[:, 2]})).astype(float)
    middle = (slice(30, 90), slice(30, 80))
    assert np.abs(one - two)[middle].mean() < 8
    assert np.corrcoef(one[middle].ravel(), two[middle].ravel())[0, 1] > 0.95


def test_usual_landmarks_are_those_of_an_upright_face_in_the_middle() -> None:
    points = usual_landmarks()
    assert points.shape == (68, 2)
    assert (points > 0).all()
    assert (points < 1).all()
    eyes, mouth = points[36:48], points[48:68]
    assert eyes[:, 1].max() < points[30, 1] < mouth[:, 1].min() < points[8, 1]
    assert points[:, 0].mean() == pytest.approx(0.5, abs=0.02)
    assert points[36, 0] - points[0, 0] == pytest.approx(points[16, 0] - points[45, 0], abs=1e-3)


def test_both_trees_are_cut_at_the_same_places_and_the_floor_keeps_what_is_round_the_face(
    known: Path, pixelated: Path
) -> None:
    before, (after,) = read_trees(known, [pixelated], part=face_crops.FACE)
    assert (before.part, after.part, before.across) == ("face", "face", "times")
    assert before.pixels.shape == (PEOPLE * FRAMES, 112, 112, 3)
    assert before.silhouettes is not None
    assert (after.person == before.person).all()
    inside = publishing.covered(before)
    assert 0.2 < inside.mean() < 0.8
    floor = publishing.floor(before).pixels
    assert (floor[~inside] == before.pixels[~inside]).all()
    assert np.abs(floor.astype(int) - before.pixels)[inside].mean() > 10


def test_published_faces_are_attacked_with_control_floors_and_chance(
    known: Path, pixelated: Path, tmp_path: Path
) -> None:
    words = ("--original", known, "--published", pixelated, "--embedder", "own", "--out", tmp_path / "out")
    code, output = run(*words, "--least-control", 0)
    assert code == 0, output
    stored = json.loads((tmp_path / "out" / "attacks.json").read_text(encoding="utf-8"))
    assert (stored["about"]["part"], stored["about"]["embedder"], stored["people"]) == ("face", "own", PEOPLE)
    protocols = {found["protocol"]: found for found in stored["findings"] if "value" in found}
    control = protocols["original → original, other time (control)"]["value"]["value"]
    assert control == 1.0
    for name in ("published → original, other time", "original → published, other time"):
        assert protocols[name]["value"]["value"] < control
        assert protocols[name]["floor"] is not None
        assert 0 < protocols[name]["chance"] < 0.5
    assert "floor, face filled from round about, other time" in protocols
    assert "floor, silhouette alone, other time" in protocols
    assert any(name.startswith("features averaged over a track") for name in protocols)


def test_a_weak_control_fails_and_says_what_is_wrong_with_these_faces(known: Path, pixelated: Path) -> None:
    words = ("--original", known, "--published", pixelated, "--embedder", "own", "--attacks", "linkage", "--quiet")
    code, output = run(*words, "--least-control", 100.1)
    assert code == 1
    assert "faces here are too few, too small (half of them under 112 px)" in output


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--attacks", "recognition,parrot"), "--attacks parrot: only on bodies"),
        (("--embedder", "friend"), "no embedder 'friend'; there is: own, dlib"),
        (("--part", "hand"), "--part hand: body or face"),
        *(
            ((name, "x"), f"{name} is for attacks on bodies")
            for name in ("--attacker", "--train-attacker", "--set", "--others", "--members")
        ),
    ],
)
def test_what_cannot_be_done_to_faces_is_refused(
    known: Path, pixelated: Path, words: tuple[str, ...], said: str
) -> None:
    code, output = run("--original", known, "--published", pixelated, *words)
    assert code == 2
    assert said in output


def test_crops_of_people_have_no_faces_to_attack(tmp_path: Path) -> None:
    (tmp_path / "index.csv").write_text("split,name,person,camera\n", encoding="utf-8")
    code, output = run("--original", tmp_path, "--published", tmp_path, "--part", "face")
    assert code == 2
    assert "--part face" in output
    assert "index.csv, as crops of people" in output


@needs_mot
@pytest.mark.skipif(centerface_weights() is None, reason="the extra 'face' is not installed")
def test_faces_of_a_street_are_found_on_the_heads_of_the_people_who_have_them() -> None:
    from mot_anon.data.sequence import open_sequence

    sequence = open_sequence(MOT / "MOT15" / "train" / "TUD-Campus", allow_partial=True)
    rows = seen_faces(sequence)
    assert len(rows) >= 5
    people = sequence.gt().set_index(["frame", "id"])
    for row in rows.itertuples():
        person = people.loc[(row.frame, row.id)]
        assert person["x"] <= row.x + row.w / 2 <= person["x"] + person["w"]
        assert row.y + row.h / 2 <= person["y"] + 0.3 * person["h"]
        assert row.points.shape == (68, 2)
