"""What publishing costs tracking, method by method: ``python benchmarks/tracking.py --seq demo``.

Writes ``benchmarks/tracking-NAME.md`` for the README: scores on the originals, and the difference that every method
makes to the same trackers on the same kind of detections, over all the sequences together.

One key is one draw of people who do not exist.  With ``--keys N --methods ciagan`` it is ``tracking-keys-NAME.md``:
what the method costs the re-ID tracker, as the mean over keys of the difference to the originals, its standard
deviation over keys, and every key's; beside what random features lose.

HOG's false alarms are covered, for HOG is the detector that looks for people whom the labels lack, and a tracker that
starts from HOG's boxes gains by it.  ``--independent-detector none`` leaves them: what is left is what the drawn cost.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path

import numpy as np

from mot_anon import Settings, options
from mot_anon.measure.evaluation import Question, evaluate
from mot_anon.measure.results import Run
from mot_anon.measure.sources import make_sources
from mot_anon.methods.base import make_method
from mot_anon.plan.keys import TEST_KEY, Key
from mot_anon.progress import Reporter
from mot_anon.vision.face_detectors import AUTO

Row = tuple[str, int | None, tuple[str, ...]]

METHODS: tuple[Row, ...] = (
    ("solid", None, ("pseudonym",)),
    ("pixelate", 8, ("pseudonym",)),
    ("blur", 17, ("pseudonym",)),
    ("blur", 9, ("pseudonym",)),
    ("ciagan", None, ("pseudonym", "isometry")),
    ("heads", None, ("pseudonym", "isometry")),
    ("recolor", None, ("pseudonym",)),
)
"""Method, strength, policies."""
SHOWN = ("MOTA", "IDF1", "HOTA")
SPREAD = ("MOTA", "IDF1")
"""Scores of the table over keys."""

Found = dict[tuple[str, str, str], list[float]]
"""Points by policy, detections and score: every key's."""
Measure = Callable[[Row, Sequence[str], Key, str, bool], Iterable[tuple[str, Run]]]
"""Of a row of :data:`METHODS`, trackers, a key, the name of a folder, and whether controls are measured, too."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", action="append", type=Path)
    parser.add_argument("--seq", action="append", required=True)
    parser.add_argument("--target", default="body")
    parser.add_argument("--name", default=None, help="of the table; the sequences by default")
    parser.add_argument("--methods", default=None, help="comma-separated; all by default")
    parser.add_argument("--policies", default=None, help="comma-separated; every method's own by default")
    parser.add_argument("--keys", type=int, default=None, help="one method over so many keys")
    parser.add_argument("--independent-detector", default=None, help="as of anonymize; hog by default")
    parser.add_argument("--keep", type=Path, default=None, help="keep results.json and trees of every method here")
    asked = parser.parse_args()
    asked.name = asked.name or "+".join(asked.seq)
    for name in asked.methods.split(",") if asked.methods else ():
        if name not in {row[0] for row in METHODS}:
            parser.error(f"--methods {name}: there is: {', '.join(dict.fromkeys(row[0] for row in METHODS))}")
    chosen = [row for row in METHODS if asked.methods is None or row[0] in asked.methods.split(",")]
    chosen = [row for row in chosen if asked.target in make_method(row[0], row[1], asked.target).targets]
    if asked.policies:
        chosen = [(method, strength, tuple(asked.policies.split(","))) for method, strength, _ in chosen]
    if asked.keys is not None and (asked.keys < 1 or len(chosen) != 1):
        parser.error("--keys wants a number from 1 and one method: --keys 5 --methods ciagan")
    with Reporter() as report, tempfile.TemporaryDirectory() as work:
        sequences = options.find_sequences(asked.data, asked.seq, report, allow_partial=False, cameras=None)

        def measure(
            row: Row, trackers: Sequence[str], key: Key, place: str, controls: bool
        ) -> Iterable[tuple[str, Run]]:
            coverage = options.coverage_of(None, asked.independent_detector or "hog", 0.0, AUTO)
            settings = Settings(method=row[0], strength=row[1], target=asked.target, coverage=coverage)
            sources = tuple(make_sources(["public", "hog"]))
            question = Question(settings, row[2], tuple(trackers), sources, sensitivity=controls)
            return evaluate(sequences, question, (asked.keep or Path(work)) / place, key=key, report=report).combined

        if asked.keys is None:
            lines = [*over_methods(chosen, measure), "", f"`{command(asked)}`", ""]
        else:
            said = f"Points, mean over {asked.keys} keys ± standard deviation: `{command(asked)}`"
            lines = [*over_keys(chosen[0], asked.keys, measure), "", said, ""]
    path = Path(__file__).with_name(f"tracking-{'' if asked.keys is None else 'keys-'}{asked.name}.md")
    path.write_text("\n".join(lines), encoding="utf-8")
    print(path.read_text(encoding="utf-8"))


def command(asked: argparse.Namespace) -> str:
    """What repeats the table."""
    words = [f"--data {folder}" for folder in asked.data or []] + [f"--seq {seq}" for seq in asked.seq]
    words += [f"--target {asked.target}", f"--name {asked.name}"]
    rest = {name: getattr(asked, name) for name in ("methods", "policies", "keys", "independent_detector")}
    words += [f"--{name.replace('_', '-')} {value}" for name, value in rest.items() if value]
    return " ".join(["python benchmarks/tracking.py", *words])


def over_methods(chosen: Sequence[Row], measure: Measure) -> list[str]:
    """A table of a line a method and policy, under the test key."""
    table: list[str] = []
    for row in chosen:
        method, strength, _ = row
        place = f"{method}-{strength}" if strength else method
        combined = list(measure(row, ("sort", "reid"), Key(TEST_KEY), place, not table))
        if not table:
            table += header([run for policy, run in combined if policy == combined[0][0]])
        for policy in dict.fromkeys(policy for policy, _ in combined):
            label = method + (f" {strength}" if strength else "") + (f", {policy}" if policy != "none" else "")
            cells = [changes(run) for other, run in combined if other == policy]
            table.append(f"| {label} | " + " | ".join(cells) + " |")
            print(table[-1], flush=True)
    return table


def over_keys(row: Row, keys: int, measure: Measure) -> list[str]:
    """A table of a line a policy and kind of detections, over keys that come of the test key."""
    found: Found = {}
    lost: dict[str, str] = {}
    for number in range(keys):
        key = Key(TEST_KEY).derived("benchmark", str(number))
        for policy, run in measure(row, ("reid",), key, str(number), number == 0):
            for score in SPREAD:
                points = 100 * run.difference[score].value
                found.setdefault((policy, run.detections, score), []).append(points)
                print(policy, run.detections, score, f"{points:+.1f}", flush=True)
            loss = run.sensitivity["random_features"]
            if loss:
                lost[run.detections] = " / ".join(f"{-100 * loss[score]:+.1f}" for score in SPREAD)
    return spread_table(found, lost)


def spread_table(found: Found, lost: Mapping[str, str]) -> list[str]:
    """Means and deviations of every key's points; ``lost`` are the random features' by detections."""
    lines = [
        "| re-ID × | policy | MOTA | IDF1 | every key's IDF1 | random features |",
        "| --- | --- | --- | --- | --- | --- |",
    ]
    for policy, detections in dict.fromkeys((policy, detections) for policy, detections, _ in found):
        mota, idf1 = (found[policy, detections, score] for score in SPREAD)
        each = " ".join(f"{points:+.1f}" for points in idf1)
        cells = (detections, policy, spread(mota), spread(idf1), each, lost.get(detections, "–"))
        lines.append("| " + " | ".join(cells) + " |")
    return lines


def spread(points: Sequence[float]) -> str:
    """The mean and, of several, the standard deviation of a sample."""
    mean = f"{np.mean(points):+.1f}"
    return f"{mean} ± {np.std(points, ddof=1):.1f}" if len(points) > 1 else mean


def header(runs: list[Run]) -> list[str]:
    """Scores on the originals and what the controls take away."""
    lines = [
        f"| {' / '.join(SHOWN)} | " + " | ".join(f"{run.tracker} × {run.detections}" for run in runs) + " |",
        "| --- " * (len(runs) + 1) + "|",
        "| original | " + " | ".join(" / ".join(f"{100 * run.original[s]:.1f}" for s in SHOWN) for run in runs) + " |",
    ]
    for control, label in (("random_features", "random features"), ("grey", "everybody grey")):
        cells = []
        for run in runs:
            loss = run.sensitivity[control]
            cells.append(" / ".join(f"{-100 * loss[s]:+.1f}" for s in SHOWN) if loss and run.sensitive else "–")
        frames = next((run.grey_frames for run in runs if run.grey_frames), None) if control == "grey" else None
        first = f", first {frames} frames in all" if frames else ""
        lines.append(f"| *control: {label}{first}* | " + " | ".join(cells) + " |")
    return lines


def changes(run: Run) -> str:
    """Differences in points, IDF1 with its interval."""
    if not run.sensitive:
        return "insensitive"
    parts = []
    for score in SHOWN:
        change = run.difference[score]
        text = f"{100 * change.value:+.1f}"
        if score == "IDF1" and change.low is not None and change.high is not None:
            text += f" [{100 * change.low:+.1f}, {100 * change.high:+.1f}]"
        parts.append(text)
    return " / ".join(parts)


if __name__ == "__main__":
    main()
