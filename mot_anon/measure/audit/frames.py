"""One frame of original and published, judged: who still shows, what changed where nobody is."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

import cv2
import numpy as np
from numpy.typing import NDArray

from mot_anon.data.frames import EXTENSIONS, Frame, decode_frame, frame_bytes
from mot_anon.errors import FrameError
from mot_anon.measure.audit.detail import LOOK, RAW, Detail, Rawness, detail, elsewhere, enough_told, rawness
from mot_anon.measure.audit.outside import Outside, outside
from mot_anon.measure.audit.places import MOVING, core, headless, round_motion, wanted
from mot_anon.measure.audit.sights import Candidate, Sight, finite
from mot_anon.plan.regions import clip, iou
from mot_anon.vision.motion import moving, upright_blobs

if TYPE_CHECKING:
    from mot_anon.measure.audit.faces import FaceLook

_REACH = 48  # pixels: how far away a raw person is looked for
_FEW = 6  # pixels: sides of a box whose colours a mannequin can wear
_SAME_PERSON = 0.4
_SLACK = 0.2  # by which labels' visibility and boxes of things may disagree
_MOST_BEHIND = 0.8  # share of a silhouette that things may hide for the rest to be judged alone
# Share of what moves in a head's place from which on a head is raw of which nothing else is, and pixels of it that must
# tell: the outline of a dozen pixels is the same for every head, and so is dark hair.
_RAW_HEAD, _HEAD_TOLD = 0.9, 200
_PLAIN, _UNCHANGED = 0.5, 1.5  # visibility from which who is too flat to tell is raw if no more changed, in grey levels


@dataclass(frozen=True)
class Task:
    """What judging one frame needs; goes to worker processes.

    Attributes
    ----------
    number:
        From 1.
    original, published:
        The two files.
    size:
        (width, height) in pixels that both must have.
    candidates:
        Who may be there.
    things:
        (K, 4) boxes of things that may hide them.
    allowed:
        (N, 4) boxes in which pixels may have changed.
    target:
        ``body``, ``face`` or ``both``.
    background:
        Where the still background lies (``.npy``), or None.
    """

    number: int
    original: Path
    published: Path
    size: tuple[int, int]
    candidates: tuple[Candidate, ...]
    things: NDArray[np.float64]
    allowed: NDArray[np.float64]
    target: str
    background: Path | None


@dataclass(frozen=True)
class Judged:
    """What was found in one frame; ``fault`` is why it could not be judged, or empty.

    ``faces`` are there for targets face and both.
    """

    number: int
    sights: tuple[Sight, ...] = ()
    moved: tuple[Sight, ...] = ()
    outside: Outside | None = None
    lossless: bool = False
    faces: tuple[FaceLook, ...] = ()
    fault: str = ""


def judge_frame(task: Task) -> Judged:
    """Decode both frames and compare them."""
    try:
        before, after = (
            decode_frame(frame_bytes(path), path, size=task.size) for path in (task.original, task.published)
        )
    except FrameError as error:
        return Judged(task.number, fault=str(error))
    lossless = EXTENSIONS[task.published.suffix.lower()] == "png"
    details = detail(before), detail(after)
    motion = moving(before, _background(task.background)) if task.background else None
    if task.target == "face":
        # Bodies show there, and detectors draw boxes over parts of them: two that agree are no proof of a head.
        doubtful = [c.source == "agreed" and headless(c, task.candidates, task.size, motion) for c in task.candidates]
        known = zip(task.candidates, doubtful, strict=True)
        task = replace(task, candidates=tuple(replace(c, source="detection") if doubt else c for c, doubt in known))
    faces = _faces(task, details)
    if task.target == "face":
        anew = _headed(faces)
        sights = [anew.get(c.track) or _sight(task, c, details, motion) for c in task.candidates]
    else:
        sights = [_body(task, candidate, details, motion) for candidate in task.candidates]
    moved = _blobs(task, details, motion) if motion is not None else ()
    allowed = task.allowed
    for some in (task.candidates, [c for c in task.candidates if c.track]):  # methods that parse know tracks alone
        boxes = np.array([candidate.box for candidate in some], float).reshape(-1, 4)
        allowed = round_motion(allowed, motion, task.target, boxes)
    return Judged(
        task.number,
        tuple(sight for sight in sights if sight is not None),
        moved,
        outside(before, after, allowed, lossless=lossless),
        lossless,
        faces,
    )


def _faces(task: Task, details: tuple[Detail, Detail]) -> tuple[FaceLook, ...]:
    if task.target == "body":
        return ()
    from mot_anon.measure.audit.faces import look_for_faces

    return look_for_faces(task.number, details, task.candidates)


def _headed(faces: tuple[FaceLook, ...]) -> dict[str, Sight]:
    """Track → the surest face on that head, where it is somebody else's: then that is where the head is."""
    surest: dict[str, Sight] = {}
    for look in sorted(faces, key=lambda look: look.sight.score):
        if look.sight.track:
            surest[look.sight.track] = look.sight
    return {track: sight for track, sight in surest.items() if sight.raw is not None and sight.raw < LOOK}


def _body(
    task: Task, candidate: Candidate, details: tuple[Detail, Detail], motion: NDArray[np.bool_] | None
) -> Sight | None:
    """What is seen of somebody whose body was replaced: all of them, or, where no more was left, a raw head.

    A head is a tenth of a body, and its share of that says nothing.  It is asked about where motion tells it from what
    stands behind it, which may be as it was.
    """
    sight = _sight(task, candidate, details, motion)
    if motion is None or not candidate.track or (sight is not None and sight.raw is not None and sight.raw >= RAW):
        return sight
    head = _sight(replace(task, target="face"), candidate, details, motion)
    if head is None or head.silhouette != "motion" or head.told < _HEAD_TOLD or (head.raw or 0.0) < _RAW_HEAD:
        return sight
    return head


def _sight(
    task: Task,
    candidate: Candidate,
    details: tuple[Detail, Detail],
    motion: NDArray[np.bool_] | None,
) -> Sight | None:
    box = np.array(candidate.box, float)
    x1, y1, x2, y2 = clip(wanted(box, task.target), task.size)
    if x2 <= x1 or y2 <= y1:
        return None
    how, whole = "core", core(box, task.target, (x1, y1, x2, y2))
    if motion is not None and (moves := motion[y1:y2, x1:x2]).mean() >= MOVING:
        how, whole = "motion", moves
    mask = whole.copy()
    for thing in task.things[task.things[:, 1] + task.things[:, 3] >= box[1] + box[3]]:
        a1, b1, a2, b2 = clip(thing, task.size)
        mask[max(0, b1 - y1) : max(0, b2 - y1), max(0, a1 - x1) : max(0, a2 - x1)] = False
    behind = 1 - float(mask.sum() / whole.sum()) if whole.any() else 0.0
    if behind > min(_MOST_BEHIND, 1 - candidate.visibility + _SLACK):
        mask = whole  # boxes of things are rough; these would hide more than labels say can be hidden
    here = slice(y1, y2), slice(x1, x2)
    before, moved = details[0].part(here), (0, 0)
    found, _ = rawness(before, details[1].part(here), mask)
    if not enough_told(found) and mask.any() and candidate.visibility >= _PLAIN:
        # Too flat to tell detail by; but nobody else has the very same colours everywhere.
        change = cv2.absdiff(before.pixels, details[1].part(here).pixels)[mask]
        if change.mean() < _UNCHANGED:
            found = replace(found, told=found.pixels, raw=found.pixels)
    if enough_told(found) and found.share < RAW:
        found, moved = _displaced(details, here, mask, found)
    control = None
    if how == "motion" and enough_told(found):
        control = _mannequin(task, candidate, details[0].pixels, before, mask)
    return _said(task.number, candidate, how, found, behind, moved, control)


def _displaced(
    details: tuple[Detail, Detail], here: tuple[slice, slice], mask: NDArray[np.bool_], found: Rawness
) -> tuple[Rawness, tuple[int, int]]:
    """The same, where the person fits best within half a width, if more shows the original there."""
    rows, columns = here
    reach = min(_REACH, round(0.6 * (columns.stop - columns.start))), min(_REACH, round(0.1 * (rows.stop - rows.start)))
    x, y = elsewhere(*details, here, mask, reach)
    there = slice(rows.start + y, rows.stop + y), slice(columns.start + x, columns.stop + x)
    moved, _ = rawness(details[0].part(here), details[1].part(there), mask)
    return (moved, (x, y)) if (x, y) != (0, 0) and moved.share >= RAW else (found, (0, 0))


def _mannequin(task: Task, candidate: Candidate, frame: Frame, before: Detail, mask: NDArray[np.bool_]) -> float | None:
    """How much of the original somebody of the same outline would show, in the colours of another of the frame."""
    others = [clip(np.array(other.box, float), task.size) for other in task.candidates if other is not candidate]
    others = [(x1, y1, x2, y2) for x1, y1, x2, y2 in others if x2 - x1 >= _FEW and y2 - y1 >= _FEW]
    if not others:
        return None
    x1, y1, x2, y2 = others[task.candidates.index(candidate) % len(others)]
    middle = frame[y1:y2, x1 + (x2 - x1) // 3 : x2 - (x2 - x1) // 3].astype(np.float32).mean(axis=1, keepdims=True)
    height, width = mask.shape
    colours = cv2.resize(middle, (width, height), interpolation=cv2.INTER_LINEAR)
    dressed = np.where(mask[..., None], np.rint(colours).astype(np.uint8), before.pixels)
    told, _ = rawness(before, detail(np.ascontiguousarray(dressed)), mask)
    return told.share


def _blobs(task: Task, details: tuple[Detail, Detail], motion: NDArray[np.bool_]) -> tuple[Sight, ...]:
    """What moves upright, is nobody's box and still shows the original."""
    if task.target == "face":
        return ()  # bodies show there, and a blob has no face
    known = np.concatenate([np.array([c.box for c in task.candidates]).reshape(-1, 4), task.things])
    found = []
    for x, y, w, h in upright_blobs(motion):
        box = np.array([[x, y, w, h]], float)
        if len(known) and iou(box, known).max() >= _SAME_PERSON:
            continue
        here = (slice(y, y + h), slice(x, x + w))
        said, _ = rawness(details[0].part(here), details[1].part(here), motion[here])
        blob = Candidate("", (x, y, w, h), "motion", h / task.size[1], 1.0)
        found.append(_said(task.number, blob, "motion", said))
    return tuple(found)


def _said(
    number: int,
    candidate: Candidate,
    how: str,
    found: Rawness,
    behind: float = 0.0,
    moved: tuple[int, int] = (0, 0),
    control: float | None = None,
) -> Sight:
    return Sight(
        number,
        candidate.track,
        candidate.source,
        candidate.box,
        candidate.score,
        candidate.visibility,
        how,
        round(behind, 4),
        found.pixels,
        found.told,
        found.share if enough_told(found) else None,
        finite(found.correlation),
        finite(found.slope),
        moved,
        control,
    )


@lru_cache(maxsize=2)
def _background(path: Path) -> NDArray[np.uint8]:
    return np.asarray(np.load(path, allow_pickle=False))
