"""Sequences on disk: where they are found, what belongs to one, and which of them one camera took."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable, Mapping
from collections.abc import Sequence as Rows
from dataclasses import dataclass, replace
from pathlib import Path

import pandas as pd

from mot_anon.data import motchallenge
from mot_anon.data.frames import EXTENSIONS, frame_info
from mot_anon.data.motchallenge import Rules
from mot_anon.data.seqinfo import SeqInfo
from mot_anon.errors import AmbiguousError, FormatError, FrameError, NotFoundError

_DETECTOR_SUFFIX = re.compile(r"-(DPM|FRCNN|SDP)$")
_WHERE_TO_GET = "MOT17 is to be had at https://motchallenge.net/data/MOT17"
_MAX_DEPTH = 3  # ROOT/SEQ, ROOT/train/SEQ, ROOT/MOT17/train/SEQ


@dataclass(frozen=True)
class Sequence:
    """One MOTChallenge sequence.

    Attributes
    ----------
    name:
        Folder name, for example ``MOT17-02-FRCNN``.
    path:
        The folder.
    camera:
        The physical camera: the name without detector suffix, MOT16 read as MOT17, or what ``--cameras`` says.
    frames:
        Frame n is ``frames[n - 1]``.  Empty where the sequence has labels only.
    n_frames, width, height, fps:
        Length in frames, size in pixels, frames a second.
    rules:
        How it is scored.
    partial:
        Fewer frames are there than ``seqinfo.ini`` promises; label rows beyond them are left out.
    gt_path, det_path:
        ``gt/gt.txt`` and ``det/det.txt`` where they exist.
    """

    name: str
    path: Path
    camera: str
    frames: tuple[Path, ...]
    n_frames: int
    width: int
    height: int
    fps: float
    rules: Rules
    partial: bool
    gt_path: Path | None
    det_path: Path | None

    def gt(self) -> pd.DataFrame:
        """Ground truth (:data:`~mot_anon.data.motchallenge.GT_COLUMNS`); empty where there is none."""
        if self.gt_path is None:
            return motchallenge.table([], motchallenge.GT_COLUMNS)
        return motchallenge.read_gt(self.gt_path, n_frames=self.n_frames, partial=self.partial)

    def detections(self) -> pd.DataFrame:
        """Public detections; raises :class:`NotFoundError` where ``det/det.txt`` is missing."""
        if self.det_path is None:
            raise NotFoundError(f"{self.path / 'det' / 'det.txt'}: no public detections; leave 'public' out")
        return motchallenge.read_detections(self.det_path, n_frames=self.n_frames, partial=self.partial)

    def require_frames(self) -> Sequence:
        """The sequence itself; raises :class:`FrameError` where it has labels but no frames."""
        if not self.frames:
            raise FrameError(f"{self.path}: {self.name} has labels but no frames (img1 is missing or empty)")
        return self


def camera_of(name: str) -> str:
    """The camera that a sequence name means: ``MOT16-02`` and ``MOT17-02-SDP`` are both ``MOT17-02``."""
    return re.sub(r"^MOT16-", "MOT17-", _without_detector(name))


def only(name: str, places: Rows[Path]) -> Path:
    """The one place where a sequence stands; raises :class:`AmbiguousError` where there are several."""
    if len(places) > 1:
        raise AmbiguousError(f"{name} stands in {' and '.join(map(str, places))}; give one")
    return places[0]


def discover(roots: Iterable[Path]) -> dict[str, list[Path]]:
    """Every sequence folder below the roots (ROOT/SEQ, ROOT/train/SEQ, ROOT/MOT17/train/SEQ, or ROOT itself).

    Returns sequence name → the places where it stands, both sorted.  Raises :class:`NotFoundError` for a missing root.
    """
    found: dict[str, set[Path]] = {}
    for root in roots:
        if not root.is_dir():
            raise NotFoundError(
                f"{root}: no such folder; give the folder that holds the sequences with --data ({_WHERE_TO_GET})"
            )
        for folder in _sequence_folders(root.resolve(), _MAX_DEPTH):
            found.setdefault(folder.name, set()).add(folder)
    return {name: sorted(places) for name, places in sorted(found.items())}


def select(
    roots: Iterable[Path],
    names: Iterable[str],
    *,
    allow_partial: bool = False,
    cameras: Mapping[str, str] | None = None,
) -> list[Sequence]:
    """The sequences that ``names`` mean, opened, in the order of the names and without repeats.

    Parameters
    ----------
    roots:
        Folders to look in.
    names:
        Sequence names, camera names (all their views) or ``all``.
    allow_partial:
        Take a sequence with fewer frames than promised as far as it goes.
    cameras:
        Sequence name (or the name of all its views) → camera, from :func:`read_cameras`; overrides what names say.

    Raises
    ------
    NotFoundError, AmbiguousError, FormatError, FrameError
        See :mod:`mot_anon.errors`; also where ``cameras`` names a sequence that is not below the roots.
    """
    roots = list(roots)
    places = discover(roots)
    chosen: dict[str, None] = {}
    for name in names:
        for match in _matching(name, places, roots):
            chosen.setdefault(match)
    for name in chosen:
        if len(places[name]) > 1:
            both = " and ".join(map(str, places[name]))
            raise AmbiguousError(f"{name} stands in {both}; give a narrower --data")
    opened = [open_sequence(places[name][0], allow_partial=allow_partial) for name in chosen]
    return with_cameras(opened, cameras, places) if cameras else opened


def with_cameras(sequences: Iterable[Sequence], cameras: Mapping[str, str], known: Iterable[str]) -> list[Sequence]:
    """Sequences with the cameras that ``--cameras`` gives to them or to all views of their name.

    Raises :class:`NotFoundError` for an entry that names neither one of ``known`` (sequence names) nor their views.
    """
    names = sorted(set(known))
    unknown = sorted(set(cameras) - {*names, *map(_without_detector, names)})
    if unknown:
        raise NotFoundError(f"--cameras names {', '.join(unknown)}, but there is: {', '.join(names)}")
    return [replace(s, camera=cameras.get(s.name, cameras.get(_without_detector(s.name), s.camera))) for s in sequences]


def open_sequence(path: Path, *, allow_partial: bool = False) -> Sequence:
    """Open one sequence folder.

    ``seqinfo.ini`` is used where it is there; otherwise size, length and frame type come from the frames and the frame
    rate is taken as 30.  Raises :class:`FormatError` or :class:`FrameError` where the two do not fit.
    """
    info = SeqInfo.read(path / "seqinfo.ini")
    gt_path, det_path = path / "gt" / "gt.txt", path / "det" / "det.txt"
    folder = path / info.values.get("imDir", "img1")
    # Links are followed (views of one camera often share their frames by one), paths that climb are not.
    if not folder.is_relative_to(path) or ".." in folder.parts[len(path.parts) :]:
        raise info.error("imDir", "leads out of the sequence")
    frames = _list_frames(folder, info)
    promised = info.positive("seqLength")
    if frames and promised is not None and len(frames) > promised:
        raise FormatError(
            path / "seqinfo.ini", None, f"seqLength={promised} but {folder.name} has {len(frames)} frames"
        )
    partial = bool(frames) and promised is not None and len(frames) < promised
    if partial and not allow_partial:
        raise FrameError(
            f"{path / 'seqinfo.ini'}: promises {promised} frames but {folder.name} has {len(frames)}; "
            "fetch the rest, or work on what is there with --allow-partial"
        )
    n_frames = len(frames) or promised
    width, height = info.positive("imWidth"), info.positive("imHeight")
    if frames:
        first = frame_info(frames[0])
        if (width or first.width, height or first.height) != (first.width, first.height):
            raise FrameError(
                f"{frames[0]}: {first.width}×{first.height} pixels but seqinfo.ini says {width}×{height}; correct one"
            )
        width, height = first.width, first.height
    if n_frames is None or width is None or height is None:
        raise FormatError(
            path / "seqinfo.ini", None, "there are no frames, and seqLength, imWidth or imHeight is missing"
        )
    return Sequence(
        name=path.name,
        path=path,
        camera=camera_of(path.name),
        frames=frames,
        n_frames=n_frames,
        width=width,
        height=height,
        fps=info.frame_rate(),
        rules=motchallenge.infer_rules(path.name, gt_path if gt_path.is_file() else None),
        partial=partial,
        gt_path=gt_path if gt_path.is_file() else None,
        det_path=det_path if det_path.is_file() else None,
    )


def seqinfo_text(sequence: Sequence) -> str:
    """``seqinfo.ini`` as MOTChallenge writes it."""
    rate = f"{sequence.fps:g}"
    return (
        f"[Sequence]\nname={sequence.name}\nimDir=img1\nframeRate={rate}\nseqLength={sequence.n_frames}\n"
        f"imWidth={sequence.width}\nimHeight={sequence.height}\nimExt={sequence.frames[0].suffix}\n"
    )


def read_cameras(path: Path) -> dict[str, str]:
    """Read ``--cameras``: lines ``sequence,camera``; blank lines and lines that start with # are passed over."""
    try:
        lines = path.read_text(encoding="utf-8-sig").splitlines()
    except FileNotFoundError:
        raise NotFoundError(f"{path}: no such file of cameras") from None
    except (OSError, UnicodeDecodeError):
        raise FormatError(path, None, "cannot be read as text; a line is 'sequence,camera'") from None
    cameras: dict[str, str] = {}
    for number, row in enumerate(csv.reader(lines), start=1):
        fields = [field.strip() for field in row]
        if not any(fields) or fields[0].startswith("#"):
            continue
        if len(fields) != 2 or not all(fields):
            raise FormatError(path, number, "a line is 'sequence,camera'")
        if fields[0] in cameras:
            raise FormatError(path, number, f"{fields[0]} has a camera already")
        cameras[fields[0]] = fields[1]
    return cameras


def unknown_files(sequence: Sequence) -> list[Path]:
    """Files of the sequence that are not part of the format: they are not published, and are named."""
    known = {sequence.path / "seqinfo.ini", sequence.gt_path, sequence.det_path, *sequence.frames}
    return sorted(path for path in sequence.path.rglob("*") if path.is_file() and path not in known)


def _without_detector(name: str) -> str:
    return _DETECTOR_SUFFIX.sub("", name)


def _sequence_folders(folder: Path, depth: int) -> list[Path]:
    if any((folder / part).exists() for part in ("img1", "seqinfo.ini", "gt/gt.txt", "det/det.txt")):
        return [folder]
    if depth == 0:
        return []
    children = sorted(child for child in folder.iterdir() if child.is_dir() and not child.name.startswith("."))
    return [found for child in children for found in _sequence_folders(child, depth - 1)]


def _matching(name: str, places: dict[str, list[Path]], roots: list[Path]) -> list[str]:
    where = ", ".join(map(str, roots)) or "no folder"
    if name == "all":
        if not places:
            raise NotFoundError(f"no sequence in {where}; {_WHERE_TO_GET}, and --seq demo is always there")
        return list(places)
    if name in places:
        return [name]
    views = [other for other in places if _without_detector(other) == name]
    if not views:
        there = ", ".join(places) or "nothing"
        raise NotFoundError(f"no sequence {name} in {where}; there is: {there}, demo ({_WHERE_TO_GET})")
    return views


def _list_frames(folder: Path, info: SeqInfo) -> tuple[Path, ...]:
    if not folder.is_dir():
        return ()
    extension = info.values.get("imExt")
    if extension is not None and f".{extension.lower().lstrip('.')}" not in EXTENSIONS:
        raise info.error("imExt", f"is none of {', '.join(EXTENSIONS)}")
    pictures = sorted(p for p in folder.iterdir() if p.suffix.lower() in EXTENSIONS and not p.name.startswith("."))
    if extension is not None:
        meant = [p for p in pictures if p.suffix.lower().lstrip(".") == extension.lower().lstrip(".")]
        if pictures and not meant:
            raise info.error("imExt", f"but frames are {pictures[0].suffix}")
        pictures = meant
    numbered: dict[int, Path] = {}
    for path in pictures:
        if not re.fullmatch("[0-9]+", path.stem):
            raise FrameError(
                f"{path}: frames are named by their number (000001{path.suffix}); move other pictures away"
            )
        number = int(path.stem)
        if number in numbered:
            raise FrameError(f"{path}: frame {number} is there twice ({numbered[number].name})")
        numbered[number] = path
    if 0 in numbered:
        raise FrameError(f"{numbered[0]}: frames are numbered from 1")
    for expected, number in enumerate(sorted(numbered), start=1):
        if number != expected:
            raise FrameError(f"{folder}: frame {expected} is missing (the next one is {numbered[number].name})")
    return tuple(numbered[number] for number in sorted(numbered))
