"""The demo: three synthetic cameras in MOTChallenge layout, so that everything can be tried without real data.

Sixteen people (``demo_cast``) walk, stand and cross in three places (``demo_world``), drawn as articulated figures
(``demo_pose``, ``demo_tubes``, ``demo_body``, ``demo_figure``, ``demo_dress``) before painted places
(``demo_backdrop``, ``demo_walls``, ``demo_things``), composed by ``demo_stage``; labels and detections come from
``demo_labels``. Frame n depends on n alone and nothing is drawn from global random state: the same package versions
write the same bytes.
"""

from __future__ import annotations

import hashlib
import multiprocessing
import os
import shutil
import tempfile
from collections.abc import Callable
from concurrent.futures import Future, ProcessPoolExecutor, as_completed
from functools import lru_cache
from pathlib import Path

import cv2
import numpy as np

from mot_anon.data.demo_labels import det_text, gt_text, person_ids
from mot_anon.data.demo_stage import Row, Stage
from mot_anon.data.demo_world import HEIGHT, VIEWS, WIDTH, View
from mot_anon.errors import OptionError, OutputError

Progress = Callable[[int, int], None]
"""Called with the frames written so far and in total."""

NAMES: tuple[str, ...] = tuple(view.name for view in VIEWS)
"""The demo's sequences, one per camera."""

_ENCODING = {
    "jpg": (cv2.IMWRITE_JPEG_QUALITY, 92),
    "png": (cv2.IMWRITE_PNG_COMPRESSION, 1),
}
_SHARD = 25


def demo_identities() -> dict[tuple[str, int], int]:
    """Who is who: (sequence name, gt id of a pedestrian) to the true person, 0..15.

    The sequences do not contain this: gt ids of one camera say nothing about another's. It is there for attacks and
    tests.
    """
    return {(view.name, number): person for view in VIEWS for person, number in person_ids(view).items()}


def write_demo(
    out: Path,
    *,
    frames: int = 150,
    workers: int | None = None,
    progress: Progress | None = None,
    image_format: str = "jpg",
) -> list[Path]:
    """Render the demo's three cameras below a folder.

    Parameters
    ----------
    out:
        Where ``demo-01``, ``demo-02`` and ``demo-03`` go; made if it is not there.
    frames:
        Frames per camera, at least 1. A shorter demo is the beginning of a longer one.
    workers:
        Processes; by default one per core, at most four. 1 renders in this process. The bytes are the same.
    progress:
        Told how many frames are done, as they are done.
    image_format:
        ``jpg`` (quality 92, no metadata) or ``png``.

    Returns
    -------
    list[Path]
        The three sequence folders, complete. A run that fails leaves none.

    Raises
    ------
    OptionError
        For fewer than one frame or worker, or an unknown image format.
    OutputError
        Where one of the folders is already there.
    """
    if frames < 1:
        raise OptionError(f"frames = {frames}: the demo has at least 1 frame")
    if workers is not None and workers < 1:
        raise OptionError(f"workers = {workers}: give at least 1")
    if image_format not in _ENCODING:
        raise OptionError(f"image format {image_format!r} is unknown: choose {' or '.join(_ENCODING)}")
    out = Path(out)
    targets = [out / name for name in NAMES]
    for target in targets:
        if target.exists():
            raise OutputError(f"{target}: is already there; remove it or choose another folder")
    if out.exists() and not out.is_dir():
        raise OutputError(f"{out}: is a file; choose a folder")
    out.mkdir(parents=True, exist_ok=True)
    unfinished = Path(tempfile.mkdtemp(prefix=".demo-", dir=out))
    try:
        rows = _render(unfinished, frames, workers or min(_cores(), 4), progress, image_format)
        for view in VIEWS:
            _write_texts(unfinished / view.name, view, rows[view.name], image_format)
        for target in targets:
            (unfinished / target.name).rename(target)
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)
    return targets


def cached_demo(cache: Path, progress: Progress | None = None, *, frames: int = 150) -> Path:
    """The demo's root folder below a cache folder; it is rendered when it is asked for the first time.

    Its name carries a hash of the demo's own source and of the versions of the packages that draw it, so that another
    version gets a demo of its own. Processes that ask at the same time each render one, and all take the first.

    Parameters
    ----------
    cache:
        An existing folder.
    progress, frames:
        As for :func:`write_demo`.
    """
    root = Path(cache) / f"demo-{_version(frames)}"
    if _complete(root, frames):
        return root
    with tempfile.TemporaryDirectory(prefix=".demo-", dir=cache) as unfinished:
        fresh = Path(unfinished) / "demo"
        write_demo(fresh, frames=frames, progress=progress)
        if root.exists() and not _complete(root, frames):
            root.rename(Path(unfinished) / "damaged")
        try:
            fresh.rename(root)
        except OSError:
            if not _complete(root, frames):
                raise
    return root


def _version(frames: int) -> str:
    whole = hashlib.sha256(f"numpy {np.__version__}, cv2 {cv2.__version__}, {frames} frames".encode())
    for source in sorted(Path(__file__).parent.glob("demo*.py")):
        whole.update(hashlib.sha256(source.read_bytes()).digest())
    return whole.hexdigest()[:16]


def _complete(root: Path, frames: int) -> bool:
    """Whether a demo is all there: folders appear whole, but whoever tidies a cache may take a part of one."""
    texts = ("gt/gt.txt", "det/det.txt", "seqinfo.ini")
    return all(
        all((root / name / text).is_file() for text in texts)
        and sum(1 for _ in (root / name / "img1").glob("*.jpg")) == frames
        for name in NAMES
    )


def _cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _render(
    root: Path, frames: int, workers: int, progress: Progress | None, image_format: str
) -> dict[str, list[list[Row]]]:
    """Write all frames; the gt rows of every frame by sequence name."""
    for name in NAMES:
        (root / name / "img1").mkdir(parents=True)
    shards = [
        (k, first, min(first + _SHARD, frames + 1)) for k in range(len(VIEWS)) for first in range(1, frames + 1, _SHARD)
    ]
    total, done = frames * len(VIEWS), 0
    results: dict[tuple[int, int], list[list[Row]]] = {}
    if workers == 1:
        threads = cv2.getNumThreads()
        try:
            for k, first, last in shards:
                results[k, first] = _render_shard(root, k, first, last, image_format)
                done += last - first
                if progress:
                    progress(done, total)
        finally:
            cv2.setNumThreads(threads)
    else:
        with ProcessPoolExecutor(min(workers, len(shards)), mp_context=multiprocessing.get_context("spawn")) as pool:
            jobs: dict[Future[list[list[Row]]], tuple[int, int]] = {
                pool.submit(_render_shard, root, k, first, last, image_format): (k, first) for k, first, last in shards
            }
            try:
                for job in as_completed(jobs):
                    results[jobs[job]] = job.result()
                    done += len(results[jobs[job]])
                    if progress:
                        progress(done, total)
            except BaseException:
                pool.shutdown(wait=True, cancel_futures=True)
                raise
    return {
        VIEWS[k].name: [rows for (j, _), shard in sorted(results.items()) if j == k for rows in shard]
        for k in range(len(VIEWS))
    }


@lru_cache(maxsize=1)
def _stage(index: int) -> Stage:
    return Stage(VIEWS[index])


def _render_shard(root: Path, index: int, first: int, last: int, image_format: str) -> list[list[Row]]:
    """Frames first..last - 1 of a camera."""
    cv2.setNumThreads(1)
    stage = _stage(index)
    folder = root / VIEWS[index].name / "img1"
    shard = []
    for n in range(first, last):
        picture, rows = stage.frame(n)
        good, data = cv2.imencode(f".{image_format}", picture, _ENCODING[image_format])
        if not good:
            raise OutputError(f"{folder}: frame {n} cannot be encoded as {image_format}")
        (folder / f"{n:06d}.{image_format}").write_bytes(data.tobytes())
        shard.append(rows)
    return shard


def _write_texts(folder: Path, view: View, rows: list[list[Row]], image_format: str) -> None:
    for name, text in (("gt", gt_text(view, rows)), ("det", det_text(view, rows))):
        (folder / name).mkdir()
        (folder / name / f"{name}.txt").write_text(text, encoding="ascii", newline="\n")
    info = {
        "name": view.name,
        "imDir": "img1",
        "frameRate": view.fps,
        "seqLength": len(rows),
        "imWidth": WIDTH,
        "imHeight": HEIGHT,
        "imExt": f".{image_format}",
    }
    lines = ["[Sequence]", *(f"{key}={value}" for key, value in info.items())]
    (folder / "seqinfo.ini").write_text("\n".join(lines) + "\n", encoding="ascii", newline="\n")
