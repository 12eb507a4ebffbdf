"""People as the audit saw them: one in one frame, and one over all frames; and faces that were found."""

from __future__ import annotations

import math
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Candidate:
    """Who is to be judged: see :data:`~mot_anon.measure.audit.candidates.CANDIDATE_COLUMNS`."""

    track: str
    box: tuple[float, float, float, float]
    source: str
    score: float
    visibility: float


@dataclass(frozen=True)
class Sight:
    """One person in one frame, as far as it was judged.

    Attributes
    ----------
    frame:
        From 1.
    track:
        Id in the original's ground truth, empty for a detection.
    source:
        ``gt``, ``gap`` (between two rows of gt), ``manual``, ``detection``, ``agreed`` (two detectors) or ``motion``.
    box:
        x, y, w, h in pixels.
    score:
        Of the detection; its share of the frame's height for motion; 0 for the rest.
    visibility:
        0…1, from ground truth; 1 elsewhere.
    silhouette:
        Where the person was looked for: ``motion`` (what differs from the still background) or ``core`` (the middle
        of the box).
    behind:
        Share (0…1) of that silhouette that boxes of things in ground truth put behind them; it was left out unless it
        is more than the row's visibility bears out.
    pixels, told:
        Pixels looked at, and those of them with enough detail to tell.
    raw:
        Share (0…1) of the told ones that show the original; None where too few could be told.
    correlation, slope:
        Of published on original detail over all pixels looked at; None without detail.
    moved:
        x, y in pixels: where the person was found again who is not where they were, or 0, 0.
    control:
        What ``raw`` is for a mannequin of the same silhouette in another person's colours; None where the silhouette is
        not known.
    """

    frame: int
    track: str
    source: str
    box: tuple[float, float, float, float]
    score: float
    visibility: float
    silhouette: str
    behind: float
    pixels: int
    told: int
    raw: float | None
    correlation: float | None
    slope: float | None
    moved: tuple[int, int] = (0, 0)
    control: float | None = None


@dataclass(frozen=True)
class FaceSight(Sight):
    """A face that a detector found in a published frame, where ``box`` says.

    ``track``, ``source`` and ``visibility`` are those of the person whose head is there, ``source`` ``face`` where
    nobody's is; ``silhouette`` is ``face``: an oval inside the box, without hair and what is round the face.

    Attributes
    ----------
    sure:
        Whether the detector's score alone says that this is a face.
    landmarks:
        0…1: how sure it is that the *original* has a face there, by the network that reads landmarks.
    size:
        Longer side in pixels of the original's landmarks; 0 where nobody embedded them.
    alike:
        Judge → cosine similarity with the original's face, less the threshold of a false-match rate of 1 % for this
        size: from 0 on they match.  Empty where the original has no face, or the published one is raw anyhow.
    """

    sure: bool = False
    landmarks: float = 0.0
    size: float = 0.0
    alike: dict[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Person:
    """One track over all frames in which it was judged.

    Attributes
    ----------
    sequence, track:
        Who; id in the original's ground truth.
    frames, told:
        Frames judged, and those in which enough could be told.
    worst_frame, worst:
        Where most of the person shows the original, and which share (0…1) of them; None where nothing could be told.
    correlation, slope:
        Means over the told frames of published on original detail; None without.
    """

    sequence: str
    track: str
    frames: int
    told: int
    worst_frame: int | None
    worst: float | None
    correlation: float | None
    slope: float | None


def person_of(sequence: str, track: str, sights: list[Sight]) -> Person:
    """Sum up the sights of one track."""
    told = [sight for sight in sights if sight.raw is not None]
    worst = max(told, key=lambda sight: (sight.raw or 0.0, -sight.frame), default=None)
    return Person(
        sequence,
        track,
        len(sights),
        len(told),
        worst.frame if worst else None,
        worst.raw if worst else None,
        mean([s.correlation for s in told if s.correlation is not None]),
        mean([s.slope for s in told if s.slope is not None]),
    )


def mean(values: list[float]) -> float | None:
    """Arithmetic mean, None of nothing."""
    return math.fsum(values) / len(values) if values else None


def finite(value: float) -> float | None:
    """The value, None for NaN and infinities."""
    return value if math.isfinite(value) else None
