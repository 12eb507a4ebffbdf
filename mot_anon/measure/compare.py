"""The same tracking and the same scoring on original and published frames, and on the controls beside them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from collections.abc import Sequence as Rows
from concurrent.futures import Executor
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
import pandas as pd

from mot_anon.data.sequence import Sequence
from mot_anon.errors import FrameError
from mot_anon.measure.scores import SequenceScores, preprocess, score
from mot_anon.measure.sources import Source
from mot_anon.measure.tracking import track, uses_appearance
from mot_anon.progress import Report
from mot_anon.threads import one_thread
from mot_anon.vision.cache import embed_sequence
from mot_anon.vision.embed import OsnetEmbedder, RandomEmbedder

_STRETCH = 50
"""Frames and boxes, at least, that the control on grey frames is measured on."""
_STRETCH_BOXES = 300

Tree = Mapping[str, Sequence]
"""Sequence name → the sequence of one tree."""
Keep = Callable[[str, str, str, str, pd.DataFrame], None]
"""Called with tree, tracker, detections, sequence name and the tracker's result, to be written to a file."""


@dataclass(frozen=True)
class Cell:
    """One tracker on one source of detections over one sequence.

    Attributes
    ----------
    camera, tracker, detections:
        Names.
    sensitive:
        False where the tracker sees no pixel at all: then a difference is zero by construction.
    original:
        Scores on the original frames.
    published:
        Scores on the published frames, one entry a key.
    random_features:
        Scores on the original frames with features that mean nothing; None for trackers without appearance.
    grey:
        Scores on frames in which everybody is filled grey; None where it was not measured or cannot matter.
    grey_original:
        Scores on the original of the frames that ``grey`` covers, the first of the sequence; None where that is all.
    """

    camera: str
    tracker: str
    detections: str
    sensitive: bool
    original: SequenceScores
    published: tuple[SequenceScores, ...]
    random_features: SequenceScores | None
    grey: SequenceScores | None
    grey_original: SequenceScores | None = None


def compare_sequence(
    original: Sequence,
    published: Rows[Sequence],
    grey: Sequence | None,
    trackers: Rows[str],
    sources: Rows[Source],
    report: Report,
    keep: Keep | None = None,
) -> list[Cell]:
    """Track one sequence in all its trees.

    Parameters
    ----------
    original:
        With ground truth; it is what every tree is scored against.
    published:
        The same sequence as published, one a key.
    grey:
        The same sequence, or its :func:`stretch`, with everybody filled grey, or None.

    Returns
    -------
    A cell for every tracker and source, sources first.
    """
    return begin(original, published, grey, trackers, sources, report).finish(report, keep)


def begin(
    original: Sequence,
    published: Rows[Sequence],
    grey: Sequence | None,
    trackers: Rows[str],
    sources: Rows[Source],
    report: Report,
    executor: Executor | None = None,
) -> Comparison:
    """Detect in all trees of a sequence (:func:`compare_sequence`) and hand what is left to do to ``executor``.

    Without one it is done when it is asked for.  Detectors use all cores by themselves, trackers only one: beside each
    other they leave none idle.
    """
    _check_alike(original, published)
    looks = tuple(name for name in trackers if uses_appearance(name))
    parts = []
    for source in sources:
        trees = [("original", original)]
        trees += [
            (f"published-{n}" if len(published) > 1 else "published", tree) for n, tree in enumerate(published, 1)
        ]
        if grey is not None and (source.sees_pixels or looks) and source.folders is None:
            trees.append(("grey", grey))
        for tree, sequence in trees:
            job = _Job(
                tree,
                original if sequence.n_frames == original.n_frames else head(original, sequence.n_frames),
                sequence,
                _detections(source, sequence, tree, report),
                tuple(trackers),
                looks,
                trees[-1][1].n_frames,
            )
            run = partial(_run, job)
            parts.append((source.name, executor.submit(run).result if executor else run))
    return Comparison(original, tuple(trackers), tuple(sources), looks, tuple(parts))


@dataclass(frozen=True)
class Comparison:
    """One sequence in all its trees, being tracked.

    Attributes
    ----------
    original, trackers, sources, looks:
        What is compared; ``looks`` are the trackers that use appearance.
    parts:
        Source and what gives its scores and results in one tree, by (tree, tracker).
    """

    original: Sequence
    trackers: tuple[str, ...]
    sources: tuple[Source, ...]
    looks: tuple[str, ...]
    parts: tuple[tuple[str, Callable[[], _Tracked]], ...]

    def finish(self, report: Report, keep: Keep | None = None) -> list[Cell]:
        """Wait for the rest; see :func:`compare_sequence`."""
        tick = report(f"track {self.original.name}", len(self.parts))
        found: dict[tuple[str, str, str], SequenceScores] = {}
        for source, result in self.parts:
            for (tree, name), (scores, results) in result().items():
                found[source, tree, name] = scores
                if keep and (tree == "original" or tree.startswith("published")):
                    keep(tree, name, source, self.original.name, results)
            tick()
        return [self._cell(source, name, found) for source in self.sources for name in self.trackers]

    def _cell(self, source: Source, name: str, found: Mapping[tuple[str, str, str], SequenceScores]) -> Cell:
        sensitive = source.sees_pixels or name in self.looks
        here = {tree: scores for (where, tree, who), scores in found.items() if (where, who) == (source.name, name)}
        return Cell(
            self.original.camera,
            name,
            source.name,
            sensitive,
            here["original"],
            tuple(scores for tree, scores in here.items() if tree.startswith("published")),
            here.get("random"),
            here.get("grey") if sensitive else None,
            here.get("stretch") if sensitive else None,
        )


def head(sequence: Sequence, n_frames: int) -> Sequence:
    """The first frames of a sequence, as a sequence that has no more."""
    return replace(sequence, frames=sequence.frames[:n_frames], n_frames=n_frames, partial=True)


def stretch(sequence: Sequence) -> Sequence:
    """As much of a sequence, from its beginning, as shows whether its trackers need to see people."""
    frames = np.sort(sequence.gt()["frame"].to_numpy())
    boxes = int(frames[_STRETCH_BOXES - 1]) if len(frames) >= _STRETCH_BOXES else sequence.n_frames
    n_frames = max(_STRETCH, boxes)
    return sequence if n_frames >= sequence.n_frames else head(sequence, n_frames)


@dataclass(frozen=True)
class _Job:
    """One source's boxes in one tree; ``original`` is what they are scored against, as long as ``sequence``."""

    tree: str
    original: Sequence
    sequence: Sequence
    detections: pd.DataFrame
    trackers: tuple[str, ...]
    looks: tuple[str, ...]
    stretch: int


_Tracked = dict[tuple[str, str], tuple[SequenceScores, pd.DataFrame]]
"""(tree or control, tracker) → scores and results."""


def _run(job: _Job) -> _Tracked:
    sequence, detections, n_frames = job.sequence, job.detections, job.sequence.n_frames
    gt, found = job.original.gt(), {}

    def scored(results: pd.DataFrame, until: int = n_frames) -> SequenceScores:
        part = results[results["frame"] <= until]
        return score(preprocess(gt[gt["frame"] <= until], part, job.original.rules, until))

    with one_thread():  # the executor is what runs in parallel
        features = embed_sequence(sequence.frames, detections, OsnetEmbedder()) if job.looks else None
    for name in job.trackers:
        results = track(name, detections, n_frames, features if name in job.looks else None)
        found[job.tree, name] = scored(results), results
        if job.tree == "original" and job.stretch < n_frames:
            # A tracker knows nothing of frames to come: these are its results on the stretch alone.
            found["stretch", name] = scored(results, job.stretch), results
    if job.tree == "original" and job.looks:
        features = embed_sequence(sequence.frames, detections, RandomEmbedder())
        for name in job.looks:
            results = track(name, detections, n_frames, features)
            found["random", name] = scored(results), results
    return found


def _detections(source: Source, sequence: Sequence, tree: str, report: Report) -> pd.DataFrame:
    published = tree != "original"
    if source.detector is None:
        return source.detections(sequence, published=published)
    tick = report(f"detect {sequence.name} ({tree})", sequence.n_frames)
    return source.detections(sequence, published=published, tick=tick)


def _check_alike(original: Sequence, published: Rows[Sequence]) -> None:
    for other in published:
        for what, here, there in (
            ("frames", original.n_frames, other.n_frames),
            ("pixels across", original.width, other.width),
            ("pixels down", original.height, other.height),
        ):
            if here != there:
                raise FrameError(f"{other.path}: {there} {what} where the original has {here}; publish it anew")
