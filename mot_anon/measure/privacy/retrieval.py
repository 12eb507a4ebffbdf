"""Recognition as numbers: ranks of a query among a gallery, chance, and intervals over people.

Pure functions of similarities and labels; nothing here knows a picture.  A row of a gallery is *right* for a query that
shows the same person.  Ties are broken at random: an attack that sees nothing guesses.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import stats

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]

LEVEL = 0.95
"""Share of resamples inside an interval."""
_FEW = 5
"""People with a hit, or without one, below which resampling them says too little and the binomial bound is used."""


@dataclass(frozen=True)
class Labels:
    """Who the rows of a gallery show.

    Attributes
    ----------
    person, camera:
        (N,) int64.
    row:
        (N,) int64: rows with the same number are the same moment of the same person, original or published.
    """

    person: Integers
    camera: Integers
    row: Integers

    def __len__(self) -> int:
        return len(self.person)


@dataclass(frozen=True)
class Outcome:
    """What became of every query that somebody in its gallery answers.

    Attributes
    ----------
    query:
        (Q,) int64: which row of the queries it is.
    person:
        (Q,) int64: whom it shows.
    rank:
        (Q,) int64: rank of the first right row, from 1.
    precision:
        (Q,) float64: average precision, 0…1.
    nearest:
        (Q,) int64: the person whom the first row shows.
    """

    query: Integers
    person: Integers
    rank: Integers
    precision: Floats
    nearest: Integers

    @property
    def rank_1(self) -> float:
        """Share of queries whose first row is right."""
        return float((self.rank == 1).mean())

    @property
    def rank_5(self) -> float:
        """Share of queries with a right row among the first five."""
        return float((self.rank <= 5).mean())

    @property
    def mean_average_precision(self) -> float:
        """mAP."""
        return float(self.precision.mean())

    @property
    def hits(self) -> Floats:
        """(Q,) 1 where the first row is right, else 0."""
        return (self.rank == 1).astype(np.float64)


@dataclass(frozen=True)
class Estimate:
    """A figure and the ends of its 95 % interval over people; no ends where there are too few people."""

    value: float
    low: float | None
    high: float | None


def across_cameras(query: Labels, gallery: Labels) -> NDArray[np.bool_]:
    """(Q, G): another camera than the query's."""
    return query.camera[:, None] != gallery.camera[None]


def within_camera(query: Labels, gallery: Labels) -> NDArray[np.bool_]:
    """(Q, G): the query's camera at another moment."""
    return (query.camera[:, None] == gallery.camera[None]) & (query.row[:, None] != gallery.row[None])


def own_frame(query: Labels, gallery: Labels) -> NDArray[np.bool_]:
    """(Q, G): the query's camera, its own moment included."""
    return query.camera[:, None] == gallery.camera[None]


def answerable(query: Labels, gallery: Labels, allowed: NDArray[np.bool_]) -> bool:
    """Whether any query has a right row in its gallery."""
    return bool((allowed & (query.person[:, None] == gallery.person[None])).any())


def cosine(query: NDArray[np.float32], gallery: NDArray[np.float32]) -> Floats:
    """(Q, D) and (G, D) → cosine similarities (Q, G); features of length 0 are like nobody."""
    return np.asarray(unit(query) @ unit(gallery).T, np.float64)


def unit(features: NDArray[np.float32]) -> NDArray[np.float32]:
    """Rows of length 1."""
    return np.asarray(features / np.maximum(np.linalg.norm(features, axis=1, keepdims=True), 1e-12), np.float32)


def retrieve(
    similarity: Floats, query: Labels, gallery: Labels, allowed: NDArray[np.bool_], rng: np.random.Generator
) -> Outcome:
    """Rank the gallery for every query.

    Parameters
    ----------
    similarity:
        (Q, G), higher is more alike.
    allowed:
        (Q, G): which rows are in a query's gallery.
    rng:
        Breaks ties.

    Raises
    ------
    ValueError
        No query has a right row in its gallery.
    """
    shuffled = rng.permutation(len(gallery))
    scores = np.where(allowed, similarity, -np.inf)[:, shuffled]
    order = shuffled[np.argsort(-scores, axis=1, kind="stable")]
    inside = np.take_along_axis(allowed, order, axis=1)
    right = (gallery.person[order] == query.person[:, None]) & inside
    answered = np.flatnonzero(right.any(axis=1))
    if not len(answered):
        raise ValueError("no query has a right row in its gallery")
    right, order = right[answered], order[answered]
    precision = np.cumsum(right, axis=1) / np.arange(1, right.shape[1] + 1)
    return Outcome(
        answered,
        query.person[answered],
        right.argmax(axis=1).astype(np.int64) + 1,
        (precision * right).sum(axis=1) / right.sum(axis=1),
        gallery.person[order[:, 0]],
    )


def chance(outcome: Outcome, rng: np.random.Generator, permutations: int = 1000) -> tuple[float, float]:
    """Rank-1 when the gallery's people exchange their names at random: its mean, and the 95 % quantile."""
    people = np.unique(np.concatenate([outcome.person, outcome.nearest]))
    asked, found = (np.searchsorted(people, names) for names in (outcome.person, outcome.nearest))
    rates = [float((rng.permutation(len(people))[found] == asked).mean()) for _ in range(permutations)]
    return float(np.mean(rates)), float(np.quantile(rates, LEVEL))


def estimate(
    values: Floats,
    person: Integers,
    rng: np.random.Generator,
    resamples: int = 1000,
    *,
    differences: bool = False,
) -> Estimate:
    """Mean of the queries' values, with an interval by a bootstrap over people.

    Parameters
    ----------
    values:
        (Q,) in 0…1, one a query.
    person:
        (Q,) whom the query shows: all queries of a person are drawn together.
    differences:
        The values are differences of two such, −1…1.

    Returns
    -------
    Estimate
        Where fewer than five people have any hit, or fewer than five a miss, the interval is widened to the binomial
        one (Clopper & Pearson) with people as trials: 0 of 100 people is at most 3.6 %, not 0 %; differences likewise
        where fewer than five people gain or lose.  Without ends for fewer than two people.
    """
    _, group = np.unique(person, return_inverse=True)
    people = int(group.max()) + 1
    value = float(values.mean())
    if people < 2:
        return Estimate(value, None, None)
    sums, counts = np.bincount(group, values), np.bincount(group)
    drawn = rng.multinomial(people, np.full(people, 1 / people), size=resamples)
    low, high = np.quantile((drawn @ sums) / (drawn @ counts), [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    low, high = min(float(low), value), max(float(high), value)
    rates = sums / counts
    if differences:
        gains, losses = float(values.clip(0).mean()), float((-values).clip(0).mean())
        if (rates > 0).sum() < _FEW:
            high = max(high, binomial(gains * people, people)[1] - losses)
        if (rates < 0).sum() < _FEW:
            low = min(low, gains - binomial(losses * people, people)[1])
    elif min((rates > 0).sum(), (rates < 1).sum()) < _FEW:
        exact = binomial(value * people, people)
        low, high = min(low, exact[0]), max(high, exact[1])
    return Estimate(value, low, high)


def binomial(successes: float, trials: int) -> tuple[float, float]:
    """The 95 % interval of Clopper & Pearson (1934) of a share; ``successes`` may be a sum of shares."""
    tail = (1 - LEVEL) / 2
    low = 0.0 if successes <= 0 else float(stats.beta.ppf(tail, successes, trials - successes + 1))
    high = 1.0 if successes >= trials else float(stats.beta.ppf(1 - tail, successes + 1, trials - successes))
    return low, high


def paired(values: Outcome, floor: Outcome, rng: np.random.Generator) -> Estimate:
    """How much higher rank-1 is than the floor's, over the queries that both answer, with an interval over people."""
    common, here, there = np.intersect1d(values.query, floor.query, return_indices=True)
    if not len(common):
        raise ValueError("the two have no query in common")
    return estimate(values.hits[here] - floor.hits[there], values.person[here], rng, differences=True)


def similarities(features: NDArray[np.float32], person: Integers) -> tuple[Floats, Integers]:
    """Cosine similarities between people's mean features, (P, P), and the people in its order, (P,)."""
    people, group = np.unique(person, return_inverse=True)
    sums = np.zeros((len(people), features.shape[1]))
    np.add.at(sums, group, unit(features))
    return cosine(sums.astype(np.float32), sums.astype(np.float32)), people


def rank_correlation(first: Floats, second: Floats) -> float:
    """Spearman's correlation between the entries above the diagonals of two similarity matrices; NaN if undefined."""
    return resampled_correlation(first, second, np.arange(len(first)))


def resampled_correlation(first: Floats, second: Floats, people: Integers) -> float:
    """The same for ``people`` (N,), rows that may come several times; nobody makes a pair with themselves."""
    one, other = np.triu_indices(len(people), 1)
    apart = people[one] != people[other]
    pairs = people[one][apart], people[other][apart]
    if apart.sum() < 2 or np.ptp(first[pairs]) == 0 or np.ptp(second[pairs]) == 0:
        return float("nan")
    return float(stats.spearmanr(first[pairs], second[pairs]).statistic)
