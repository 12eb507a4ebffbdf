"""Who holds still and has a region in some frames only is not what is behind them."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from mot_anon.plan.lingering import without_people
from mot_anon.plan.plate import Plate, make_plate
from tests.plan.test_plate import SIZE, filmed


@pytest.fixture(autouse=True)
def _cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MOT_ANON_CACHE", str(tmp_path / "cache"))


def plates(folder: Path, lefts: list[int], rows: slice, **more: object) -> tuple[Plate, Plate]:
    """The plate of somebody who has regions in some frames, before and after people were taken out of it."""
    frames, regions = filmed(folder, lefts)
    some = regions.iloc[rows].assign(track="T:1", **more)
    plate = make_plate(frames, some, SIZE, seconds=9)
    assert plate is not None
    return plate, without_people(plate, frames, some, SIZE)


@pytest.mark.parametrize(
    ("rows", "more"),
    [(slice(8, 16), {}), (slice(4, 5), {"source": "manual"}), (slice(4, 5), {"source": "manual", "track": ""})],
    ids=["labelled late", "by hand", "by hand, without a name"],
)
def test_who_is_in_the_plate_is_taken_out_of_it(tmp_path: Path, rows: slice, more: dict[str, object]) -> None:
    frames, regions = filmed(tmp_path / "a", [50] * 16)
    some = regions.iloc[rows].assign(**{"track": "T:1", **more})
    before = make_plate(frames, some, SIZE, seconds=9)
    assert before is not None
    assert before.known[30:70, 52:68].all()  # the person, from the frames without a region
    after = without_people(before, frames, some, SIZE)
    assert not after.known[20:80, 50:70].any()
    assert after.known[:, 100:].all()


def test_who_walks_or_is_mostly_hidden_leaves_the_plate_as_it_is(tmp_path: Path) -> None:
    walks = plates(tmp_path / "a", list(range(10, 130, 8)), slice(None))
    hidden = plates(tmp_path / "b", [50] * 16, slice(8, 16), visibility=0.2)
    for before, after in (walks, hidden):
        assert np.array_equal(before.known, after.known)


def test_a_change_of_light_hides_nobody(tmp_path: Path) -> None:
    frames, regions = filmed(tmp_path / "a", [50] * 16)
    some = regions.iloc[8:].assign(track="T:1")
    plate = make_plate(frames, some, SIZE, seconds=9)
    assert plate is not None
    for path in frames[8:]:
        lighter = cv2.imread(str(path)).astype(int) + 20
        cv2.imwrite(str(path), lighter.clip(0, 255).astype(np.uint8))
    assert not without_people(plate, frames, some, SIZE).known[20:80, 50:70].any()
