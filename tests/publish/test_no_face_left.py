"""Faces in awkward places: behind things, in somebody else's head box, before a jolted camera, beyond the frame."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from mot_anon.data.frames import Frame, read_frame
from mot_anon.data.sequence import Sequence as Recorded
from mot_anon.data.sequence import open_sequence
from mot_anon.publish.run import Published
from mot_anon.vision.landmarks import WEIGHTS
from tests.invented_faces import face_points
from tests.publish.conftest import Publish
from tests.realdata import MOT, needs_mot
from tests.sequences import write_sequence

SIZE = (240, 180)
BODY = (60, 30, 60, 140)
FACE = (80, 36, 20, 24)

Box = tuple[int, int, int, int]
needs_weights = pytest.mark.skipif(not WEIGHTS.is_file(), reason="the weights of the landmark reader are not there")


@dataclass
class Known:
    """A stand-in for a face detector that finds certain faces in every frame."""

    faces: Sequence[Sequence[Box]]
    fingerprint: str = "known"
    longest: int = 1920
    enlarged: float = 1.0
    frame: int = -1

    def __call__(self, pixels: Frame, *, alone: bool) -> np.ndarray:
        if not alone:
            return np.zeros((0, 5))
        self.frame += 1
        return np.array([[*face, 0.9] for face in self.faces[self.frame]], float).reshape(-1, 5)


Find = Callable[[Sequence[Sequence[Box]]], None]


@pytest.fixture
def find(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Find:
    """``find(faces of every frame)``: what detector and reader of landmarks are to find."""
    monkeypatch.setenv("MOT_ANON_CACHE", str(tmp_path / "cache"))

    def read(frames: object, table: pd.DataFrame, reader: object, tick: object) -> tuple[np.ndarray, np.ndarray]:
        boxes = table[["x", "y", "w", "h"]].to_numpy(float)
        low, high = face_points().min(0), face_points().max(0)
        unit = (face_points() - low) / (high - low)
        points = unit[None] * boxes[:, None, 2:] + boxes[:, None, :2]
        return points.astype(np.float32), np.full(len(boxes), 0.9, np.float32)

    def found(faces: Sequence[Sequence[Box]]) -> None:
        monkeypatch.setattr("mot_anon.publish.heads.make_face_detector", lambda name: Known(faces))
        monkeypatch.setattr("mot_anon.publish.heads.landmark_sequence", read)

    return found


def street(folder: Path, boxes: Sequence[Box], visibility: float = 1.0, name: str = "TEST-01") -> Path:
    """Somebody, in the n-th frame in the n-th box; what is half hidden is so behind a thing as large as they are."""
    gt = [(n, 1, *box, 1, 1, visibility) for n, box in enumerate(boxes, start=1)]
    if visibility < 1:
        gt += [(n, 2, box[0] - 4, box[1] - 4, box[2] + 8, box[3] + 8, 0, 9, 1.0) for n, box in enumerate(boxes, 1)]
    return write_sequence(folder, name, frames=len(boxes), gt=gt, size=SIZE, seed=3)


def left(sequence: Recorded, published: Published, frame: int, box: Box) -> float:
    """Which share of a box is as it was."""
    x, y, w, h = box
    before = read_frame(sequence.frames[frame - 1])
    after = read_frame(published.tree / sequence.name / "img1" / sequence.frames[frame - 1].name)
    return float((before == after).all(-1)[y : y + h, x : x + w].mean())


@needs_weights
@pytest.mark.parametrize(
    ("method", "target"), [("pixelate", "face"), ("heads", "face"), ("solid", "both"), ("ciagan", "both")]
)
def test_whose_face_is_found_is_not_hidden(tmp_path: Path, find: Find, run: Publish, method: str, target: str) -> None:
    sequence = open_sequence(street(tmp_path / "data", [BODY] * 2, visibility=0.0))
    find([[FACE]] * 2)
    assert left(sequence, run(sequence, method=method, target=target), 1, FACE) < 0.02


@needs_weights
@pytest.mark.parametrize("method", ["ciagan", "heads", "pixelate"])
def test_a_second_face_in_somebodys_head_box_goes_too(tmp_path: Path, find: Find, run: Publish, method: str) -> None:
    sequence = open_sequence(street(tmp_path / "data", [BODY] * 5))
    own, other = (83, 36, 20, 24), (63, 40, 14, 18)
    find([[own, other]] * 5)
    published = run(sequence, method=method, target="face")
    # The corners of a box that a detector drew are no face.
    assert left(sequence, published, 3, (85, 40, 16, 18)) < 0.05
    assert left(sequence, published, 3, (65, 43, 10, 13)) < 0.05


@needs_weights
@pytest.mark.parametrize("method", ["ciagan", "heads"])
def test_a_drawn_face_is_where_the_face_is_when_the_camera_jolts(
    tmp_path: Path, find: Find, run: Publish, method: str
) -> None:
    aside = [0] * 5 + [24] + [0] * 5
    sequence = open_sequence(street(tmp_path / "data", [(BODY[0] + x, *BODY[1:]) for x in aside]))
    find([[(FACE[0] + x, *FACE[1:])] for x in aside])
    published = run(sequence, method=method, target="face")
    inside = (FACE[0] + 24 + 4, FACE[1] + 6, FACE[2] - 8, FACE[3] - 8)
    assert left(sequence, published, 6, inside) < 0.02


@needs_weights
@pytest.mark.parametrize("method", ["ciagan", "heads"])
def test_two_people_of_one_name_are_both_covered(tmp_path: Path, find: Find, run: Publish, method: str) -> None:
    far = (150, *BODY[1:])
    one = open_sequence(street(tmp_path / "data", [BODY] * 6, name="MOT16-77"))
    two = open_sequence(street(tmp_path / "data", [far] * 6, name="MOT17-77-DPM"))
    there = (FACE[0] + 90, *FACE[1:])
    find([[FACE, there]] * 6)
    published = run(one, two, method=method, target="face")
    for box in (FACE, there):
        inside = (box[0] + 4, box[1] + 6, box[2] - 8, box[3] - 8)
        assert max(left(one, published, frame, inside) for frame in (1, 3, 6)) < 0.02


@needs_mot
@needs_weights
@pytest.mark.parametrize("method", ["ciagan", "heads"])
def test_heads_above_the_frame_are_no_fault(tmp_path: Path, find: Find, run: Publish, method: str) -> None:
    """The camera of MOT17-04 looks down: of many people the frame shows no head."""
    source, place = MOT / "MOT17-mini" / "train" / "MOT17-04-FRCNN", tmp_path / "data" / "MOT17-04-FRCNN"
    (place / "img1").mkdir(parents=True)
    shutil.copy(next(iter(sorted((source / "img1").iterdir()))), place / "img1" / "000001.jpg")
    (place / "gt").mkdir()
    rows = [line for line in (source / "gt" / "gt.txt").read_text().splitlines() if line.startswith("1,")]
    (place / "gt" / "gt.txt").write_text("\n".join(rows) + "\n")
    info = (source / "seqinfo.ini").read_text()
    (place / "seqinfo.ini").write_text(re.sub("seqLength=.*", "seqLength=1", info))
    find([[]])
    assert run(open_sequence(place), method=method, target="face").tree.is_dir()


@pytest.mark.parametrize(("method", "target"), [("ciagan", "body"), ("ciagan", "both"), ("heads", "face")])
def test_where_nobody_is_the_frames_are_published(
    tmp_path: Path, find: Find, run: Publish, method: str, target: str
) -> None:
    cars = [(frame, 1, 20, 20, 40, 30, 0, 3, 1.0) for frame in (1, 2)]
    sequence = open_sequence(write_sequence(tmp_path / "data", frames=2, gt=cars, size=SIZE))
    find([[]] * 2)
    published = run(sequence, method=method, target=target)
    assert left(sequence, published, 1, (0, 0, *SIZE)) == 1


def test_a_large_face_without_a_body_is_as_coarse_as_one_with_a_body(tmp_path: Path, find: Find, run: Publish) -> None:
    box = (100, 50, 80, 96)
    sequence = open_sequence(
        write_sequence(tmp_path / "data", frames=2, gt=[(1, 9, 4, 90, 20, 60, 1, 1, 1)], size=SIZE)
    )
    find([[box]] * 2)
    published = run(sequence, method="pixelate", target="face")
    row = read_frame(published.tree / sequence.name / "img1" / "000001.png")[98, box[0] : box[0] + box[2]].astype(int)
    assert (np.abs(np.diff(row, axis=0)).max(1) > 0).sum() <= 8
