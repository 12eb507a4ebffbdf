"""Publishing from end to end: refuse, analyse, plan, render, check, put in place.

The output is built in a work folder beside its destination (:mod:`mot_anon.publish.work`) and renamed at the very end:
it is there whole or not at all, and a run that was stopped goes on where it was.
"""

from __future__ import annotations

import errno
import hashlib
import json
from collections.abc import Callable, Mapping
from concurrent.futures import BrokenExecutor, Executor
from contextlib import nullcontext
from pathlib import Path
from typing import Any

from mot_anon.data.sequence import Sequence, unknown_files
from mot_anon.errors import CoverageError, InputError, MotAnonError, OutputError
from mot_anon.methods.base import Method, Wishes
from mot_anon.plan.keys import Key
from mot_anon.publish import checks, datasheet, record
from mot_anon.publish.analyse import plan_recording
from mot_anon.publish.executors import executor_for
from mot_anon.publish.frames import FrameTask, render_all, write_atomically
from mot_anon.publish.labels import IdMap, label_files, permuted_ids
from mot_anon.publish.recordings import Recording, recordings_of
from mot_anon.publish.settings import SILHOUETTE, Published, Settings, parameters_of, request_of
from mot_anon.publish.verify import verify_tree
from mot_anon.publish.work import Work, opened, work_folder
from mot_anon.vision.cache import Tick
from mot_anon.vision.face_detectors import advice, chosen_detector

__all__ = ["Progress", "Published", "Settings", "publish"]

Progress = Callable[[str, int], Tick]
"""Called with what begins and its number of steps; returns what is called after every step."""


def publish(
    sequences: list[Sequence],
    out: Path,
    key: Key | None,
    settings: Settings,
    progress: Progress,
    executor: Executor | None = None,
) -> Published:
    """Replace everybody in the sequences and write them to ``out`` as a MOTChallenge tree.

    Parameters
    ----------
    key:
        What identities derive from; None draws a fresh one, which is destroyed at the end.
    executor:
        Where frames are rendered, for example a cluster's; it must see the same files.  None makes one of
        ``settings.workers``.

    Raises
    ------
    InputError
        Something that was asked for or read cannot be used; nothing was published.
    CoverageError
        Somebody would have been left raw; nothing was published.
    OutputError
        The destination cannot be written, is in use, or holds another run's work.
    """
    method = checks.checked_method(
        settings.method, settings.strength, settings.target, settings.shape, control=settings.control
    )
    checks.check_options(settings.policy, settings.workers)
    checks.check_sequences(sequences)
    others = (settings.attribution, settings.coverage.overrides_path)
    checks.check_apart(out, sequences, others)
    attribution = checks.read_attribution(settings.attribution)
    checks.check_coverage(settings.coverage, sequences)
    if not work_folder(out).exists():
        checks.check_free(out, overwrite=settings.overwrite, record=record.NAME)
    recordings = recordings_of(sequences, progress)
    request = request_of(recordings, settings, method, attribution)
    try:
        with opened(out) as work:
            said = _resumed(work, out, request, key, settings)
            if said is None:
                said = _run(work, recordings, settings, method, attribution, request, key, progress, executor)
    except BrokenExecutor:
        raise MotAnonError(
            f"{out}: a worker process died (out of memory? then give fewer --workers; a script of your own needs "
            "'if __name__ == \"__main__\":'); the same command goes on where it was"
        ) from None
    except OSError as error:
        raise _output_error(out, error) from None
    return Published(
        out,
        said,
        tuple(sequence.name for sequence in sequences),
        tuple(path for sequence in sequences for path in unknown_files(sequence)),
        {entry["sequence"]: entry["hidden"] for entry in said["sequences"]},
        tuple(said["warnings"]),
    )


def _resumed(
    work: Work, out: Path, request: dict[str, Any], key: Key | None, settings: Settings
) -> dict[str, Any] | None:
    """The record of a run that was killed when its output was already in place; else None, ready to run."""
    work.recover()
    if work.finished():
        # Whoever asks for the same again gets it; for anybody else it is an output like any other.
        said: dict[str, Any] | None = None
        try:
            work.key_for(request, key)
            said = json.loads((out / record.NAME).read_text(encoding="utf-8"))
        except OutputError:
            pass
        work.clear()
        if said is not None:
            return said
    checks.check_free(out, overwrite=settings.overwrite, record=record.NAME)
    return None


def _run(
    work: Work,
    recordings: list[Recording],
    settings: Settings,
    method: Method,
    attribution: bytes | None,
    request: dict[str, Any],
    key: Key | None,
    progress: Progress,
    executor: Executor | None,
) -> dict[str, Any]:
    used = work.key_for(request, key)
    try:
        said = _build(work, recordings, settings, method, attribution, used, progress, executor)
        checks.check_free(work.out, overwrite=settings.overwrite, record=record.NAME)
        work.put_in_place()
    except (InputError, CoverageError):
        work.clear()  # the same command would fail again
        raise
    work.clear()
    return said


def _build(
    work: Work,
    recordings: list[Recording],
    settings: Settings,
    method: Method,
    attribution: bytes | None,
    key: Key,
    progress: Progress,
    executor: Executor | None,
) -> dict[str, Any]:
    views = [view for recording in recordings for view in recording.views]
    for half in work.tree.rglob(".*.partial"):  # of a run that was killed
        half.unlink()
    plans = []
    for index, recording in enumerate(recordings):
        stored = work.plan(index)
        if stored is None:
            coverage, target = settings.coverage, settings.target
            wishes = Wishes.of(method, target, silhouettes=settings.shape == SILHOUETTE)
            plan = plan_recording(recording, key, settings.policy, coverage, progress, target, wishes)
            stored = work.store_plan(index, plan), plan
        plans.append(stored)

    frames = sum(recording.first.n_frames for recording in recordings)
    tick = progress("render", frames)
    digests = []
    with nullcontext(executor) if executor is not None else executor_for(frames, settings.workers) as pool:
        for index, recording in enumerate(recordings):
            digests.append(_rendered(work, index, recording, plans[index][0], settings, pool, tick))

    ids = permuted_ids(views, key) if settings.permute_ids else {}
    expected: dict[str, str] = {}
    entries: dict[str, dict[str, Any]] = {}
    for recording, (_, plan), found in zip(recordings, plans, digests, strict=True):
        for view in recording.views:
            id_map = ids.get(view.camera)
            entries[view.name] = record.sequence_entry(view, plan, found, id_map)
            expected |= _with_labels(work.tree, view, found, id_map)
    said = _record(recordings, settings, method, attribution, entries)
    expected[record.NAME] = _put(work.tree / record.NAME, record.record_bytes(said))
    expected[datasheet.NAME] = _put(work.tree / datasheet.NAME, datasheet.datasheet(said))
    if attribution is not None:
        expected[record.ATTRIBUTION] = _put(work.tree / record.ATTRIBUTION, attribution)
    record.seal(work.tree)
    verify_tree(work.tree, expected, key, progress("verify", len(expected)))
    return said


def _rendered(
    work: Work, index: int, recording: Recording, plan: Path, settings: Settings, executor: Executor, tick: Tick
) -> dict[int, str]:
    """Render what is not there yet; frame number → SHA-256 (hex) of the published file."""
    for view in recording.views:
        (work.tree / view.name / "img1").mkdir(parents=True, exist_ok=True)
    before = work.rendered()
    digests: dict[int, str] = {}
    tasks = []
    for number, source in enumerate(recording.first.frames, start=1):
        places = tuple(work.tree / view.name / "img1" / view.frames[number - 1].name for view in recording.views)
        digest = before.get((index, number))
        if digest is not None and all(_is_there(place, digest) for place in places):
            digests[number] = digest
            tick()
        else:
            tasks.append(FrameTask(number, source, places, recording.digests[number - 1]))

    def done(number: int, digest: str) -> None:
        work.note(index, number, digest)
        digests[number] = digest
        tick()

    render_all(plan, tasks, (settings.method, settings.strength), settings.target, executor, done)
    return digests


def _with_labels(tree: Path, view: Sequence, digests: Mapping[int, str], id_map: IdMap | None) -> dict[str, str]:
    expected = {f"{view.name}/img1/{path.name}": digests[number] for number, path in enumerate(view.frames, start=1)}
    for name, data in label_files(view, id_map).items():
        expected[f"{view.name}/{name}"] = _put(tree / view.name / name, data)
    return expected


def _put(path: Path, data: bytes) -> str:
    path.parent.mkdir(parents=True, exist_ok=True)
    write_atomically(path, data)
    return hashlib.sha256(data).hexdigest()


def _is_there(path: Path, digest: str) -> bool:
    return path.is_file() and hashlib.sha256(path.read_bytes()).hexdigest() == digest


def _record(
    recordings: list[Recording],
    settings: Settings,
    method: Method,
    attribution: bytes | None,
    entries: dict[str, dict[str, Any]],
) -> dict[str, Any]:
    views = [view for recording in recordings for view in recording.views]
    detector = settings.coverage.detector
    said = None if settings.target == "body" else advice(settings.coverage.faces)
    notes = [said] if said else []
    faces = None if settings.target == "body" else chosen_detector(settings.coverage.faces)
    named = None
    if attribution is not None:
        named = {"file": record.ATTRIBUTION, "sha256": hashlib.sha256(attribution).hexdigest()}
    return record.header(
        method,
        settings.target,
        settings.policy,
        parameters_of(method, settings.shape),
        coverage={
            "detector": detector,
            "least_confidence": settings.coverage.least_confidence,
            "regions_by_hand": len(settings.coverage.overrides),
            "faces": faces,
        },
        ids_permuted=settings.permute_ids,
        attribution=named,
        warnings=[
            *record.warnings_for(method, settings.target, settings.policy, detector, views, settings.shape),
            *notes,
        ],
        sequences=[entries[name] for name in sorted(entries)],
    )


def _output_error(out: Path, error: OSError) -> OutputError:
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return OutputError(f"{out}: the disk is full; make room, and the same command goes on where it was")
    return OutputError(f"{error.filename or out}: {error.strerror or error}; nothing was published")
