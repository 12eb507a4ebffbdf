"""Label leakage: what tracking gains because ground truth is painted into the pixels.

Under a policy that draws an identity for every id of ground truth, a tracker with an eye for looks is told who is who.
A score that rises by that says nothing about the data: it is labelled as leakage and never as a gain.
"""

from __future__ import annotations

from collections.abc import Mapping

from mot_anon.measure.statistics import Interval
from mot_anon.plan.identities import KEYED_BY_LABELS

_SCORES = ("MOTA", "IDF1", "HOTA")


def leaked_scores(policy: str, difference: Mapping[str, Interval], *, sees_looks: bool) -> list[str]:
    """Scores whose rise is label leakage: those above the original's, of a tracker that sees looks.

    Parameters
    ----------
    policy:
        The identity policy of the published frames; ``none`` for a method without identities.
    difference:
        Score → published − original.
    sees_looks:
        Whether the tracker uses appearance; one that does not cannot be told anything by it.
    """
    if policy not in KEYED_BY_LABELS or not sees_looks:
        return []
    return [name for name in _SCORES if difference[name].value > 0]
