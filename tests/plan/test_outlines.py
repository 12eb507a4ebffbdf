"""Who is near the camera has the outline that is in the frame; who is far keeps what the parser says."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pandas as pd
import pytest
from numpy.typing import NDArray

from mot_anon.plan.edges import along_edges
from mot_anon.plan.silhouettes import Steady

HEIGHT, WIDTH = 480, 320
PERSON = slice(100, 180)  # columns of the frame


def frames(folder: Path, n: int) -> list[Path]:
    """Somebody bright before a dark wall, n times."""
    made = []
    for number in range(n):
        pixels = np.full((HEIGHT, WIDTH, 3), 40, np.uint8)
        pixels[:, PERSON] = 200
        made.append(folder / f"{number}.png")
        cv2.imwrite(str(made[-1]), pixels)
    return made


def people(n: int, *, high: float = 400.0, kind: str = "person") -> pd.DataFrame:
    """Somebody in the middle of n frames."""
    rows = {"frame": range(1, n + 1), "x": 140 - 0.2 * high, "y": 240 - high / 2, "w": 0.4 * high, "h": high}
    return pd.DataFrame(rows).assign(kind=kind, source="gt", track="S:1", visibility=1.0)


def steady(n: int) -> Steady:
    """Silhouettes that are soft, and reach a little farther to the right than the person does."""
    ramp = np.clip(np.minimum(np.arange(64) - 12, 52 - np.arange(64)) / 12, 0, 1)
    maps = np.broadcast_to(np.rint(255 * ramp).astype(np.uint8), (n, 128, 64)).copy()
    ones = np.ones(n, np.float32)
    return Steady(maps, maps.copy(), np.zeros((n, 4, 64, 32), np.uint8), ones, ones)


def wrong(maps: NDArray[np.uint8], table: pd.DataFrame) -> float:
    """Share of the cells of silhouettes that are on the wrong side of the person's edges."""
    row = table.iloc[0]
    width = 1.15 * row["w"]
    columns = row["x"] + row["w"] / 2 + ((np.arange(64) + 0.5) / 64 - 0.5) * width
    there = (columns >= PERSON.start) & (columns < PERSON.stop)
    return float(((maps > 127) != there[None, None]).mean())


def test_outlines_of_large_people_are_those_of_the_frame(tmp_path: Path) -> None:
    ticks: list[int] = []
    before, table = steady(2), people(2)
    after = along_edges(frames(tmp_path, 2), table, before, lambda: ticks.append(1))
    assert wrong(after.silhouettes, table) < wrong(before.silhouettes, table)
    assert (after.possible >= before.possible).all()
    assert (after.possible >= after.silhouettes).all()  # what is drawn is covered
    assert np.array_equal(after.parts, before.parts)
    assert len(ticks) == 2


@pytest.mark.parametrize("table", [people(2, high=100.0), people(2, kind="unsure"), people(2, kind="hidden")])
def test_nothing_else_changes(tmp_path: Path, table: pd.DataFrame) -> None:
    before = steady(2)
    after = along_edges(frames(tmp_path, 2), table, before, lambda: None)
    assert np.array_equal(after.silhouettes, before.silhouettes)
    assert np.array_equal(after.possible, before.possible)


def test_a_sequence_without_people_reads_nothing() -> None:
    assert len(along_edges([], people(0), steady(0), lambda: None).silhouettes) == 0
