"""Pictures of the demo's walls: brick or plaster, windows, doors, shops with awnings, seen from straight ahead."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from mot_anon.data.demo_cast import Colour
from mot_anon.data.demo_tubes import mix
from mot_anon.data.demo_world import Facade

Image = NDArray[np.uint8]

_WALL_PIXELS = 40
_GLASS: Colour = (92, 78, 62)


def smooth_noise(rng: np.random.Generator, width: int, height: int, cells: int) -> NDArray[np.float32]:
    """Noise between about -1 and 1 with features of 1 / ``cells`` of the width, (height, width) float32."""
    total = np.zeros((height, width), np.float32)
    for octave in range(3):
        n = cells * 2**octave
        grid = rng.uniform(-1, 1, (max(2, n * height // width), n)).astype(np.float32)
        total += cv2.resize(grid, (width, height), interpolation=cv2.INTER_CUBIC) * np.float32(0.55**octave)
    return total


def draw_wall(facade: Facade) -> Image:
    """A wall's picture, 40 px a metre, top row first."""
    rng = np.random.default_rng([11, facade.seed])
    metres = float(np.hypot(facade.x1 - facade.x0, facade.y1 - facade.y0))
    w, h = round(metres * _WALL_PIXELS), round(facade.height * _WALL_PIXELS)
    wall = np.empty((h, w, 3), np.float32)
    wall[:] = facade.colour
    if facade.style == "brick":
        for row, y in enumerate(range(0, h, 6)):
            tints = np.repeat(rng.normal(0, 11, w // 14 + 3), 14)[(row % 2) * 7 :][:w]
            wall[y : y + 6] += tints[None, :, None].astype(np.float32)
            wall[y : y + 1] += 16
    wall *= 1 + 0.045 * smooth_noise(rng, w, h, 12)[..., None]
    wall += rng.normal(0, 4, (h, w, 1)).astype(np.float32)
    wall *= np.linspace(1.06, 0.9, h, dtype=np.float32)[:, None, None]
    picture = np.asarray(np.clip(wall, 0, 255), np.uint8)
    _storeys(picture, facade, rng, w, h)
    return picture


def _rect(picture: Image, x: float, y: float, w: float, h: float, colour: Colour) -> None:
    """A filled rectangle in metres from the wall's left end and the ground."""
    p, top = _WALL_PIXELS, picture.shape[0]
    cv2.rectangle(
        picture, (round(x * p), round(top - (y + h) * p)), (round((x + w) * p), round(top - y * p)), colour, -1
    )


def _storeys(picture: Image, facade: Facade, rng: np.random.Generator, w: int, h: int) -> None:
    metres, tall = w / _WALL_PIXELS, h / _WALL_PIXELS
    trim = mix(facade.colour, (240, 240, 240), 0.55)
    shade = mix(facade.colour, (20, 20, 20), 0.35)
    for level in range(1, int((tall - 0.6) / 3.1)):
        y = 0.9 + 3.15 * level
        _rect(picture, 0, y - 0.75, metres, 0.14, trim)
        for k in range(int(metres / 2.5)):
            _window(picture, 0.75 + 2.5 * k, y, 1.15, 1.75, trim, shade, rng)
    _rect(picture, 0, tall - 0.45, metres, 0.45, trim)
    _rect(picture, 0, tall - 0.55, metres, 0.1, shade)
    _rect(picture, 0, 0, metres, 0.35, mix(facade.colour, (60, 60, 60), 0.45))
    if facade.style == "shops":
        awnings: tuple[Colour, ...] = ((60, 50, 150), (70, 110, 50), (130, 80, 40), (50, 120, 190), (90, 60, 110))
        for k in range(int(metres / 4.6)):
            x = 0.5 + 4.6 * k
            colour = awnings[int(rng.integers(len(awnings)))]
            _window(picture, x, 0.5, 3.0, 2.1, (70, 74, 78), shade, rng)
            for item in range(5):
                tint: Colour = tuple(int(c) for c in rng.integers(50, 190, 3))  # type: ignore[assignment]
                _rect(picture, x + 0.25 + 0.52 * item, 0.6, 0.32, float(rng.uniform(0.3, 1.0)), mix(tint, _GLASS, 0.35))
            _rect(picture, x + 3.25, 0.1, 0.95, 2.35, (52, 66, 84))
            _rect(picture, x + 3.38, 0.9, 0.69, 1.4, _GLASS)
            _rect(picture, x - 0.1, 2.72, 4.3, 0.5, colour)
            _rect(picture, x + 0.8, 2.86, 2.4, 0.22, mix(colour, (235, 235, 235), 0.8))
            for stripe in range(9):
                _rect(picture, x - 0.1 + stripe * 0.48, 2.42, 0.46, 0.36, colour if stripe % 2 else (222, 226, 228))
            _rect(picture, x - 0.1, 2.32, 4.3, 0.08, shade)
    else:
        for k in range(int(metres / 2.5)):
            if k % 4 == 1:
                _rect(picture, 0.7 + 2.5 * k, 0, 1.25, 2.5, trim)
                _rect(picture, 0.8 + 2.5 * k, 0, 1.05, 2.4, (50, 62, 70))
            else:
                _window(picture, 0.75 + 2.5 * k, 1.0, 1.15, 1.5, trim, shade, rng)


def _window(
    picture: Image, x: float, y: float, w: float, h: float, trim: Colour, shade: Colour, rng: np.random.Generator
) -> None:
    _rect(picture, x - 0.1, y - 0.1, w + 0.2, h + 0.2, trim)
    glass = mix(_GLASS, (200, 180, 150), float(rng.uniform(0, 0.35)))
    _rect(picture, x, y, w, h, glass)
    _rect(picture, x, y + h * 0.55, w, h * 0.45, mix(glass, (214, 190, 164), 0.35))
    if rng.uniform() < 0.4:
        _rect(picture, x, y, w * 0.22, h, mix(glass, (220, 224, 226), 0.6))
        _rect(picture, x + w * 0.78, y, w * 0.22, h, mix(glass, (220, 224, 226), 0.6))
    _rect(picture, x + w / 2 - 0.03, y, 0.06, h, trim)
    _rect(picture, x, y + h * 0.6, w, 0.05, trim)
    _rect(picture, x - 0.15, y - 0.17, w + 0.3, 0.09, mix(trim, (250, 250, 250), 0.4))
    _rect(picture, x - 0.1, y + h + 0.05, w + 0.2, 0.06, shade)
