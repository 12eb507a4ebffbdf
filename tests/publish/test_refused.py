"""All or nothing: what is refused, and that nothing of it is left behind."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from mot_anon.data.sequence import Sequence, open_sequence
from mot_anon.errors import FormatError, FrameError, MotAnonError, NotFoundError, OptionError, OutputError
from mot_anon.plan.overrides import Override
from mot_anon.publish.analyse import Coverage
from tests.publish.conftest import Publish, leftovers, tree_bytes
from tests.sequences import write_sequence


@pytest.mark.parametrize("method", ["none", "recolor", "grey"])
def test_a_method_that_protects_nobody_has_to_be_asked_for(run: Publish, sequence: Sequence, method: str) -> None:
    with pytest.raises(OptionError, match="--control"):
        run(sequence, method=method)
    assert any("protects nobody" in note for note in run(sequence, method=method, control=True).warnings)


@pytest.mark.parametrize(
    "wrong",
    [
        {"method": "magic"},
        {"strength": 3},
        {"target": "feet"},
        {"policy": "none"},
        {"method": "solid", "strength": 8},
        {"workers": 0},
    ],
)
def test_what_does_not_exist_is_refused(
    run: Publish, sequence: Sequence, tmp_path: Path, wrong: dict[str, str]
) -> None:
    with pytest.raises(OptionError):
        run(sequence, **wrong)
    assert leftovers(tmp_path) == []


def test_an_output_that_is_contains_or_lies_in_the_input_is_refused(
    run: Publish, sequence: Sequence, tmp_path: Path
) -> None:
    (tmp_path / "link").symlink_to(sequence.path)
    before = tree_bytes(sequence.path)
    for out in (
        sequence.path,
        sequence.path / "img1" / "new",
        sequence.path.parent,
        tmp_path / "link" / "x",
        tmp_path / "new" / ".." / "data",
    ):
        with pytest.raises(OutputError, match="choose another --out"):
            run(sequence, out=out, overwrite=True)
    assert tree_bytes(sequence.path) == before


def test_an_output_that_is_there_is_replaced_only_when_asked(run: Publish, sequence: Sequence, tmp_path: Path) -> None:
    first = tree_bytes(run(sequence, method="solid").tree)
    with pytest.raises(OutputError, match="--overwrite"):
        run(sequence, method="blur")
    assert tree_bytes(tmp_path / "out") == first
    run(sequence, method="blur", overwrite=True)
    assert json.loads((tmp_path / "out" / "anonymization.json").read_text())["method"] == "blur"
    assert leftovers(tmp_path) == ["out"]


def test_what_mot_anon_did_not_publish_is_never_overwritten(run: Publish, sequence: Sequence, tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "thesis.tex").write_text("four years")
    with pytest.raises(OutputError, match="move it away"):
        run(sequence, overwrite=True)
    assert (tmp_path / "out" / "thesis.tex").read_text() == "four years"


def test_a_failed_overwrite_leaves_what_was_there(run: Publish, sequence: Sequence, tmp_path: Path) -> None:
    first = tree_bytes(run(sequence, method="solid").tree)
    _truncate(sequence.frames[3])
    with pytest.raises(FrameError):
        run(sequence, method="blur", overwrite=True)
    assert tree_bytes(tmp_path / "out") == first


@pytest.mark.parametrize("ext", [".jpg", ".png"])
@pytest.mark.parametrize("workers", [1, 2])
def test_a_truncated_frame_is_named_and_nothing_is_published(
    run: Publish, tmp_path: Path, ext: str, workers: int
) -> None:
    sequence = open_sequence(write_sequence(tmp_path / "data", ext=ext))
    _truncate(sequence.frames[4])
    with pytest.raises(FrameError, match=f"000005{ext}: truncated"):
        run(sequence, workers=workers)
    assert leftovers(tmp_path) == []


def test_a_frame_that_is_no_image_or_of_another_size_is_refused(run: Publish, tmp_path: Path) -> None:
    sequence = open_sequence(write_sequence(tmp_path / "data"))
    other = write_sequence(tmp_path / "data", "BIG", size=(64, 64))
    sequence.frames[2].write_bytes((other / "img1" / "000001.png").read_bytes())
    with pytest.raises(FrameError, match=r"000003\.png: 64×64"):
        run(sequence)
    sequence.frames[2].write_bytes(b"hello")
    with pytest.raises(FrameError, match=r"000003\.png: not an image"):
        run(sequence)
    assert leftovers(tmp_path) == []


def test_labels_that_do_not_parse_are_refused(run: Publish, tmp_path: Path) -> None:
    bad = open_sequence(write_sequence(tmp_path / "data", "BAD", gt=[(1, 1, 5, 5, "nan", 9, 1, 1, 1)]))
    worse = open_sequence(write_sequence(tmp_path / "data", "WORSE", det=[(99, -1, 5, 5, 9, 9, 1)]))
    with pytest.raises(FormatError, match=r"gt.txt:1: NaN"):
        run(bad)
    with pytest.raises(FormatError, match=r"det.txt:1: frame 99"):
        run(worse)


def test_a_missing_attribution_and_a_misspelt_sequence_in_regions_are_refused(
    run: Publish, sequence: Sequence, tmp_path: Path
) -> None:
    with pytest.raises(NotFoundError, match="attribution"):
        run(sequence, attribution=tmp_path / "nowhere.txt")
    line = Override(2, "TSET-01", 1, "add", "", (5, 5, 20, 20))
    with pytest.raises(FormatError, match="TSET-01"):
        run(sequence, coverage=Coverage(None, 0.0, (line,), tmp_path / "regions.csv"))


def test_a_name_that_stands_there_twice_is_refused(run: Publish, sequence: Sequence, tmp_path: Path) -> None:
    other = open_sequence(write_sequence(tmp_path / "data" / "more"))
    with pytest.raises(MotAnonError, match="TEST-01 stands in"):
        run(sequence, other)


def _truncate(path: Path) -> None:
    data = path.read_bytes()
    path.write_bytes(data[: len(data) * 2 // 3])
