"""Clothes and heads of the demo's figures: colours, patterns, open jackets, straps, hair, hats and faces."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mot_anon.data.demo_cast import Colour, Look
from mot_anon.data.demo_tubes import NEUTRAL, Facing, Flat, Painter, mix

FloatArray = NDArray[np.float64]


def part_colours(look: Look) -> dict[str, Colour]:
    """The colour of every tube of a figure, by its name."""
    skin, bottom, top = look.skin, look.bottom, look.top
    upper_leg = bottom if look.bottom_kind in ("trousers", "shorts") else skin
    lower_leg = bottom if look.bottom_kind == "trousers" else skin
    if look.bottom_kind in ("skirt", "dress") and look.top_kind == "coat":
        upper_leg = lower_leg = mix(look.bottom, (30, 30, 30), 0.5)
    forearm = skin if look.top_kind in ("tee", "dress") else top
    colours = {"seat": bottom, "torso": top, "neck": mix(skin, (0, 0, 0), 0.12), "bag": look.bag_colour}
    colours["hem"] = top if look.top_kind == "coat" else bottom
    for n in ("l", "r"):
        colours |= {f"thigh_{n}": upper_leg, f"shin_{n}": lower_leg, f"foot_{n}": look.shoes}
        colours |= {f"upper_{n}": top, f"fore_{n}": forearm, f"hand_{n}": skin}
    return colours


def _panel(facing: Facing, a: float, b: float) -> tuple[float, float] | None:
    """The part of the body's surface between two angles that we see, as a range across the tube."""
    points = [facing.seen(angle) for angle in (a + (b - a) * k / 8 for k in range(9))]
    seen = [s for s, near in points if near > 0.02]
    return (min(seen), max(seen)) if len(seen) > 1 else None


def draw_clothes(painter: Painter, flat: Flat, names: dict[str, int], look: Look, facing: Facing) -> None:
    """Patterns, an open jacket's inside, buttons, a belt and bag straps, painted on the torso."""
    torso = names["torso"]
    _pattern(painter, flat, torso, look, facing)
    if look.top_kind in ("jacket", "coat"):
        bottom = 0.08 if look.top_kind == "jacket" else 0.35
        _front(painter, flat, torso, facing, angles=(-17, 17), rise=(bottom, 0.94), colour=look.second)
    elif look.top_kind == "shirt":
        _front(painter, flat, torso, facing, angles=(-3, 3), rise=(0.0, 0.85), colour=mix(look.top, (0, 0, 0), 0.25))
    if look.top_kind != "coat" and look.bottom_kind != "dress":
        painter.fill(flat.band(torso, -0.0, 0.055, -1, 1), mix(look.bottom, (0, 0, 0), 0.35))
    if look.bag == "backpack":
        for angle in (-38, 38):
            strap = mix(look.bag_colour, (0, 0, 0), 0.3)
            _front(painter, flat, torso, facing, angles=(angle - 8, angle + 8), rise=(0.32, 0.85), colour=strap)
    elif look.bag == "shoulder":
        s = facing.right_across
        (ax, ay), (bx, by) = flat.at(torso, 0.86, -0.62 * s), flat.at(torso, 0.05, 0.92 * s)
        wide = 0.09 * float(flat.half[torso][2])
        corners = [(ax - wide, ay), (ax + wide, ay), (bx + wide, by), (bx - wide, by)]
        painter.fill(corners, mix(look.bag_colour, (0, 0, 0), 0.3))


def _front(
    painter: Painter,
    flat: Flat,
    torso: int,
    facing: Facing,
    *,
    angles: tuple[float, float],
    rise: tuple[float, float],
    colour: Colour,
) -> None:
    """Paint what we see of the torso's surface between two angles (0 front) and two heights (0 hip, 1 neck)."""
    span = _panel(facing, *angles)
    if span:
        painter.fill(flat.band(torso, *rise, *span), colour)


def _pattern(painter: Painter, flat: Flat, torso: int, look: Look, facing: Facing) -> None:
    if look.pattern == "hoops":
        for t in (0.06, 0.21, 0.36, 0.51, 0.66):
            painter.fill(flat.band(torso, t, t + 0.065, -1, 1), look.second)
    elif look.pattern in ("pinstripes", "checks"):
        step, width = (30, 5.0) if look.pattern == "pinstripes" else (36, 9.0)
        for angle in range(0, 360, step):
            angles = (angle - width, angle + width)
            _front(painter, flat, torso, facing, angles=angles, rise=(0.0, 0.86), colour=look.second)
        if look.pattern == "checks":
            for t in (0.08, 0.25, 0.42, 0.59, 0.76):
                painter.fill(flat.band(torso, t, t + 0.04, -1, 1), mix(look.second, look.top, 0.3))
    elif look.pattern == "print":
        _front(painter, flat, torso, facing, angles=(-26, 26), rise=(0.42, 0.66), colour=look.second)


@dataclass(frozen=True)
class _Head:
    """Where a head is on the canvas and which way it looks; its parts are placed in units of its radii."""

    painter: Painter
    cx: float
    cy: float
    rx: float
    ry: float
    turn: float
    near: float

    def oval(self, x: float, y: float, rx: float, ry: float, colour: Colour) -> None:
        """Paint an ellipse whose centre and radii are given in the head's radii."""
        self.painter.oval(self.cx + x * self.rx, self.cy + y * self.ry, rx * self.rx, ry * self.ry, colour)


def draw_head(
    painter: Painter,
    look: Look,
    at: tuple[float, float],
    size: float,
    *,
    facing: Facing,
    light: FloatArray,
    fine: bool,
) -> None:
    """The head of a figure.

    Parameters
    ----------
    at, size:
        Its centre and one body height, in canvas pixels.
    light:
        Unit vector towards the sun in camera coordinates.
    fine:
        Whether to draw eyes, brows and mouth.
    """
    side = abs(facing.forward_across)
    turn, near = facing.forward_across, facing.forward_near
    head = _Head(painter, *at, (0.045 + 0.009 * side) * size, 0.066 * size, turn, near)
    _hair(head, look)
    _skin(head, look, facing)
    _hat(head, look)
    if fine and near > -0.1:
        _face(head, look, facing)
    for step, level in enumerate((0.80, 0.90, 0.99, 1.06)):
        grow, shift = 1.12 - 0.24 * step, 0.16 * step
        x, y = head.cx + light[0] * shift * head.rx, head.cy + min(light[1], 0.2) * shift * head.ry
        painter.shade_oval(x, y, head.rx * grow, head.ry * grow, round(NEUTRAL * level))


def _hair(head: _Head, look: Look) -> None:
    """Hair that falls or is tied, and the skull."""
    turn, bald = head.turn, look.hair_kind == "bald"
    if look.hair_kind == "long":
        if head.near < 0.35:
            head.oval(-0.35 * turn, 0.62, 1.02 if head.near < -0.3 else 0.7, 1.15, look.hair)
        else:
            for s in (-1, 1):
                head.oval(0.78 * s - 0.3 * turn, 0.5, 0.38, 0.95, look.hair)
    elif look.hair_kind == "bun":
        head.oval(-0.95 * turn, -0.55, 0.5, 0.36, look.hair)
    head.oval(-0.10 * turn, -0.06, 1.0 if bald else 1.06, 1.0 if bald else 1.04, look.skin if bald else look.hair)


def _skin(head: _Head, look: Look, facing: Facing) -> None:
    """Face, jaw, nose, ears and nape, as far as they are seen."""
    turn, near = head.turn, head.near
    if look.hair_kind != "bald" and near > -0.25:
        width = 0.50 + 0.40 * max(near, 0.0)
        head.oval(turn * (1 - width) * 1.05, 0.20, width, 0.80, look.skin)
        head.oval(0.30 * turn, 0.45, 0.66, 0.55, look.skin)
    if abs(turn) > 0.25 and near > -0.3:
        head.oval(0.98 * turn, 0.22, 0.16, 0.15, look.skin)
    if near < 0.85:
        for degrees in (-90, 90):
            s, faces = facing.seen(degrees)
            if faces > -0.2 and abs(s) < 0.97:
                head.oval(0.9 * s - 0.12 * turn, 0.14, 0.13, 0.17, mix(look.skin, (40, 40, 90), 0.2))
    if near < -0.25 and look.hair_kind in ("short", "bun"):
        head.oval(0.0, 0.86, 0.62, 0.3, look.skin)


def _face(head: _Head, look: Look, facing: Facing) -> None:
    dark = mix(look.skin, (20, 20, 40), 0.75)
    for degrees in (-26, 26):
        s, faces = facing.seen(degrees)
        if faces < 0.15:
            continue
        head.oval(0.92 * s, 0.10, 0.17 * faces, 0.075, (226, 230, 232))
        head.oval(0.92 * s, 0.10, 0.085, 0.075, (34, 36, 42))
        head.oval(0.92 * s, -0.07, 0.21 * faces, 0.035, mix(look.hair, dark, 0.5))
    s, faces = facing.seen(0)
    if faces > 0.1:
        head.oval(s, 0.36, 0.12, 0.06, mix(look.skin, (30, 40, 90), 0.28))
        head.oval(0.86 * s, 0.60, 0.30 * max(faces, 0.3), 0.055, mix(look.skin, (50, 40, 130), 0.55))


def _hat(head: _Head, look: Look) -> None:
    if look.hat == "none":
        return
    turn, near = head.turn, head.near
    crown = (head.cx - 0.08 * turn * head.rx, head.cy - 0.28 * head.ry)
    head.painter.dome(*crown, head.rx * 1.13, head.ry * 0.86, look.hat_colour)
    dark = mix(look.hat_colour, (0, 0, 0), 0.3)
    if look.hat == "cap" and near > -0.5:
        head.oval(turn, -0.30, 0.55 + 0.25 * max(near, 0), 0.13, dark)
    elif look.hat == "brim":
        head.oval(0.0, -0.34, 1.65, 0.17, dark)
    elif look.hat == "beanie":
        head.oval(-0.08 * turn, -0.36, 1.14, 0.15, dark)
