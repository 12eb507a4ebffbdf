"""Rendering: frame n from its pixels and the plan's rows of frame n, and from nothing else."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Sequence
from concurrent.futures import Executor
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from mot_anon.data.frames import Frame, encode_frame, read_frame
from mot_anon.errors import CoverageError
from mot_anon.methods.base import Item, Method, Pixels
from mot_anon.methods.classical import strong_blur
from mot_anon.plan.camera import CameraPlan, Region
from mot_anon.plan.regions import clip, head_box, head_size
from mot_anon.vision.cache import Tick

Labels = NDArray[np.int32]


@dataclass(frozen=True)
class FrameTask:
    """One frame to publish: ``source`` is read, ``destinations`` are written (one a view of the recording)."""

    number: int
    source: Path
    destinations: tuple[Path, ...]


def label_regions(regions: Sequence[Region], size: tuple[int, int], target: str) -> Labels:
    """Which region owns which pixel: (H, W) int32, index into ``regions`` (far to near) or −1 for background.

    Nearer regions cover farther ones; what ground truth puts in front of a person is cut out of the person's region.
    With target ``face`` the regions are the heads, and nobody's head is given up because a box stands before it.
    """
    labels = np.full((size[1], size[0]), -1, np.int32)
    for index, region in enumerate(regions):
        x1, y1, x2, y2 = clip(covered_box(region, target), size)
        if x2 <= x1 or y2 <= y1:
            continue
        free = np.ones((y2 - y1, x2 - x1), bool)
        for thing in region.cut:
            a1, b1, a2, b2 = clip(thing, size)
            free[max(0, b1 - y1) : max(0, b2 - y1), max(0, a1 - x1) : max(0, a2 - x1)] = False
        labels[y1:y2, x1:x2][free] = index
    return labels


def covered_box(region: Region, target: str) -> NDArray[np.float64]:
    """The box (x, y, w, h) of a region for a target; what is not surely a person is covered whole."""
    return head_box(region.box) if target == "face" and region.person else region.box


def render_frame(
    frame: Frame, regions: Sequence[Region], method: Method, target: str, recolouring: int
) -> tuple[Frame, Labels]:
    """Replace every region of a frame.

    Parameters
    ----------
    frame:
        (H, W, 3) uint8 BGR; not changed.
    regions:
        Far to near.

    Returns
    -------
    The new frame, and the labels of :func:`label_regions`.

    Raises
    ------
    CoverageError
        A method left a pixel of a region without a finite colour.
    """
    labels = label_regions(regions, (frame.shape[1], frame.shape[0]), target)
    published = frame.copy()
    owned = labels >= 0
    if not owned.any():
        return published, labels
    erased = frame if method.needs_raw else erase(frame, owned)
    sure: list[tuple[slice, slice, int, Item]] = []
    for index, region in enumerate(regions):
        rows, columns = _bounds(clip(covered_box(region, target), (frame.shape[1], frame.shape[0])))
        silhouette = (labels[rows, columns] == index).astype(np.float32)
        if not silhouette.any():
            continue
        raw = _rgb(frame[rows, columns]) if method.needs_raw or not region.person else None
        item = Item(_rgb(erased[rows, columns]), silhouette, region.code, head_size(region.box[3]), recolouring, raw)
        if region.person or method.control:
            sure.append((rows, columns, index, item))
        else:
            _lay(published, rows, columns, silhouette > 0, strong_blur(item), silhouette, item.erased)
    painted = method.render([item for *_, item in sure])
    for (rows, columns, index, item), (rgb, alpha) in zip(sure, painted, strict=True):
        mine = item.silhouette > 0
        if rgb.shape != item.erased.shape or not np.isfinite(rgb[mine]).all() or not np.isfinite(alpha[mine]).all():
            raise CoverageError(f"method {method.name} left pixels of track {regions[index].track} without a colour")
        if method.needs_raw and (alpha[mine] < 1).any():
            raise CoverageError(f"method {method.name} sees raw pixels and lets them through (alpha below 1)")
        _lay(published, rows, columns, mine, rgb, alpha, item.erased)
    return published, labels


def erase(frame: Frame, owned: NDArray[np.bool_]) -> Frame:
    """Fill ``owned`` (H, W) from the background round it, smoothly; no pixel of a region goes into the fill."""
    height, width = owned.shape
    size = (max(1, width // 8), max(1, height // 8))
    weight = cv2.resize((~owned).astype(np.float32), size, interpolation=cv2.INTER_AREA)
    colour = cv2.resize(frame * (~owned)[..., None].astype(np.float32), size, interpolation=cv2.INTER_AREA)
    filled, known = np.zeros_like(colour), np.zeros_like(weight)
    for sigma in (1.5, 6.0, 24.0, 96.0):
        w = cv2.GaussianBlur(weight, (0, 0), sigma)
        c = cv2.GaussianBlur(colour, (0, 0), sigma) / np.maximum(w, 1e-6)[..., None]
        new = np.clip(w * 4, 0, 1) * (1 - known)
        filled += c * new[..., None]
        known += new
    filled = (filled + 127.0 * (1 - known)[..., None]).clip(0, 255)
    large = cv2.resize(filled, (width, height), interpolation=cv2.INTER_LINEAR)
    return np.where(owned[..., None], np.rint(large).astype(np.uint8), frame)


def render_all(
    plan_path: Path,
    tasks: Sequence[FrameTask],
    method: tuple[str, int | None],
    target: str,
    executor: Executor,
    tick: Tick | None = None,
) -> dict[int, str]:
    """Render and write the frames of one recording on an executor.

    The plan goes to the workers as a file name and the method as (name, strength), so that nothing secret is pickled.

    Returns
    -------
    Frame number → SHA-256 (hex) of the published file.
    """
    digests: dict[int, str] = {}
    futures = [executor.submit(publish_frame, str(plan_path), task, method, target) for task in tasks]
    try:
        for future in futures:
            number, digest = future.result()
            digests[number] = digest
            if tick:
                tick()
    except BaseException:
        for future in futures:
            future.cancel()
        raise
    return digests


def publish_frame(plan_path: str, task: FrameTask, method: tuple[str, int | None], target: str) -> tuple[int, str]:
    """Render one frame and write it to every destination; returns its number and SHA-256 (hex)."""
    cv2.setNumThreads(1)  # the executor is what runs in parallel
    plan, made = _prepared(plan_path, *method)
    frame = read_frame(task.source, size=plan.size)
    published, _ = render_frame(frame, plan.frame(task.number), made, target, plan.recolouring)
    data = encode_frame(published, task.source.suffix)
    for destination in task.destinations:
        write_atomically(destination, data)
    return task.number, hashlib.sha256(data).hexdigest()


def write_atomically(path: Path, data: bytes) -> None:
    """Write beside the destination and rename: after a kill or on a full disk there is no half file."""
    partial = path.with_name(f".{path.name}.{os.getpid()}.partial")
    try:
        with partial.open("wb") as file:
            file.write(data)
        partial.replace(path)
    except BaseException:
        partial.unlink(missing_ok=True)
        raise


@lru_cache(maxsize=2)
def _prepared(plan_path: str, name: str, strength: int | None) -> tuple[CameraPlan, Method]:
    from mot_anon.methods.base import make_method

    return CameraPlan.read(Path(plan_path)), make_method(name, strength)


def _bounds(box: tuple[int, int, int, int]) -> tuple[slice, slice]:
    x1, y1, x2, y2 = box
    return slice(y1, max(y1, y2)), slice(x1, max(x1, x2))


def _rgb(crop: Frame) -> Pixels:
    return crop[..., ::-1].astype(np.float32) / 255


def _lay(
    published: Frame,
    rows: slice,
    columns: slice,
    mine: NDArray[np.bool_],
    rgb: Pixels,
    alpha: Pixels,
    erased: Pixels,
) -> None:
    # Where alpha is below one the erased background shows through, never the raw frame.
    blend = rgb * alpha[..., None] + erased * (1 - alpha[..., None])
    published[rows, columns][mine] = np.rint(blend[mine] * 255).clip(0, 255).astype(np.uint8)[:, ::-1]
