"""From measurements to findings: what is an error, what a doubt, and in which words."""

from __future__ import annotations

from mot_anon.measure.audit.detail import LOOK, RAW, ROUGH
from mot_anon.measure.audit.findings import DOUBT, ERROR, Background, Finding
from mot_anon.measure.audit.frames import Judged
from mot_anon.measure.audit.sights import Sight

HAIR = 0.9
"""Share of the place of a head from which on it counts as raw where methods draw faces and hair stays."""
_VISIBLE = 0.25  # visibility below which boxes say little about pixels
_BEHIND = 0.5  # share of a silhouette behind things, above which what shows may be the thing


def uncovered(sequence: str, sight: Sight, least: float = RAW) -> list[Finding]:
    """What is to be said of somebody whom labels, two detectors or a hand name, if anything.

    ``least`` is the share from which on they are raw; of boxes that detectors drew it is half at least.
    """
    if sight.raw is None or sight.raw < LOOK:
        return []
    enough = sight.raw >= (max(ROUGH, least) if sight.source == "agreed" else least)
    contradicted = sight.behind > _BEHIND  # what is left of them is little, or boxes and visibility disagree
    sure = enough and sight.visibility >= _VISIBLE and sight.source != "gap" and not contradicted
    what = "shows the original" if enough else "partly shows the original"
    x, y, w, h = sight.box
    across, down = sight.moved
    what += f", {across:+d},{down:+d} pixels away" if (across, down) != (0, 0) else ""
    message = (
        f"{what}: {sight.raw:.0%} of what can be told (correlation {text(sight.correlation)}, "
        f"slope {text(sight.slope)}) at {x:.0f},{y:.0f} {w:.0f}×{h:.0f}"
    )
    return [Finding(ERROR if sure else DOUBT, "coverage", message, sequence, sight.frame, sight.track or None)]


def missed(sight: Sight, count: int) -> str:
    """What is to be said of the best sight of somebody whom nobody covered, seen in so many frames."""
    x, y, w, h = sight.box
    seen = "something upright moves" if sight.source == "motion" else "a detector sees a person"
    return (
        f"{seen} that nobody covered, at {x:.0f},{y:.0f} {w:.0f}×{h:.0f}, in {count} frames (score {sight.score:.2f})"
    )


def outside(sequence: str, judged: list[Judged]) -> list[Finding]:
    """Frames whose background changed more than it may."""
    findings = []
    for j in judged:
        if j.outside is not None and j.outside.box is not None:
            x, y, w, h = j.outside.box
            much = f"{j.outside.changed} pixels" if j.lossless else f"a block changed by {j.outside.largest:.1f} levels"
            message = f"background changed where nobody is, within {x},{y} {w}×{h} ({much})"
            findings.append(Finding(ERROR, "background", message, sequence, j.number))
    return findings


def background(sequence: str, judged: list[Judged], still: bool) -> Background:
    """Sum up what changed outside all regions of a recording."""
    places = [j.outside for j in judged if j.outside is not None]
    pixels = sum(place.pixels for place in places) or 1
    return Background(
        sequence,
        all(j.lossless for j in judged if j.outside is not None),
        still,
        len(places),
        sum(place.changed for place in places) / pixels,
        sum(place.total for place in places) / pixels,
        max((place.largest for place in places if place.largest is not None), default=None),
    )


def notes(
    detector: str | None, key_given: bool, backgrounds: list[Background], sights: list[tuple[str, Sight]]
) -> list[str]:
    """What the reader must know of how it was looked."""
    notes = []
    if detector is None:
        notes.append("no independent detector ran: whoever labels and motion lack was not looked for")
    if not key_given:
        notes.append("no key was given: files were not searched for it")
    if shaken := [b.sequence for b in backgrounds if not b.still]:
        notes.append(f"people were not looked for by motion (camera moves, or too few frames): {', '.join(shaken)}")
    untold = sum(sight.raw is None for _, sight in sights)
    if untold:
        notes.append(f"{untold} of {len(sights)} sights have too little detail to tell whether they show the original")
    controls = [sight.control for _, sight in sights if sight.control is not None]
    if controls:
        taken = sum(control >= RAW for control in controls)
        notes.append(
            f"control: {taken} of {len(controls)} mannequins with these people's silhouettes and others' colours would "
            f"have been taken for the original (from {RAW:.0%} of a person on; the most was {max(controls):.0%})"
        )
    return notes


def text(value: float | None) -> str:
    """Two digits, or a dash."""
    return "–" if value is None else f"{value:.2f}"
