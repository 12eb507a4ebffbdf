"""Heads: found faces joined with the people they belong to, placed where they were missed, and the rest guessed.

What is not found as a face is covered as a head; what is found where no head was expected widens the head, or becomes a
region of its own.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment

from mot_anon.plan import regions as reg
from mot_anon.plan.identities import CAMERA_TRACK
from mot_anon.plan.silhouettes import CLEAR, NOBODY, PERSON

FACE = "face"
"""``source`` of regions that are there because a face was found where nobody was known to be."""
HELD = 3  # frames for which a face is believed to be there before it was first found and after it was last
_SMALLEST, _LARGEST = 0.03, 0.35  # height of a face by that of the standing person
_USUAL = 0.11
_GROWN, _DOUBTED = 0.4, 0.55  # of a head's size, by which its region is larger than what a parser sees, or guesses
HIDDEN = 0.25  # visibility by ground truth below which it is believed that a head is not seen
_PARTLY = 0.6  # and below which somebody's head may be behind others
_BEHIND = 0.5  # share of the place of a head that shows beside nearer people's boxes, below which they hide it
_MEDIAN = 3  # frames before and after that say where a head is

Boxes = NDArray[np.float64]


def owned_faces(found: pd.DataFrame, regions: pd.DataFrame) -> tuple[Boxes, pd.DataFrame]:
    """Whose every face is.

    Parameters
    ----------
    found:
        Columns frame, x, y, w, h, confidence.
    regions:
        Of the same recording.

    Returns
    -------
    own:
        (len(regions), 4) x, y, w, h: the face of every region, NaN where none was found.
    marked:
        ``found`` with a column ``loose``: which faces belong to none, since no head is expected where they are, or
        somebody has another face already.
    """
    own = np.full((len(regions), 4), np.nan)
    boxes, numbers = regions[["x", "y", "w", "h"]].to_numpy(float), regions["frame"].to_numpy()
    sources = regions["source"].to_numpy(object)
    taken = np.zeros(len(found), bool)
    places, when = found[["x", "y", "w", "h"]].to_numpy(float), found["frame"].to_numpy()
    tracked = (regions["track"] != CAMERA_TRACK).to_numpy()
    for frame in sorted(set(when)):
        # Those who have a track choose first: a doubtful box over somebody must not take their face.
        for first in (True, False):
            rows = np.flatnonzero((numbers == frame) & (tracked == first))
            faces = np.flatnonzero((when == frame) & ~taken)
            costs = np.array([[_cost(places[face], boxes[row], sources[row]) for row in rows] for face in faces])
            if not costs.size:
                continue
            for at, to in zip(*linear_sum_assignment(np.where(np.isinf(costs), 1e3, costs)), strict=True):
                if np.isfinite(costs[at, to]):
                    own[rows[to]], taken[faces[at]] = places[faces[at]], True
    return own, found.assign(loose=~taken)


def bridged(own: Boxes, regions: pd.DataFrame, longest: int, held: int = HELD) -> Boxes:
    """Faces also where a detector missed them for at most ``longest`` frames, at their place relative to the body.

    Before the first and after the last they are held for ``held`` frames.
    """
    placed = own.copy()
    boxes = regions[["x", "y", "w", "h"]].to_numpy(float)
    for rows in tracks_of(regions):
        frames = regions["frame"].to_numpy(np.int64)[rows]
        at = np.flatnonzero(np.isfinite(own[rows, 0]))
        if not len(at):
            continue
        relative = _relative(own[rows[at]], boxes[rows[at]])
        known = frames[at]
        for index in np.flatnonzero(~np.isfinite(own[rows, 0])):
            before, after = known[known < frames[index]], known[known > frames[index]]
            if len(before) and len(after):
                near = after[0] - before[-1] - 1 <= longest
            else:
                near = min(np.abs(known - frames[index])) <= held
            if near:
                guess = np.array([np.interp(frames[index], known, column) for column in relative.T])
                placed[rows[index]] = _absolute(guess, boxes[rows[index]])
    return placed


def unhidden(regions: pd.DataFrame, own: Boxes) -> pd.DataFrame:
    """Regions in which whose face (``own``, (N, 4), or NaN) was found is not hidden, whatever ground truth says."""
    shown = (regions["kind"] == "hidden").to_numpy() & np.isfinite(own[:, 0])
    kinds = np.where(regions["source"] == "detection", "unsure", "person")
    return regions.assign(kind=np.where(shown, kinds, regions["kind"]))


def sure_to_go(boxes: Boxes, faces: Boxes) -> Boxes:
    """What goes of heads (N, 4) that are drawn anew: all of those without a face, of the others the face, surely."""
    gone = boxes.copy()
    for row in np.flatnonzero(np.isfinite(faces[:, 0])):
        gone[row] = roomy_face(faces[row])
    return gone


def roomy_face(face: Boxes) -> Boxes:
    """A face that a detector drew (x, y, w, h), with room for ears, chin and forehead."""
    x, y, w, h = face
    return np.array([x - 0.25 * w, y - 0.35 * h, 1.5 * w, 1.6 * h])


def settled(
    regions: pd.DataFrame, scores: NDArray[np.float32], seen: Boxes, own: Boxes, faces: Boxes, size: tuple[int, int]
) -> pd.DataFrame:
    """Who is a person, and who is not seen, once a parser and a face detector had their say.

    A doubtful detection with a face of its own is a person; crowds and reflections are none, so that they are covered
    whole, whatever is seen in them, and nobody is drawn there.  Where neither parser nor detector sees a head, nothing
    is drawn

    - of whom ground truth calls nearly hidden,
    - of whom ground truth sees only a part and the parser nothing, if nearer people's boxes cover the head's place,
    - of a doubtful detection, if the parser is sure of nobody or it lies over people who are known: boxes over parts of
      others are what detectors are wrong about most.

    Parameters
    ----------
    scores, seen:
        (N,) how sure the parser is of a person, and the heads that it sees.
    own, faces:
        Of :func:`owned_faces` and :func:`bridged`.
    size:
        (width, height) of the frame.
    """
    kinds = regions["kind"].to_numpy(object, copy=True)
    doubted = kinds == "unsure"
    kinds[doubted & np.isfinite(own[:, 0])] = "person"
    headless = ~np.isfinite(faces[:, 0]) & ~np.isfinite(seen[:, 0]) & ~regions["source"].isin(reg.NOT_ONE).to_numpy()
    boxes, numbers = regions[["x", "y", "w", "h"]].to_numpy(float), regions["frame"].to_numpy()
    visibility = regions["visibility"].to_numpy(float)
    for row in np.flatnonzero(headless & (kinds != "hidden")):
        here = (numbers == numbers[row]) & ~doubted
        if doubted[row]:
            over = reg.visible_share(boxes[row], boxes[here], size) < CLEAR
            nothing = scores[row] < NOBODY or over
        else:
            here[: row + 1] = False  # far to near
            place, nobody = small_head(boxes[row]), np.zeros((0, 4))
            # Where no head can be in the frame, hair and hands may be.
            behind = reg.visible_share(place, boxes[here], size) < _BEHIND * reg.visible_share(place, nobody, size)
            doubt = visibility[row] < _PARTLY and scores[row] < PERSON
            nothing = visibility[row] < HIDDEN or (doubt and behind)
        if nothing:
            kinds[row] = "hidden"
    crowd = (regions["source"] == "group").to_numpy() & (kinds == "person")
    kinds[crowd] = "unsure"
    return regions.assign(kind=kinds)


def inner_face(places: Boxes) -> Boxes:
    """The faces (N, 4) that :func:`roomy_face` made ``places`` of."""
    size = places[:, 2:] / (1.5, 1.6)
    return np.concatenate([places[:, :2] + size * (0.25, 0.35), size], 1)


def head_boxes(regions: pd.DataFrame, faces: Boxes, seen: Boxes, sure: NDArray[np.bool_], *, drawn: bool) -> Boxes:
    """What is covered of every region (N, 4) x, y, w, h: its head, as far as anybody knows, and its face.

    Parameters
    ----------
    faces, seen:
        (N, 4), NaN where there is none: of :func:`bridged` and :func:`~mot_anon.plan.seen_heads.seen_heads`.
    sure:
        (N,) which of the heads the parser is sure of; others get more room.
    drawn:
        A head that is drawn anew is no larger than a parser saw it, where one did; other methods cover that and all of
        the body's upper part.
    """
    boxes, sources = regions[["x", "y", "w", "h"]].to_numpy(float), regions["source"].to_numpy(object)
    heads = np.empty((len(regions), 4))
    for row, (box, source) in enumerate(zip(boxes, sources, strict=True)):
        there, faced = np.isfinite(seen[row, 0]), np.isfinite(faces[row, 0])
        # A face alone may be a mistake of the detector's: then the head is elsewhere.
        parts = [] if drawn and there and source not in reg.NOT_ONE else [usual_head(box, source)]
        if there:
            parts.append(_grown(seen[row], _GROWN if sure[row] else _DOUBTED))
        if faced:
            parts.append(roomy_face(faces[row]) if there or not drawn else _round_face(faces[row]))
        low = np.min([part[:2] for part in parts], 0)
        heads[row] = [*low, *(np.max([part[:2] + part[2:] for part in parts], 0) - low)]
    return heads


def found_or_usual(regions: pd.DataFrame, faces: Boxes) -> Boxes:
    """(N, 4) x, y, w, h: found faces with some room, and where there is none, the head by the body's geometry."""
    boxes, sources = regions[["x", "y", "w", "h"]].to_numpy(float), regions["source"].to_numpy(object)
    pairs = zip(faces, boxes, sources, strict=True)
    heads = [roomy_face(face) if np.isfinite(face[0]) else usual_head(box, source) for face, box, source in pairs]
    return np.array(heads, float).reshape(-1, 4)


def usual_head(box: Boxes, source: str) -> Boxes:
    """Where the head is by the body's geometry; of what was drawn by hand, and of who lies down, the whole box."""
    if source in ("group", "manual", FACE) or box[2] > box[3]:
        return box
    return reg.head_box(box) if source == "gt" else reg.likely_head_box(box)


def _round_face(face: Boxes) -> Boxes:
    """The head (x, y, w, h) round a face that a detector drew."""
    x, y, w, h = face
    return np.array([x - 0.6 * w, y - 0.75 * h, 2.2 * w, 2.2 * h])


def small_head(box: Boxes) -> Boxes:
    """Where the head of somebody upright most likely is in their box: a square in the middle of its upper end."""
    size = 1.15 * reg.head_size(box)
    return np.array([box[0] + (box[2] - size) / 2, box[1], size, size])


def tracks_of(regions: pd.DataFrame) -> list[NDArray[np.int64]]:
    """Row numbers of every track in the order of time; nobody's regions are each on their own."""
    names, frames = regions["track"].to_numpy(object), regions["frame"].to_numpy(np.int64)
    found = []
    for name in sorted(set(names) - {CAMERA_TRACK}):
        rows = np.flatnonzero(names == name)
        found.append(rows[np.argsort(frames[rows], kind="stable")])
    return found + [np.array([row]) for row in np.flatnonzero(names == CAMERA_TRACK)]


def _cost(face: Boxes, box: Boxes, source: str) -> float:
    """How badly a face fits a person's box; infinite where it cannot be theirs."""
    middle = face[:2] + face[2:] / 2
    x, y, w, h = reg.likely_head_box(box) if usual_head(box, source) is not box else box
    standing = reg.standing_height(box)
    if not (x <= middle[0] <= x + w and y <= middle[1] <= y + h):
        return np.inf
    if not _SMALLEST * standing <= face[3] <= _LARGEST * standing:
        return np.inf
    aside = abs(middle[0] - box[0] - box[2] / 2) / max(box[2], 1e-6)
    below = abs(middle[1] - box[1] - 0.07 * standing) / (0.25 * standing)
    return float(aside + below + 0.5 * abs(np.log(face[3] / (_USUAL * standing))))


def _relative(faces: Boxes, boxes: Boxes) -> Boxes:
    middle = (faces[:, :2] + faces[:, 2:] / 2 - boxes[:, :2]) / boxes[:, 2:]
    return np.concatenate([middle, faces[:, 2:] / boxes[:, 3:]], 1)


def _absolute(relative: Boxes, box: Boxes) -> Boxes:
    size = relative[2:] * box[3]
    return np.concatenate([box[:2] + relative[:2] * box[2:] - size / 2, size])


def median_boxes(found: Boxes, boxes: Boxes, regions: pd.DataFrame) -> Boxes:
    """Medians over a few frames, relative to the body."""
    steady = found.copy()
    frames = regions["frame"].to_numpy(np.int64)
    for rows in tracks_of(regions):
        relative = _relative(found[rows], boxes[rows])
        for row in rows:
            near = (np.abs(frames[rows] - frames[row]) <= _MEDIAN) & np.isfinite(relative[:, 0])
            if np.isfinite(found[row, 0]):
                steady[row] = _absolute(np.median(relative[near], 0), boxes[row])
    return steady


def _grown(box: Boxes, by: float) -> Boxes:
    return np.concatenate([box[:2] - by * box[2:], (1 + 2 * by) * box[2:]])
