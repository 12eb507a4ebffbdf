"""What a tracker is, and where trackers are found by name."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from importlib.metadata import EntryPoint, entry_points
from typing import Any, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from .reid import ReidTracker
from .sort import SortTracker

GROUP = "mot_anon.trackers"
"""Entry points of this group are trackers of other packages: callables, keyword parameters in, a `Tracker` out."""


@runtime_checkable
class Tracker(Protocol):
    """Anything that gives detections identities, frame by frame. An instance tracks one sequence; a new one knows
    nothing of it.

    `conformance.check_tracker` tests an implementation.
    """

    uses_appearance: bool
    """Whether `update` needs features."""

    def update(
        self, boxes: NDArray[np.float64], scores: NDArray[np.float64], features: NDArray[np.float32] | None = None
    ) -> NDArray[np.float64]:
        """The next frame; called for every frame, also for one without detections.

        Args:
            boxes: (N, 4) x1, y1, x2, y2 in pixels, finite, with an area.
            scores: (N,) the detector's.
            features: (N, D), or None for a tracker without appearance and for a frame without detections.

        Returns (M, 6) float64: x1, y1, x2, y2, id, score; ids are whole numbers from 1, each at most once.
        """
        ...


TRACKERS: dict[str, Callable[..., Tracker]] = {"sort": SortTracker, "reid": ReidTracker}
"""The bundled trackers; a program may add its own."""


def available_trackers() -> list[str]:
    """The names that `make_tracker` knows, those of installed plug-ins included."""
    return sorted({*TRACKERS, *(point.name for point in _plugins())})


def make_tracker(name: str, **parameters: Any) -> Tracker:
    """A new tracker by its name.

    Raises ValueError for an unknown name (listing what there is), an unknown parameter (listing those), and a value
    that the tracker refuses; TypeError for a plug-in that is no `Tracker`.
    """
    factory = TRACKERS.get(name)
    if factory is None:
        found = [point for point in _plugins() if point.name == name]
        if not found:
            raise ValueError(f"no tracker is called {name!r}; there are: {', '.join(available_trackers())}")
        factory = found[0].load()
    known = inspect.signature(factory).parameters.values()
    if not any(parameter.kind is parameter.VAR_KEYWORD for parameter in known):
        accepted = [parameter.name for parameter in known]
        unknown = sorted(set(parameters) - set(accepted))
        if unknown:
            raise ValueError(
                f"tracker {name!r} has no parameter {unknown[0]!r}; it has: {', '.join(accepted) or 'none'}"
            )
    tracker = factory(**parameters)
    if not isinstance(tracker, Tracker):
        raise TypeError(
            f"plug-in {name!r} made a {type(tracker).__name__}, which is no tracker: it lacks update or uses_appearance"
        )
    return tracker


def _plugins() -> tuple[EntryPoint, ...]:
    return tuple(entry_points(group=GROUP))
