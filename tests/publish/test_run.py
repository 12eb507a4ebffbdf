"""A published tree: what it holds, what its record says, and what it keeps secret."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from mot_anon.data.sequence import Sequence, open_sequence, select
from mot_anon.errors import MotAnonError
from mot_anon.plan.keys import TEST_KEY, Key
from mot_anon.publish.record import FILE_TIME
from tests.publish.conftest import Publish, leftovers, tree_bytes
from tests.realdata import MOT, needs_mot
from tests.sequences import PEOPLE, write_sequence


def test_a_tree_has_every_file_of_the_format_and_nothing_else(run: Publish, tmp_path: Path) -> None:
    sequence = open_sequence(write_sequence(tmp_path / "data", frames=2, gt=PEOPLE[:3], det=[(1, -1, 5, 5, 9, 9, 1)]))
    (sequence.path / "notes.txt").write_text("who is who")
    (sequence.path / "gt" / "gt_old.txt").write_text("1,1,1,1,1,1,1,1,1")
    done = run(sequence)
    assert sorted(tree_bytes(done.tree)) == [
        "DATASHEET.md",
        "TEST-01/det/det.txt",
        "TEST-01/gt/gt.txt",
        "TEST-01/img1/000001.png",
        "TEST-01/img1/000002.png",
        "TEST-01/seqinfo.ini",
        "anonymization.json",
    ]
    assert [path.name for path in done.unknown] == ["gt_old.txt", "notes.txt"]
    assert open_sequence(done.tree / "TEST-01").gt().equals(sequence.gt())
    assert open_sequence(done.tree / "TEST-01").detections().equals(sequence.detections())
    assert leftovers(tmp_path) == ["out"]


def test_nothing_tells_when_a_tree_was_made_and_everybody_may_read_it(run: Publish, sequence: Sequence) -> None:
    old = os.umask(0o077)
    try:
        tree = run(sequence).tree
    finally:
        os.umask(old)
    for path in [tree, *tree.rglob("*")]:
        assert path.stat().st_mtime == FILE_TIME
        assert path.stat().st_mode & 0o777 == (0o755 if path.is_dir() else 0o644)


def test_the_record_says_what_was_done_and_keeps_secrets(run: Publish, sequence: Sequence, tmp_path: Path) -> None:
    licence = tmp_path / "data" / "licence.txt"
    licence.write_text("free for research")
    done = run(sequence, attribution=licence)
    text = (done.tree / "anonymization.json").read_text(encoding="utf-8")
    said = json.loads(text)
    assert said == done.record
    assert (said["method"], said["parameters"], said["target"]) == ("pixelate", {"strength": 8}, "body")
    assert said["sequences"][0]["regions"] == {"person": 12, "unsure": 0, "hidden": 0}
    assert said["sequences"][0]["tracks"] == 2
    assert len(said["sequences"][0]["sha256"]) == 6
    assert (done.tree / said["attribution"]["file"]).read_text() == "free for research"
    assert str(tmp_path) not in text
    assert any("policy" in note for note in done.warnings)


def test_the_key_is_in_no_file(run: Publish, sequence: Sequence) -> None:
    tree = run(sequence, method="solid", permute_ids=True).tree
    assert all(Key(TEST_KEY).found_in(data) is None for data in tree_bytes(tree).values())


def test_a_key_in_the_licence_text_stops_the_run(run: Publish, sequence: Sequence, tmp_path: Path) -> None:
    licence = tmp_path / "data" / "licence.txt"
    licence.write_text(f"our key is {TEST_KEY.hex()}")
    with pytest.raises(MotAnonError, match="contains the key"):
        run(sequence, attribution=licence)
    assert leftovers(tmp_path) == []


def test_face_mode_claims_no_unlinkability(run: Publish, sequence: Sequence) -> None:
    assert any("recognised" in note for note in run(sequence, target="face").warnings)


def test_permuted_ids_are_those_of_the_labels_and_of_the_record(run: Publish, tmp_path: Path) -> None:
    gt = [(1, i, 20 + i, 20, 20, 40, 1, 1, 0) for i in range(1, 8)] + [(1, 8, 15, 15, 40, 70, 1, 1, 1)]
    sequence = open_sequence(write_sequence(tmp_path / "data", frames=1, gt=gt, det=[(1, 4, 5, 5, 9, 9, 0.5)]))
    done = run(sequence, permute_ids=True)
    after = open_sequence(done.tree / "TEST-01").gt()
    before = sequence.gt()
    assert sorted(after["id"]) == sorted(before["id"])
    ids = {int(row.x): int(row.id) for row in after.itertuples()}
    mapping = {int(row.id): ids[int(row.x)] for row in before.itertuples()}
    assert any(old != new for old, new in mapping.items())
    assert set(done.hidden["TEST-01"]) == {str(mapping[i]) for i in range(1, 8)}
    assert (done.tree / "TEST-01/det/det.txt").read_text().startswith("1,-1,")


def test_views_of_one_camera_share_frames_and_keep_their_own_detections(run: Publish, tmp_path: Path) -> None:
    dets = {"X-01-DPM": [(2, -1, 85, 30, 20, 50, 0.9)], "X-01-SDP": [(3, -1, 85, 30, 20, 50, 0.9)]}
    for name, det in dets.items():
        write_sequence(tmp_path / "data", name, gt=PEOPLE[:2], det=det)
    views = select([tmp_path / "data"], ["X-01"])
    done = run(*views, method="solid")
    for name, det in dets.items():
        rows = open_sequence(done.tree / name).detections()
        assert list(rows["frame"]) == [det[0][0]]
    for number in range(1, 7):
        one, two = (done.tree / name / "img1" / f"{number:06d}.png" for name in dets)
        assert one.read_bytes() == two.read_bytes()
    # Frame 3 of the first view is covered where only the second view's detector saw somebody.
    assert done.record["sequences"][0]["regions"]["unsure"] == 2


def test_a_person_has_the_same_colour_whichever_views_are_published(run: Publish, tmp_path: Path) -> None:
    for name in ("X-01-DPM", "X-01-SDP"):
        write_sequence(tmp_path / "data", name, det=None)
    views = select([tmp_path / "data"], ["X-01"])
    both = tree_bytes(run(*views, out=tmp_path / "a", method="solid").tree)
    last = tree_bytes(run(views[1], out=tmp_path / "b", method="solid").tree)
    assert both["X-01-SDP/img1/000001.png"] == last["X-01-SDP/img1/000001.png"]


@needs_mot
def test_a_real_partial_sequence_is_published_as_far_as_it_goes(run: Publish) -> None:
    mini = select([MOT / "MOT17-mini"], ["MOT17-02-FRCNN"], allow_partial=True)
    done = run(*mini, method="solid", workers=None)
    again = open_sequence(done.tree / "MOT17-02-FRCNN")
    assert again.n_frames == 4
    assert not again.partial
    assert again.gt()["frame"].max() <= 4
    assert any("fewer frames" in note for note in done.warnings)
