"""Where the trackers' detections come from: public files, a detector run on each tree, or files of any detector."""

from __future__ import annotations

from collections.abc import Sequence as Rows
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from mot_anon.data import motchallenge
from mot_anon.data.sequence import Sequence
from mot_anon.errors import NotFoundError, OptionError
from mot_anon.vision.cache import Tick, detect_sequence
from mot_anon.vision.detect import Detector, make_detector

PUBLIC = "public"
FILES = "files"


@dataclass(frozen=True)
class Source:
    """One source of detections.

    Attributes
    ----------
    name:
        ``public``, ``files``, or a detector's name.
    detector:
        What is run on the frames; None for files.
    folders:
        For ``files``: the folder (or file) for the original tree and the one for the published tree.
    """

    name: str
    detector: Detector | None = None
    folders: tuple[Path, Path] | None = None

    @property
    def sees_pixels(self) -> bool:
        """Whether the boxes depend on the frames of the tree that is tracked."""
        return self.name != PUBLIC

    def detections(self, sequence: Sequence, *, published: bool, tick: Tick | None = None) -> pd.DataFrame:
        """Boxes with an area (:data:`~mot_anon.data.motchallenge.DETECTION_COLUMNS`) for one sequence of one tree.

        Raises
        ------
        NotFoundError
            The file is not there.
        """
        if self.folders is not None:
            path = _file_of(self.folders[published], sequence.name)
            table = motchallenge.read_detections(path, n_frames=sequence.n_frames, partial=sequence.partial)
        elif self.detector is not None:
            table = detect_sequence(sequence.require_frames().frames, self.detector, tick)
        else:
            table = sequence.detections()
        return table[(table["w"] > 0) & (table["h"] > 0)].reset_index(drop=True)


def make_sources(names: Rows[str], original: Path | None = None, published: Path | None = None) -> list[Source]:
    """The sources that ``--detections`` names, and the files of ``--detections-original`` and ``-published``.

    Raises
    ------
    OptionError
        An unknown or repeated name, only one of the two files, or nothing at all.
    """
    if len(set(names)) != len(names):
        raise OptionError(f"--detections {','.join(names)}: a name stands there twice")
    sources = [Source(name) if name == PUBLIC else Source(name, make_detector(name)) for name in names]
    if (original is None) != (published is None):
        raise OptionError("--detections-original and --detections-published go together: give both")
    if original is not None and published is not None:
        for path in (original, published):
            if not path.exists():
                raise NotFoundError(f"{path}: no such file or folder of detections")
        sources.append(Source(FILES, None, (original, published)))
    if not sources:
        raise OptionError("no detections to track: give --detections or files")
    return sources


def _file_of(place: Path, sequence: str) -> Path:
    if place.is_file():
        return place
    for path in (place / f"{sequence}.txt", place / sequence / "det" / "det.txt"):
        if path.is_file():
            return path
    raise NotFoundError(f"{place}: holds neither {sequence}.txt nor {sequence}/det/det.txt")
