"""What ``ciagan`` costs the re-ID tracker, over several keys: ``python benchmarks/tracking_keys.py --seq demo``.

One key is one draw of people who do not exist.  Writes ``benchmarks/tracking-keys-NAME.md``: the mean over keys of the
difference to the originals, its standard deviation over keys, and every key's; beside what random features lose.
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

import numpy as np

from mot_anon import Settings, options
from mot_anon.measure.evaluation import Question, evaluate
from mot_anon.measure.sources import make_sources
from mot_anon.plan.keys import TEST_KEY, Key
from mot_anon.progress import Reporter

SHOWN = ("MOTA", "IDF1")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", action="append", type=Path)
    parser.add_argument("--seq", action="append", required=True)
    parser.add_argument("--policies", default="isometry,pseudonym", help="with commas")
    parser.add_argument("--keys", type=int, default=5)
    parser.add_argument("--name", default=None, help="of the table; the sequences by default")
    asked = parser.parse_args()
    policies = tuple(asked.policies.split(","))
    found: dict[tuple[str, str, str], list[float]] = {}
    lost: dict[str, str] = {}
    with Reporter() as report, tempfile.TemporaryDirectory() as work:
        sequences = options.find_sequences(asked.data, asked.seq, report, allow_partial=False, cameras=None)
        for number in range(asked.keys):
            sources = tuple(make_sources(["public", "hog"]))
            question = Question(Settings(method="ciagan"), policies, ("reid",), sources, sensitivity=number == 0)
            key = Key(TEST_KEY).derived("benchmark", str(number))
            for policy, run in evaluate(sequences, question, Path(work) / str(number), key=key, report=report).combined:
                for score in SHOWN:
                    points = 100 * run.difference[score].value
                    found.setdefault((policy, run.detections, score), []).append(points)
                    print(policy, run.detections, score, f"{points:+.1f}", flush=True)
                loss = run.sensitivity["random_features"]
                if loss:
                    lost[run.detections] = " / ".join(f"{-100 * loss[score]:+.1f}" for score in SHOWN)
    lines = [
        "| re-ID × | policy | MOTA | IDF1 | every key's IDF1 | random features |",
        "| --- | --- | --- | --- | --- | --- |",
    ]
    for policy, detections in dict.fromkeys((policy, detections) for policy, detections, _ in found):
        mota, idf1 = (np.array(found[policy, detections, score]) for score in SHOWN)
        each = " ".join(f"{points:+.1f}" for points in idf1)
        cells = (detections, policy, _spread(mota), _spread(idf1), each, lost.get(detections, "–"))
        lines.append("| " + " | ".join(cells) + " |")
    words = [f"--data {folder}" for folder in asked.data or []] + [f"--seq {seq}" for seq in asked.seq]
    words += [f"--keys {asked.keys} --policies {asked.policies}"] + ([f"--name {asked.name}"] if asked.name else [])
    command = f"python benchmarks/tracking_keys.py {' '.join(words)}"
    lines += ["", f"Points, mean over {asked.keys} keys ± standard deviation: `{command}`", ""]
    path = Path(__file__).with_name(f"tracking-keys-{asked.name or '+'.join(asked.seq)}.md")
    path.write_text("\n".join(lines), encoding="utf-8")
    print("\n".join(lines))


def _spread(points: np.ndarray) -> str:
    return f"{points.mean():+.1f} ± {points.std(ddof=1):.1f}" if len(points) > 1 else f"{points.mean():+.1f}"


if __name__ == "__main__":
    main()
