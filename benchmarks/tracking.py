"""What publishing costs tracking, method by method: ``python benchmarks/tracking.py --seq demo``.

Writes ``benchmarks/tracking-NAME.md`` for the README: scores on the originals, and the difference that every method
makes to the same trackers on the same kind of detections, over all the sequences together.
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

from mot_anon import Settings, options
from mot_anon.measure.evaluation import Question, evaluate
from mot_anon.measure.results import Run
from mot_anon.measure.sources import make_sources
from mot_anon.plan.keys import TEST_KEY, Key
from mot_anon.progress import Reporter

METHODS = (
    ("solid", None, ("pseudonym",)),
    ("pixelate", 8, ("pseudonym",)),
    ("blur", 17, ("pseudonym",)),
    ("blur", 9, ("pseudonym",)),
    ("ciagan", None, ("pseudonym", "isometry")),
    ("recolor", None, ("pseudonym",)),
)
"""Method, strength, policies."""
SHOWN = ("MOTA", "IDF1", "HOTA")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", action="append", type=Path)
    parser.add_argument("--seq", action="append", required=True)
    parser.add_argument("--target", default="body")
    parser.add_argument("--name", default=None, help="of the table; the sequences by default")
    parser.add_argument("--methods", default=None, help="comma-separated; all by default")
    parser.add_argument("--keep", type=Path, default=None, help="keep results.json and trees of every method here")
    asked = parser.parse_args()
    name = asked.name or "+".join(asked.seq)
    table: list[str] = []
    with Reporter() as report, tempfile.TemporaryDirectory() as work:
        sequences = options.find_sequences(asked.data, asked.seq, report, allow_partial=False, cameras=None)
        chosen = [row for row in METHODS if asked.methods is None or row[0] in asked.methods.split(",")]
        for number, (method, strength, policies) in enumerate(chosen):
            question = Question(
                Settings(method=method, strength=strength, target=asked.target),
                policies,
                ("sort", "reid"),
                tuple(make_sources(["public", "hog"])),
                sensitivity=number == 0,
            )
            place = (asked.keep or Path(work)) / (f"{method}-{strength}" if strength else method)
            found = evaluate(sequences, question, place, key=Key(TEST_KEY), report=report)
            if not table:
                first = found.combined[0][0]
                table += header([run for policy, run in found.combined if policy == first])
            for policy in dict.fromkeys(policy for policy, _ in found.combined):
                runs = [run for other, run in found.combined if other == policy]
                label = method + (f" {strength}" if strength else "") + (f", {policy}" if policy != "none" else "")
                table.append(f"| {label} | " + " | ".join(map(changes, runs)) + " |")
                print(table[-1], flush=True)
    words = [f"--data {folder}" for folder in asked.data or []] + [f"--seq {seq}" for seq in asked.seq]
    words += [f"--target {asked.target}", f"--name {name}"] + ([f"--methods {asked.methods}"] if asked.methods else [])
    command = " ".join(["python benchmarks/tracking.py", *words])
    path = Path(__file__).with_name(f"tracking-{name}.md")
    path.write_text("\n".join([*table, "", f"`{command}`", ""]), encoding="utf-8")
    print(path.read_text(encoding="utf-8"))


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
