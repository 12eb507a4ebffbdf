"""MOTChallenge text files: ground truth, detections, tracker results, and the scoring rules of each edition.

A line is ``frame, id, x, y, w, h, confidence, …`` in pixels, with the top-left corner of the box and 1-based frames.
MOT16/17/20 and DanceTrack ground truth has 9 columns (…, flag, class, visibility), MOT15 has 10 (…, flag and three
world coordinates).  Columns stand between commas, spaces or tabs; a byte order mark, Windows line ends, blank lines and
commas at the end of a line do no harm.  Boxes are amodal and are never clipped here: 6–20 % of ground-truth boxes leave
the frame.
"""

from __future__ import annotations

import codecs
import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from mot_anon.errors import FormatError, NotFoundError

GT_COLUMNS = ["frame", "id", "x", "y", "w", "h", "confidence", "class", "visibility"]
DETECTION_COLUMNS = ["frame", "x", "y", "w", "h", "confidence"]
RESULT_COLUMNS = ["frame", "id", "x", "y", "w", "h", "confidence"]

PEDESTRIAN = 1
#: Everything in ground truth that shows a person, whatever its flag says: pedestrian, on vehicle, static person,
#: distractor, reflection, crowd.
PERSON_CLASSES = frozenset({1, 2, 7, 8, 12, 13})
#: Things that hide people: occluder, occluder on the ground, occluder full.
OCCLUDER_CLASSES = frozenset({9, 10, 11})
#: Every class that MOTChallenge has.
CLASSES = range(1, 14)

_INTEGER_COLUMNS = ("frame", "id", "class")
_LARGEST = 2**53  # whole numbers beyond it are not exact as floats
_SEPARATOR = re.compile(r"\s*,\s*|\s+")


@dataclass(frozen=True)
class Rules:
    """How an edition of the benchmark is scored.

    Attributes
    ----------
    name:
        Edition: MOT15, MOT16, MOT17, MOT20 or DanceTrack.
    preprocess:
        Whether tracker boxes that match a distractor are dropped before scoring.
    distractors:
        Classes whose matched tracker boxes are dropped.
    evaluated:
        The one class that is scored.
    """

    name: str
    preprocess: bool
    distractors: frozenset[int]
    evaluated: int = PEDESTRIAN


RULES = {
    "MOT15": Rules("MOT15", False, frozenset()),
    "MOT16": Rules("MOT16", True, frozenset({2, 7, 8, 12})),
    "MOT17": Rules("MOT17", True, frozenset({2, 7, 8, 12})),
    "MOT20": Rules("MOT20", True, frozenset({2, 6, 7, 8, 12})),
    "DanceTrack": Rules("DanceTrack", True, frozenset({2, 7, 8, 12})),
}

_MOT15_NAMES = re.compile(r"^(MOT15|TUD|ADL|AVG|ETH|KITTI|PETS09|Venice)[-_]", re.IGNORECASE)


def infer_rules(name: str, gt_path: Path | None) -> Rules:
    """The scoring rules of a sequence, from its name and, where that is silent, from the columns of its gt."""
    for edition in ("MOT16", "MOT17", "MOT20"):
        if name.upper().startswith(edition):
            return RULES[edition]
    if name.lower().startswith("dancetrack"):
        return RULES["DanceTrack"]
    if _MOT15_NAMES.match(name):
        return RULES["MOT15"]
    if gt_path is not None:
        for _, fields in _lines(gt_path):
            return RULES["MOT15"] if len(fields) >= 10 else RULES["MOT17"]
    return RULES["MOT17"]


def read_gt(path: Path, *, n_frames: int, partial: bool = False) -> pd.DataFrame:
    """Ground truth as a table with the columns of :data:`GT_COLUMNS`.

    Parameters
    ----------
    path:
        ``gt/gt.txt``, with 9 columns (MOT16 and later) or 10 (MOT15, which has neither class nor visibility: 1 and
        1.0).  A visibility of −1 means that nobody wrote one down, and is read as 1.0 as well.
    n_frames:
        Length of the sequence; a later frame is an error.
    partial:
        Rows beyond ``n_frames`` are dropped instead.

    Raises
    ------
    FormatError
        Not a number, NaN or infinite, a negative size, a duplicate (frame, id), a frame outside 1…n_frames, a class
        that MOTChallenge does not have (whether it is a person's cannot be guessed), a visibility outside 0…1.
    """
    rows: list[tuple[float, ...]] = []
    seen: dict[tuple[int, int], int] = {}
    for number, fields in _lines(path):
        if len(fields) not in (9, 10):
            raise FormatError(path, number, f"{len(fields)} columns where ground truth has 9 or 10")
        values = _numbers(path, number, fields)
        if _beyond(path, number, values[0], n_frames, partial):
            continue
        _identify(path, number, values, seen)
        rows.append((*values[:7], *_class_and_visibility(path, number, values)))
    return table(rows, GT_COLUMNS)


def read_detections(path: Path, *, n_frames: int, partial: bool = False) -> pd.DataFrame:
    """Detections (``det/det.txt``, 6 to 10 columns) as a table with the columns of :data:`DETECTION_COLUMNS`.

    Without a seventh column the confidence is 1.  Raises :class:`FormatError` as :func:`read_gt` does, but several
    detections may share a frame and an id.  An empty file is an empty table.
    """
    rows: list[tuple[float, ...]] = []
    for number, fields in _lines(path):
        if not 6 <= len(fields) <= 10:
            raise FormatError(path, number, f"{len(fields)} columns where detections have 6 to 10")
        values = _numbers(path, number, fields)
        if _beyond(path, number, values[0], n_frames, partial):
            continue
        rows.append((values[0], *values[2:6], values[6] if len(values) > 6 else 1.0))
    return table(rows, DETECTION_COLUMNS)


def read_results(path: Path, *, n_frames: int) -> pd.DataFrame:
    """A tracker's result file as a table with the columns of :data:`RESULT_COLUMNS`; raises as :func:`read_gt`."""
    rows: list[tuple[float, ...]] = []
    seen: dict[tuple[int, int], int] = {}
    for number, fields in _lines(path):
        if not 7 <= len(fields) <= 10:
            raise FormatError(path, number, f"{len(fields)} columns where results have 7 to 10")
        values = _numbers(path, number, fields)
        _beyond(path, number, values[0], n_frames, False)
        _identify(path, number, values, seen)
        rows.append(values[:7])
    return table(rows, RESULT_COLUMNS)


def write_results(path: Path, results: pd.DataFrame) -> None:
    """Write a table of :data:`RESULT_COLUMNS` in the submission format (10 columns, two decimals)."""
    lines = [
        f"{int(f)},{int(i)},{x:.2f},{y:.2f},{w:.2f},{h:.2f},{c:.4g},-1,-1,-1\n"
        for f, i, x, y, w, h, c in results[RESULT_COLUMNS].itertuples(index=False)
    ]
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(lines), encoding="ascii")


def rewrite(path: Path, *, n_frames: int, id_map: Mapping[int, int] | None = None) -> str:
    """The text of a gt or det file as it is to be published: numbers as they stand, frames up to ``n_frames`` only.

    With ``id_map`` every id is replaced, and rows are put in the order of (frame, new id), so that the order of lines
    does not give the old ids away.
    """
    kept: list[tuple[int, int, str]] = []
    for _, fields in _lines(path):
        frame, identity = int(float(fields[0])), int(float(fields[1]))
        if frame > n_frames:
            continue
        if id_map is not None:
            identity = id_map[identity]
            fields[1] = str(identity)
        kept.append((frame, identity, ",".join(fields)))
    if id_map is not None:
        kept.sort(key=lambda row: row[:2])
    return "".join(f"{text}\n" for _, _, text in kept)


def table(rows: list[tuple[float, ...]], columns: list[str]) -> pd.DataFrame:
    """Rows under their columns, frames, ids and classes as whole numbers; without rows, the empty table."""
    made = pd.DataFrame(rows, columns=columns, dtype="float64")
    return made.astype({name: "int64" for name in columns if name in _INTEGER_COLUMNS})


def _lines(path: Path) -> Iterator[tuple[int, list[str]]]:
    try:
        text = path.read_bytes().removeprefix(codecs.BOM_UTF8).decode("ascii")
    except UnicodeDecodeError:
        raise FormatError(path, None, "not a text file of numbers; is this the right file?") from None
    except FileNotFoundError:
        raise NotFoundError(f"{path}: no such file") from None
    except OSError as error:
        raise FormatError(path, None, f"cannot be read ({error.strerror})") from None
    for number, line in enumerate(text.splitlines(), start=1):
        stripped = line.strip().rstrip(", \t")
        if stripped:
            yield number, _SEPARATOR.split(stripped)


def _numbers(path: Path, line: int, fields: list[str]) -> tuple[float, ...]:
    bad = next((field for field in fields if not _is_number(field)), None)
    if bad is not None:
        raise FormatError(path, line, f"{bad!r} is not a number")
    values = tuple(map(float, fields))
    if not all(map(math.isfinite, values)):
        raise FormatError(path, line, "NaN or infinite value; remove or mend the row")
    if values[4] < 0 or values[5] < 0:
        raise FormatError(path, line, f"negative size {values[4]:g}×{values[5]:g}; width and height are 0 or more")
    return values


def _is_number(field: str) -> bool:
    try:
        float(field)
    except ValueError:
        return False
    return "_" not in field  # Python reads 1_0 as 10


def _integer(path: Path, line: int, value: float, what: str) -> int:
    if value != int(value) or abs(value) > _LARGEST:
        raise FormatError(path, line, f"{what} {value:g} is not a whole number")
    return int(value)


def _identify(path: Path, line: int, values: tuple[float, ...], seen: dict[tuple[int, int], int]) -> None:
    key = (int(values[0]), _integer(path, line, values[1], "id"))
    if key[1] < 0:
        raise FormatError(path, line, f"id {key[1]}; ids are 0 or more (is this a file of detections?)")
    if key in seen:
        raise FormatError(path, line, f"frame {key[0]} has id {key[1]} twice (first in line {seen[key]})")
    seen[key] = line


def _class_and_visibility(path: Path, line: int, values: tuple[float, ...]) -> tuple[int, float]:
    if len(values) == 10:
        return PEDESTRIAN, 1.0
    kind, visibility = _integer(path, line, values[7], "class"), values[8]
    if kind not in CLASSES:
        raise FormatError(path, line, f"class {kind}; MOTChallenge has {CLASSES[0]} (pedestrian) to {CLASSES[-1]}")
    if visibility != -1 and not 0 <= visibility <= 1:
        raise FormatError(path, line, f"visibility {visibility:g}; it is a share from 0 to 1, or -1 where unknown")
    return kind, 1.0 if visibility == -1 else visibility


def _beyond(path: Path, line: int, value: float, n_frames: int, partial: bool) -> bool:
    frame = _integer(path, line, value, "frame")
    if frame < 1:
        raise FormatError(path, line, f"frame {frame}; frames are numbered from 1")
    if frame > n_frames:
        if partial:
            return True
        raise FormatError(path, line, f"frame {frame} is beyond the end of the sequence ({n_frames} frames)")
    return False
