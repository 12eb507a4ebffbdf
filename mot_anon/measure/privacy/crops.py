"""What attacks look at: the same people's crops, original and published, row by row."""

from __future__ import annotations

import csv
import math
from dataclasses import dataclass, replace
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from mot_anon.errors import FormatError, NotFoundError, OptionError
from mot_anon.measure.privacy.retrieval import Integers, Labels
from mot_anon.vision.bodies import CROP_SIZE, read_index


@dataclass(frozen=True)
class Crops:
    """Crops of people, or of their faces, in memory.

    Attributes
    ----------
    pixels:
        (N, H, W, 3) uint8 BGR: 160×80 of people, 112×112 of faces.
    person, camera:
        (N,) int64; cameras index ``cameras``.
    frame:
        (N,) int64: when, within the camera.
    size:
        (N, 2) float64: width and height in pixels before the crop was scaled.
    silhouettes:
        (N, H/2, W/2) uint8, 0…255, or None where nobody knows which pixels are the person's: then it is all of them.
    cameras:
        Names; identity policies go by them.
    across:
        What :attr:`camera` tells apart: ``cameras``, or ``times`` where people are known in a single camera only (the
        first and second half of every track then count as two), or ``pictures`` where they are known by their
        pictures alone (the halves of everybody's count as two).
    part:
        What is shown of people: ``person`` or ``face``.
    """

    pixels: NDArray[np.uint8]
    person: Integers
    camera: Integers
    frame: Integers
    size: NDArray[np.float64]
    silhouettes: NDArray[np.uint8] | None
    cameras: tuple[str, ...]
    across: str = "cameras"
    part: str = "person"

    def __len__(self) -> int:
        return len(self.pixels)

    @property
    def labels(self) -> Labels:
        """For :mod:`~mot_anon.measure.privacy.retrieval`."""
        return Labels(self.person, self.camera, np.arange(len(self), dtype=np.int64))

    @property
    def tracks(self) -> Integers:
        """(N,) int64: a number for every person in every camera."""
        return self.person * len(self.cameras) + self.camera

    def masks(self) -> NDArray[np.float32]:
        """(N, H, W) float32 in 0…1: where the person is."""
        height, width = self.pixels.shape[1:3]
        if self.silhouettes is None:
            return np.ones((len(self), height, width), np.float32)
        large = [cv2.resize(mask, (width, height), interpolation=cv2.INTER_LINEAR) for mask in self.silhouettes]
        return np.asarray(np.stack(large), np.float32) / np.float32(255)

    def take(self, rows: NDArray[np.int64] | NDArray[np.bool_]) -> Crops:
        """Some of the rows."""
        masks = None if self.silhouettes is None else self.silhouettes[rows]
        return replace(
            self,
            pixels=self.pixels[rows],
            person=self.person[rows],
            camera=self.camera[rows],
            frame=self.frame[rows],
            size=self.size[rows],
            silhouettes=masks,
        )


def read_folder(data: Path, split: str) -> Crops:
    """Read one split of a folder of crops: ``index.csv``, ``SPLIT/images/NAME.jpg`` or ``.png``, ``SPLIT/masks``.

    ``index.csv`` has the columns split, name, person, camera and, where the crops' own sizes are known, width and
    height.  Masks may be missing.

    Raises
    ------
    NotFoundError
        No index, or no row of the split.
    FormatError
        A column or a field is missing, a size is none, a picture cannot be read, or only some crops have a mask.
    """
    index = data / "index.csv"
    if not index.is_file():
        raise NotFoundError(f"{index}: not there; a folder of crops has index.csv and SPLIT/images/NAME.jpg")
    rows = read_index(index, split, ("name", "person", "camera"))
    height, width = CROP_SIZE
    pixels = np.empty((len(rows), height, width, 3), np.uint8)
    sizes = np.empty((len(rows), 2))
    masks: list[NDArray[np.uint8]] = []
    for position, (line, row) in enumerate(rows):
        image = _picture(data / split / "images", row["name"], cv2.IMREAD_COLOR)
        if image is None:
            raise FormatError(data / split / "images" / row["name"], None, "no picture that can be read")
        pixels[position] = cv2.resize(image, (width, height), interpolation=cv2.INTER_AREA)
        for side, (name, own) in enumerate((("width", image.shape[1]), ("height", image.shape[0]))):
            sizes[position, side] = _length(row.get(name) or own, index, line, name)
        mask = _picture(data / split / "masks", row["name"], cv2.IMREAD_GRAYSCALE)
        if mask is not None:
            masks.append(
                np.asarray(cv2.resize(mask, (width // 2, height // 2), interpolation=cv2.INTER_AREA), np.uint8)
            )
    if masks and len(masks) != len(rows):
        raise FormatError(data / split / "masks", None, f"has {len(masks)} masks for {len(rows)} crops")
    cameras = tuple(sorted({row["camera"] for _, row in rows}))
    return Crops(
        pixels,
        numbered([row["person"] for _, row in rows]),
        np.array([cameras.index(row["camera"]) for _, row in rows], np.int64),
        np.arange(len(rows), dtype=np.int64),
        sizes,
        np.stack(masks) if masks else None,
        cameras,
    )


def write_folder(crops: Crops, source: Path, split: str, out: Path) -> None:
    """Write published crops as a folder like the one that ``crops`` were read from: ``source``'s rows, PNG pictures."""
    with (source / "index.csv").open(newline="", encoding="utf-8") as file:
        reader = csv.DictReader(file)
        fields = list(reader.fieldnames or [])
        rows = [row for row in reader if row["split"] == split]
    if len(rows) != len(crops):
        raise OptionError(f"{source}: has {len(rows)} crops of {split}, not {len(crops)}")
    (out / split / "images").mkdir(parents=True, exist_ok=True)
    for row, image in zip(rows, crops.pixels, strict=True):
        cv2.imwrite(str(out / split / "images" / f"{row['name']}.png"), image)
    index = out / "index.csv"
    new = not index.is_file()
    with index.open("a", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, fields)
        if new:
            writer.writeheader()
        writer.writerows(rows)


def _length(given: str | int, index: Path, line: int, column: str) -> float:
    """A side of a crop in pixels, as ``index.csv`` says."""
    try:
        length = float(given)
    except ValueError:
        length = math.nan
    if not (math.isfinite(length) and length > 0):
        raise FormatError(
            index, line, f"{column} {given!r} is no number of pixels; leave it empty where it is not known"
        )
    return length


def _picture(folder: Path, name: str, mode: int) -> NDArray[np.uint8] | None:
    for ending in (".jpg", ".png"):
        if (path := folder / f"{name}{ending}").is_file():
            image = cv2.imread(str(path), mode)
            return None if image is None else np.asarray(image, np.uint8)
    return None


def numbered(names: list[str]) -> Integers:
    """(N,) a number for every name, by the alphabet."""
    numbers = {name: number for number, name in enumerate(sorted(set(names)))}
    return np.array([numbers[name] for name in names], np.int64)
