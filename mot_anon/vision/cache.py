"""Detections and embeddings of whole sequences, computed once and kept by content.

The key of an entry is a hash of the frames' bytes and of everything else that the result depends on, so an A/B
comparison uses identical inputs and a changed frame is never answered from the cache.  Entries hold boxes and features
of original people: the folder, `mot_anon` in the user's cache folder, has mode 0700.  One that `MOT_ANON_CACHE` names
is made so, and keeps its mode where it is there already.
"""

from __future__ import annotations

import hashlib
import os
import tempfile
import zipfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from mot_anon.data.frames import Frame, read_frame
from mot_anon.data.motchallenge import DETECTION_COLUMNS
from mot_anon.errors import FrameError, OutputError
from mot_anon.threads import spread
from mot_anon.vision.bodies import PARTS
from mot_anon.vision.detect import Detector
from mot_anon.vision.embed import Embedder
from mot_anon.vision.motion import Grey, still_background

if TYPE_CHECKING:
    from mot_anon.vision.parse import Parser

_MAPS = (128, 64)  # of the parser
_Result = TypeVar("_Result")

Tick = Callable[[], None]
"""Called once a frame, for progress bars."""


def cache_folder() -> Path:
    """Where results are kept: ``MOT_ANON_CACHE``, else ``$XDG_CACHE_HOME/mot_anon``, else ``~/.cache/mot_anon``."""
    given = os.environ.get("MOT_ANON_CACHE")
    folder = Path(given) if given else Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "mot_anon"
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        there = folder.stat()
        if not given and there.st_uid == os.getuid() and there.st_mode & 0o077:
            folder.chmod(0o700)
    except OSError as error:
        raise OutputError(f"{folder}: cannot be made ({error.strerror}); name another with MOT_ANON_CACHE") from None
    return folder


def frames_digest(frames: Sequence[Path]) -> str:
    """SHA-256 (hex) over the SHA-256 of every frame's bytes, in order."""
    whole = hashlib.sha256()
    for path in frames:
        try:
            whole.update(hashlib.sha256(path.read_bytes()).digest())
        except OSError as error:
            raise FrameError(f"{path}: cannot be read ({error.strerror})") from None
    return whole.hexdigest()


def detect_sequence(frames: Sequence[Path], detector: Detector, tick: Tick | None = None) -> pd.DataFrame:
    """Run a detector over the frames.

    Returns a table of :data:`~mot_anon.data.motchallenge.DETECTION_COLUMNS`, frames numbered from 1, best first.
    """

    def compute() -> NDArray[np.float64]:
        rows = [np.zeros((0, 6))]
        for index, path in enumerate(frames, start=1):
            found = detector(read_frame(path), index)
            rows.append(np.column_stack([np.full(len(found), index), found]))
            if tick:
                tick()
        return np.concatenate(rows)

    table = kept(f"detect {detector.fingerprint} {frames_digest(frames)}", compute, tick, len(frames))
    return pd.DataFrame(table, columns=DETECTION_COLUMNS).astype({"frame": "int64"})


def embed_sequence(
    frames: Sequence[Path], detections: pd.DataFrame, embedder: Embedder, tick: Tick | None = None
) -> NDArray[np.float32]:
    """One feature row per row of ``detections``, in its order: (len(detections), D) float32 of unit length."""
    boxes = detections[["x", "y", "w", "h"]].to_numpy(np.float64, copy=True)
    boxes[:, 2:] += boxes[:, :2]
    numbers = detections["frame"].to_numpy(np.int64)

    def compute() -> NDArray[np.float32]:
        features: NDArray[np.float32] | None = None
        for here, found in each_frame(frames, numbers, lambda frame, here: embedder(frame, boxes[here]), tick):
            if features is None:
                features = np.zeros((len(boxes), found.shape[1]), np.float32)
            features[here] = found
        return np.zeros((len(boxes), 1), np.float32) if features is None else features

    what = hashlib.sha256(boxes.tobytes() + numbers.tobytes()).hexdigest()
    return kept(f"embed {embedder.fingerprint} {frames_digest(frames)} {what}", compute, tick, len(frames))


def parse_sequence(
    frames: Sequence[Path], boxes: pd.DataFrame, parser: Parser, tick: Tick | None = None
) -> NDArray[np.uint8]:
    """What a parser reads in every row of ``boxes`` (columns frame, x, y, w, h), in its order.

    Returns (len(boxes), 1 + 128·64 + 4·64·32) uint8: the score, the silhouette and, at half its size, the parts, all
    in 0…255.
    """
    corners = boxes[["x", "y", "w", "h"]].to_numpy(np.float64, copy=True)
    corners[:, 2:] += corners[:, :2]
    numbers = boxes["frame"].to_numpy(np.int64)

    def look(frame: Frame, here: NDArray[np.int64]) -> NDArray[np.uint8]:
        parsed = parser(frame, corners[here])
        height, width = _MAPS[0] // 2, _MAPS[1] // 2
        parts = parsed.parts.reshape(len(here), len(PARTS), height, 2, width, 2).mean((3, 5))
        flat = [parsed.scores[:, None], *(maps.reshape(len(here), -1) for maps in (parsed.silhouettes, parts))]
        return np.rint(np.concatenate(flat, 1) * 255).astype(np.uint8)

    def compute() -> NDArray[np.uint8]:
        packed = np.zeros((len(corners), 1 + _MAPS[0] * _MAPS[1] * (4 + len(PARTS)) // 4), np.uint8)
        for here, found in each_frame(frames, numbers, look, tick):
            packed[here] = found
        return packed

    what = hashlib.sha256(corners.tobytes() + numbers.tobytes()).hexdigest()
    name = f"parse {parser.fingerprint} {frames_digest(frames)} {what}"
    return kept(name, compute, tick, len(frames), small=True)


def each_frame(
    frames: Sequence[Path],
    numbers: NDArray[np.int64],
    look: Callable[[Frame, NDArray[np.int64]], _Result],
    tick: Tick | None = None,
) -> Iterator[tuple[NDArray[np.int64], _Result]]:
    """Which rows of a table are in a frame, and what ``look`` made of it and them, for frames that have any; in order.

    Parameters
    ----------
    numbers:
        (N,) frame of every row, from 1.
    look:
        Called on several frames at a time (:func:`mot_anon.threads.spread`).
    """

    def one(index: int) -> tuple[NDArray[np.int64], _Result | None]:
        here = np.flatnonzero(numbers == index)
        return here, look(read_frame(frames[index - 1]), here) if len(here) else None

    for here, found in spread(one, range(1, len(frames) + 1)):
        if found is not None:
            yield here, found
        if tick:
            tick()


def still_sequence(frames: Sequence[Path]) -> Grey | None:
    """:func:`~mot_anon.vision.motion.still_background`; None where the camera moves."""

    def compute() -> NDArray[np.uint8]:
        found = still_background(frames)
        return np.zeros((0, 0), np.uint8) if found is None else found

    background = kept(f"still 1 {frames_digest(frames)}", compute)
    return np.asarray(background, np.uint8) if background.size else None


def kept(
    name: str,
    compute: Callable[[], NDArray],  # type: ignore[type-arg]
    tick: Tick | None = None,
    ticks: int = 0,
    *,
    small: bool = False,
) -> NDArray:  # type: ignore[type-arg]
    """What ``compute`` gave when ``name``, which says everything that it depends on, was first asked for.

    Parameters
    ----------
    tick, ticks:
        Where there is nothing to compute, ``tick`` is called so often.
    small:
        Compress: for results that shrink a lot.
    """
    path = cache_folder() / f"{hashlib.sha256(name.encode()).hexdigest()}.npz"
    try:
        with np.load(path, allow_pickle=False) as stored:
            result: NDArray = stored["result"]  # type: ignore[type-arg]
        for _ in range(ticks if tick else 0):
            tick()  # type: ignore[misc]
        return result
    except (OSError, ValueError, KeyError, zipfile.BadZipFile, EOFError):
        pass  # not there, or cut off by a crash: computed again
    result = compute()
    handle, partial = tempfile.mkstemp(dir=path.parent, suffix=".partial")
    try:
        with os.fdopen(handle, "wb") as file:
            (np.savez_compressed if small else np.savez)(file, result=result)
        Path(partial).replace(path)
    finally:
        Path(partial).unlink(missing_ok=True)
    return result
