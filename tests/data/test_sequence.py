from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from mot_anon.data.sequence import (
    Sequence,
    camera_of,
    discover,
    open_sequence,
    read_cameras,
    select,
    seqinfo_text,
    unknown_files,
)
from mot_anon.errors import AmbiguousError, FormatError, FrameError, InputError, NotFoundError
from tests.realdata import MOT, needs_mot


def make(
    folder: Path,
    *,
    frames: int = 2,
    promised: int | None = None,
    info: bool = True,
    gt: bool = True,
    suffix: str = ".jpg",
) -> Path:
    (folder / "img1").mkdir(parents=True)
    for number in range(1, frames + 1):
        cv2.imwrite(str(folder / "img1" / f"{number:06d}{suffix}"), np.full((24, 32, 3), 90, np.uint8))
    if info:
        (folder / "seqinfo.ini").write_text(
            f"[Sequence]\nname={folder.name}\nimDir=img1\nframeRate=25\nseqLength={promised or frames}\n"
            f"imWidth=32\nimHeight=24\nimExt={suffix}\n",
            encoding="ascii",
        )
    for kind, row in (("gt", "1,1,2,2,5,9,1,1,1\n"), ("det", "1,-1,2,2,5,9,1\n")):
        if kind == "det" or gt:
            (folder / kind).mkdir()
            (folder / kind / f"{kind}.txt").write_text(row, encoding="ascii")
    return folder


# Finding


@pytest.mark.parametrize("where", ["MOT17-02", "train/MOT17-02", "MOT17/train/MOT17-02"])
def test_usual_layouts_are_found(tmp_path: Path, where: str) -> None:
    make(tmp_path / where)
    assert [s.name for s in select([tmp_path], ["all"])] == ["MOT17-02"]


def test_the_root_may_be_the_sequence_itself(tmp_path: Path) -> None:
    make(tmp_path / "MOT17-02")
    assert [s.name for s in select([tmp_path / "MOT17-02"], ["MOT17-02"])] == ["MOT17-02"]


def test_a_sequence_that_two_roots_lead_to_stands_in_one_place(tmp_path: Path) -> None:
    make(tmp_path / "MOT17/train/MOT17-02")
    assert len(select([tmp_path, tmp_path / "MOT17"], ["MOT17-02"])) == 1


def test_hidden_folders_are_not_looked_into(tmp_path: Path) -> None:
    make(tmp_path / ".unfinished/MOT17-02")
    assert discover([tmp_path]) == {}


def test_a_camera_name_means_all_its_views(tmp_path: Path) -> None:
    for name in ("MOT17-02-DPM", "MOT17-02-FRCNN", "MOT17-02-SDP", "MOT17-04-DPM"):
        make(tmp_path / "train" / name)
    views = select([tmp_path], ["MOT17-02"])
    assert [s.name for s in views] == ["MOT17-02-DPM", "MOT17-02-FRCNN", "MOT17-02-SDP"]
    assert {s.camera for s in views} == {"MOT17-02"}
    assert [s.name for s in select([tmp_path], ["MOT17-02-SDP"])] == ["MOT17-02-SDP"]


def test_names_come_in_the_order_asked_for_and_once(tmp_path: Path) -> None:
    for name in ("B", "A"):
        make(tmp_path / name)
    assert [s.name for s in select([tmp_path], ["B", "all", "B"])] == ["B", "A"]


def test_a_name_in_two_places_is_refused_with_both_named(tmp_path: Path) -> None:
    first, second = make(tmp_path / "x/MOT17-02-DPM"), make(tmp_path / "y/MOT17-02-DPM")
    make(tmp_path / "y/MOT17-04-DPM")
    for name in ("MOT17-02-DPM", "MOT17-02", "all"):
        with pytest.raises(AmbiguousError) as caught:
            select([tmp_path], [name])
        assert str(first) in str(caught.value)
        assert str(second) in str(caught.value)
    assert len(select([tmp_path], ["MOT17-04"])) == 1


def test_a_name_that_is_not_there_lists_what_is(tmp_path: Path) -> None:
    make(tmp_path / "MOT17-04")
    with pytest.raises(NotFoundError, match=r"no sequence MOT17-02 in .*: MOT17-04, demo .*motchallenge\.net"):
        select([tmp_path], ["MOT17-02"])
    with pytest.raises(NotFoundError, match="no sequence in"):
        select([tmp_path / "MOT17-04" / "gt"], ["all"])
    with pytest.raises(NotFoundError, match="no such folder"):
        select([tmp_path / "nowhere"], ["all"])


# Cameras


@pytest.mark.parametrize(
    ("name", "camera"),
    [("MOT16-02", "MOT17-02"), ("MOT17-02-SDP", "MOT17-02"), ("MOT20-01", "MOT20-01"), ("TUD-Campus", "TUD-Campus")],
)
def test_the_camera_is_in_the_name(name: str, camera: str) -> None:
    assert camera_of(name) == camera


def test_a_file_can_say_which_camera_took_what(tmp_path: Path) -> None:
    for name in ("monday", "tuesday", "yard", "MOT17-02-DPM", "MOT17-02-SDP"):
        make(tmp_path / "data" / name)
    path = tmp_path / "cameras.csv"
    path.write_text("\ufeff# who took what\n\nmonday,gate\ntuesday , gate\n , \nMOT17-02,door\n", encoding="utf-8")
    cameras = {s.name: s.camera for s in select([tmp_path / "data"], ["all"], cameras=read_cameras(path))}
    assert cameras == {
        "monday": "gate", "tuesday": "gate", "yard": "yard", "MOT17-02-DPM": "door", "MOT17-02-SDP": "door"
    }  # fmt: skip


def test_cameras_of_sequences_that_are_there_but_not_asked_for_are_no_error(tmp_path: Path) -> None:
    for name in ("monday", "tuesday"):
        make(tmp_path / name)
    assert select([tmp_path], ["monday"], cameras={"tuesday": "gate"})[0].camera == "monday"


def test_a_camera_for_a_sequence_that_is_not_there_is_refused(tmp_path: Path) -> None:
    make(tmp_path / "monday")
    with pytest.raises(NotFoundError, match="--cameras names mondy, but there is: monday"):
        select([tmp_path], ["monday"], cameras={"mondy": "gate"})


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("a,b\na,c\n", ":2: a has a camera already"),
        ("a\n", ":1: a line is 'sequence,camera'"),
        ("a,b,c\n", ":1: a line is"),
        ("a,\n", ":1: a line is"),
    ],
)
def test_a_bad_line_of_cameras_is_named(tmp_path: Path, text: str, said: str) -> None:
    path = tmp_path / "cameras.csv"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(FormatError) as caught:
        read_cameras(path)
    assert str(caught.value).startswith(f"{path}{said}")


def test_a_file_of_cameras_that_cannot_be_read_says_so(tmp_path: Path) -> None:
    with pytest.raises(NotFoundError, match="no such file of cameras"):
        read_cameras(tmp_path / "none")
    with pytest.raises(FormatError, match="cannot be read"):
        read_cameras(tmp_path)
    (tmp_path / "binary").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(FormatError, match="cannot be read"):
        read_cameras(tmp_path / "binary")


# Opening


def test_seqinfo_is_believed_and_written_as_it_was_read(tmp_path: Path) -> None:
    sequence = open_sequence(make(tmp_path / "MOT17-02-DPM"))
    assert (sequence.n_frames, sequence.width, sequence.height, sequence.fps) == (2, 32, 24, 25.0)
    assert not sequence.partial
    assert sequence.rules.name == "MOT17"
    assert seqinfo_text(sequence) == (sequence.path / "seqinfo.ini").read_text(encoding="ascii")


def test_without_seqinfo_size_and_length_come_from_the_frames(tmp_path: Path) -> None:
    sequence = open_sequence(make(tmp_path / "yard", info=False, suffix=".png"))
    assert (sequence.n_frames, sequence.width, sequence.height, sequence.fps) == (2, 32, 24, 30.0)


def test_a_sequence_without_ground_truth_has_an_empty_table(tmp_path: Path) -> None:
    bare, full = open_sequence(make(tmp_path / "a", gt=False)), open_sequence(make(tmp_path / "b"))
    assert bare.gt().empty
    assert bare.gt().dtypes.equals(full.gt().dtypes)


def test_missing_public_detections_are_an_error_and_an_empty_file_is_none(tmp_path: Path) -> None:
    folder = make(tmp_path / "yard")
    det = folder / "det" / "det.txt"
    det.write_text("", encoding="ascii")
    assert open_sequence(folder).detections().empty
    det.unlink()
    with pytest.raises(NotFoundError, match=r"det\.txt: no public detections"):
        open_sequence(folder).detections()


def test_fewer_frames_than_promised_must_be_allowed(tmp_path: Path) -> None:
    folder = make(tmp_path / "yard", frames=2, promised=5)
    (folder / "gt" / "gt.txt").write_text("1,1,2,2,5,9,1,1,1\n5,1,2,2,5,9,1,1,1\n", encoding="ascii")
    with pytest.raises(FrameError, match=r"promises 5 frames but img1 has 2; .*--allow-partial"):
        open_sequence(folder)
    sequence = open_sequence(folder, allow_partial=True)
    assert (sequence.partial, sequence.n_frames, len(sequence.gt())) == (True, 2, 1)
    assert "seqLength=2" in seqinfo_text(sequence)


def test_labels_without_frames_open_and_say_so_when_frames_are_needed(tmp_path: Path) -> None:
    sequence = open_sequence(make(tmp_path / "yard", frames=0, promised=7))
    assert sequence.n_frames == 7
    with pytest.raises(FrameError, match="yard has labels but no frames"):
        sequence.require_frames()


def test_frames_may_be_a_link_to_another_folder(tmp_path: Path) -> None:
    original, view = make(tmp_path / "MOT17-02-DPM"), make(tmp_path / "MOT17-02-SDP", frames=0, promised=2)
    (view / "img1").rmdir()
    (view / "img1").symlink_to(original / "img1")
    assert open_sequence(view).n_frames == 2


def change(folder: Path, old: str, new: str) -> None:
    path = folder / "seqinfo.ini"
    path.write_text(path.read_text(encoding="ascii").replace(old, new), encoding="utf-8")


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("seqLength=2", "seqLength=two", "seqinfo.ini:5: seqLength=two is no size"),
        ("seqLength=2", "seqLength=²", "seqinfo.ini:5: seqLength=² is no size"),
        ("seqLength=2", "seqLength=0", "seqLength=0 is no size"),
        ("seqLength=2", "seqLength=1", "seqLength=1 but img1 has 2 frames"),
        ("frameRate=25", "frameRate=fast", "seqinfo.ini:4: frameRate=fast is no rate"),
        ("frameRate=25", "frameRate=nan", "frameRate=nan is no rate"),
        ("imWidth=32", "imWidth=64", "32×24 pixels but seqinfo.ini says 64×24"),
        ("imExt=.jpg", "imExt=.bmp", "imExt=.bmp is none of .jpg, .jpeg, .png"),
        ("imExt=.jpg", "imExt=.png", "imExt=.png but frames are .jpg"),
        ("imDir=img1", "imDir=../other", "imDir=../other leads out of the sequence"),
        ("imDir=img1", "imDir=/tmp", "imDir=/tmp leads out of the sequence"),
        ("[Sequence]", "[Other]", "has no [Sequence] section"),
        ("[Sequence]\n", "", "not an .ini file"),
        ("imWidth=32", "imHeight=24", "not an .ini file"),
    ],
)
def test_a_seqinfo_that_makes_no_sense_is_refused(tmp_path: Path, old: str, new: str, said: str) -> None:
    folder = make(tmp_path / "yard")
    change(folder, old, new)
    with pytest.raises(InputError) as caught:
        open_sequence(folder)
    assert said in str(caught.value)
    assert str(folder) in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("000002.jpg", "000003.jpg", "frame 2 is missing (the next one is 000003.jpg)"),
        ("000001.jpg", "000000.jpg", "000000.jpg: frames are numbered from 1"),
        ("000002.jpg", "1.jpg", "frame 1 is there twice"),
        ("000002.jpg", "cover.jpg", "frames are named by their number (000001.jpg)"),
    ],
)
def test_frames_that_do_not_count_from_one_are_refused(tmp_path: Path, old: str, new: str, said: str) -> None:
    folder = make(tmp_path / "yard")
    (folder / "img1" / old).rename(folder / "img1" / new)
    with pytest.raises(FrameError) as caught:
        open_sequence(folder)
    assert said in str(caught.value)


def test_a_first_frame_that_is_no_image_is_named(tmp_path: Path) -> None:
    folder = make(tmp_path / "yard")
    (folder / "img1" / "000001.jpg").write_text("<html>not found</html>", encoding="ascii")
    with pytest.raises(FrameError, match=r"000001\.jpg: not an image"):
        open_sequence(folder)


def test_files_that_do_not_belong_are_named(tmp_path: Path) -> None:
    folder = make(tmp_path / "yard")
    for extra in ("notes.txt", "img1/Thumbs.db", "img1/._000001.jpg", "det/other.txt"):
        (folder / extra).write_text("x", encoding="ascii")
    names = [str(path.relative_to(folder)) for path in unknown_files(open_sequence(folder))]
    assert names == ["det/other.txt", "img1/._000001.jpg", "img1/Thumbs.db", "notes.txt"]


# Real sequences


@needs_mot
def test_the_shared_folder_holds_two_names_twice() -> None:
    with pytest.raises(
        AmbiguousError, match=r"MOT17-labels/train/MOT17-02-FRCNN and .*MOT17-mini/train/MOT17-02-FRCNN"
    ):
        select([MOT], ["MOT17-02"])


@needs_mot
def test_full_length_labels_have_no_frames() -> None:
    (sequence,) = select([MOT / "MOT17-labels"], ["MOT17-02"])
    assert (sequence.n_frames, sequence.fps) == (600, 30)
    with pytest.raises(FrameError, match="no frames"):
        sequence.require_frames()


@needs_mot
def test_an_incomplete_sequence_is_worked_on_as_far_as_it_goes() -> None:
    with pytest.raises(FrameError, match="promises 600 frames but img1 has 4"):
        select([MOT / "MOT17-mini"], ["MOT17-02"])
    opened: list[Sequence] = select([MOT / "MOT17-mini"], ["all"], allow_partial=True)
    assert [(s.n_frames, s.gt()["frame"].max(), s.detections()["frame"].max()) for s in opened] == [
        (4, 4, 4),
        (8, 8, 8),
    ]


@needs_mot
def test_real_editions_are_told_apart() -> None:
    editions = {s.name: s.rules.name for s in select([MOT / "MOT15", MOT / "MOT17"], ["all"])}
    assert editions == {"MOT17-09-DPM": "MOT17", "TUD-Campus": "MOT15", "TUD-Stadtmitte": "MOT15"}
