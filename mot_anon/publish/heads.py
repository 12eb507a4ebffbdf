"""From regions to heads: faces are looked for, joined with people, and read."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd

from mot_anon.methods.base import Wishes
from mot_anon.plan import faces as whose
from mot_anon.plan.edges import along_edges
from mot_anon.plan.heads import Heads, drawn_heads, outlines
from mot_anon.plan.loose_faces import loose_regions
from mot_anon.plan.seen_heads import behind_somebody, known_already, seen_heads
from mot_anon.plan.silhouettes import Readings, Steady
from mot_anon.plan.torsos import torso_maps
from mot_anon.plan.turned_heads import turned_heads, turned_windows
from mot_anon.publish.complexion import complexions
from mot_anon.vision.cache import Tick, parse_sequence
from mot_anon.vision.face_detectors import make_face_detector
from mot_anon.vision.faces import face_sequence, landmark_sequence

_LONGEST_GAP_SECONDS = 0.5
_FOUND = ["frame", "x", "y", "w", "h", "confidence"]


def find_heads(
    frames: Sequence[Path],
    name: str,
    fps: float,
    size: tuple[int, int],
    regions: pd.DataFrame,
    detector: str,
    wishes: Wishes,
    progress: Callable[[str, int], Tick],
) -> tuple[pd.DataFrame, Heads, Steady | None]:
    """Where the heads of all regions are, and regions for faces that nobody is known to have.

    Parameters
    ----------
    frames, name, fps, size:
        Of the recording.
    regions:
        Everybody, hidden or not.
    detector:
        ``--faces``.
    wishes:
        What the method needs; beside silhouettes no more than found faces are covered.

    Returns
    -------
    The regions with those of more faces at the end, and in that order their heads, and for methods that draw faces,
    what is drawn of those whose face cannot be read.
    """
    drawn, tight = wishes.faces, wishes.silhouettes
    longest = round(_LONGEST_GAP_SECONDS * fps)
    own, marked = whose.owned_faces(_found(frames, name, regions, detector, progress), regions)
    regions = whose.unhidden(regions, own)
    faces = whose.bridged(own, regions, longest)
    seen = np.full((len(regions), 4), np.nan)
    sure, face_only = np.zeros((2, len(regions)), bool)
    readings = None
    if not tight and len(regions):
        from mot_anon.vision.parse import Parser

        packed = parse_sequence(frames, regions, Parser(), progress(f"heads {name}", len(frames)))
        readings = Readings.from_bytes(packed)
        seen, sure = seen_heads(readings, regions, longest)
        if drawn:
            seen[behind_somebody(regions, readings, seen, faces)] = np.nan
            regions = whose.settled(regions, readings.scores, seen, own, faces, size)
            covered = whose.head_boxes(regions, faces, seen, sure, drawn=True)
            # A detection that turned out to be of nobody is not somebody who is hidden.
            kept = ~((regions["kind"] == "hidden") & (regions["source"] == "detection")).to_numpy()
            gone = whose.sure_to_go(covered, faces)
            nothing, face_only = known_already(regions, readings, covered, gone, seen, faces, size)
            kept &= ~nothing
            regions, faces, seen = regions[kept].reset_index(drop=True), faces[kept], seen[kept]
            sure, face_only = sure[kept], face_only[kept]
            readings = readings.of(np.flatnonzero(kept))
    if tight:
        boxes = whose.found_or_usual(regions, faces)
    else:
        boxes = whose.head_boxes(regions, faces, seen, sure, drawn=drawn)
        for row in np.flatnonzero(face_only):
            boxes[row] = whose.roomy_face(faces[row])
    gone = whose.sure_to_go(boxes, faces) if drawn else boxes
    more = loose_regions(marked, gone, regions, name, longest, len(frames))
    if len(more):
        regions = pd.concat([regions, more[regions.columns]], ignore_index=True)
        places = more[["x", "y", "w", "h"]].to_numpy(float)
        faces = np.concatenate([faces, whose.inner_face(places)])
        seen = np.concatenate([seen, np.full_like(places, np.nan)])
        boxes = np.concatenate([boxes, places])
        face_only = np.concatenate([face_only, np.ones(len(more), bool)])
    if not drawn:
        return regions, Heads(boxes, np.isfinite(faces[:, 0])), None
    heads = _read(frames, name, regions, (boxes, faces, seen), readings, progress, whole=wishes.heads)
    assert heads.usable is not None
    # What a detector takes for a face where nobody's head is expected is often a hand: no head is drawn on it.
    regions = regions.assign(kind=np.where(face_only & ~heads.usable, "unsure", regions["kind"]))
    if readings is None:
        return regions, heads, None
    assert heads.windows is not None
    turned = turned_heads(regions, faces, heads.usable, readings, longest)
    turned = along_edges(frames, regions, turned, progress(f"outlines {name}", len(frames)))
    missed = ~heads.usable & np.isnan(seen[:, 0]) & np.isnan(faces[:, 0])
    return regions, replace(heads, windows=turned_windows(regions, turned, heads.windows, missed)), turned


def _found(
    frames: Sequence[Path], name: str, regions: pd.DataFrame, detector: str, progress: Callable[[str, int], Tick]
) -> pd.DataFrame:
    """All faces that a detector finds: columns frame, x, y, w, h, confidence."""
    finder = make_face_detector(detector)
    if finder is None:
        return pd.DataFrame(columns=_FOUND).astype({"frame": "int64"})
    return face_sequence(frames, regions, finder, progress(f"faces {name}", len(frames)))


def _read(
    frames: Sequence[Path],
    name: str,
    regions: pd.DataFrame,
    places: tuple[whose.Boxes, whose.Boxes, whose.Boxes],
    readings: Readings | None,
    progress: Callable[[str, int], Tick],
    *,
    whole: bool,
) -> Heads:
    """The heads of all regions as a method draws them; ``places``: what is covered, found faces, seen heads."""
    from mot_anon.vision.landmarks import LandmarkReader

    boxes, faces, seen = places
    there = np.isfinite(faces[:, 0])
    table = pd.DataFrame(faces[there], columns=["x", "y", "w", "h"]).assign(frame=regions["frame"].to_numpy()[there])
    read = landmark_sequence(frames, table, LandmarkReader(), progress(f"landmarks {name}", len(frames)))
    heads = drawn_heads(regions, boxes, faces, seen, read, whole=whole)
    if readings is None:
        return heads
    assert heads.windows is not None
    assert heads.usable is not None
    maps = outlines(regions, heads.windows, readings, heads.usable) if whole else None
    heads = replace(heads, torsos=torso_maps(regions, heads.boxes, seen, readings), maps=maps)
    return replace(heads, skin=complexions(frames, regions, heads, progress(f"skin {name}", len(frames))))
