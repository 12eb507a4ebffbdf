from __future__ import annotations

from itertools import permutations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from mot_anon.trackers.assignment import assign

# Few values, so that ties, exact limits and forbidden pairs are common.
costs = arrays(
    np.float64,
    st.tuples(st.integers(0, 4), st.integers(0, 4)),
    elements=st.sampled_from([0.0, 0.1, 0.25, 0.5, 0.7, 0.71, 1.0, np.inf, np.nan]),
)


def gain(cost: np.ndarray, limit: float) -> float:
    """The best sum of limit − cost, by trying everything."""
    worth = np.where(cost <= limit, limit - cost, 0.0)
    if worth.shape[0] > worth.shape[1]:
        worth = worth.T
    rows, columns = worth.shape
    return max((worth[range(rows), list(chosen)].sum() for chosen in permutations(range(columns), rows)), default=0.0)


@given(costs, st.sampled_from([0.0, 0.3, 0.7, 1.0]))
def test_pairs_are_allowed_unique_and_the_best_there_are(cost, limit):
    rows, columns = assign(cost, limit)
    assert len(set(rows.tolist())) == len(rows) == len(set(columns.tolist())) == len(columns)
    assert (cost[rows, columns] <= limit).all()
    assert (np.diff(rows) > 0).all()
    assert (limit - cost[rows, columns]).sum() == pytest.approx(gain(cost, limit))


@given(costs)
def test_nobody_stays_alone_beside_a_free_allowed_partner(cost):
    rows, columns = assign(cost, 0.7)
    free = np.delete(np.delete(cost, rows, axis=0), columns, axis=1)
    assert not (free <= 0.7).any()


@given(costs)
def test_the_same_costs_give_the_same_pairs(cost):
    first, second = assign(cost, 0.7), assign(cost.copy(), 0.7)
    assert all(np.array_equal(a, b) for a, b in zip(first, second, strict=True))


def test_a_cost_of_exactly_the_limit_is_allowed_for_everybody():
    rows, columns = assign(np.where(np.eye(3) > 0, 0.7, 0.9), 0.7)
    assert rows.tolist() == columns.tolist() == [0, 1, 2]


def test_a_good_pair_is_not_given_up_for_two_bad_ones():
    # The plain Hungarian sum would pair 0-1 and 1-0 (0.6 + 0.6) rather than 0-0 and the hopeless 1-1 (0.1 + 5).
    rows, columns = assign([[0.1, 0.6], [0.6, 5.0]], 0.7)
    assert list(zip(rows.tolist(), columns.tolist(), strict=True)) == [(0, 0)]


def test_more_rows_than_columns_and_none_at_all():
    assert assign([[0.2], [0.1], [0.3]], 1.0)[0].tolist() == [1]
    for shape in [(0, 3), (3, 0), (0, 0)]:
        rows, columns = assign(np.zeros(shape), 1.0)
        assert len(rows) == len(columns) == 0


def test_negative_costs_are_costs_like_others():
    rows, columns = assign([[-5.0, -1.0], [-4.8, np.inf]], -0.5)
    assert list(zip(rows.tolist(), columns.tolist(), strict=True)) == [(0, 1), (1, 0)]


@pytest.mark.parametrize(("cost", "limit", "message"), [([1.0], 1.0, "matrix"), ([[1.0]], np.inf, "finite")])
def test_misuse_is_refused(cost, limit, message):
    with pytest.raises(ValueError, match=message):
        assign(cost, limit)
