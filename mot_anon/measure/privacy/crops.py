"""What attacks look at: the same people's crops, original and published, row by row."""

from __future__ import annotations

import csv
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import cv2
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from mot_anon.data import sequence as seq
from mot_anon.data.frames import Frame, read_frame
from mot_anon.errors import FormatError, NotFoundError, OptionError
from mot_anon.measure.privacy.retrieval import Integers, Labels
from mot_anon.vision.bodies import CROP_SIZE
from mot_anon.vision.embed import cut

_PEDESTRIAN = 1
_LEAST_VISIBLE = 0.4
_LEAST_HEIGHT = 40


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
        first and second half of every track then count as two).
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


@dataclass(frozen=True)
class Part:
    """What of people is cut out of the frames of a tree.

    Attributes
    ----------
    name:
        :attr:`Crops.part`.
    seen:
        Sequence → rows of its ground truth that show it well enough, with the columns frame, id, x, y, w, h and
        whatever ``cut`` needs.
    cut:
        A frame and such a row → pixels (H, W, 3), of the same size for all rows.
    silhouettes:
        Such rows → (N, H/2, W/2) uint8, or None.
    """

    name: str
    seen: Callable[[seq.Sequence], pd.DataFrame]
    cut: Callable[[Frame, pd.Series], NDArray[np.uint8]]
    silhouettes: Callable[[pd.DataFrame], NDArray[np.uint8] | None]


def read_folder(data: Path, split: str) -> Crops:
    """Read one split of a folder of crops: ``index.csv``, ``SPLIT/images/NAME.jpg`` or ``.png``, ``SPLIT/masks``.

    ``index.csv`` has the columns split, name, person, camera and, where the crops' own sizes are known, width and
    height.  Masks may be missing.

    Raises
    ------
    NotFoundError
        No index, or no row of the split.
    FormatError
        A column is missing, a picture cannot be read, or only some crops have a mask.
    """
    index = data / "index.csv"
    if not index.is_file():
        raise NotFoundError(f"{index}: not there; a folder of crops has index.csv and SPLIT/images/NAME.jpg")
    with index.open(newline="", encoding="utf-8") as file:
        reader = csv.DictReader(file)
        missing = {"split", "name", "person", "camera"} - set(reader.fieldnames or [])
        if missing:
            raise FormatError(index, 1, f"has no column {', '.join(sorted(missing))}")
        rows = [row for row in reader if row["split"] == split]
    if not rows:
        raise NotFoundError(f"{index}: has no row of split {split!r}")
    height, width = CROP_SIZE
    pixels = np.empty((len(rows), height, width, 3), np.uint8)
    sizes = np.empty((len(rows), 2))
    masks: list[NDArray[np.uint8]] = []
    for position, row in enumerate(rows):
        image = _picture(data / split / "images", row["name"], cv2.IMREAD_COLOR)
        if image is None:
            raise FormatError(data / split / "images" / row["name"], None, "no picture that can be read")
        pixels[position] = cv2.resize(image, (width, height), interpolation=cv2.INTER_AREA)
        sizes[position] = row.get("width") or image.shape[1], row.get("height") or image.shape[0]
        mask = _picture(data / split / "masks", row["name"], cv2.IMREAD_GRAYSCALE)
        if mask is not None:
            masks.append(
                np.asarray(cv2.resize(mask, (width // 2, height // 2), interpolation=cv2.INTER_AREA), np.uint8)
            )
    if masks and len(masks) != len(rows):
        raise FormatError(data / split / "masks", None, f"has {len(masks)} masks for {len(rows)} crops")
    cameras = tuple(sorted({row["camera"] for row in rows}))
    return Crops(
        pixels,
        _numbered([row["person"] for row in rows]),
        np.array([cameras.index(row["camera"]) for row in rows], np.int64),
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


def read_trees(
    original: Path,
    published: Sequence[Path],
    people: Mapping[tuple[str, int], str] | None = None,
    *,
    per_track: int = 8,
    part: Part | None = None,
) -> tuple[Crops, list[Crops]]:
    """The same moments of the same pedestrians in an original tree and in published ones.

    Boxes and ids are the original's: they say who is who when attacks are scored, and no attack is shown them.

    Parameters
    ----------
    original, published:
        Sequence folders, or folders that hold them.
    people:
        (sequence, id) → person, for people who are known in several cameras; all others are left out.  None: every id
        of every camera is somebody, and recognition is across time.
    per_track:
        Crops of a track, spread over its length; only rows that are visible enough to be recognised.
    part:
        What is cut out; by default the whole person.

    Raises
    ------
    NotFoundError
        A tree without sequences, or without one that another has; nobody who can be seen twice.
    """
    part = part or PERSON
    sequences = _views(original)
    trees = [seq.discover([tree]) for tree in published]
    rows = pd.concat([_rows(s, part.seen(s), people, per_track) for s in sequences.values()], ignore_index=True)
    if rows.empty:
        raise NotFoundError(f"{original}: no pedestrian's {part.name} is seen often enough to be recognised")
    pixels = [_cut({name: s.frames for name, s in sequences.items()}, rows, part)]
    for tree, places in zip(published, trees, strict=True):
        lacking = sorted(set(sequences) - set(places))
        if lacking:
            raise NotFoundError(f"{tree}: has no {', '.join(lacking)}")
        frames = {
            name: seq.open_sequence(places[name][0], allow_partial=True).require_frames().frames for name in sequences
        }
        pixels.append(_cut(frames, rows, part))
    cameras = tuple(sorted(set(rows["camera"])))
    camera = np.array([cameras.index(name) for name in rows["camera"]], np.int64)
    across = "cameras"
    if people is None:
        across, cameras = "times", tuple(name for camera in cameras for name in (camera, camera))
        camera = 2 * camera + rows["late"].to_numpy(np.int64)
    first = Crops(
        pixels[0],
        _numbered(rows["person"].tolist()),
        camera,
        rows["frame"].to_numpy(np.int64),
        rows[["w", "h"]].to_numpy(np.float64),
        part.silhouettes(rows),
        cameras,
        across,
        part.name,
    )
    return first, [replace(first, pixels=some) for some in pixels[1:]]


def read_people(path: Path) -> dict[tuple[str, int], str]:
    """Read ``--people``: lines ``sequence,id,person``; blank lines and lines that start with # are passed over."""
    try:
        lines = path.read_text(encoding="utf-8-sig").splitlines()
    except FileNotFoundError:
        raise NotFoundError(f"{path}: no such file of people") from None
    found: dict[tuple[str, int], str] = {}
    for number, line in enumerate(lines, start=1):
        fields = [field.strip() for field in line.split(",")]
        if not any(fields) or fields[0].startswith("#"):
            continue
        if len(fields) != 3 or not fields[1].isdigit():
            raise FormatError(path, number, "a line is 'sequence,id,person'")
        found[fields[0], int(fields[1])] = fields[2]
    return found


def _views(tree: Path) -> dict[str, seq.Sequence]:
    """One view of every recording of a tree."""
    found: dict[str, seq.Sequence] = {}
    for name, places in seq.discover([tree]).items():
        opened = seq.open_sequence(places[0], allow_partial=True)
        if opened.frames and opened.gt_path is not None and opened.camera not in {s.camera for s in found.values()}:
            found[name] = opened
    if not found:
        raise NotFoundError(f"{tree}: no sequence with frames and ground truth")
    return found


def seen_people(sequence: seq.Sequence) -> pd.DataFrame:
    """Rows of ground truth whose pedestrian is large and visible enough."""
    gt = sequence.gt()
    return gt[(gt["class"] == _PEDESTRIAN) & (gt["h"] >= _LEAST_HEIGHT) & (gt["visibility"] >= _LEAST_VISIBLE)]


def spread(count: int, most: int) -> NDArray[np.int64]:
    """At most so many of ``count`` rows, evenly spread over them."""
    return np.unique(np.linspace(0, count - 1, min(most, count)).round().astype(np.int64))


def _rows(
    sequence: seq.Sequence, seen: pd.DataFrame, people: Mapping[tuple[str, int], str] | None, per_track: int
) -> pd.DataFrame:
    parts = []
    for identity, track in seen.sort_values("frame").groupby("id"):
        who = f"{sequence.camera}:{identity}" if people is None else people.get((sequence.name, int(identity)), "")
        if len(track) < 2 or not who:
            continue
        chosen = spread(len(track), per_track)
        late = np.arange(len(chosen)) >= len(chosen) // 2
        parts.append(track.iloc[chosen].assign(person=who, camera=sequence.camera, sequence=sequence.name, late=late))
    return pd.concat(parts) if parts else pd.DataFrame()


def _cut(frames: Mapping[str, Sequence[Path]], rows: pd.DataFrame, part: Part) -> NDArray[np.uint8]:
    found: list[NDArray[np.uint8]] = [np.zeros(0, np.uint8)] * len(rows)
    for (name, number), here in rows.groupby(["sequence", "frame"]):
        frame = read_frame(frames[name][int(number) - 1])
        for position, row in here.iterrows():
            found[position] = part.cut(frame, row)
    return np.stack(found)


def _person(frame: Frame, row: pd.Series) -> NDArray[np.uint8]:
    x, y, w, h = (float(row[name]) for name in ("x", "y", "w", "h"))
    return cut(frame, np.array([x, y, x + w, y + h]), CROP_SIZE)


PERSON = Part("person", seen_people, _person, lambda rows: None)


def _picture(folder: Path, name: str, mode: int) -> NDArray[np.uint8] | None:
    for ending in (".jpg", ".png"):
        if (path := folder / f"{name}{ending}").is_file():
            image = cv2.imread(str(path), mode)
            return None if image is None else np.asarray(image, np.uint8)
    return None


def _numbered(names: list[str]) -> Integers:
    numbers = {name: number for number, name in enumerate(sorted(set(names)))}
    return np.array([numbers[name] for name in names], np.int64)
