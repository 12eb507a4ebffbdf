"""Attacks on how alike people are to each other, which some policies keep on purpose."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment, quadratic_assignment

from mot_anon.measure.privacy import publishing
from mot_anon.measure.privacy.attacks import Tools, centred, place
from mot_anon.measure.privacy.crops import Crops
from mot_anon.measure.privacy.findings import Finding, Found, NotMeasured, recognition
from mot_anon.measure.privacy.recognition import over_tracks, track_labels
from mot_anon.measure.privacy.retrieval import (
    Estimate,
    Floats,
    Integers,
    Labels,
    Outcome,
    cosine,
    estimate,
    rank_correlation,
    resampled_correlation,
    retrieve,
    similarities,
    unit,
)

_FEWEST = 5  # people, below which similarities say nothing
_PAIRS = (2, 4, 8, 16, 32, 64, 128)
_DRAWS = 5
_RIDGE = 0.1


class Matching:
    """Groups matched across cameras by their similarity matrices alone, and how much of the similarities is left.

    Nobody is compared with anybody of the other camera: a rotation of all codes of a camera would not help.
    """

    name = "matching"

    def __init__(self, tools: Tools) -> None:
        self._judge = tools.judge

    def __call__(self, original: Crops, published: Sequence[Crops], rng: np.random.Generator) -> list[Found]:
        """The share of people who are matched, and the correlation of the similarities before and after."""
        sides = [original, publishing.grey(original), *published]
        raw, filled, *new = (centred(self._judge(crops.pixels), crops.camera) for crops in sides)
        pairs = _shared_people(original)
        if not pairs:
            return [NotMeasured(self.name, f"fewer than {_FEWEST} people are known in two cameras")]
        control, floor, *hits = (self._hits(side, original, pairs, rng) for side in (raw, filled, *new))
        person = np.concatenate([people for _, _, people in pairs])
        rate = np.mean(hits, axis=0)
        found: list[Found] = [
            Finding(
                self.name,
                f"published groups matched by their similarities alone, {place(original)}",
                "matched",
                estimate(rate, person, rng),
                chance=float(np.mean([1 / len(people) for _, _, people in pairs])),
                floor=float(floor.mean()),
                over_floor=estimate(rate - floor, person, rng, differences=True),
                control=float(control.mean()),
                by_key=tuple(float(some.mean()) for some in hits),
                people=len(np.unique(person)),
            )
        ]
        return found + self._kept(original, raw, filled, new, rng)

    def _hits(
        self,
        features: NDArray[np.float32],
        crops: Crops,
        pairs: list[tuple[int, int, Integers]],
        rng: np.random.Generator,
    ) -> Floats:
        hits = []
        for one, other, people in pairs:
            matrices = []
            for camera in (one, other):
                rows = np.flatnonzero((crops.camera == camera) & np.isin(crops.person, people))
                matrices.append(similarities(features[rows], crops.person[rows])[0])
            matched = match_groups(matrices[0], matrices[1], rng)
            hits.append((matched == np.arange(len(people))).astype(np.float64))
        return np.concatenate(hits)

    def _kept(
        self,
        original: Crops,
        raw: NDArray[np.float32],
        filled: NDArray[np.float32],
        new: Sequence[NDArray[np.float32]],
        rng: np.random.Generator,
    ) -> list[Found]:
        groups = [rows for camera in np.unique(original.camera) if len(rows := _many(original, int(camera)))]
        if not groups:
            return []

        def matrices(features: NDArray[np.float32]) -> list[Floats]:
            return [similarities(features[rows], original.person[rows])[0] for rows in groups]

        before, after, grey = matrices(raw), [matrices(side) for side in new], matrices(filled)
        kept = [float(np.mean([rank_correlation(a, b) for a, b in zip(before, some, strict=True)])) for some in after]
        flat = float(np.mean([rank_correlation(a, b) for a, b in zip(before, grey, strict=True)]))
        pairs = list(zip(before, after[0], strict=True))
        draws = [[resampled_correlation(a, b, rng.integers(0, len(a), len(a))) for a, b in pairs] for _ in range(200)]
        low, high = np.nanquantile(np.mean(draws, axis=1), [0.025, 0.975])
        value = float(np.mean(kept))
        people = len(np.unique(original.person))
        correlation = Finding(
            self.name,
            "people's similarities, original and published, within a camera",
            "rank correlation",
            Estimate(value, min(float(low), value), max(float(high), value)),
            chance=0.0,
            floor=flat,
            by_key=tuple(kept),
            people=people,
            wanted="",
        )
        means = [float(np.mean([_off_diagonal(m).mean() for m in side])) for side in (before, *after)]
        alike = Finding(
            self.name,
            "cosine similarity of different people within a camera (control: original)",
            "mean cosine",
            Estimate(float(np.mean(means[1:])), None, None),
            control=means[0],
            by_key=tuple(means[1:]),
            people=people,
            wanted="",
        )
        return [correlation, alike]


class KnownPlaintext:
    """Some people of a camera are known as they were and as published: what does that give away about the others?

    A map from original to published features is learnt from the known pairs (ridge regression), and the originals of
    everybody else, seen in another camera, are sent through it.  Public originals give such pairs for nothing.
    """

    name = "known-plaintext"

    def __init__(self, tools: Tools) -> None:
        self._judge = tools.judge

    def __call__(self, original: Crops, published: Sequence[Crops], rng: np.random.Generator) -> list[Found]:
        """Rank-1 of the unknown people for growing numbers of known ones."""
        labels = track_labels(original)
        counts = [int((labels.camera == camera).sum()) for camera in np.unique(labels.camera)]
        sizes = [pairs for pairs in _PAIRS if pairs <= min(counts) // 2]
        if not sizes:
            return [NotMeasured(self.name, "too few people in a camera to know some of them")]
        sides = [original, publishing.grey(original), *published]
        raw, filled, *new = (over_tracks(centred(self._judge(crops.pixels), crops.camera), original) for crops in sides)
        found: list[Found] = []
        for pairs in sizes:
            splits = [_known(labels, pairs, rng) for _ in range(_DRAWS)]

            def attacked(target: NDArray[np.float32], splits: list[NDArray[np.bool_]] = splits) -> Outcome:
                return _joined([_through_map(raw, target, labels, known, rng) for known in splits])

            found.append(
                recognition(
                    self.name,
                    f"{pairs} known people in a camera, the others → original, {place(original)}",
                    [attacked(side) for side in new],
                    rng,
                    floor=attacked(filled),
                    control=attacked(raw),
                )
            )
        return found


def match_groups(first: Floats, second: Floats, rng: np.random.Generator) -> Integers:
    """Match two groups of people by similarity matrices (P, P) alone; (P,) whom of the second each of the first is.

    Profiles of sorted similarities give a start, and the quadratic assignment problem is solved from there and from an
    even start (FAQ, Vogelstein et al., 2015); the better one counts.  The second group is shuffled first, so that the
    order in which people stand says nothing.
    """
    people = len(first)
    shuffled = rng.permutation(people)
    hidden = second[np.ix_(shuffled, shuffled)]
    one, other = (np.sort(_standardised(matrix), axis=1) for matrix in (first, hidden))
    cost = ((one[:, None] - other[None]) ** 2).sum(axis=2)
    start = np.zeros((people, people))
    start[linear_sum_assignment(cost + 1e-9 * rng.random(cost.shape))] = 1
    even = np.full((people, people), 1 / people)
    a, b = _standardised(first), _standardised(hidden)
    best, score = np.arange(people), -np.inf
    for begin in ((start + even) / 2, even):
        solved = quadratic_assignment(a, b, options={"maximize": True, "P0": begin, "rng": rng})
        if solved.fun > score:
            best, score = solved.col_ind, float(solved.fun)
    return np.asarray(shuffled[best], np.int64)


def _standardised(matrix: Floats) -> Floats:
    values = _off_diagonal(matrix)
    result = (matrix - values.mean()) / max(float(values.std()), 1e-12)
    np.fill_diagonal(result, 0)
    return np.asarray(result, np.float64)


def _off_diagonal(matrix: Floats) -> Floats:
    return np.asarray(matrix[~np.eye(len(matrix), dtype=bool)], np.float64)


def _shared_people(crops: Crops) -> list[tuple[int, int, Integers]]:
    """Pairs of cameras and the people who are in both, in the order of their numbers."""
    cameras = np.unique(crops.camera)
    pairs = []
    for index, one in enumerate(cameras):
        for other in cameras[index + 1 :]:
            people = np.intersect1d(crops.person[crops.camera == one], crops.person[crops.camera == other])
            if len(people) >= _FEWEST:
                pairs.append((int(one), int(other), people))
    return pairs


def _many(crops: Crops, camera: int) -> Integers:
    rows = np.flatnonzero(crops.camera == camera)
    return rows if len(np.unique(crops.person[rows])) >= _FEWEST else rows[:0]


def _known(labels: Labels, pairs: int, rng: np.random.Generator) -> NDArray[np.bool_]:
    """(P,) whether a track is one of ``pairs`` that are known in its camera."""
    known = np.zeros(len(labels), bool)
    for camera in np.unique(labels.camera):
        known[rng.choice(np.flatnonzero(labels.camera == camera), pairs, replace=False)] = True
    return known


def _through_map(
    raw: NDArray[np.float32],
    target: NDArray[np.float32],
    labels: Labels,
    known: NDArray[np.bool_],
    rng: np.random.Generator,
) -> Outcome:
    """Unknown published tracks of every camera → originals of other cameras, seen through the camera's map."""
    similarity = np.zeros((len(labels), len(labels)))
    allowed = (labels.camera[:, None] != labels.camera[None]) & ~known[:, None]
    for camera in np.unique(labels.camera):
        here = labels.camera == camera
        mapped = ridge(raw[known & here], target[known & here], raw)
        # The direct likeness stays in: a map from few pairs must not make the attacker worse than without.
        similarity[here] = cosine(target[here], mapped) + cosine(target[here], raw)
        allowed[here] &= ~np.isin(labels.person, labels.person[known & here])
    return retrieve(similarity, labels, labels, allowed, rng)


def ridge(inputs: NDArray[np.float32], outputs: NDArray[np.float32], asked: NDArray[np.float32]) -> NDArray[np.float32]:
    """What a linear map learnt from pairs (K, D) → (K, E) makes of (N, D); means are taken away and given back."""
    mean_in, mean_out = inputs.mean(axis=0), outputs.mean(axis=0)
    known = inputs - mean_in
    gram = known @ known.T
    gram += _RIDGE * max(float(np.trace(gram)) / len(gram), 1e-12) * np.eye(len(gram), dtype=gram.dtype)
    weights = np.linalg.solve(gram, outputs - mean_out)
    return unit(((asked - mean_in) @ known.T @ weights + mean_out).astype(np.float32))


def _joined(outcomes: list[Outcome]) -> Outcome:
    """Several draws as one: every query of every draw counts; queries keep apart by draw."""
    step = 1 + max(int(outcome.query.max()) for outcome in outcomes)
    return Outcome(
        np.concatenate([outcome.query + draw * step for draw, outcome in enumerate(outcomes)]),
        *(np.concatenate([getattr(o, name) for o in outcomes]) for name in ("person", "rank", "precision", "nearest")),
    )
