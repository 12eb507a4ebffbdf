"""In how many ways a picture can be anonymized, and what judges say of faces."""

from __future__ import annotations

import itertools
from pathlib import Path

import cv2
import numpy as np
import pytest

from mot_anon.errors import NotFoundError, OptionError
from mot_anon.gan import faces as networks
from mot_anon.measure import face_judges, faces_sheet
from mot_anon.methods.ciagan_face import CiaganFace
from mot_anon.plan.heads import FacePlace
from mot_anon.plan.keys import TEST_KEY, Key
from mot_anon.vision.face_data import load_faces
from mot_anon.vision.landmarks import draw_holes, face_windows
from mot_anon.vision.weights import save_weights
from tests.invented_faces import face_points
from tests.realdata import DATA

KEY = Key(TEST_KEY)


@pytest.fixture(scope="module")
def method(tmp_path_factory: pytest.TempPathFactory) -> CiaganFace:
    out = tmp_path_factory.mktemp("weights") / "generator.safetensors"
    save_weights(networks.face_generator(), out, networks.GENERATOR_FORMAT)
    return CiaganFace(out)


@pytest.fixture(scope="module")
def image(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("pictures") / "two.png"
    cv2.imwrite(str(path), np.random.default_rng(0).integers(0, 255, (120, 200, 3), np.uint8))
    return path


def two_faces(*_: object, **__: object) -> list[FacePlace]:
    """One to draw at the left, and a head to cover at the right."""
    points = (face_points() * 25 + (60, 60)).astype(np.float32)
    window = np.rint(face_windows(points[None])[0]).astype(np.int64)
    aside = np.array([90, 0, 90, 0])
    return [
        FacePlace(points, window, 0.9, usable=True, oval=True),
        FacePlace(points + aside[:2], window + aside, 0.1, usable=False, oval=True),
    ]


@pytest.fixture
def found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(faces_sheet, "face_places", two_faces)
    embedder = networks.face_embedder().eval()
    monkeypatch.setattr(face_judges, "load_face_embedder", lambda: embedder)


@pytest.mark.usefixtures("found")
def test_a_sheet_has_a_row_for_every_face_and_a_column_for_every_code(image: Path, method: CiaganFace) -> None:
    sheet = faces_sheet.make_sheet(image, 3, KEY, method)
    assert sheet.picture.shape == (2 * 160, 4 * 160, 3)
    assert (sheet.faces, sheet.covered) == (2, 1)
    assert sheet.distance is not None
    assert "2 faces, 1 of them covered" in sheet.told()
    columns = np.split(sheet.picture, 4, axis=1)
    assert not any(np.array_equal(one, two) for one, two in itertools.pairwise(columns))
    again = faces_sheet.make_sheet(image, 3, KEY, method)
    assert np.array_equal(sheet.picture, again.picture)


def test_a_face_is_replaced_and_what_is_far_from_it_is_not(method: CiaganFace) -> None:
    frame = np.random.default_rng(0).integers(0, 255, (120, 200, 3), np.uint8)
    place = two_faces()[0]
    made = faces_sheet.anonymized(frame, [place], np.ones((1, 24), np.float32), method)
    hole = draw_holes(place.points[None] / (200, 120), (120, 200))[0, 0] > 0.5
    assert (made[hole] != frame[hole]).any(1).mean() > 0.95
    assert np.array_equal(made[:, 110:], frame[:, 110:])


def test_what_cannot_be_done_is_said(image: Path, method: CiaganFace, tmp_path: Path) -> None:
    with pytest.raises(OptionError, match="at least one"):
        faces_sheet.make_sheet(image, 0, KEY, method)
    with pytest.raises(NotFoundError, match=r"no\.png: not there"):
        faces_sheet.make_sheet(tmp_path / "no.png", 1, KEY, method)
    with pytest.raises(OptionError, match="none finds no face"):
        faces_sheet.make_sheet(image, 1, KEY, method, "none")
    sheet = faces_sheet.Sheet(np.zeros((1, 1, 3), np.uint8), 1, 0, None)
    with pytest.raises(OptionError, match="a sheet is a PNG"):
        faces_sheet.write_sheet(tmp_path / "sheet.jpg", sheet)


@pytest.mark.skipif(not (DATA / "faces").is_dir(), reason="no real faces beside the checkout")
def test_independent_networks_know_people_whom_no_training_saw() -> None:
    pytest.importorskip("dlib", reason="the extra face-eval is not installed")
    if not networks.EMBEDDER_WEIGHTS.is_file():
        pytest.skip("the face embedder is not there")
    faces = load_faces(DATA / "faces", ("test",))
    rows = np.concatenate([np.flatnonzero(faces.detected & (faces.person == p))[:4] for p in (14, 15, 16, 17)])
    some = faces.of(rows)
    same = some.person[:, None] == some.person[None]
    for judge in (face_judges.proxy_nca, face_judges.dlib_embeddings):
        found = judge(some.pixels, some.landmarks)
        similarity = found @ found.T
        np.fill_diagonal(similarity, np.nan)
        assert np.nanmean(similarity[same]) > np.nanmean(similarity[~same]) + 0.05
    assert np.mean([face_judges.found_by_dlib(picture) for picture in some.pixels]) > 0.8
    assert not face_judges.found_by_dlib(np.full((112, 112, 3), 127, np.uint8))
