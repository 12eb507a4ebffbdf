"""Draws a clothed figure: every limb is a tapered tube, painted far to near on a supersampled patch.

Colour and light are painted separately: the colour layer takes clothes and patterns, the light layer takes strips
along every tube whose brightness follows the angle between the tube's surface and the sun.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from mot_anon.data.demo_body import body_tubes
from mot_anon.data.demo_cast import Look
from mot_anon.data.demo_dress import draw_clothes, draw_head, part_colours
from mot_anon.data.demo_pose import skeleton
from mot_anon.data.demo_tubes import NEUTRAL, Facing, Flat, Painter, Patch, Tubes, strip_levels
from mot_anon.data.demo_world import HEIGHT, WIDTH, Camera

FloatArray = NDArray[np.float64]
Image = NDArray[np.uint8]


@dataclass(frozen=True)
class Figure:
    """A drawn person: patch, amodal box x, y, w, h in pixels, distance in metres, the tubes' axes for the shadow."""

    patch: Patch
    box: tuple[float, float, float, float]
    distance: float
    bones: FloatArray
    radii: FloatArray


_ARM = ("hand", "fore", "upper")
_MARGIN, _NARROWEST = 0.015, 0.34
"""Annotators leave some air round a person, and draw nobody as a pole: shares of the height."""
_CUTS = {strips: np.linspace(-1, 1, strips + 1) for strips in (3, 4, 6)}


def _folds(seed: int) -> Image:
    """Creases in cloth as a factor around 128, 192×96, brighter above and darker towards the feet."""
    rng = np.random.default_rng([seed, 7])
    noise = rng.normal(size=(192, 96))
    slanted = cv2.GaussianBlur(noise, (0, 0), sigmaX=6.0, sigmaY=2.0) + cv2.GaussianBlur(
        np.roll(noise, 31, 0), (0, 0), sigmaX=2.5, sigmaY=8.0
    )
    slanted = slanted / slanted.std()
    fall = np.linspace(1.05, 0.90, 192)[:, None]
    return np.asarray(np.clip(128 * fall * (1 + 0.045 * slanted), 0, 255), np.uint8)


class FigureArtist:
    """Draws one person as one camera sees them.

    Parameters
    ----------
    look:
        The person.
    camera, light:
        The camera and the unit vector towards the sun in its coordinates.
    seed:
        Of the folds in the clothes.
    """

    def __init__(self, look: Look, camera: Camera, light: FloatArray, seed: int) -> None:
        self.look = look
        self.camera = camera
        self.light = light
        self.folds = _folds(seed)
        self.colours = part_colours(look)

    def draw(
        self,
        x: float,
        y: float,
        heading: float,
        mode: str,
        *,
        phase: float = 0.0,
        swing: float = 0.0,
        mirror: float | None = None,
        lift: float = 0.0,
    ) -> Figure | None:
        """The figure at (x, y) metres with ``heading`` degrees, or None where no part of it lies in the frame.

        ``phase`` counts gait cycles and ``swing`` says how far the legs swing; ``mirror`` reflects the figure in the
        wall y = mirror, ``lift`` puts it on a base (metres).
        """
        joints, forward, right = _placed(skeleton(self.look, mode, phase, swing), x, y, heading)
        if lift:
            joints = {name: joint + np.array([0.0, 0.0, lift]) for name, joint in joints.items()}
        if mirror is not None:
            flip = np.array([1.0, -1.0, 1.0])
            joints = {name: joint * flip + (0.0, 2 * mirror, 0.0) for name, joint in joints.items()}
            forward, right, y = forward * flip, right * flip, 2 * mirror - y
        away = np.array([x, y, 0.0]) / math.hypot(x, y)
        across = np.array([away[1], -away[0], 0.0])
        facing = Facing(float(forward @ across), float(right @ across), float(-forward @ away), float(-right @ away))
        tubes = body_tubes(self.look, joints, forward, right, mode)
        return self._paint(tubes, joints, facing, away)

    def _paint(self, tubes: Tubes, j: dict[str, FloatArray], facing: Facing, away: FloatArray) -> Figure | None:
        names = tubes.names()
        centres, lateral, deep, limbs = tubes.rings()
        pixels, depth = self.camera.project(centres)
        scale = self.camera.focal / depth
        half = lateral * scale
        half[limbs:] = (
            np.hypot(lateral[limbs:] * facing.right_across, deep[limbs:] * facing.forward_across) * scale[limbs:]
        )
        tangent = np.empty_like(pixels)
        tangent[:, 1:-1] = pixels[:, 2:] - pixels[:, :-2]
        tangent[:, 0] = pixels[:, 1] - pixels[:, 0]
        tangent[:, -1] = pixels[:, -1] - pixels[:, -2]
        tangent /= np.sqrt((tangent * tangent).sum(axis=2, keepdims=True)) + 1e-9
        normal = np.stack([-tangent[..., 1], tangent[..., 0]], axis=2)
        across = normal * half[..., None]
        head_at, head_depth = self.camera.project(j["head"])
        head = self.camera.focal / float(head_depth) * self.look.height
        top = 0.088 if self.look.hat != "none" else 0.076
        edges = np.concatenate([(pixels + across).reshape(-1, 2), (pixels - across).reshape(-1, 2)])
        low = np.minimum(edges.min(axis=0), head_at - np.array([0.055, top]) * head)
        high = np.maximum(edges.max(axis=0), head_at + 0.055 * head)
        if not (high[0] > 0 and low[0] < WIDTH and high[1] > 0 and low[1] < HEIGHT):
            return None
        tall = float(high[1] - low[1])
        factor = 2 if tall > 100 else 3
        x0, y0 = math.floor(low[0]) - 3, math.floor(low[1]) - 3
        width, height = math.ceil(high[0]) + 4 - x0, math.ceil(high[1]) + 4 - y0
        cuts = _CUTS[6 if tall > 150 else 4 if tall > 70 else 3]
        levels = strip_levels(normal[:, 2], self.light, 0.5 * (cuts[:-1] + cuts[1:]))
        flat = Flat((pixels - (x0, y0)) * factor, across * factor, cuts)
        painter = Painter(width * factor, height * factor)
        distance = (centres[:, 2] @ away).tolist()
        self._paint_parts(painter, flat, names, levels=levels.tolist(), facing=facing, distance=distance)
        head_x, head_y = ((head_at - (x0, y0)) * factor).tolist()
        draw_head(
            painter,
            self.look,
            (head_x, head_y),
            head * factor,
            facing=facing,
            light=self.light,
            fine=tall > 95,
        )
        patch = self._develop(painter, x0, y0, width, height)
        wide, margin = float(high[0] - low[0]), _MARGIN * tall
        wide = max(wide + 2 * margin, _NARROWEST * tall)
        box = (0.5 * float(low[0] + high[0]) - wide / 2, float(low[1]) - margin, wide, tall + 2 * margin)
        return Figure(patch, box, float(j["pelvis"] @ away), centres[:, [1, -2]], lateral[:, 2])

    def _paint_parts(
        self,
        painter: Painter,
        flat: Flat,
        names: dict[str, int],
        *,
        levels: list[list[int]],
        facing: Facing,
        distance: list[float],
    ) -> None:
        colours = self.colours
        middle = distance[names["torso"]]
        fine = len(levels[0]) > 3
        joints, radii = flat.centre[:, [1, 4]].tolist(), flat.half[:, [1, 4]].tolist()

        def paint(name: str) -> None:
            part = names[name]
            strips, colour = flat.strips[part], colours[name]
            painter.fill_fixed(strips[0], colour)
            if fine and name[:2] in ("th", "sh", "up", "fo"):
                for (x, y), radius in zip(joints[part], radii[part], strict=True):
                    painter.oval(x, y, radius, radius, colour)
            if not fine and name[:2] in ("ha", "fo"):
                return
            for strip, level in zip(strips, levels[part], strict=True):
                painter.shade_fixed(strip, level)

        far_arms = [
            n
            for n in ("l", "r")
            if 0.5 * (distance[names[f"upper_{n}"]] + distance[names[f"fore_{n}"]]) > middle + 0.09
        ]
        bag_behind = "bag" in names and distance[names["bag"]] > middle + 0.03
        order = [f"{part}_{n}" for n in far_arms for part in _ARM]
        order += ["bag"] * bag_behind
        legs = sorted(("l", "r"), key=lambda n: -distance[names[f"shin_{n}"]] - distance[names[f"thigh_{n}"]])
        order += [f"{part}_{n}" for n in legs for part in ("foot", "shin", "thigh")]
        coat = self.look.top_kind == "coat"
        order += (
            ["seat", "neck"] + ["hem"] * ("hem" in names and not coat) + ["torso"] + ["hem"] * ("hem" in names and coat)
        )
        for name in order:
            paint(name)
        draw_clothes(painter, flat, names, self.look, facing)
        if "bag" in names and not bag_behind:
            paint("bag")
        for name in (f"{part}_{n}" for n in ("l", "r") if n not in far_arms for part in _ARM):
            paint(name)

    def _develop(self, painter: Painter, x0: int, y0: int, width: int, height: int) -> Patch:
        size = (width, height)
        rgba = cv2.resize(painter.colour, size, interpolation=cv2.INTER_AREA)
        light = cv2.resize(painter.light, size, interpolation=cv2.INTER_AREA)
        if height > 60:
            light = cv2.multiply(light, cv2.resize(self.folds, size, interpolation=cv2.INTER_LINEAR), scale=1 / 128)
        colour = cv2.multiply(rgba[..., :3], cv2.merge([light] * 3), scale=1 / NEUTRAL)
        alpha = np.asarray(np.ascontiguousarray(rgba[..., 3]), np.uint8)
        return Patch(x0, y0, np.asarray(np.minimum(colour, alpha[..., None]), np.uint8), alpha)


def _placed(
    joints: dict[str, FloatArray], x: float, y: float, heading: float
) -> tuple[dict[str, FloatArray], FloatArray, FloatArray]:
    """A skeleton's joints in the world, and its directions forward and right."""
    angle = math.radians(heading)
    forward = np.array([math.cos(angle), math.sin(angle), 0.0])
    right = np.array([math.sin(angle), -math.cos(angle), 0.0])
    basis = np.stack([right, forward, np.array([0.0, 0.0, 1.0])])
    origin = np.array([x, y, 0.0])
    return {name: joint @ basis + origin for name, joint in joints.items()}, forward, right
