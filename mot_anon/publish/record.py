"""``anonymization.json``: what was done to a published tree, without a trace of how to undo it."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Mapping
from collections.abc import Sequence as Rows
from pathlib import Path
from typing import Any

from mot_anon import __version__
from mot_anon.data.frames import EXTENSIONS, JPEG_QUALITY
from mot_anon.data.sequence import Sequence
from mot_anon.methods.base import Method
from mot_anon.plan.camera import CameraPlan
from mot_anon.publish.labels import IdMap
from mot_anon.publish.settings import SILHOUETTE

NAME = "anonymization.json"
ATTRIBUTION = "LICENSE-SOURCE.txt"
SCHEMA = 1
BY_HAND = "by hand"  # who has no name but one that somebody gave
FILE_TIME = 946_684_800
"""Modification time of everything that is published, 2000-01-01T00:00:00Z: when it was made is nobody's business."""


def warnings_for(
    method: Method,
    target: str,
    policy: str,
    detector: str | None,
    sequences: Rows[Sequence],
    shape: str | None = None,
) -> tuple[str, ...]:
    """What whoever publishes or uses the tree must know about what was done and what was not."""
    notes = []
    if method.control:
        notes.append(f"method {method.name} is a control and protects nobody: the tree is there to compare with")
    if not method.uses_identity:
        notes.append(f"method {method.name} gives nobody another identity: the policy {policy} changes nothing")
    if method.name == "blur":
        notes.append("blur leaves near faces recognisable to those who know them: solid and pixelate do not")
    if target == "face":
        notes.append("target face leaves clothes, build and gait: people can still be recognised and linked by them")
    if shape == SILHOUETTE and not method.wants_silhouettes:
        notes.append("shape silhouette shows outlines, and so build and gait: whole boxes hide more of them")
    if detector is None:
        notes.append("no independent detector ran: whoever labels and public detections lack is as they were")
    if any(EXTENSIONS[s.frames[0].suffix.lower()] == "jpeg" for s in sequences):
        notes.append(f"JPEG frames are re-encoded whole at quality {JPEG_QUALITY}, so the background changes slightly")
    partial = [s.name for s in sequences if s.partial]
    if partial:
        notes.append(f"fewer frames than seqinfo.ini promised: {', '.join(partial)}")
    return tuple(notes)


def sequence_entry(
    sequence: Sequence, plan: CameraPlan, digests: Mapping[int, str], id_map: IdMap | None
) -> dict[str, Any]:
    """One sequence's part of the record; ``digests`` are SHA-256 (hex) by frame number."""
    counts = plan.counts()
    return {
        "sequence": sequence.name,
        "camera": sequence.camera,
        "frames": sequence.n_frames,
        "width": sequence.width,
        "height": sequence.height,
        "tracks": counts.pop("tracks"),
        "regions": counts,
        "hidden": published_hidden(plan, id_map),
        "sha256": {path.name: digests[number] for number, path in enumerate(sequence.frames, start=1)},
    }


def published_hidden(plan: CameraPlan, id_map: IdMap | None) -> dict[str, list[int]]:
    """Id as published → frames in which that person is not painted, because nothing of them can be seen.

    Names that somebody gave by hand are not published.
    """
    by_hand = set(plan.regions.loc[plan.regions["source"] == "manual", "track"])
    by_hand -= set(plan.regions.loc[plan.regions["source"] != "manual", "track"])
    hidden: dict[str, list[int]] = {}
    for track, frames in plan.hidden().items():
        name = track.removeprefix(f"{plan.recording}:")
        if track in by_hand:
            name = BY_HAND
        elif id_map is not None and name.isascii() and name.isdigit():
            name = str(id_map[int(name)])
        hidden[name] = sorted({*hidden.get(name, []), *frames})
    return dict(sorted(hidden.items(), key=lambda item: (len(item[0]), item[0])))


def record_bytes(record: dict[str, Any]) -> bytes:
    """The file's contents."""
    text = json.dumps(record, indent=1, ensure_ascii=False)
    text = re.sub(r"\[\s[\d,\s]+\]", lambda numbers: re.sub(r"\s+", "", numbers[0]), text)  # frames on one line
    return f"{text}\n".encode()


def header(
    method: Method, target: str, policy: str, parameters: Mapping[str, float | int | str], **more: Any
) -> dict[str, Any]:
    """The record's first part; ``parameters`` are those of :func:`~mot_anon.publish.settings.parameters_of`."""
    return {
        "schema": SCHEMA,
        "tool": "mot_anon",
        "version": __version__,
        "method": method.name,
        "parameters": dict(parameters),
        "control": method.control,
        "target": target,
        "policy": policy,
        "policy_applies": method.uses_identity,
        "encoding": {"jpeg": f"re-encoded whole at quality {JPEG_QUALITY}", "png": "lossless"},
        "file_times": "all 2000-01-01T00:00:00Z, on purpose",
        **more,
    }


def seal(tree: Path) -> None:
    """Give every file and folder of a tree the same modification time, and modes that let everybody read."""
    for path in [*tree.rglob("*"), tree]:
        path.chmod(0o755 if path.is_dir() else 0o644)
    # Folders last, deepest first: whatever happens inside one changes its time.
    for path in sorted([*tree.rglob("*"), tree], key=lambda p: (p.is_dir(), -len(p.parts))):
        os.utime(path, (FILE_TIME, FILE_TIME))
