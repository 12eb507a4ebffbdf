"""Landmarks: what generators are told of a face, and the network that reads them."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
import torch

from mot_anon.errors import NotFoundError, OptionError
from mot_anon.vision.bodies import load_bodies
from mot_anon.vision.face_data import load_faces
from mot_anon.vision.landmark_crops import Studio, bad_camera, occluded, still_crops
from mot_anon.vision.landmark_training import LandmarkConfig, errors, landmark_losses, train_landmarks
from mot_anon.vision.landmarks import (
    KEPT,
    MIRRORED,
    USABLE,
    WEIGHTS,
    LandmarkReader,
    draw_holes,
    draw_landmarks,
    face_windows,
    reading_windows,
)
from mot_anon.vision.training import Draw
from tests.invented_bodies import write_bodies
from tests.invented_faces import face_points, write_faces
from tests.realdata import BODIES, DATA, needs_bodies, needs_faces

POINTS = (0.5 + 0.35 * face_points()[None]).astype(np.float32)
needs_weights = pytest.mark.skipif(not WEIGHTS.is_file(), reason="the weights of the landmark reader are not there")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("data")
    write_bodies(place / "bodies")
    return write_faces(place / "faces", coloured=6, grey=40)


@pytest.fixture(scope="module")
def studio(folder: Path) -> Studio:
    return Studio(load_faces(folder, ("train",)), load_bodies(folder.parent / "bodies", "train"))


def test_a_drawing_tells_jaw_nose_and_inner_mouth_and_nothing_of_eyes_brows_and_lips() -> None:
    assert (*range(17), *range(27, 31), *range(60, 68)) == KEPT
    drawn = draw_landmarks(POINTS)
    assert drawn.shape == (1, 1, 64, 64)
    assert drawn.dtype == np.float32
    assert 0 == drawn.min() < drawn.max() <= 1
    for place in range(68):
        moved = POINTS.copy()
        moved[0, place] += 0.05
        assert (not np.array_equal(draw_landmarks(moved), drawn)) == (place in KEPT)


def test_lines_are_thin_smooth_and_where_the_points_are() -> None:
    drawn = draw_landmarks(POINTS, (128, 128))[0, 0]
    for x, y in POINTS[0, list(KEPT)] * 128:
        assert drawn[int(y) - 1 : int(y) + 2, int(x) - 1 : int(x) + 2].max() > 0.5
    assert 0.01 < drawn.mean() < 0.06
    assert len(np.unique(drawn)) > 8


def test_a_shift_of_a_tenth_of_a_cell_is_seen() -> None:
    near = draw_landmarks(POINTS + np.float32(0.1 / 64))
    assert 0 < np.abs(near - draw_landmarks(POINTS)).mean() < 0.01


def test_points_far_outside_draw_nothing_and_do_no_harm() -> None:
    assert draw_landmarks(POINTS + 5).max() == 0
    assert draw_holes(POINTS - 1e6).max() == 0


def test_a_hole_holds_all_landmarks_and_some_of_the_forehead() -> None:
    hole = draw_holes(POINTS, (128, 128))[0, 0]
    inside = hole[tuple(np.rint(POINTS[0] * 128 - 0.5).astype(int).T[::-1])]
    assert inside.min() > 0.9
    top = np.flatnonzero(hole.any(1))[0] / 128
    brow, chin = POINTS[0, 17:27, 1].mean(), POINTS[0, 8, 1]
    assert 0.15 * (chin - brow) < brow - top < 0.4 * (chin - brow)


def test_mirroring_twice_changes_nothing_and_swaps_the_eyes() -> None:
    assert [MIRRORED[MIRRORED[place]] for place in range(68)] == list(range(68))
    mirrored = face_points()[list(MIRRORED)] * (-1, 1)
    assert np.allclose(mirrored[[0, 8, 16, 17, 26, 33]], face_points()[[0, 8, 16, 17, 26, 33]], atol=1e-6)


def test_windows_are_square_and_go_with_the_face() -> None:
    (window,) = face_windows(POINTS)
    assert window[2] - window[0] == pytest.approx(window[3] - window[1])
    assert window[1] < POINTS[0, :, 1].min() - 0.1
    (moved,) = face_windows(POINTS * 3 + 7)
    assert np.allclose(moved, window * 3 + 7, atol=1e-4)
    (read,) = reading_windows(np.array([[10.0, 20.0, 30.0, 40.0]]))
    assert np.allclose(read, [-1, 14, 51, 66])


def test_a_training_runs_repeats_and_ships_a_reader(folder: Path, tmp_path: Path) -> None:
    config = LandmarkConfig(steps=2, batch=4, save_every=2)
    first = train_landmarks(config, folder, tmp_path / "a.safetensors", lambda line: None, samples=tmp_path / "look")
    second = train_landmarks(config, folder, tmp_path / "b.safetensors", lambda line: None)
    assert first.read_bytes() == second.read_bytes()
    assert [path.name for path in (tmp_path / "look").iterdir()] == ["landmarks-000002.png"]
    points, sure = LandmarkReader(first)(np.zeros((3, 20, 20, 3), np.uint8))
    assert points.shape == (3, 68, 2)
    assert ((sure >= 0) & (sure <= 1)).all()


def test_a_training_without_bodies_says_what_to_give(tmp_path: Path) -> None:
    faces = write_faces(tmp_path / "faces", coloured=5, grey=0)
    with pytest.raises(NotFoundError, match="--set bodies=DIR"):
        train_landmarks(LandmarkConfig(steps=1), faces, tmp_path / "a.safetensors")
    with pytest.raises(OptionError, match="unknown setting"):
        LandmarkConfig.from_settings({"eyes": "2"})


def test_crops_for_training_keep_faces_and_landmarks_together(studio: Studio) -> None:
    crops = studio.crops(Draw(3), 32, nobody=0.0, small=0.0, smallest=11.0)
    assert crops.face.min() == 1
    # Eyes are painted dark on every invented face: what lies there must be darker than the cheek beside.
    images, points = crops.images.mean(1).numpy(), crops.points.numpy()
    darker = seen = 0
    for image, face in zip(images, points, strict=True):
        eye, cheek = face[36:42].mean(0), face[[2, 31]].mean(0)
        if not (np.array([eye, cheek]) > 0.1).all() or not (np.array([eye, cheek]) < 0.9).all():
            continue
        a, b = (image[int(y * 64), int(x * 64)] for x, y in (eye, cheek))
        seen, darker = seen + 1, darker + int(a < b)
    assert seen > 10
    assert darker / seen > 0.8


def test_crops_without_a_face_say_so(studio: Studio) -> None:
    crops = studio.crops(Draw(4), 8, nobody=1.0, small=0.5, smallest=11.0)
    assert crops.face.max() == 0
    assert crops.points.abs().max() == 0


def test_where_there_is_no_face_points_do_not_count_and_confidence_is_to_be_low() -> None:
    true = torch.from_numpy(POINTS).expand(2, 68, 2)
    off = true + torch.tensor([0.0, 5.0])[:, None, None]
    face = torch.tensor([1.0, 0.0])
    good = landmark_losses(off, torch.tensor([9.0, -9.0]), true, face)
    bad = landmark_losses(off, torch.tensor([9.0, 9.0]), true, face)
    assert good["points"] < 1e-3
    assert good["confidence"] < 0.01 < bad["confidence"]


def test_a_face_whose_points_are_far_off_is_not_to_be_sure() -> None:
    true = torch.from_numpy(POINTS)
    face, sure, unsure = torch.ones(1), torch.tensor([5.0]), torch.tensor([-5.0])
    assert errors(true + 0.2, true) > 0.2
    assert landmark_losses(true + 0.2, sure, true, face)["confidence"] > 4
    assert landmark_losses(true + 0.2, unsure, true, face)["confidence"] < 0.1


def test_errors_are_by_the_distance_of_the_eyes() -> None:
    true = torch.from_numpy(POINTS)
    eyes = float((true[0, 36] - true[0, 45]).norm())
    assert errors(true + torch.tensor([0.1, 0.0]), true).item() == pytest.approx(0.1 / eyes, rel=1e-3)
    assert errors(2 * true + 0.1, 2 * true).item() == pytest.approx(errors(true + 0.05, true).item(), rel=1e-3)


def test_bad_cameras_keep_the_size_and_lose_detail() -> None:
    rng = np.random.default_rng(0)
    image = rng.integers(0, 256, (64, 64, 3)).astype(np.uint8)
    worse = [bad_camera(image, rng, 1.0, 11.0) for _ in range(5)]
    assert all(one.shape == image.shape and one.dtype == np.uint8 for one in worse)
    assert all(cv2.Laplacian(one, cv2.CV_32F).std() < cv2.Laplacian(image, cv2.CV_32F).std() / 2 for one in worse)


def test_what_stands_before_a_face_hides_about_as_much_as_asked_for() -> None:
    rng = np.random.default_rng(1)
    image = np.full((64, 64, 3), 128, np.uint8)
    image[::2] = 90
    shares = [float((occluded(image, rng, 0.65, 0.95) != image).any(-1).mean()) for _ in range(40)]
    assert max(shares) > 0.5


@needs_weights
@needs_faces
def test_landmarks_of_real_people_never_seen_are_found_down_to_sixteen_pixels() -> None:
    faces = load_faces(DATA / "faces", ("val",))
    faces = faces.of(np.flatnonzero(faces.detected)[::4])
    reader = LandmarkReader()
    for size, most in ((64, 0.085), (32, 0.085), (16, 0.10)):
        crops = still_crops(faces, size)
        pixels = ((crops.images + 1) * 127.5).round().to(torch.uint8).flip(1).permute(0, 2, 3, 1).numpy()
        points, sure = reader(np.ascontiguousarray(pixels))
        assert float(errors(torch.from_numpy(points), crops.points).mean()) < most
        assert (sure >= USABLE).mean() > 0.6


@needs_weights
@needs_bodies
def test_legs_and_streets_are_no_faces() -> None:
    bodies = load_bodies(BODIES, "val")
    crops = bodies.pixels[::10, 90:140, 15:65]
    _, sure = LandmarkReader()(crops)
    assert (sure >= USABLE).mean() < 0.03
