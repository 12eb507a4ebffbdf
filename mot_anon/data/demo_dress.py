"""Clothes and heads of the demo's figures: the colour of every part, patterns, open jackets, straps, hair, hats and faces."""

from __future__ import annotations

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
    if look.pattern == "hoops":
        for t in (0.06, 0.21, 0.36, 0.51, 0.66):
            painter.fill(flat.band(torso, t, t + 0.065, -1, 1), look.second)
    elif look.pattern in ("pinstripes", "checks"):
        step, width = (30, 5.0) if look.pattern == "pinstripes" else (36, 9.0)
        for angle in range(0, 360, step):
            span = _panel(facing, angle - width, angle + width)
            if span:
                painter.fill(flat.band(torso, 0.0, 0.86, *span), look.second)
        if look.pattern == "checks":
            for t in (0.08, 0.25, 0.42, 0.59, 0.76):
                painter.fill(flat.band(torso, t, t + 0.04, -1, 1), mix(look.second, look.top, 0.3))
    elif look.pattern == "print":
        span = _panel(facing, -26, 26)
        if span:
            painter.fill(flat.band(torso, 0.42, 0.66, *span), look.second)
    if look.top_kind in ("jacket", "coat"):
        span = _panel(facing, -17, 17)
        if span:
            painter.fill(flat.band(torso, 0.08 if look.top_kind == "jacket" else 0.35, 0.94, *span), look.second)
    elif look.top_kind == "shirt":
        span = _panel(facing, -3, 3)
        if span:
            painter.fill(flat.band(torso, 0.0, 0.85, *span), mix(look.top, (0, 0, 0), 0.25))
    if look.top_kind != "coat" and look.bottom_kind != "dress":
        painter.fill(flat.band(torso, -0.0, 0.055, -1, 1), mix(look.bottom, (0, 0, 0), 0.35))
    if look.bag == "backpack":
        for angle in (-38, 38):
            span = _panel(facing, angle - 8, angle + 8)
            if span:
                painter.fill(flat.band(torso, 0.32, 0.85, *span), mix(look.bag_colour, (0, 0, 0), 0.3))
    elif look.bag == "shoulder":
        s = facing.right_across
        (ax, ay), (bx, by) = flat.at(torso, 0.86, -0.62 * s), flat.at(torso, 0.05, 0.92 * s)
        wide = 0.09 * float(flat.half[torso][2])
        strap = [(ax - wide, ay), (ax + wide, ay), (bx + wide, by), (bx - wide, by)]
        painter.fill(strap, mix(look.bag_colour, (0, 0, 0), 0.3))


def draw_head(painter: Painter, look: Look, cx: float, cy: float, size: float, facing: Facing, light: FloatArray, *, fine: bool) -> None:
    """The head: centre ``cx``, ``cy`` and ``size`` (one body height) in canvas pixels; eyes, brows and mouth only where ``fine``."""
    side = abs(facing.forward_across)
    rx, ry = (0.045 + 0.009 * side) * size, 0.066 * size
    near, turn = facing.forward_near, facing.forward_across
    bald = look.hair_kind == "bald"
    if look.hair_kind == "long":
        back = (cx + -turn * 0.35 * rx, cy + 0.62 * ry)
        if near < 0.35:
            painter.oval(*back, rx * (1.02 if near < -0.3 else 0.7), ry * 1.15, look.hair)
        else:
            for s in (-1, 1):
                painter.oval(cx + s * 0.78 * rx - turn * 0.3 * rx, cy + 0.5 * ry, rx * 0.38, ry * 0.95, look.hair)
    elif look.hair_kind == "bun":
        painter.oval(cx + -turn * 0.95 * rx, cy + -0.55 * ry, rx * 0.5, ry * 0.36, look.hair)
    skull = (cx + -turn * 0.10 * rx, cy + -0.06 * ry)
    painter.oval(*skull, rx * (1.0 if bald else 1.06), ry * (1.0 if bald else 1.04), look.skin if bald else look.hair)
    if not bald and near > -0.75:
        if near > -0.25:
            width = rx * (0.50 + 0.40 * max(near, 0.0))
            face = (cx + turn * (rx - width) * 1.05, cy + 0.20 * ry)
            painter.oval(*face, width, 0.80 * ry, look.skin)
            jaw = (cx + turn * 0.30 * rx, cy + 0.45 * ry)
            painter.oval(*jaw, rx * 0.66, 0.55 * ry, look.skin)
    if abs(turn) > 0.25 and near > -0.3:
        nose = (cx + turn * rx * 0.98, cy + 0.22 * ry)
        painter.oval(*nose, rx * 0.16, ry * 0.15, look.skin)
    if abs(near) < 0.85 or near < 0:
        for degrees in (-90, 90):
            s, faces = facing.seen(degrees)
            if faces > -0.2 and abs(s) < 0.97:
                painter.oval(cx + s * rx * 0.9 - turn * 0.12 * rx, cy + 0.14 * ry, rx * 0.13, ry * 0.17, mix(look.skin, (40, 40, 90), 0.2))
    if near < -0.25 and look.hair_kind in ("short", "bun"):
        painter.oval(cx + 0, cy + 0.86 * ry, rx * 0.62, ry * 0.3, look.skin)
    _hat(painter, look, cx, cy, rx, ry, turn, near)
    if fine and near > -0.1:
        _face(painter, look, cx, cy, rx, ry, facing)
    for step, level in enumerate((0.80, 0.90, 0.99, 1.06)):
        grow = 1.12 - 0.24 * step
        shift = 0.16 * step
        at = (cx + light[0] * shift * rx, min(light[1], cy + 0.2) * shift * ry)
        painter.shade_oval(*at, rx * grow, ry * grow, round(NEUTRAL * level))


def _face(painter: Painter, look: Look, cx: float, cy: float, rx: float, ry: float, facing: Facing) -> None:
    dark = mix(look.skin, (20, 20, 40), 0.75)
    for degrees in (-26, 26):
        s, faces = facing.seen(degrees)
        if faces < 0.15:
            continue
        at = (cx + s * rx * 0.92, cy + 0.10 * ry)
        painter.oval(*at, rx * 0.17 * faces, ry * 0.075, (226, 230, 232))
        painter.oval(*at, rx * 0.085, ry * 0.075, (34, 36, 42))
        painter.oval(at[0], at[1] - 0.17 * ry, rx * 0.21 * faces, ry * 0.035, mix(look.hair, dark, 0.5))
    s, faces = facing.seen(0)
    if faces > 0.1:
        painter.oval(cx + s * rx, cy + 0.36 * ry, rx * 0.12, ry * 0.06, mix(look.skin, (30, 40, 90), 0.28))
        painter.oval(cx + s * rx * 0.86, cy + 0.60 * ry, rx * 0.30 * max(faces, 0.3), ry * 0.055, mix(look.skin, (50, 40, 130), 0.55))


def _hat(painter: Painter, look: Look, cx: float, cy: float, rx: float, ry: float, turn: float, near: float) -> None:
    if look.hat == "none":
        return
    painter.dome(cx + -turn * 0.08 * rx, cy + -0.28 * ry, rx * 1.13, ry * 0.86, look.hat_colour)
    dark = mix(look.hat_colour, (0, 0, 0), 0.3)
    if look.hat == "cap" and near > -0.5:
        painter.oval(cx + turn * 1.0 * rx, cy + -0.30 * ry, rx * (0.55 + 0.25 * max(near, 0)), ry * 0.13, dark)
    elif look.hat == "brim":
        painter.oval(cx + 0, cy + -0.34 * ry, rx * 1.65, ry * 0.17, dark)
    elif look.hat == "beanie":
        painter.oval(cx + -turn * 0.08 * rx, cy + -0.36 * ry, rx * 1.14, ry * 0.15, dark)
