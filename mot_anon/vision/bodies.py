"""Pedestrian crops with silhouettes and poses, as a training reads them from a ``bodies`` folder."""

from __future__ import annotations

import csv
import zipfile
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from mot_anon.errors import FormatError, NotFoundError

CROP_SIZE = (160, 80)
"""Height and width at which crops are kept; the stored silhouettes have half of it."""
PARTS = ("head", "torso", "arms", "legs")
_ARMS = ((11, 13), (13, 15), (12, 14), (14, 16))
_LEGS = ((23, 25), (25, 27), (24, 26), (26, 28), (27, 31), (28, 32))


@dataclass(frozen=True)
class Bodies:
    """One split in memory.

    Attributes
    ----------
    pixels:
        (N, 160, 80, 3) uint8 BGR.
    silhouettes:
        (N, 80, 40) uint8, 0…255: the teacher's soft silhouettes.
    parts:
        (N, 4, 80, 40) uint8, 0…255: :data:`PARTS` drawn from the teacher's keypoints.
    person, camera:
        (N,) int64.
    presence:
        (N,) float32 in 0…1: how sure the teacher was that somebody is there.
    """

    pixels: NDArray[np.uint8]
    silhouettes: NDArray[np.uint8]
    parts: NDArray[np.uint8]
    person: NDArray[np.int64]
    camera: NDArray[np.int64]
    presence: NDArray[np.float32]

    def __len__(self) -> int:
        return len(self.pixels)

    def members(self) -> list[NDArray[np.int64]]:
        """The rows of every person."""
        order = np.argsort(self.person, kind="stable")
        return np.split(order, np.cumsum(np.bincount(self.person))[:-1])


def load_bodies(data: Path, split: str) -> Bodies:
    """Read one split of a folder with ``index.csv``, ``keypoints.npz``, ``SPLIT/images`` and ``SPLIT/masks``.

    Raises
    ------
    NotFoundError
        The folder has no index or no poses, or the index no such split.
    FormatError
        The index or the poses lack something of a crop, or a picture cannot be read.
    """
    index = data / "index.csv"
    if not index.is_file():
        raise NotFoundError(f"{index}: not there; --data is a folder with index.csv, keypoints.npz and SPLIT/images")
    rows = read_index(index, split, ("name", "person", "camera", "teacher_presence"))
    keypoints = _read_keypoints(data / "keypoints.npz")
    height, width = CROP_SIZE
    pixels = np.empty((len(rows), height, width, 3), np.uint8)
    silhouettes = np.empty((len(rows), height // 2, width // 2), np.uint8)
    parts = np.empty((len(rows), len(PARTS), height // 2, width // 2), np.uint8)
    presence = np.empty(len(rows), np.float32)
    for position, (line, row) in enumerate(rows):
        image = _read(data / split / "images" / f"{row['name']}.jpg", cv2.IMREAD_COLOR)
        pixels[position] = cv2.resize(image, (width, height), interpolation=cv2.INTER_AREA)
        mask = _read(data / split / "masks" / f"{row['name']}.png", cv2.IMREAD_GRAYSCALE)
        silhouettes[position] = cv2.resize(mask, (width // 2, height // 2), interpolation=cv2.INTER_AREA)
        if (pose := keypoints.get(f"{split}/{row['name']}")) is None:
            raise FormatError(index, line, f"keypoints.npz has no pose of {split}/{row['name']}")
        parts[position] = draw_parts(pose)
        try:
            presence[position] = float(row["teacher_presence"])
        except ValueError:
            raise FormatError(index, line, f"teacher_presence {row['teacher_presence']!r} is no number") from None
    return Bodies(
        pixels,
        silhouettes,
        parts,
        _numbered([row["person"] for _, row in rows]),
        _numbered([row["camera"] for _, row in rows]),
        presence,
    )


def read_index(index: Path, split: str, columns: Iterable[str]) -> list[tuple[int, dict[str, str]]]:
    """The rows of a split in an ``index.csv``, each with the number of its line; ``columns`` and split must be there.

    Raises
    ------
    NotFoundError
        No row of the split.
    FormatError
        The file is no text, a column is missing, or a row is too short.
    """
    needed = {"split", *columns}
    rows: list[tuple[int, dict[str, str]]] = []
    try:
        with index.open(newline="", encoding="utf-8") as file:
            reader = csv.DictReader(file)
            if missing := needed - set(reader.fieldnames or []):
                raise FormatError(index, 1, f"has no column {', '.join(sorted(missing))}")
            for row in reader:
                if any(row[name] is None for name in needed):
                    raise FormatError(
                        index, reader.line_num, f"has fewer than the {len(reader.fieldnames or [])} fields"
                    )
                if row["split"] == split:
                    rows.append((reader.line_num, row))
    except (UnicodeDecodeError, csv.Error):
        raise FormatError(index, None, "cannot be read as comma-separated text in UTF-8; write it anew") from None
    if not rows:
        raise NotFoundError(f"{index}: has no row of split {split!r}")
    return rows


def draw_parts(keypoints: NDArray[np.float32]) -> NDArray[np.uint8]:
    """Draw a pose.

    Parameters
    ----------
    keypoints:
        (33, 3) float32: x, y as fractions of the crop and visibility, in BlazePose's order.

    Returns
    -------
    (4, 80, 40) uint8: head (a disc, brighter where the face is), torso, arms and legs.  Left and right look the same:
    a small network cannot tell them apart, and a picture that flickers between two answers is worse than none.
    """
    height, width = CROP_SIZE
    point = np.clip(keypoints[:, :2], -1, 2) * (width, height)
    maps = np.zeros((len(PARTS), height, width), np.uint8)
    neck, hips = point[[11, 12]].mean(0), point[[23, 24]].mean(0)
    head = point[[0, 7, 8]].mean(0)
    radius = max(4.0, 0.5 * float(np.hypot(*(neck - head))))
    _disc(maps[0], head, radius, 130)
    # Seen from the front the left shoulder is on the right of the picture; from behind there is no face to draw.
    if point[11, 0] - point[12, 0] > -0.08 * abs(hips[1] - neck[1]):
        _disc(maps[0], point[0], 0.55 * radius, 255)
    cv2.fillPoly(maps[1], [np.rint(point[[11, 12, 24, 23]]).astype(np.int32)], 255, cv2.LINE_AA)
    _bone(maps[1], neck, hips, 8)
    for channel, bones in ((2, _ARMS), (3, _LEGS)):
        for a, b in bones:
            if min(keypoints[a, 2], keypoints[b, 2]) > 0.3:
                _bone(maps[channel], point[a], point[b], 5)
    small = [cv2.resize(part, (width // 2, height // 2), interpolation=cv2.INTER_AREA) for part in maps]
    return np.stack(small).astype(np.uint8)


def _bone(canvas: NDArray[np.uint8], a: NDArray[np.float32], b: NDArray[np.float32], width: int) -> None:
    (x1, y1), (x2, y2) = np.rint(a).astype(int).tolist(), np.rint(b).astype(int).tolist()
    cv2.line(canvas, (x1, y1), (x2, y2), 255, width, cv2.LINE_AA)


def _disc(canvas: NDArray[np.uint8], centre: NDArray[np.float32], radius: float, value: int) -> None:
    x, y = (int(v) for v in np.rint(centre))
    cv2.circle(canvas, (x, y), max(1, round(radius)), value, -1, cv2.LINE_AA)


def _read(path: Path, mode: int) -> NDArray[np.uint8]:
    image = cv2.imread(str(path), mode)
    if image is None:
        raise FormatError(path, None, "cannot be read as a picture")
    return np.asarray(image, np.uint8)


def _read_keypoints(path: Path) -> dict[str, NDArray[np.float32]]:
    """SPLIT/NAME → (33, 3)."""
    if not path.is_file():
        raise NotFoundError(f"{path}: not there; it holds the poses of the crops")
    try:
        with np.load(path) as stored:
            return dict(zip(stored["name"].tolist(), stored["keypoints"].astype(np.float32), strict=True))
    except (KeyError, ValueError, EOFError, zipfile.BadZipFile):
        raise FormatError(path, None, "holds no arrays name and keypoints, a row of each for every crop") from None


def _numbered(names: list[str]) -> NDArray[np.int64]:
    numbers = {name: number for number, name in enumerate(sorted(set(names)))}
    return np.array([numbers[name] for name in names], np.int64)
