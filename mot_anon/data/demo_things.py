"""Things that hide people in the demo: pillar, kiosk, bench, planter, lamp post, parked car and bicycle."""

from __future__ import annotations

import math
from itertools import pairwise

import cv2
import numpy as np
from numpy.typing import NDArray

from mot_anon.data.demo_cast import Colour
from mot_anon.data.demo_tubes import Patch, mix
from mot_anon.data.demo_world import Camera, Thing, View

FloatArray = NDArray[np.float64]
Face = tuple[FloatArray, Colour, float]
"""Corners (n, 3) in metres round the thing's own origin, colour, and how much nearer it is sorted (metres)."""

_FACTOR = 3
_BLOCK_SIDES = ((0, 1, 5, 4), (1, 2, 6, 5), (2, 3, 7, 6), (3, 0, 4, 7), (4, 5, 6, 7))


def _block(x: float, y: float, z: float, w: float, d: float, h: float, colour: Colour, bias: float = 0.0) -> list[Face]:
    """A box: centre of its foot x, y, z, width, depth, height, all in metres."""
    low = [(x + sx * w / 2, y + sy * d / 2) for sx, sy in ((-1, -1), (1, -1), (1, 1), (-1, 1))]
    corners = np.array([(*p, z) for p in low] + [(*p, z + h) for p in low])
    return [(corners[list(side)], colour, bias) for side in _BLOCK_SIDES]


def _turned(profile: list[tuple[float, float, Colour]], sides: int = 28) -> list[Face]:
    """A body of revolution: ``profile`` lists height, radius and the colour of the part above."""
    angles = np.linspace(0, 2 * np.pi, sides + 1)
    faces: list[Face] = []
    for (z0, r0, colour), (z1, r1, _) in pairwise(profile):
        for a, b in pairwise(angles):
            quad = [(r0 * math.cos(a), r0 * math.sin(a), z0), (r0 * math.cos(b), r0 * math.sin(b), z0)]
            quad += [(r1 * math.cos(b), r1 * math.sin(b), z1), (r1 * math.cos(a), r1 * math.sin(a), z1)]
            faces.append((np.array(quad), colour, 0.0))
    return faces


def _kiosk() -> list[Face]:
    green, dark = (74, 92, 48), (46, 60, 32)
    profile = [(0.0, 0.66, dark), (0.28, 0.66, dark), (0.28, 0.58, (206, 212, 214)), (2.55, 0.58, green)]
    roof = ((2.6, 0.76), (2.72, 0.76), (3.0, 0.5), (3.25, 0.08), (3.5, 0.02))
    faces = _turned(profile + [(height, radius, green) for height, radius in roof])
    posters: list[Colour] = [(60, 70, 190), (170, 140, 60), (90, 180, 210)]
    posters += [(120, 70, 130), (80, 140, 70), (50, 50, 60)]
    for k in range(6):
        a0, a1 = math.pi / 3 * k + 0.06, math.pi / 3 * (k + 1) - 0.06
        for low, high, colour in (
            (0.55, 2.2, posters[k]),
            (1.1, 1.9, mix(posters[k], (240, 240, 240), 0.5)),
            (0.7, 0.85, (235, 235, 235)),
        ):
            steps = np.linspace(a0 + (0.12 if high < 2 else 0), a1 - (0.12 if high < 2 else 0), 5)
            for a, b in pairwise(steps):
                r = 0.585 + (0.004 if high < 2 else 0)
                quad = [(r * math.cos(t), r * math.sin(t), z) for t, z in ((a, low), (b, low), (b, high), (a, high))]
                faces.append((np.array(quad), colour, 0.02 + (0.02 if high < 2 else 0)))
    return faces


def _bench() -> list[Face]:
    wood, iron = (58, 104, 150), (52, 52, 54)
    faces: list[Face] = []
    for x in (-0.75, 0.75):
        faces += _block(x, 0.0, 0.0, 0.07, 0.45, 0.42, iron) + _block(x, 0.24, 0.42, 0.06, 0.05, 0.44, iron)
    for k in range(4):
        faces += _block(0, -0.18 + 0.12 * k, 0.42, 1.8, 0.095, 0.035, wood, 0.1)
    for k in range(3):
        faces += _block(0, 0.25, 0.53 + 0.12 * k, 1.8, 0.03, 0.085, wood)
    return faces


def _planter() -> list[Face]:
    stone = (150, 158, 164)
    faces = _block(0, 0, 0, 1.7, 0.7, 0.55, stone) + _block(
        0, 0, 0.55, 1.8, 0.8, 0.07, mix(stone, (255, 255, 255), 0.2)
    )
    rng = np.random.default_rng(17)
    for _ in range(130):
        x, z = rng.uniform(-0.8, 0.8), 0.62 + abs(rng.normal(0, 0.17))
        leaf = rng.uniform(0.05, 0.11)
        turn = rng.uniform(0, math.pi)
        shape = [
            (x + leaf * math.cos(t + turn), 0.0, z + leaf * 0.7 * math.sin(t + turn))
            for t in np.linspace(0, 2 * math.pi, 8)
        ]
        tint: Colour = mix((42, 84, 58), (90, 170, 120), float(rng.uniform()))
        faces.append((np.array(shape), (80, 70, 210) if rng.uniform() < 0.08 else tint, 0.5 + z))
    return faces


def _car(paint: Colour) -> list[Face]:
    """A hatchback, 4.1 m long along x."""
    lower = [
        (-2.05, 0.32),
        (-2.08, 0.62),
        (-1.95, 0.88),
        (-0.95, 0.96),
        (1.2, 0.98),
        (1.9, 0.95),
        (2.05, 0.7),
        (2.05, 0.32),
    ]
    cabin = [(-1.05, 0.95), (-0.35, 1.44), (1.05, 1.46), (1.75, 0.96)]
    glass: Colour = (74, 66, 58)
    faces: list[Face] = []
    for profile, half, colours in ((lower, 0.86, [paint] * 8), (cabin, 0.72, [glass, paint, glass, paint])):
        for y in (-half, half):
            faces.append((np.array([(x, y, z) for x, z in profile]), paint, 0.0 if half > 0.8 else 0.01))
        for k, (a, b) in enumerate(zip(profile, [*profile[1:], profile[0]], strict=True)):
            faces.append(
                (
                    np.array([(a[0], -half, a[1]), (b[0], -half, b[1]), (b[0], half, b[1]), (a[0], half, a[1])]),
                    colours[k],
                    0.0,
                )
            )
    for y in (-0.73, 0.73):
        for pane in (
            [(-0.85, 1.0), (-0.32, 1.38), (0.3, 1.4), (0.3, 1.0)],
            [(0.38, 1.0), (0.38, 1.4), (1.0, 1.41), (1.55, 1.0)],
        ):
            faces.append((np.array([(x, y, z) for x, z in pane]), glass, 0.06))
    for x in (-1.3, 1.28):
        for y in (-0.87, 0.87):
            for radius, colour, bias in (
                (0.36, (34, 34, 36), 0.5),
                (0.22, (150, 152, 154), 0.55),
                (0.07, (60, 60, 62), 0.6),
            ):
                ring = [
                    (x + radius * math.cos(t), y, 0.33 + radius * math.sin(t)) for t in np.linspace(0, 2 * math.pi, 24)
                ]
                faces.append((np.array(ring), colour, bias))
    for y in (-0.62, 0.62):
        faces += _block(-2.04, y, 0.62, 0.08, 0.34, 0.16, (225, 232, 236), 0.2) + _block(
            2.03, y, 0.66, 0.06, 0.3, 0.16, (40, 40, 190), 0.2
        )
    faces += _block(-2.07, 0, 0.4, 0.05, 0.5, 0.12, (228, 230, 230), 0.2) + _block(
        2.05, 0, 0.45, 0.05, 0.5, 0.12, (228, 230, 230), 0.2
    )
    return faces


def _faces(thing: Thing) -> list[Face]:
    stone: Colour = (158, 172, 182)
    if thing.kind == "pillar":
        return _block(0, 0, 0, 0.62, 0.62, 0.22, stone) + _turned(
            [
                (0.22, 0.27, stone),
                (0.34, 0.22, stone),
                (3.3, 0.19, stone),
                (3.42, 0.3, stone),
                (3.55, 0.3, stone),
                (3.6, 0.0, stone),
            ]
        )
    if thing.kind == "lamp":
        iron: Colour = (58, 62, 52)
        return _turned(
            [
                (0.0, 0.13, iron),
                (0.5, 0.1, iron),
                (0.6, 0.055, iron),
                (3.6, 0.045, iron),
                (3.62, 0.16, (214, 226, 232)),
                (4.05, 0.2, iron),
                (4.15, 0.22, iron),
                (4.35, 0.02, iron),
            ],
            14,
        )
    if thing.kind == "plinth":
        return _block(0, 0, 0, 0.95, 0.95, 0.18, stone) + _block(0, 0, 0.18, 0.75, 0.75, 0.35, stone)
    return (
        {"kiosk": _kiosk, "bench": _bench, "planter": _planter}[thing.kind]()
        if thing.kind != "car"
        else _car(thing.colour)
    )


def draw_thing(view: View, thing: Thing) -> tuple[Patch, tuple[float, float, float, float]]:
    """A thing's patch and its whole box x, y, w, h in pixels."""
    angle = math.radians(thing.turn)
    turn = np.array([[math.cos(angle), math.sin(angle), 0], [-math.sin(angle), math.cos(angle), 0], [0, 0, 1]])
    faces = [(corners @ turn + (thing.x, thing.y, 0.0), colour, bias) for corners, colour, bias in _faces(thing)]
    eye = np.array([0.0, 0.0, view.camera.height])
    sun = np.array(view.sun) / np.linalg.norm(view.sun)
    faces.sort(key=lambda face: -float(np.linalg.norm(face[0].mean(axis=0) - eye)) + face[2])
    drawn = []
    for corners, colour, bias in faces:
        pixels, _ = view.camera.project(corners)
        normal = np.cross(corners[1] - corners[0], corners[2] - corners[1])
        normal = normal / (np.linalg.norm(normal) + 1e-9)
        if float(normal @ (eye - corners[0])) < 0:
            normal = -normal
        light = 1.0 if bias >= 0.5 else 0.66 + 0.44 * max(0.0, float(normal @ sun)) + 0.06 * float(normal[2])
        drawn.append((pixels, colour, light))
    points = np.concatenate([pixels for pixels, _, _ in drawn])
    low, high = points.min(axis=0), points.max(axis=0)
    x0, y0 = math.floor(low[0]) - 2, math.floor(low[1]) - 2
    width, height = math.ceil(high[0]) + 3 - x0, math.ceil(high[1]) + 3 - y0
    canvas = np.zeros((height * _FACTOR, width * _FACTOR, 4), np.uint8)
    for pixels, colour, light in drawn:
        shaded = tuple(min(255.0, channel * light) for channel in colour)
        fixed = np.rint((pixels - (x0, y0)) * _FACTOR * 16).astype(np.int32)
        cv2.fillPoly(canvas, [fixed], (*shaded, 255.0), cv2.LINE_8, 4)
    rng = np.random.default_rng([19, round(abs(thing.x) * 100), round(thing.y * 100)])
    small = cv2.resize(canvas, (width, height), interpolation=cv2.INTER_AREA)
    grain = cv2.GaussianBlur(rng.normal(0, 1, (height, width)), (0, 0), 1.2) * 0.09 + 1.0
    alpha = np.asarray(np.ascontiguousarray(small[..., 3]), np.uint8)
    colour_layer = np.minimum(np.clip(small[..., :3] * grain[..., None], 0, 255), alpha[..., None])
    patch = Patch(x0, y0, np.asarray(colour_layer, np.uint8), alpha)
    return patch, (float(low[0]), float(low[1]), float(high[0] - low[0]), float(high[1] - low[1]))


def draw_bicycle(
    camera: Camera, x: float, y: float, heading: float, phase: float
) -> tuple[Patch, tuple[float, float, float, float]]:
    """The rider's bicycle: its patch and box, seen from any side."""
    angle = math.radians(heading)
    forward = np.array([math.cos(angle), math.sin(angle), 0.0])
    right = np.array([math.sin(angle), -math.cos(angle), 0.0])
    at = np.array([x, y, 0.0]) + 0.2 * forward

    def place(along: float, up: float, side: float = 0.0) -> FloatArray:
        return np.asarray(at + forward * along + right * side + np.array([0.0, 0.0, up]))

    dark, paint = (38, 38, 40), (170, 110, 40)
    turn = np.linspace(0, 2 * np.pi, 28)
    lines: list[tuple[list[FloatArray], Colour, float]] = []
    for hub in (-0.5, 0.55):
        lines.append(([place(hub + 0.34 * math.cos(t), 0.35 + 0.34 * math.sin(t)) for t in turn], dark, 0.045))
        for spoke in range(5):
            a = spoke * math.pi / 5 + phase * 3
            ends = [place(hub + f * 0.32 * math.cos(a), 0.35 + f * 0.32 * math.sin(a)) for f in (-1, 1)]
            lines.append((ends, (120, 122, 124), 0.008))
    pedal, seat, fork = (0.0, 0.3), (-0.2, 0.92), (0.42, 0.95)
    for path in ([(-0.5, 0.35), pedal, (0.36, 0.72), (-0.12, 0.8), (-0.5, 0.35)], [pedal, seat], [(0.55, 0.35), fork]):
        lines.append(([place(*p) for p in path], paint, 0.04))
    lines.append(([place(0.42, 1.02, -0.28), place(0.42, 1.0), place(0.42, 1.02, 0.28)], dark, 0.035))
    lines.append(([place(-0.32, 0.95), place(-0.08, 0.95)], dark, 0.07))
    scale = camera.focal / float(camera.project(at)[1])
    projected = [(camera.project(np.array(path))[0], colour, width) for path, colour, width in lines]
    points = np.concatenate([p for p, _, _ in projected])
    low, high = points.min(axis=0) - 0.02 * scale, points.max(axis=0) + 0.02 * scale
    x0, y0 = math.floor(low[0]) - 2, math.floor(low[1]) - 2
    width, height = math.ceil(high[0]) + 3 - x0, math.ceil(high[1]) + 3 - y0
    canvas = np.zeros((height * 3, width * 3, 4), np.uint8)
    for pixels, colour, thick in projected:
        fixed = np.rint((pixels - (x0, y0)) * 3 * 16).astype(np.int32)
        cv2.polylines(canvas, [fixed], False, (*colour, 255), max(1, round(thick * scale * 3)), cv2.LINE_8, 4)
    small = cv2.resize(canvas, (width, height), interpolation=cv2.INTER_AREA)
    patch = Patch(x0, y0, np.ascontiguousarray(small[..., :3]), np.ascontiguousarray(small[..., 3]))
    return patch, (float(low[0]), float(low[1]), float(high[0] - low[0]), float(high[1] - low[1]))
