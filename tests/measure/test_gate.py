from __future__ import annotations

import json
import xml.etree.ElementTree as ET
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from mot_anon.data.motchallenge import GT_COLUMNS, RESULT_COLUMNS, RULES
from mot_anon.errors import FormatError, GateError, NotFoundError, OptionError
from mot_anon.measure import gate
from mot_anon.measure.compare import Cell
from mot_anon.measure.results import Evaluation, Run, SequenceResult
from mot_anon.measure.scores import SequenceScores, preprocess, score

FRAMES = 120
SCHEMA = Path(gate.__file__).with_name("results.schema.json")


def scores(lost: float = 0.0, seed: int = 0) -> SequenceScores:
    """Two people for 120 frames, both tracked but for a share ``lost`` of all boxes."""
    rows = [(f, i, 100.0 * i + f, 50.0, 40.0, 90.0, 1.0, 1, 1.0) for f in range(1, FRAMES + 1) for i in (1, 2)]
    gt = pd.DataFrame(rows, columns=GT_COLUMNS)
    kept = np.random.default_rng(seed).random(len(gt)) >= lost
    results = gt.loc[kept, RESULT_COLUMNS].reset_index(drop=True)
    return score(preprocess(gt, results, RULES["MOT17"], FRAMES))


def evaluation(*lost: float, sensitive: bool = True, before: float = 0.0, sequences: int = 1) -> Evaluation:
    """``lost``: share of boxes that tracking loses on published frames, one entry a key."""

    def run(number: int) -> Run:
        published = tuple(scores(share, seed=number + key) for key, share in enumerate(lost))
        cell = Cell(
            f"S{number}", "reid", "hog", sensitive, scores(before, seed=number), published, scores(0.3), scores(0.9)
        )
        return Run((cell,))

    results = [SequenceResult(f"S{n}", f"S{n}", FRAMES, "blur", "body", "none", (run(n),)) for n in range(sequences)]
    return Evaluation("0.1", tuple(results))


def test_margins_are_points():
    assert gate.parse_margins("IDF1=1.0, MOTA=0.5") == {"IDF1": 0.01, "MOTA": 0.005}


@pytest.mark.parametrize("text", ["", "IDF1", "IDF1=", "IDF1=x", "IDSW=3", "IDF1=1,IDF1=2", "MOTA=-1", "MOTA=nan"])
def test_what_is_no_margin_is_refused(text):
    with pytest.raises(OptionError, match="--max-drop"):
        gate.parse_margins(text)


def test_no_change_passes_any_margin():
    verdicts = gate.judge(evaluation(0.0), {"IDF1": 0.0, "MOTA": 0.01})
    assert [verdict.passed for verdict in verdicts] == [True, True]
    gate.require(verdicts)


def test_a_fall_beyond_the_margin_fails_and_says_by_how_much():
    verdicts = gate.judge(evaluation(0.2), {"MOTA": 0.01})
    with pytest.raises(GateError, match=r"none reid×hog: MOTA fell too far: -\d\d\.\d\d points .* allowed −1"):
        gate.require(verdicts)


def test_a_failed_gate_is_a_failed_assertion():
    assert issubclass(GateError, AssertionError)


def test_the_interval_is_judged_unless_the_point_is_asked_for():
    found = evaluation(0.1)
    change = found.combined[0][1].difference["MOTA"]
    assert change.low < change.value < 0
    between = {"MOTA": -(change.low + change.value) / 2}
    assert not gate.judge(found, between)[0].passed
    assert gate.judge(found, between, point=True)[0].passed


def test_runs_that_see_no_pixel_are_not_evidence():
    with pytest.raises(OptionError, match="nothing to judge"):
        gate.judge(evaluation(0.0, sensitive=False), {"MOTA": 0.01})


def test_a_score_without_an_interval_needs_point():
    with pytest.raises(OptionError, match="--point"):
        gate.judge(evaluation(0.0), {"HOTA": 0.01})
    assert gate.judge(evaluation(0.0), {"HOTA": 0.01}, point=True)[0].passed


def test_a_baseline_is_kept_by_the_same_scores_and_failed_by_worse_ones(tmp_path):
    path, run = tmp_path / "deep" / "b.json", {"method": "blur"}
    gate.store_baseline(path, evaluation(0.0, sequences=2), run)
    good = gate.judge_baseline(gate.read_baseline(path, run), evaluation(0.0, sequences=2), gate.DEFAULT_MARGINS)
    assert {verdict.run.split(":")[0] for verdict in good} == {"S0", "S1", "all"}
    gate.require(good)
    with pytest.raises(GateError, match="against baseline"):
        gate.require(
            gate.judge_baseline(gate.read_baseline(path, run), evaluation(0.3, sequences=2), gate.DEFAULT_MARGINS)
        )


def test_a_baseline_of_another_run_is_refused(tmp_path):
    path = tmp_path / "b.json"
    gate.store_baseline(path, evaluation(0.0), {"method": "blur"})
    with pytest.raises(OptionError, match="method 'blur', here 'solid'"):
        gate.read_baseline(path, {"method": "solid"})
    with pytest.raises(OptionError, match="in one only"):
        gate.judge_baseline(
            gate.read_baseline(path, {"method": "blur"}), evaluation(0.0, sequences=2), gate.DEFAULT_MARGINS
        )


def test_what_is_no_baseline_is_refused(tmp_path):
    path = tmp_path / "b.json"
    with pytest.raises(NotFoundError, match="--update-baseline"):
        gate.read_baseline(path, {})
    for text in ("{", "[]", "{}", '{"schema": 9}'):
        path.write_text(text)
        with pytest.raises(FormatError, match="baseline"):
            gate.read_baseline(path, {})


def test_junit_counts_and_explains_failures(tmp_path):
    verdicts = [*gate.judge(evaluation(0.2), {"MOTA": 0.01}), *gate.judge(evaluation(0.0), {"MOTA": 0.01})]
    gate.write_junit(tmp_path / "junit.xml", verdicts)
    suite = ET.parse(tmp_path / "junit.xml").getroot()
    assert (suite.get("tests"), suite.get("failures")) == ("2", "1")
    assert "fell too far" in suite.find("testcase/failure").get("message")


@pytest.mark.parametrize(
    "found",
    [evaluation(0.1), evaluation(0.1, 0.2, 0.1), evaluation(0.0, sequences=4), evaluation(0.0, sensitive=False)],
    ids=["one key", "three keys", "four sequences", "insensitive"],
)
def test_results_keep_to_their_schema(found):
    jsonschema = pytest.importorskip("jsonschema")
    stored = json.loads(json.dumps(found.to_json(), allow_nan=False))
    jsonschema.Draft202012Validator(json.loads(SCHEMA.read_text())).validate(stored)


def test_undefined_scores_are_null_in_json():
    gt = pd.DataFrame(columns=GT_COLUMNS).astype({"frame": "int64", "id": "int64", "class": "int64"})
    nothing = score(preprocess(gt, gt[RESULT_COLUMNS], RULES["MOT17"], 5))
    run = Run((Cell("S", "sort", "public", False, nothing, (nothing,), None, None),))
    jsonschema = pytest.importorskip("jsonschema")
    found = Evaluation("0", (SequenceResult("S", "S", 5, "blur", "body", "none", (run,)),))
    stored = json.loads(json.dumps(found.to_json(), allow_nan=False))
    jsonschema.Draft202012Validator(json.loads(SCHEMA.read_text())).validate(stored)
    assert stored["sequences"][0]["runs"][0]["original"]["MOTA"] is None


def test_several_keys_give_means_and_a_spread():
    run = evaluation(0.0, 0.2).combined[0][1]
    zero, fifth = (scores(share, seed=n).as_dict() for n, share in enumerate((0.0, 0.2)))
    assert run.published["MOTA"] == pytest.approx((zero["MOTA"] + fifth["MOTA"]) / 2)
    assert run.keys["count"] == 2
    assert run.keys["MOTA"]["min"] == pytest.approx(fifth["MOTA"] - zero["MOTA"])
    assert evaluation(0.1).combined[0][1].keys is None


def test_sensitivity_is_what_is_lost():
    run = evaluation(0.0).combined[0][1]
    assert run.sensitivity["grey"]["MOTA"] == pytest.approx(scores().as_dict()["MOTA"] - scores(0.9).as_dict()["MOTA"])


def test_several_sequences_are_summed_not_averaged():
    found = evaluation(0.3, sequences=3)
    combined = found.combined[0][1]
    assert combined.published["FN"] == sum(s.runs[0].published["FN"] for s in found.sequences)


def test_the_table_has_a_row_for_every_run_and_says_what_is_insensitive():
    from rich.console import Console

    console = Console(width=200, record=True, file=open("/dev/null", "w"))  # noqa: SIM115, PTH123
    console.print(evaluation(0.2, sequences=2).table())
    console.print(evaluation(0.0, sensitive=False).table())
    text = console.export_text()
    assert text.count("reid") == 4  # two sequences, both together, and the insensitive one
    assert text.count("insensitive") == 1
    assert "random features" in text


def test_a_tracker_that_finds_nobody_has_nothing_to_lose():
    with pytest.raises(OptionError, match="finds nobody on the originals"):
        gate.judge(evaluation(1.0, before=1.0), {"MOTA": 0.0}, point=True)


@pytest.mark.parametrize(
    ("change", "error", "said"),
    [
        ({"IDF1": None}, OptionError, "known in one run only"),
        ({"MOTA": None, "IDF1": None, "HOTA": None}, OptionError, "known in one run only"),
        ({"IDF1": "high"}, FormatError, "not a baseline"),
    ],
)
def test_a_baseline_without_scores_lets_nothing_pass(tmp_path, change, error, said):
    path = tmp_path / "b.json"
    gate.store_baseline(path, evaluation(0.0), {})
    stored = json.loads(path.read_text())
    for row in stored["scores"]:
        row.update(change)
    path.write_text(json.dumps(stored))
    with pytest.raises(error, match=said):
        gate.judge_baseline(gate.read_baseline(path, {}), evaluation(0.0), gate.DEFAULT_MARGINS)
    path.write_text(json.dumps(stored | {"run": []}))
    with pytest.raises(FormatError, match="not a baseline"):
        gate.read_baseline(path, {})
