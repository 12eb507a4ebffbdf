"""Taking people out of a frame: what stands behind them, as far as anything knows, and grain like the camera's."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from mot_anon.data.frames import Frame
from mot_anon.methods.base import Pixels
from mot_anon.plan.plate import Plate

_COARSE = 4
_FADE = 40  # of the height of the frame: how far inside of its end a plate begins to go over into the smooth fill
_LARGE = 720  # rows of a frame
_BODY = 0.5  # from which a pixel is a body's
_FULL = 4.0  # of four pixels one has to be known for a coarser pixel to be
_BELIEVED, _DOUBTED = 14.0, 24.0  # grey levels by which plate and frame differ round a hole
_GRAIN = 0.7  # pixels: how far grain is correlated after a camera's own compression


@dataclass(frozen=True)
class Staying:
    """Who stays in a frame when heads are taken out of it.

    Attributes
    ----------
    bodies:
        (H, W) float32 in 0…1: how likely a pixel in or near a head's region shows somebody's body; 0 farther away.
    faces:
        (H, W): where no more than a face is taken out of a head, which goes on round about.
    people:
        (H, W): where people may be: nothing is said of the background there.
    """

    bodies: Pixels
    faces: NDArray[np.bool_]
    people: NDArray[np.bool_]


def erase(frame: Frame, owned: NDArray[np.bool_], plate: Plate | None = None, staying: Staying | None = None) -> Frame:
    """Fill ``owned`` (H, W); no pixel of a region goes into the fill.

    What the plate knows is taken from it, in the light of the frame round about; the rest is filled smoothly.  Where
    bodies stay, they go on as they are round about, and the background is filled from no body.
    """
    free = ~owned
    # Large frames are filled at half their size: nothing smooth is lost.
    step = 2 if frame.shape[0] > _LARGE else 1
    filled = _coarsely(frame, free, step, 127.0)
    if staying is not None:
        return _put(frame, owned, _with_bodies(frame, free, filled, plate, staying))
    return _put(frame, owned, _with_plate(filled, frame, free, plate))


def _put(frame: Frame, owned: NDArray[np.bool_], filled: Pixels) -> Frame:
    erased = frame.copy()
    erased[owned] = np.rint(filled[owned].clip(0, 255)).astype(np.uint8)
    return erased


def _with_bodies(
    frame: Frame, free: NDArray[np.bool_], filled: Pixels, plate: Plate | None, staying: Staying
) -> Pixels:
    """What is filled where people stay, but for their heads."""
    body = staying.bodies >= _BODY
    ground = _coarsely(frame, free & ~body, _COARSE, 127.0)
    ground = _with_plate(ground, frame, free & ~staying.people, plate)
    if (free & body).any():
        ground += staying.bodies[..., None] * (_coarsely(frame, free & body, _COARSE, 127.0) - ground)
    return np.where(staying.faces[..., None], filled, ground)


def _with_plate(filled: Pixels, frame: Frame, free: NDArray[np.bool_], plate: Plate | None) -> Pixels:
    """``filled`` with what the plate knows, judged where the frame is ``free`` of people."""
    if plate is not None and plate.shows(frame, free):
        light, doubt = _difference(frame, plate, free & plate.known)
        belief = np.clip((_DOUBTED - doubt) / (_DOUBTED - _BELIEVED), 0, 1)
        # Where the plate ends inside a hole it goes over into the smooth fill without an edge.
        wide = 2 * (frame.shape[0] // _FADE) + 1
        edge = cv2.blur((plate.known | free).astype(np.float32), (wide, wide))[..., None]
        belief = belief * np.clip(2 * edge - 1, 0, 1) * plate.known[..., None]
        filled = filled + belief * (plate.pixels + light - filled)
    return filled


def _difference(frame: Frame, plate: Plate, common: NDArray[np.bool_]) -> tuple[Pixels, Pixels]:
    """By how much a frame is lighter than the plate, (H, W, 3), and how unlike it is apart from that, (H, W, 1)."""
    step = 2 if frame.shape[0] > _LARGE else 1
    size = (frame.shape[1], frame.shape[0])
    known = common[::step, ::step]
    difference = frame[::step, ::step].astype(np.float32) - plate.pixels[::step, ::step]
    light = _coarsely(difference, known, _COARSE // step, 0.0, blur=5)
    unlike = np.abs(difference - light).mean(2, keepdims=True)
    doubt = _coarsely(unlike, known, _COARSE // step, 255.0, blur=5)
    large = [cv2.resize(values, size, interpolation=cv2.INTER_LINEAR) for values in (light, doubt)]
    first, second = (np.asarray(values.reshape(size[1], size[0], -1), np.float32) for values in large)
    return first, second


def _coarsely(
    values: NDArray,  # type: ignore[type-arg]
    known: NDArray[np.bool_],
    shrink: int,
    unknown: float,
    blur: int = 0,
) -> Pixels:
    """:func:`_spread` at a fraction of the size, (H, W, C) float32, and smoothed over ``blur`` pixels of that size."""
    height, width = known.shape
    size = (max(1, width // shrink), max(1, height // shrink))
    weight = cv2.resize(known.astype(np.float32), size, interpolation=cv2.INTER_AREA)
    total = cv2.resize(values * known[..., None].astype(np.float32), size, interpolation=cv2.INTER_AREA)
    mean = total.reshape(*weight.shape, -1) / np.maximum(weight, 1e-6)[..., None]
    spread = _spread(mean, weight > 0, unknown)
    if blur:
        spread = np.asarray(cv2.blur(spread, (blur, blur)), np.float32).reshape(spread.shape)
    large = cv2.resize(spread, (width, height), interpolation=cv2.INTER_LINEAR)
    return np.asarray(large.reshape(height, width, -1), np.float32)


def grain_of(frame: Frame, free: NDArray[np.bool_]) -> float:
    """Standard deviation in grey levels of the noise of a frame, from what is flat outside all regions."""
    grey = cv2.cvtColor(frame, cv2.COLOR_BGR2GRAY).astype(np.float32)
    # Immerkær (CVIU 1996): a kernel that sees neither edges' slopes nor planes; the median forgets the texture.
    kernel = np.array([[1, -2, 1], [-2, 4, -2], [1, -2, 1]], np.float32)
    inside = cv2.erode(free.astype(np.uint8), np.ones((3, 3), np.uint8)) > 0  # the kernel must not see regions either
    strength = np.abs(cv2.filter2D(grey, -1, kernel))[1:-1, 1:-1][inside[1:-1, 1:-1]]
    return float(np.median(strength[::3]) / 0.6745 / 6) if len(strength) >= 300 else 0.0


def grain(shape: tuple[int, int], sigma: float, seed: tuple[int, ...]) -> Pixels:
    """(H, W, 1) float32: noise of that standard deviation in grey levels, the same for the same seed."""
    if sigma <= 0:
        return np.zeros((*shape, 1), np.float32)
    drawn = np.random.default_rng(list(seed)).standard_normal(shape, np.float32)
    smooth = cv2.GaussianBlur(drawn, (0, 0), _GRAIN)
    return (smooth * (sigma * 2 * np.sqrt(np.pi) * _GRAIN))[..., None].astype(np.float32)


def _spread(values: NDArray, known: NDArray[np.bool_], unknown: float = 127.0) -> Pixels:  # type: ignore[type-arg]
    """(H, W, C) float32: the known values, and elsewhere the mean of those round about, of the nearest first.

    Pull and push (Gortler et al., SIGGRAPH 1996, section 3.4) over a pyramid: near the rim of a hole it is as fine as
    what lies beside it, and the further in, the smoother.
    """
    weight = known.astype(np.float32)
    colour = np.where(known[..., None], values, 0).astype(np.float32).reshape(*known.shape, -1)
    levels = []
    while min(weight.shape) > 1:
        levels.append((weight, colour))
        size = ((weight.shape[1] + 1) // 2, (weight.shape[0] + 1) // 2)
        less, mean = cv2.pyrDown(weight, dstsize=size), cv2.pyrDown(colour * weight[..., None], dstsize=size)
        colour = (mean.reshape(*less.shape, -1) / np.maximum(less, 1e-6)[..., None]).astype(np.float32)
        weight = np.minimum(1, _FULL * less).astype(np.float32)
    filled = np.where(weight[..., None] > 0, colour, np.float32(unknown))
    for weight, colour in reversed(levels):
        size = (weight.shape[1], weight.shape[0])
        below = cv2.resize(filled, size, interpolation=cv2.INTER_LINEAR).reshape(colour.shape)
        filled = below + weight[..., None] * (colour - below)
    return np.asarray(filled, np.float32)
