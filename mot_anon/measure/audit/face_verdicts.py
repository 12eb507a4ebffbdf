"""From found faces to findings, and a picture of every one of them."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from collections.abc import Sequence as Rows
from pathlib import Path

import cv2
import numpy as np

from mot_anon.data.frames import Frame, read_frame
from mot_anon.measure.audit.detail import LOOK, ROUGH
from mot_anon.measure.audit.faces import FaceLook
from mot_anon.measure.audit.findings import DOUBT, ERROR, Finding
from mot_anon.measure.audit.likeness import ENOUGH, Control, compared
from mot_anon.measure.audit.missed import Group, grouped
from mot_anon.measure.audit.sights import FaceSight
from mot_anon.measure.audit.verdicts import text
from mot_anon.measure.face_judges import available
from mot_anon.vision.face_detectors import AUTO, advice
from mot_anon.vision.landmarks import USABLE
from mot_anon.vision.parse import cut_window

RAW_FACE, MAYBE, NO_FACE, REPLACED = "raw", "doubt", "no face", "not raw"
"""Verdicts on a found face."""
_ALONE = 0.5  # CenterFace's score from which on a face without a person is believed; figures in shop windows have 0.4
_MOSTLY = 0.5  # share of a track's faces, from which on matching is no chance
_TILE, _CAPTION = 96, 40
_COLUMNS, _ROWS = 7, 24
_COLOURS = {RAW_FACE: (80, 80, 255), MAYBE: (80, 220, 255), NO_FACE: (170, 220, 170), REPLACED: (170, 220, 170)}


def judge_faces(name: str, looks: Rows[FaceLook]) -> tuple[list[FaceSight], list[Control], list[str]]:
    """Everything about the found faces of a recording, and what the reader must know of how it was looked."""
    sights, controls = compared(looks, available())
    return sights, controls, [f"{name}: {note}" for note in _notes(sights, controls)]


def judged(sight: FaceSight) -> str:
    """``raw``, ``doubt``, ``no face`` or ``not raw``: whether pixels say that the original's face is there.

    A find that shows the original is a raw face if it is a face at all: the detector's weakest finds are wood, hands
    and lamps.  On somebody's head either the detector's score or the landmark reader must say so, and else it is a
    doubt; where nobody's head is, or only one detector's person, both must, and the detector without any doubt; one is
    a doubt, and none is a background that looks like a face.  What shows the original in part is a doubt if either
    takes it for a face.
    """
    if sight.raw is None or sight.raw < LOOK:
        return REPLACED
    says, headless = int(sight.sure) + int(sight.landmarks >= USABLE), sight.source in ("face", "detection")
    if says == 0 and (headless or sight.raw < ROUGH):
        return NO_FACE if sight.raw >= ROUGH else REPLACED
    convinced = says == 2 and sight.score >= _ALONE if headless else says > 0
    return RAW_FACE if sight.raw >= ROUGH and convinced else MAYBE


def face_groups(sights: Rows[tuple[str, FaceSight]]) -> list[Group]:
    """The faces of every track together, and those of nobody's that follow each other; worst first."""
    tracks: dict[tuple[str, str], list[FaceSight]] = {}
    for sequence, sight in sights:
        if sight.track:
            tracks.setdefault((sequence, sight.track), []).append(sight)
    found = [Group(sequence, tuple(own)) for (sequence, _), own in tracks.items()]
    found += grouped([(sequence, sight) for sequence, sight in sights if not sight.track])
    return sorted(found, key=lambda group: (_badness(worst(group)), group.sequence), reverse=True)


def faces_of(group: Group) -> list[FaceSight]:
    """A group's faces."""
    return [sight for sight in group.sights if isinstance(sight, FaceSight)]


def worst(group: Group) -> FaceSight:
    """The face that shows most of the original."""
    return max(faces_of(group), key=_badness)


def raw_only(groups: Rows[Group]) -> list[Group]:
    """What is left of groups for a worklist: raw faces and doubts."""
    wanted = (RAW_FACE, MAYBE)
    kept = [Group(g.sequence, tuple(face for face in faces_of(g) if judged(face) in wanted)) for g in groups]
    return [group for group in kept if group.sights]


def face_findings(groups: Rows[Group], checked: Collection[tuple[str, str]] = ()) -> list[Finding]:
    """Raw faces frame by frame, worst first; doubts and recognised faces once for every group.

    ``checked`` are (sequence, judge) whose threshold enough strangers of that sequence have confirmed.
    """
    errors: list[tuple[tuple[float, ...], Finding]] = []
    rest: list[Finding] = []
    for group in groups:
        faces = faces_of(group)
        verdicts = [judged(sight) for sight in faces]
        for sight, verdict in zip(faces, verdicts, strict=True):
            if verdict == RAW_FACE:
                errors.append((_badness(sight), _finding(ERROR, f"a raw face: {_seen(sight)}", group, sight)))
        doubts = [sight for sight, verdict in zip(faces, verdicts, strict=True) if verdict == MAYBE]
        if doubts:
            best = max(doubts, key=_badness)
            message = f"perhaps a raw face, in {len(doubts)} frames: {_seen(best)}"
            rest.append(_finding(DOUBT, message, group, best))
        rest += _recognised(group, [sight for sight in faces if sight.alike], checked)
    return [finding for _, finding in sorted(errors, key=lambda item: item[0], reverse=True)] + rest


def face_sheet(groups: Rows[Group], originals: Mapping[str, Rows[Path]], published: Mapping[str, Rows[Path]]) -> Frame:
    """The worst face of every group, original and published side by side, with what was said of it."""
    shown = groups[: _COLUMNS * _ROWS]
    height, width = _TILE + _CAPTION, 2 * _TILE + 8
    sheet = np.full((max(1, -(-len(shown) // _COLUMNS)) * height, _COLUMNS * width, 3), 32, np.uint8)
    for index, group in enumerate(shown):
        sight, verdict = worst(group), judged(worst(group))
        y, x = index // _COLUMNS * height, index % _COLUMNS * width
        x1, y1, side = sight.box[0] - 0.15 * sight.box[2], sight.box[1] - 0.15 * sight.box[3], 1.3 * max(sight.box[2:])
        window = np.array([x1, y1, x1 + side, y1 + side])
        for side, frames in enumerate((originals, published)):
            crop = cut_window(read_frame(frames[group.sequence][sight.frame - 1]), window, (_TILE, _TILE))
            sheet[y : y + _TILE, x + side * (_TILE + 1) : x + side * (_TILE + 1) + _TILE] = crop
        likeness = max(sight.alike.values(), default=None)
        for line, words in enumerate((
            f"{group.sequence[-12:]} f{sight.frame} {sight.track and 'id ' + sight.track}",
            f"{sight.box[2]:.0f}x{sight.box[3]:.0f} x{len(group.sights)} score {sight.score:.2f}",
            f"{verdict} {_plain(sight.raw)} lm {sight.landmarks:.2f} alike {_plain(likeness)}",
        )):  # fmt: skip
            place = (x + 1, y + _TILE + 11 + 13 * line)
            cv2.putText(sheet, words, place, cv2.FONT_HERSHEY_SIMPLEX, 0.36, _COLOURS[verdict], 1, cv2.LINE_AA)
    return sheet


def _recognised(group: Group, faces: list[FaceSight], checked: Collection[tuple[str, str]]) -> list[Finding]:
    """What embedders say of a track: one of a hundred strangers matches, so that it takes more than one to be sure."""
    findings = []
    for judge in sorted({name for sight in faces for name in sight.alike}):
        hits = [sight for sight in faces if sight.alike.get(judge, -1.0) >= 0]
        if not hits:
            continue
        sure = len(hits) > max(1.0, _MOSTLY * len(faces)) and hits[0].track and (group.sequence, judge) in checked
        best = max(hits, key=lambda sight: sight.alike[judge])
        message = (
            f"the embedder {judge} takes {len(hits)} of {len(faces)} published faces for the original's (1 % of "
            f"strangers' are), most so {_place(best)}"
        )
        findings.append(_finding(ERROR if sure else DOUBT, message, group, best))
    return findings


def _badness(sight: FaceSight) -> tuple[float, ...]:
    order = (REPLACED, NO_FACE, MAYBE, RAW_FACE).index(judged(sight))
    return order, max(sight.alike.values(), default=-1.0), sight.raw or 0.0, sight.score, -sight.frame


def _finding(severity: str, message: str, group: Group, sight: FaceSight) -> Finding:
    return Finding(severity, "faces", message, group.sequence, sight.frame, sight.track or None)


def _seen(sight: FaceSight) -> str:
    assert sight.raw is not None
    return (
        f"{sight.raw:.0%} of what can be told shows the original (correlation {text(sight.correlation)}, slope "
        f"{text(sight.slope)}), score {sight.score:.2f}, landmarks {sight.landmarks:.2f}, {_place(sight)}"
    )


def _place(sight: FaceSight) -> str:
    x, y, w, h = sight.box
    return f"at {x:.0f},{y:.0f} {w:.0f}×{h:.0f}"


def _notes(sights: Rows[FaceSight], controls: Rows[Control]) -> list[str]:
    notes = [line] if (line := advice(AUTO)) else []
    untold = sum(sight.raw is None for sight in sights)
    found = f"{len(sights)} faces were found in published frames at twice their size"
    notes.append(f"{found}; {untold} of them have too little detail to tell whether they show the original")
    for control in controls:
        same = "none to compare" if control.true is None else f"{control.true:.0%} of {control.same}"
        other = "none to compare" if control.false is None else f"{control.false:.1%} of {control.strangers}"
        then = "too few to set a threshold by, so that what matches is a doubt"
        if control.strangers >= ENOUGH:
            then = f"so that the threshold was raised by {control.raised:.2f}"
        notes.append(
            f"control of the embedder {control.judge}, on originals at the threshold at which 1 % of LFW's strangers "
            f"match: of pairs of one person {same}, of two people in one frame {other}, {then}"
        )
    return notes


def _plain(value: float | None) -> str:
    return "-" if value is None else f"{value:.2f}"  # OpenCV's letters are few
