"""The demo's stage directions: three cameras, what stands in front of them, and who walks where.

Every view has a world of its own in metres, x to the right, y away from the camera, z up, with the camera above the
origin. The views are different places that the same people pass, so a person who crosses in ``demo-01`` may stand and
wait in ``demo-03``.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]

WIDTH = 960
HEIGHT = 540
NEAREST_WALK = 4.9
FARTHEST_WALK = 40.0


@dataclass(frozen=True)
class Camera:
    """A pinhole at (0, 0, ``height``) metres, tilted down by ``tilt`` degrees, with ``focal`` in pixels."""

    height: float
    tilt: float
    focal: float

    def axes(self) -> tuple[FloatArray, FloatArray, FloatArray]:
        """Unit vectors right, down and forward of the camera in world coordinates, each (3,) float64."""
        angle = math.radians(self.tilt)
        right = np.array([1.0, 0.0, 0.0])
        down = np.array([0.0, -math.sin(angle), -math.cos(angle)])
        forward = np.array([0.0, math.cos(angle), -math.sin(angle)])
        return right, down, forward

    def project(self, points: FloatArray) -> tuple[FloatArray, FloatArray]:
        """World points (…, 3) in metres to pixels (…, 2) and depth (…,) in metres along the optical axis."""
        angle = math.radians(self.tilt)
        c, s = math.cos(angle), math.sin(angle)
        x, y, z = points[..., 0], points[..., 1], points[..., 2] - self.height
        depth = np.maximum(c * y - s * z, 0.05)
        pixels = np.empty((*np.shape(x), 2))
        scale = self.focal / depth
        pixels[..., 0] = x * scale + WIDTH / 2
        pixels[..., 1] = (-s * y - c * z) * scale + HEIGHT / 2
        return pixels, depth


@dataclass(frozen=True)
class Route:
    """How one actor moves: from (x, y) metres along ``heading`` degrees at ``speed`` m/s.

    Headings are 0 to the right, 90 away from and 270 towards the camera. ``mode`` is walk, stand, sit or ride. A walker
    turns back where the route's ``reach`` ends, so that long demos stay populated.
    """

    x: float
    y: float
    heading: float
    speed: float = 1.35
    mode: str = "walk"
    reach: float = 13.0

    def at(self, seconds: float) -> tuple[float, float, float, float]:
        """Position x, y in metres, heading in degrees and metres walked so far, at a time in seconds."""
        if self.speed == 0.0:
            return self.x, self.y, self.heading + 5.0 * math.sin(0.7 * seconds + self.x), 0.0
        walked = self.speed * seconds
        turn = walked % (2 * self.reach)
        back = turn > self.reach
        along = 2 * self.reach - turn if back else turn
        angle = math.radians(self.heading)
        y = min(max(self.y + along * math.sin(angle), NEAREST_WALK - 2.0), FARTHEST_WALK)
        return self.x + along * math.cos(angle), y, self.heading + 180.0 * back, walked


@dataclass(frozen=True)
class Thing:
    """Something that stands on the ground and hides people.

    ``kind`` chooses the drawing, ``label`` is its MOTChallenge class (0: not in gt).
    """

    kind: str
    x: float
    y: float
    label: int
    turn: float = 0.0
    colour: tuple[int, int, int] = (120, 120, 120)


@dataclass(frozen=True)
class Facade:
    """A wall from (x0, y0) to (x1, y1) metres, ``height`` metres high; ``style`` chooses its face."""

    x0: float
    y0: float
    x1: float
    y1: float
    height: float
    style: str
    colour: tuple[int, int, int]
    seed: int


@dataclass(frozen=True)
class Pane:
    """A shop window that mirrors: on the wall at depth ``y``, from x0 to x1 and z0 to z1 metres."""

    y: float
    x0: float
    x1: float
    z0: float
    z1: float


@dataclass(frozen=True)
class View:
    """One camera: where it looks, its light and colour, and the choreography in front of it."""

    name: str
    camera: Camera
    fps: int
    sun: tuple[float, float, float]
    gains: tuple[float, float, float]
    gamma: float
    paving: str
    facades: tuple[Facade, ...]
    things: tuple[Thing, ...]
    routes: tuple[Route, ...]
    order: tuple[int, ...]
    seated: Route | None = None
    rider: Route | None = None
    mannequin: Route | None = None
    statue: Route | None = None
    shop_window: Pane | None = None
    trees: tuple[tuple[float, float, float], ...] = field(default=())

    def light(self) -> FloatArray:
        """Unit vector towards the sun in camera coordinates (right, down, forward)."""
        sun = np.array(self.sun)
        sun = sun / np.linalg.norm(sun)
        return np.asarray(np.stack(self.camera.axes()) @ sun)


VIEWS: tuple[View, ...] = (
    View(
        name="demo-01",
        camera=Camera(height=1.85, tilt=3.0, focal=950.0),
        fps=25,
        sun=(-0.55, -0.45, 1.1),
        gains=(0.97, 1.0, 1.04),
        gamma=0.95,
        paving="slabs",
        facades=(
            Facade(-30.0, 30.0, -8.0, 30.0, 13.0, "brick", (92, 116, 160), 1),
            Facade(-8.0, 30.0, 9.0, 30.0, 10.5, "shops", (176, 196, 206), 2),
            Facade(9.0, 30.0, 30.0, 30.0, 15.0, "plaster", (150, 186, 205), 3),
        ),
        things=(
            Thing("kiosk", 4.1, 13.0, 11),
            Thing("bench", -4.4, 14.0, 10),
            Thing("pillar", -2.4, 8.6, 11),
            Thing("lamp", 8.2, 22.0, 9),
            Thing("planter", 0.3, 24.0, 10),
            Thing("car", 11.0, 27.0, 3, 0.0, (60, 52, 150)),
        ),
        routes=(
            Route(-4.2, 5.6, 2.0, 1.45),
            Route(3.3, 6.6, 180.0, 1.30),
            Route(-1.2, 16.0, 268.0, 1.35),
            Route(1.6, 7.4, 84.0, 1.30),
            Route(2.2, 7.7, 84.0, 1.30),
            Route(-6.2, 10.5, 3.0, 1.40),
            Route(6.4, 10.0, 184.0, 1.35),
            Route(2.6, 11.3, 250.0, 0.0, "stand"),
            Route(3.2, 11.7, 190.0, 0.0, "stand"),
            Route(-7.6, 16.5, 0.0, 1.25),
            Route(9.6, 18.5, 180.0, 1.45),
            Route(-0.6, 21.0, 275.0, 1.20),
            Route(-3.4, 26.5, 10.0, 1.20),
            Route(6.6, 20.0, 262.0, 1.30),
            Route(-12.5, 27.5, 0.0, 1.50),
            Route(-6.2, 21.0, 300.0, 1.15),
        ),
        order=(0, 5, 2, 3, 8, 1, 6, 7, 4, 9, 10, 11, 12, 13, 14, 15),
        seated=Route(-4.4, 13.9, 275.0, 0.0, "sit"),
        shop_window=Pane(30.0, -7.5, 5.5, 0.5, 2.4),
        mannequin=Route(-1.7, 29.7, 262.0, 0.0, "stand", 0.35),
    ),
    View(
        name="demo-02",
        camera=Camera(height=4.1, tilt=9.5, focal=900.0),
        fps=30,
        sun=(0.6, 0.1, 1.0),
        gains=(1.05, 1.0, 0.95),
        gamma=1.05,
        paving="setts",
        facades=(
            Facade(-9.0, 4.0, -9.0, 46.0, 12.0, "shops", (165, 178, 190), 4),
            Facade(-9.0, 46.0, 14.0, 46.0, 14.0, "brick", (98, 112, 148), 5),
            Facade(14.0, 46.0, 14.0, 8.0, 11.0, "plaster", (170, 196, 200), 6),
        ),
        things=(
            Thing("car", 7.6, 19.0, 3, 90.0, (140, 96, 52)),
            Thing("car", 7.7, 27.5, 3, 90.0, (196, 196, 198)),
            Thing("kiosk", -4.6, 17.0, 11),
            Thing("planter", 0.6, 22.5, 10),
            Thing("lamp", 4.6, 15.0, 9),
            Thing("bench", -6.4, 23.0, 10, 90.0),
            Thing("pillar", 2.3, 12.2, 11),
        ),
        routes=(
            Route(-5.4, 10.0, 2.0, 1.40),
            Route(5.2, 10.9, 178.0, 1.35),
            Route(-1.4, 19.0, 272.0, 1.40),
            Route(-0.8, 19.4, 272.0, 1.40),
            Route(0.6, 9.6, 88.0, 1.35),
            Route(-2.7, 13.2, 200.0, 0.0, "stand"),
            Route(-2.0, 13.5, 300.0, 0.0, "stand"),
            Route(4.0, 21.0, 250.0, 1.30),
            Route(-7.0, 15.0, 10.0, 1.45),
            Route(3.6, 13.8, 172.0, 1.30),
            Route(-6.8, 27.0, 285.0, 1.30),
            Route(-3.2, 22.0, 100.0, 1.25),
            Route(1.6, 30.0, 265.0, 1.45),
            Route(5.8, 24.0, 262.0, 1.20),
            Route(-4.0, 34.0, 20.0, 1.50),
            Route(4.6, 33.0, 200.0, 1.30),
        ),
        order=(6, 3, 12, 8, 10, 0, 14, 1, 15, 5, 2, 9, 4, 7, 11, 13),
        rider=Route(9.4, 36.0, 262.0, 4.2, "ride", 30.0),
        statue=Route(-6.9, 19.0, 300.0, 0.0, "stand", 0.53),
    ),
    View(
        name="demo-03",
        camera=Camera(height=2.6, tilt=5.5, focal=880.0),
        fps=25,
        sun=(-0.2, -0.8, 0.9),
        gains=(1.0, 1.01, 0.99),
        gamma=0.9,
        paving="gravel",
        facades=(
            Facade(-40.0, 52.0, -6.0, 40.0, 15.0, "plaster", (186, 196, 208), 7),
            Facade(-6.0, 40.0, 12.0, 40.0, 11.0, "shops", (140, 160, 178), 8),
            Facade(12.0, 40.0, 45.0, 48.0, 17.0, "brick", (104, 128, 168), 9),
        ),
        things=(
            Thing("kiosk", -5.2, 15.5, 11),
            Thing("pillar", 3.1, 10.4, 11),
            Thing("bench", 5.6, 17.0, 10),
            Thing("planter", -1.0, 18.0, 10),
            Thing("planter", 8.8, 24.0, 10),
            Thing("lamp", -8.6, 24.0, 9),
            Thing("car", -8.0, 34.0, 3, 12.0, (92, 110, 70)),
        ),
        routes=(
            Route(4.4, 6.9, 182.0, 1.40),
            Route(-4.4, 7.8, 4.0, 1.35),
            Route(1.0, 17.5, 262.0, 1.45),
            Route(-0.6, 8.6, 96.0, 1.30),
            Route(-3.4, 12.6, 20.0, 1.30),
            Route(-2.6, 12.9, 20.0, 1.30),
            Route(6.6, 12.2, 184.0, 1.40),
            Route(0.4, 11.6, 290.0, 0.0, "stand"),
            Route(4.2, 13.9, 230.0, 0.0, "stand"),
            Route(-7.8, 14.6, 0.0, 1.45),
            Route(2.8, 23.0, 255.0, 1.25),
            Route(-3.0, 21.5, 280.0, 1.35),
            Route(9.0, 20.5, 176.0, 1.40),
            Route(-9.6, 26.0, 8.0, 1.50),
            Route(5.0, 30.0, 200.0, 1.35),
            Route(0.6, 33.5, 268.0, 1.30),
        ),
        order=(11, 13, 9, 15, 4, 7, 2, 12, 1, 14, 0, 3, 6, 8, 5, 10),
        seated=Route(5.6, 16.9, 262.0, 0.0, "sit"),
        rider=Route(-16.0, 28.5, 0.0, 4.0, "ride", 34.0),
        statue=Route(0.6, 25.5, 275.0, 0.0, "stand", 0.53),
        trees=((-13.0, 31.0, 8.0), (14.5, 33.0, 9.0), (-4.0, 37.5, 7.0), (8.5, 37.0, 6.5)),
    ),
)
