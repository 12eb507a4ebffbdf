"""How far every method protects the people in crops, and what it costs tracking: one table and one figure.

    python benchmarks/privacy.py --crops ../shared/data/bodies --tracking runs/*/results.json

Needs the extra ``attack``.  People of ``--split`` are published with every method, under several keys and under the
policies where they matter, and attacked by the attacker that ships, who learnt on the originals of the train split.
Choose on ``val``; the table in the README is made once, with ``--split test``.  Files ``results.json`` of ``mot-anon
evaluate`` give the figure its other axis: what the re-ID tracker loses on the same method and policy.

Attackers that practise cost most.  They practise on the methods of ``--practised``, under the first policy of each, or
under the one that is named there.

Writes ``privacy.json``, ``privacy.md`` and ``privacy.png`` below ``--out``, anew after every row.  A row that was made
with the same settings, weights and renderer is taken from ``--out/rows``: a run that was killed goes on with the row
that it lost, and new weights of a generator cost the rows of that generator alone.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from privacy_figure import Tracking, figure, read_tracking

import mot_anon
from mot_anon import __version__
from mot_anon.gan.identity import WEIGHTS as IDENTITY
from mot_anon.measure.privacy.attackers import (
    WEIGHTS,
    AttackerConfig,
    NetworkAttacker,
    load_attacker,
)
from mot_anon.measure.privacy.attacks import Tools
from mot_anon.measure.privacy.crops import Crops, read_folder
from mot_anon.measure.privacy.findings import Finding, Found
from mot_anon.measure.privacy.publishing import publisher
from mot_anon.measure.privacy.study import Study, run_study
from mot_anon.methods.base import make_method
from mot_anon.plan.keys import TEST_KEY, Key
from mot_anon.progress import Reporter
from mot_anon.vision.parse import WEIGHTS as PARSER
from mot_anon.vision.weights import content_digest

#: Column → attack, and how its protocol begins; of several that fit, the one with the highest value counts.
COLUMNS: dict[str, tuple[str, str]] = {
    "published → original": ("recognition", "published → original, other"),
    "original → published": ("recognition", "original → published"),
    "own frame in the gallery": ("recognition", "published → original, its own frame"),
    "averaged over a track": ("averaging", ""),
    "parrot → original": ("parrot", "published → original"),
    "parrot, published → published": ("parrot", "published → published"),
    "restored → original": ("inversion", ""),
    "known pairs → others": ("known-plaintext", ""),
    "two keys": ("two-keys", "one key → another key, other"),
    "linked across cameras": ("linkage", "published → published, other"),
    "matched by similarities": ("matching", "published groups"),
    "members (AUC)": ("membership", ""),
    "linked within a camera": ("linkage", "published → published, within"),
}

METHODS = "none,solid/pseudonym,pixelate:8,blur:17,blur:9,ciagan/pseudonym,ciagan/shared,ciagan/isometry"
PRACTISED = "solid,pixelate:8,blur:17,blur:9,ciagan,ciagan/shared,ciagan/isometry"
PRACTISING = ("parrot", "inversion")
_PRACTICE_BATCH = 32


@dataclass(frozen=True)
class Row:
    """One method under one policy."""

    method: str
    strength: int | None
    policy: str
    study: Study

    @property
    def name(self) -> str:
        return _name(self.method, self.strength, self.policy)


def main(words: Sequence[str] | None = None) -> None:
    arguments = _arguments(words)
    tracking = read_tracking(arguments.tracking)
    rows: list[Row] = []
    with Reporter() as report:
        weights = arguments.attacker
        original = read_folder(arguments.crops, arguments.split)
        others = some_people(read_folder(arguments.crops, "train"), arguments.others)
        tools = _tools(load_attacker(weights), others, arguments)
        practised: set[str] = set()
        for method, strength, policy in combinations(arguments.methods, arguments.policies):
            label = method if strength is None else f"{method}:{strength}"
            attacks = arguments.attacks
            first = label not in practised and label in arguments.practised
            if not (first or f"{label}/{policy}" in arguments.practised):
                attacks = [name for name in attacks if name not in PRACTISING]
            practised.add(label)
            place = row_file(method, strength, policy, attacks, weights, arguments)
            if place.is_file():
                study = Study.from_json(json.loads(place.read_text(encoding="utf-8")))
            else:
                study = studied(original, method, strength, policy, attacks, arguments, tools, report)
                _store(place, study)
            rows.append(Row(method, strength, policy, study))
            print("\n".join(f"{rows[-1].name}: {line}" for line in study.lines()), flush=True)
            write(rows, tracking, arguments)
    for row in rows:
        row.study.require_control()


def row_file(
    method: str, strength: int | None, policy: str, attacks: Sequence[str], weights: Path, arguments: argparse.Namespace
) -> Path:
    """Where a row is kept; its name holds the method's parameters, all settings of the attacks, and digests.

    These are of the attacker's, the parser's and the identity network's weights (the generator's and the codes' are
    among the parameters), of the crops' index, and of the code that renders (:func:`renderer_digest`).  The code of
    attacks is not in it: after a change there, the rows must be removed.
    """
    depends = {
        "version": __version__,
        "parameters": make_method(method, strength).parameters(),
        "attacks": list(attacks),
        "weights": [content_digest(path) for path in (weights, PARSER, IDENTITY)],
        "renderer": renderer_digest(),
        "crops": content_digest(arguments.crops / "index.csv"),
        **{name: getattr(arguments, name) for name in ("split", "keys", "others", "practice", "seed")},
    }
    digest = hashlib.sha256(json.dumps(depends, sort_keys=True).encode()).hexdigest()[:12]
    return Path(arguments.out / "rows" / f"{re.sub('[^a-z0-9]+', '-', _name(method, strength, policy))}-{digest}.json")


@cache  # what a run began with is what it imported
def renderer_digest(package: Path = Path(mot_anon.__file__).parent) -> str:
    """SHA-256 (hex) over the code that decides what published people look like."""
    files = [*package.glob("methods/*.py"), *package.glob("publish/*.py"), package / "plan" / "identities.py"]
    whole = hashlib.sha256()
    for path in sorted(files):
        whole.update(path.relative_to(package).as_posix().encode() + hashlib.sha256(path.read_bytes()).digest())
    return whole.hexdigest()


def _store(place: Path, study: Study) -> None:
    place.parent.mkdir(parents=True, exist_ok=True)
    partial = place.with_suffix(".partial")
    partial.write_text(json.dumps(study.to_json(), indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    partial.replace(place)


def studied(
    original: Crops,
    method: str,
    strength: int | None,
    policy: str,
    attacks: Sequence[str],
    arguments: argparse.Namespace,
    tools: Tools,
    report: Any,
) -> Study:
    """Publish under every key and attack."""
    publish = publisher(method, strength, "pseudonym" if policy == "none" else policy)
    keys = [Key(TEST_KEY).derived("benchmark", str(number)) for number in range(arguments.keys)]
    published = [publish(original, key) for key in keys]
    given = Tools(**{**vars(tools), "publish": publish})
    about = {"method": method, "strength": strength, "policy": policy, "split": arguments.split}
    return run_study(original, published, attacks, given, seed=arguments.seed, about=about, report=report)


def combinations(methods: Iterable[str], policies: Sequence[str]) -> list[tuple[str, int | None, str]]:
    """``NAME[:STRENGTH][/POLICY]`` → method, strength and policy.

    Without a policy of its own a method has a row for each of ``policies``, and one where it has no identities.
    """
    found = []
    for text in methods:
        label, _, own = text.partition("/")
        name, _, strength = label.partition(":")
        chosen = int(strength) if strength else None
        with_policies = [own] if own else policies
        for policy in with_policies if make_method(name, chosen).uses_identity else ("none",):
            found.append((name, chosen, policy))
    return found


def some_people(crops: Crops, count: int) -> Crops:
    """The first ``count`` people; 0 for all."""
    return crops.take(crops.person < count) if count else crops


def cell(study: Study, column: str) -> Finding | None:
    """The finding that a column shows."""
    attack, start = COLUMNS[column]
    fits = [
        found
        for found in study.findings
        if isinstance(found, Finding)
        and (found.attack, found.measure) != ("matching", "rank correlation")
        and found.attack == attack
        and found.protocol.startswith(start)
    ]
    return max(fits, key=lambda found: found.value.value, default=None)


def table(rows: Sequence[Row]) -> str:
    """Markdown: a line a method, after what guessing, a grey fill and no protection get."""
    columns = [name for name in COLUMNS if any(cell(row.study, name) for row in rows)]
    lines = ["| | " + " | ".join(columns) + " |", "| --- |" + " ---: |" * len(columns)]
    first = rows[0].study
    for title, part in (("chance", "chance"), ("grey fill (floor)", "floor"), ("original (control)", "control")):
        beside = (getattr(found, part) if (found := cell(first, name)) else None for name in columns)
        lines.append(f"| *{title}* | " + " | ".join("–" if v is None else f"{100 * v:.1f}" for v in beside) + " |")
    for row in rows:
        lines.append(f"| {row.name} | " + " | ".join(_text(cell(row.study, name)) for name in columns) + " |")
    return "\n".join(lines) + "\n"


def write(rows: Sequence[Row], tracking: Tracking, arguments: argparse.Namespace) -> None:
    """Studies, table and figure."""
    arguments.out.mkdir(parents=True, exist_ok=True)
    studies = [{"row": row.name, **row.study.to_json()} for row in rows]
    text = json.dumps({"split": arguments.split, "seed": arguments.seed, "rows": studies}, indent=1, ensure_ascii=False)
    (arguments.out / "privacy.json").write_text(text + "\n", encoding="utf-8")
    first = rows[0].study
    caption = (
        f"Rank-1 in percent with 95 % intervals over people (bootstrap), {first.people} people of {arguments.split}, "
        f"{first.crops} crops, {first.keys} keys; control {100 * first.control:.1f} % across cameras.\n"
    )
    correlations = [
        f"- {row.name}: similarities of people before and after, {found.line().partition(': ')[2].partition(': ')[2]}"
        for row in rows
        for found in row.study.findings
        if isinstance(found, Finding) and found.measure == "rank correlation"
    ]
    body = "\n".join([caption, table(rows), *correlations]) + "\n"
    (arguments.out / "privacy.md").write_text(body, encoding="utf-8")
    print(body)
    if tracking:
        lacking = figure(rows, tracking, arguments.out / "privacy.png")
        if lacking:
            print(f"not in the figure, no tracking of them was given: {'; '.join(lacking)}")


def _tools(network: Any, others: Crops, arguments: argparse.Namespace) -> Tools:
    return Tools(
        NetworkAttacker(network),
        network,
        others=others,
        members=read_folder(arguments.crops, "train") if "membership" in arguments.attacks else None,
        parrot=AttackerConfig(
            steps=arguments.practice, batch=_PRACTICE_BATCH, learning_rate=4e-4, save_every=10 * arguments.practice
        ),
        inversion_steps=arguments.practice,
        keys=arguments.keys,
        log=lambda line: print(line, flush=True),
    )


def _name(method: str, strength: int | None, policy: str) -> str:
    """As in the table."""
    return f"{method}{'' if strength is None else f' {strength}'}{'' if policy == 'none' else f', {policy}'}"


def _text(found: Found | None) -> str:
    if not isinstance(found, Finding):
        return "not measured"
    ends = "" if found.value.low is None else f" [{100 * found.value.low:.1f}, {100 * (found.value.high or 0):.1f}]"
    return f"{100 * found.value.value:.1f}{ends}"


def _arguments(words: Sequence[str] | None) -> argparse.Namespace:
    def names(text: str) -> list[str]:
        return [part.strip() for part in text.split(",") if part.strip()]

    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--crops", type=Path, required=True, help="folder with index.csv and the splits train, val, test"
    )
    parser.add_argument("--split", default="val", choices=("val", "test"))
    parser.add_argument("--attacker", type=Path, default=WEIGHTS, help="weights; default: those that ship")
    parser.add_argument("--methods", type=names, default=names(METHODS))
    parser.add_argument("--policies", type=names, default=names("pseudonym,shared,isometry"))
    parser.add_argument(
        "--attacks",
        type=names,
        default=names("recognition,linkage,averaging,two-keys,matching,known-plaintext,membership,parrot,inversion"),
    )
    parser.add_argument(
        "--practised",
        type=names,
        default=names(PRACTISED),
        help="methods that attackers practise on: NAME[:STRENGTH][/POLICY]",
    )
    parser.add_argument("--keys", type=int, default=2)
    parser.add_argument("--others", type=int, default=400, help="training people that attackers practise on; 0: all")
    parser.add_argument("--practice", type=int, default=200, help="steps that parrots and inverters learn for")
    parser.add_argument("--tracking", nargs="*", default=[], help="[METHOD:STRENGTH=]results.json of mot-anon evaluate")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path, default=Path("benchmarks"))
    return parser.parse_args(words)


if __name__ == "__main__":
    main()
