"""Tiny synthetic sequences on disk, for tests that need frames, ground truth and detections."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

Row = Sequence[float | int | str]

PEOPLE: tuple[Row, ...] = tuple(
    row
    for frame in range(1, 7)
    for row in (
        (frame, 1, 10 + 2 * frame, 20, 24, 60, 1, 1, 1.0),
        (frame, 2, 60 + frame, 30, 22, 54, 1, 1, 1.0),
        (frame, 9, 100, 12, 8, 30, 0, 3, 1.0),  # a car, which stays
    )
)
"""Two people and a car in six frames of 120×96, rows of gt.txt."""


def write_sequence(
    folder: Path,
    name: str = "TEST-01",
    *,
    frames: int = 6,
    gt: Iterable[Row] | None = PEOPLE,
    det: Iterable[Row] | None = (),
    ext: str = ".png",
    size: tuple[int, int] = (120, 96),
    promised: int | None = None,
    seed: int = 0,
) -> Path:
    """Write ``folder/name`` and return it.

    Parameters
    ----------
    frames:
        How many frames there are; each shows fixed noise in colour with coarse and fine detail, so that a covered
        pixel can be told from a raw one.
    gt, det:
        Rows of ``gt/gt.txt`` and ``det/det.txt``; None for no such file.
    size:
        (width, height) in pixels.
    promised:
        ``seqLength``, where it is not ``frames``.
    seed:
        Another one gives other pictures.
    """
    place = folder / name
    (place / "img1").mkdir(parents=True)
    for number in range(1, frames + 1):
        cv2.imwrite(str(place / "img1" / f"{number:06d}{ext}"), noise(size, 1000 * seed + number))
    for part, rows in (("gt", gt), ("det", det)):
        if rows is not None:
            (place / part).mkdir()
            text = "".join(",".join(map(str, row)) + "\n" for row in rows)
            (place / part / f"{part}.txt").write_text(text, encoding="ascii")
    (place / "seqinfo.ini").write_text(
        f"[Sequence]\nname={name}\nimDir=img1\nframeRate=10\nseqLength={promised or frames}\n"
        f"imWidth={size[0]}\nimHeight={size[1]}\nimExt={ext}\n",
        encoding="ascii",
    )
    return place


def noise(size: tuple[int, int], seed: int) -> NDArray[np.uint8]:
    """A frame (height, width, 3) of coarse colour and fine brightness, the same for the same seed."""
    rng = np.random.default_rng(seed)
    width, height = size
    coarse = cv2.resize(rng.uniform(60, 190, (6, 8, 3)).astype(np.float32), size, interpolation=cv2.INTER_CUBIC)
    fine = rng.normal(0, 22, (height, width, 1))
    return (coarse + fine).clip(0, 255).astype(np.uint8)
