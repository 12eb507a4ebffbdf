"""Published labels against the original's: the same rows, and ids that are permuted where they should be."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path

import pandas as pd

from mot_anon.data import motchallenge
from mot_anon.data.seqinfo import SeqInfo
from mot_anon.errors import MotAnonError
from mot_anon.measure.audit.findings import DOUBT, ERROR, Finding
from mot_anon.measure.audit.tree import Pair

_TELLING = 5  # ids, from which on an unchanged order is no chance (1 in 120)
_BOX = ["frame", "x", "y", "w", "h"]


@dataclass(frozen=True)
class IdMaps:
    """Original id → published id, for every sequence, as its boxes show it."""

    maps: dict[str, dict[int, int]]


def check_labels(pairs: Iterable[Pair], *, permuted: bool) -> tuple[IdMaps, list[Finding]]:
    """Compare ``seqinfo.ini``, ground truth and detections of every pair; see :func:`check_ids` for the ids."""
    findings: list[Finding] = []
    maps: dict[str, dict[int, int]] = {}
    for pair in pairs:
        findings += _seqinfo(pair)
        for part in ("gt", "det"):
            path = pair.published / part / f"{part}.txt"
            source = pair.original.gt_path if part == "gt" else pair.original.det_path
            if source is None or not path.is_file():
                continue  # a missing file is named by check_files
            try:
                before, after = _rows(pair, source, part), _rows(pair, path, part)
            except MotAnonError as error:
                findings.append(Finding(ERROR, "labels", str(error), pair.name))
                continue
            fault = _differ(before, after)
            if fault:
                findings.append(Finding(ERROR, "labels", f"{part}/{part}.txt: {fault[1]}", pair.name, fault[0]))
            elif part == "gt":
                maps[pair.name], faults = _id_map(pair.name, before, after, permuted=permuted)
                findings += faults
    return IdMaps(maps), findings


def check_ids(pairs: Iterable[Pair], ids: IdMaps) -> list[Finding]:
    """Ids that should have been permuted: none may be as they were, and two cameras' must differ."""
    findings = []
    merged: dict[str, dict[int, int]] = {}
    names: dict[str, str] = {}
    for pair in pairs:
        merged.setdefault(pair.original.camera, {}).update(ids.maps.get(pair.name, {}))
        names.setdefault(pair.original.camera, pair.name)
    for camera, found in merged.items():
        if len(found) > 1 and all(old == new for old, new in found.items()):
            severity = ERROR if len(found) >= _TELLING else DOUBT
            message = f"all {len(found)} ids are as they were, though {_SAID}"
            findings.append(Finding(severity, "ids", message, names[camera]))
    for one, two in combinations(sorted(merged), 2):
        common = merged[one].keys() & merged[two].keys()
        moved = any(merged[one][old] != old for old in common)
        if len(common) >= _TELLING and moved and all(merged[one][old] == merged[two][old] for old in common):
            message = f"its ids were permuted as those of camera {one}, so that the same number means the same id"
            findings.append(Finding(ERROR, "ids", message, names[two]))
    return findings


_SAID = "the record says that ids were permuted"


def _seqinfo(pair: Pair) -> list[Finding]:
    try:
        info = SeqInfo.read(pair.published / "seqinfo.ini")
    except MotAnonError as error:
        return [Finding(ERROR, "labels", str(error), pair.name)]
    if not info.values:
        return []  # a missing file is named by check_files
    original = pair.original
    wanted = {
        "name": original.name,
        "imDir": "img1",
        "frameRate": f"{original.fps:g}",
        "seqLength": str(original.n_frames),
        "imWidth": str(original.width),
        "imHeight": str(original.height),
        "imExt": original.frames[0].suffix,
    }
    findings = [
        Finding(ERROR, "labels", f"seqinfo.ini: {name}={info.values.get(name)}, the original has {value}", pair.name)
        for name, value in wanted.items()
        if info.values.get(name) != value
    ]
    for name in sorted(info.values.keys() - wanted.keys()):
        findings.append(Finding(ERROR, "labels", f"seqinfo.ini: {name} should not be there", pair.name))
    return findings


def _rows(pair: Pair, path: Path, part: str) -> pd.DataFrame:
    n, partial = pair.original.n_frames, path != pair.published / part / f"{part}.txt" and pair.original.partial
    if part == "gt":
        return motchallenge.read_gt(path, n_frames=n, partial=partial)
    return motchallenge.read_detections(path, n_frames=n, partial=partial)


def _differ(before: pd.DataFrame, after: pd.DataFrame) -> tuple[int | None, str] | None:
    """The first frame in which rows differ in more than ids, and how."""
    if len(before) != len(after):
        return None, f"{len(after)} rows where the original has {len(before)}"
    columns = [name for name in before.columns if name != "id"]
    one, two = (table[columns].sort_values(columns, ignore_index=True) for table in (before, after))
    unlike = (one != two).any(axis=1).to_numpy()
    if not unlike.any():
        return None
    frame = int(min(one["frame"][unlike].min(), two["frame"][unlike].min()))
    return frame, f"{int(unlike.sum())} rows have other numbers than the original"


def _id_map(
    name: str, before: pd.DataFrame, after: pd.DataFrame, *, permuted: bool
) -> tuple[dict[int, int], list[Finding]]:
    # A box that several people share says nothing about who is who.
    alone = [table[~table.duplicated(_BOX, keep=False)] for table in (before, after)]
    joined = alone[0].merge(alone[1], on=_BOX, suffixes=("", "_new"))[["id", "id_new"]].drop_duplicates()
    findings = []
    for what, column in (("got several ids", "id"), ("share an id", "id_new")):
        twice = joined[joined.duplicated(column, keep=False)]
        if len(twice):
            message = f"tracks {', '.join(map(str, sorted(set(twice['id']))[:5]))} {what}; tracking cannot be scored"
            findings.append(Finding(ERROR, "ids", message, name, None, str(int(twice["id"].min()))))
    found = {int(old): int(new) for old, new in joined.itertuples(index=False)}
    changed = sorted(old for old, new in found.items() if old != new)
    if changed and not permuted:
        message = f"{len(changed)} ids were changed, though the record does not say that ids were permuted"
        findings.append(Finding(ERROR, "ids", message, name, None, str(changed[0])))
    return found, findings
