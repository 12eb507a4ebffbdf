"""Crops of the same people, or of their faces, from an original tree and from what was published of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from mot_anon.data import sequence as seq
from mot_anon.data.frames import Frame, read_frame
from mot_anon.errors import FormatError, FrameError, NotFoundError
from mot_anon.measure.privacy.crops import Crops, numbered
from mot_anon.vision.bodies import CROP_SIZE
from mot_anon.vision.embed import cut

_PEDESTRIAN = 1
_LEAST_VISIBLE = 0.4
_LEAST_HEIGHT = 40


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


def seen_people(sequence: seq.Sequence) -> pd.DataFrame:
    """Rows of ground truth whose pedestrian is large and visible enough."""
    gt = sequence.gt()
    return gt[(gt["class"] == _PEDESTRIAN) & (gt["h"] >= _LEAST_HEIGHT) & (gt["visibility"] >= _LEAST_VISIBLE)]


def _person(frame: Frame, row: pd.Series) -> NDArray[np.uint8]:
    x, y, w, h = (float(row[name]) for name in ("x", "y", "w", "h"))
    return cut(frame, np.array([x, y, x + w, y + h]), CROP_SIZE)


PERSON = Part("person", seen_people, _person, lambda rows: None)


def read_trees(
    original: Path,
    published: Sequence[Path],
    people: Mapping[tuple[str, int], str] | None = None,
    *,
    per_track: int = 8,
    part: Part = PERSON,
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
        What is cut out: :data:`PERSON`, or :data:`~mot_anon.measure.privacy.face_crops.FACE`.

    Raises
    ------
    NotFoundError
        A tree without sequences, or without one that another has; nobody who can be seen twice.
    FrameError
        A published sequence with fewer frames than its original.
    """
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
        frames: dict[str, Sequence[Path]] = {}
        for name, sequence in sequences.items():
            there = seq.open_sequence(seq.only(name, places[name]), allow_partial=True).require_frames()
            if len(there.frames) < len(sequence.frames):
                lengths = f"{name} has {len(there.frames)} frames, the original {len(sequence.frames)}"
                raise FrameError(f"{tree}: {lengths}; publish it anew, or fetch the rest")
            if (there.width, there.height) != (sequence.width, sequence.height):
                sizes = f"{there.width}×{there.height}, the original {sequence.width}×{sequence.height}"
                raise FrameError(f"{tree}: {name} is {sizes}; boxes of the original fit nobody there")
            frames[name] = there.frames
        pixels.append(_cut(frames, rows, part))
    cameras = tuple(sorted(set(rows["camera"])))
    camera = np.array([cameras.index(name) for name in rows["camera"]], np.int64)
    across = "cameras"
    if people is None:
        across, cameras = "times", tuple(name for camera in cameras for name in (camera, camera))
        camera = 2 * camera + rows["late"].to_numpy(np.int64)
    first = Crops(
        pixels[0],
        numbered(rows["person"].tolist()),
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
    except (OSError, UnicodeDecodeError):
        raise FormatError(path, None, "cannot be read as text; a line is 'sequence,id,person'") from None
    found: dict[tuple[str, int], str] = {}
    for number, line in enumerate(lines, start=1):
        fields = [field.strip() for field in line.split(",")]
        if not any(fields) or fields[0].startswith("#"):
            continue
        if len(fields) != 3 or not fields[1].isdecimal():
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
    where: dict[tuple[str, int], list[int]] = {}
    for position, (name, number) in enumerate(zip(rows["sequence"], rows["frame"], strict=True)):
        where.setdefault((str(name), int(number)), []).append(position)
    for (name, number), positions in where.items():
        frame = read_frame(frames[name][number - 1])
        for position in positions:
            found[position] = part.cut(frame, rows.iloc[position])
    return np.stack(found)
