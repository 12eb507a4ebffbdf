"""What an attack found, in measured words."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from mot_anon.measure.privacy.retrieval import Estimate, Outcome, chance, estimate, paired

_SHARES = frozenset({"rank-1", "matched", "AUC"})


@dataclass(frozen=True)
class Finding:
    """One figure.

    Attributes
    ----------
    attack, protocol:
        Name of the attack, and what was asked of what.
    measure:
        ``rank-1``, ``matched``, ``AUC`` (fractions), ``rank correlation`` or ``mean cosine``.
    value:
        Mean over keys, with a 95 % interval over people.
    chance:
        What guessing gets: by a permutation of names where there are names; None where it has no meaning.
    chance_high:
        The 95 % quantile of guessing: below it nothing was shown.
    floor:
        The same with everybody filled grey: what place and outline give away.
    over_floor:
        value − floor, paired by query.
    control:
        The same without any protection: what this attack can do at all.
    rank_5, mean_average_precision:
        Of rankings, else None.
    by_key:
        The value under every key.
    people:
        How many people it was asked about.
    wanted:
        ``low`` or ``high``: what whoever publishes hopes for; empty for controls.
    """

    attack: str
    protocol: str
    measure: str
    value: Estimate
    chance: float | None = None
    chance_high: float | None = None
    floor: float | None = None
    over_floor: Estimate | None = None
    control: float | None = None
    rank_5: float | None = None
    mean_average_precision: float | None = None
    by_key: tuple[float, ...] = ()
    people: int = 0
    wanted: str = "low"

    def line(self) -> str:
        """For example ``rank-1 3.1 % [2.0, 4.4], chance 0.5 %, floor 2.7 %, control 78.0 %``."""
        text = f"{self.measure} {self._text(self.value.value)}{self._ends()}"
        for name in ("chance", "floor", "control"):
            value = getattr(self, name)
            if value is not None:
                text += f", {name} {self._text(value)}"
        return f"{self.attack}: {self.protocol}: {text}"

    def cells(self) -> tuple[str, str, str, str]:
        """Value with its interval, chance, floor and control, for a table."""
        beside = ("–" if value is None else self._text(value) for value in (self.chance, self.floor, self.control))
        return (f"{self._text(self.value.value)}{self._ends()}", *beside)  # type: ignore[return-value]

    def _text(self, value: float) -> str:
        share = self.measure in _SHARES
        return f"{_number(value, share)}{' %' if share else ''}"

    def _ends(self) -> str:
        if self.value.low is None or self.value.high is None:
            return ""
        share = self.measure in _SHARES
        return f" [{_number(self.value.low, share)}, {_number(self.value.high, share)}]"

    def to_json(self) -> dict[str, Any]:
        """As in ``attacks.json``."""
        return {
            "attack": self.attack,
            "protocol": self.protocol,
            "measure": self.measure,
            "value": _estimate(self.value),
            "rank-5": _plain(self.rank_5),
            "mAP": _plain(self.mean_average_precision),
            "chance": _plain(self.chance),
            "chance_95": _plain(self.chance_high),
            "floor": _plain(self.floor),
            "over_floor": None if self.over_floor is None else _estimate(self.over_floor),
            "control": _plain(self.control),
            "by_key": [_plain(value) for value in self.by_key],
            "people": self.people,
            "wanted": self.wanted,
            "line": self.line(),
        }

    @classmethod
    def from_json(cls, said: Mapping[str, Any]) -> Finding:
        """What :meth:`to_json` wrote, to six digits."""
        over = said["over_floor"]
        return cls(
            said["attack"],
            said["protocol"],
            said["measure"],
            _read(said["value"]),
            said["chance"],
            said["chance_95"],
            said["floor"],
            None if over is None else _read(over),
            said["control"],
            said["rank-5"],
            said["mAP"],
            tuple(math.nan if value is None else value for value in said["by_key"]),
            said["people"],
            said["wanted"],
        )


@dataclass(frozen=True)
class NotMeasured:
    """An attack that could not be made, and why."""

    attack: str
    reason: str

    def line(self) -> str:
        """``attack: not measured: reason``."""
        return f"{self.attack}: not measured: {self.reason}"

    def to_json(self) -> dict[str, Any]:
        """As in ``attacks.json``."""
        return {"attack": self.attack, "not_measured": self.reason, "line": self.line()}


Found = Finding | NotMeasured


def found_from_json(said: Mapping[str, Any]) -> Found:
    """An entry of ``findings`` in ``attacks.json``."""
    if "not_measured" in said:
        return NotMeasured(said["attack"], said["not_measured"])
    return Finding.from_json(said)


def recognition(
    attack: str,
    protocol: str,
    by_key: Sequence[Outcome],
    rng: np.random.Generator,
    *,
    floor: Outcome | None = None,
    control: Outcome | None = None,
    wanted: str = "low",
) -> Finding:
    """A ranking as a finding.

    Parameters
    ----------
    by_key:
        What became of the same queries under every key; a query counts with its mean over keys.
    """
    hits = np.mean([outcome.hits for outcome in by_key], axis=0)
    guesses = [chance(outcome, rng) for outcome in by_key]
    over = None
    if floor is not None:
        differences = [paired(outcome, floor, rng) for outcome in by_key]
        over = differences[0] if len(by_key) == 1 else _mean(differences)
    return Finding(
        attack,
        protocol,
        "rank-1",
        estimate(hits, by_key[0].person, rng),
        float(np.mean([mean for mean, _ in guesses])),
        float(np.mean([high for _, high in guesses])),
        None if floor is None else floor.rank_1,
        over,
        None if control is None else control.rank_1,
        float(np.mean([outcome.rank_5 for outcome in by_key])),
        float(np.mean([outcome.mean_average_precision for outcome in by_key])),
        tuple(outcome.rank_1 for outcome in by_key),
        len(np.unique(by_key[0].person)),
        wanted,
    )


def _mean(estimates: Sequence[Estimate]) -> Estimate:
    """The mean of the ends is no narrower than the interval of the mean, because keys share their people."""
    lows = [e.low for e in estimates if e.low is not None]
    highs = [e.high for e in estimates if e.high is not None]
    complete = len(lows) == len(highs) == len(estimates)
    value = float(np.mean([e.value for e in estimates]))
    return Estimate(value, float(np.mean(lows)) if complete else None, float(np.mean(highs)) if complete else None)


def _number(value: float, share: bool) -> str:
    if math.isnan(value):
        return "–"
    return f"{100 * value:.1f}" if share else f"{value:.2f}"


def _plain(value: float | None) -> float | None:
    return None if value is None or not math.isfinite(value) else round(float(value), 6)


def _read(said: Mapping[str, float | None]) -> Estimate:
    value = said["value"]
    return Estimate(math.nan if value is None else value, said["low"], said["high"])


def _estimate(value: Estimate) -> dict[str, float | None]:
    return {"value": _plain(value.value), "low": _plain(value.low), "high": _plain(value.high)}
