"""Rendering: frame n from its pixels and the plan's rows of frame n, and from nothing else."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from mot_anon.data.frames import Frame
from mot_anon.errors import CoverageError
from mot_anon.methods.base import Item, Method, Pixels
from mot_anon.methods.classical import strong_blur
from mot_anon.plan.camera import Region
from mot_anon.plan.regions import clip, head_size
from mot_anon.publish.cover import Labels, covered_box, label_regions


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
        item = Item(_rgb(erased[rows, columns]), silhouette, region.code, head_size(region.box), recolouring, raw)
        if region.person or method.control:
            sure.append((rows, columns, index, item))
        else:
            _lay(published, rows, columns, silhouette > 0, strong_blur(item), silhouette, item.erased)
    painted = method.render([item for *_, item in sure])
    for (rows, columns, index, item), (rgb, alpha) in zip(sure, painted, strict=True):
        mine = item.silhouette > 0
        if rgb.shape != item.erased.shape or not np.isfinite(rgb[mine]).all() or not np.isfinite(alpha[mine]).all():
            raise CoverageError(f"method {method.name} left pixels of track {regions[index].track} without a colour")
        if ((alpha[mine] < 0) | (alpha[mine] > 1)).any():
            raise CoverageError(f"method {method.name} gave an alpha outside 0…1")
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
    filled: Pixels = np.zeros_like(colour, np.float32)
    known: Pixels = np.zeros_like(weight, np.float32)
    for sigma in (1.5, 6.0, 24.0, 96.0):
        w = cv2.GaussianBlur(weight, (0, 0), sigma)
        c = cv2.GaussianBlur(colour, (0, 0), sigma) / np.maximum(w, 1e-6)[..., None]
        new = np.clip(w * 4, 0, 1) * (1 - known)
        filled += c * new[..., None]
        known += new
    filled = (filled + 127.0 * (1 - known)[..., None]).clip(0, 255)
    large = cv2.resize(filled, (width, height), interpolation=cv2.INTER_LINEAR)
    return np.where(owned[..., None], np.rint(large).astype(np.uint8), frame)


def _bounds(box: tuple[int, int, int, int]) -> tuple[slice, slice]:
    x1, y1, x2, y2 = box
    return slice(y1, max(y1, y2)), slice(x1, max(x1, x2))


def _rgb(crop: Frame) -> Pixels:
    return np.asarray(crop[..., ::-1].astype(np.float32) / np.float32(255), np.float32)


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
    opaque = alpha[mine][:, None]
    blend = rgb[mine] * opaque + erased[mine] * (1 - opaque)
    published[rows, columns][mine] = np.rint(blend * 255).clip(0, 255).astype(np.uint8)[:, ::-1]
