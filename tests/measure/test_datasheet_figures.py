"""What was measured of a published tree stands in its data sheet, whichever command measured it."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from typer.testing import CliRunner

from mot_anon.__main__ import app
from mot_anon.plan.keys import TEST_KEY
from mot_anon.publish.record import FILE_TIME
from tests.sequences import write_sequence


def run(*words: object) -> tuple[int, str]:
    result = CliRunner().invoke(app, [str(word) for word in words])
    return result.exit_code, result.output


@pytest.fixture(scope="module")
def trees(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    folder = tmp_path_factory.mktemp("trees")
    gt = [(f, n, 10 + 60 * n + 3 * f, 20, 24, 60, 1, 1, 1.0) for n in (0, 1, 2) for f in range(1, 7)]
    det = [(f, 10 + 60 * n + 3 * f, 20, 24, 60, 0.9) for n in (0, 1, 2) for f in range(1, 7)]
    write_sequence(folder / "data", "CAM-1", gt=gt, det=det, frames=6, ext=".png", size=(240, 120))
    key = folder / "key"
    key.write_bytes(TEST_KEY)
    key.chmod(0o600)
    words = ["--method", "pixelate", "--independent-detector", "none", "--key", key, "--workers", 1, "--quiet"]
    code, output = run("anonymize", "--data", folder / "data", "--seq", "CAM-1", "--out", folder / "tree", *words)
    assert code == 0, output
    return folder / "data", folder / "tree"


def line(tree: Path, start: str) -> str:
    sheet = (tree / "DATASHEET.md").read_text(encoding="utf-8")
    return next(part for part in re.split(r"\n- |\n\n(?:- )?", sheet) if part.startswith(start))


def test_every_command_adds_its_figures_and_leaves_those_of_the_others(
    trees: tuple[Path, Path], tmp_path: Path
) -> None:
    data, tree = trees
    assert line(tree, "Tracking before and after").strip().endswith("not measured.")
    given = ["--original", data, "--published", tree, "--out", tmp_path / "audit"]
    code, output = run("audit", *given, "--update-datasheet", "--independent-detector", "none", "--workers", 1)
    assert code == 0, output
    words = ["--data", data, "--seq", "CAM-1", "--detections", "public", "--trackers", "sort,reid", "--no-sensitivity"]
    words += ["--published", tree, "--out", tmp_path / "scores", "--update-datasheet", "--workers", 1]
    code, output = run("evaluate", *words)
    assert code == 0, output
    assert "0 errors" in line(tree, "Audit against the original")
    tracking = line(tree, "Tracking before and after")
    assert "sort on public detections, CAM-1 (6 frames): sees no pixel and cannot differ (insensitive)" in tracking
    assert "reid on public detections, CAM-1 (6 frames): MOTA " in tracking
    assert "; IDF1 " in tracking
    assert "on frames in which everybody is grey: not measured" in tracking
    measured = json.loads((tree / "anonymization.json").read_text(encoding="utf-8"))["measured"]
    assert set(measured) == {"audit", "evaluate"}
    scores = json.loads((tmp_path / "scores" / "results.json").read_text(encoding="utf-8"))
    wanted = {run["tracker"]: run["difference"]["IDF1"] for run in scores["combined"]["runs"]}
    assert {run["tracker"]: run["difference"]["IDF1"] for run in measured["evaluate"]["runs"]} == wanted
    assert line(tree, "Singling out").strip().endswith("not measured.")
    assert {int(path.stat().st_mtime) for path in tree.rglob("*")} == {FILE_TIME}
    given[-1] = tmp_path / "again"
    assert run("audit", *given, "--independent-detector", "none", "--workers", 1, "--quiet") == (0, "")


def test_scores_of_no_finished_tree_have_no_sheet_to_stand_in(trees: tuple[Path, Path], tmp_path: Path) -> None:
    code, output = run("evaluate", "--data", trees[0], "--seq", "CAM-1", "--out", tmp_path / "x", "--update-datasheet")
    assert code != 0
    assert "give --published DIR" in output
