from __future__ import annotations

import itertools

import numpy as np
import pytest

from mot_anon.trackers import SortTracker, long_memory_tracker, make_tracker
from mot_anon.trackers.conformance import ConformanceError, check_tracker


class Wrapped:
    """SORT with something wrong about it."""

    uses_appearance = False

    def __init__(self):
        self.inner = SortTracker()
        self.last_ids = None

    def update(self, boxes, scores, features=None):
        return self.inner.update(boxes, scores)


class CountsOnTheClass(Wrapped):
    counter = itertools.count()

    def update(self, boxes, scores, features=None):
        output = super().update(boxes, scores)
        output[:, 4] += next(self.counter)
        return output


class WrongDtype(Wrapped):
    def update(self, boxes, scores, features=None):
        return super().update(boxes, scores).astype(np.float32)


class ForgetsTheShape(Wrapped):
    def update(self, boxes, scores, features=None):
        output = super().update(boxes, scores)
        return output if len(output) else np.zeros((0, 5))


class IdsFromZero(Wrapped):
    def update(self, boxes, scores, features=None):
        output = super().update(boxes, scores)
        output[:, 4] -= 1
        return output


class Numbering(Wrapped):
    """No tracker at all: the position in the list is the id."""

    def update(self, boxes, scores, features=None):
        return np.column_stack([boxes, np.arange(1.0, len(boxes) + 1), scores])


class NewNamesInEveryFrame(Wrapped):
    def __init__(self):
        super().__init__()
        self.frame = 0

    def update(self, boxes, scores, features=None):
        self.frame += 1
        output = super().update(boxes, scores)
        output[:, 4] += 100 * self.frame
        return output


class WritesIntoItsInput(Wrapped):
    def update(self, boxes, scores, features=None):
        boxes += 1
        return super().update(boxes, scores)


class ReusesItsOutput(Wrapped):
    def __init__(self):
        super().__init__()
        self.buffer = np.zeros((10, 6))

    def update(self, boxes, scores, features=None):
        output = super().update(boxes, scores)
        self.buffer[: len(output)] = output
        return self.buffer[: len(output)]


class LosesPeople(Wrapped):
    def update(self, boxes, scores, features=None):
        return super().update(boxes[:-1], scores[:-1])


class WrongLabels(Wrapped):
    def __init__(self):
        super().__init__()
        self.last_ids = np.zeros(3, dtype=np.int64)


class NoTracker:
    pass


@pytest.mark.parametrize(
    "make", [lambda: make_tracker("sort"), lambda: make_tracker("reid"), long_memory_tracker, Wrapped]
)
def test_a_good_tracker_passes(make):
    check_tracker(make)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (CountsOnTheClass, "share state"),
        (WrongDtype, "float64"),
        (ForgetsTheShape, r"\(M, 6\)"),
        (IdsFromZero, "from 1"),
        (Numbering, "who is who"),
        (NewNamesInEveryFrame, "changed their ids"),
        (WritesIntoItsInput, "changed its input"),
        (ReusesItsOutput, "later update changed"),
        (LosesPeople, "plain sight|order of the detections"),
        (WrongLabels, "last_ids"),
        (NoTracker, "not a Tracker"),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_a_bad_one_is_told_what_is_wrong(make, message):
    with pytest.raises(ConformanceError, match=message):
        check_tracker(make)
