"""A set of attacks on one publication, and its report."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from rich.table import Table

from mot_anon import __version__
from mot_anon.errors import GateError, OptionError
from mot_anon.measure.privacy.attacks import Tools, centred, make_attack
from mot_anon.measure.privacy.crops import Crops
from mot_anon.measure.privacy.findings import Finding, Found, NotMeasured, found_from_json
from mot_anon.measure.privacy.reranking import reranked
from mot_anon.measure.privacy.retrieval import across_cameras, retrieve
from mot_anon.progress import Report, silent

SCHEMA = 1
LEAST_CONTROL = 0.70
"""Rank-1 of original → original below which an attacker is too weak to prove anything."""

_ANSWERS = {
    "singling_out": frozenset({"recognition", "averaging", "parrot", "inversion"}),
    "linkability": frozenset({"linkage", "two-keys"}),
    "inference": frozenset({"known-plaintext"}),
}


@dataclass(frozen=True)
class Study:
    """What the attacks on one publication found.

    Attributes
    ----------
    control:
        Rank-1 of original → original, across cameras, times or pictures.
    across:
        ``cameras``, ``times`` or ``pictures``.
    people, crops, keys:
        How many of each.
    findings:
        In the order of the attacks.
    about:
        What was attacked: method, policy, split and the like, as far as it is known.
    """

    control: float
    across: str
    people: int
    crops: int
    keys: int
    findings: tuple[Found, ...]
    about: dict[str, Any] = field(default_factory=dict)

    def lines(self) -> list[str]:
        """Every figure in measured words, one line each."""
        return [found.line() for found in self.findings]

    def best(self) -> Finding | None:
        """The finding whose rank-1 is highest over its floor, of those that a publisher wants low."""
        return _worst(self.findings)

    def summary(self) -> dict[str, Any]:
        """For the data sheet: every line, and the worst figure for each question of WP29 opinion 05/2014."""
        said: dict[str, Any] = {"version": __version__, "people": self.people, "keys": self.keys, "lines": self.lines()}
        for question, names in _ANSWERS.items():
            if (worst := _worst(found for found in self.findings if found.attack in names)) is not None:
                said[question] = worst.line()
        return said

    def to_json(self) -> dict[str, Any]:
        """The content of ``attacks.json``."""
        return {
            "schema": SCHEMA,
            "version": __version__,
            "about": self.about,
            "across": self.across,
            "control": round(self.control, 6),
            "people": self.people,
            "crops": self.crops,
            "keys": self.keys,
            "findings": [found.to_json() for found in self.findings],
        }

    @classmethod
    def from_json(cls, said: Mapping[str, Any]) -> Study:
        """What :meth:`to_json` wrote, to six digits."""
        return cls(
            said["control"],
            said["across"],
            said["people"],
            said["crops"],
            said["keys"],
            tuple(found_from_json(entry) for entry in said["findings"]),
            said["about"],
        )

    def write(self, out: Path) -> None:
        """Write ``attacks.json`` into a folder."""
        out.mkdir(parents=True, exist_ok=True)
        text = json.dumps(self.to_json(), indent=1, ensure_ascii=False)
        (out / "attacks.json").write_text(text + "\n", encoding="utf-8")

    def table(self) -> Table:
        """A row for every figure."""
        table = Table(title=f"{self.people} people, {self.crops} crops, keys: {self.keys}", title_justify="left")
        table.add_column("attack", no_wrap=True)
        table.add_column("protocol")
        for name in ("measure", "value [95 %]", "chance", "floor", "control"):
            table.add_column(name, justify="right", no_wrap=True)
        for found in self.findings:
            if isinstance(found, NotMeasured):
                table.add_row(found.attack, f"not measured: {found.reason}")
            else:
                table.add_row(found.attack, found.protocol, found.measure, *found.cells())
        return table

    def require_control(self, least: float = LEAST_CONTROL) -> None:
        """Raise :class:`GateError` where the attacker is too weak for its failures to mean anything."""
        if self.control < least:
            remedy = "train a stronger one"
            if self.about.get("part") == "face":
                size = self.about.get("size")
                remedy = f"faces here are too few, too small (half of them under {size:g} px) or seldom from the front"
                if self.about.get("embedder") == "own":
                    remedy += "; --embedder dlib recognises more of them"
            raise GateError(
                f"the attacker finds only {100 * self.control:.1f} % of unprotected people "
                f"(at least {100 * least:.0f} % are needed): its failures prove nothing; {remedy}"
            )


def _worst(findings: Iterable[Found]) -> Finding | None:
    ranked = [
        found
        for found in findings
        if isinstance(found, Finding) and found.measure == "rank-1" and found.wanted == "low" and found.over_floor
    ]
    return max(ranked, key=lambda found: found.over_floor.value if found.over_floor else 0.0, default=None)


def run_study(
    original: Crops,
    published: Sequence[Crops],
    attacks: Sequence[str],
    tools: Tools,
    *,
    seed: int = 0,
    about: dict[str, Any] | None = None,
    report: Report = silent,
) -> Study:
    """Make attacks, each with a random generator of its own, so that leaving one out changes no other.

    Raises
    ------
    OptionError
        No attack, an unknown one, or nobody who is in two cameras.
    """
    if not attacks or len(set(attacks)) != len(attacks):
        raise OptionError(f"--attacks {','.join(attacks)}: give at least one name, each once")
    made = [make_attack(name, tools) for name in attacks]
    control = _control(original, tools)
    tick = report("attacks", len(made))
    findings: list[Found] = []
    for attack in made:
        findings += attack(original, published, _generator(seed, attack.name))
        tick()
    people = len(np.unique(original.person))
    return Study(control, original.across, people, len(original), len(published), tuple(findings), about or {})


def _control(original: Crops, tools: Tools) -> float:
    found = centred(tools.judge(original.pixels), original.camera)
    labels = original.labels
    try:
        rng = np.random.default_rng(0)
        allowed = across_cameras(labels, labels)
        outcome = retrieve(reranked(found, found, labels.camera, allowed, rng), labels, labels, allowed, rng)
    except ValueError:
        raise OptionError("nobody is known in two cameras; name who is who with --people, or leave it out") from None
    return outcome.rank_1


def _generator(seed: int, name: str) -> np.random.Generator:
    return np.random.default_rng([seed, *hashlib.sha256(name.encode()).digest()[:8]])
