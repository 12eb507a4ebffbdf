"""An audit passes a good tree and names whom a bad one shows."""

from __future__ import annotations

import json
import shutil
import stat
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from typer.testing import CliRunner

from mot_anon.__main__ import app
from mot_anon.data.frames import encode_frame, read_frame
from mot_anon.data.sequence import select
from mot_anon.errors import NotFoundError, OutputError
from mot_anon.measure.audit.findings import Audit
from mot_anon.plan.keys import TEST_KEY
from mot_anon.plan.overrides import read_overrides
from mot_anon.publish.analyse import Coverage
from tests.measure.audit_trees import (
    BOXES,
    FRAMES,
    Made,
    audited,
    cover_up,
    frame,
    only,
    person_box,
    published,
    repaint,
    restored,
    write_originals,
)


@pytest.mark.parametrize("method", ["solid", "pixelate", "blur"])
@pytest.mark.parametrize("ext", [".png", ".jpg"])
def test_a_good_tree_passes(tmp_path: Path, method: str, ext: str) -> None:
    originals = write_originals(tmp_path / "data", ext)
    found = audited(originals, published(originals, tmp_path / "out", method), tmp_path / "audit")
    assert found.errors == found.doubts == []
    assert found.overall()["worst"] < 0.15
    assert found.overall()["told"] == len(BOXES) * FRAMES * 2  # two views are one recording
    assert {sight.silhouette for _, sight in found.sights} == {"motion"}
    assert {person.track for person in found.people} == set(map(str, BOXES))


@pytest.mark.parametrize("method", ["none", "recolor"])
@pytest.mark.parametrize("ext", [".png", ".jpg"])
def test_a_control_that_protects_nobody_fails_for_everybody_in_every_frame(
    tmp_path: Path, method: str, ext: str
) -> None:
    originals = write_originals(tmp_path / "data", ext)
    found = audited(originals, published(originals, tmp_path / "out", method, control=True), tmp_path / "audit")
    named = {(f.sequence, f.frame, f.track) for f in only(found, "coverage")}
    assert named == {(s, f, str(n)) for s in ("CAM-1", "CAM-2-DPM") for f in range(1, FRAMES + 1) for n in BOXES}


def test_a_raw_frame_is_named(png: Made, broken: Callable[..., Audit]) -> None:
    source = png[0][0].frames[2]
    found = broken(png, lambda tree: shutil.copyfile(source, frame(tree, "CAM-1", 3)))
    assert {(f.sequence, f.frame, f.track) for f in only(found, "coverage")} == {("CAM-1", 3, str(n)) for n in BOXES}


@pytest.mark.parametrize("kind", ["png", "jpg"])
def test_one_raw_person_in_one_frame_is_named(
    kind: str, request: pytest.FixtureRequest, broken: Callable[..., Audit]
) -> None:
    made: Made = request.getfixturevalue(kind)
    change = restored(made[0][0], 4, person_box(2, 4))
    found = broken(made, lambda tree: repaint(frame(tree, "CAM-1", 4), change))
    (finding,) = only(found, "coverage")
    assert (finding.sequence, finding.frame, finding.track) == ("CAM-1", 4, "2")
    assert (found.people[0].sequence, found.people[0].track, found.people[0].worst_frame) == ("CAM-1", "2", 4)


def test_a_raw_person_is_named_by_the_middle_of_the_box_where_the_camera_moves(tmp_path: Path) -> None:
    originals = write_originals(tmp_path / "data", ".png")
    for sequence in originals:
        for number, path in enumerate(sequence.frames):
            picture = read_frame(path)
            for rows in (slice(0, 14), slice(84, 100), slice(170, 200)):  # another place in every frame
                picture[rows] = np.random.default_rng(number).integers(0, 255, picture[rows].shape, np.uint8)
            path.write_bytes(encode_frame(picture, ".png"))
    tree = published(originals, tmp_path / "out", "blur")
    repaint(frame(tree, "CAM-1", 4), restored(originals[0], 4, person_box(3, 4)))
    found = audited(originals, cover_up(tree), tmp_path / "audit")
    (finding,) = only(found, "coverage")
    assert (finding.frame, finding.track) == (4, "3")
    assert {sight.silhouette for _, sight in found.sights} == {"core"}


def test_a_region_that_is_shifted_by_half_its_width_is_named(png: Made, broken: Callable[..., Audit]) -> None:
    x, y, w, h = person_box(4, 2)

    def shift(tree: Path) -> None:
        def change(picture: NDArray[np.uint8]) -> NDArray[np.uint8]:
            region = picture[y : y + h, x : x + w].copy()
            picture = restored(png[0][0], 2, (x, y, w, h))(picture)
            picture[y : y + h, x + w // 2 : x + w // 2 + w] = region
            return picture

        repaint(frame(tree, "CAM-1", 2), change)

    named = {(f.sequence, f.frame, f.track) for f in broken(png, shift).errors if f.check == "coverage"}
    assert named == {("CAM-1", 2, "4")}


def test_somebody_whom_labels_lack_is_found_by_motion_and_the_worklist_covers_them(tmp_path: Path) -> None:
    originals = write_originals(tmp_path / "data", ".png")
    for sequence in originals:  # nobody wrote person 3 down
        assert sequence.gt_path is not None
        lines = sequence.gt_path.read_text().splitlines(keepends=True)
        sequence.gt_path.write_text("".join(line for line in lines if line.split(",")[1] != "3"))
    originals = select([tmp_path / "data"], ["all"])
    found = audited(originals, published(originals, tmp_path / "one"), tmp_path / "audit-1", reviewed_by="A. Curator")
    assert found.errors == []
    assert (found.summary()["doubts"], found.summary()["reviewed_by"]) == (len(found.doubts), "A. Curator")
    assert {finding.check for finding in found.doubts} == {"missed"}
    assert {sight.source for _, sight in found.missed} == {"motion"}

    path = tmp_path / "audit-1" / "worklist.csv"
    lines = tuple(read_overrides(path))
    assert {(line.sequence, line.action) for line in lines} == {("CAM-1", "add"), ("CAM-2-DPM", "add")}
    coverage = Coverage(detector=None, overrides=lines, overrides_path=path)
    again = published(originals, tmp_path / "two", coverage=coverage)
    found = audited(originals, again, tmp_path / "audit-2", overrides=lines)
    assert found.errors == found.doubts == []


def test_the_tree_and_the_originals_are_only_read(png: Made, tmp_path: Path) -> None:
    copy = Path(shutil.copytree(png[1], tmp_path / "copy"))
    before = {path: (path.stat().st_mtime_ns, path.is_file() and path.read_bytes()) for path in copy.rglob("*")}
    audited(png[0], copy, tmp_path / "audit")
    assert before == {path: (path.stat().st_mtime_ns, path.is_file() and path.read_bytes()) for path in copy.rglob("*")}
    with pytest.raises(OutputError, match="lies in"):
        audited(png[0], copy, copy / "audit")
    with pytest.raises(OutputError, match="lies in"):
        audited(png[0], copy, png[0][0].path / "audit")


def test_what_the_audit_writes_is_for_its_owner_and_says_who_is_missed(tmp_path: Path) -> None:
    originals = write_originals(tmp_path / "data", ".png")
    tree = published(originals, tmp_path / "out", "none", control=True)
    out = tmp_path / "audit"
    found = audited(originals, tree, out)
    assert stat.S_IMODE(out.stat().st_mode) == 0o700
    said = json.loads((out / "audit.json").read_text())
    assert len(said["errors"]) == len(found.errors) > 0
    assert said["people"][0]["worst"] == pytest.approx(1.0, abs=0.01)
    assert said["reviewed_by"] is None


def test_the_command_passes_a_good_tree_and_fails_a_bad_one(jpg: Made, tmp_path: Path) -> None:
    key = tmp_path / "key"
    key.write_bytes(TEST_KEY)
    key.chmod(0o600)
    copy = Path(shutil.copytree(jpg[1], tmp_path / "copy"))
    words = ["audit", "--original", jpg[0][0].path.parent, "--published", copy, "--key", key]
    words += ["--independent-detector", "none", "--workers", "1"]

    def run(*more: object) -> tuple[int, str]:
        result = CliRunner().invoke(app, [str(word) for word in (*words, *more)])
        return result.exit_code, result.output

    code, output = run("--out", tmp_path / "one", "--reviewed-by", "A. Curator", "--update-datasheet")
    assert code == 0, output
    assert "0 errors, 0 doubts" in output
    assert "There was no doubt to review." in (copy / "DATASHEET.md").read_text()
    assert "anonymous" not in output
    code, output = run("--out", tmp_path / "two", "--quiet")
    assert (code, output) == (0, "")  # and the new data sheet is no finding
    repaint(frame(copy, "CAM-1", 4), restored(jpg[0][0], 4, person_box(2, 4)))
    cover_up(copy)
    code, output = run("--out", tmp_path / "three", "--quiet")
    assert code == 1
    assert "CAM-1, frame 4, track 2" in output
    assert len(output.splitlines()) == 1


def test_trees_that_have_nothing_in_common_are_refused(png: Made, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(NotFoundError, match="no sequence of the original"):
        audited(png[0], tmp_path / "empty", tmp_path / "audit")
