"""What published people are still good for: ``python benchmarks/use.py --crops ../shared/data/bodies --split test``.

Needs the extra ``attack``.  For every method a network starts from ImageNet, learns re-identification on published
crops of the train split's people, and is tested on originals of people whom it never saw, across cameras.  The control
learnt on originals, the floor on people filled grey; all learn for as many steps.  Short trainings rank the methods;
they do not say how good a network can become.  Writes ``use.md`` below ``--out``.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
from privacy import combinations, some_people

from mot_anon.measure.privacy.attackers import AttackerConfig
from mot_anon.measure.privacy.crops import read_folder
from mot_anon.measure.privacy.learning import use
from mot_anon.measure.privacy.publishing import publisher

METHODS = "solid/pseudonym,pixelate:8,blur:17,ciagan/pseudonym,ciagan/shared,ciagan/isometry"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--crops", type=Path, required=True, help="folder with index.csv and the splits")
    parser.add_argument("--split", default="val", choices=("val", "test"))
    parser.add_argument("--methods", default=METHODS, help="NAME[:STRENGTH][/POLICY], with commas")
    parser.add_argument("--people", type=int, default=600, help="training people to learn on; 0: all")
    parser.add_argument("--steps", type=int, default=500)
    parser.add_argument("--out", type=Path, default=Path("benchmarks"))
    asked = parser.parse_args()
    publishers = {}
    for method, strength, policy in combinations(asked.methods.split(","), ("pseudonym",)):
        words = (method, "" if strength is None else str(strength), "" if policy == "none" else policy)
        chosen = "pseudonym" if policy == "none" else policy
        publishers[" ".join(filter(None, words))] = publisher(method, strength, chosen)
    train, test = some_people(read_folder(asked.crops, "train"), asked.people), read_folder(asked.crops, asked.split)
    config = AttackerConfig(steps=asked.steps, batch=32, save_every=10 * asked.steps)
    lines = ["| learnt on | rank-1, % | share of what originals teach over grey |", "| --- | ---: | ---: |"]
    found = use(train, test, publishers, config, np.random.default_rng(0), lambda line: print(line, flush=True))
    for name, row in found:
        control, floor, value = row.control or 0.0, row.floor or 0.0, row.value
        if len(lines) == 2:
            lines.append(f"| originals (control) | {100 * control:.1f} | 1 |")
            lines.append(f"| grey (floor) | {100 * floor:.1f} | 0 |")
        span = "" if value.low is None else f" [{100 * value.low:.1f}, {100 * (value.high or 0):.1f}]"
        share = (value.value - floor) / max(1e-9, control - floor)
        lines.append(f"| {name} | {100 * value.value:.1f}{span} | {share:.2f} |")
        print(lines[-1], flush=True)
    people, others = len(np.unique(train.person)), len(np.unique(test.person))
    caption = (
        f"`python benchmarks/use.py --crops DIR --split {asked.split}`: {asked.steps} steps from ImageNet on published "
        f"crops of {people} people, tested on originals of {others} others of "
        f"{asked.split}, across cameras; 95 % intervals over people."
    )
    (asked.out / "use.md").write_text("\n".join([caption, "", *lines, ""]), encoding="utf-8")


if __name__ == "__main__":
    main()
