"""The audit on the demo: people who stand, cross and are hidden behind things."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from mot_anon.data.demo import write_demo
from mot_anon.data.frames import read_frame
from mot_anon.data.motchallenge import PERSON_CLASSES
from mot_anon.data.sequence import Sequence, select
from tests.measure.audit_trees import audited, cover_up, published, repaint

Made = tuple[list[Sequence], Path]
NUMBER = 4


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Made:
    folder = tmp_path_factory.mktemp("demo")
    write_demo(folder / "data", frames=6, workers=1)
    originals = select([folder / "data"], ["demo-01"])
    return originals, published(originals, folder / "published")


def in_full_view(sequence: Sequence) -> tuple[str, tuple[int, int, int, int]]:
    """Somebody large and free of others in frame ``NUMBER``: id and box."""
    gt = sequence.gt()
    rows = gt[(gt["frame"] == NUMBER) & gt["class"].isin(PERSON_CLASSES) & (gt["visibility"] == 1) & (gt["h"] > 100)]
    row = rows.iloc[0]
    return str(int(row["id"])), (int(row["x"]), int(row["y"]), int(row["w"]), int(row["h"]))


def test_the_published_demo_passes(demo: Made, tmp_path: Path) -> None:
    found = audited(demo[0], demo[1], tmp_path / "audit")
    assert found.errors == [], found.lines()
    assert found.overall()["told"] > 50
    assert found.backgrounds[0].still
    assert not found.backgrounds[0].lossless
    assert found.backgrounds[0].mean < 2


@pytest.mark.parametrize("how", ["raw", "shifted by half its width"])
def test_one_person_in_one_frame_of_the_demo_is_named(demo: Made, tmp_path: Path, how: str) -> None:
    track, (x, y, w, h) = in_full_view(demo[0][0])
    raw = read_frame(demo[0][0].frames[NUMBER - 1])

    def change(picture: NDArray[np.uint8]) -> NDArray[np.uint8]:
        region = picture[y : y + h, x : x + w].copy()
        picture[y : y + h, x : x + w] = raw[y : y + h, x : x + w]
        if how != "raw":
            picture[y : y + h, x + w // 2 : x + w // 2 + w] = region
        return picture

    copy = Path(shutil.copytree(demo[1], tmp_path / "copy"))
    repaint(copy / "demo-01" / "img1" / f"{NUMBER:06d}.jpg", change)
    found = audited(demo[0], cover_up(copy), tmp_path / "audit")
    named = {(f.sequence, f.frame, f.track) for f in found.errors if f.check == "coverage"}
    assert ("demo-01", NUMBER, track) in named, found.lines()
    assert {frame for _, frame, _ in named} == {NUMBER}
