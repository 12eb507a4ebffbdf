"""What publishing costs tracking: ``python -m mot_anon.evaluate --seq MOT17-02``.

The sequences are anonymized (or a finished tree is taken), the same trackers run on the same kind of detections over
original and published frames, and every score stands there as original, published and difference with its interval.
"""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Mapping
from collections.abc import Sequence as Rows
from concurrent.futures import BrokenExecutor, Executor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated, Any

import pandas as pd
import typer
from rich.console import Console

from mot_anon import __version__, options
from mot_anon.data.motchallenge import write_results
from mot_anon.data.sequence import Sequence, camera_of, discover, open_sequence
from mot_anon.errors import FormatError, MotAnonError, NotFoundError, OptionError, OutputError
from mot_anon.measure import gate
from mot_anon.measure.compare import Keep, begin, stretch
from mot_anon.measure.results import Evaluation, SequenceResult, runs_of
from mot_anon.measure.sources import Source, make_sources
from mot_anon.measure.tracking import check_trackers
from mot_anon.methods.base import make_method
from mot_anon.plan.identities import POLICIES
from mot_anon.plan.keys import Key, draw_key
from mot_anon.progress import Report, Reporter, silent
from mot_anon.publish import datasheet
from mot_anon.publish.executors import executor_for
from mot_anon.publish.run import Settings, publish
from mot_anon.publish.settings import parameters_of

NO_POLICY = "none"
"""Stands for the policy of a method that has no identities."""
_TABLE_WIDTH = 170

app = typer.Typer(add_completion=False)


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
    record: dict[str, Any] = {}
    path = tree / "anonymization.json"
    try:
        record = dict(json.loads(path.read_text(encoding="utf-8"))) if path.is_file() else {}
    except (ValueError, TypeError):
        raise FormatError(
            path, None, "not the record of a published tree; publish it anew or remove the file"
        ) from None
    method, target = str(record.get("method", "unknown")), str(record.get("target", "unknown"))
    return method, target, {str(record.get("policy", "unknown")): [_opened(tree, sequences)]}, []


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
        opened[sequence.name] = open_sequence(places[sequence.name][0], allow_partial=sequence.partial).require_frames()
    return opened


@app.command()
def main(
    seq: options.Seq = None,
    data: options.Data = None,
    method: options.MethodName = None,
    strength: options.Strength = None,
    target: options.Target = "body",
    shape: options.Shape = None,
    policies: Annotated[
        str, typer.Option("--policies", help="Identity policies to measure, for methods that have identities.")
    ] = "pseudonym,isometry",
    published: Annotated[
        Path | None,
        typer.Option("--published", help="A finished tree to measure instead of publishing.", metavar="DIR"),
    ] = None,
    trackers: Annotated[str, typer.Option("--trackers", help="sort, reid, or a plug-in's.")] = "sort,reid",
    detections: Annotated[
        str | None,
        typer.Option("--detections", help="public, hog, torchvision:MODEL. [default: public,hog; none with files]"),
    ] = None,
    detections_original: Annotated[
        Path | None,
        typer.Option("--detections-original", help="Your detections on the original: SEQ.txt each.", metavar="DIR"),
    ] = None,
    detections_published: Annotated[
        Path | None,
        typer.Option("--detections-published", help="The same detector's on the published tree.", metavar="DIR"),
    ] = None,
    update_datasheet: Annotated[
        bool, typer.Option("--update-datasheet", help="Put the scores into the --published tree's data sheet.")
    ] = False,
    keys: Annotated[int, typer.Option("--keys", min=1, help="Repeat under so many keys.")] = 1,
    key: options.KeyPath = None,
    test_key: options.TestKey = False,
    out: Annotated[
        Path | None, typer.Option("--out", help="Where results go. Default: runs/SEQ-METHOD-N.", metavar="DIR")
    ] = None,
    max_drop: Annotated[
        str | None,
        typer.Option("--max-drop", help="Fail where a score falls by more points: IDF1=1.0,MOTA=1.0", metavar="SCORES"),
    ] = None,
    point: Annotated[
        bool, typer.Option("--point", help="Judge the difference itself, not its interval's lower end.")
    ] = False,
    baseline: Annotated[
        Path | None, typer.Option("--baseline", help="Fail where scores fell below these stored ones.", metavar="FILE")
    ] = None,
    update_baseline: Annotated[
        Path | None, typer.Option("--update-baseline", help="Store the scores of this run.", metavar="FILE")
    ] = None,
    junit: Annotated[
        Path | None, typer.Option("--junit", help="Write the gate's verdicts as JUnit XML.", metavar="FILE")
    ] = None,
    sensitivity: Annotated[
        bool, typer.Option("--sensitivity/--no-sensitivity", help="Also track frames in which everybody is grey.")
    ] = True,
    allow_partial: options.AllowPartial = False,
    cameras: options.Cameras = None,
    regions: options.Regions = None,
    independent_detector: options.Detector = "hog",
    least_confidence: options.LeastConfidence = 0.0,
    faces: options.Faces = "auto",
    workers: options.Workers = None,
    overwrite: options.Overwrite = False,
    quiet: options.Quiet = False,
) -> None:
    """Measure what publishing costs tracking: MOTA, IDF1, HOTA and identity switches, before and after."""

    def work() -> None:
        margins = gate.parse_margins(max_drop) if max_drop else None
        if update_datasheet and not published:
            raise OptionError("--update-datasheet: whose? give --published DIR, a finished tree")
        names = options.comma_list(
            "public,hog" if detections is None and detections_original is None else detections or ""
        )
        chosen = options.comma_list(policies)
        for policy in chosen:
            if policy not in POLICIES:
                raise OptionError(f"no policy {policy!r}; there is: {', '.join(POLICIES)}")
        check_trackers(options.comma_list(trackers))
        settings = Settings(
            method=method or "",
            strength=strength,
            target=target,
            shape=shape,
            coverage=options.coverage_of(regions, independent_detector, least_confidence, faces),
            workers=workers,
        )
        question = Question(
            settings,
            tuple(chosen),
            tuple(options.comma_list(trackers)),
            tuple(make_sources(names, detections_original, detections_published)),
            keys,
            sensitivity,
        )
        secret = options.find_key(key, test_key)
        with Reporter(quiet=quiet) as report:
            sequences = options.find_sequences(data, seq, report, allow_partial=allow_partial, cameras=cameras)
            run = _description(question, sequences, test_key)
            stored = gate.read_baseline(baseline, run) if baseline else None
            place = _place(out, seq or [], published.name if published else settings.method, overwrite)
            evaluation = evaluate(sequences, question, place, key=secret, published=published, report=report)
        if update_datasheet and published:
            datasheet.update(published, "evaluate", evaluation.summary())
        verdicts = gate.judge(evaluation, margins, point=point) if margins is not None else []
        if stored:
            verdicts += gate.judge_baseline(stored, evaluation, margins or gate.DEFAULT_MARGINS)
        if update_baseline:
            gate.store_baseline(update_baseline, evaluation, run)
        if junit:
            gate.write_junit(junit, verdicts)
        if not quiet:
            _show(evaluation, verdicts, place)
        gate.require(verdicts)

    options.command(work)


def _place(out: Path | None, seq: list[str], method: str, overwrite: bool) -> Path:
    if out is None:
        stem, number = f"{'+'.join(seq)}-{method}", 1
        while (found := Path("runs") / f"{stem}-{number}").exists():
            number += 1
        return found
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        if not overwrite or not (out / "results.json").is_file():
            raise OutputError(f"{out}: is already there; remove it, choose another --out, or give --overwrite")
        shutil.rmtree(out)
    return out


def _description(question: Question, sequences: Rows[Sequence], test_key: bool) -> Mapping[str, Any]:
    asked = question.settings
    method = make_method(asked.method, asked.strength, asked.target)
    return {
        "sequences": [sequence.name for sequence in sequences],
        "frames": [sequence.n_frames for sequence in sequences],
        "method": question.settings.method,
        "parameters": parameters_of(method, asked.shape),
        "target": question.settings.target,
        "keys": question.keys,
        "test_key": test_key,
    }


def _show(evaluation: Evaluation, verdicts: list[gate.Verdict], place: Path) -> None:
    console = Console()
    if not console.is_terminal:
        console = Console(width=_TABLE_WIDTH)
    console.print(evaluation.table())
    for note in evaluation.notes:
        console.print(f"Note: {note}", highlight=False)
    console.print(
        "Intervals: paired moving-block bootstrap over frames; 'insensitive' rows see no pixel and cannot differ; "
        "'grey people' are measured on the first frames of a sequence, before and after. "
        f"Everything is in {place / 'results.json'}.",
        highlight=False,
    )
    for verdict in verdicts:
        console.print(("passed: " if verdict.passed else "FAILED: ") + str(verdict), highlight=False)


if __name__ == "__main__":
    app()
