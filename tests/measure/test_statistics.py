"""Intervals of differences: exact where they must be, honest where they can be checked."""

from __future__ import annotations

import math
import time
from dataclasses import fields, replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mot_anon.measure.scores import SCORES, FrameCounts, SequenceScores, combine
from mot_anon.measure.statistics import (
    Interval,
    default_block,
    differences,
    hota_interval,
    paired_bootstrap,
    sequence_bootstrap,
    spread,
)

BY_FRAME = ("MOTA", "IDF1", "IDSW", "FP", "FN", "recall", "precision")


def scores_of(*, gt, tp, fp, idsw=0, idtp=None, hota=0.5, mt=1):
    """Scores with these counts in each frame; HOTA's 19 thresholds all have `hota`² of the boxes right."""
    gt, tp, fp, idsw = (np.asarray(values, dtype=np.int64) for values in np.broadcast_arrays(gt, tp, fp, idsw))
    counts = FrameCounts(gt, tp + fp, tp, fp, gt - tp, idsw, tp if idtp is None else np.asarray(idtp, dtype=np.int64))
    right, people = np.full(19, hota**2 * gt.sum()), float(gt.sum())
    blank = SequenceScores(
        **dict.fromkeys([field.name for field in fields(SequenceScores)], 0)
        | {"MT": mt, "ML": 0, "Frag": 0, "gt_tracks": 2, "per_frame": counts}
        | {"hota_tp": right, "hota_fn": people - right, "hota_fp": 0 * right, "hota_association": right}
    )
    return combine([blank])


def random_scores(rng, n_frames, recall=0.7, false_alarms=0.5):
    gt = rng.integers(3, 9, n_frames)
    tp = rng.binomial(gt, recall)
    return scores_of(
        gt=gt, tp=tp, fp=rng.poisson(false_alarms, n_frames), idsw=rng.binomial(tp, 0.02), idtp=rng.binomial(tp, 0.8)
    )


def test_the_value_is_published_minus_original():
    original = scores_of(gt=[4] * 50, tp=[4] * 25 + [2] * 25, fp=0)
    published = scores_of(gt=[4] * 50, tp=[2] * 50, fp=[1, 0] * 25, idsw=[1] + [0] * 49)
    found = paired_bootstrap(original, published)
    assert tuple(found) == BY_FRAME
    assert (found["FN"].value, found["FP"].value, found["IDSW"].value) == (50, 25, 1)
    assert found["MOTA"].value == pytest.approx(-76 / 200)
    assert found["recall"].value == pytest.approx(-50 / 200)
    assert found["precision"].value == pytest.approx(100 / 125 - 1)
    assert found["IDF1"].value == pytest.approx(2 * 100 / (200 + 125) - 2 * 150 / (200 + 150))
    for name in BY_FRAME:
        assert found[name].low <= found[name].value <= found[name].high


@pytest.mark.parametrize("n_frames", [1, 5, 71, 300])
def test_identical_sides_differ_by_exactly_nothing(n_frames):
    scores = random_scores(np.random.default_rng(3), n_frames)
    assert set(paired_bootstrap(scores, scores).values()) == {Interval(0.0, 0.0, 0.0)}


@pytest.mark.parametrize("block", [None, 1, 7, 60])
def test_a_difference_that_is_the_same_in_every_frame_is_certain(block):
    """Whatever is drawn has as many frames as the sequence: the last block is cut, the end wraps around."""
    original, published = scores_of(gt=[4] * 90, tp=4, fp=0), scores_of(gt=[4] * 90, tp=3, fp=1)
    found = paired_bootstrap(original, published, block=block)
    for name in ("MOTA", "recall", "FN", "FP"):
        assert found[name].low == pytest.approx(found[name].value)
        assert found[name].high == pytest.approx(found[name].value)
    assert found["FN"].value == 90


def test_what_both_sides_share_cancels_out():
    """Frames differ widely, the two sides by little: unpaired frames would hide that."""
    gt = np.where(np.arange(400) // 50 % 2, 20, 2)
    tp = gt // 2
    published = tp.copy()
    published[::7] -= 1
    found = paired_bootstrap(scores_of(gt=gt, tp=tp, fp=0), scores_of(gt=gt, tp=published, fp=0))["FN"]
    assert found.value == len(gt[::7])
    assert found.high - found.low < 20


def test_the_same_seed_gives_the_same_intervals_and_another_other_ones():
    rng = np.random.default_rng(5)
    sides = random_scores(rng, 200), random_scores(rng, 200, recall=0.6)
    assert differences(*sides) == differences(*sides)
    assert paired_bootstrap(*sides, seed=1)["MOTA"] != paired_bootstrap(*sides, seed=2)["MOTA"]


@given(st.integers(0, 10**6), st.integers(10, 80), st.integers(1, 100))
@settings(max_examples=30, deadline=None)
def test_swapping_the_sides_mirrors_the_interval(seed, n_frames, block):
    rng = np.random.default_rng(seed)
    one, other = random_scores(rng, n_frames), random_scores(rng, n_frames, recall=0.5)
    there, back = (paired_bootstrap(*sides, resamples=100, block=block) for sides in ((one, other), (other, one)))
    for name in BY_FRAME:
        if there[name].low is None:
            assert block >= n_frames, "a single block cannot vary"
            continue
        assert there[name].value == pytest.approx(-back[name].value)
        assert there[name].low == pytest.approx(-back[name].high)


def test_intervals_hold_the_true_difference_about_as_often_as_they_say():
    """Counts of frames that follow each other closely, drawn 150 times from a process whose mean is known."""
    rng = np.random.default_rng(0)
    held = {"FN": 0, "MOTA": 0}
    for _ in range(150):
        noise = rng.standard_normal(660)
        drift = np.convolve(noise, np.ones(20) / math.sqrt(20), mode="valid")[:600]
        lost = np.clip(np.rint(2 + drift), 0, 8).astype(int)
        gt = np.full(600, 10)
        found = paired_bootstrap(scores_of(gt=gt, tp=gt, fp=0), scores_of(gt=gt, tp=gt - lost, fp=0), resamples=200)
        # Rounding and clipping at 0 move the mean from 2 to 2.01.
        truth = 600 * MEAN_LOST
        held["FN"] += found["FN"].low <= truth <= found["FN"].high
        held["MOTA"] += found["MOTA"].low <= -truth / 6000 <= found["MOTA"].high
    assert all(0.88 <= times / 150 <= 0.99 for times in held.values()), held


def _mean_lost():
    below = np.array([0.5 * math.erfc(-(k + 0.5 - 2) / math.sqrt(2)) for k in range(8)])
    return float((1 - below).sum())


MEAN_LOST = _mean_lost()


def test_longer_blocks_widen_the_interval_of_what_comes_in_runs():
    lost = np.repeat(np.random.default_rng(2).integers(0, 2, 20), 30)
    sides = scores_of(gt=[5] * 600, tp=5, fp=0), scores_of(gt=[5] * 600, tp=5 - lost, fp=0)
    single, default = paired_bootstrap(*sides, block=1)["FN"], paired_bootstrap(*sides)["FN"]
    assert default.high - default.low > 3 * (single.high - single.low)


@pytest.mark.parametrize(("n_frames", "block"), [(1, 1), (8, 1), (71, 14), (150, 30), (600, 60), (30_000, 60)])
def test_blocks_are_two_seconds_or_a_fifth_of_a_short_sequence(n_frames, block):
    assert default_block(n_frames) == block


def test_blocks_grow_with_the_cube_root_of_very_long_sequences():
    assert default_block(1_000_000) == pytest.approx(100, abs=1)


def test_too_few_frames_give_a_value_without_an_interval():
    original, published = scores_of(gt=[4] * 8, tp=4, fp=0), scores_of(gt=[4] * 8, tp=3, fp=0)
    assert paired_bootstrap(original, published)["FN"] == Interval(8, None, None)
    # What happens to be equal is not certain either where something else differs.
    assert paired_bootstrap(original, published)["IDSW"] == Interval(0, None, None)


def test_several_sequences_are_resampled_each_in_itself_and_summed():
    """A sequence that is lost in every frame and one that is not: mixing their frames would make the sum uncertain."""
    fine, lost = scores_of(gt=[4] * 60, tp=4, fp=0), scores_of(gt=[4] * 60, tp=0, fp=0)
    found = paired_bootstrap([fine, fine], [fine, lost])
    assert found["FN"].value == found["FN"].low == found["FN"].high == 240
    assert found["MOTA"].value == pytest.approx(-0.5)
    assert found["MOTA"].value == pytest.approx(combine([fine, lost]).MOTA - combine([fine, fine]).MOTA)


def test_views_of_one_camera_are_resampled_in_the_same_frames():
    rng = np.random.default_rng(8)
    original, published = random_scores(rng, 300), random_scores(rng, 300, recall=0.6)
    alone = paired_bootstrap(original, published)["MOTA"]
    views = paired_bootstrap([original] * 3, [published] * 3, cameras=["MOT17-02"] * 3)["MOTA"]
    strangers = paired_bootstrap([original] * 3, [published] * 3)["MOTA"]
    assert views.high - views.low == pytest.approx(alone.high - alone.low)
    assert strangers.high - strangers.low < 0.8 * (alone.high - alone.low)


def test_undefined_scores_have_an_undefined_difference():
    nobody = scores_of(gt=[0] * 40, tp=0, fp=1)
    more = scores_of(gt=[0] * 40, tp=0, fp=[1, 3] * 20)
    found = paired_bootstrap(nobody, more)
    assert math.isnan(found["MOTA"].value)
    assert (found["MOTA"].low, found["MOTA"].high) == (None, None)
    assert found["FP"].value == 40


def test_resamples_without_people_are_left_out():
    gt = np.zeros(100, dtype=int)
    gt[50] = 1
    found = paired_bootstrap(scores_of(gt=gt, tp=gt, fp=0), scores_of(gt=gt, tp=0, fp=0), block=5)["recall"]
    assert (found.low, found.high) == (-1, -1)


def test_a_thousand_resamples_of_a_thousand_frames_take_well_under_a_second():
    rng = np.random.default_rng(1)
    sides = random_scores(rng, 1000), random_scores(rng, 1000)
    start = time.perf_counter()
    paired_bootstrap(*sides, block=10)
    assert time.perf_counter() - start < 0.5


@pytest.mark.parametrize("n_cameras", [1, 2])
def test_hota_has_no_interval_for_fewer_than_three_cameras(n_cameras):
    before = [scores_of(gt=[4] * 20, tp=4, fp=0, hota=0.6)] * n_cameras
    after = [scores_of(gt=[4] * 20, tp=4, fp=0, hota=0.5)] * n_cameras
    found = hota_interval(before, after)
    assert found.value == pytest.approx(-0.1)
    assert (found.low, found.high) == (None, None)


def test_hota_of_several_cameras_has_an_interval_and_views_of_one_are_one_camera():
    before = [scores_of(gt=[4] * 20, tp=4, fp=0, hota=0.6)] * 4
    after = [
        scores_of(gt=[4] * 20, tp=4, fp=0, hota=hota, mt=mt) for hota, mt in ((0.6, 1), (0.5, 0), (0.4, 1), (0.5, 0))
    ]
    found = sequence_bootstrap(before, after)
    assert tuple(found) == ("HOTA", "DetA", "AssA", "MT", "ML", "Frag")
    assert found["HOTA"].value == pytest.approx(combine(after).HOTA - combine(before).HOTA)
    assert found["HOTA"].low < found["HOTA"].value < found["HOTA"].high
    assert found["MT"].value == -2
    assert hota_interval(before, after) == found["HOTA"]
    assert hota_interval(before, after, cameras=["a", "a", "b", "b"]).low is None


def test_the_same_loss_in_every_camera_is_certain():
    before = [scores_of(gt=[4] * 20, tp=4, fp=0, hota=0.6)] * 3
    after = [scores_of(gt=[4] * 20, tp=4, fp=0, hota=0.5)] * 3
    found = hota_interval(before, after)
    assert (found.low, found.high) == (pytest.approx(-0.1), pytest.approx(-0.1))


def test_differences_cover_every_score_in_the_order_of_tables():
    rng = np.random.default_rng(4)
    sides = [random_scores(rng, 60) for _ in range(3)], [random_scores(rng, 60) for _ in range(3)]
    found = differences(*sides)
    assert tuple(found) == SCORES
    assert all(interval.low is not None for interval in found.values())
    assert differences(sides[0][0], sides[1][0])["HOTA"].low is None


def test_sides_that_do_not_belong_together_are_refused():
    ten, twelve = (random_scores(np.random.default_rng(0), n) for n in (10, 12))
    with pytest.raises(ValueError, match="sequence 2 has 10 original and 12 published frames"):
        paired_bootstrap([ten, ten], [ten, twelve])
    with pytest.raises(ValueError, match="1 original and 2 published"):
        paired_bootstrap(ten, [ten, ten])
    with pytest.raises(ValueError, match="0 original"):
        hota_interval([], [])
    with pytest.raises(ValueError, match="at least 1"):
        paired_bootstrap(ten, ten, block=0)
    with pytest.raises(ValueError, match="at least 1"):
        hota_interval([ten], [ten], resamples=0)
    with pytest.raises(ValueError, match="1 cameras for 2 sequences"):
        paired_bootstrap([ten, ten], [ten, ten], cameras=["a"])


def test_identical_sides_that_are_other_objects_are_identical():
    scores = random_scores(np.random.default_rng(6), 9)
    counts = scores.per_frame
    copy = replace(scores, per_frame=replace(counts, fp=counts.fp.copy()))
    assert paired_bootstrap(scores, copy)["FP"] == Interval(0, 0, 0)


def test_spread_between_keys():
    assert spread([0.1, 0.3, 0.2]) == pytest.approx({"mean": 0.2, "min": 0.1, "max": 0.3, "sd": 0.1})
    assert spread([0.4]) == {"mean": 0.4, "min": 0.4, "max": 0.4, "sd": None}
    with pytest.raises(ValueError, match="no value"):
        spread([])
