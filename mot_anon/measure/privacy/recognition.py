"""Recognition and linkage by one network, crop by crop or averaged over a track."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from mot_anon.measure.privacy import publishing
from mot_anon.measure.privacy.attackers import Attacker
from mot_anon.measure.privacy.attacks import Tools, averaged, centred, place
from mot_anon.measure.privacy.crops import Crops
from mot_anon.measure.privacy.findings import Found, NotMeasured, recognition
from mot_anon.measure.privacy.reranking import reranked
from mot_anon.measure.privacy.retrieval import (
    Labels,
    Outcome,
    across_cameras,
    answerable,
    cosine,
    own_frame,
    retrieve,
    within_camera,
)

Where = Callable[[Labels, Labels], NDArray[np.bool_]]
Features = NDArray[np.float32]
_FILLED = {"person": "person filled grey", "face": "face filled from round about"}
_ONCE = "nobody is seen twice there"


class Recognition:
    """Who is a published person?  With the floors that no method goes below, and what the network can do at all."""

    name = "recognition"

    def __init__(self, tools: Tools) -> None:
        self._judge = tools.judge

    def __call__(self, original: Crops, published: Sequence[Crops], rng: np.random.Generator) -> list[Found]:
        """Original → original, published → original, original → published, and the floors."""
        raw, new = (
            centred(self._judge(original.pixels), original.camera),
            [centred(self._judge(crops.pixels), crops.camera) for crops in published],
        )
        filled = centred(self._judge(publishing.floor(original).pixels), original.camera)
        labels, far = original.labels, place(original)

        def ranked(query: Features, gallery: Features, where: Where = across_cameras) -> Outcome:
            allowed = where(labels, labels)
            return retrieve(reranked(query, gallery, labels.camera, allowed, rng), labels, labels, allowed, rng)

        control = ranked(raw, raw)
        own = None
        if answerable(labels, labels, within_camera(labels, labels)):
            own = ranked(raw, raw, within_camera)
        found: list[Found] = [
            recognition(self.name, f"original → original, {far} (control)", [control], rng, wanted=""),
            recognition(
                self.name,
                f"published → original, {far}",
                [ranked(query, raw) for query in new],
                rng,
                floor=ranked(filled, raw),
                control=control,
            ),
            recognition(
                self.name,
                f"original → published, {far}",
                [ranked(raw, gallery) for gallery in new],
                rng,
                floor=ranked(raw, filled),
                control=control,
            ),
            recognition(
                self.name,
                "published → original, its own frame among them",
                [ranked(query, raw, own_frame) for query in new],
                rng,
                floor=ranked(filled, raw, own_frame),
                control=own,
            ),
        ]
        others = across_cameras(labels, labels)
        floors = {f"floor, {_FILLED[original.part]}": reranked(filled, filled, labels.camera, others, rng)}
        if original.part != "face":  # whose floor is just that
            floors["floor, background alone"] = _alike(self._judge, publishing.background(original), rng)
        floors["floor, box size alone"] = -_distances(standardised(np.log(original.size)))
        if original.silhouettes is not None:
            outline = original.silhouettes.astype(np.float32)[:, ::4, ::4].reshape(len(original), -1)
            floors["floor, silhouette alone"] = cosine(centred(outline), centred(outline))
        for what, similarity in floors.items():
            outcome = retrieve(similarity, labels, labels, others, rng)
            found.append(recognition(self.name, f"{what}, {far}", [outcome], rng, control=control, wanted=""))
        return found


class Linkage:
    """Are two published pictures of one person?  Within a camera that is tracking, across cameras it is not wanted."""

    name = "linkage"

    def __init__(self, tools: Tools) -> None:
        self._judge = tools.judge

    def __call__(self, original: Crops, published: Sequence[Crops], rng: np.random.Generator) -> list[Found]:
        """Published → published within a camera and across."""
        labels = original.labels
        sides = [original, publishing.floor(original), *published]
        raw, filled, *new = (centred(self._judge(crops.pixels), crops.camera) for crops in sides)
        found: list[Found] = []
        across = f"published → published, {place(original)}"
        # Another time is the same camera still: to be found again there is tracking.
        ways: list[tuple[str, Where, str]] = [
            (across, across_cameras, "low" if original.across == "cameras" else "high")
        ]
        ways.insert(0, ("published → published, within a camera", within_camera, "high"))
        for what, where, wanted in ways:
            allowed = where(labels, labels)
            if not answerable(labels, labels, allowed):
                found.append(NotMeasured(self.name, f"{what}: {_ONCE}"))
                continue
            control, floor, *outcomes = (
                retrieve(reranked(side, side, labels.camera, allowed, rng), labels, labels, allowed, rng)
                for side in (raw, filled, *new)
            )
            found.append(recognition(self.name, what, outcomes, rng, floor=floor, control=control, wanted=wanted))
        return found


class Averaging:
    """A track's pictures averaged: what is random in a replacement goes away, what is left of the person stays."""

    name = "averaging"

    def __init__(self, tools: Tools) -> None:
        self._judge = tools.judge

    def __call__(self, original: Crops, published: Sequence[Crops], rng: np.random.Generator) -> list[Found]:
        """Averages of published tracks → averages of original tracks, in pixels and in features."""
        labels = track_labels(original)
        allowed = across_cameras(labels, labels)
        sides = [original, publishing.floor(original), *published]
        found: list[Found] = []
        ways: dict[str, Callable[[Crops], Features]] = {"pixels": self._of_pixels, "features": self._of_features}
        gallery = self._of_features(original)
        for what, average in ways.items():
            control, floor, *outcomes = (
                retrieve(cosine(average(side), gallery), labels, labels, allowed, rng) for side in sides
            )
            found.append(
                recognition(
                    self.name,
                    f"{what} averaged over {averaged(original)} → original, {place(original)}",
                    outcomes,
                    rng,
                    floor=floor,
                    control=control,
                )
            )
        return found

    def _of_pixels(self, crops: Crops) -> Features:
        return centred(self._judge(over_tracks(crops.pixels.astype(np.float32), crops).round().astype(np.uint8)))

    def _of_features(self, crops: Crops) -> Features:
        return centred(over_tracks(centred(self._judge(crops.pixels), crops.camera), crops))


class TwoPublications:
    """The same originals published twice, under two keys."""

    name = "two-keys"

    def __init__(self, tools: Tools) -> None:
        self._judge = tools.judge

    def __call__(self, original: Crops, published: Sequence[Crops], rng: np.random.Generator) -> list[Found]:
        """One publication → the other, and both together → original."""
        if len(published) < 2:
            return [NotMeasured(self.name, "needs two publications; give --published twice")]
        raw, filled = (
            centred(self._judge(side.pixels), side.camera) for side in (original, publishing.floor(original))
        )
        new = [centred(self._judge(crops.pixels), crops.camera) for crops in published]
        labels, far = original.labels, place(original)
        found: list[Found] = []
        ways: list[tuple[str, Where]] = [(far, across_cameras)]
        if original.across != "pictures":  # which no camera holds together
            ways.append(("within a camera", within_camera))
        for what, where in ways:
            allowed = where(labels, labels)
            if not answerable(labels, labels, allowed):
                found.append(NotMeasured(self.name, f"one key → another key, {what}: {_ONCE}"))
                continue

            def ranked(query: Features, gallery: Features, allowed: NDArray[np.bool_] = allowed) -> Outcome:
                return retrieve(reranked(query, gallery, labels.camera, allowed, rng), labels, labels, allowed, rng)

            pairs = [ranked(one, two) for one, two in itertools.pairwise(new)]
            floor, control = ranked(filled, filled), ranked(raw, raw)
            found.append(
                recognition(self.name, f"one key → another key, {what}", pairs, rng, floor=floor, control=control)
            )
        allowed = across_cameras(labels, labels)
        together = centred(np.sum(new, axis=0), original.camera)
        outcomes = [
            retrieve(reranked(side, raw, labels.camera, allowed, rng), labels, labels, allowed, rng)
            for side in (together, filled, raw)
        ]
        found.append(
            recognition(
                self.name,
                f"{len(new)} keys together → original, {far}",
                outcomes[:1],
                rng,
                floor=outcomes[1],
                control=outcomes[2],
            )
        )
        return found


def track_labels(crops: Crops) -> Labels:
    """Labels of the tracks, in the order of their numbers."""
    tracks = np.unique(crops.tracks)
    return Labels(tracks // len(crops.cameras), tracks % len(crops.cameras), tracks)


def over_tracks(rows: NDArray[np.float32], crops: Crops) -> NDArray[np.float32]:
    """(N, …) → means over the rows of every track, in the order of :func:`track_labels`."""
    tracks, group = np.unique(crops.tracks, return_inverse=True)
    return np.stack([rows[group == number].mean(axis=0) for number in range(len(tracks))]).astype(np.float32)


def standardised(numbers: NDArray[np.float64]) -> NDArray[np.float64]:
    """Columns of zero mean and unit variance; a column without variance is left at zero."""
    spread = numbers.std(axis=0)
    return np.asarray((numbers - numbers.mean(axis=0)) / np.where(spread > 0, spread, 1), np.float64)


def _distances(rows: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray(np.linalg.norm(rows[:, None] - rows[None], axis=2), np.float64)


def _alike(judge: Attacker, crops: Crops, rng: np.random.Generator) -> NDArray[np.float64]:
    found = centred(judge(crops.pixels), crops.camera)
    return reranked(found, found, crops.camera, across_cameras(crops.labels, crops.labels), rng)
