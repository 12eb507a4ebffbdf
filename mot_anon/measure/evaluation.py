"""Publishing and tracking, original against published: what ``python -m mot_anon.evaluate`` does."""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Sequence as Rows
from concurrent.futures import BrokenExecutor, Executor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pandas as pd

from mot_anon import __version__
from mot_anon.data.motchallenge import write_results
from mot_anon.data.sequence import Sequence, camera_of, discover, only, open_sequence
from mot_anon.errors import FormatError, MotAnonError, NotFoundError
from mot_anon.measure.compare import Keep, begin, stretch
from mot_anon.measure.results import Evaluation, SequenceResult, runs_of
from mot_anon.measure.sources import Source
from mot_anon.methods.base import make_method
from mot_anon.plan.keys import Key, draw_key
from mot_anon.progress import Report, silent
from mot_anon.publish.executors import executor_for
from mot_anon.publish.run import Settings, publish

NO_POLICY = "none"
"""Stands for the policy of a method that has no identities."""


@dataclass(frozen=True)
class Question:
    """What is to be measured.

    Attributes
    ----------
    settings:
        How the sequences are published; its ``policy`` is not used.
    policies:
        Identity policies, each published and measured; methods without identities are measured once.
    trackers, sources:
        What tracks on which detections.
    keys:
        Number of keys that every policy is repeated under.
    sensitivity:
        Also measure what the trackers lose on frames in which everybody is grey.
    """

    settings: Settings
    policies: tuple[str, ...]
    trackers: tuple[str, ...]
    sources: tuple[Source, ...]
    keys: int = 1
    sensitivity: bool = True


def evaluate(
    sequences: Rows[Sequence],
    question: Question,
    out: Path,
    *,
    key: Key | None = None,
    published: Path | None = None,
    report: Report = silent,
) -> Evaluation:
    """Publish, track, score; writes trackers' results and ``results.json`` below ``out``.

    Parameters
    ----------
    sequences:
        Originals, with frames and ground truth.
    out:
        An empty or new folder.
    key:
        The key to publish with; with several keys, what they are derived from.  None draws fresh ones.
    published:
        A finished tree that is measured instead of publishing.

    Raises
    ------
    NotFoundError, FrameError, OptionError, OutputError, CoverageError
        See :mod:`mot_anon.errors`.
    """
    for sequence in sequences:
        if sequence.require_frames().gt_path is None:
            raise NotFoundError(f"{sequence.path / 'gt' / 'gt.txt'}: no ground truth to score against")
    finished = _finished(published, sequences) if published else None
    out.mkdir(parents=True, exist_ok=True)
    work = Path(tempfile.mkdtemp(prefix=".work-", dir=out))
    try:
        with executor_for(sum(sequence.n_frames for sequence in sequences), question.settings.workers) as pool:
            grey = _grey(sequences, question, work / "grey", report, pool) if question.sensitivity else {}
            method, target, trees, notes = finished or _anonymized(sequences, question, out, key, report, pool)
            begun = [
                (
                    policy,
                    begin(
                        original,
                        [tree[original.name] for tree in by_key],
                        grey.get(original.name),
                        question.trackers,
                        question.sources,
                        report,
                        pool,
                    ),
                )
                for policy, by_key in trees.items()
                for original in sequences
            ]
            results = [
                SequenceResult(
                    done.original.name,
                    done.original.camera,
                    done.original.n_frames,
                    method,
                    target,
                    policy,
                    runs_of(done.finish(report, _keeper(out / "tracks", policy if len(trees) > 1 else None))),
                )
                for policy, done in begun
            ]
    except BrokenExecutor:
        raise MotAnonError("a worker process died (out of memory?); give fewer --workers") from None
    finally:
        shutil.rmtree(work, ignore_errors=True)
    evaluation = Evaluation(__version__, tuple(results), tuple(notes))
    (out / "results.json").write_text(json.dumps(evaluation.to_json(), indent=1) + "\n", encoding="utf-8")
    return evaluation


def _keeper(place: Path, policy: str | None) -> Keep:
    def keep(tree: str, tracker: str, source: str, sequence: str, results: pd.DataFrame) -> None:
        folder = place / (tree if policy is None or tree == "original" else f"{tree}-{policy}")
        write_results(folder / f"{tracker}-{source.replace(':', '-')}" / f"{sequence}.txt", results)

    return keep


def _anonymized(
    sequences: Rows[Sequence], question: Question, out: Path, key: Key | None, report: Report, pool: Executor
) -> tuple[str, str, dict[str, list[dict[str, Sequence]]], list[str]]:
    settings = question.settings
    method = make_method(settings.method, settings.strength, settings.target)
    policies = question.policies if method.uses_identity else (NO_POLICY,)
    trees: dict[str, list[dict[str, Sequence]]] = {}
    notes: dict[str, None] = {}
    base = key or draw_key()
    for policy in policies:
        for number in range(1, question.keys + 1):
            place = (
                out
                / "published"
                / "-".join([policy] * (len(policies) > 1) + [str(number)] * (question.keys > 1) or ["tree"])
            )
            drawn = base if question.keys == 1 else base.derived("evaluate", str(number))
            chosen = replace(settings, policy=question.policies[0] if policy == NO_POLICY else policy, control=True)
            done = publish(list(sequences), place, drawn, chosen, report, pool)
            notes |= dict.fromkeys(done.warnings)
            trees.setdefault(policy, []).append(_opened(done.tree, sequences))
    return settings.method, settings.target, trees, list(notes)


def _finished(
    tree: Path, sequences: Rows[Sequence]
) -> tuple[str, str, dict[str, list[dict[str, Sequence]]], list[str]]:
    record = record_of(tree)
    method, target = str(record.get("method", "unknown")), str(record.get("target", "unknown"))
    policy = NO_POLICY if record.get("policy_applies") is False else str(record.get("policy", "unknown"))
    return method, target, {policy: [_opened(tree, sequences)]}, []


def record_of(tree: Path) -> dict[str, Any]:
    """What the ``anonymization.json`` of a finished tree says, nothing where it has none; FormatError for another."""
    path = tree / "anonymization.json"
    try:
        return dict(json.loads(path.read_text(encoding="utf-8"))) if path.is_file() else {}
    except (ValueError, TypeError):
        raise FormatError(
            path, None, "not the record of a published tree; publish it anew or remove the file"
        ) from None


def _grey(
    sequences: Rows[Sequence], question: Question, place: Path, report: Report, pool: Executor
) -> dict[str, Sequence]:
    looks = any(source.sees_pixels and source.folders is None for source in question.sources)
    if not looks and "reid" not in question.trackers:
        return {}
    heads = [stretch(sequence) for sequence in sequences]
    coverage = question.settings.coverage
    later = {
        (name, frame)
        for sequence, part in zip(sequences, heads, strict=True)
        for name in (sequence.name, camera_of(sequence.name))
        for frame in range(part.n_frames + 1, sequence.n_frames + 1)
    }
    by_hand = tuple(line for line in coverage.overrides if (line.sequence, line.frame) not in later)
    settings = replace(
        question.settings,
        method="grey",
        strength=None,
        target="body",
        shape=None,
        policy="shared",
        coverage=replace(coverage, overrides=by_hand),
        control=True,
    )
    return _opened(publish(heads, place, draw_key(), settings, report, pool).tree, heads)


def _opened(tree: Path, sequences: Rows[Sequence]) -> dict[str, Sequence]:
    places = discover([tree])
    opened = {}
    for sequence in sequences:
        if sequence.name not in places:
            raise NotFoundError(f"{tree}: has no {sequence.name}; there is: {', '.join(places) or 'nothing'}")
        place = only(sequence.name, places[sequence.name])
        opened[sequence.name] = open_sequence(place, allow_partial=sequence.partial).require_frames()
    return opened
