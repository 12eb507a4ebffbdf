from __future__ import annotations

import multiprocessing
import shutil
from pathlib import Path

import cv2
import numpy as np
import pandas as pd
import pytest
from numpy.typing import NDArray

from mot_anon.data.frames import Frame
from mot_anon.data.motchallenge import DETECTION_COLUMNS, table
from mot_anon.errors import FrameError, OutputError
from mot_anon.vision import cache
from mot_anon.vision.cache import cache_folder, detect_sequence, embed_sequence, frames_digest
from mot_anon.vision.embed import RandomEmbedder


class BrightestDetector:
    """One box a frame, at the brightest row."""

    def __init__(self, fingerprint: str = "brightest") -> None:
        self.fingerprint = fingerprint
        self.frames: list[int] = []

    def __call__(self, frame: Frame, index: int) -> NDArray[np.float64]:
        self.frames.append(index)
        if frame.max() == 0:
            return np.zeros((0, 5))
        return np.array([[0.0, float(frame.sum((1, 2)).argmax()), 5, 5, 1]])


class MeanEmbedder:
    def __init__(self, fingerprint: str = "mean") -> None:
        self.fingerprint = fingerprint
        self.calls = 0

    def __call__(self, frame: Frame, boxes: NDArray[np.float64]) -> NDArray[np.float32]:
        self.calls += 1
        return np.stack([[box[0], frame.mean()] for box in boxes]).astype(np.float32)


@pytest.fixture(autouse=True)
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "cache" / "deep"
    monkeypatch.setenv("MOT_ANON_CACHE", str(folder))
    return folder


@pytest.fixture
def frames(tmp_path: Path) -> list[Path]:
    paths = []
    for number in range(1, 5):
        picture = np.zeros((20, 30, 3), np.uint8)
        if number != 3:
            picture[number * 2] = 200
        paths.append(tmp_path / f"{number:06d}.png")
        cv2.imwrite(str(paths[-1]), picture)
    return paths


def entries(folder: Path) -> list[Path]:
    return sorted(folder.iterdir())


def test_detections_are_computed_once(frames: list[Path], own_cache: Path) -> None:
    detector = BrightestDetector()
    first = detect_sequence(frames, detector)
    assert first["frame"].tolist() == [1, 2, 4]
    assert first["y"].tolist() == [2, 4, 8]
    assert list(first.columns) == DETECTION_COLUMNS
    pd.testing.assert_frame_equal(detect_sequence(frames, detector), first)
    assert detector.frames == [1, 2, 3, 4]
    assert len(entries(own_cache)) == 1


def test_every_frame_ticks_whether_computed_or_remembered(frames: list[Path]) -> None:
    ticks: list[int] = []
    for _ in range(2):
        ticks.clear()
        detect_sequence(frames, BrightestDetector(), lambda: ticks.append(1))
        assert len(ticks) == 4


def test_a_changed_frame_or_detector_is_never_answered_from_the_cache(frames: list[Path]) -> None:
    detect_sequence(frames, BrightestDetector())
    other = BrightestDetector("brightest 2")
    detect_sequence(frames, other)
    assert len(other.frames) == 4
    picture = np.zeros((20, 30, 3), np.uint8)
    picture[11] = 200
    cv2.imwrite(str(frames[2]), picture)
    changed = BrightestDetector()
    assert detect_sequence(frames, changed)["y"].tolist() == [2, 4, 11, 8]
    assert len(changed.frames) == 4


def test_the_same_frames_elsewhere_are_answered_from_the_cache(frames: list[Path], tmp_path: Path) -> None:
    detect_sequence(frames, BrightestDetector())
    (tmp_path / "copy").mkdir()
    copies = [Path(shutil.copy(path, tmp_path / "copy")) for path in frames]
    detector = BrightestDetector()
    detect_sequence(copies, detector)
    assert detector.frames == []


def test_the_order_of_frames_counts(frames: list[Path]) -> None:
    assert frames_digest(frames) != frames_digest(frames[::-1])
    assert frames_digest(frames) != frames_digest(frames[:-1])


@pytest.mark.parametrize("damage", ["cut", "flip", "empty", "text"])
def test_a_damaged_entry_is_computed_again(frames: list[Path], own_cache: Path, damage: str) -> None:
    right = detect_sequence(frames, BrightestDetector())
    (entry,) = entries(own_cache)
    data = bytearray(entry.read_bytes())
    if damage == "flip":
        place = data.find(np.float64(8).tobytes())  # the last row's y
        data[place + 7] ^= 1
    entry.write_bytes({"cut": data[: len(data) // 2], "flip": data, "empty": b"", "text": b"no zip"}[damage])
    detector = BrightestDetector()
    pd.testing.assert_frame_equal(detect_sequence(frames, detector), right)
    assert len(detector.frames) == 4
    again = BrightestDetector()
    detect_sequence(frames, again)
    assert again.frames == [], "the entry was not mended"


def test_features_stand_in_the_order_of_the_detections(frames: list[Path]) -> None:
    boxes = table([(4, 9, 1, 5, 5, 1), (1, 7, 1, 5, 5, 1), (4, 8, 1, 5, 5, 1)], DETECTION_COLUMNS)
    embedder = MeanEmbedder()
    features = embed_sequence(frames, boxes, embedder)
    assert features[:, 0].tolist() == [9, 7, 8]
    assert features.dtype == np.float32
    assert embedder.calls == 2
    assert np.array_equal(embed_sequence(frames, boxes, embedder), features)
    assert embedder.calls == 2


def test_other_boxes_have_other_features(frames: list[Path]) -> None:
    boxes = table([(1, 7, 1, 5, 5, 1)], DETECTION_COLUMNS)
    embedder = MeanEmbedder()
    embed_sequence(frames, boxes, embedder)
    embed_sequence(frames, boxes.assign(w=6.0), embedder)
    embed_sequence(frames, boxes.assign(frame=2), embedder)
    embed_sequence(frames, boxes, MeanEmbedder("other"))
    assert embedder.calls == 3


def test_without_boxes_there_are_no_features(frames: list[Path]) -> None:
    assert len(embed_sequence(frames, table([], DETECTION_COLUMNS), MeanEmbedder())) == 0


def test_random_features_of_a_sequence_do_not_depend_on_what_was_embedded_before(
    frames: list[Path], own_cache: Path
) -> None:
    boxes = table([(1, 7, 1, 5, 5, 1), (2, 7, 1, 5, 5, 1), (2, 3, 1, 5, 5, 1)], DETECTION_COLUMNS)
    used = RandomEmbedder()
    used(None, np.ones((5, 4)))
    first = embed_sequence(frames, boxes, used)
    for entry in entries(own_cache):
        entry.unlink()
    assert np.array_equal(embed_sequence(frames, boxes, RandomEmbedder()), first)


def test_entries_are_their_owners_alone(frames: list[Path], own_cache: Path) -> None:
    detect_sequence(frames, BrightestDetector())
    assert own_cache.stat().st_mode & 0o777 == 0o700
    assert {entry.stat().st_mode & 0o777 for entry in entries(own_cache)} == {0o600}


def test_the_users_own_cache_is_closed_and_a_folder_that_was_named_is_left_as_it_is(
    tmp_path: Path, own_cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    for folder in (own_cache, tmp_path / "mot_anon"):
        folder.mkdir(parents=True)
        folder.chmod(0o755)
    assert cache_folder().stat().st_mode & 0o777 == 0o755
    monkeypatch.delenv("MOT_ANON_CACHE")
    assert cache_folder().stat().st_mode & 0o777 == 0o700
    assert tmp_path.stat().st_mode & 0o777 == tmp_path.parent.stat().st_mode & 0o777
    monkeypatch.setattr("mot_anon.vision.cache.os.getuid", lambda: tmp_path.stat().st_uid + 1)
    (tmp_path / "mot_anon").chmod(0o755)
    assert cache_folder().stat().st_mode & 0o777 == 0o755, "of somebody else"


def compute(paths: list[Path], times: int, results: multiprocessing.Queue[list[float]]) -> None:
    for time in range(times):
        detect_sequence(paths, BrightestDetector(f"run {time}"))
    results.put(detect_sequence(paths, BrightestDetector("run 0"))["y"].tolist())


def test_two_processes_at_once_do_not_disturb_each_other(frames: list[Path], own_cache: Path) -> None:
    context = multiprocessing.get_context("fork")
    results: multiprocessing.Queue[list[float]] = context.Queue()
    workers = [context.Process(target=compute, args=(frames, 30, results)) for _ in range(2)]
    for worker in workers:
        worker.start()
    found = [results.get(timeout=60) for _ in workers]
    for worker in workers:
        worker.join()
    assert found == [[2, 4, 8]] * 2
    assert len(entries(own_cache)) == 30, "something partial was left behind"


def test_an_interrupted_computation_leaves_nothing(frames: list[Path], own_cache: Path) -> None:
    def stop() -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        detect_sequence(frames, BrightestDetector(), stop)
    assert entries(own_cache) == []


def test_a_broken_or_missing_frame_is_named(frames: list[Path]) -> None:
    frames[1].write_bytes(frames[1].read_bytes()[:-20])
    with pytest.raises(FrameError, match=r"000002\.png"):
        detect_sequence(frames, BrightestDetector())
    frames[1].unlink()
    with pytest.raises(FrameError, match=r"000002\.png"):
        detect_sequence(frames, BrightestDetector())


def test_a_cache_that_cannot_be_made_says_how_to_choose_another(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("MOT_ANON_CACHE", str(tmp_path / "file"))
    with pytest.raises(OutputError, match="MOT_ANON_CACHE"):
        cache_folder()
    monkeypatch.delenv("MOT_ANON_CACHE")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "xdg"))
    assert cache_folder() == tmp_path / "xdg" / "mot_anon"


def test_what_a_standing_camera_sees_is_computed_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MOT_ANON_CACHE", str(tmp_path / "cache"))
    asked: list[int] = []

    def look(frames: list[Path]) -> np.ndarray | None:
        asked.append(len(frames))
        return None if len(frames) < 2 else np.full((4, 6), 7, np.uint8)

    monkeypatch.setattr(cache, "still_background", look)
    paths = [tmp_path / "1.png", tmp_path / "2.png"]
    for path in paths:
        path.write_bytes(path.name.encode())
    for _ in range(2):
        found = cache.still_sequence(paths)
        assert found is not None
        assert found.tolist() == [[7] * 6] * 4
        assert cache.still_sequence(paths[:1]) is None  # the camera moves
    assert asked == [2, 1]
