"""The gate: fails when tracking on the published frames fell by more than is allowed."""

from __future__ import annotations

import json
import xml.etree.ElementTree as ET
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mot_anon.errors import FormatError, GateError, NotFoundError, OptionError
from mot_anon.measure.results import Evaluation

FRACTIONS = ("MOTA", "IDF1", "HOTA", "DetA", "AssA", "recall", "precision")
DEFAULT_MARGINS = {"MOTA": 0.01, "IDF1": 0.01, "HOTA": 0.01}
BASELINE_SCHEMA = 1


@dataclass(frozen=True)
class Verdict:
    """One score of one run against its margin; fractions.

    Attributes
    ----------
    run:
        For example ``pseudonym reid×hog``.
    metric:
        Name of the score.
    against:
        ``original`` or ``baseline``.
    change:
        Published − original, or published − stored.
    judged:
        What is compared with the margin: the lower end of the interval, or the change itself.
    margin:
        By how much the score may fall.
    """

    run: str
    metric: str
    against: str
    change: float
    judged: float
    margin: float

    @property
    def passed(self) -> bool:
        """A fall of the whole margin is too much; without a fall, every margin is kept."""
        return self.judged > -self.margin or (self.margin == 0 and self.judged == 0)

    def __str__(self) -> str:
        verb = "kept" if self.passed else "fell too far"
        return (
            f"{self.run}: {self.metric} {verb}: {100 * self.change:+.2f} points against {self.against} "
            f"(judged {100 * self.judged:+.2f}, allowed −{100 * self.margin:g})"
        )


@dataclass(frozen=True)
class Baseline:
    """Stored scores: (sequence, policy, tracker, detections) → score → fraction or None."""

    path: Path
    rows: Mapping[tuple[str, str, str, str], Mapping[str, float | None]]


def parse_margins(text: str) -> dict[str, float]:
    """``IDF1=1.0,MOTA=1.0`` (points) as fractions; raises :class:`OptionError` for anything else."""
    margins: dict[str, float] = {}
    for part in text.split(","):
        name, _, number = (piece.strip() for piece in part.partition("="))
        if name not in FRACTIONS or name in margins:
            raise OptionError(f"--max-drop {text}: {name!r} is not one of {', '.join(FRACTIONS)}, each once")
        try:
            margins[name] = float(number) / 100
        except ValueError:
            raise OptionError(f"--max-drop {text}: {number!r} is not a number of points") from None
        if not 0 <= margins[name] <= 1:
            raise OptionError(f"--max-drop {text}: a margin lies between 0 and 100 points")
    return margins


def judge(evaluation: Evaluation, margins: Mapping[str, float], *, point: bool = False) -> list[Verdict]:
    """Hold the sensitive runs over all sequences to the margins.

    A run passes where the lower end of the 95 % interval of published − original is above −margin; with ``point`` the
    difference itself is judged.

    Raises
    ------
    OptionError
        There is no sensitive run, one that finds nobody on the originals, or a score that has no interval (HOTA of one
        sequence) without ``point``.
    """
    verdicts = []
    for policy, run in evaluation.combined:
        if not run.sensitive:
            continue
        name = f"{policy} {run.tracker}×{run.detections}"
        if not any(run.original[metric] > 0 for metric in ("IDF1", "HOTA")):
            raise OptionError(f"nothing to judge: {name} finds nobody on the originals, and has nothing to lose")
        for metric, margin in margins.items():
            change = run.difference[metric]
            if change.low is None and not point:
                raise OptionError(f"--max-drop {metric}: has no interval here; judge the value alone with --point")
            judged = change.value if point or change.low is None else change.low
            verdicts.append(Verdict(name, metric, "original", change.value, judged, margin))
    if not verdicts:
        raise OptionError("nothing to judge: no run sees pixels; add --trackers reid or --detections hog")
    return verdicts


def store_baseline(path: Path, evaluation: Evaluation, run: Mapping[str, Any]) -> None:
    """Write the scores of an evaluation, to be compared with later; ``run`` says what it was."""
    stored = {
        "schema": BASELINE_SCHEMA,
        "run": dict(run),
        "scores": [
            {"sequence": name, "policy": policy, "tracker": tracker, "detections": detections, **scores}
            for (name, policy, tracker, detections), scores in _rows(evaluation).items()
        ],
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(stored, indent=1) + "\n", encoding="utf-8")


def read_baseline(path: Path, run: Mapping[str, Any]) -> Baseline:
    """Read what :func:`store_baseline` wrote for the same ``run``.

    Raises
    ------
    NotFoundError, FormatError
        The file is not there or is no baseline.
    OptionError
        It is the baseline of another run.
    """
    try:
        stored = json.loads(path.read_text(encoding="utf-8"))
        if stored["schema"] != BASELINE_SCHEMA:
            raise FormatError(path, None, f"baseline of schema {stored['schema']}; make it anew with --update-baseline")
        was: dict[str, Any] = stored["run"]
        rows = {(r["sequence"], r["policy"], r["tracker"], r["detections"]): r for r in stored["scores"]}
        scores = [row.get(metric) for row in rows.values() for metric in FRACTIONS]
        if not isinstance(was, dict) or not all(isinstance(one, (int, float, type(None))) for one in scores):
            raise TypeError
    except FileNotFoundError:
        raise NotFoundError(f"{path}: no such baseline; make it with --update-baseline") from None
    except (json.JSONDecodeError, KeyError, TypeError, AttributeError, UnicodeDecodeError):
        raise FormatError(path, None, "not a baseline; make one with --update-baseline") from None
    for name in sorted({*was, *run}):
        if was.get(name) != run.get(name):
            raise OptionError(f"{path}: baseline of another run ({name} {was.get(name)!r}, here {run.get(name)!r})")
    return Baseline(path, rows)


def judge_baseline(baseline: Baseline, evaluation: Evaluation, margins: Mapping[str, float]) -> list[Verdict]:
    """Hold every run, sequence by sequence and all together, to a baseline; changes themselves are judged.

    Raises
    ------
    OptionError
        The baseline has other sequences, policies, trackers or detections.
    """
    now = _rows(evaluation)
    if missing := set(baseline.rows) ^ set(now):
        raise OptionError(f"{baseline.path}: baseline of another run ({' '.join(sorted(missing)[0])} is in one only)")
    verdicts = []
    for key, scores in now.items():
        for metric, margin in margins.items():
            before, after = baseline.rows[key].get(metric), scores[metric]
            name = f"{key[0]}: {key[1]} {key[2]}×{key[3]}"
            if (before is None) != (after is None):
                raise OptionError(f"{baseline.path}: {metric} of {name} is known in one run only; make it anew")
            if before is None or after is None:
                continue
            verdicts.append(Verdict(name, metric, "baseline", after - before, after - before, margin))
    if not verdicts:
        raise OptionError(f"{baseline.path}: has none of the scores {', '.join(margins)}; nothing can be judged")
    return verdicts


def write_junit(path: Path, verdicts: Sequence[Verdict]) -> None:
    """One test case a verdict, as CI systems read them."""
    failed = sum(not verdict.passed for verdict in verdicts)
    suite = ET.Element("testsuite", name="mot_anon", tests=str(len(verdicts)), failures=str(failed), errors="0")
    for verdict in verdicts:
        name = f"{verdict.run} {verdict.metric} against {verdict.against}"
        case = ET.SubElement(suite, "testcase", classname="mot_anon.gate", name=name)
        if not verdict.passed:
            ET.SubElement(case, "failure", message=str(verdict))
    ET.indent(suite)
    path.parent.mkdir(parents=True, exist_ok=True)
    ET.ElementTree(suite).write(path, encoding="utf-8", xml_declaration=True)


def require(verdicts: Sequence[Verdict]) -> None:
    """Raise :class:`GateError` that names what failed and by how much; nothing where everything passed."""
    failed = [verdict for verdict in verdicts if not verdict.passed]
    if failed:
        raise GateError("; ".join(map(str, failed)))


def _rows(evaluation: Evaluation) -> dict[tuple[str, str, str, str], dict[str, float | None]]:
    found = [(s.sequence, s.policy, run) for s in evaluation.sequences for run in s.runs]
    if len({sequence.sequence for sequence in evaluation.sequences}) > 1:
        found += [("all", policy, run) for policy, run in evaluation.combined]
    rows: dict[tuple[str, str, str, str], dict[str, float | None]] = {}
    for name, policy, run in found:
        scores = run.to_json()["published"]
        kept = {metric: None if scores[metric] is None else round(scores[metric], 6) for metric in FRACTIONS}
        rows[name, policy, run.tracker, run.detections] = kept
    return rows
