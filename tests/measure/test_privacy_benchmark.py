"""The benchmark that makes the privacy table."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest
import torch

from mot_anon.measure.privacy.attackers import FORMAT
from mot_anon.measure.privacy.backbone import AttackerNetwork
from mot_anon.vision.weights import save_weights
from tests.invented_crops import crops, write

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "benchmarks"))
import privacy

torch.set_num_threads(1)


def test_a_method_without_identities_has_one_row_and_others_one_a_policy() -> None:
    assert privacy.combinations(["solid", "blur:9"], ["pseudonym", "shared"]) == [
        ("solid", None, "pseudonym"),
        ("solid", None, "shared"),
        ("blur", 9, "none"),
    ]
    assert privacy.combinations(["solid/shared", "blur/shared"], ["pseudonym"]) == [
        ("solid", None, "shared"),
        ("blur", None, "none"),
    ]


def test_the_test_split_must_be_asked_for() -> None:
    assert privacy._arguments(["--crops", "x"]).split == "val"
    assert privacy._arguments(["--crops", "x", "--split", "test"]).split == "test"
    with pytest.raises(SystemExit):
        privacy._arguments(["--crops", "x", "--split", "train"])


def test_a_row_is_made_again_where_weights_or_the_renderer_changed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, weights = write(tmp_path / "crops", crops(2, each=1)), tmp_path / "attacker.safetensors"
    weights.write_bytes(b"attacker")
    arguments = privacy._arguments(["--crops", str(folder)])

    def place() -> Path:
        return privacy.row_file("solid", None, "shared", ["linkage"], weights, arguments)

    first = place()
    assert place() == first
    weights.write_bytes(b"another attacker")
    found = {first, place()}
    for name in ("PARSER", "IDENTITY"):
        (tmp_path / name).write_bytes(b"weights")
        monkeypatch.setattr(privacy, name, tmp_path / name)
        found.add(place())
    monkeypatch.setattr(privacy, "renderer_digest", lambda: "another")
    found.add(place())
    assert len(found) == 5


def test_the_renderer_is_its_files_and_their_names(tmp_path: Path) -> None:
    packages = [tmp_path / str(number) for number in range(5)]
    for package in packages:
        for name in ("methods", "publish", "plan"):
            (package / name).mkdir(parents=True)
            (package / name / "identities.py").write_text("1\n", encoding="utf-8")
    for package, name in zip(packages, ("methods", "publish", "plan"), strict=False):
        (package / name / "identities.py").write_text("2\n", encoding="utf-8")
    (packages[3] / "plan" / "other.py").write_text("2\n", encoding="utf-8")
    digests = [privacy.renderer_digest(package) for package in packages]
    assert len(set(digests[:3])) == 3
    assert digests[3] == digests[4]  # plans do not say what people look like
    assert digests[4] not in digests[:3]
    assert len(privacy.renderer_digest()) == 64


def test_the_table_and_the_figure_are_made_of_what_was_measured(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = write(tmp_path / "crops", crops(7, each=1), "val")
    write_more = crops(5, each=1, seed=1)
    write(tmp_path / "more", write_more, "train")
    (tmp_path / "more" / "train").rename(folder / "train")
    rows = (tmp_path / "more" / "index.csv").read_text(encoding="utf-8").splitlines()[1:]
    with (folder / "index.csv").open("a", encoding="utf-8") as file:
        file.write("\n".join(rows) + "\n")
    weights = tmp_path / "attacker.safetensors"
    save_weights(AttackerNetwork(), weights, FORMAT)
    interval = {"value": -0.02, "low": -0.03, "high": 0.01}
    runs = [
        {"policy": policy, "tracker": tracker, "detections": "public", "difference": {"IDF1": interval}}
        for policy in ("pseudonym", "none")
        for tracker in ("sort", "reid")
    ]
    results = tmp_path / "results.json"
    results.write_text(json.dumps({"sequences": [{"method": "solid"}], "combined": {"runs": runs}}), encoding="utf-8")
    words = ["--crops", folder, "--attacker", weights, "--methods", "solid,pixelate", "--policies", "pseudonym"]
    words += [
        "--attacks",
        "recognition,linkage,membership",
        "--keys",
        2,
        "--tracking",
        results,
        "--out",
        tmp_path / "out",
    ]
    controls: list[float] = []
    monkeypatch.setattr(privacy.Study, "require_control", lambda study: controls.append(study.control))
    privacy.main([str(word) for word in words])
    text = (tmp_path / "out" / "privacy.md").read_text(encoding="utf-8")
    assert "| solid, pseudonym | " in text
    assert "| pixelate | " in text
    assert "| *grey fill (floor)* | " in text
    assert "7 people of val" in text
    stored = json.loads((tmp_path / "out" / "privacy.json").read_text(encoding="utf-8"))
    assert [row["row"] for row in stored["rows"]] == ["solid, pseudonym", "pixelate"]
    assert (tmp_path / "out" / "privacy.png").stat().st_size > 1000
    monkeypatch.setattr(privacy, "studied", lambda *_: pytest.fail("a row that is there was made again"))
    privacy.main([str(word) for word in words])  # as after a kill
    assert (tmp_path / "out" / "privacy.md").read_text(encoding="utf-8") == text
    with pytest.raises(pytest.fail.Exception, match="made again"):
        privacy.main([str(word) for word in (*words, "--seed", 1)])
    assert len(controls) == 4  # an attacker that is too weak would fail the run, once everything is written


def test_only_the_re_id_tracker_on_public_detections_is_in_the_figure(tmp_path: Path) -> None:
    runs = [
        {"policy": "none", "tracker": tracker, "detections": source, "difference": {"IDF1": {"value": value}}}
        for tracker, source, value in (("sort", "public", 0), ("reid", "public", -0.1), ("reid", "hog", -0.5))
    ]
    path = tmp_path / "results.json"
    path.write_text(json.dumps({"sequences": [{"method": "blur"}], "combined": {"runs": runs}}), encoding="utf-8")
    assert privacy.read_tracking([str(path)]) == {("blur", "none"): {"value": -0.1}}
    assert privacy.read_tracking([f"blur:9={path}"]) == {("blur:9", "none"): {"value": -0.1}}
