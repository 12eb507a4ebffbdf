from __future__ import annotations

import dataclasses
import shutil
from itertools import combinations

import cv2
import numpy as np
import pytest

from mot_anon.data import demo
from mot_anon.data.demo import NAMES, cached_demo, demo_identities, write_demo
from mot_anon.data.demo_stage import Stage
from mot_anon.data.demo_world import VIEWS
from mot_anon.data.frames import metadata_segments, read_frame
from mot_anon.data.sequence import open_sequence
from mot_anon.errors import OptionError, OutputError
from mot_anon.plan.regions import iou
from mot_anon.vision.detect import HogDetector

FRAMES = 12
SIZE = (960, 540)


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    folder = tmp_path_factory.mktemp("demo")
    write_demo(folder, frames=FRAMES, workers=1)
    return folder


@pytest.fixture(scope="module")
def sequences(root):
    return [open_sequence(root / name) for name in NAMES]


def pedestrians(sequence, frame):
    gt = sequence.gt()
    return gt[(gt["frame"] == frame) & (gt["class"] == 1)]


def boxes(table):
    return table[["x", "y", "w", "h"]].to_numpy()


def inside(table, margin=0.0):
    mask = np.zeros(SIZE[::-1], bool)
    for x, y, w, h in boxes(table):
        left, top = max(0, int(x - margin)), max(0, int(y - margin))
        mask[top : max(0, int(y + h + margin) + 1), left : max(0, int(x + w + margin) + 1)] = True
    return mask


def files(folder):
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_three_cameras_stand_in_motchallenge_layout_and_nothing_else(root):
    frames = {f"{name}/img1/{n:06d}.jpg" for name in NAMES for n in range(1, FRAMES + 1)}
    texts = {f"{name}/{text}" for name in NAMES for text in ("gt/gt.txt", "det/det.txt", "seqinfo.ini")}
    assert files(root).keys() == frames | texts
    assert NAMES == ("demo-01", "demo-02", "demo-03")


def test_every_camera_opens_with_readable_ground_truth_and_detections(sequences):
    for sequence, view in zip(sequences, VIEWS, strict=True):
        assert (sequence.n_frames, sequence.width, sequence.height, sequence.fps) == (FRAMES, *SIZE, view.fps)
        assert set(sequence.gt()["frame"]) == set(range(1, FRAMES + 1))
        assert set(sequence.detections()["frame"]) == set(range(1, FRAMES + 1))
        assert sequence.gt()["visibility"].between(0, 1).all()
    assert len({sequence.camera for sequence in sequences}) == 3


def test_frames_have_the_promised_size_and_no_metadata(sequences):
    for sequence in sequences:
        assert read_frame(sequence.frames[0], size=SIZE).shape == (540, 960, 3)
        assert metadata_segments(sequence.frames[0].read_bytes()) == []


def test_two_workers_write_the_same_bytes_and_a_shorter_demo_is_the_beginning_of_a_longer_one(root, tmp_path):
    write_demo(tmp_path / "short", frames=2, workers=2)
    short, long = files(tmp_path / "short"), files(root)
    frames = {path for path in short if path.endswith(".jpg")}
    assert len(frames) == 6
    assert all(short[path] == long[path] for path in frames)
    for text in ("gt/gt.txt", "det/det.txt"):
        for name in NAMES:
            longer = long[f"{name}/{text}"].decode().splitlines()
            assert short[f"{name}/{text}"].decode().splitlines() == [x for x in longer if int(x.split(",")[0]) <= 2]


def test_png_frames_are_the_pictures_before_compression_and_progress_counts_every_one(tmp_path):
    told = []
    progress = lambda done, total: told.append((done, total))  # noqa: E731
    write_demo(tmp_path, frames=1, workers=1, image_format="png", progress=progress)
    assert told == [(1, 3), (2, 3), (3, 3)]
    sequence = open_sequence(tmp_path / "demo-03")
    assert np.array_equal(read_frame(sequence.frames[0]), Stage(VIEWS[2]).frame(1)[0])


def test_boxes_hold_the_people_and_no_person_is_without_a_box(sequences):
    for sequence, view in zip(sequences, VIEWS, strict=True):
        gt = sequence.gt()
        rows = gt[(gt["frame"] == 1) & gt["class"].isin([1, 2, 4, 7, 12])]
        empty = dataclasses.replace(view, routes=(), order=(), seated=None, rider=None)
        picture, place = (Stage(v).frame(1)[0].astype(int) for v in (view, empty))
        changed = np.abs(picture - place).max(axis=2) > 12
        for x, y, w, h in boxes(rows[(rows["visibility"] > 0.9) & (rows["class"] != 12)]).astype(int):
            assert changed[max(y, 0) : y + h, max(x, 0) : x + w].mean() > 0.3
        brighter = (picture - place).max(axis=2) > 2  # shadows only darken
        assert brighter.sum() > 5000
        assert not (brighter & ~inside(rows, margin=1)).any()


def test_the_same_sixteen_people_pass_every_camera_under_other_ids(sequences):
    who = demo_identities()
    for sequence in sequences:
        ids = set(sequence.gt().query("`class` == 1")["id"])
        assert ids <= set(range(1, 17))
        assert {who[sequence.name, number] for number in range(1, 17)} == set(range(16))
    for a, b in ((0, 1), (0, 2), (1, 2)):
        kept = sum(who[NAMES[a], number] == who[NAMES[b], number] for number in range(1, 17))
        assert kept <= 4


def clothes(sequence, frame):
    """Colour of torso and legs of everybody in full view, by person, less the camera's white balance."""
    picture = cv2.cvtColor(read_frame(sequence.frames[frame - 1]), cv2.COLOR_BGR2LAB).astype(float)
    seen = pedestrians(sequence, frame).query("visibility > 0.9")
    looks = {}
    for number, (x, y, w, h) in zip(seen["id"], boxes(seen), strict=True):
        columns = slice(max(0, int(x + 0.38 * w)), int(x + 0.62 * w))
        parts = [
            picture[int(y + a * h) : int(y + b * h), columns].reshape(-1, 3) for a, b in ((0.25, 0.45), (0.55, 0.7))
        ]
        if all(map(len, parts)):
            looks[demo_identities()[sequence.name, number]] = np.concatenate([np.median(p, axis=0) for p in parts])
    middle = np.median(list(looks.values()), axis=0)
    return {person: look - middle for person, look in looks.items()}


def test_a_person_wears_the_same_clothes_in_all_cameras(sequences):
    right = []
    looks = [clothes(sequence, FRAMES) for sequence in sequences]
    for a, b in combinations(looks, 2):
        for person in a.keys() & b.keys():
            right.append(min(b, key=lambda other, look=a[person]: np.linalg.norm(b[other] - look)) == person)
    assert len(right) >= 12
    assert np.mean(right) > 0.5  # by chance: one in ten


def test_people_of_many_sizes_move_and_hide_behind_people_and_things(sequences):
    partly = set()
    for sequence in sequences:
        first, last = (pedestrians(sequence, n).set_index("id") for n in (1, FRAMES))
        assert len(first) >= 12
        assert first["h"].max() / first["h"].min() > 2.5
        assert ((first["x"] - last["x"]).abs() > 3).sum() >= 6
        assert (first["visibility"] > 0.95).sum() >= 4
        partly |= {(sequence.name, number) for number in last.query("0.05 < visibility < 0.8").index}
    assert len(partly) >= 6


def test_who_is_hidden_has_something_in_front_or_leaves_the_frame(sequences):
    for sequence in sequences:
        gt = sequence.gt()
        now = gt[gt["frame"] == FRAMES]
        for row in now[(now["class"] == 1) & (now["visibility"] < 0.6)].itertuples():
            others = now[now["id"] != row.id]
            cover = inside(others)[max(0, int(row.y)) : int(row.y + row.h), max(0, int(row.x)) : int(row.x + row.w)]
            assert cover.sum() / (row.w * row.h) + 1 - cover.size / (row.w * row.h) > 0.25, (sequence.name, row)


def test_ground_truth_has_distractors_and_occluders_that_are_not_scored(sequences):
    tables = {sequence.name: sequence.gt() for sequence in sequences}
    classes = {name: set(table["class"]) for name, table in tables.items()}
    assert {7, 8, 9, 10, 11} <= classes["demo-01"]
    assert {2, 4, 8, 9, 10, 11} <= classes["demo-02"]
    assert {2, 4, 7, 8, 9, 10, 11} <= classes["demo-03"]
    for table in tables.values():
        assert ((table["confidence"] == 1) == (table["class"] == 1)).all()


def test_public_detections_miss_shake_and_invent_people(sequences):
    missed = invented = 0
    overlaps = []
    for sequence in sequences:
        detections = sequence.detections()
        for n in range(1, FRAMES + 1):
            match = iou(boxes(pedestrians(sequence, n)), boxes(detections[detections["frame"] == n]))
            best = match.max(axis=1)
            missed += (best < 0.5).sum()
            invented += (match.max(axis=0) < 0.5).sum()
            overlaps += best[best >= 0.5].tolist()
    people = sum(len(pedestrians(s, n)) for s in sequences for n in range(1, FRAMES + 1))
    assert 0.05 < missed / people < 0.35
    assert 0.05 < invented / people < 0.4
    assert 0.75 < np.mean(overlaps) < 0.97


def test_hog_finds_at_least_half_of_the_unoccluded_people_over_100_pixels(sequences):
    detect, found = HogDetector(), []
    for sequence in sequences:
        for n in (1, FRAMES):
            seen = pedestrians(sequence, n)
            clear = seen[(seen["visibility"] > 0.9) & (seen["h"] > 100)]
            match = iou(boxes(clear), detect(read_frame(sequence.frames[n - 1]), n)[:, :4])
            found += (match.max(axis=1, initial=0) >= 0.5).tolist()
    assert len(found) >= 15
    assert np.mean(found) >= 0.5


@pytest.mark.parametrize("wrong", [{"frames": 0}, {"workers": 0}, {"image_format": "gif"}])
def test_a_wrong_option_is_named_and_nothing_is_written(tmp_path, wrong):
    with pytest.raises(OptionError, match=str(next(iter(wrong.values())))):
        write_demo(tmp_path / "demo", **wrong)
    assert not (tmp_path / "demo").exists()


def test_a_camera_that_is_already_there_is_left_alone_and_no_other_is_written(tmp_path):
    (tmp_path / "demo-02").mkdir()
    with pytest.raises(OutputError, match="demo-02: is already there"):
        write_demo(tmp_path, frames=1, workers=1)
    assert [path.name for path in tmp_path.iterdir()] == ["demo-02"]


def test_a_run_that_is_stopped_leaves_nothing(tmp_path):
    def stop(done, total):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_demo(tmp_path, frames=1, workers=1, progress=stop)
    assert list(tmp_path.iterdir()) == []


@pytest.fixture
def copies(monkeypatch, root):
    """Demos are copied and not rendered, and counted."""
    made = []

    def write(out, *, frames, progress=None):
        made.append(out)
        shutil.copytree(root, out)

    monkeypatch.setattr(demo, "write_demo", write)
    return made


def test_the_cached_demo_is_rendered_once_and_stands_alone_in_the_cache(tmp_path, copies):
    first = cached_demo(tmp_path, frames=FRAMES)
    assert cached_demo(tmp_path, frames=FRAMES) == first
    assert len(copies) == 1
    assert list(tmp_path.iterdir()) == [first]
    assert [open_sequence(first / name).n_frames for name in NAMES] == [FRAMES] * 3


def test_the_cached_demo_is_the_one_that_is_written(tmp_path):
    write_demo(tmp_path / "written", frames=1)
    assert files(cached_demo(tmp_path, frames=1)) == files(tmp_path / "written")


def test_another_version_of_what_draws_it_gets_a_demo_of_its_own(tmp_path, copies, monkeypatch):
    first = cached_demo(tmp_path, frames=FRAMES)
    monkeypatch.setattr(cv2, "__version__", "0.0")
    assert cached_demo(tmp_path, frames=FRAMES) != first
    assert len(copies) == 2


def test_a_damaged_cached_demo_is_rendered_again(root, tmp_path, copies):
    first = cached_demo(tmp_path, frames=FRAMES)
    (first / "demo-02" / "img1" / "000003.jpg").unlink()
    assert files(cached_demo(tmp_path, frames=FRAMES)) == files(root)
    assert len(copies) == 2


def test_who_comes_second_takes_the_demo_of_who_was_first(tmp_path, copies, monkeypatch):
    slow = demo.write_demo

    def overtaken(out, *, frames, progress=None):
        monkeypatch.setattr(demo, "write_demo", slow)
        other = cached_demo(tmp_path, frames=frames)
        (other / "first").touch()
        slow(out, frames=frames)

    monkeypatch.setattr(demo, "write_demo", overtaken)
    assert (cached_demo(tmp_path, frames=FRAMES) / "first").exists()
    assert len(list(tmp_path.iterdir())) == 1
