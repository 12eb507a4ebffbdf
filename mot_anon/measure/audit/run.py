"""The audit from end to end: files, labels, ids, digests, views, then every frame."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterable
from collections.abc import Sequence as Rows
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pandas as pd

from mot_anon import __version__
from mot_anon.data.sequence import Sequence
from mot_anon.errors import OutputError
from mot_anon.measure.audit import candidates as who
from mot_anon.measure.audit import renderer
from mot_anon.measure.audit import tree as files
from mot_anon.measure.audit.beside import beside
from mot_anon.measure.audit.detail import RAW, ROUGH
from mot_anon.measure.audit.face_verdicts import (
    face_findings,
    face_groups,
    face_sheet,
    faces_of,
    judge_faces,
    raw_only,
)
from mot_anon.measure.audit.findings import DOUBT, ERROR, Audit, Finding
from mot_anon.measure.audit.frames import Judged, Task, judge_frame
from mot_anon.measure.audit.labels import IdMaps, check_ids, check_labels
from mot_anon.measure.audit.likeness import ENOUGH
from mot_anon.measure.audit.missed import contact_sheet, grouped, worklist
from mot_anon.measure.audit.sights import Candidate, FaceSight, Sight
from mot_anon.measure.audit.tree import Pair
from mot_anon.measure.audit.verdicts import HAIR, background, missed, notes, outside, uncovered
from mot_anon.plan.keys import Key
from mot_anon.plan.overrides import Override
from mot_anon.plan.unexplained import likely
from mot_anon.progress import Report
from mot_anon.publish.executors import executor_for
from mot_anon.publish.recordings import meant
from mot_anon.vision.cache import detect_sequence, frames_digest
from mot_anon.vision.detect import Detector, HogDetector, make_detector
from mot_anon.vision.motion import still_background

JSON, WORKLIST, SHEET, FACE_SHEET = "audit.json", "worklist.csv", "missed.png", "faces.png"
_SENSITIVE_HOG = 0.2  # lower than what the renderer uses, so as to see more than it did


@dataclass(frozen=True)
class Question:
    """What is to be audited, and how.

    Attributes
    ----------
    detector:
        Independent detector by name, or None.
    overrides:
        ``--regions`` of the published tree.
    key:
        What must stand in no file, or None.
    reviewed_by:
        Who has looked at the doubts.
    workers:
        Processes; None for as many as there are cores.
    """

    detector: str | None = "hog"
    overrides: tuple[Override, ...] = ()
    key: Key | None = field(default=None, repr=False)
    reviewed_by: str | None = None
    workers: int | None = None


def audit(
    originals: Rows[Sequence],
    tree: Path,
    question: Question,
    out: Path,
    report: Report,
    not_published: Iterable[str] = (),
) -> Audit:
    """Check a published tree against the original, and write ``audit.json``, the worklist and pictures to ``out``.

    Parameters
    ----------
    originals:
        With frames.
    tree:
        The published tree; it is only read.
    not_published:
        Names of originals that are not in the tree; to be stated.
    out:
        An empty or new folder outside both trees; it gets mode 0700, since what it holds shows original people.

    Raises
    ------
    NotFoundError, OutputError
        See :mod:`mot_anon.errors`.
    """
    _prepare(out, tree, originals)
    record, findings = files.read_record(tree)
    pairs, faults = files.match_sequences(originals, tree, record)
    findings += faults
    count, faults = files.check_files(tree, pairs, record, question.key, report("files", _count(tree)))
    findings += faults + files.check_digests(pairs, record)
    permuted = bool(record.get("ids_permuted"))
    ids, faults = check_labels(pairs, permuted=permuted)
    findings += faults + (check_ids(pairs, ids) if permuted else [])
    groups = _recordings(pairs)
    findings += files.check_views(groups)

    sights: list[tuple[str, Sight]] = []
    alone: list[tuple[str, Sight]] = []
    faces: list[tuple[str, FaceSight]] = []
    backgrounds, spoken, checked = [], list[str](), set[tuple[str, str]]()
    least = HAIR if renderer.draws_faces(record) else RAW
    for views in groups:
        name = views[0].name
        judged, still, sticking = _judge(views, record, ids, question, report)
        findings += sticking
        findings += [Finding(ERROR, "frames", j.fault, name, j.number) for j in judged if j.fault]
        findings += outside(name, judged)
        backgrounds.append(background(name, judged, still))
        for sight in (sight for j in judged for sight in (*j.sights, *j.moved)):
            certain = sight.source not in ("detection", "motion")
            if certain:
                sights.append((name, sight))
                findings += uncovered(name, sight, least)
            elif sight.raw is not None and sight.raw >= ROUGH:
                alone.append((name, sight))
        if record.get("target") in ("face", "both"):
            seen, controls, said = judge_faces(name, [look for j in judged for look in j.faces])
            faces += [(name, face) for face in seen]
            checked |= {(name, control.judge) for control in controls if control.strangers >= ENOUGH}
            spoken += said
    people, heads = grouped(alone), face_groups(faces)
    findings += face_findings(heads, checked)
    findings += [
        Finding(DOUBT, "missed", missed(group.best, len(group.sights)), group.sequence, group.best.frame)
        for group in people
    ]
    found = Audit(
        __version__,
        {name: record.get(name) for name in ("method", "parameters", "control", "target", "policy", "ids_permuted")},
        question.reviewed_by,
        len(pairs),
        sum(pair.original.n_frames for pair in pairs),
        count,
        tuple(findings),
        tuple(sights),
        tuple((group.sequence, sight) for group in people for sight in group.sights),
        tuple(backgrounds),
        tuple(sorted(not_published)),
        (*notes(question.detector, question.key is not None, backgrounds, sights), *spoken),
        tuple((group.sequence, face) for group in heads for face in faces_of(group)),
    )
    (out / JSON).write_text(json.dumps(found.to_json(), indent=1) + "\n", encoding="utf-8")
    (out / WORKLIST).write_text(worklist([*people, *raw_only(heads)]), encoding="utf-8")
    published = {pair.name: [pair.frame(n) for n in range(1, pair.original.n_frames + 1)] for pair in pairs}
    if people:
        cv2.imwrite(str(out / SHEET), contact_sheet(people, published))
    if heads:
        cv2.imwrite(str(out / FACE_SHEET), face_sheet(heads, {p.name: p.original.frames for p in pairs}, published))
    return found


def _prepare(out: Path, tree: Path, originals: Iterable[Sequence]) -> None:
    place = out.resolve()
    for other in (tree.resolve(), *(sequence.path.resolve() for sequence in originals)):
        if place == other or other in place.parents or place in other.parents:
            raise OutputError(
                f"{out}: is, contains or lies in {other}; the audit writes beside the trees, choose --out"
            )
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise OutputError(f"{out}: is already there; choose another --out, or replace it with --overwrite")
    out.mkdir(parents=True, exist_ok=True)
    out.chmod(0o700)


def _count(tree: Path) -> int:
    return sum(1 for path in tree.rglob("*") if not path.is_dir() or path.is_symlink())


def _recordings(pairs: list[Pair]) -> list[list[Pair]]:
    """Pairs of one camera whose originals show the very same frames."""
    groups: dict[tuple[str, str], list[Pair]] = {}
    for pair in pairs:
        groups.setdefault((pair.original.camera, frames_digest(pair.original.frames)), []).append(pair)
    return list(groups.values())


def _judge(
    views: list[Pair], record: dict[str, Any], ids: IdMaps, question: Question, report: Report
) -> tuple[list[Judged], bool, list[Finding]]:
    first = views[0]
    original = first.original
    gt = _together([view.original.gt() for view in views])
    people = who.labelled(gt, original.fps)
    least = float(record.get("coverage", {}).get("least_confidence", 0.0))
    public = _together(
        [likely(view.original.detections(), least) for view in views if view.original.det_path is not None]
    )
    independent = public.iloc[:0]
    if question.detector is not None:
        tick = report(f"detect {original.name}", original.n_frames)
        independent = detect_sequence(original.frames, _detector(question.detector), tick)
    public = public[(public["w"] > 0) & (public["h"] > 0)]
    lines = [o for o in question.overrides if meant(o.sequence, original.camera, [view.name for view in views])]
    moves, others = ([o for o in lines if (o.action == "move") == move] for move in (True, False))
    people = who.overridden(people, moves)  # who was under a label that was moved is nobody's any more
    everybody = who.overridden(_together([people, who.detected(public, independent, people)]), others)
    used = renderer.rendered(original, public, record, report, tracked=not len(gt))
    places = [people, public, independent, everybody, *used]
    silhouettes = renderer.wants_silhouettes(record)
    if silhouettes:
        # As publishing looks for them: among what labels do not explain, and, since that is judged by more, among all.
        places.append(who.sighted_again([everybody[everybody["track"] == ""], public, *used], original))
    places.append(who.coming_and_going(gt, original))
    places.append(renderer.loose_faces(original, places, record, report))
    still, sticking = still_background(original.frames), list[Finding]()
    if record.get("target", "body") != "face":
        numbers = range(1, original.n_frames + 1)
        after = [first.frame(number) for number in numbers]
        tick = report(f"beside {original.name}", original.n_frames)
        sticking = beside(first.name, original.frames, after, people, [everybody], still, tick)
    with tempfile.TemporaryDirectory() as folder:
        stored = Path(folder) / "background.npy" if still is not None else None
        if stored is not None and still is not None:
            np.save(stored, still)
        tasks = [
            Task(
                number,
                original.frames[number - 1],
                first.frame(number),
                (original.width, original.height),
                tuple(
                    Candidate(row.track, (row.x, row.y, row.w, row.h), row.source, row.score, row.visibility)
                    for row in everybody[everybody["frame"] == number].itertuples()
                    if (row.frame, row.track) not in hidden
                ),
                who.things_in_front(gt, number),
                who.allowed_boxes(places, number, silhouettes=silhouettes),
                str(record.get("target", "body")),
                stored,
            )
            for hidden in [renderer.hidden(gt, views, record, ids)]
            for number in range(1, original.n_frames + 1)
            if first.there(number)
        ]
        judged = _run(tasks, question.workers, report(f"compare {original.name}", len(tasks)))
        return judged, still is not None, sticking


def _run(tasks: list[Task], workers: int | None, tick: Any) -> list[Judged]:
    found = []
    with executor_for(len(tasks), workers) as executor:
        for future in [executor.submit(judge_frame, task) for task in tasks]:
            found.append(future.result())
            tick()
    return found


def _together(tables: list[pd.DataFrame]) -> pd.DataFrame:
    filled = [table for table in tables if len(table)]
    if not filled:
        return tables[0] if tables else pd.DataFrame(columns=["frame", "x", "y", "w", "h", "confidence"], dtype=float)
    return pd.concat(filled, ignore_index=True).drop_duplicates(ignore_index=True)


def _detector(name: str) -> Detector:
    return HogDetector(_SENSITIVE_HOG) if name == "hog" else make_detector(name)
