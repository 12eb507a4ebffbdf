"""The last look before an output gets its final name: whatever must hold is checked on the files themselves."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from concurrent.futures import Executor
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from mot_anon.data.frames import EXTENSIONS, Frame, decode_frame, metadata_segments, read_frame
from mot_anon.errors import CoverageError
from mot_anon.methods.base import make_method
from mot_anon.plan.camera import CameraPlan
from mot_anon.plan.keys import Key
from mot_anon.publish.render import FrameTask, Labels, label_regions, render_frame
from mot_anon.vision.cache import Tick

_JPEG_MEAN, _JPEG_WORST = 4.0, 96
"""Grey levels: mean and largest change that encoding anew at quality 95 makes outside the regions."""
_MARGIN = 16  # JPEG blocks (with halved chroma) that a region touches change beyond it


@dataclass(frozen=True)
class Checked:
    """What verification saw in one frame: pixels in regions, mean absolute change outside them in grey levels."""

    number: int
    covered: int
    outside: float


def verify_frames(
    plan_path: Path,
    tasks: list[FrameTask],
    digests: Mapping[int, str],
    method: tuple[str, int | None],
    target: str,
    executor: Executor,
    tick: Tick | None = None,
) -> list[Checked]:
    """Check every published frame of a recording; raises :class:`CoverageError` with the first fault."""
    futures = [executor.submit(verify_frame, str(plan_path), task, digests[task.number], method, target) for task in tasks]
    checked = []
    try:
        for future in futures:
            checked.append(future.result())
            if tick:
                tick()
    finally:
        for future in futures:
            future.cancel()
    return checked


def verify_frame(
    plan_path: str, task: FrameTask, digest: str, method: tuple[str, int | None], target: str
) -> Checked:
    """Check one frame in all its views: bytes as rendered, decodable, no metadata, regions replaced, the rest untouched.

    That the regions are replaced is checked against a second rendering, so what was written is what the plan asks for,
    and against the original, so a rendering that changes nothing is noticed.
    """
    cv2.setNumThreads(1)
    plan, made = CameraPlan.read(Path(plan_path)), make_method(*method)
    original = read_frame(task.source, size=plan.size)
    regions = plan.frame(task.number)
    expected, labels = render_frame(original, regions, made, target, plan.recolouring)
    if not np.array_equal(labels, label_regions(regions, plan.size, target)):
        raise CoverageError(f"{task.destinations[0]}: regions differ between two renderings")
    outside = 0.0
    for path in task.destinations:
        data = path.read_bytes() if path.is_file() else b""
        if hashlib.sha256(data).hexdigest() != digest:
            raise CoverageError(f"{path}: not the bytes that were rendered")
        if found := metadata_segments(data):
            raise CoverageError(f"{path}: carries {', '.join(found)}")
        if path != task.destinations[0]:
            continue  # the same bytes
        published = decode_frame(data, path, size=plan.size)
        lossless = EXTENSIONS[path.suffix.lower()] == "png"
        _check_inside(path, published, expected, labels, lossless)
        if not made.control:
            _check_replaced(path, original, published, labels, [region.track for region in regions])
        outside = _check_outside(path, original, published, labels, lossless)
    return Checked(task.number, int((labels >= 0).sum()), outside)


def verify_tree(tree: Path, expected: set[Path], key: Key) -> None:
    """Check that a tree holds exactly the expected files and that none of them contains the key in any form."""
    there = {path for path in tree.rglob("*") if path.is_file()}
    for what, paths in (("is missing", expected - there), ("should not be there", there - expected)):
        if paths:
            raise CoverageError(f"{sorted(paths)[0]}: {what}")
    for path in sorted(there):
        if form := key.found_in(path.read_bytes()):
            raise CoverageError(f"{path.relative_to(tree)}: contains the key ({form})")


def _check_inside(path: Path, published: Frame, expected: Frame, labels: Labels, lossless: bool) -> None:
    inside = labels >= 0
    if not inside.any():
        return
    change = _difference(published, expected)[inside]
    if (lossless and change.any()) or change.mean() > _JPEG_MEAN:
        raise CoverageError(f"{path}: the regions do not show what was rendered")


def _check_replaced(path: Path, original: Frame, published: Frame, labels: Labels, tracks: list[str]) -> None:
    fine = [_detail(frame) for frame in (original, published)]
    for index in np.unique(labels[labels >= 0]):
        mine = labels == index
        before, after = (detail[mine] for detail in fine)
        # Only where there was detail can its survival be told; flat regions look the same after any method.
        if before.size < 64 or before.std() < 4 or after.std() < 1:
            continue
        if np.corrcoef(before, after)[0, 1] > 0.95 and 0.8 < after.std() / before.std() < 1.25:
            raise CoverageError(f"{path}: the region of track {tracks[index]!r} still shows the original")


def _check_outside(path: Path, original: Frame, published: Frame, labels: Labels, lossless: bool) -> float:
    free = labels < 0
    if not lossless:
        owned = cv2.dilate((~free).astype(np.uint8), np.ones((2 * _MARGIN + 1, 2 * _MARGIN + 1), np.uint8))
        free = owned == 0
    if not free.any():
        return 0.0
    change = _difference(original, published)[free]
    worst = 0 if lossless else _JPEG_WORST
    if change.max() > worst or change.mean() > (0 if lossless else _JPEG_MEAN):
        raise CoverageError(f"{path}: the background changed by up to {change.max():.0f} grey levels")
    return float(change.mean())


def _difference(a: Frame, b: Frame) -> np.ndarray:
    return np.asarray(cv2.absdiff(a, b)).max(axis=2)


def _detail(frame: Frame) -> np.ndarray:
    grey = cv2.cvtColor(frame, cv2.COLOR_BGR2GRAY).astype(np.float32)
    return grey - cv2.GaussianBlur(grey, (0, 0), 3)


Progress = Callable[[str, int], Tick]
