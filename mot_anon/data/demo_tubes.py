"""Tapered tubes: the shape of every limb, garment, bag and lamp post of the demo, and the canvas they are painted on.

Colour and light are painted separately: the colour layer takes clothes and patterns, the light layer takes strips
along every tube whose brightness follows the angle between the tube's surface and the sun.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from mot_anon.data.demo_cast import Colour

FloatArray = NDArray[np.float64]
Image = NDArray[np.uint8]

RINGS = 6
SHIFT = 4
UNIT = 1 << SHIFT
NEUTRAL = 150
"""Level of the light layer that leaves a colour as it is."""
_PROFILE = np.array([[0.45, 1.0, 0.4, 0.0, 0.0, 0.0], [0.0, 0.0, 0.6, 0.6, 0.0, 0.0], [0.0, 0.0, 0.0, 0.4, 1.0, 0.45]])
"""From the radii at start, middle and end to those of the six rings."""


@dataclass(frozen=True)
class Patch:
    """A drawn thing: its top-left corner in frame pixels (may be negative), colour times alpha, and alpha (uint8)."""

    x: int
    y: int
    colour: Image
    alpha: Image


@dataclass(frozen=True)
class Facing:
    """A body's forward and right directions: their parts along the image's x axis and towards the camera, -1..1."""

    forward_across: float
    right_across: float
    forward_near: float
    right_near: float

    def seen(self, degrees: float) -> tuple[float, float]:
        """Where a point of the body's surface appears (s across, -1..1), and how much it faces us.

        The angle is 0 at the front and 90 at the body's right.
        """
        c, s = math.cos(math.radians(degrees)), math.sin(math.radians(degrees))
        return c * self.forward_across + s * self.right_across, c * self.forward_near + s * self.right_near


class Tubes:
    """Collects tubes in world coordinates (metres); :meth:`rings` turns them into arrays at once."""

    def __init__(self) -> None:
        self._limbs: list[tuple[FloatArray, FloatArray, tuple[float, float, float]]] = []
        self._trunks: list[FloatArray] = []
        self._limb_names: list[str] = []
        self._trunk_names: list[str] = []

    def limb(self, name: str, a: FloatArray, b: FloatArray, radii: tuple[float, float, float]) -> None:
        """A round tube from a to b (3,) with the radii at start, middle and end, in metres."""
        self._limb_names.append(name)
        self._limbs.append((a, b, radii))

    def trunk(self, name: str, base: FloatArray, axis: FloatArray, profile: FloatArray, scale: float) -> None:
        """A tube of elliptic rings.

        ``profile`` (6, 3) lists rise along ``axis``, half width and half depth, which ``scale`` turns into metres.
        """
        self._trunk_names.append(name)
        table = profile * scale
        self._trunks.append(np.concatenate([base + table[:, :1] * axis, table[:, 1:]], axis=1))

    def names(self) -> dict[str, int]:
        """Row of every tube in :meth:`rings`."""
        return {name: row for row, name in enumerate(self._limb_names + self._trunk_names)}

    def rings(self) -> tuple[FloatArray, FloatArray, FloatArray, int]:
        """Ring centres (tubes, 6, 3), half widths and half depths (tubes, 6) in metres, and how many are round.

        The round ones come first.
        """
        a = np.array([limb[0] for limb in self._limbs])
        span = np.array([limb[1] for limb in self._limbs]) - a
        r = np.array([limb[2] for limb in self._limbs])
        length = np.sqrt((span * span).sum(axis=1)) + 1e-6
        t = np.empty((len(r), RINGS))
        t[:, 1:5] = (0.0, 0.35, 0.7, 1.0)
        t[:, 0] = -0.7 * r[:, 0] / length
        t[:, 5] = 1.0 + 0.7 * r[:, 2] / length
        centres = a[:, None] + t[..., None] * span[:, None]
        radii = r @ _PROFILE
        trunks = np.array(self._trunks)
        return (
            np.concatenate([centres, trunks[..., :3]]),
            np.concatenate([radii, trunks[..., 3]]),
            np.concatenate([radii, trunks[..., 4]]),
            len(r),
        )


class Flat:
    """Projected tubes in canvas pixels: ring centres and half widths as vectors across, both (tubes, 6, 2)."""

    def __init__(self, centre: FloatArray, across: FloatArray, cuts: FloatArray) -> None:
        self.centre = centre
        self.across = across
        self._lists: dict[int, tuple[list[list[float]], list[list[float]]]] = {}
        self.half = np.sqrt((across * across).sum(axis=2))
        right = (centre + across)[:, None, ::-1]
        left = centre[:, None] + across[:, None] * cuts[None, :-1, None, None]
        polygons = np.concatenate([left, np.broadcast_to(right, left.shape)], axis=2)
        self.strips = np.rint(polygons * UNIT).astype(np.int32)

    def band(self, part: int, t0: float, t1: float, s0: float, s1: float) -> list[tuple[float, float]]:
        """The outline (6 points) of a piece of surface: t from 0 (first ring) to 1 (last), s from -1 to 1 across."""
        if part not in self._lists:
            self._lists[part] = (self.centre[part].tolist(), self.across[part].tolist())
        centre, across = self._lists[part]
        left, right = [], []
        for t in (t0, 0.5 * (t0 + t1), t1):
            low = min(int(t * (RINGS - 1)), RINGS - 2)
            f = t * (RINGS - 1) - low
            (ax, ay), (bx, by) = centre[low], centre[low + 1]
            (ux, uy), (vx, vy) = across[low], across[low + 1]
            x, y, dx, dy = ax + f * (bx - ax), ay + f * (by - ay), ux + f * (vx - ux), uy + f * (vy - uy)
            left.append((x + s0 * dx, y + s0 * dy))
            right.append((x + s1 * dx, y + s1 * dy))
        return left + right[::-1]

    def at(self, part: int, t: float, s: float) -> tuple[float, float]:
        """One point of the tube's surface."""
        return self.band(part, t, t, s, s)[0]


class Painter:
    """Two canvases, colour with coverage and light, with sub-pixel shapes."""

    def __init__(self, width: int, height: int) -> None:
        self.colour = np.zeros((height, width, 4), np.uint8)
        self.light = np.full((height, width), NEUTRAL, np.uint8)

    def fill(self, points: list[tuple[float, float]], colour: Colour) -> None:
        """Paint a polygon of points in canvas pixels on the colour layer."""
        fixed = np.array([(int(x * UNIT + 0.5), int(y * UNIT + 0.5)) for x, y in points], np.int32)
        cv2.fillPoly(self.colour, [fixed], (*colour, 255), cv2.LINE_8, SHIFT)

    def fill_fixed(self, polygon: NDArray[np.int32], colour: Colour) -> None:
        """Paint a polygon in fixed-point coordinates on the colour layer."""
        cv2.fillPoly(self.colour, [polygon], (*colour, 255), cv2.LINE_8, SHIFT)

    def shade_fixed(self, polygon: NDArray[np.int32], level: int) -> None:
        """Set the light inside a polygon in fixed-point coordinates."""
        cv2.fillPoly(self.light, [polygon], level, cv2.LINE_8, SHIFT)

    def oval(self, x: float, y: float, rx: float, ry: float, colour: Colour) -> None:
        """Paint an upright ellipse, canvas pixels, on the colour layer."""
        centre, axes = (round(x * UNIT), round(y * UNIT)), (max(round(rx * UNIT), 1), max(round(ry * UNIT), 1))
        cv2.ellipse(self.colour, centre, axes, 0, 0, 360, (*colour, 255), -1, cv2.LINE_8, SHIFT)

    def dome(self, x: float, y: float, rx: float, ry: float, colour: Colour) -> None:
        """Paint the upper half of an upright ellipse on the colour layer."""
        centre, axes = (round(x * UNIT), round(y * UNIT)), (max(round(rx * UNIT), 1), max(round(ry * UNIT), 1))
        cv2.ellipse(self.colour, centre, axes, 0, 180, 360, (*colour, 255), -1, cv2.LINE_8, SHIFT)

    def shade_oval(self, x: float, y: float, rx: float, ry: float, level: int) -> None:
        """Set the light inside an upright ellipse."""
        centre, axes = (round(x * UNIT), round(y * UNIT)), (max(round(rx * UNIT), 1), max(round(ry * UNIT), 1))
        cv2.ellipse(self.light, centre, axes, 0, 0, 360, level, -1, cv2.LINE_8, SHIFT)


def mix(a: Colour, b: Colour, share: float) -> Colour:
    """Colour a with a share 0..1 of b in it."""
    return tuple(round(x * (1 - share) + y * share) for x, y in zip(a, b, strict=True))  # type: ignore[return-value]


def strip_levels(normal: FloatArray, light: FloatArray, cuts: FloatArray) -> NDArray[np.int64]:
    """Light (parts, strips) of strips whose middle lies at ``cuts`` across a tube with image normals (parts, 2)."""
    facing = np.sqrt(1 - cuts**2)
    incidence = (normal @ light[:2])[:, None] * cuts - light[2] * facing
    return np.rint(NEUTRAL * (0.62 + 0.42 * np.maximum(incidence, 0) + 0.16 * facing)).astype(np.int64)
