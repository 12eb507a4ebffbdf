"""The gate as an assertion, for test suites."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from mot_anon import __version__
from mot_anon.data.sequence import discover, only, open_sequence
from mot_anon.errors import NotFoundError
from mot_anon.measure import gate
from mot_anon.measure.compare import compare_sequence
from mot_anon.measure.results import Evaluation, SequenceResult, runs_of
from mot_anon.measure.sources import make_sources
from mot_anon.measure.tracking import check_trackers
from mot_anon.progress import silent


def assert_tracking_preserved(
    original: Path | str,
    published: Path | str,
    *,
    max_drop: Mapping[str, float] | None = None,
    trackers: Sequence[str] = ("sort", "reid"),
    detections: Sequence[str] = ("public", "hog"),
    point: bool = False,
) -> Evaluation:
    """Assert that tracking is as good on a published tree as on its original.

    Parameters
    ----------
    original, published:
        Sequence folders, or folders that hold them; every sequence of ``published`` must be in ``original``.
    max_drop:
        Score → points that it may fall by; MOTA and IDF1 by 1.0 unless it says otherwise.
    trackers, detections:
        As ``--trackers`` and ``--detections`` of ``evaluate``.
    point:
        Judge the differences themselves instead of the lower ends of their 95 % intervals.

    Returns
    -------
    The evaluation, without sensitivity on grey frames.

    Raises
    ------
    GateError
        A score fell by more; it is an AssertionError, and names what failed and by how much.
    InputError
        Something that was given cannot be used.
    """
    allowed = {"MOTA": 1.0, "IDF1": 1.0, **(max_drop or {})}
    names = ",".join(f"{name}={points}" for name, points in allowed.items())
    margins = gate.parse_margins(names)
    check_trackers(trackers)
    sources = make_sources(list(detections))
    here, there = discover([Path(original)]), discover([Path(published)])
    if not there:
        raise NotFoundError(f"{published}: no sequence")
    results = []
    for name, places in there.items():
        if name not in here:
            raise NotFoundError(f"{original}: has no {name}; there is: {', '.join(here) or 'nothing'}")
        before, after = (open_sequence(only(name, found)).require_frames() for found in (here[name], places))
        cells = compare_sequence(before, [after], None, trackers, sources, silent)
        results.append(
            SequenceResult(name, before.camera, before.n_frames, "unknown", "unknown", "unknown", runs_of(cells))
        )
    evaluation = Evaluation(__version__, tuple(results))
    gate.require(gate.judge(evaluation, margins, point=point))
    return evaluation
