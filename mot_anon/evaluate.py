"""What publishing costs tracking: ``python -m mot_anon.evaluate --seq MOT17-02``.

The sequences are anonymized (or a finished tree is taken), the same trackers run on the same kind of detections over
original and published frames, and every score stands there as original, published and difference with its interval.
"""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from collections.abc import Sequence as Rows
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console

from mot_anon import options
from mot_anon.data.sequence import Sequence
from mot_anon.errors import OptionError, OutputError
from mot_anon.measure import gate
from mot_anon.measure.evaluation import Question, evaluate, record_of
from mot_anon.measure.results import Evaluation
from mot_anon.measure.sources import make_sources
from mot_anon.measure.tracking import check_trackers
from mot_anon.methods.base import make_method
from mot_anon.plan.identities import POLICIES
from mot_anon.progress import Reporter
from mot_anon.publish import datasheet
from mot_anon.publish.checks import check_apart
from mot_anon.publish.run import Settings
from mot_anon.publish.settings import parameters_of

_TABLE_WIDTH = 170

app = typer.Typer(add_completion=False)


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
        typer.Option("--detections", help="public, hog, torchvision:MODEL. Default: public,hog; none with files."),
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
        margins = gate.parse_margins(max_drop) if max_drop is not None else None
        for name, path in (("--baseline", baseline), ("--update-baseline", update_baseline), ("--junit", junit)):
            if path is not None and path.is_dir():
                raise OptionError(f"{name} {path}: is a folder; give a file")
        if update_datasheet and not published:
            raise OptionError("--update-datasheet: whose? give --published DIR, a finished tree")
        names = options.comma_list(
            "public,hog" if detections is None and detections_original is None else detections or ""
        )
        chosen = options.comma_list(policies)
        if not chosen:
            raise OptionError(f"--policies {policies!r}: name one at least; there is: {', '.join(POLICIES)}")
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
            run = _description(question, sequences, test_key, published)
            stored = gate.read_baseline(baseline, run) if baseline else None
            if out is not None:
                detected = (detections_original, detections_published)
                check_apart(out, sequences, (published, *detected, baseline, key, regions, cameras, *(data or ())))
            place = _place(out, seq or [], published.name if published else settings.method, overwrite)
            evaluation = evaluate(sequences, question, place, key=secret, published=published, report=report)
        if update_datasheet and published:
            datasheet.update(published, "evaluate", evaluation.summary())
        verdicts = gate.judge(evaluation, margins, point=point) if margins is not None else []
        if stored:
            verdicts += gate.judge_baseline(stored, evaluation, margins or gate.DEFAULT_MARGINS)
        if junit:
            gate.write_junit(junit, verdicts)
        if not quiet:
            _show(evaluation, verdicts, place)
        gate.require(verdicts)
        if update_baseline:  # what failed is not what later runs are held to
            gate.store_baseline(update_baseline, evaluation, run)

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


def _description(
    question: Question, sequences: Rows[Sequence], test_key: bool, published: Path | None
) -> Mapping[str, Any]:
    """What is measured, for baselines; a finished tree is what its own record says, whatever the options do."""
    run: dict[str, Any] = {
        "sequences": [sequence.name for sequence in sequences],
        "frames": [sequence.n_frames for sequence in sequences],
        "test_key": test_key,
    }
    if published is not None:
        record = record_of(published)
        said = {name: record.get(name, "unknown") for name in ("method", "target")}  # every score has its policy
        return run | said | {"parameters": record.get("parameters", {}), "keys": 1}
    asked = question.settings
    return run | {
        "method": asked.method,
        "parameters": parameters_of(make_method(asked.method, asked.strength, asked.target), asked.shape),
        "target": asked.target,
        "keys": question.keys,
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
