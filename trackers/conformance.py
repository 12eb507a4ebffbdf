"""What every tracker must do, as one function that a plug-in can run on itself."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from .registry import Tracker

Floats = NDArray[np.float64]
Frame = tuple[Floats, Floats, NDArray[np.float32]]

PEOPLE, FRAMES, DIMENSION = 5, 20, 16
SIZE = np.array([50.0, 120.0])
EMPTY = (0, 12)
"""Frames of the scene, from 0, in which nothing is detected: the first, and one in the middle."""


class ConformanceError(AssertionError):
    """A tracker does not keep the contract of `Tracker`; the message says where."""


def check_tracker(make: Callable[[], Tracker]) -> None:
    """Put new trackers from `make` through a small scene: five people, easily told apart, 20 frames, two empty.

    Checked: the protocol; shapes, dtypes and ids of what `update` returns; that empty frames are accepted; that the
    input is left alone and earlier output too; that instances share no state; that the order of detections changes
    nothing but the numbers of tracks; that somebody who just walks keeps one id; and `last_ids`, if there is one.
    Raises ConformanceError at the first thing wrong.
    """
    tracker = make()
    if not isinstance(tracker, Tracker) or not isinstance(tracker.uses_appearance, bool):
        raise ConformanceError("not a Tracker: it needs update() and a bool uses_appearance")
    scene = _scene()
    twin = make()
    outputs, copies = [], []
    for number, frame in enumerate(scene):
        output = _step(tracker, frame, number)
        outputs.append(output)
        copies.append(output.copy())
        if not np.array_equal(_step(twin, frame, number), output):
            raise ConformanceError(f"frame {number}: two new instances differ on the same input: they share state")
    if any(not np.array_equal(output, copy) for output, copy in zip(outputs, copies, strict=True)):
        raise ConformanceError("a later update changed an array that an earlier one had returned")
    again = make()
    if any(not np.array_equal(_step(again, frame, n), copies[n]) for n, frame in enumerate(scene)):
        raise ConformanceError("a new instance remembers an earlier one: the same input gave other tracks")
    _check_order(make(), scene, copies)
    _check_walkers(copies)


def _check_order(tracker: Tracker, scene: list[Frame], expected: list[Floats]) -> None:
    names: dict[float, float] = {}
    rng = np.random.default_rng(1)
    for number, (boxes, scores, features) in enumerate(scene):
        order = rng.permutation(len(boxes))
        output = _step(tracker, (boxes[order], scores[order], features[order]), number)
        straight, shuffled = _sorted(expected[number]), _sorted(output)
        if straight.shape != shuffled.shape or not np.allclose(np.delete(straight, 4, 1), np.delete(shuffled, 4, 1)):
            raise ConformanceError(f"frame {number}: the order of the detections changed the boxes of the tracks")
        for before, after in zip(straight[:, 4], shuffled[:, 4], strict=True):
            if names.setdefault(before, after) != after:
                raise ConformanceError(f"frame {number}: the order of the detections changed who is who")
    if len(set(names.values())) != len(names):
        raise ConformanceError("the order of the detections made two tracks into one")


def _check_walkers(outputs: list[Floats]) -> None:
    if len(outputs[-1]) != PEOPLE:
        raise ConformanceError(f"{PEOPLE} people are in plain sight, and {len(outputs[-1])} are reported at the end")
    # Between two empty frames nobody is lost from sight, so nobody may change the number.
    seen = outputs[EMPTY[1] - 4 : EMPTY[1]]
    shown = [_sorted(output)[:, 4].tolist() for output in seen]
    if any(first != second for first, second in pairwise(shown)):
        raise ConformanceError("people walking in plain sight changed their ids")


def _step(tracker: Tracker, frame: Frame, number: int) -> Floats:
    """One update, its output checked by itself."""
    boxes, scores, features = frame[0].copy(), frame[1].copy(), frame[2].copy()
    output = tracker.update(boxes, scores, features if tracker.uses_appearance and len(boxes) else None)
    given = zip((boxes, scores, features), frame, strict=True)
    if any(not np.array_equal(np.asarray(now), np.asarray(before)) for now, before in given):
        raise ConformanceError(f"frame {number}: update changed its input")
    if not isinstance(output, np.ndarray) or output.ndim != 2 or output.shape[1] != 6 or output.dtype != np.float64:
        raise ConformanceError(f"frame {number}: update must return (M, 6) float64, also for M = 0")
    ids = output[:, 4]
    if not np.isfinite(output).all() or (output[:, 2:4] <= output[:, :2]).any():
        raise ConformanceError(f"frame {number}: a box is not finite or has no area")
    if (ids < 1).any() or (ids != np.round(ids)).any() or len(set(ids.tolist())) != len(ids):
        raise ConformanceError(f"frame {number}: ids must be whole numbers from 1, each once: {ids.tolist()}")
    labels = getattr(tracker, "last_ids", None)
    if labels is not None and (labels.shape != (len(boxes),) or labels.dtype != np.int64 or (labels < 0).any()):
        raise ConformanceError(f"frame {number}: last_ids must be ({len(boxes)},) int64, 0 for no track")
    return output


def _sorted(output: Floats) -> Floats:
    return output[np.argsort(output[:, 0])]


def _scene() -> list[Frame]:
    """People side by side, each walking slowly in a direction of their own, with unit features that hardly overlap."""
    rng = np.random.default_rng(0)
    looks = np.eye(PEOPLE, DIMENSION, dtype=np.float32)
    frames: list[Frame] = []
    for number in range(FRAMES):
        present = np.arange(PEOPLE if number not in EMPTY else 0)
        corners = np.column_stack([100.0 + 200.0 * present + 2.0 * number, 100.0 + (present - 2.0) * number])
        jitter = rng.uniform(-1.0, 1.0, (len(present), 4))
        boxes = np.hstack([corners, corners + SIZE]) + jitter
        frames.append((boxes, rng.uniform(0.5, 1.0, len(present)), looks[present]))
    return frames
