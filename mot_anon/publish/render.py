"""Rendering: frame n from its pixels and the plan's rows of frame n, and from nothing else."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import cv2
import numpy as np
from numpy.typing import NDArray

from mot_anon.data.frames import Frame
from mot_anon.errors import CoverageError
from mot_anon.methods.base import Item, Method, Pixels
from mot_anon.methods.classical import strong_blur
from mot_anon.plan.camera import Region
from mot_anon.plan.plate import Plate
from mot_anon.plan.regions import clip, head_size
from mot_anon.plan.torsos import torso_window
from mot_anon.publish.cover import Labels, covered_box, covered_mask, face_alpha, label_regions
from mot_anon.publish.erase import Staying, erase, grain, grain_of
from mot_anon.publish.shapes import face_of, rgb_of, shape_of
from mot_anon.vision.look import Look
from mot_anon.vision.windows import in_frame

_FEATHER = 0.3  # of the shorter side: over how much a doubtful region's cover fades

__all__ = ["erase", "render_frame"]


def render_frame(
    frame: Frame,
    regions: Sequence[Region],
    method: Method,
    target: str,
    recolouring: int,
    plate: Plate | None = None,
    number: int = 0,
    look: Look | None = None,
) -> tuple[Frame, Labels]:
    """Replace every region of a frame.

    Parameters
    ----------
    frame:
        (H, W, 3) uint8 BGR; not changed.
    regions:
        Far to near.
    plate:
        What the camera sees where nobody is.
    number:
        Of the frame: grain differs from frame to frame.
    look:
        How the camera shows people.

    Returns
    -------
    The new frame, and the labels of :func:`label_regions`.

    Raises
    ------
    CoverageError
        A method left a pixel of a region without a finite colour.
    """
    size = (frame.shape[1], frame.shape[0])
    labels = label_regions(regions, size, target)
    owned = labels >= 0
    if not owned.any():
        return frame.copy(), labels
    staying = _staying(regions, size) if target == "face" else None
    erased = frame if method.needs_raw else erase(frame, owned, plate, staying)
    published = erased.copy()
    sure: list[tuple[tuple[slice, slice], NDArray[np.bool_], int, Item]] = []
    for index, region in enumerate(regions):
        part = clip(covered_box(region, target), size)
        place = slice(part[1], max(part[1], part[3])), slice(part[0], max(part[0], part[2]))
        mine = labels[place] == index
        drawn = method.wants_silhouettes and region.seen is not None
        if not mine.any():
            continue
        if not region.person and not method.needs_raw and (drawn or staying is not None):
            continue  # of whom nobody is sure, nothing but the background is left
        mine, item = _item(region, frame, erased, part, mine, method, target, recolouring)
        item = replace(item, look=look)
        if region.person or method.control:
            sure.append((place, mine, index, item))
        else:
            soft = target == "face" and not method.needs_raw
            opaque = _feathered(mine) if soft else item.silhouette
            _lay(published, place, mine, strong_blur(item), opaque)
    painted = method.render([item for *_, item in sure])
    for (place, mine, index, item), (rgb, alpha) in zip(sure, painted, strict=True):
        if rgb.shape != item.erased.shape or not np.isfinite(rgb[mine]).all() or not np.isfinite(alpha[mine]).all():
            raise CoverageError(f"method {method.name} left pixels of track {regions[index].track} without a colour")
        if ((alpha[mine] < 0) | (alpha[mine] > 1)).any():
            raise CoverageError(f"method {method.name} gave an alpha outside 0…1")
        if method.needs_raw and (alpha[mine] < 1).any():
            raise CoverageError(f"method {method.name} sees raw pixels and lets them through (alpha below 1)")
        _lay(published, place, mine, rgb, alpha)
    if any(item.shape is not None or item.face is not None for *_, item in sure):
        _roughen(published, owned, grain_of(frame, ~owned), number)
    return published, labels


def _staying(regions: Sequence[Region], size: tuple[int, int]) -> Staying | None:
    """Who stays where heads are taken out, as far as a plan says so."""
    if all(region.torso is None for region in regions):
        return None
    bodies, (faces, people) = np.zeros((size[1], size[0]), np.float32), np.zeros((2, size[1], size[0]), bool)
    for region in regions:
        x1, y1, x2, y2 = clip(region.box, size)
        people[y1:y2, x1:x2] |= region.person
        if region.face is not None and region.face.face_only:
            x1, y1, x2, y2 = clip(covered_box(region, "face"), size)
            faces[y1:y2, x1:x2] = True
        if region.torso is None:
            continue
        x1, y1, x2, y2 = torso_window(region.head)
        a1, b1, a2, b2 = max(0, x1), max(0, y1), min(size[0], x2), min(size[1], y2)
        if a2 > a1 and b2 > b1:
            shown = cv2.resize(region.torso, (x2 - x1, y2 - y1), interpolation=cv2.INTER_LINEAR)
            there = shown[b1 - y1 : b2 - y1, a1 - x1 : a2 - x1].astype(np.float32) / np.float32(255)
            np.maximum(bodies[b1:b2, a1:a2], there, out=bodies[b1:b2, a1:a2])
    return Staying(bodies, faces, people | (bodies > 0))


def _item(
    region: Region,
    frame: Frame,
    erased: Frame,
    part: tuple[int, int, int, int],
    mine: NDArray[np.bool_],
    method: Method,
    target: str,
    recolouring: int,
) -> tuple[NDArray[np.bool_], Item]:
    """What a method is given of a region whose crop is ``part``, and which of its pixels may be painted."""
    size, place = (frame.shape[1], frame.shape[0]), (slice(part[1], part[3]), slice(part[0], part[2]))
    raw = rgb_of(frame[place]) if method.needs_raw or not region.person else None
    silhouette, shape, face, portrait = mine.astype(np.float32), None, None, None
    drawn = method.wants_silhouettes and region.seen is not None
    # Nearer people are painted over this one, with a soft edge: there it must be, too.
    if drawn and region.person and region.seen is not None:
        mine = covered_mask(region, size, target)
        silhouette = in_frame(region.seen.silhouette, region.seen.window, part).astype(np.float32) / np.float32(255)
        shape = shape_of(region.seen, erased, part)
        if region.portrait is not None:
            portrait = replace(region.portrait, points=region.portrait.points - np.array(part[:2], np.float32))
    if target == "face" and region.face is not None:
        if region.face.face_only:
            mine, silhouette = covered_mask(region, size, target), face_alpha(region, part)
        face = face_of(region.face, region.seen, erased, part)
    head = head_size(region.box)
    if target != "body" and np.array_equal(region.head, region.box):
        head = max(head, float(max(region.box[2:])))  # a box of no body: all of it may be one face
    tight = region.seen is not None and not drawn
    return mine, Item(
        rgb_of(erased[place]), silhouette, region.code, head, recolouring, raw, shape, face, portrait, tight
    )


def _roughen(published: Frame, owned: NDArray[np.bool_], sigma: float, number: int) -> None:
    rows, columns = np.flatnonzero(owned.any(1)), np.flatnonzero(owned.any(0))
    place = slice(rows[0], rows[-1] + 1), slice(columns[0], columns[-1] + 1)
    mine = owned[place]
    noise = grain(mine.shape, sigma, (number, published.shape[0], published.shape[1]))
    published[place][mine] = np.rint(published[place] + noise).clip(0, 255).astype(np.uint8)[mine]


def _feathered(mine: NDArray[np.bool_]) -> Pixels:
    """Opacity (h, w) in 0…1 of what covers a region, without an edge; under it must lie no raw pixel."""
    inside = cv2.distanceTransform(np.pad(mine, 1).astype(np.uint8), cv2.DIST_L2, 3)[1:-1, 1:-1]
    return np.asarray(np.clip(inside / max(1.0, _FEATHER * min(mine.shape)), 0, 1), np.float32)


def _lay(published: Frame, place: tuple[slice, slice], mine: NDArray[np.bool_], rgb: Pixels, alpha: Pixels) -> None:
    # Where alpha is below one shows what was laid before: the erased background and farther people, never the frame.
    opaque = alpha[mine][:, None]
    under = published[place][mine][:, ::-1].astype(np.float32)
    blend = rgb[mine] * 255 * opaque + under * (1 - opaque)
    published[place][mine] = np.rint(blend).clip(0, 255).astype(np.uint8)[:, ::-1]
