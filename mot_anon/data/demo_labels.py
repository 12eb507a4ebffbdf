"""The demo's text files: gt with ids of its own in every camera, and public detections as imperfect as real ones."""

from __future__ import annotations

from collections.abc import Sequence as Rows

import numpy as np
from numpy.typing import NDArray

from mot_anon.data.demo_cast import CAST
from mot_anon.data.demo_stage import DISTRACTOR, ON_VEHICLE, PEDESTRIAN, REFLECTION, STATIC, Box, Row
from mot_anon.data.demo_world import HEIGHT, WIDTH, View

_PERSON_LIKE = {PEDESTRIAN: 0.0, ON_VEHICLE: -0.10, STATIC: -0.12, DISTRACTOR: -0.18, REFLECTION: -0.45}
"""How much less sure a detector is of each class."""
_EXTRAS_FROM = 80
_FALSE_ALARMS = 0.55


def person_ids(view: View) -> dict[int, int]:
    """The gt id of every member of the cast (0-based) in one camera: a permutation of 1..16 of the camera's own."""
    rng = np.random.default_rng([29, ord(view.name[-1])])
    return {person: int(number) + 1 for person, number in enumerate(rng.permutation(len(CAST)))}


def gt_text(view: View, frames: Rows[Rows[Row]]) -> str:
    """The gt file: ``frame,id,x,y,w,h,flag,class,visibility``, sorted by id, then frame.

    ``frames[n - 1]`` are the rows of frame n.
    """
    ids = person_ids(view)
    lines = []
    for n, rows in enumerate(frames, start=1):
        for row in rows:
            number = ids[row.actor] if row.label == PEDESTRIAN else row.actor - _EXTRAS_FROM
            box = ",".join(f"{value:.2f}" for value in row.box)
            flag = int(row.label == PEDESTRIAN)
            lines.append((number, n, f"{n},{number},{box},{flag},{row.label},{row.visibility:.4f}"))
    return "".join(f"{line}\n" for _, _, line in sorted(lines))


class _Drift:
    """Correlated noise per actor: a detector that misses somebody tends to do so again in the next frame."""

    def __init__(self, rng: np.random.Generator, memory: float) -> None:
        self._rng = rng
        self._memory = memory
        self._state: dict[int, NDArray[np.float64]] = {}

    def __call__(self, actor: int) -> list[float]:
        fresh = self._rng.normal(size=5)
        old = self._state.get(actor, fresh)
        self._state[actor] = self._memory * old + (1 - self._memory**2) ** 0.5 * fresh
        return [float(value) for value in self._state[actor]]


def det_text(view: View, frames: Rows[Rows[Row]]) -> str:
    """The det file: ``frame,-1,x,y,w,h,score,-1,-1,-1``.

    It has misses, jitter, doubles and false alarms, and the scores of true and false boxes overlap.
    """
    rng = np.random.default_rng([31, ord(view.name[-1])])
    drift, shake = _Drift(rng, 0.8), _Drift(rng, 0.3)
    places = _suspicious_places(view, rng)
    lines = []
    for n, rows in enumerate(frames, start=1):
        found = [
            box
            for row in rows
            if row.label in _PERSON_LIKE
            for box in _detections(row, drift(row.actor), shake(row.actor))
        ]
        found += _false_alarms(view, places, rng)
        for x, y, w, h, score in found:
            lines.append(f"{n},-1,{x:.2f},{y:.2f},{w:.2f},{h:.2f},{score:.4f},-1,-1,-1\n")
    return "".join(lines)


def _detections(row: Row, slow: list[float], fast: list[float]) -> list[tuple[float, ...]]:
    """What a detector makes of one person: nothing, a shaken box, or two boxes."""
    x, y, w, h = row.box
    size = min(max((h - 22.0) / 60.0, 0.0), 1.0)
    sure = 0.25 + 0.50 * min(row.visibility / 0.8, 1.0) + 0.28 * size + _PERSON_LIKE[row.label]
    if row.visibility < 0.12 or sure + 0.13 * slow[0] + 0.05 * fast[0] < 0.55:
        return []
    loose = 0.022 + 0.03 * (1 - row.visibility)
    dx, dy = w * loose * (slow[1] + fast[1]), h * 0.6 * loose * (slow[2] + fast[2])
    grow_w, grow_h = 1 + 1.3 * loose * (slow[3] + 0.7 * fast[3]), 1 + 0.6 * loose * (slow[4] + 0.7 * fast[4])
    score = min(max(sure - 0.12 + 0.08 * slow[0] + 0.09 * fast[0], 0.05), 0.999)
    box = (x + dx + w * (1 - grow_w) / 2, y + dy + h * (1 - grow_h) / 2, w * grow_w, h * grow_h)
    boxes: list[tuple[float, ...]] = [(*box, score)]
    if fast[4] > 2.1:
        boxes.append((box[0] - 0.12 * w, box[1] + 0.16 * h, 1.1 * w, 0.86 * h, max(score - 0.3, 0.05)))
    return boxes


def _suspicious_places(view: View, rng: np.random.Generator) -> list[Box]:
    """Boxes of things that look like somebody to a detector: posts, bushes, window frames."""
    places: list[Box] = []
    for thing in view.things:
        if thing.kind in ("pillar", "lamp", "kiosk", "planter"):
            pixels, depth = view.camera.project(np.array([thing.x, thing.y, 0.0]))
            tall = view.camera.focal / float(depth) * 1.75
            places.append((float(pixels[0]) - 0.2 * tall, float(pixels[1]) - tall, 0.4 * tall, tall))
    for _ in range(3):
        tall = float(rng.uniform(50, 120))
        places.append((float(rng.uniform(0, WIDTH - 60)), float(rng.uniform(0, 140)), 0.4 * tall, tall))
    return places


def _false_alarms(view: View, places: list[Box], rng: np.random.Generator) -> list[tuple[float, ...]]:
    alarms: list[tuple[float, ...]] = []
    for x, y, w, h in places:
        if rng.uniform() < 0.07:
            alarms.append(
                (
                    x + w * float(rng.normal(0, 0.06)),
                    y + h * float(rng.normal(0, 0.03)),
                    w,
                    h,
                    float(rng.beta(3.0, 3.2)),
                )
            )
    for _ in range(int(rng.poisson(_FALSE_ALARMS))):
        at = np.array([float(rng.uniform(-8, 8)), float(rng.uniform(6, 34)), 0.0])
        pixels, depth = view.camera.project(at)
        tall = view.camera.focal / float(depth) * float(rng.uniform(1.3, 2.0))
        wide = tall * float(rng.uniform(0.35, 0.5))
        x, y = float(pixels[0]) - wide / 2, float(pixels[1]) - tall
        if -wide < x < WIDTH and y < HEIGHT:
            alarms.append((x, y, wide, tall, float(rng.beta(2.6, 4.0))))
    return alarms
