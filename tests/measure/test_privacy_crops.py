"""Galleries from trees and from folders of crops."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from mot_anon.data.demo import demo_identities, write_demo
from mot_anon.errors import FormatError, FrameError, NotFoundError
from mot_anon.measure.privacy.crops import read_folder, write_folder
from mot_anon.measure.privacy.trees import read_people, read_trees
from mot_anon.vision.bodies import CROP_SIZE
from tests.invented_crops import crops, write
from tests.realdata import BODIES, MOT, needs_bodies, needs_mot
from tests.sequences import noise, write_sequence


def test_a_folder_is_read_as_it_was_written(tmp_path: Path) -> None:
    some = crops(5)
    read = read_folder(write(tmp_path, some), "val")
    assert (read.pixels == some.pixels).all()
    assert read.silhouettes is not None
    assert (read.silhouettes == some.silhouettes).all()
    assert read.person.tolist() == some.person.tolist()
    assert read.camera.tolist() == some.camera.tolist()
    assert read.size.tolist() == some.size.tolist()
    assert read.cameras == ("a", "b")


def test_published_crops_are_written_beside_the_rows_of_their_originals(tmp_path: Path) -> None:
    some = crops(3, masks=False)
    source = write(tmp_path / "original", some)
    write_folder(some, source, "val", tmp_path / "published")
    read = read_folder(tmp_path / "published", "val")
    assert (read.pixels == some.pixels).all()
    assert read.silhouettes is None


def test_broken_folders_are_named(tmp_path: Path) -> None:
    with pytest.raises(NotFoundError, match=r"index\.csv"):
        read_folder(tmp_path, "val")
    folder = write(tmp_path / "crops", crops(2))  # 12 of them
    with pytest.raises(NotFoundError, match="split 'test'"):
        read_folder(folder, "test")
    (folder / "val" / "masks" / "0001.png").unlink()
    with pytest.raises(FormatError, match="11 masks for 12"):
        read_folder(folder, "val")
    (folder / "val" / "images" / "0000.png").write_bytes(b"no picture")
    with pytest.raises(FormatError, match="0000"):
        read_folder(folder, "val")
    (folder / "index.csv").write_text("split,name\n", encoding="utf-8")
    with pytest.raises(FormatError, match="camera, person"):
        read_folder(folder, "val")


@pytest.mark.parametrize("width", ["wide", "nan", "0", "-3"])
def test_a_size_that_is_none_is_named_with_its_line(tmp_path: Path, width: str) -> None:
    folder = write(tmp_path, crops(2))
    index = folder / "index.csv"
    lines = index.read_text(encoding="utf-8").splitlines()
    lines[3] = lines[3].replace(",60,", f",{width},")
    index.write_text("\n".join(lines), encoding="utf-8")
    with pytest.raises(FormatError, match=rf"index\.csv:4: width '{width}'"):
        read_folder(folder, "val")
    lines[3] = lines[3].replace(f",{width},", ",,")  # not known: the picture's own
    index.write_text("\n".join(lines), encoding="utf-8")
    assert read_folder(folder, "val").size[2].tolist() == [80, 120]


def test_trees_give_the_same_boxes_of_both_sides(tmp_path: Path) -> None:
    write_sequence(tmp_path / "one")
    place = write_sequence(tmp_path / "two")
    for path in (place / "img1").iterdir():
        frame = cv2.imread(str(path))
        assert frame is not None
        cv2.imwrite(str(path), 255 - frame)
    original, (published,) = read_trees(tmp_path / "one", [tmp_path / "two"], per_track=4)
    assert len(original) == 8  # two people, four moments each; the car is nobody
    assert np.abs(255 - original.pixels.astype(int) - published.pixels).max() <= 1
    assert original.across == "times"
    assert np.bincount(original.camera).tolist() == [4, 4]  # the earlier and the later half of each track
    frame = noise((120, 96), 1)
    box = frame[20:80, 12:36]
    assert np.abs(cv2.resize(box, CROP_SIZE[::-1]).astype(int) - original.pixels[0]).max() <= 1
    assert original.size[0].tolist() == [24, 60]


def test_who_is_who_across_cameras_comes_from_outside(tmp_path: Path) -> None:
    for name in ("CAM-01", "CAM-02"):
        write_sequence(tmp_path / "data", name)
    people = tmp_path / "people.csv"
    people.write_text("# sequence,id,person\nCAM-01,1,ann\nCAM-02,2,ann\n\nCAM-01,2,bob\n", encoding="utf-8")
    known = read_people(people)
    original, _ = read_trees(tmp_path / "data", [tmp_path / "data"], known, per_track=3)
    assert original.across == "cameras"
    assert original.cameras == ("CAM-01", "CAM-02")
    ann, bob = (original.camera[original.person == person] for person in (0, 1))
    assert np.bincount(ann).tolist() == [3, 3]
    assert np.bincount(bob).tolist() == [3]
    for line in ("CAM-01,one,ann", "CAM-01,²,ann", "CAM-01,-1,ann"):
        people.write_text(f"# sequence,id,person\n{line}\n", encoding="utf-8")
        with pytest.raises(FormatError, match=r"people\.csv:2"):
            read_people(people)
    people.write_bytes("CAM-01,1,Jürg\n".encode("latin-1"))
    with pytest.raises(FormatError, match=r"people\.csv: cannot be read as text"):
        read_people(people)


def test_a_tree_that_lacks_a_sequence_is_named(tmp_path: Path) -> None:
    write_sequence(tmp_path / "one", "CAM-01")
    write_sequence(tmp_path / "two", "CAM-02")
    with pytest.raises(NotFoundError, match="has no CAM-01"):
        read_trees(tmp_path / "one", [tmp_path / "two"])
    write_sequence(tmp_path / "nobody", "CAM-03", gt=())
    with pytest.raises(NotFoundError, match="no pedestrian"):
        read_trees(tmp_path / "nobody", [tmp_path / "nobody"])


def test_a_published_sequence_that_lacks_frames_is_named(tmp_path: Path) -> None:
    write_sequence(tmp_path / "one", "CAM-01")
    place = write_sequence(tmp_path / "two", "CAM-01")
    (place / "img1" / "000006.png").unlink()
    with pytest.raises(FrameError, match="two: CAM-01 has 5 frames, the original 6"):
        read_trees(tmp_path / "one", [tmp_path / "two"])


def test_views_of_one_camera_are_one(tmp_path: Path) -> None:
    for view in ("DPM", "SDP"):
        write_sequence(tmp_path, f"MOT17-02-{view}")
    original, _ = read_trees(tmp_path, [tmp_path])
    assert len(original) == 12
    assert set(original.cameras) == {"MOT17-02"}


def test_the_demos_people_are_in_several_cameras(tmp_path: Path) -> None:
    write_demo(tmp_path, frames=2, workers=1)
    known = {place: str(person) for place, person in demo_identities().items()}
    original, _ = read_trees(tmp_path, [tmp_path], known)
    seen = {person: set(original.camera[original.person == person]) for person in np.unique(original.person)}
    assert sum(len(cameras) > 1 for cameras in seen.values()) >= 3


@needs_mot
def test_real_tracks_are_cut_at_moments_spread_over_their_length() -> None:
    tree = MOT / "MOT15" / "train" / "TUD-Stadtmitte"
    original, _ = read_trees(tree, [tree], per_track=6)
    assert len(np.unique(original.person)) >= 5
    for person in np.unique(original.person):
        frames = original.frame[original.person == person]
        assert len(frames) <= 6
        assert np.ptp(frames) >= len(frames) - 1


@needs_bodies
def test_real_crops_have_two_cameras_each() -> None:
    val = read_folder(BODIES, "val")
    assert len(np.unique(val.person)) == 100
    assert all(len(np.unique(val.camera[val.person == person])) == 2 for person in range(100))
    assert val.silhouettes is not None
