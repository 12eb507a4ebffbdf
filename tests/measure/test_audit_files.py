"""An audit names files that are missing, too many or wrong, ids that were kept, and a key that lies about."""

from __future__ import annotations

import base64
import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from mot_anon.measure.audit.findings import Audit
from mot_anon.plan.keys import TEST_KEY
from mot_anon.publish.record import seal
from tests.measure.audit_trees import (
    Made,
    audited,
    checks,
    cover_up,
    frame,
    jpeg_with,
    only,
)


@pytest.mark.parametrize(
    ("form", "text"),
    [("bytes", TEST_KEY), ("hex", TEST_KEY.hex().encode()), ("base64", base64.b64encode(TEST_KEY))],
)
def test_the_key_in_a_comment_is_named_with_its_form(
    jpg: Made, broken: Callable[..., Audit], form: str, text: bytes
) -> None:
    def change(tree: Path) -> None:
        path = frame(tree, "CAM-2-DPM", 5)
        path.write_bytes(jpeg_with(path.read_bytes(), 0xFE, b"made with " + text))
        shutil.copyfile(path, frame(tree, "CAM-2-SDP", 5))

    found = broken(jpg, change)
    assert checks(found) == {"key", "metadata"}
    keys = [f for f in found.errors if f.check == "key"]
    assert [(f.sequence, f.frame) for f in keys] == [("CAM-2-DPM", 5), ("CAM-2-SDP", 5)]
    assert all(f"({form})" in f.message for f in keys)
    assert text.decode("latin-1") not in json.dumps(found.to_json())


def test_the_key_in_a_text_file_is_named(png: Made, broken: Callable[..., Audit]) -> None:
    def change(tree: Path) -> None:
        path = tree / "anonymization.json"
        path.write_text(json.dumps(json.loads(path.read_text()) | {"seed": TEST_KEY.hex()}))

    assert "hex" in only(broken(png, change), "key")[0].message


def test_a_missing_frame_is_named(png: Made, broken: Callable[..., Audit]) -> None:
    (finding,) = only(broken(png, lambda tree: frame(tree, "CAM-1", 4).unlink()), "files")
    assert (finding.sequence, finding.frame) == ("CAM-1", 4)


@pytest.mark.parametrize("name", ["gt/gt.txt", "det/det.txt", "seqinfo.ini"])
def test_a_missing_label_file_is_named(png: Made, broken: Callable[..., Audit], name: str) -> None:
    (finding,) = only(broken(png, lambda tree: (tree / "CAM-1" / name).unlink()), "files")
    assert finding.sequence == "CAM-1"
    assert name in finding.message


def test_ids_that_were_not_permuted_are_named(png: Made, broken: Callable[..., Audit]) -> None:
    def change(tree: Path) -> None:
        assert png[0][0].gt_path is not None
        shutil.copyfile(png[0][0].gt_path, tree / "CAM-1" / "gt" / "gt.txt")

    (finding,) = only(broken(png, change), "ids")
    assert finding.sequence == "CAM-1"


def test_ids_that_were_permuted_alike_in_two_cameras_are_named(png: Made, broken: Callable[..., Audit]) -> None:
    def change(tree: Path) -> None:  # the demo's people stand at the same places in both cameras
        for view in ("CAM-2-DPM", "CAM-2-SDP"):
            shutil.copyfile(tree / "CAM-1" / "gt" / "gt.txt", tree / view / "gt" / "gt.txt")

    (finding,) = only(broken(png, change), "ids")
    assert "CAM-1" in finding.message


def test_a_changed_row_of_ground_truth_is_named(png: Made, broken: Callable[..., Audit]) -> None:
    def change(tree: Path) -> None:
        path = tree / "CAM-1" / "gt" / "gt.txt"
        lines = path.read_text().splitlines()
        fields = lines[0].split(",")
        path.write_text("\n".join([",".join([*fields[:2], "1", *fields[3:]]), *lines[1:]]) + "\n")

    (finding,) = only(broken(png, change), "labels")
    assert (finding.sequence, finding.frame) == ("CAM-1", 1)


def test_files_that_nobody_expects_and_links_are_named(png: Made, broken: Callable[..., Audit]) -> None:
    def change(tree: Path) -> None:
        (tree / "CAM-1" / "img1" / "Thumbs.db").write_bytes(b"pictures")
        (tree / "CAM-1" / "gt" / "original").symlink_to(png[0][0].path, target_is_directory=True)

    assert {f.message.split(":")[0] for f in only(broken(png, change), "files")} == {
        "CAM-1/img1/Thumbs.db",
        "CAM-1/gt/original",
    }


def test_a_tree_without_its_record_is_named_and_still_compared(png: Made, tmp_path: Path) -> None:
    copy = Path(shutil.copytree(png[1], tmp_path / "copy"))
    shutil.copyfile(png[0][0].frames[0], frame(copy, "CAM-1", 1))
    cover_up(copy)
    (copy / "anonymization.json").unlink()
    seal(copy)
    found = audited(png[0], copy, tmp_path / "audit")
    assert {(f.check, f.sequence, f.frame) for f in found.errors if f.check in ("record", "coverage")} == {
        ("record", None, None),
        ("coverage", "CAM-1", 1),
    }
