"""The gate as an assertion."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from mot_anon.measure import gate
from mot_anon.measure.preserved import assert_tracking_preserved
from tests.sequences import write_sequence


@pytest.mark.parametrize(
    ("given", "judged"),
    [
        (None, {"MOTA": 0.01, "IDF1": 0.01}),
        ({"IDF1": 5}, {"MOTA": 0.01, "IDF1": 0.05}),
        ({"recall": 2}, {"MOTA": 0.01, "IDF1": 0.01, "recall": 0.02}),
    ],
)
def test_scores_that_are_not_named_keep_their_margins(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, given: Mapping[str, float] | None, judged: dict[str, float]
) -> None:
    people = ((10, 20, 24, 60, 2), (60, 30, 22, 54, 1))
    rows = [(f, -1, x + v * f, y, w, h, 0.9, -1, -1, -1) for f in range(1, 7) for x, y, w, h, v in people]
    place = write_sequence(tmp_path, "A-01", det=rows)
    asked: list[Mapping[str, float]] = []

    def judge(evaluation: Any, margins: Mapping[str, float], *, point: bool) -> list[gate.Verdict]:
        asked.append(margins)
        return []

    monkeypatch.setattr(gate, "judge", judge)
    assert_tracking_preserved(place, place, max_drop=given, trackers=("sort",), detections=("public",))
    assert asked == [judged]
