"""Are the people who do not exist those whom the generator was trained on?"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from mot_anon.measure.privacy import publishing
from mot_anon.measure.privacy.attacks import Tools, centred
from mot_anon.measure.privacy.crops import Crops
from mot_anon.measure.privacy.findings import Finding, Found, NotMeasured
from mot_anon.measure.privacy.recognition import over_tracks, track_labels
from mot_anon.measure.privacy.retrieval import Estimate, Floats, Integers, Labels, cosine

_MOST = 3000  # crops of training people


class Membership:
    """Is a published person closer to the generator's training people than real strangers are?

    Closeness is the likeness to the most alike training person.  The figure is the probability that a published person
    is closer than a stranger (AUC); the control is the same for training people, seen in another camera.
    """

    name = "membership"

    def __init__(self, tools: Tools) -> None:
        self._judge, self._members = tools.judge, tools.members

    def __call__(self, original: Crops, published: Sequence[Crops], rng: np.random.Generator) -> list[Found]:
        """One figure."""
        if self._members is None:
            return [NotMeasured(self.name, "needs the generator's training people; give --members")]
        members = _some(self._members)
        gallery = over_tracks(centred(self._judge(members.pixels)), members)
        names = track_labels(members)
        labels = track_labels(original)

        def closeness(crops: Crops) -> Floats:
            tracks = over_tracks(centred(self._judge(crops.pixels)), crops)
            return np.asarray(cosine(tracks, gallery).max(axis=1), np.float64)

        strangers, filled = closeness(original), closeness(publishing.grey(original))
        known = _known_closeness(gallery, names)
        new = [closeness(crops) for crops in published]
        values = [auc(some, strangers) for some in new]
        value = float(np.mean(values))
        low, high = np.quantile([_resampled(new, strangers, labels.person, rng) for _ in range(500)], [0.025, 0.975])
        return [
            Finding(
                self.name,
                "published people closer to the generator's training people than strangers are",
                "AUC",
                Estimate(value, min(float(low), value), max(float(high), value)),
                chance=0.5,
                floor=auc(filled, strangers),
                control=auc(known, strangers),
                by_key=tuple(values),
                people=len(np.unique(labels.person)),
            )
        ]


def auc(first: Floats, second: Floats) -> float:
    """Probability that one of the first is larger than one of the second; ties count half."""
    statistic = stats.mannwhitneyu(first, second).statistic
    return float(statistic / (len(first) * len(second)))


def _known_closeness(gallery: NDArray[np.float32], names: Labels) -> Floats:
    """Of every training track to the training people of other cameras."""
    similarity = cosine(gallery, gallery)
    similarity[names.camera[:, None] == names.camera[None]] = -1
    return np.asarray(similarity.max(axis=1), np.float64)


def _resampled(new: Sequence[Floats], strangers: Floats, person: Integers, rng: np.random.Generator) -> float:
    people = np.unique(person)
    drawn = np.concatenate([np.flatnonzero(person == who) for who in rng.choice(people, len(people))])
    return float(np.mean([auc(some[drawn], strangers[drawn]) for some in new]))


def _some(members: Crops) -> Crops:
    """One crop of every person in every camera, of so many people as fit."""
    _, rows = np.unique(members.tracks, return_index=True)
    kept = rows[np.argsort(members.person[rows], kind="stable")][:_MOST]
    return members.take(np.sort(kept))
