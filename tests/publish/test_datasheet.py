"""The data sheet says what was done, what was measured, and what was not."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest

from mot_anon.data.sequence import Sequence
from mot_anon.errors import FormatError
from mot_anon.gan.faces import GENERATOR_WEIGHTS
from mot_anon.gan.heads import WEIGHTS as HEAD_WEIGHTS
from mot_anon.plan.keys import TEST_KEY
from mot_anon.publish.datasheet import NAME, datasheet, update
from mot_anon.publish.record import FILE_TIME
from tests.publish.conftest import Publish, tree_bytes

AUDIT = {
    "version": "1",
    "sequences": 1,
    "frames": 6,
    "sights": 12,
    "told": 11,
    "worst": 0.042,
    "correlation": 0.1,
    "slope": 0.02,
    "errors": 0,
    "doubts": 2,
    "missed": 3,
    "background_changed": 0.0,
    "background_mean": 0.0,
    "reviewed_by": None,
}


def sheet(tree: Path) -> str:
    return (tree / NAME).read_text(encoding="utf-8")


def record(tree: Path) -> dict[str, object]:
    return dict(json.loads((tree / "anonymization.json").read_text(encoding="utf-8")))


def test_a_published_tree_has_a_sheet_that_its_record_determines(run: Publish, sequence: Sequence) -> None:
    done = run(sequence, method="pixelate")
    assert (done.tree / NAME).read_bytes() == datasheet(done.record)
    text = sheet(done.tree)
    assert "| TEST-01 | TEST-01 | 6 | 120×96 | 2 |" in text
    assert "Method: pixelate (strength 8)." in text
    assert "Identity policy: none (the method has no identities)." in text


def test_the_same_key_gives_the_same_sheet(run: Publish, sequence: Sequence, tmp_path: Path) -> None:
    one, two = (run(sequence, method="solid", out=tmp_path / name).tree for name in "ab")
    assert (one / NAME).read_bytes() == (two / NAME).read_bytes()


def test_what_was_not_measured_is_called_so(run: Publish, sequence: Sequence) -> None:
    text = sheet(run(sequence).tree)
    for line in text.splitlines():
        if line.startswith(("- Audit", "- Attacks", "- Tracking", "- Singling", "- Linkability", "- Inference")):
            assert line.endswith("not measured."), line
    assert text.count("not measured.") == 6


@pytest.mark.parametrize(
    "risk",
    ["Stature", "silhouette", "place, time and companions", "Bags", "writing on shirts", "public", "key that is used"],
)
def test_what_remains_is_said(run: Publish, sequence: Sequence, risk: str) -> None:
    assert risk in sheet(run(sequence).tree)


def test_clothes_remain_in_face_mode_only(run: Publish, sequence: Sequence, tmp_path: Path) -> None:
    clothes = "Clothes, build and hair are as they were"
    assert clothes in sheet(run(sequence, target="face", out=tmp_path / "face").tree)
    assert clothes not in sheet(run(sequence, target="body", out=tmp_path / "body").tree)


@pytest.mark.skipif(not GENERATOR_WEIGHTS.is_file(), reason="the weights of the generator of faces are absent")
def test_how_drawn_faces_are_turned_is_said(run: Publish, sequence: Sequence, tmp_path: Path) -> None:
    turned = "drawn turned as the old ones were"
    assert turned in sheet(run(sequence, target="face", method="ciagan", out=tmp_path / "drawn").tree)
    assert turned not in sheet(run(sequence, target="face", out=tmp_path / "mosaics").tree)


@pytest.mark.skipif(not HEAD_WEIGHTS.is_file(), reason="the weights of the generator of heads are absent")
def test_whole_heads_leave_clothes_and_no_hair(run: Publish, sequence: Sequence) -> None:
    text = sheet(run(sequence, target="face", method="heads").tree)
    assert "Clothes, build and hair below the jaw are as they were" in text
    assert "drawn turned as the old ones were" in text


def test_a_control_says_that_it_protects_nobody(run: Publish, sequence: Sequence) -> None:
    assert "**This tree was made with a control method that protects nobody.**" in sheet(
        run(sequence, method="none", control=True).tree
    )


def test_no_verdict_and_no_secret_is_in_it(run: Publish, sequence: Sequence) -> None:
    data = (run(sequence, method="solid", permute_ids=True).tree / NAME).read_bytes()
    assert b"anonymous" not in data.lower()
    assert TEST_KEY not in data
    assert TEST_KEY.hex().encode() not in data


def test_the_source_is_attributed_where_its_licence_was_given(run: Publish, sequence: Sequence, tmp_path: Path) -> None:
    licence = tmp_path / "licence.txt"
    licence.write_text("CC BY-NC-SA")
    text = sheet(run(sequence, attribution=licence, out=tmp_path / "with").tree)
    assert hashlib.sha256(b"CC BY-NC-SA").hexdigest() in text
    assert "licence of the source: not stated" in sheet(run(sequence, out=tmp_path / "without").tree)


def test_how_to_release_anew_is_said(run: Publish, sequence: Sequence) -> None:
    text = sheet(run(sequence).tree)
    assert "asks to be taken out" in text
    assert "new key" in text


def test_a_measured_audit_is_stated_with_its_figures_and_as_unreviewed(run: Publish, sequence: Sequence) -> None:
    tree = run(sequence).tree
    frames = {name: data for name, data in tree_bytes(tree).items() if "img1" in name}
    update(tree, "audit", AUDIT)
    text = sheet(tree)
    assert "11 of 12 sights" in text
    assert "at most 4.2%" in text
    assert "2 doubts" in text
    assert "The doubts are **unreviewed**." in text
    assert frames == {name: data for name, data in tree_bytes(tree).items() if "img1" in name}
    assert {path.stat().st_mtime for path in [tree, tree / NAME, tree / "anonymization.json"]} == {FILE_TIME}
    update(tree, "audit", AUDIT | {"reviewed_by": "A. Curator"})
    assert "The doubts were reviewed by A. Curator." in sheet(tree)


def test_attacks_answer_the_three_questions_and_leave_the_audit_alone(run: Publish, sequence: Sequence) -> None:
    tree = run(sequence).tree
    update(tree, "audit", AUDIT)
    figure = "rank-1 3.1 % [2.0, 4.4], chance 0.5 %, floor 2.7 %, control 78 %"
    update(tree, "attack", {"singling_out": figure, "linkability": "rank-1 0.6 %, chance 0.5 %", "lines": [figure]})
    text = sheet(tree)
    assert f"everybody else's? {figure}." in text
    assert "from camera to camera? rank-1 0.6 %, chance 0.5 %." in text
    assert "what is published? not measured." in text
    assert "11 of 12 sights" in text
    assert set(record(tree)["measured"]) == {"audit", "attack"}  # type: ignore[call-overload]


def test_a_tree_without_a_record_is_refused(tmp_path: Path) -> None:
    with pytest.raises(FormatError, match="publish it anew"):
        update(tmp_path, "audit", AUDIT)
    assert list(tmp_path.iterdir()) == []
