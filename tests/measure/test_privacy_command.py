"""``mot-anon attack`` as a user meets it."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
import torch
from typer.testing import CliRunner

from mot_anon.__main__ import app
from mot_anon.measure.privacy.attackers import FORMAT
from mot_anon.measure.privacy.backbone import AttackerNetwork
from mot_anon.measure.privacy.crops import write_folder
from mot_anon.measure.privacy.publishing import publisher
from mot_anon.plan.keys import TEST_KEY, Key
from mot_anon.vision.weights import content_digest, save_weights
from tests.invented_crops import crops, write
from tests.sequences import write_sequence


def run(*words: object) -> tuple[int, str]:
    torch.set_num_threads(1)
    result = CliRunner().invoke(app, ["attack", *(str(word) for word in words)])
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result.exit_code, result.output


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An attacker that has learnt nothing."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        network = AttackerNetwork()
    path = tmp_path_factory.mktemp("weights") / "attacker.safetensors"
    save_weights(network, path, FORMAT)
    return path


@pytest.fixture
def folders(tmp_path: Path) -> tuple[Path, Path]:
    some = crops(8, each=2)
    original = write(tmp_path / "original", some)
    write_folder(publisher("solid")(some, Key(TEST_KEY)), original, "val", tmp_path / "published")
    return original, tmp_path / "published"


def test_crops_are_attacked_and_the_figures_written_down(
    folders: tuple[Path, Path], weights: Path, tmp_path: Path
) -> None:
    original, published = folders
    words = ("--original", original, "--published", published, "--attacker", weights, "--least-control", 0)
    code, output = run(
        *words, "--attacks", "recognition,linkage,parrot", "--out", tmp_path / "out", "--method", "solid"
    )
    assert code == 0, output
    assert "linkage: published → published, within a camera: rank-1" in output
    assert "parrot: not measured: needs other people" in output
    stored = json.loads((tmp_path / "out" / "attacks.json").read_text(encoding="utf-8"))
    assert stored["people"] == 8
    assert stored["about"]["method"] == "solid"
    assert stored["about"]["split"] == "val"
    assert stored["about"]["attacker"] == content_digest(weights)
    figures = [found for found in stored["findings"] if "value" in found]
    assert all(0 <= found["value"]["value"] <= 1 for found in figures)
    assert all(found["chance"] is not None for found in figures)


def test_a_weak_attacker_fails_the_run(folders: tuple[Path, Path], weights: Path) -> None:
    original, published = folders
    code, output = run(
        "--original", original, "--published", published, "--attacker", weights, "--attacks", "linkage",
        "--least-control", 100.1, "--quiet",
    )  # fmt: skip
    assert code == 1
    assert "prove nothing" in output
    assert len(output.strip().splitlines()) == 1


def test_trees_are_attacked_across_time(tmp_path: Path, weights: Path) -> None:
    write_sequence(tmp_path / "original")
    shutil.copytree(tmp_path / "original", tmp_path / "published")
    (tmp_path / "published" / "anonymization.json").write_text(
        json.dumps({"method": "pixelate", "parameters": {"strength": 16}, "policy": "shared"}), encoding="utf-8"
    )
    code, output = run(
        "--original", tmp_path / "original", "--published", tmp_path / "published", "--attacker", weights,
        "--attacks", "recognition,two-keys", "--least-control", 0, "--out", tmp_path / "out", "--update-datasheet",
    )  # fmt: skip
    assert code == 0, output
    assert "published → original, other time: rank-1" in output
    assert "two-keys: not measured: needs two publications" in output
    sheet = (tmp_path / "published" / "DATASHEET.md").read_text(encoding="utf-8")
    singling_out = next(line for line in sheet.splitlines() if line.startswith("- Singling out"))
    assert "rank-1" in singling_out
    assert "control" in singling_out
    assert next(line for line in sheet.splitlines() if line.startswith("- Linkability")).endswith("not measured.")
    stored = json.loads((tmp_path / "out" / "attacks.json").read_text(encoding="utf-8"))
    assert stored["across"] == "times"
    assert (stored["about"]["method"], stored["about"]["strength"], stored["about"]["policy"]) == (
        "pixelate",
        16,
        "shared",
    )


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ((), "give --original TREE and --published TREE"),
        (("--attacks", "guess"), "no attack 'guess'"),
        (("--attacks", ""), "give at least one name"),
        (("--split", "train"), "no row of split 'train'"),
        (("--people", "who.csv"), "--people is for sequences"),
        (("--set", "steps=3"), "--set is for --train-attacker"),
        (("--set", "steps=3", "--split", "train"), "--set is for --train-attacker"),  # before crops are read
        (("--train-attacker", ".", "--split", "train"), "--attacker and --train-attacker: give one of them"),
        (("--embedder", "own"), "--embedder is for attacks on faces"),
        (("--method", "magic"), "no method 'magic'"),
    ],
)
def test_what_cannot_be_done_is_refused_in_one_line(
    folders: tuple[Path, Path], weights: Path, words: tuple[str, ...], said: str
) -> None:
    sides = ("--original", folders[0], "--published", folders[1], "--attacker", weights) if words else ()
    code, output = run(*sides, *words)
    assert code == 2
    assert said in output
    assert len(output.strip().splitlines()) == 1


@pytest.mark.parametrize("content", [b"", b"no weights", b"\xff" * 64])
def test_a_broken_attacker_is_named(folders: tuple[Path, Path], tmp_path: Path, content: bytes) -> None:
    broken = tmp_path / "broken.safetensors"
    broken.write_bytes(content)
    code, output = run("--original", folders[0], "--published", folders[1], "--attacker", broken)
    assert code == 2
    assert f"{broken}: broken weights" in output
    assert len(output.strip().splitlines()) == 1


def test_a_negative_seed_is_refused(folders: tuple[Path, Path]) -> None:
    code, output = run("--original", folders[0], "--published", folders[1], "--seed", -1)
    assert code == 2
    assert "--seed" in output


def test_on_bodies_nobody_practises_with_what_replaced_faces_alone(
    folders: tuple[Path, Path], weights: Path, tmp_path: Path
) -> None:
    original, published = folders
    record = {"method": "pixelate", "parameters": {"strength": 8}, "policy": "pseudonym", "target": "face"}
    (published / "anonymization.json").write_text(json.dumps(record), encoding="utf-8")
    others = write(tmp_path / "others", crops(4, each=1, seed=1), "train")
    code, output = run(
        "--original", original, "--published", published, "--part", "body", "--attacker", weights, "--others", others,
        "--attacks", "parrot,inversion", "--practice", 1, "--least-control", 0,
    )  # fmt: skip
    assert code == 0, output
    for name in ("parrot", "inversion"):
        assert f"{name}: not measured: needs other people (--others) and the method that bodies" in output


def test_published_crops_must_be_those_of_the_originals(folders: tuple[Path, Path], weights: Path) -> None:
    index = folders[1] / "index.csv"
    lines = index.read_text(encoding="utf-8").splitlines()
    index.write_text("\n".join([lines[0], *lines[2:]]) + "\n", encoding="utf-8")
    code, output = run("--original", folders[0], "--published", folders[1], "--attacker", weights)
    assert code == 2
    assert "other rows of val" in output


def test_without_an_attacker_the_one_that_ships_attacks(folders: tuple[Path, Path]) -> None:
    code, output = run(
        "--original", folders[0], "--published", folders[1], "--attacks", "linkage", "--least-control", 0
    )
    assert code == 0, output
    assert "linkage" in output


def test_no_control_is_no_number(folders: tuple[Path, Path], weights: Path) -> None:
    original, published = folders
    words = ("--original", original, "--published", published, "--attacker", weights)
    code, output = run(*words, "--least-control", "nan")
    assert code == 2
    assert "--least-control nan" in output
