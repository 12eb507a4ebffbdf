"""A gain that comes from ids painted into pixels is labelled, and never called a gain."""

from __future__ import annotations

import pytest

from mot_anon.measure.leakage import leaked_scores
from mot_anon.measure.statistics import Interval


def difference(**values: float) -> dict[str, Interval]:
    return {name: Interval(values.get(name, 0.0), None, None) for name in ("MOTA", "IDF1", "HOTA", "IDSW")}


@pytest.mark.parametrize("policy", ["pseudonym", "isometry"])
def test_a_rise_where_a_whole_track_shares_a_code_is_leakage_of_labels(policy: str) -> None:
    assert leaked_scores(policy, difference(IDF1=0.02, HOTA=0.01, MOTA=-0.01, IDSW=5), sees_looks=True) == [
        "IDF1",
        "HOTA",
    ]


@pytest.mark.parametrize("policy", ["shared", "tracker", "none", "unknown"])
def test_policies_that_do_not_know_ids_leak_none(policy: str) -> None:
    assert leaked_scores(policy, difference(IDF1=0.02), sees_looks=True) == []


def test_a_tracker_that_sees_no_looks_cannot_be_told_who_is_who() -> None:
    assert leaked_scores("pseudonym", difference(IDF1=0.02), sees_looks=False) == []


def test_a_loss_is_a_loss() -> None:
    assert leaked_scores("pseudonym", difference(IDF1=-0.02), sees_looks=True) == []
