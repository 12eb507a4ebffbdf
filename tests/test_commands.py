"""The commands as a user meets them: exit codes, one-line errors, and what they leave on disk."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest
from rich.text import Text
from typer.main import get_command
from typer.testing import CliRunner

from mot_anon.__main__ import app
from mot_anon.data.demo import write_demo
from tests.invented_bodies import write_bodies
from tests.realdata import MOT
from tests.sequences import write_sequence

FAST = ["--independent-detector", "none", "--workers", "1", "--quiet"]


def run(*words: object) -> tuple[int, str]:
    """Exit code and what was printed, both streams."""
    result = CliRunner().invoke(app, [str(word) for word in words])
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result.exit_code, result.output


def refused(*words: object) -> str:
    """The one line that a refused command prints."""
    code, output = run(*words)
    assert code == 2
    lines = output.strip().splitlines()
    assert len(lines) == 1, output
    return lines[0]


def digest(tree: Path) -> dict[str, str]:
    return {
        str(path.relative_to(tree)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(tree.rglob("*"))
        if path.is_file()
    }


def boxes(frames: int = 6) -> list[tuple[float | int, ...]]:
    """Public detections of the two people of ``tests.sequences``."""
    people = ((10, 20, 24, 60, 2), (60, 30, 22, 54, 1))
    return [(f, -1, x + v * f, y, w, h, 0.9, -1, -1, -1) for f in range(1, frames + 1) for x, y, w, h, v in people]


@pytest.fixture
def data(tmp_path):
    write_sequence(tmp_path / "data", "A-01", det=boxes())
    write_sequence(tmp_path / "data", "A-02", det=boxes(), seed=1)
    return tmp_path / "data"


def test_without_arguments_the_commands_are_listed():
    _, output = run()
    for name in ("anonymize", "evaluate", "keygen", "demo", "train"):
        assert name in output


def test_no_help_loses_words_to_the_terminals_markup():
    commands = get_command(app).commands
    helps = {
        (name, parameter.name): parameter.help
        for name, command in commands.items()
        for parameter in command.params
        if getattr(parameter, "help", None)
    }
    assert len(helps) > 50
    assert {place: text for place, text in helps.items() if Text.from_markup(text).plain != text} == {}


@pytest.mark.parametrize(
    ("command", "defaults"),
    [
        ("anonymize", ["Default: ciagan; pixelate for faces.", "Default: box; ciagan always draws silhouettes."]),
        ("evaluate", ["Default: public,hog; none with files."]),
        ("attack", ["Default: as anonymization.json says.", "Default: recognition, linkage,", "parrot, inversion; on"]),
    ],
)
def test_help_says_what_is_done_where_an_option_is_not_given(command, defaults, monkeypatch):
    monkeypatch.setenv("COLUMNS", "100")
    _, output = run(command, "--help")
    said = " ".join(output.replace("│", " ").split())
    for default in defaults:
        assert default in said


def test_a_key_gives_the_same_tree_twice_and_another_key_another_one(data, tmp_path):
    assert run("keygen", tmp_path / "one") == (0, "")
    assert run("keygen", tmp_path / "two") == (0, "")
    trees = []
    for key, out in (("one", "a"), ("one", "b"), ("two", "c")):
        words = ["--data", data, "--seq", "all", "--method", "solid", "--key", tmp_path / key, "--out", tmp_path / out]
        assert run("anonymize", *words, *FAST)[0] == 0
        trees.append(digest(tmp_path / out))
    assert trees[0] == trees[1]
    assert trees[0] != trees[2]
    secret = (tmp_path / "one").read_bytes()
    for path in (tmp_path / "a").rglob("*"):
        assert not path.is_file() or secret not in path.read_bytes()


def test_a_key_is_never_overwritten(tmp_path):
    run("keygen", tmp_path / "key")
    before = (tmp_path / "key").read_bytes()
    assert "never overwritten" in refused("keygen", tmp_path / "key")
    assert (tmp_path / "key").read_bytes() == before


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--seq", "A-03"], "there is: A-01, A-02, demo"),
        (["--seq", "A-01", "--method", "paint"], "no method 'paint'"),
        (["--seq", "A-01", "--method", "pixelate", "--strength", "5"], "--strength 5"),
        (["--seq", "A-01", "--strength", "8"], "ciagan has no --strength"),
        (["--seq", "A-01", "--target", "feet"], "feet"),
        (["--seq", "A-01", "--method", "blur", "--shape", "oval"], "no shape 'oval'; there is: box, silhouette"),
        (["--seq", "A-01", "--shape", "box"], "ciagan draws silhouettes"),
        (["--seq", "A-01", "--method", "blur", "--target", "face", "--shape", "silhouette"], "is for bodies"),
        (["--seq", "A-01", "--policy", "twins"], "no policy 'twins'"),
        (["--seq", "A-01", "--method", "none"], "--control"),
        (["--seq", "A-01", "--method", "recolor"], "--control"),
        (["--seq", "A-01", "--key", "nowhere"], "keygen"),
        (["--seq", "A-01", "--regions", "nowhere"], "no such file of regions"),
        (["--seq", "A-01", "--cameras", "nowhere"], "no such file of cameras"),
        (["--seq", "A-01", "--attribution", "nowhere"], "nowhere"),
        (["--seq", "A-01", "--least-confidence", "nan"], "--least-confidence nan"),
        (["--seq", "A-01", "--least-confidence", "inf"], "--least-confidence inf"),
        ([], "which sequence"),
    ],
)
def test_what_makes_no_sense_is_refused_in_one_line_and_nothing_is_written(data, tmp_path, words, message):
    assert message in refused("anonymize", "--data", data, "--out", tmp_path / "out", *words, *FAST)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["data"]


def test_faults_in_labels_are_named_with_file_and_line(data, tmp_path):
    (data / "A-01" / "gt" / "gt.txt").write_text("1,1,10,20,24,60,1,1,1\n2,1,nan,20,24,60,1,1,1\n")
    line = refused("anonymize", "--data", data, "--seq", "all", "--out", tmp_path / "out", *FAST)
    assert f"{data}/A-01/gt/gt.txt:2" in line
    assert not (tmp_path / "out").exists()


def test_a_broken_frame_is_named_and_nothing_is_published(data, tmp_path):
    frame = data / "A-02" / "img1" / "000004.png"
    frame.write_bytes(frame.read_bytes()[:-400])
    line = refused("anonymize", "--data", data, "--seq", "all", "--out", tmp_path / "out", *FAST)
    assert str(frame) in line
    assert not (tmp_path / "out").exists()


def test_output_inside_the_input_or_already_there_is_refused(data, tmp_path):
    words = ["anonymize", "--data", data, "--seq", "A-01", *FAST]
    for out in (data, data / "A-01", data / "A-01" / "deep"):
        refused(*words, "--out", out)
    assert run(*words, "--out", tmp_path / "out")[0] == 0
    assert "--overwrite" in refused(*words, "--out", tmp_path / "out")
    assert run(*words, "--out", tmp_path / "out", "--overwrite")[0] == 0


def test_evaluate_writes_results_and_tracks_and_prints_a_table(data, tmp_path):
    out = tmp_path / "out"
    code, output = run(
        *["evaluate", "--data", data, "--seq", "A-01", "--method", "solid", "--detections", "public", "--out", out],
        *FAST[:-1],
    )
    assert code == 0, output
    for word in ("A-01", "pseudonym", "isometry", "sort", "reid", "insensitive", "→"):
        assert word in output
    results = json.loads((out / "results.json").read_text())
    assert {entry["policy"] for entry in results["sequences"]} == {"pseudonym", "isometry"}
    assert (out / "tracks" / "original" / "sort-public" / "A-01.txt").read_text().startswith("1,1,")
    assert (out / "tracks" / "published-isometry" / "reid-public" / "A-01.txt").is_file()
    assert not list(out.glob(".work*"))


def test_only_encoding_png_frames_anew_changes_no_score_at_all(data, tmp_path):
    out = tmp_path / "out"
    words = ["--data", data, "--seq", "all", "--method", "none", "--detections", "public,hog", "--out", out]
    assert run("evaluate", *words, *FAST)[0] == 0
    results = json.loads((out / "results.json").read_text())
    runs = [r for entry in results["sequences"] for r in entry["runs"]] + results["combined"]["runs"]
    assert len(runs) == 12
    assert {change["value"] for r in runs for change in r["difference"].values()} <= {0.0, None}


def test_a_finished_tree_can_be_measured(data, tmp_path):
    tree = tmp_path / "tree"
    assert run("anonymize", "--data", data, "--seq", "A-01", "--method", "blur", "--out", tree, *FAST)[0] == 0
    words = ["--data", data, "--detections", "public", "--out", tmp_path / "out", *FAST]
    assert run("evaluate", "--seq", "A-01", "--published", tree, *words)[0] == 0
    assert json.loads((tmp_path / "out" / "results.json").read_text())["sequences"][0]["method"] == "blur"
    assert "has no A-02" in refused("evaluate", "--seq", "A-02", "--published", tree, *words, "--overwrite")


def test_the_gate_fails_with_exit_code_1_and_writes_junit(data, tmp_path):
    words = ["evaluate", "--data", data, "--seq", "A-01", "--detections", "public", *FAST]
    code, output = run(
        *words, "--method", "solid", "--policies", "shared", "--out", tmp_path / "a", "--junit", tmp_path / "j.xml",
        "--max-drop", "MOTA=100,IDF1=100",
    )  # fmt: skip
    assert code == 0, output
    assert 'failures="0"' in (tmp_path / "j.xml").read_text()
    code, output = run(*words, "--trackers", "sort", "--max-drop", "MOTA=1", "--out", tmp_path / "b")
    assert code == 2
    assert "nothing to judge" in output


def test_stored_scores_are_a_baseline_for_the_same_run_only(data, tmp_path):
    words = ["evaluate", "--data", data, "--detections", "public", "--test-key", "--method", "solid", *FAST]
    stored = tmp_path / "b.json"
    assert run(*words, "--seq", "A-01", "--update-baseline", stored, "--out", tmp_path / "a")[0] == 0
    assert run(*words, "--seq", "A-01", "--baseline", stored, "--out", tmp_path / "b")[0] == 0
    assert "another run" in refused(*words, "--seq", "A-02", "--baseline", stored, "--out", tmp_path / "c")
    better = json.loads(stored.read_text())
    for row in better["scores"]:
        row["MOTA"] += 0.5
    stored.write_text(json.dumps(better))
    code, output = run(*words, "--seq", "A-01", "--baseline", stored, "--out", tmp_path / "d")
    assert code == 1
    assert "MOTA fell too far" in output


def test_a_baseline_of_a_finished_tree_says_how_that_was_published(data, tmp_path):
    tree, stored = tmp_path / "tree", tmp_path / "b.json"
    made = ["--method", "pixelate", "--strength", "16", "--policy", "shared", "--out", tree]
    assert run("anonymize", "--data", data, "--seq", "A-01", *made, *FAST)[0] == 0
    words = ["evaluate", "--data", data, "--seq", "A-01", "--detections", "public", "--no-sensitivity", *FAST]
    words += ["--published", tree]
    assert run(*words, "--update-baseline", stored, "--keys", 3, "--out", tmp_path / "a")[0] == 0
    baseline = json.loads(stored.read_text())
    told = {name: baseline["run"][name] for name in ("method", "parameters", "target", "keys")}
    assert told == {"method": "pixelate", "parameters": {"strength": 16}, "target": "body", "keys": 1}
    assert {row["policy"] for row in baseline["scores"]} == {"none"}, "mosaics have no identities, whatever was asked"
    assert run(*words, "--method", "blur", "--baseline", stored, "--out", tmp_path / "b")[0] == 0
    record = json.loads((tree / "anonymization.json").read_text())
    (tree / "anonymization.json").write_text(json.dumps(record | {"method": "solid"}))
    assert "'pixelate', here 'solid'" in refused(*words, "--baseline", stored, "--out", tmp_path / "c")


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--trackers", "deep"], "no tracker 'deep'"),
        (["--detections", "yolo"], "no detector 'yolo'"),
        (["--detections-original", "."], "go together"),
        (["--max-drop", "IDF1"], "--max-drop"),
        (["--baseline", "nowhere.json"], "no such baseline"),
        (["--policies", "twins"], "no policy 'twins'"),
        (["--published", "nowhere"], "nowhere"),
    ],
)
def test_questions_that_make_no_sense_are_refused(data, tmp_path, words, message):
    line = refused("evaluate", "--data", data, "--seq", "A-01", "--out", tmp_path / "out", *words, *FAST)
    assert message in line


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["painter"], "no network 'painter'"),
        (["reid", "--set", "stepps=3"], "unknown setting 'stepps'"),
        (["generator", "--set", "steps"], "NAME=VALUE"),
        (["generator", "--identity-guidance", "twin"], "siamese, classification, none"),
        (["parser", "--input", "person"], "switch of the generator"),
        (["identity", "--target", "face"], "landmarks.npz"),
        (["reid"], "index.csv"),
    ],
)
def test_trainings_that_make_no_sense_are_refused(tmp_path, words, message):
    assert message in refused("train", *words, "--data", tmp_path, "--out", tmp_path / "out.safetensors")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ("save_every=0", "save_every=0: at least 1"),
        ("steps=0", "steps=0: at least 1"),
        ("batch=-1", "batch=-1: at least 1"),
        ("seed=-1", "seed=-1: at least 0"),
    ],
)
def test_settings_of_a_training_that_cannot_be_are_refused(tmp_path, setting, message):
    words = ["--data", tmp_path, "--out", tmp_path / "out.safetensors", "--set", setting]
    for network in ("reid", "generator"):
        assert message in refused("train", network, *words)


@pytest.mark.parametrize(("network", "option"), [("reid", "--teacher"), ("generator", "--start")])
def test_a_training_that_begins_with_broken_weights_names_them(tmp_path, network, option):
    pytest.importorskip("accelerate")
    broken = tmp_path / "broken.safetensors"
    broken.write_bytes(b"no weights")
    data = write_bodies(tmp_path / "data", train=4, val=2)
    words = ["--data", data, "--out", tmp_path / "out.safetensors", option, broken]
    code, output = run("train", network, *words)
    assert code == 2
    assert f"{broken}: broken weights" in output.strip().splitlines()[-1]


@pytest.mark.parametrize("command", ["anonymize", "evaluate", "attack", "train", "demo"])
def test_only_what_goes_on_where_it_was_says_so_when_stopped(tmp_path, monkeypatch, command):
    def stop(*_, **__):
        raise KeyboardInterrupt

    for place in ("mot_anon.options.find_sequences", "mot_anon.train.train_network", "mot_anon.data.demo.write_demo"):
        monkeypatch.setattr(place, stop)
    monkeypatch.setattr("mot_anon.measure.privacy.sides.layout_of", stop)
    words = {
        "anonymize": ["--seq", "all", "--out", tmp_path / "out"],
        "evaluate": ["--seq", "all"],
        "attack": ["--original", tmp_path, "--published", tmp_path],
        "train": ["reid", "--data", tmp_path, "--out", tmp_path / "out"],
        "demo": [tmp_path / "demo"],
    }
    code, output = run(command, *words[command])
    assert code == 130
    more = "; the same command goes on where it was" if command == "anonymize" else ""
    assert output.strip() == f"mot-anon: stopped{more}"


def test_a_sequence_without_ground_truth_cannot_be_scored(tmp_path):
    write_sequence(tmp_path / "data", "A-01", gt=None)
    line = refused("evaluate", "--data", tmp_path / "data", "--seq", "A-01", "--out", tmp_path / "out", *FAST)
    assert "no ground truth" in line


def test_the_demo_goes_the_whole_way(tmp_path):
    write_demo(tmp_path / "data", frames=6, workers=1)
    words = ["--data", tmp_path / "data", "--seq", "demo-01", "--seq", "demo-03", "--detections", "public,hog"]
    code, output = run("evaluate", *words, "--out", tmp_path / "out", "--workers", 1)
    assert code == 0, output
    assert "all" in output
    results = json.loads((tmp_path / "out" / "results.json").read_text())
    assert {entry["method"] for entry in results["sequences"]} == {"ciagan"}
    assert len(results["combined"]["runs"]) == 8


def test_the_real_folders_are_told_apart():
    if not MOT.is_dir():
        pytest.skip("real sequences are not beside the checkout")
    line = refused("evaluate", "--data", MOT, "--seq", "MOT17-02")
    assert "MOT17-mini" in line
    assert "MOT17-labels" in line
    assert "no frames" in refused("evaluate", "--data", MOT / "MOT17-labels", "--seq", "MOT17-02")
    assert "--allow-partial" in refused("evaluate", "--data", MOT / "MOT17-mini", "--seq", "all")


def test_an_incomplete_real_sequence_is_measured_as_far_as_it_goes(tmp_path):
    if not MOT.is_dir():
        pytest.skip("real sequences are not beside the checkout")
    words = ["--data", MOT / "MOT17-mini", "--seq", "all", "--allow-partial", "--out", tmp_path / "out", "--quiet"]
    assert run("evaluate", *words)[0] == 0
    results = json.loads((tmp_path / "out" / "results.json").read_text())
    assert [(entry["policy"], entry["frames"]) for entry in results["sequences"]] == [
        ("pseudonym", 4), ("pseudonym", 8), ("isometry", 4), ("isometry", 8),
    ]  # fmt: skip


def test_a_failed_gate_is_not_what_later_runs_are_held_to(data, tmp_path):
    stored = tmp_path / "b.json"
    words = ["evaluate", "--data", data, "--seq", "A-01", "--method", "pixelate", "--detections", "public"]
    words += ["--test-key", "--no-sensitivity", *FAST]
    assert run(*words, "--update-baseline", stored, "--out", tmp_path / "a")[0] == 0
    better = json.loads(stored.read_text())
    for row in better["scores"]:
        row["MOTA"] += 0.5
    stored.write_text(json.dumps(better))
    assert run(*words, "--baseline", stored, "--update-baseline", stored, "--out", tmp_path / "b")[0] == 1
    assert json.loads(stored.read_text()) == better


@pytest.mark.parametrize(
    ("more", "said"),
    [
        (["--max-drop", ""], "--max-drop"),
        (["--policies", ""], "--policies"),
        (["--junit", "."], "--junit .: is a folder"),
        (["--baseline", "."], "--baseline .: is a folder"),
    ],
)
def test_an_empty_variable_is_no_gate(data, tmp_path, more, said):
    words = ["evaluate", "--data", data, "--seq", "A-01", "--detections", "public", *FAST]
    assert said in refused(*words, *more, "--out", tmp_path / "a")


def test_what_is_overwritten_holds_no_input(data, tmp_path):
    out = tmp_path / "runs"
    words = ["evaluate", "--data", data, "--seq", "A-01", "--method", "pixelate", "--detections", "public"]
    words += ["--no-sensitivity", *FAST]
    assert run(*words, "--out", out)[0] == 0
    tree = next((out / "published").iterdir())
    assert "contains" in refused(*words, "--published", tree, "--out", out, "--overwrite")
    assert (tree / "anonymization.json").is_file()
    (out / "audit.json").write_text("{}")
    assert "contains" in refused("audit", "--original", data, "--published", tree, "--out", out, "--overwrite")
    assert (tree / "anonymization.json").is_file()


def test_one_of_several_trees_is_not_taken_for_the_published_one(data, tmp_path):
    both = tmp_path / "both"
    both.mkdir()
    for name in ("a", "b"):
        made = ["--method", "pixelate", "--out", both / name]
        assert run("anonymize", "--data", data, "--seq", "A-01", *made, *FAST)[0] == 0
    words = ["evaluate", "--data", data, "--seq", "A-01", "--detections", "public", "--published", both, *FAST]
    assert "A-01 stands in" in refused(*words, "--out", tmp_path / "c")
