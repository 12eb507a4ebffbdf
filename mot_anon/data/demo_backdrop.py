"""What never moves in a demo camera: paving, walls with shops, sky and trees, painted at twice the frame's size."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from mot_anon.data.demo_tubes import mix
from mot_anon.data.demo_walls import draw_wall, smooth_noise
from mot_anon.data.demo_world import HEIGHT, WIDTH, Facade, View

FloatArray = NDArray[np.float64]
Image = NDArray[np.uint8]

SUPER = 2
_TILE_METRES = 9.6
_PIXELS_PER_METRE = 60


def backdrop(view: View) -> tuple[Image, Image]:
    """The empty place: colours (540, 960, 3) BGR and the share of every pixel that is ground (540, 960), both uint8."""
    canvas = _sky(view)
    paving, horizon = _ground(view)
    canvas[horizon:] = paving
    ground = np.zeros(canvas.shape[:2], np.uint8)
    ground[horizon:] = 255
    for facade in sorted(view.facades, key=lambda f: -(f.y0 + f.y1)):
        _hang(view, facade, canvas, ground)
    for x, y, height in view.trees:
        _tree(view, canvas, ground, x, y, height)
    size = (WIDTH, HEIGHT)
    small = cv2.resize(canvas, size, interpolation=cv2.INTER_AREA)
    return np.asarray(small, np.uint8), np.asarray(cv2.resize(ground, size, interpolation=cv2.INTER_AREA), np.uint8)


def _sky(view: View) -> Image:
    rng = np.random.default_rng([17, view.fps, ord(view.name[-1])])
    width, height = WIDTH * SUPER, HEIGHT * SUPER
    rise = np.linspace(1.0, 0.0, height, dtype=np.float32)[:, None, None] ** 2
    sky = (1 - rise) * np.array((232, 224, 214), np.float32) + rise * np.array((224, 178, 128), np.float32)
    cloud = np.clip(smooth_noise(rng, width, height, 4) * 0.8 + 0.1, 0, 1)[..., None]
    return np.asarray(np.clip(sky * (1 - 0.75 * cloud) + 246 * 0.75 * cloud, 0, 255), np.uint8)


def _tile(paving: str) -> Image:
    """A seamless square of paving."""
    n = round(_TILE_METRES * _PIXELS_PER_METRE)
    rng = np.random.default_rng([3, len(paving)])
    base, spread, slab_w, slab_h = {
        "slabs": ((150, 160, 166), 9.0, 0.8, 0.6),
        "setts": ((150, 156, 162), 8.0, 16 / 60, 9 / 60),
        "gravel": ((150, 172, 186), 4.0, 1.6, 1.2),
    }[paving]
    tile = np.empty((n, n, 3), np.float32)
    tile[:] = base
    w, h = round(slab_w * _PIXELS_PER_METRE), round(slab_h * _PIXELS_PER_METRE)
    for row, y in enumerate(range(0, n, h)):
        for column, x in enumerate(range(0, n, w)):
            shift = (row % 2) * (w // 2)
            tint = rng.normal(0, spread) + (-16 if paving == "slabs" and column % 6 == 0 else 0)
            block = (np.arange(x + shift, x + shift + w)) % n
            tile[y : y + h, block] += np.float32(tint) + rng.normal(0, spread / 4, 3).astype(np.float32)
            if paving != "gravel":
                tile[y : y + 2, block] -= 34
                tile[y : y + h, block[:2]] -= 34
                tile[y + 2 : y + 4, block] += 8
    tile += rng.normal(0, 7 if paving != "gravel" else 13, (n, n, 1)).astype(np.float32)
    return np.asarray(np.clip(tile, 0, 255), np.uint8)


def _ground(view: View) -> tuple[Image, int]:
    """Paving seen by the camera, and the row of the horizon, where it begins.

    Every pixel's ray meets the ground; the texture is fine near the camera and averaged far away.
    """
    width, height = WIDTH * SUPER, HEIGHT * SUPER
    _, down, forward = view.camera.axes()
    focal = view.camera.focal * SUPER
    v = (np.arange(height) + 0.5 - height / 2) / focal
    drop = down[2] * v + forward[2]
    horizon = int(np.argmax(drop < -0.012))
    v, drop, height = v[horizon:], drop[horizon:], height - horizon
    t = view.camera.height / -drop
    y = (t * (forward[1] + down[1] * v)).astype(np.float32)
    x = (t[:, None] * ((np.arange(width) + 0.5 - width / 2) / focal)[None]).astype(np.float32)
    y_map = np.repeat(y[:, None], width, axis=1)
    rng = np.random.default_rng([5, ord(view.name[-1])])
    tile = _tile(view.paving)
    out = np.zeros((height, width, 3), np.float32)
    footprint = np.clip(t * t / (focal * view.camera.height) * _PIXELS_PER_METRE, 1e-3, None)
    for level, factor in enumerate((1, 4, 16)):
        small = (
            cv2.resize(tile, None, fx=1 / factor, fy=1 / factor, interpolation=cv2.INTER_AREA) if factor > 1 else tile
        )
        pixels = _PIXELS_PER_METRE / factor
        n = small.shape[0]
        looked = cv2.remap(
            small, np.mod(x * pixels, n), np.mod(y_map * pixels, n), cv2.INTER_LINEAR, borderMode=cv2.BORDER_WRAP
        )
        position = np.clip(np.log2(footprint) / 2, 0, 2)
        out += looked * np.clip(1 - np.abs(position - level), 0, 1).astype(np.float32)[:, None, None]
    stain = smooth_noise(rng, 512, 512, 6)
    out *= 1 + 0.05 * cv2.remap(stain, _folded(x * 12 + 250), _folded(y_map * 12), cv2.INTER_LINEAR)[..., None]
    _zones(view.paving, out, x, y_map, stain)
    coarse = _contact(view, x[::4, ::4], y_map[::4, ::4])
    out *= cv2.resize(coarse, (width, height), interpolation=cv2.INTER_LINEAR)[..., None]
    haze = np.clip((y - 14) / 90, 0, 0.35)[:, None, None]
    out = out * (1 - haze) + np.array((214, 208, 202), np.float32) * haze
    return np.asarray(np.clip(out, 0, 255), np.uint8), horizon


def _folded(position: NDArray[np.float32]) -> NDArray[np.float32]:
    """Positions reflected into 0..511, so that noise of that size goes on without a seam."""
    return np.asarray(np.abs(np.mod(position, 1022) - 511), np.float32)


def _zones(
    paving: str, out: NDArray[np.float32], x: NDArray[np.float32], y: NDArray[np.float32], stain: NDArray[np.float32]
) -> None:
    """A road with a kerb, or lawns, painted into the paving."""
    rough = cv2.remap(stain, _folded(x * 90), _folded(y * 90), cv2.INTER_LINEAR)[..., None]
    if paving == "setts":
        road = x > 6.2
        out[road] = (np.array((98, 96, 94), np.float32) + 5 * rough)[road]
        out[(x > 6.0) & (x <= 6.2)] = (176, 180, 182)
        out[(np.abs(x - 10.2) < 0.07) & (np.mod(y, 5.0) < 2.4)] = (206, 210, 212)
        out[np.abs(x - 6.45) < 0.06] = (150, 190, 200)
    elif paving == "gravel":
        lawn = (
            ((np.hypot((x + 9.5) / 6.0, (y - 20.5) / 4.2) < 1) & (y > 17.8))
            | (np.hypot((x - 13.0) / 5.2, (y - 27.0) / 6.5) < 1)
            | (y > 36)
        )
        out[lawn] = (np.array((62, 122, 104), np.float32) * (1 + 0.13 * rough))[lawn]
    else:
        band = np.mod(y - 2.0, 7.0) < 0.42
        out[band] *= 0.84


def _contact(view: View, x: NDArray[np.float32], y: NDArray[np.float32]) -> NDArray[np.float32]:
    """Darker ground at the foot of walls and around things."""
    factor = np.ones_like(x)
    for wall in view.facades:
        along = np.array((wall.x1 - wall.x0, wall.y1 - wall.y0), np.float32)
        length = float(np.hypot(*along))
        across = np.abs((x - wall.x0) * along[1] - (y - wall.y0) * along[0]) / length
        factor *= 1 - 0.38 * np.exp(-across / 0.9)
    sun = np.array(view.sun) / view.sun[2]
    for thing in view.things:
        wide, tall = {
            "car": (1.5, 0.6),
            "kiosk": (0.8, 2.2),
            "bench": (0.9, 0.4),
            "planter": (0.8, 0.6),
            "statue": (0.6, 1.6),
        }.get(thing.kind, (0.34, 2.6))
        for step in range(7):
            f = step / 6 * tall
            near = np.hypot(
                x - (thing.x - sun[0] * f),
                (y - (thing.y - sun[1] * f)) * (0.6 if thing.kind == "car" and thing.turn else 1.0),
            )
            factor = np.minimum(factor, 1 - 0.40 * np.clip(1.35 - near / wide, 0, 1).astype(np.float32))
    return factor


def _hang(view: View, facade: Facade, canvas: Image, ground: Image) -> None:
    """Warp a wall's picture into the frame."""
    wall = draw_wall(facade)
    h, w = wall.shape[:2]
    corners = np.array(
        [
            (facade.x0, facade.y0, facade.height),
            (facade.x1, facade.y1, facade.height),
            (facade.x1, facade.y1, 0),
            (facade.x0, facade.y0, 0),
        ]
    )
    pixels, _ = view.camera.project(corners)
    target = (pixels * SUPER).astype(np.float32)
    matrix = cv2.getPerspectiveTransform(np.array([(0, 0), (w, 0), (w, h), (0, h)], np.float32), target)
    low = np.clip(np.floor(target.min(axis=0)), 0, (canvas.shape[1] - 1, canvas.shape[0] - 1)).astype(int)
    high = np.clip(np.ceil(target.max(axis=0)), 1, (canvas.shape[1], canvas.shape[0])).astype(int)
    area = np.s_[low[1] : high[1], low[0] : high[0]]
    matrix = np.array([[1, 0, -low[0]], [0, 1, -low[1]], [0, 0, 1]], np.float64) @ matrix
    size = (int(high[0] - low[0]), int(high[1] - low[1]))
    warped = cv2.warpPerspective(wall, matrix, size, flags=cv2.INTER_LINEAR)
    mask = cv2.warpPerspective(np.full((h, w), 255, np.uint8), matrix, size, flags=cv2.INTER_LINEAR)
    haze = min(0.22, 0.004 * 0.5 * (facade.y0 + facade.y1))
    warped = cv2.addWeighted(warped, 1 - haze, np.full_like(warped, 212), haze, 0)
    share = (mask.astype(np.float32) / 255)[..., None]
    canvas[area] = (canvas[area] * (1 - share) + warped * share).astype(np.uint8)
    ground[area][mask > 127] = 0


def _tree(view: View, canvas: Image, ground: Image, x: float, y: float, height: float) -> None:
    rng = np.random.default_rng([13, round(abs(x) * 10)])
    pixels, depth = view.camera.project(np.array([(x, y, 0.0), (x, y, height * 0.55), (x, y, height * 0.68)]))
    foot, fork, crown = (tuple(int(v) for v in p * SUPER) for p in pixels)
    scale = float(view.camera.focal * SUPER / depth[0])
    mask = np.zeros_like(ground)
    cv2.line(canvas, foot, fork, (44, 58, 74), max(2, round(0.34 * scale)), cv2.LINE_AA)
    cv2.line(mask, foot, fork, 255, max(2, round(0.34 * scale)))
    for n in range(420):
        angle, radius = rng.uniform(0, 2 * np.pi), np.sqrt(rng.uniform())
        at = (
            crown[0] + round(np.cos(angle) * radius * height * 0.30 * scale),
            crown[1] + round(np.sin(angle) * radius * height * 0.30 * scale),
        )
        sunny = (
            0.5
            - 0.45 * np.sin(angle) * radius
            - 0.2 * np.cos(angle) * radius * np.sign(view.sun[0]) * -1
            + rng.normal(0, 0.12)
        )
        colour = mix((30, 60, 42), (84, 158, 122), float(np.clip(sunny * (0.35 + 0.65 * n / 420), 0, 1)))
        size = max(2, round(rng.uniform(0.12, 0.34) * scale))
        cv2.ellipse(
            canvas, at, (size, max(1, size * 2 // 3)), float(rng.uniform(0, 180)), 0, 360, colour, -1, cv2.LINE_AA
        )
        cv2.circle(mask, at, size, 255, -1)
    ground[mask > 0] = 0
