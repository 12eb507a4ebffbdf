"""The same tracking and the same scoring on original and published frames, and on the controls beside them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from collections.abc import Sequence as Rows
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from mot_anon.data.sequence import Sequence
from mot_anon.errors import FrameError
from mot_anon.measure.scores import SequenceScores, preprocess, score
from mot_anon.measure.sources import Source
from mot_anon.measure.tracking import track, uses_appearance
from mot_anon.progress import Report
from mot_anon.vision.cache import embed_sequence
from mot_anon.vision.embed import Embedder, OsnetEmbedder, RandomEmbedder

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
    """

    camera: str
    tracker: str
    detections: str
    sensitive: bool
    original: SequenceScores
    published: tuple[SequenceScores, ...]
    random_features: SequenceScores | None
    grey: SequenceScores | None


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
        The same sequence with everybody filled grey, or None.

    Returns
    -------
    A cell for every tracker and source, sources first.
    """
    _check_alike(original, published)
    gt = original.gt()

    def scored(results: pd.DataFrame) -> SequenceScores:
        return score(preprocess(gt, results, original.rules, original.n_frames))

    cells = []
    for source in sources:
        looks = [name for name in trackers if uses_appearance(name)]
        pixels = source.sees_pixels or bool(looks)
        trees = [("original", original)]
        trees += [
            (f"published-{n}" if len(published) > 1 else "published", tree) for n, tree in enumerate(published, 1)
        ]
        if grey is not None and pixels and source.folders is None:
            trees.append(("grey", grey))
        found: dict[tuple[str, str], SequenceScores] = {}
        for tree, sequence in trees:
            detections = _detections(source, sequence, tree, report)
            features = _features(sequence, detections, OsnetEmbedder(), f"embed {tree}", report) if looks else None
            for name in trackers:
                results = track(name, detections, original.n_frames, features if name in looks else None)
                found[tree, name] = scored(results)
                if keep and tree != "grey":
                    keep(tree, name, source.name, original.name, results)
            if tree == "original" and looks:
                features = _features(sequence, detections, RandomEmbedder(), "random features", report)
                for name in looks:
                    found["random", name] = scored(track(name, detections, original.n_frames, features))
        for name in trackers:
            sensitive = source.sees_pixels or name in looks
            cells.append(
                Cell(
                    original.camera,
                    name,
                    source.name,
                    sensitive,
                    found["original", name],
                    tuple(found[tree, name] for tree, _ in trees if tree.startswith("published")),
                    found.get(("random", name)),
                    found.get(("grey", name)) if sensitive else None,
                )
            )
    return cells


def _detections(source: Source, sequence: Sequence, tree: str, report: Report) -> pd.DataFrame:
    published = tree != "original"
    if source.detector is None:
        return source.detections(sequence, published=published)
    tick = report(f"detect {sequence.name} ({tree})", sequence.n_frames)
    return source.detections(sequence, published=published, tick=tick)


def _features(
    sequence: Sequence, detections: pd.DataFrame, embedder: Embedder, what: str, report: Report
) -> NDArray[np.float32]:
    tick = report(f"{what} {sequence.name}", sequence.n_frames)
    return embed_sequence(sequence.frames, detections, embedder, tick)


def _check_alike(original: Sequence, published: Rows[Sequence]) -> None:
    for other in published:
        for what, here, there in (
            ("frames", original.n_frames, other.n_frames),
            ("pixels across", original.width, other.width),
            ("pixels down", original.height, other.height),
        ):
            if here != there:
                raise FrameError(f"{other.path}: {there} {what} where the original has {here}; publish it anew")
