from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from mot_anon.__main__ import app
from mot_anon.data.sequence import Sequence, open_sequence
from mot_anon.measure import compare
from mot_anon.measure.compare import begin, compare_sequence, head, stretch
from mot_anon.measure.results import Run
from mot_anon.measure.sources import make_sources
from mot_anon.progress import silent
from mot_anon.publish.executors import executor_for
from tests.sequences import write_sequence

FRAMES, PEOPLE = 60, 6


@pytest.fixture(autouse=True)
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MOT_ANON_CACHE", str(tmp_path / "cache"))


def crowd(folder: Path, name: str = "A-01") -> Path:
    """Six people who walk to the right for 60 frames, every other one detected in four frames of five."""
    rows = [
        (f, i, 4 + 18 * (i % 3) + f, 4 + 44 * (i // 3), 14, 38) for f in range(1, FRAMES + 1) for i in range(PEOPLE)
    ]
    gt = [(f, i + 1, x, y, w, h, 1, 1, 1.0) for f, i, x, y, w, h in rows]
    det = [(f, -1, x + 1, y, w, h, 0.9, -1, -1, -1) for f, i, x, y, w, h in rows if i % 2 == 0 and (f + i) % 5]
    return write_sequence(folder, name, frames=FRAMES, gt=gt, det=det)


@pytest.fixture
def original(tmp_path: Path) -> Sequence:
    return open_sequence(crowd(tmp_path / "data"))


def test_the_grey_control_takes_the_first_frames_until_there_are_boxes_enough(original, monkeypatch):
    assert stretch(original).n_frames == 50
    monkeypatch.setattr(compare, "_STRETCH", 10)
    assert stretch(original).n_frames == 50  # 300 boxes
    monkeypatch.setattr(compare, "_STRETCH_BOXES", 61)
    part = stretch(original)
    assert part.n_frames == len(part.frames) == 11
    assert part.frames == original.frames[:11]
    assert part.gt()["frame"].max() == part.detections()["frame"].max() == 11
    monkeypatch.setattr(compare, "_STRETCH_BOXES", FRAMES * PEOPLE + 1)
    assert stretch(original) is original


def test_a_control_that_shows_the_very_same_frames_loses_nothing(original):
    cells = compare_sequence(
        original, [original], head(original, 50), ["sort", "reid"], make_sources(["public"]), silent
    )
    assert [cell.sensitive for cell in cells] == [False, True]
    run = Run((cells[1],))
    assert run.grey_frames == 50
    assert set(run.sensitivity["grey"].values()) == {0.0}
    # It is the stretch that is compared: over the whole sequence the scores are others.
    assert run.original["MOTA"] != pytest.approx(cells[1].grey.MOTA)


def test_scores_do_not_depend_on_who_does_the_work(original):
    asked = (original, [original], head(original, 50), ["sort", "reid"], make_sources(["public"]), silent)
    alone = compare_sequence(*asked)
    for entry in (original.path.parents[1] / "cache").iterdir():
        entry.unlink()  # or the others would only read what the first one found
    with executor_for(FRAMES, 2) as pool:
        together = begin(*asked, pool).finish(silent)
    for one, other in zip(alone, together, strict=True):
        assert (one.tracker, one.detections, one.sensitive) == (other.tracker, other.detections, other.sensitive)
        for part in ("original", "random_features", "grey", "grey_original"):
            before, after = getattr(one, part), getattr(other, part)
            assert (before is None) == (after is None)
            assert before is None or before.as_dict() == after.as_dict()
            assert before is None or np.array_equal(before.hota_association, after.hota_association)


def test_evaluate_says_on_how_many_frames_grey_people_were_measured(tmp_path):
    crowd(tmp_path / "data")
    regions = tmp_path / "regions.csv"  # beyond the frames that the control looks at
    regions.write_text(f"sequence,frame,action,track,x,y,w,h\nA-01,{FRAMES},add,,1,1,9,20\n")
    words = ["evaluate", "--data", tmp_path / "data", "--seq", "A-01", "--method", "solid", "--policies", "shared"]
    words += ["--detections", "public", "--independent-detector", "none", "--workers", "1", "--regions", regions]
    result = CliRunner().invoke(app, [str(word) for word in [*words, "--out", tmp_path / "out"]])
    assert result.exit_code == 0, result.output
    assert "(50 frames)" in result.output
    stored = json.loads((tmp_path / "out" / "results.json").read_text())
    by_tracker = {run["tracker"]: run["sensitivity"] for run in stored["sequences"][0]["runs"]}
    assert by_tracker["reid"]["grey_frames"] == 50
    assert by_tracker["sort"] == {"random_features": None, "grey": None, "grey_frames": None}
    published = tmp_path / "out" / "published" / "tree" / "A-01" / "img1"
    assert len(list(published.iterdir())) == FRAMES
