"""The benchmark of published bodies, crop by crop."""

from __future__ import annotations

import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "benchmarks"))
import body_crops


def test_rows_that_are_not_there_are_refused_and_those_that_are_listed(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stopped:
        body_crops._arguments(["--crops", "x", "--rows", "cyagan"])
    assert stopped.value.code == 2
    assert "no row begins so; there is: ciagan, pseudonym; " in capsys.readouterr().err
    assert body_crops._arguments(["--crops", "x", "--rows", "grey"]).rows == "grey"


def test_the_folder_for_the_table_is_made_before_the_work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def stop(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(body_crops, "read_folder", stop)
    with pytest.raises(KeyboardInterrupt):
        body_crops.main(["--crops", str(tmp_path), "--out", str(tmp_path / "deep" / "out")])
    assert (tmp_path / "deep" / "out").is_dir()


@pytest.mark.parametrize(("people", "said"), [(9, 9), (30, 20)])
def test_looks_are_compared_over_as_many_codes_as_people_one_crop_each(
    monkeypatch: pytest.MonkeyPatch, people: int, said: int
) -> None:
    shown: list[np.ndarray] = []

    def still(rows: np.ndarray) -> SimpleNamespace:
        shown.append(rows)
        return SimpleNamespace(real=torch.zeros(len(rows), 3, 4, 4), shape=None)

    cast = SimpleNamespace(
        people=[np.arange(3 * person, 3 * person + 3) for person in range(people)],
        rows=np.arange(3 * people),
        still=still,
    )
    drawn: list[int] = []
    monkeypatch.setattr(body_crops, "load_bodies", lambda *_: None)
    monkeypatch.setattr(body_crops, "Cast", lambda *_: cast)
    monkeypatch.setattr(body_crops, "natural_codes", lambda codes: codes)
    monkeypatch.setattr(body_crops, "_drawn", lambda places, codes: drawn.append(len(codes)) or places.real)
    monkeypatch.setattr(body_crops, "colour_spread", lambda *_: (1.0, 1.0))
    line = body_crops.appearance(Path("x"), "val", people=20)[0]
    assert f"over {said} codes ÷ those of {said} real people" in line
    assert drawn == [said]
    assert len({row // 3 for row in shown[0].tolist()}) == len(shown[0]) == said
