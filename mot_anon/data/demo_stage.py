"""One demo camera at work: everything is drawn far to near, and what stays visible of it is counted in pixels."""

from __future__ import annotations

import math
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from mot_anon.data.demo_backdrop import backdrop
from mot_anon.data.demo_cast import BRONZE, CAST, MANNEQUIN, RIDER, SITTER
from mot_anon.data.demo_figure import Figure, FigureArtist
from mot_anon.data.demo_pose import stride, vigour
from mot_anon.data.demo_things import draw_bicycle, draw_thing
from mot_anon.data.demo_tubes import Patch
from mot_anon.data.demo_world import HEIGHT, WIDTH, Route, Thing, View

FloatArray = NDArray[np.float64]
Image = NDArray[np.uint8]
Box = tuple[float, float, float, float]

PEDESTRIAN, ON_VEHICLE, BICYCLE, STATIC, DISTRACTOR, REFLECTION = 1, 2, 4, 7, 8, 12
_REFLECTANCE = 0.34
_GRAIN = 2.0


@dataclass(frozen=True)
class Row:
    """One gt row of a frame: the amodal box x, y, w, h and the visibility 0..1.

    ``actor`` names who or what it is in every camera (0..15 the cast).
    """

    actor: int
    label: int
    box: Box
    visibility: float


@dataclass(frozen=True)
class _Element:
    """Something to put into the frame."""

    actor: int
    label: int
    patch: Patch
    box: Box
    distance: float
    fixed: bool
    bones: FloatArray | None = None
    radii: FloatArray | None = None


class Stage:
    """A view ready to render: its backdrop, things and actors. ``frame(n)`` depends on n alone."""

    def __init__(self, view: View) -> None:
        self.view = view
        self.picture, self.ground = backdrop(view)
        light = view.light()
        self.cast = [FigureArtist(CAST[person], view.camera, light, person) for person in view.order]
        self.extras = {
            look: FigureArtist(look, view.camera, light, 90 + k)
            for k, look in enumerate((SITTER, RIDER, MANNEQUIN, BRONZE))
        }
        self.fixed = self._furniture()
        for element in sorted(self.fixed, key=lambda e: -e.distance):
            _blend(self.picture, element.patch)
            _clear(self.ground, element.patch)
        self.half_ground = cv2.resize(self.ground, (WIDTH // 2, HEIGHT // 2), interpolation=cv2.INTER_AREA)
        rng = np.random.default_rng([23, view.fps, ord(view.name[-1])])
        self.grain = np.asarray(np.clip(128 + rng.normal(0, _GRAIN, (HEIGHT + 64, WIDTH + 64, 3)), 0, 255), np.uint8)
        self.offsets = rng.integers(0, 64, (997, 2))
        levels = np.arange(256)[:, None] / 255
        toned = 255 * np.clip(levels**view.gamma * np.array(view.gains), 0, 1)
        self.tone = np.asarray(np.rint(toned)[:, None], np.uint8)

    def _furniture(self) -> list[_Element]:
        view = self.view
        elements = []
        for k, thing in enumerate(view.things):
            patch, box = draw_thing(view, thing)
            elements.append(_Element(100 + k, thing.label, patch, box, math.hypot(thing.x, thing.y), True))
        for k, (look, route) in enumerate(((MANNEQUIN, view.mannequin), (BRONZE, view.statue))):
            if route is None:
                continue
            figure = self.extras[look].draw(route.x, route.y, route.heading, "stand", lift=route.reach)
            if look is BRONZE:
                patch, box = draw_thing(view, Thing("plinth", route.x, route.y, 0))
                elements.append(_Element(120, 0, patch, box, math.hypot(route.x, route.y) + 0.05, True))
            if figure is not None:
                elements.append(_Element(110 + k, DISTRACTOR, figure.patch, figure.box, figure.distance, True))
        return elements

    def _act(
        self, artist: FigureArtist, actor: int, label: int, route: Route, seconds: float, *, start: float
    ) -> list[_Element]:
        """An actor at a time, and their mirror image in the shop window."""
        x, y, heading, walked = route.at(seconds)
        height = artist.look.height
        swing = vigour(route.speed, height) if route.mode == "walk" else 0.0
        phase = start + (walked / stride(height, swing) if route.mode == "walk" else walked / 5.0)
        figure = artist.draw(x, y, heading, route.mode, phase=phase, swing=swing)
        elements = [] if figure is None else [_actor(actor, label, figure)]
        if route.mode == "ride" and figure is not None:
            patch, box = draw_bicycle(self.view.camera, x, y, heading, phase)
            elements.append(_Element(actor + 1, BICYCLE, patch, box, figure.distance + 0.02, False))
        window = self.view.shop_window
        if window is not None and window.x0 - 1 < x < window.x1 + 1 and window.y - 5.0 < y < window.y - 0.3:
            ghost = artist.draw(x, y, heading, route.mode, phase=phase, swing=swing, mirror=window.y)
            if ghost is not None:
                elements.append(
                    _Element(200 + actor, REFLECTION, self._behind_glass(ghost.patch), ghost.box, window.y * 4, False)
                )
        return elements

    def _behind_glass(self, patch: Patch) -> Patch:
        """What of a mirrored figure lies inside the window."""
        window = self.view.shop_window
        assert window is not None
        corners = np.array([(window.x0, window.y, window.z1), (window.x1, window.y, window.z0)])
        (left, top), (right, bottom) = self.view.camera.project(corners)[0]
        inside = np.zeros_like(patch.alpha)
        rows = slice(max(0, round(top) - patch.y), max(0, round(bottom) - patch.y))
        columns = slice(max(0, round(left) - patch.x), max(0, round(right) - patch.x))
        inside[rows, columns] = 255
        return Patch(
            patch.x,
            patch.y,
            np.where(inside[..., None] > 0, patch.colour, 0).astype(np.uint8),
            np.minimum(patch.alpha, inside),
        )

    def elements(self, seconds: float) -> list[_Element]:
        """Everything in front of the backdrop at a time, far to near."""
        view = self.view
        moving: list[_Element] = []
        for k, (artist, route) in enumerate(zip(self.cast, view.routes, strict=True)):
            moving += self._act(artist, view.order[k], PEDESTRIAN, route, seconds, start=0.37 * k)
        if view.seated is not None:
            moving += self._act(self.extras[SITTER], 130, STATIC, view.seated, seconds, start=0.0)
        if view.rider is not None:
            moving += self._act(self.extras[RIDER], 140, ON_VEHICLE, view.rider, seconds, start=0.0)
        return sorted([*moving, *self.fixed], key=lambda e: -e.distance)

    def frame(self, number: int) -> tuple[Image, list[Row]]:
        """Frame ``number`` (1-based): the picture (540, 960, 3) uint8 BGR and its gt rows."""
        elements = self.elements((number - 1) / self.view.fps)
        picture = self.picture.copy()
        self._shadows(picture, elements)
        owner = np.zeros((HEIGHT, WIDTH), np.uint8)
        totals = []
        covered = np.zeros((HEIGHT, WIDTH), np.uint8)
        for k, element in enumerate(elements, start=1):
            patch = element.patch
            if element.fixed:
                # It is in the picture already, and is drawn again over who walked behind it, and nowhere else.
                _blend(picture, patch, only=covered)
            else:
                _blend(picture, patch, _REFLECTANCE if element.label == REFLECTION else 1.0)
                _mark(covered, patch)
            target, source = _cut(patch)
            solid = cv2.threshold(patch.alpha, 127, k, cv2.THRESH_BINARY)[1]
            totals.append(cv2.countNonZero(solid))
            region = owner[target]
            if region.size:
                cv2.copyTo(solid[source], solid[source], region)
        seen = np.bincount(owner.ravel(), minlength=len(elements) + 1)
        rows = [
            Row(e.actor, e.label, e.box, min(1.0, float(seen[k]) / max(total, 1)))
            for k, (e, total) in enumerate(zip(elements, totals, strict=True), start=1)
            if e.label and _inside(e.box) and not (e.label == REFLECTION and seen[k] < 30)
        ]
        return self._expose(picture, number), rows

    def _shadows(self, picture: Image, elements: list[_Element]) -> None:
        """Soft shadows on the ground, cast by the limbs along the sun's rays."""
        mask = np.zeros((HEIGHT // 2, WIDTH // 2), np.uint8)
        camera, sun = self.view.camera, np.array(self.view.sun)
        for element in elements:
            if element.bones is None or element.radii is None or element.label == REFLECTION:
                continue
            on_ground = element.bones - (element.bones[..., 2:] / sun[2]) * sun
            pixels, depth = camera.project(on_ground)
            if float(depth.min()) < 1.0:
                continue
            ends = np.rint(pixels * 8).astype(np.int64)
            widths = np.maximum(1, np.rint(element.radii * camera.focal / depth.mean(axis=1) * 0.8)).astype(np.int64)
            for (p, q), width in zip(ends.tolist(), widths.tolist(), strict=True):
                cv2.line(mask, p, q, 170, width, cv2.LINE_8, 4)
            foot, feet_depth = camera.project(np.append(element.bones[:, :, :2].mean(axis=(0, 1)), 0.0))
            scale = camera.focal / float(feet_depth) * 0.5
            centre = (round(foot[0] * 8), round(foot[1] * 8))
            axes = (round(0.30 * scale * 16), max(8, round(0.10 * scale * 16)))
            cv2.ellipse(mask, centre, axes, 0, 0, 360, 255, -1, cv2.LINE_8, 4)
        soft = cv2.blur(cv2.blur(mask, (5, 5)), (3, 3))
        dark = cv2.multiply(soft, self.half_ground, scale=0.46 / 255)
        rows = np.flatnonzero(dark.any(axis=1))
        if len(rows):
            top, bottom = 2 * int(rows[0]), 2 * int(rows[-1]) + 2
            keep = cv2.bitwise_not(
                cv2.resize(dark[top // 2 : bottom // 2], (WIDTH, bottom - top), interpolation=cv2.INTER_LINEAR)
            )
            cv2.multiply(picture[top:bottom], cv2.merge([keep] * 3), picture[top:bottom], scale=1 / 255)

    def _expose(self, picture: Image, number: int) -> Image:
        """The lens (slightly soft), the camera's white balance and gamma, and its grain."""
        soft = cv2.LUT(cv2.GaussianBlur(picture, (3, 3), 0.55), self.tone)
        dx, dy = self.offsets[number % len(self.offsets)]
        return np.asarray(
            cv2.addWeighted(soft, 1.0, self.grain[dy : dy + HEIGHT, dx : dx + WIDTH], 1.0, -128.0), np.uint8
        )


def _actor(actor: int, label: int, figure: Figure) -> _Element:
    return _Element(actor, label, figure.patch, figure.box, figure.distance, False, figure.bones, figure.radii)


def _cut(patch: Patch) -> tuple[tuple[slice, slice], tuple[slice, slice]]:
    """Where a patch lies in the frame, and what of it does."""
    h, w = patch.alpha.shape
    x0, y0 = min(max(patch.x, 0), WIDTH), min(max(patch.y, 0), HEIGHT)
    x1, y1 = max(min(patch.x + w, WIDTH), x0), max(min(patch.y + h, HEIGHT), y0)
    return (slice(y0, y1), slice(x0, x1)), (slice(y0 - patch.y, y1 - patch.y), slice(x0 - patch.x, x1 - patch.x))


def _blend(picture: Image, patch: Patch, opacity: float = 1.0, only: Image | None = None) -> None:
    """Lay a patch over a picture, or over the pixels of it that ``only`` marks with 255."""
    target, source = _cut(patch)
    alpha, colour = patch.alpha[source], patch.colour[source]
    if alpha.size == 0:
        return
    if only is not None:
        mask = only[target]
        if not cv2.countNonZero(mask):
            return
        alpha = np.asarray(cv2.bitwise_and(alpha, mask), np.uint8)
        colour = np.asarray(cv2.bitwise_and(colour, cv2.merge([mask] * 3)), np.uint8)
    if opacity < 1.0:
        alpha = np.asarray(cv2.convertScaleAbs(alpha, alpha=opacity), np.uint8)
        colour = np.asarray(cv2.convertScaleAbs(colour, alpha=opacity), np.uint8)
    through = cv2.merge([cv2.bitwise_not(alpha)] * 3)
    picture[target] = cv2.add(cv2.multiply(picture[target], through, scale=1 / 255), colour)


def _mark(mask: Image, patch: Patch) -> None:
    target, source = _cut(patch)
    mask[target][patch.alpha[source] > 0] = 255


def _clear(mask: Image, patch: Patch) -> None:
    target, source = _cut(patch)
    mask[target][patch.alpha[source] > 127] = 0


def _inside(box: Box) -> bool:
    return box[0] + box[2] > 1 and box[0] < WIDTH - 1 and box[1] + box[3] > 1 and box[1] < HEIGHT - 1
