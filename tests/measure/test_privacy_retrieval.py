"""Ranks, chance and intervals: pure functions of similarities and labels."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from mot_anon.measure.privacy.retrieval import (
    Labels,
    Outcome,
    across_cameras,
    binomial,
    chance,
    cosine,
    estimate,
    own_frame,
    paired,
    rank_correlation,
    resampled_correlation,
    retrieve,
    similarities,
    within_camera,
)


def labels(people: int, cameras: int = 2, each: int = 2) -> Labels:
    person, camera, _ = (axis.ravel() for axis in np.mgrid[0:people, 0:cameras, 0:each])
    return Labels(person, camera, np.arange(len(person)))


def rng() -> np.random.Generator:
    return np.random.default_rng(3)


def features(of: Labels, *, noise: float = 0.0, seed: int = 0) -> np.ndarray:
    draw = np.random.default_rng(seed)
    people = draw.standard_normal((int(of.person.max()) + 1, 32))
    return (people[of.person] + noise * draw.standard_normal((len(of), 32))).astype(np.float32)


def test_whoever_looks_the_same_is_found() -> None:
    them = labels(20)
    found = features(them, noise=0.01)
    outcome = retrieve(cosine(found, found), them, them, across_cameras(them, them), rng())
    assert outcome.rank_1 == outcome.rank_5 == outcome.mean_average_precision == 1
    assert len(outcome.query) == len(them)


def test_a_query_never_finds_itself_but_in_its_own_frame() -> None:
    them = labels(20, each=1)
    found = np.eye(len(them), dtype=np.float32)  # every crop is like itself and like nothing else
    assert retrieve(cosine(found, found), them, them, own_frame(them, them), rng()).rank_1 == 1
    with pytest.raises(ValueError, match="no query"):  # one crop a camera: there is no other moment
        retrieve(cosine(found, found), them, them, within_camera(them, them), rng())


def test_who_sees_nothing_guesses() -> None:
    them = labels(25)
    same = np.ones((len(them), 4), np.float32)
    rates = [
        retrieve(cosine(same, same), them, them, across_cameras(them, them), np.random.default_rng(seed)).rank_1
        for seed in range(40)
    ]
    assert 0.02 < np.mean(rates) < 0.06


def test_mean_average_precision_is_that_of_a_ranking_done_by_hand() -> None:
    query = Labels(np.array([0]), np.array([0]), np.array([100]))
    gallery = Labels(np.array([1, 0, 1, 0]), np.ones(4, np.int64), np.arange(4))
    outcome = retrieve(np.array([[0.9, 0.8, 0.7, 0.6]]), query, gallery, across_cameras(query, gallery), rng())
    assert outcome.rank.tolist() == [2]
    assert outcome.mean_average_precision == pytest.approx((1 / 2 + 2 / 4) / 2)
    assert outcome.nearest.tolist() == [1]


def test_chance_is_one_in_as_many_as_there_are_people() -> None:
    them = labels(40)
    found = features(them, noise=0.01)
    mean, high = chance(retrieve(cosine(found, found), them, them, across_cameras(them, them), rng()), rng())
    assert mean == pytest.approx(1 / 40, abs=0.005)
    assert mean < high < 0.12


def test_nobody_of_a_hundred_is_at_most_some_and_one_of_a_hundred_at_most_five() -> None:
    people = np.arange(100)
    nobody = estimate(np.zeros(100), people, rng())
    assert nobody.low == 0
    assert nobody.high == pytest.approx(0.0362, abs=1e-4)
    one = estimate((people == 7).astype(float), people, rng())
    assert one.high is not None
    assert one.high == pytest.approx(0.0545, abs=1e-3)


def test_a_persons_crops_are_no_independent_witnesses() -> None:
    person = np.repeat(np.arange(60), 20)
    clustered = (person % 2).astype(float)
    spread = (np.arange(len(person)) % 2).astype(float)
    one, other = estimate(clustered, person, rng()), estimate(spread, person, rng())
    assert one.low is not None
    assert one.high is not None
    assert other.low is not None
    assert other.high is not None
    assert one.high - one.low > 0.2 > 10 * (other.high - other.low)


def test_the_interval_covers_what_it_estimates_about_as_often_as_it_says() -> None:
    draw = np.random.default_rng(0)
    inside = 0
    for _ in range(150):
        rates = draw.beta(1, 4, 60)  # people differ; the mean is 0.2
        person = np.repeat(np.arange(60), 5)
        found = estimate((draw.random(300) < rates[person]).astype(float), person, draw, resamples=300)
        assert found.low is not None
        assert found.high is not None
        inside += found.low <= 0.2 <= found.high
    assert inside / 150 > 0.88


def test_one_person_is_no_sample() -> None:
    found = estimate(np.ones(5), np.zeros(5, np.int64), rng())
    assert (found.value, found.low, found.high) == (1, None, None)


def test_the_difference_to_the_floor_is_paired() -> None:
    them = labels(30)
    allowed = across_cameras(them, them)
    noisy, empty = features(them, noise=1.0), np.ones((len(them), 2), np.float32)
    above = retrieve(cosine(noisy, noisy), them, them, allowed, rng())
    floor = retrieve(cosine(empty, empty), them, them, allowed, rng())
    difference = paired(above, floor, rng())
    assert difference.value == pytest.approx(above.rank_1 - floor.rank_1)
    assert difference.low is not None
    assert 0 < difference.low < difference.value
    same = paired(above, above, rng())
    most = binomial(0, 30)[1]  # that nobody of thirty differs does not mean that nobody would
    assert (same.value, same.low, same.high) == (0, pytest.approx(-most), pytest.approx(most))


def test_an_isometry_keeps_who_is_like_whom() -> None:
    them = labels(15)
    found = features(them)
    turned = found @ np.linalg.qr(np.random.default_rng(1).standard_normal((32, 32)))[0].astype(np.float32)
    before, people = similarities(found, them.person)
    after, _ = similarities(turned, them.person)
    assert people.tolist() == list(range(15))
    assert rank_correlation(before, after) == pytest.approx(1)
    other, _ = similarities(features(them, seed=9), them.person)
    assert abs(rank_correlation(before, other)) < 0.4


def test_who_is_drawn_twice_counts_twice_and_is_no_pair() -> None:
    before, after = np.random.default_rng(0).random((2, 4, 4))
    before, after = before + before.T, after + after.T
    before[0, 0] = after[0, 0] = 99
    twice = resampled_correlation(before, after, np.array([0, 0, 1, 2]))
    pairs = ([0, 0, 0, 0, 1], [1, 1, 2, 2, 2])
    assert twice == pytest.approx(stats.spearmanr(before[pairs], after[pairs]).statistic)
    assert np.isnan(rank_correlation(before, np.ones_like(before)))


def test_binomial_ends_are_exact_ones() -> None:
    assert binomial(0, 100)[1] == pytest.approx(1 - 0.025 ** (1 / 100))
    assert binomial(100, 100) == (pytest.approx(0.025 ** (1 / 100)), 1.0)


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 2**31), st.floats(0.1, 50), st.integers(3, 12))
def test_neither_scale_nor_the_names_of_people_change_a_ranking(seed: int, scale: float, people: int) -> None:
    them = labels(people)
    found = features(them, noise=1.0, seed=seed)
    renamed = Labels(np.random.default_rng(seed).permutation(people)[them.person] + 5, them.camera, them.row)
    outcomes: list[Outcome] = [
        retrieve(scale_ * cosine(found, found), who, who, across_cameras(who, who), rng())
        for scale_, who in ((1.0, them), (scale, renamed))
    ]
    assert outcomes[0].rank.tolist() == outcomes[1].rank.tolist()
    assert outcomes[0].mean_average_precision == pytest.approx(outcomes[1].mean_average_precision)
