"""What the renderer knew and did, as far as a tree's record tells: it excuses changes, and convicts nobody."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from mot_anon.data.sequence import Sequence
from mot_anon.errors import OptionError
from mot_anon.measure.audit import candidates as who
from mot_anon.measure.audit.labels import IdMaps
from mot_anon.measure.audit.tree import Pair
from mot_anon.methods.base import Wishes, make_method
from mot_anon.plan.loose_faces import loose_regions
from mot_anon.plan.tracks import tracks_from_detections
from mot_anon.progress import Report
from mot_anon.publish.settings import SILHOUETTE
from mot_anon.vision.cache import detect_sequence
from mot_anon.vision.detect import make_detector
from mot_anon.vision.face_detectors import make_face_detector
from mot_anon.vision.faces import face_sequence


def rendered(
    original: Sequence, public: pd.DataFrame, record: dict[str, Any], report: Report, *, tracked: bool
) -> list[pd.DataFrame]:
    """Boxes beyond ours in which the renderer may have painted: its own detector's, and its tracks without gt.

    They excuse changes of the background and are never asked whether somebody is covered.
    """
    name = record.get("coverage", {}).get("detector")
    found = {"public": public} if original.det_path is not None else {}
    if name:
        tick = report(f"detect {original.name}", original.n_frames)
        found[name] = detect_sequence(original.frames, make_detector(name), tick)
    if not tracked or not found:
        return list(found.values())
    tick = report(f"tracks {original.name}", original.n_frames)
    return [tracks_from_detections(original.frames, found, original.name, original.fps, tick)]


def loose_faces(original: Sequence, places: list[pd.DataFrame], record: dict[str, Any], report: Report) -> pd.DataFrame:
    """Where the renderer may have found faces that nobody is known to have, and painted them."""
    name = record.get("coverage", {}).get("faces")
    detector = make_face_detector(name) if name and record.get("target") != "body" else None
    if detector is None:
        return places[0].iloc[:0]
    boxes = pd.concat(
        [table[["frame", *who.BOX]] for table in places if len(table)] or [places[0][["frame", *who.BOX]]]
    )
    boxes = boxes.drop_duplicates(ignore_index=True)
    tick = report(f"faces {original.name}", original.n_frames)
    found = face_sequence(original.frames, boxes, detector, tick).assign(loose=True)
    nobody = pd.DataFrame(columns=["frame", "kind"])
    longest = round(who.LONGEST_GAP_SECONDS * original.fps)
    return loose_regions(found, np.zeros((0, 4)), nobody, original.name, longest, original.n_frames)


def draws_faces(record: dict[str, Any]) -> bool:
    """Whether faces were drawn into heads whose hair stays."""
    if record.get("target") != "face":
        return False
    try:
        method = make_method(str(record.get("method")), None, "face")
    except OptionError:
        return False
    wishes = Wishes.of(method, "face")
    return wishes.faces and not wishes.heads


def wants_silhouettes(record: dict[str, Any]) -> bool:
    """Whether people were covered where a parser saw them, which may lie beyond their boxes."""
    if dict(record.get("parameters") or {}).get("shape") == SILHOUETTE:
        return True
    try:
        return make_method(str(record.get("method"))).wants_silhouettes
    except OptionError:
        return False  # a plug-in that is not installed here: its changes are held to the boxes


def hidden(gt: pd.DataFrame, views: list[Pair], record: dict[str, Any], ids: IdMaps) -> set[tuple[int, str]]:
    """(frame, track) of whom both ground truth and the record say that nothing can be seen."""
    rows = gt[gt["visibility"] == 0]
    unseen = {(int(frame), str(identity)) for frame, identity in rows[["frame", "id"]].itertuples(index=False)}
    listed: set[tuple[int, str]] = set()
    said = {entry["sequence"]: entry.get("hidden", {}) for entry in record.get("sequences", [])}
    for view in views:
        back = {str(new): str(old) for old, new in ids.maps.get(view.name, {}).items()}
        for track, frames in said.get(view.name, {}).items():
            listed |= {(int(frame), back.get(track, track)) for frame in frames}
    return unseen & listed
