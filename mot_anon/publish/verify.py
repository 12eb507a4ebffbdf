"""What must hold before an output gets its final name.

A frame is checked while its pixels are at hand, on the very bytes that are written (:func:`check_frame`); at the end
the whole tree is held to the digests of those bytes (:func:`verify_tree`), so nothing has to be rendered twice.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping, Sequence
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from mot_anon.data.frames import EXTENSIONS, Frame, decode_frame, metadata_segments
from mot_anon.errors import CoverageError
from mot_anon.plan.camera import Region
from mot_anon.plan.heads import FacePlace
from mot_anon.plan.keys import Key
from mot_anon.plan.regions import clip
from mot_anon.publish.cover import Labels, covered_box, uncovered
from mot_anon.vision.cache import Tick
from mot_anon.vision.heads import head_oval
from mot_anon.vision.windows import in_frame

_JPEG_MEAN = 4.0
"""Grey levels: mean change of brightness that JPEG at quality 95 is allowed, inside regions and outside."""
_ENOUGH = 1024  # pixels for a mean that says something
_SIDE = 64  # cells of the window of a head
_CORE = 0.55  # of the oval in which heads are drawn: nearer to its rim there may be background
_OPAQUE = 200  # of 255 of a silhouette: from which whoever is drawn hides what is behind them
_LEAST_PIXELS, _LEAST_DETAIL = 64, 4.0  # of a region, below which survival of its detail cannot be told


def check_frame(
    path: Path,
    data: bytes,
    original: Frame,
    rendered: Frame,
    labels: Labels,
    regions: Sequence[Region],
    target: str,
    *,
    control: bool = False,
    restored: bool = True,
) -> None:
    """Check the bytes of one published frame against the original and the plan.

    Parameters
    ----------
    path:
        Where the bytes are going; for messages.
    data:
        The encoded frame.
    original, rendered:
        (H, W, 3) uint8 BGR before and after rendering.
    labels:
        Which region owns which pixel.
    control:
        The method protects nobody, so its regions may look as they did.
    restored:
        The method draws people over what is behind them, and that may look as it did.

    Raises
    ------
    CoverageError
        Metadata; a region that does not own its pixels; pixels outside the regions that rendering changed; a file that
        does not show what was rendered; a region that still shows the original.
    """
    if found := metadata_segments(data):
        raise CoverageError(f"{path}: carries {', '.join(found)}")
    size = (original.shape[1], original.shape[0])
    for region in regions:
        if uncovered(region, labels, size, target):
            raise CoverageError(f"{path}: pixels of track {region.track!r} are not covered")
    outside = labels < 0
    if cv2.norm(original, rendered, cv2.NORM_INF, outside.astype(np.uint8)) > 0:
        raise CoverageError(f"{path}: rendering changed the background")
    published = decode_frame(data, path, size=size)
    if EXTENSIONS[path.suffix.lower()] == "png":
        faithful = np.array_equal(published, rendered)
    else:
        change = cv2.absdiff(_grey(published), _grey(rendered))
        faithful = all(change[part].mean() <= _JPEG_MEAN for part in (outside, ~outside) if part.sum() >= _ENOUGH)
    if not faithful:
        raise CoverageError(f"{path}: the file does not show what was rendered")
    if not control:
        _check_replaced(path, original, published, labels, regions, target, restored=restored)


def verify_tree(tree: Path, expected: Mapping[str, str], key: Key, tick: Tick | None = None) -> None:
    """Check that a tree holds exactly the expected files, as they were checked, and the key in none; put it on disk.

    Parameters
    ----------
    expected:
        Path below the tree, with slashes → SHA-256 (hex).
    tick:
        Called once a file.

    Raises
    ------
    CoverageError
        A file that is missing, should not be there, has other bytes or contains the key.
    """
    there = {path.relative_to(tree).as_posix() for path in tree.rglob("*") if not path.is_dir() or path.is_symlink()}
    for what, names in (("is missing", expected.keys() - there), ("should not be there", there - expected.keys())):
        if names:
            raise CoverageError(f"{min(names)}: {what}")
    for name in sorted(there):
        with (tree / name).open("rb") as file:
            data = file.read()
            os.fsync(file.fileno())
        if hashlib.sha256(data).hexdigest() != expected[name]:
            raise CoverageError(f"{name}: not the bytes that were checked")
        if form := key.found_in(data):
            raise CoverageError(f"{name}: contains the key ({form})")
        if tick:
            tick()


def _check_replaced(
    path: Path,
    original: Frame,
    published: Frame,
    labels: Labels,
    regions: Sequence[Region],
    target: str,
    *,
    restored: bool,
) -> None:
    for index, region in enumerate(regions):
        x1, y1, x2, y2 = clip(covered_box(region, target), (labels.shape[1], labels.shape[0]))
        mine = labels[y1:y2, x1:x2] == index
        if restored and region.seen is not None:
            # What is behind a person may look as it did, and so may everything where nobody was.
            if not region.person:
                continue
            mine &= in_frame(region.seen.silhouette, region.seen.window, (x1, y1, x2, y2)) >= _OPAQUE
        elif region.torso is not None:
            # So may what is round a head.
            if region.face is None:
                continue
            if region.face.usable or region.seen is None:
                mine &= _drawn_head(region.face, (x1, y1, x2, y2))
            else:
                mine &= in_frame(region.seen.silhouette, region.seen.window, (x1, y1, x2, y2)) >= _OPAQUE
        if mine.sum() < _LEAST_PIXELS:
            continue
        before, after = (_detail(frame[y1:y2, x1:x2])[mine] for frame in (original, published))
        # Only where there was detail can its survival be told; flat regions look the same after any method.
        if before.std() < _LEAST_DETAIL or after.std() < 1:
            continue
        if np.corrcoef(before, after)[0, 1] > 0.95 and 0.8 < after.std() / before.std() < 1.25:
            raise CoverageError(f"{path}: the region of track {region.track!r} still shows the original")


def _drawn_head(place: FacePlace, part: tuple[int, int, int, int]) -> NDArray[np.bool_]:
    """(h, w): the pixels of a part x1, y1, x2, y2 of the frame in which the head itself is drawn."""
    core = np.rint(_SIDE / 2 * np.array([1 - _CORE, 1 - _CORE, 1 + _CORE, 1 + _CORE])).astype(np.int64)
    oval = np.rint(255 * head_oval((_SIDE, _SIDE), core)).astype(np.uint8)
    return in_frame(oval, place.window, part) > 127


def _detail(crop: Frame) -> NDArray[np.float32]:
    grey = _grey(crop).astype(np.float32)
    return np.asarray(grey - cv2.GaussianBlur(grey, (0, 0), 3), np.float32)


def _grey(frame: Frame) -> NDArray[np.uint8]:
    return np.asarray(cv2.cvtColor(frame, cv2.COLOR_BGR2GRAY), np.uint8)
