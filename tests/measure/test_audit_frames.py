"""An audit names frames in which more was changed than people, or that carry more than their pixels."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from mot_anon.data.frames import encode_frame, read_frame
from mot_anon.measure.audit.findings import Audit
from tests.measure.audit_trees import (
    Made,
    audited,
    checks,
    frame,
    jpeg_with,
    only,
    published,
    repaint,
    thumbnail,
)


def test_a_thumbnail_is_named(jpg: Made, broken: Callable[..., Audit]) -> None:
    def change(tree: Path) -> None:
        path = frame(tree, "CAM-1", 2)
        path.write_bytes(jpeg_with(path.read_bytes(), 0xE1, thumbnail(read_frame(jpg[0][0].frames[1]))))

    (finding,) = only(broken(jpg, change), "metadata")
    assert (finding.sequence, finding.frame) == ("CAM-1", 2)
    assert "APP1" in finding.message


def test_a_swapped_view_is_named(png: Made, broken: Callable[..., Audit], tmp_path: Path) -> None:
    other = published(png[0], tmp_path / "other", "solid")
    found = broken(png, lambda tree: shutil.copyfile(frame(other, "CAM-2-SDP", 6), frame(tree, "CAM-2-SDP", 6)))
    (finding,) = only(found, "views")
    assert (finding.sequence, finding.frame) == ("CAM-2-SDP", 6)


@pytest.mark.parametrize("kind", ["png", "jpg"])
def test_a_painted_background_is_named(kind: str, request: pytest.FixtureRequest, broken: Callable[..., Audit]) -> None:
    made: Made = request.getfixturevalue(kind)

    def paint(picture: NDArray[np.uint8]) -> NDArray[np.uint8]:
        picture[180:200, 60:90] = 40
        return picture

    (finding,) = only(broken(made, lambda tree: repaint(frame(tree, "CAM-1", 2), paint)), "background")
    assert (finding.sequence, finding.frame) == ("CAM-1", 2)


def test_one_background_pixel_of_a_png_frame_is_enough(png: Made, broken: Callable[..., Audit]) -> None:
    def paint(picture: NDArray[np.uint8]) -> NDArray[np.uint8]:
        picture[190, 70] ^= 1
        return picture

    (finding,) = only(broken(png, lambda tree: repaint(frame(tree, "CAM-1", 2), paint)), "background")
    assert "70,190 1×1 (1 pixels)" in finding.message


def test_a_frame_of_a_png_tree_that_was_encoded_again_is_named(png: Made, broken: Callable[..., Audit]) -> None:
    def encode(picture: NDArray[np.uint8]) -> NDArray[np.uint8]:
        coded = cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, 95])[1]
        return np.asarray(cv2.imdecode(coded, cv2.IMREAD_COLOR), np.uint8)

    (finding,) = only(broken(png, lambda tree: repaint(frame(tree, "CAM-1", 5), encode)), "background")
    assert (finding.sequence, finding.frame) == ("CAM-1", 5)


def test_a_jpeg_file_under_a_png_name_is_named(png: Made, broken: Callable[..., Audit]) -> None:
    def change(tree: Path) -> None:
        path = frame(tree, "CAM-1", 5)
        path.write_bytes(encode_frame(read_frame(path), ".jpg"))

    (finding,) = only(broken(png, change), "frames")
    assert (finding.sequence, finding.frame) == ("CAM-1", 5)


def test_bytes_that_are_not_those_that_were_published_are_named(png: Made, tmp_path: Path) -> None:
    copy = Path(shutil.copytree(png[1], tmp_path / "copy"))
    path = frame(copy, "CAM-1", 3)
    pixels = cv2.imread(str(path))
    path.write_bytes(cv2.imencode(".png", pixels, [cv2.IMWRITE_PNG_COMPRESSION, 9])[1].tobytes())
    found = audited(png[0], copy, tmp_path / "audit")
    assert checks(found) == {"sha256", "times"}  # nobody covered it up
    assert {(f.sequence, f.frame) for f in found.errors if f.check == "sha256"} == {("CAM-1", 3)}
