"""What a published frame shows: people replaced, everything else as it was."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from mot_anon.data.frames import metadata_segments, read_frame
from mot_anon.data.sequence import Sequence, open_sequence
from mot_anon.methods.classical import METHODS
from mot_anon.plan.keys import Key
from mot_anon.publish.analyse import Coverage
from tests.publish.conftest import Publish, tree_bytes
from tests.sequences import PEOPLE, write_sequence

PROTECTING = [name for name, make in METHODS.items() if not make(None).control]


def inside(frame: int, *, head_only: bool = False) -> NDArray[np.bool_]:
    mask = np.zeros((96, 120), bool)
    for f, _, x, y, w, h, _, kind, _ in PEOPLE:
        if f == frame and kind == 1:
            mask[int(y) : int(y + (h / 8 if head_only else h)), int(x) : int(x + w)] = True
    return mask


def changed(before: Path, after: Path) -> NDArray[np.bool_]:
    return np.asarray((read_frame(before) != read_frame(after)).any(axis=2))


@pytest.mark.parametrize("target", ["body", "face", "both"])
@pytest.mark.parametrize("method", PROTECTING)
def test_people_change_and_the_background_of_png_frames_does_not(
    run: Publish, sequence: Sequence, method: str, target: str
) -> None:
    done = run(sequence, method=method, target=target)
    for number, source in enumerate(sequence.frames, start=1):
        moved = changed(source, done.tree / sequence.name / "img1" / source.name)
        assert not moved[~_near(number)].any()
        covered = inside(number, head_only=target == "face")
        assert moved[covered].mean() > 0.9
        if target == "face":
            assert not moved[60:].any()  # legs stay


def _near(frame: int) -> NDArray[np.bool_]:
    # Heads begin a little above their boxes, and a parser that knows no drawn people may see them stick out of those.
    mask = np.zeros((96, 120), bool)
    for f, _, x, y, w, h, _, kind, _ in PEOPLE:
        if f == frame and kind == 1:
            mask[max(0, int(y - 0.25 * h)) : int(y + h), max(0, int(x - 0.25 * h)) : int(x + w + 0.25 * h)] = True
    return mask


@pytest.mark.parametrize("method", PROTECTING)
def test_jpeg_frames_change_inside_and_stay_close_outside(run: Publish, tmp_path: Path, method: str) -> None:
    sequence = open_sequence(write_sequence(tmp_path / "data", ext=".jpg"))
    done = run(sequence, method=method)
    for number, source in enumerate(sequence.frames, start=1):
        path = done.tree / sequence.name / "img1" / source.name
        difference = np.abs(read_frame(source).astype(int) - read_frame(path).astype(int)).mean(axis=2)
        assert difference[inside(number)].mean() > 3 * difference[~inside(number)].mean()
        assert metadata_segments(path.read_bytes()) == []


def test_no_method_changes_no_png(run: Publish, sequence: Sequence) -> None:
    done = run(sequence, method="none", control=True)
    for source in sequence.frames:
        assert not changed(source, done.tree / sequence.name / "img1" / source.name).any()


def test_the_same_person_has_one_colour_in_all_frames_and_another_one_in_another_camera(
    run: Publish, tmp_path: Path
) -> None:
    cameras = [open_sequence(write_sequence(tmp_path / "data", name, seed=n)) for n, name in enumerate("AB")]
    done = run(*cameras, method="solid")
    colours = {
        (name, frame, person): tuple(read_frame(done.tree / name / "img1" / f"{frame:06d}.png")[70, x])
        for name in "AB"
        for frame in range(1, 7)
        for person, x in ((1, 12 + 2 * frame), (2, 62 + frame))
    }
    per_person = {(n, p): {c for (m, _, q), c in colours.items() if (m, q) == (n, p)} for n in "AB" for p in (1, 2)}
    assert all(len(found) == 1 for found in per_person.values())
    assert len(set.union(*per_person.values())) == 4


def test_the_shared_policy_gives_a_camera_one_colour(run: Publish, sequence: Sequence) -> None:
    done = run(sequence, method="solid", policy="shared")
    frame = read_frame(done.tree / sequence.name / "img1" / "000001.png")
    assert tuple(frame[70, 14]) == tuple(frame[70, 65])


def test_the_same_key_writes_the_same_tree_and_another_key_another(
    run: Publish, sequence: Sequence, tmp_path: Path
) -> None:
    one, two = (tree_bytes(run(sequence, out=tmp_path / n, method="solid").tree) for n in "ab")
    other = tree_bytes(run(sequence, out=tmp_path / "c", method="solid", key=Key(b"k" * 32)).tree)
    assert one == two
    assert all(one[name] != other[name] for name in one if name.endswith(".png"))


def test_two_workers_write_what_one_writes(run: Publish, sequence: Sequence, tmp_path: Path) -> None:
    one, two = (run(sequence, out=tmp_path / str(n), workers=n, method="blur").tree for n in (1, 2))
    assert tree_bytes(one) == tree_bytes(two)


def test_a_drawn_key_is_another_one_every_time(run: Publish, sequence: Sequence, tmp_path: Path) -> None:
    one, two = (tree_bytes(run(sequence, out=tmp_path / n, method="solid", key=None).tree) for n in "ab")
    assert one["TEST-01/img1/000001.png"] != two["TEST-01/img1/000001.png"]


def test_a_public_detection_without_ground_truth_is_blurred_away(run: Publish, tmp_path: Path) -> None:
    det = [(3, -1, 85, 30, 20, 50, 0.9)]
    sequence = open_sequence(write_sequence(tmp_path / "data", gt=PEOPLE[:3], det=det))
    done = run(sequence, method="solid")
    moved = changed(sequence.frames[2], done.tree / sequence.name / "img1" / "000003.png")
    assert moved[28:82, 83:107].mean() > 0.9  # with room for hair and feet
    moved[25:85, 80:110] = False
    assert not moved.any()
    assert done.record["sequences"][0]["regions"] == {"person": 2, "unsure": 1, "hidden": 0}


def test_a_detection_below_the_least_confidence_is_nobody(run: Publish, tmp_path: Path) -> None:
    det = [(3, -1, 85, 30, 20, 50, 0.2)]
    sequence = open_sequence(write_sequence(tmp_path / "data", gt=PEOPLE[:3], det=det))
    done = run(sequence, coverage=Coverage(detector=None, least_confidence=0.5))
    assert not changed(sequence.frames[2], done.tree / sequence.name / "img1" / "000003.png").any()


def test_whoever_ground_truth_calls_hidden_is_listed_and_not_painted(run: Publish, tmp_path: Path) -> None:
    gt = [(1, 5, 20, 20, 20, 40, 1, 1, 0), (1, 6, 15, 15, 30, 70, 1, 1, 1)]
    sequence = open_sequence(write_sequence(tmp_path / "data", frames=2, gt=gt))
    assert run(sequence).hidden == {"TEST-01": {"5": [1]}}


def test_a_face_inside_the_box_of_somebody_whose_body_stays_is_covered(run: Publish, tmp_path: Path) -> None:
    child = (1, 5, 20, 50, 14, 34, 1, 1, 0)  # boxes say that she is hidden; she looks out from beside the legs
    sequence = open_sequence(write_sequence(tmp_path / "data", frames=2, gt=[child, (1, 6, 15, 12, 30, 80, 1, 1, 1)]))
    done = run(sequence, target="face")
    moved = changed(sequence.frames[0], done.tree / sequence.name / "img1" / "000001.png")
    assert moved[50:56, 20:34].mean() > 0.9
    assert done.hidden == {"TEST-01": {}}


def test_a_box_outside_the_frame_or_without_an_area_is_listed(run: Publish, tmp_path: Path) -> None:
    gt = [(1, 5, 300, 20, 20, 40, 1, 1, 1), (1, 6, 40, 40, 0, 10, 1, 1, 1), (1, 7, 110, 10, 40, 60, 1, 1, 1)]
    sequence = open_sequence(write_sequence(tmp_path / "data", frames=1, gt=gt))
    done = run(sequence)
    assert done.hidden == {"TEST-01": {"5": [1], "6": [1]}}
    moved = changed(sequence.frames[0], done.tree / sequence.name / "img1" / "000001.png")
    assert moved[10:70, 110:].mean() > 0.9
