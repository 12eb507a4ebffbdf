"""How sure a difference of scores is: published − original with 95 % intervals.

The same frames were tracked twice, so they are resampled in pairs: what makes a frame hard for both cancels out.
Neighbouring frames are nearly the same frame, so whole blocks of them are drawn (Künsch 1989), wrapped around the end
so that every frame is drawn as often (Politis & Romano 1992). Intervals are percentiles of the resampled differences,
widened where there are few blocks: k of them vary less among themselves than what they were taken from, by √((k−1)/k),
and their spread is itself uncertain, which is what Student's t allows for.

What that leaves out: the resamples are of the frames that were filmed, not of other places and days; matches and
switches stay as they were counted in the whole sequence; and IDF1 keeps its one assignment of tracks to people, which
another selection of frames could have changed, so that its interval is somewhat too narrow: its differences come in
runs as long as tracks, and blocks are only as long as the sequence allows. HOTA and the counts of whole tracks (MT, ML,
Frag) cannot be taken apart by frames: they get an interval only over several sequences.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from mot_anon.measure.clear import FrameCounts
from mot_anon.measure.scores import SCORES, SequenceScores, clear_fractions, combine, hota_fractions

Floats = NDArray[np.float64]
Scores: TypeAlias = "SequenceScores | Sequence[SequenceScores]"

LEVEL = 0.95
"""Share of resamples inside an interval."""

BLOCK = 60
"""Frames of a block: two seconds. On MOT17-02 and -04 with SORT the differences of misses and false alarms of a frame
and the one five later hardly agree any more, those of identity matches do so over about fifty frames."""

LEAST_BLOCKS = 5
"""Blocks are shortened until a sequence has this many."""

LEAST_FRAMES = 10
"""Fewer frames than this show nothing about frames in general: no interval."""

LEAST_CAMERAS = 3
"""Two cameras can be drawn in three ways only: no interval. Few more give a wide one."""

_BY_FRAME = ("MOTA", "IDF1", "IDSW", "FP", "FN", "recall", "precision")
_COUNTS = [field.name for field in fields(FrameCounts)]


@dataclass(frozen=True)
class Interval:
    """A difference, published − original, and the ends of its 95 % interval.

    Attributes
    ----------
    value:
        The difference of the two scores: fractions (0.01 is a point) or counts; NaN where a score is undefined.
    low, high:
        The interval's ends, both None where there is none.
    """

    value: float
    low: float | None
    high: float | None


def default_block(n_frames: int) -> int:
    """Frames of a block: :data:`BLOCK`, or the cube root of a very long sequence, or a fifth of a short one.

    The cube root is how block lengths should grow with the number of frames; alone it would give 10 frames of 1000,
    and then intervals of IDF1 half as wide as they should be.
    """
    return max(1, min(max(BLOCK, math.ceil(n_frames ** (1 / 3))), n_frames // LEAST_BLOCKS))


def paired_bootstrap(
    original: Scores,
    published: Scores,
    *,
    resamples: int = 1000,
    block: int | None = None,
    seed: int = 0,
    cameras: Sequence[str] | None = None,
) -> dict[str, Interval]:
    """Differences of MOTA, IDF1, IDSW, FP, FN, recall and precision, by a paired moving-block bootstrap over frames.

    Parameters
    ----------
    original, published:
        Scores of the same sequences, one or a list in the same order. Blocks are drawn within each sequence, the
        sequences' counts are summed, and the scores are those of :func:`~mot_anon.measure.scores.combine`.
    resamples:
        How many selections of frames are drawn.
    block:
        Frames of a block; by default :func:`default_block` of each sequence.
    seed:
        Same seed, same intervals.
    cameras:
        The camera of each sequence: sequences of one camera and one length show the same frames (the views -DPM,
        -FRCNN and -SDP), so the same blocks are drawn in them. By default each has a camera of its own.

    Returns
    -------
    dict[str, Interval]
        Without ends where there are fewer than :data:`LEAST_FRAMES` frames. Sides that were counted the same in every
        frame give exactly 0, 0, 0, however few frames there are: no selection of them can differ.

    Raises
    ------
    ValueError
        No sequence, another number of sequences or frames on the two sides, or a block or number of resamples below 1.
    """
    before, after = _lists(original, published)
    if resamples < 1 or (block is not None and block < 1):
        raise ValueError(f"resamples and block are at least 1, not {resamples} and {block}")
    rng = np.random.default_rng(seed)
    names = _cameras(cameras, len(before))
    totals = np.zeros((2, len(_COUNTS), resamples))
    drawn: dict[tuple[str, int], NDArray[np.int64]] = {}
    for name, *sides in zip(names, before, after, strict=True):
        n_frames = sides[0].n_frames
        if n_frames == 0:
            continue
        length = min(block or default_block(n_frames), n_frames)
        if (name, n_frames) not in drawn:
            drawn[name, n_frames] = rng.integers(0, n_frames, size=(resamples, -(-n_frames // length)))
        for side, scores in enumerate(sides):
            for row, count in enumerate(_COUNTS):
                totals[side, row] += _sum_blocks(getattr(scores.per_frame, count), drawn[name, n_frames], length)
    samples = [_by_frame(dict(zip(_COUNTS, side, strict=True))) for side in totals]
    values = _values(before, after)
    changes = {name: samples[1][name] - samples[0][name] for name in _BY_FRAME}
    if _same_counts(before, after):
        return {name: _interval(values[name], change, 1.0) for name, change in changes.items()}
    enough = sum(scores.n_frames for scores in before) >= LEAST_FRAMES
    widening = _widening(sum(starts.shape[1] for starts in drawn.values())) if enough else None
    return {name: _interval(values[name], change, widening) for name, change in changes.items()}


def sequence_bootstrap(
    originals: Sequence[SequenceScores],
    publisheds: Sequence[SequenceScores],
    *,
    resamples: int = 1000,
    seed: int = 0,
    cameras: Sequence[str] | None = None,
) -> dict[str, Interval]:
    """Differences of HOTA, DetA, AssA, MT, ML and Frag of the combined sequences, by a bootstrap over cameras.

    A camera is drawn with all its sequences. With fewer than :data:`LEAST_CAMERAS` cameras there is no interval.
    Parameters and errors are those of :func:`paired_bootstrap`.
    """
    before, after = _lists(originals, publisheds)
    if resamples < 1:
        raise ValueError(f"resamples are at least 1, not {resamples}")
    names, groups = np.unique(_cameras(cameras, len(before)), return_inverse=True)
    rng = np.random.default_rng(seed)
    chosen = rng.integers(0, len(names), size=(resamples, len(names)))
    # How often each camera, and so each sequence, is in a resample.
    weights = (chosen[:, :, None] == np.arange(len(names))).sum(axis=1)[:, groups].astype(np.float64)
    samples = [_by_sequence(side, weights) for side in (before, after)]
    values = _values(before, after)
    widening = _widening(len(names)) if len(names) >= LEAST_CAMERAS else None
    return {name: _interval(values[name], samples[1][name] - samples[0][name], widening) for name in samples[0]}


def hota_interval(
    originals: Sequence[SequenceScores],
    publisheds: Sequence[SequenceScores],
    *,
    resamples: int = 1000,
    seed: int = 0,
    cameras: Sequence[str] | None = None,
) -> Interval:
    """The difference of HOTA: :func:`sequence_bootstrap` of it alone, without ends for fewer than three cameras."""
    return sequence_bootstrap(originals, publisheds, resamples=resamples, seed=seed, cameras=cameras)["HOTA"]


def differences(
    original: Scores,
    published: Scores,
    *,
    resamples: int = 1000,
    block: int | None = None,
    seed: int = 0,
    cameras: Sequence[str] | None = None,
) -> dict[str, Interval]:
    """All of :data:`~mot_anon.measure.scores.SCORES`: those of both bootstraps, in the order of tables."""
    before, after = _lists(original, published)
    found = {
        **paired_bootstrap(before, after, resamples=resamples, block=block, seed=seed, cameras=cameras),
        **sequence_bootstrap(before, after, resamples=resamples, seed=seed, cameras=cameras),
    }
    return {name: found[name] for name in SCORES}


def spread(values: Sequence[float]) -> dict[str, float | None]:
    """Mean, min, max and sd (standard deviation, n − 1) of a figure between keys; one key has sd None.

    Raises ValueError for no value.
    """
    if not len(values):
        raise ValueError("there is no value to take the spread of")
    array = np.asarray(values, dtype=np.float64)
    return {
        "mean": float(array.mean()),
        "min": float(array.min()),
        "max": float(array.max()),
        "sd": float(array.std(ddof=1)) if len(array) > 1 else None,
    }


def _lists(original: Scores, published: Scores) -> tuple[list[SequenceScores], list[SequenceScores]]:
    before = [original] if isinstance(original, SequenceScores) else list(original)
    after = [published] if isinstance(published, SequenceScores) else list(published)
    if not before or len(before) != len(after):
        raise ValueError(
            f"{len(before)} original and {len(after)} published sequences; give the same ones, at least one"
        )
    for number, (one, other) in enumerate(zip(before, after, strict=True), start=1):
        if one.n_frames != other.n_frames:
            raise ValueError(f"sequence {number} has {one.n_frames} original and {other.n_frames} published frames")
    return before, after


def _cameras(cameras: Sequence[str] | None, n_sequences: int) -> list[str]:
    if cameras is None:
        return [str(number) for number in range(n_sequences)]
    if len(cameras) != n_sequences:
        raise ValueError(f"{len(cameras)} cameras for {n_sequences} sequences")
    return list(cameras)


def _sum_blocks(counts: NDArray[np.int64], starts: NDArray[np.int64], length: int) -> Floats:
    """For each resample (row of starts) the sum of its blocks, together as many frames as there are."""
    n_frames = len(counts)
    until = np.concatenate([[0], np.cumsum(np.concatenate([counts, counts[:length]]))])
    lengths = np.full(starts.shape[1], length)
    lengths[-1] = n_frames - length * (starts.shape[1] - 1)
    sums: Floats = (until[starts + lengths] - until[starts]).sum(axis=1).astype(np.float64)
    return sums


def _by_frame(totals: dict[str, Floats]) -> dict[str, Floats]:
    counts = {"IDSW": totals["idsw"], "FP": totals["fp"], "FN": totals["fn"]}
    return {**clear_fractions(**totals), **counts}


def _by_sequence(scores: list[SequenceScores], weights: Floats) -> dict[str, Floats]:
    parts = (
        weights @ np.stack([getattr(s, f"hota_{part}") for s in scores]) for part in ("tp", "fn", "fp", "association")
    )
    counts = {name: weights @ np.array([float(getattr(s, name)) for s in scores]) for name in ("MT", "ML", "Frag")}
    return {**hota_fractions(*parts), **counts}


def _values(before: list[SequenceScores], after: list[SequenceScores]) -> dict[str, float]:
    one, other = combine(before), combine(after)
    return {name: float(getattr(other, name) - getattr(one, name)) for name in SCORES}


def _same_counts(before: list[SequenceScores], after: list[SequenceScores]) -> bool:
    return all(
        np.array_equal(getattr(one.per_frame, count), getattr(other.per_frame, count))
        for one, other in zip(before, after, strict=True)
        for count in _COUNTS
    )


def _widening(blocks: int) -> float | None:
    """By how much an interval from so many blocks is stretched around its value; None where it cannot be told."""
    if blocks < 2:
        return None
    probability = (1 + LEVEL) / 2
    return float(stats.t.ppf(probability, blocks - 1) / stats.norm.ppf(probability) * math.sqrt(blocks / (blocks - 1)))


def _interval(value: float, changes: Floats, widening: float | None) -> Interval:
    """The ends come from the resamples in which both scores are defined; the value lies between them in any case."""
    defined = changes[~np.isnan(changes)]
    if widening is None or math.isnan(value) or not len(defined):
        return Interval(value, None, None)
    low, high = value + widening * (np.quantile(defined, [(1 - LEVEL) / 2, (1 + LEVEL) / 2]) - value)
    return Interval(value, min(float(low), value), max(float(high), value))
