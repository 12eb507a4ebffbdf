"""From sequences to plans: who is visible where, who is covered, and as whom."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from mot_anon.data import motchallenge
from mot_anon.methods.base import Wishes
from mot_anon.plan import regions as reg
from mot_anon.plan import silhouettes as looks
from mot_anon.plan.again import between_sights
from mot_anon.plan.borrowed import borrowed
from mot_anon.plan.camera import CameraPlan
from mot_anon.plan.camera_look import camera_look
from mot_anon.plan.edges import along_edges
from mot_anon.plan.generous import generous, reliable
from mot_anon.plan.identities import CAMERA_TRACK, CODE_SIZE, ISOMETRY, TRACKER, Embeddings, identity_codes
from mot_anon.plan.keys import Key
from mot_anon.plan.lingering import without_people
from mot_anon.plan.lost_heads import with_heads
from mot_anon.plan.moving import MOTION, drawn_already
from mot_anon.plan.overrides import Override
from mot_anon.plan.plate import Masks, Plate, make_plate, nobody_drawn_into_things, sampled
from mot_anon.plan.steadying import steadied
from mot_anon.plan.tracks import retracked, tracks_from_detections
from mot_anon.plan.unexplained import likely, unexplained, without, without_echoes
from mot_anon.plan.walkers import with_motion
from mot_anon.publish.by_hand import left_by_moves, overridden
from mot_anon.publish.cover import label_regions
from mot_anon.publish.guesses import confirmed, moving_somebody
from mot_anon.publish.heads import find_heads
from mot_anon.publish.holding import holding
from mot_anon.publish.portraits import find_portraits
from mot_anon.publish.recordings import Recording
from mot_anon.vision.cache import Tick, detect_sequence, embed_sequence, parse_sequence
from mot_anon.vision.detect import make_detector
from mot_anon.vision.face_detectors import AUTO

_LONGEST_GAP_SECONDS = 0.5
_BORROWED_SECONDS = 0.5  # how far away a frame may be that shows somebody whom the parser misses
_RIM_SECONDS = 1.0  # how long somebody may take to come into the frame
_LOOKS = 24  # of a track's sights, how many its embedding is the mean of
_PLAIN = 0.4  # visibility below which a sight says little of the person


@dataclass(frozen=True)
class Coverage:
    """Where candidates come from.

    Attributes
    ----------
    detector:
        Independent detector by name, or None.
    least_confidence:
        Public detections below it are no candidates; 0 is the decision boundary of DPM's and ACF's margins and passes
        every detector that publishes probabilities.
    overrides, overrides_path:
        ``--regions``.
    faces:
        Face detector by name (:func:`~mot_anon.vision.face_detectors.make_face_detector`), for targets face and both.
    """

    detector: str | None = "hog"
    least_confidence: float = 0.0
    overrides: tuple[Override, ...] = ()
    overrides_path: Path | None = None
    faces: str = AUTO


def plan_recording(
    recording: Recording,
    key: Key,
    policy: str,
    coverage: Coverage,
    progress: Callable[[str, int], Tick],
    target: str = "body",
    wishes: Wishes = Wishes(),  # noqa: B008
) -> CameraPlan:
    """Find everybody in a recording and give each track an identity code.

    Parameters
    ----------
    progress:
        Called as (what, number of frames); returns what is called once a frame.
    target:
        What will be replaced: it decides who counts as covered by somebody else's region.
    wishes:
        What the method needs.
    """
    sequence, name = recording.first, recording.name
    size = (sequence.width, sequence.height)
    gt = _union([view.gt() for view in recording.views], motchallenge.GT_COLUMNS)
    regions, things = _people(recording, gt, coverage, progress, target, wishes)
    regions = holding(sequence.frames, name, regions, size, progress)
    if target != "face":
        moves = moving_somebody(sequence.frames, name, regions, size, progress, parsed=wishes.silhouettes)
        regions = pd.concat([regions, moves], ignore_index=True)
    lines = [line for line in coverage.overrides if recording.meant(line.sequence)]
    regions = overridden(regions, recording, lines, coverage.overrides_path)
    if any(line.action == "move" for line in lines):
        found = candidates(recording, coverage, progress)
        more = left_by_moves(regions, things, lines, found, size, target, silhouettes=wishes.silhouettes)
        regions = _with_visibility(regions, more)
    regions = reg.mark_hidden(reg.order_far_to_near(regions), things, size, target)
    if policy == TRACKER and len(gt):
        regions = retracked(sequence.frames, regions, name, progress(f"tracks {name}", sequence.n_frames))
    heads, turned = None, None
    if target != "body":
        about = (sequence.frames, name, sequence.fps, size)
        regions, heads, turned = find_heads(*about, regions, coverage.faces, wishes, progress)
        regions = reg.order_far_to_near(regions.assign(_head=range(len(regions))))
    seen: dict[int, looks.Maps] = {}
    if wishes.silhouettes:
        regions, seen = _looked_at(recording, regions, size, progress, careful=not wishes.restored)
    if turned is not None:
        seen = _by_frame(regions, "_head", turned, np.zeros(len(regions), bool))
    if heads is not None:
        heads = heads.of(regions["_head"].to_numpy())
        regions = regions.drop(columns="_head")
    length, nobody_yet = sequence.n_frames, dict.fromkeys(regions["track"], np.zeros(CODE_SIZE, np.float16))
    plan = CameraPlan(recording.camera, name, size, length, regions, things, nobody_yet, 0, seen, heads=heads)
    if wishes.silhouettes and wishes.restored:
        plan = _with_background(plan, recording, target, progress)
        plan = replace(plan, portraits=find_portraits(sequence.frames, name, plan, progress))
    elif heads is not None and heads.torsos is not None:
        plate = _plate(recording, regions, size, progress)
        plan = replace(plan, plate=plate, look=camera_look(sequence.frames, regions, size))
    embeddings = _embeddings(recording, plan.regions, progress) if policy == ISOMETRY else None
    codes = identity_codes(policy, key, recording.camera, sorted(set(regions["track"])), embeddings)
    return replace(plan, codes=codes, recolouring=next(key.stream("recolor", recording.camera)))


def _people(
    recording: Recording,
    gt: pd.DataFrame,
    coverage: Coverage,
    progress: Callable[[str, int], Tick],
    target: str,
    wishes: Wishes,
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Regions of everybody whom ground truth or detectors know, and things in front of them."""
    sequence, name = recording.first, recording.name
    size = (sequence.width, sequence.height)
    detections = candidates(recording, coverage, progress)
    if len(gt):
        regions = reg.fill_gaps(reg.gt_regions(gt, name), round(_LONGEST_GAP_SECONDS * sequence.fps))
        things = reg.occluders(gt)
        visible = reg.mark_hidden(reg.order_far_to_near(regions), things, size, target)
        more = unexplained(detections, visible, things, size, target, silhouettes=wishes.silhouettes)
        if wishes.silhouettes:
            again = {"between": between_sights(more, sequence.fps, sequence.n_frames)}
            more = pd.concat([more, unexplained(again, visible, things, size, target, silhouettes=True)])
            rim = reg.coming_and_going(regions, round(_RIM_SECONDS * sequence.fps), sequence.n_frames, size)
            regions = confirmed(sequence.frames, name, regions, rim, progress)
        regions = _with_visibility(regions, more)
    else:
        tick = progress(f"tracks {name}", sequence.n_frames)
        regions = tracks_from_detections(sequence.frames, detections, name, sequence.fps, tick)
        things = pd.DataFrame(columns=reg.OCCLUDER_COLUMNS).astype({"frame": "int64"})
    return regions, things


def _with_background(
    plan: CameraPlan, recording: Recording, target: str, progress: Callable[[str, int], Tick]
) -> CameraPlan:
    """A plan with the look of the camera and a plate, as far as they are known.

    Its regions have the columns of :func:`_looked_at`.
    """
    regions, masks = plan.regions, _masks(plan, target)
    plate = _plate(recording, regions[~regions["nobody"]], plan.size, progress, masks)
    if plate is not None:
        regions = nobody_drawn_into_things(regions, plate, plan.size)
    look = camera_look(recording.first.frames, regions, plan.size)
    return replace(plan, plate=plate, regions=regions, look=look)


def _masks(plan: CameraPlan, target: str) -> Masks:
    """Who would be covered where, if a plan were rendered whose regions have a column ``loose``."""
    shown = plan.regions[plan.regions["kind"] != "hidden"]
    loose = {int(number): rows.to_numpy(bool) for number, rows in shown.groupby("frame")["loose"]}

    def masks(number: int) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
        regions = plan.frame(number)
        alone = loose.get(number, np.zeros(0, bool))
        known, strangers = ([regions[i] for i in np.flatnonzero(some)] for some in (~alone, alone))
        return label_regions(known, plan.size, target) >= 0, label_regions(strangers, plan.size, target) >= 0

    return masks


def _plate(
    recording: Recording,
    somebody: pd.DataFrame,
    size: tuple[int, int],
    progress: Callable[[str, int], Tick],
    masks: Masks | None = None,
) -> Plate | None:
    if "loose" not in somebody:
        somebody = somebody.assign(loose=somebody["track"] == CAMERA_TRACK)
    frames, fps = recording.first.frames, recording.first.fps
    tick = progress(f"background {recording.name}", len(sampled(len(frames))))
    plate = make_plate(frames, somebody, size, tick, seconds=len(frames) / fps, masks=masks)
    return None if plate is None else without_people(plate, frames, somebody, size)


def _looked_at(
    recording: Recording,
    regions: pd.DataFrame,
    size: tuple[int, int],
    progress: Callable[[str, int], Tick],
    *,
    careful: bool,
) -> tuple[pd.DataFrame, dict[int, looks.Maps]]:
    """The regions after the parser had its say, and what it saw of painted ones by frame.

    Columns are added: ``nobody``, where it is sure that nobody is, and ``loose``, who is somebody without a track.
    """
    from mot_anon.vision.parse import Parser

    frames = recording.first.frames
    packed = parse_sequence(frames, regions, Parser(), progress(f"parse {recording.name}", len(frames)))
    readings, drawn = looks.Readings.from_bytes(packed), None
    if not careful:
        drawn = with_motion(frames, regions, readings, progress(f"walk {recording.name}", len(frames)))
    steady = steadied(regions, readings, drawn)
    regions, steady = without_echoes(regions, steady, size, careful=careful)
    regions = looks.settled(looks.revealed(regions, steady, size, careful=careful), steady, size)
    regions, steady = without(drawn_already(regions, size), regions, steady)
    sure = looks.trusted(regions, steady, size, careful=careful)
    if careful:
        sure = reliable(regions, sure)
        steady = generous(regions, steady, sure)
    else:
        nearby = round(_BORROWED_SECONDS * recording.first.fps)
        steady = with_heads(regions, borrowed(regions, steady, sure, nearby), nearby)
        steady = along_edges(frames, regions, steady, progress(f"outlines {recording.name}", len(frames)))
    moves, loose = regions["source"] == MOTION, regions["track"] == CAMERA_TRACK
    regions = regions.assign(
        nobody=(regions["kind"] == "unsure") & (steady.scores < looks.NOBODY) & ~moves,
        loose=loose & (steady.scores >= looks.PERSON),
    )
    # Whoever has become a person stands among the others now.
    ordered = reg.order_far_to_near(regions.assign(_read=range(len(regions))))
    return ordered.drop(columns="_read"), _by_frame(ordered, "_read", steady, sure)


def _by_frame(
    regions: pd.DataFrame, column: str, steady: looks.Steady, sure: NDArray[np.bool_]
) -> dict[int, looks.Maps]:
    """Frame → what is seen of its regions but hidden ones; ``column`` says which row of ``steady`` is a region's."""
    shown = regions[regions["kind"] != "hidden"].groupby("frame", sort=True)[column]
    return {int(frame): looks.pack(steady, sure, rows.to_numpy()) for frame, rows in shown}


def _embeddings(recording: Recording, regions: pd.DataFrame, progress: Callable[[str, int], Tick]) -> Embeddings:
    """Track → what the identity network sees in it, the mean over sights that are spread over the track."""
    from mot_anon.gan.reader import IdentityReader

    plain = regions[(regions["track"] != CAMERA_TRACK) & (regions["kind"] == "person")]
    chosen = []
    for _, rows in plain.groupby("track", sort=True):
        clear = rows[rows["visibility"] >= min(_PLAIN, float(rows["visibility"].max()))].sort_values("frame")
        chosen.append(clear.iloc[:: -(-len(clear) // _LOOKS)])
    if not chosen:
        return {}
    table = pd.concat(chosen)
    tick = progress(f"looks {recording.name}", recording.first.n_frames)
    codes = embed_sequence(recording.first.frames, table, IdentityReader(), tick)
    tracks = table["track"].to_numpy(str)
    return {str(track): codes[tracks == track].mean(0, dtype="float64") for track in sorted(set(tracks))}


def candidates(
    recording: Recording, coverage: Coverage, progress: Callable[[str, int], Tick]
) -> dict[str, pd.DataFrame]:
    """Detector name → boxes that may be people: the public ones of all views, and an independent detector's."""
    found: dict[str, pd.DataFrame] = {}
    public = [view.detections() for view in recording.views if view.det_path is not None]
    if public:
        scored = [likely(table, coverage.least_confidence) for table in public]
        found["public"] = _union(scored, ["frame", "x", "y", "w", "h"])
    if coverage.detector is not None:
        tick = progress(f"detect {recording.name}", recording.first.n_frames)
        found[coverage.detector] = detect_sequence(recording.first.frames, make_detector(coverage.detector), tick)
    return {name: table[(table["w"] > 0) & (table["h"] > 0)] for name, table in found.items()}


def _union(tables: list[pd.DataFrame], by: list[str]) -> pd.DataFrame:
    filled = [table for table in tables if len(table)]
    if not filled:
        return tables[0]
    return pd.concat(filled, ignore_index=True).drop_duplicates(by).sort_values(by, ignore_index=True)


def _with_visibility(regions: pd.DataFrame, more: pd.DataFrame) -> pd.DataFrame:
    return pd.concat([regions, more.assign(visibility=1.0)], ignore_index=True) if len(more) else regions
