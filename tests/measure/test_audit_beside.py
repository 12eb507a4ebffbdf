"""Parts of labelled people outside of their boxes: found where they are raw, and where nothing else explains them."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pandas as pd
import pytest
from numpy.typing import NDArray

from mot_anon.measure.audit import beside as module
from mot_anon.measure.audit.beside import beside
from mot_anon.measure.audit.findings import DOUBT, Finding
from mot_anon.plan.silhouettes import windows_of
from mot_anon.vision.bodies import PARTS
from mot_anon.vision.motion import smooth_grey
from tests.sequences import noise

SIZE = (240, 160)
WALL = noise(SIZE, 1)
PERSON = (100, 30, 60, 110)
"""x, y, w, h: where somebody stands; their label's box is half as wide."""
LABEL = (100.0, 30.0, 28.0, 110.0)


def picture(inside: NDArray[np.uint8] | None) -> NDArray[np.uint8]:
    made, (x, y, w, h) = WALL.copy(), PERSON
    if inside is not None:
        made[y : y + h, x : x + w] = inside
    return made


RAW = picture(noise((60, 110), 2))


def written(folder: Path, pictures: list[NDArray[np.uint8]]) -> list[Path]:
    folder.mkdir(parents=True)
    paths = [folder / f"{number:06d}.png" for number in range(1, len(pictures) + 1)]
    for path, pixels in zip(paths, pictures, strict=True):
        cv2.imwrite(str(path), pixels)
    return paths


def labels(frames: int, **more: object) -> pd.DataFrame:
    rows = dict(zip("xywh", LABEL, strict=True))
    table = pd.DataFrame({"frame": range(1, frames + 1), "track": "7"}).assign(**rows)
    return table.assign(source="gt", score=0.0, visibility=1.0).assign(**more)


@pytest.fixture(autouse=True)
def _parser(monkeypatch: pytest.MonkeyPatch) -> None:
    """A parser that sees exactly who stands there."""

    def read(frames: object, boxes: pd.DataFrame, parser: object) -> NDArray[np.uint8]:
        packed = []
        for x1, y1, x2, y2 in windows_of(boxes[["x", "y", "w", "h"]].to_numpy(float)):
            across = x1 + (np.arange(64) + 0.5) / 64 * (x2 - x1)
            down = y1 + (np.arange(128) + 0.5) / 128 * (y2 - y1)
            x, y, w, h = PERSON
            there = ((down >= y) & (down < y + h))[:, None] & ((across >= x) & (across < x + w))[None]
            packed.append(np.concatenate([[255], 255 * there.ravel(), np.zeros(len(PARTS) * 64 * 32)]))
        return np.array(packed, np.uint8)

    monkeypatch.setattr(module, "parse_sequence", read)


def found(folder: Path, after: list[NDArray[np.uint8]], **more: object) -> list[Finding]:
    frames = written(folder / "before", [RAW] * len(after))
    published = written(folder / "after", after)
    people = labels(len(after))
    asked = {"people": people, "everybody": [people], "still": None, **more}
    return beside("CAM", frames, published, **asked, tick=lambda: None)  # type: ignore[arg-type]


def test_what_sticks_out_and_is_raw_is_one_doubt_with_its_place(tmp_path: Path) -> None:
    (doubt,) = found(tmp_path, [RAW] * 3)
    assert (doubt.severity, doubt.check, doubt.sequence, doubt.track) == (DOUBT, "beside", "CAM", "7")
    assert "in 3 frames" in doubt.message
    assert "100%" in doubt.message


def test_a_pause_makes_two_of_it(tmp_path: Path) -> None:
    after = [RAW, *[picture(None)] * 7, RAW]
    assert len(found(tmp_path, after)) == 2


@pytest.mark.parametrize("inside", [None, np.full((110, 60, 3), 90, np.uint8), noise((60, 110), 3)])
def test_whoever_was_replaced_there_is_no_doubt(tmp_path: Path, inside: NDArray[np.uint8] | None) -> None:
    assert not found(tmp_path, [picture(inside)] * 2)


def test_what_lies_in_another_box_is_judged_there(tmp_path: Path) -> None:
    other = labels(2, x=120.0, w=45.0, track="8")
    assert not found(tmp_path, [RAW] * 2, everybody=[labels(2), other])


def test_before_a_standing_camera_it_has_to_move(tmp_path: Path) -> None:
    assert found(tmp_path / "a", [RAW], still=smooth_grey(cv2.GaussianBlur(255 - RAW, (0, 0), 9)))
    assert not found(tmp_path / "b", [RAW], still=smooth_grey(RAW))


def test_the_nearly_hidden_are_not_asked_about(tmp_path: Path) -> None:
    assert not found(tmp_path, [RAW] * 2, people=labels(2, visibility=0.1))


def test_a_published_frame_that_is_missing_or_broken_is_passed_over(tmp_path: Path) -> None:
    frames, people = written(tmp_path / "before", [RAW]), labels(1)
    broken, small = tmp_path / "broken.png", written(tmp_path / "small", [RAW[:100]])
    broken.write_bytes(b"no picture")
    for path in (tmp_path / "nothing.png", broken, *small):
        assert not beside("CAM", frames, [path], people, [people], None, lambda: None)
