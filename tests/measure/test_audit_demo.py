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
from mot_anon.measure.audit.detail import RAW
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


def test_people_who_do_not_exist_pass_although_their_outlines_are_those_of_the_original(
    demo: Made, tmp_path: Path
) -> None:
    found = audited(demo[0], published(demo[0], tmp_path / "published", "ciagan"), tmp_path / "audit")
    assert found.errors == [], found.lines()
    overall = found.overall()
    assert overall["told"] > 50
    assert overall["controls"] > 20
    assert overall["worst_control"] < RAW  # nor are mannequins of these outlines taken for the original
    assert any(note.startswith("control: 0 of ") for note in found.notes)


@pytest.mark.parametrize("offset", [(5, 0), (-9, 3), (14, -2)])
def test_a_raw_person_who_was_moved_is_named_with_where_they_are(
    demo: Made, tmp_path: Path, offset: tuple[int, int]
) -> None:
    track, (x, y, w, h) = in_full_view(demo[0][0])
    raw = read_frame(demo[0][0].frames[NUMBER - 1])
    across, down = offset

    def change(picture: NDArray[np.uint8]) -> NDArray[np.uint8]:
        picture[y + down : y + down + h, x + across : x + across + w] = raw[y : y + h, x : x + w]
        return picture

    copy = Path(shutil.copytree(demo[1], tmp_path / "copy"))
    repaint(copy / "demo-01" / "img1" / f"{NUMBER:06d}.jpg", change)
    found = audited(demo[0], cover_up(copy), tmp_path / "audit")
    said = [f.message for f in found.errors if (f.check, f.frame, f.track) == ("coverage", NUMBER, track)]
    assert len(said) == 1, found.lines()
    assert f"{across:+d},{down:+d} pixels away" in said[0]


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
