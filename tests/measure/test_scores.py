"""Scores of results small enough to be counted by hand, and rules that hold for all results."""

# ruff: noqa: SIM300 (names in capitals are scores here, not constants)
from __future__ import annotations

import json
import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mot_anon.data.motchallenge import GT_COLUMNS, RESULT_COLUMNS, RULES
from mot_anon.errors import InputError
from mot_anon.measure.scores import SCORES, combine, preprocess, score

MOT15, MOT17, MOT20 = RULES["MOT15"], RULES["MOT17"], RULES["MOT20"]


def gt(*rows):
    """Rows are frame, id, x (boxes of 10×20 at y = 0) and, if need be, flag and class."""
    full = [(f, i, x, 0.0, 10.0, 20.0, *((*rest, 1, 1)[:2] if rest else (1, 1)), 1.0) for f, i, x, *rest in rows]
    return pd.DataFrame(full, columns=GT_COLUMNS).astype({"frame": "int64", "id": "int64", "class": "int64"})


def results(*rows):
    full = [(f, i, x, 0.0, 10.0, 20.0, 1.0) for f, i, x in rows]
    return pd.DataFrame(full, columns=RESULT_COLUMNS).astype({"frame": "int64", "id": "int64"})


def scored(truth, found, n_frames, rules=MOT17):
    return score(preprocess(truth, found, rules, n_frames))


def as_results(truth):
    return truth[RESULT_COLUMNS].copy()


ALONE = [(f, 1, 0) for f in range(1, 11)]


def test_a_perfect_tracker_has_one_in_every_fraction():
    truth = gt(*ALONE, *[(f, 2, 50) for f in range(3, 9)])
    scores = scored(truth, as_results(truth), 10)
    assert [getattr(scores, name) for name in ("MOTA", "IDF1", "HOTA", "DetA", "AssA", "recall", "precision")] == [
        1
    ] * 7
    assert (scores.IDSW, scores.FP, scores.FN, scores.MT, scores.ML, scores.Frag) == (0, 0, 0, 2, 0, 0)
    assert (scores.TP, scores.gt_boxes, scores.result_boxes, scores.gt_tracks, scores.n_frames) == (16, 16, 16, 2, 10)


def test_a_change_of_identity_half_way_is_one_switch_and_halves_idf1():
    found = results(*[(f, 7 if f <= 5 else 8, 0) for f in range(1, 11)])
    scores = scored(gt(*ALONE), found, 10)
    assert (scores.IDSW, scores.FP, scores.FN) == (1, 0, 0)
    assert scores.MOTA == pytest.approx(1 - 1 / 10)
    # One of the two tracks is the person's: 5 boxes agree, 5 of each side do not.
    assert (scores.IDTP, scores.IDFP, scores.IDFN) == (5, 5, 5)
    assert scores.IDF1 == pytest.approx(0.5)
    assert scores.DetA == pytest.approx(1)
    assert scores.AssA == pytest.approx(0.5)
    assert scores.HOTA == pytest.approx(math.sqrt(0.5))
    assert scores.per_frame.idsw.tolist() == [0] * 5 + [1] + [0] * 4


def test_misses_and_false_alarms_are_counted_in_their_frames():
    # Found in 6 of 10 frames with a gap; a false alarm in frames 2 and 10.
    found = results(*[(f, 1, 0) for f in (1, 2, 3, 4, 8, 9)], (2, 5, 500), (10, 6, 500))
    scores = scored(gt(*ALONE), found, 10)
    assert (scores.TP, scores.FN, scores.FP, scores.IDSW) == (6, 4, 2, 0)
    assert scores.MOTA == pytest.approx(1 - 6 / 10)
    assert scores.recall == pytest.approx(0.6)
    assert scores.precision == pytest.approx(6 / 8)
    assert scores.IDF1 == pytest.approx(2 * 6 / (10 + 8))
    assert scores.per_frame.fn.tolist() == [0, 0, 0, 0, 1, 1, 1, 0, 0, 1]
    assert scores.per_frame.fp.tolist() == [0, 1, 0, 0, 0, 0, 0, 0, 0, 1]
    assert scores.per_frame.idtp.tolist() == [1, 1, 1, 1, 0, 0, 0, 1, 1, 0]
    assert (scores.MT, scores.ML) == (0, 0)


def test_a_person_found_again_after_a_gap_is_one_fragmentation():
    elsewhere = [(f, 9, 500) for f in range(1, 11)]
    truth = gt(*ALONE, *[(f, 2, 500) for f in range(1, 11)])
    scores = scored(truth, results(*elsewhere, *[(f, 1, 0) for f in (1, 2, 3, 7, 8)]), 10)
    assert scores.Frag == 1


@pytest.mark.parametrize(("hits", "mt", "ml"), [(9, 1, 0), (8, 0, 0), (2, 0, 0), (1, 0, 1)])
def test_mostly_tracked_is_more_than_eighty_percent_and_mostly_lost_less_than_twenty(hits, mt, ml):
    scores = scored(gt(*ALONE), results(*ALONE[:hits]), 10)
    assert (scores.MT, scores.ML) == (mt, ml)


def test_half_an_overlap_is_a_match_and_less_is_not():
    # 10 px wide boxes shifted by a third of their width share 1/2 of their union.
    truth = gt((1, 1, 0), (2, 1, 0))
    assert scored(truth, results((1, 1, 10 / 3), (2, 1, 3.34)), 2).per_frame.tp.tolist() == [1, 0]


def test_the_track_of_the_frame_before_is_kept_though_another_fits_better():
    truth = gt((1, 1, 0), (2, 1, 0))
    found = results((1, 7, 0), (2, 8, 0), (2, 7, 2))
    assert scored(truth, found, 2).IDSW == 0


def test_a_track_of_long_ago_does_not_go_before_one_that_fits_better():
    # Frame 2 has boxes but not of this person: nothing is continued in frame 3 (motmetrics alone would go on with 7).
    truth = gt((1, 1, 0), (2, 1, 0), (3, 1, 0))
    found = results((1, 7, 0), (2, 9, 500), (3, 8, 0), (3, 7, 2))
    assert scored(truth, found, 3).per_frame.idsw.tolist() == [0, 0, 1]


def test_frames_without_any_box_of_the_tracker_do_not_interrupt_what_is_continued():
    truth = gt((1, 1, 0), (2, 1, 0), (3, 1, 0))
    assert scored(truth, results((1, 7, 0), (3, 8, 0), (3, 7, 2)), 3).IDSW == 0


@pytest.mark.parametrize("kind", [2, 7, 8, 12])
def test_boxes_on_distractors_neither_help_nor_hurt(kind):
    truth = gt((1, 1, 0), (1, 2, 100, 1, kind))
    scores = scored(truth, results((1, 1, 0), (1, 2, 100)), 1)
    assert (scores.TP, scores.FP, scores.FN, scores.gt_boxes, scores.result_boxes) == (1, 0, 0, 1, 1)


@pytest.mark.parametrize("kind", [3, 6, 9, 13])
def test_boxes_on_other_things_are_false_alarms(kind):
    truth = gt((1, 1, 0), (1, 2, 100, 1, kind))
    assert scored(truth, results((1, 1, 0), (1, 2, 100)), 1).FP == 1


def test_mot20_also_forgives_boxes_on_non_motorised_vehicles():
    truth, found = gt((1, 1, 0), (1, 2, 100, 1, 6)), results((1, 1, 0), (1, 2, 100))
    assert scored(truth, found, 1, MOT17).FP == 1
    assert scored(truth, found, 1, MOT20).FP == 0


def test_pedestrians_with_flag_zero_are_not_to_be_found_and_boxes_on_them_are_false_alarms():
    truth = gt((1, 1, 0), (1, 2, 100, 0, 1))
    scores = scored(truth, results((1, 1, 0), (1, 2, 100)), 1)
    assert (scores.gt_boxes, scores.TP, scores.FP) == (1, 1, 1)


def test_a_box_goes_to_the_person_it_fits_not_to_the_distractor_beside():
    truth = gt((1, 1, 0), (1, 2, 2, 1, 8))
    assert scored(truth, results((1, 1, 0)), 1).TP == 1
    assert scored(truth, results((1, 1, 2)), 1).result_boxes == 0


def test_mot15_has_no_distractors_but_leaves_out_flag_zero():
    truth = gt((1, 1, 0), (1, 2, 100, 0), (1, 3, 200, 1, 8))
    scores = scored(truth, results((1, 1, 0), (1, 2, 100), (1, 3, 200)), 1, MOT15)
    assert (scores.gt_boxes, scores.TP, scores.FP) == (2, 2, 1)


def test_boxes_are_not_clipped():
    truth = gt((1, 1, -9))
    assert preprocess(truth, results((1, 1, -9)), MOT17, 1).gt_boxes[0].tolist() == [[-9, 0, 10, 20]]


def test_prepared_frames_keep_the_ids_of_the_files():
    prepared = preprocess(gt((1, 4, 0), (3, 9, 0)), results((1, 30, 0), (3, 20, 1)), MOT17, 3)
    assert [ids.tolist() for ids in prepared.gt_ids] == [[4], [], [9]]
    assert [ids.tolist() for ids in prepared.tracker_ids] == [[30], [], [20]]
    assert [s.shape for s in prepared.similarity] == [(1, 1), (0, 0), (1, 1)]


def test_without_results_everybody_is_missed():
    scores = scored(gt(*ALONE), results(), 12)
    assert (scores.MOTA, scores.IDF1, scores.HOTA, scores.recall, scores.precision) == (0, 0, 0, 0, 0)
    assert (scores.FN, scores.FP, scores.ML, scores.IDFN) == (10, 0, 1, 10)
    assert scores.per_frame.fn.tolist() == [1] * 10 + [0, 0]


def test_without_gt_mota_and_recall_are_undefined():
    scores = scored(gt(), results(*ALONE), 10)
    assert math.isnan(scores.MOTA)
    assert math.isnan(scores.recall)
    assert (scores.FP, scores.IDFP, scores.IDF1, scores.precision, scores.HOTA, scores.ML) == (10, 10, 0, 0, 0, 0)


@pytest.mark.parametrize("n_frames", [0, 3])
def test_without_anything_there_is_nothing_to_count(n_frames):
    scores = scored(gt(), results(), n_frames)
    assert (scores.FP, scores.FN, scores.IDSW, scores.gt_tracks, scores.n_frames) == (0, 0, 0, 0, n_frames)
    assert math.isnan(scores.MOTA)


def test_boxes_without_area_match_nothing():
    truth = gt((1, 1, 0))
    truth["w"] = 0.0
    assert scored(truth, as_results(truth), 1).TP == 0


@pytest.mark.parametrize("frame", [0, 4])
def test_a_frame_outside_the_sequence_is_refused(frame):
    with pytest.raises(InputError, match=rf"results: frame {frame} is outside the sequence \(1 to 3\)"):
        preprocess(gt((1, 1, 0)), results((frame, 1, 0)), MOT17, 3)


def test_an_id_twice_in_a_frame_is_refused():
    with pytest.raises(InputError, match="results: frame 2 has id 5 twice"):
        preprocess(gt((1, 1, 0)), results((2, 4, 0), (2, 5, 0), (2, 5, 50)), MOT17, 3)


def test_combined_scores_divide_summed_counts():
    good = scored(gt(*ALONE), results(*ALONE), 10)
    bad = scored(gt((1, 1, 0), (2, 1, 0)), results((1, 1, 0), (2, 2, 500)), 2)
    both = combine([good, bad])
    assert (both.gt_boxes, both.FN, both.FP) == (12, 1, 1)
    assert both.MOTA == pytest.approx(1 - 2 / 12)
    assert both.IDF1 == pytest.approx(2 * 11 / 24)
    assert both.n_frames == 12
    assert both.per_frame.fn.tolist() == [0] * 11 + [1]
    # At every threshold 11 boxes match, one is missed and one is too many; that of `bad` is one of two boxes.
    assert both.DetA == pytest.approx(11 / 13)
    assert both.AssA == pytest.approx((10 + 1 / 2) / 11)


def test_combining_one_sequence_changes_nothing_and_none_is_refused():
    one = scored(gt(*ALONE), results(*ALONE[2:], (1, 9, 500)), 10)
    assert combine([one]).as_dict() == pytest.approx(one.as_dict())
    with pytest.raises(ValueError, match="no sequence"):
        combine([])


def test_scores_are_plain_numbers_in_the_order_of_tables():
    values = scored(gt(*ALONE), results(*ALONE[1:]), 10).as_dict()
    assert tuple(values) == SCORES
    assert json.loads(json.dumps(values)) == values
    assert {name for name, value in values.items() if type(value) is int} == {"IDSW", "FP", "FN", "MT", "ML", "Frag"}
    assert all(type(value) in (int, float) for value in values.values())


@st.composite
def scenes(draw):
    """gt and results of up to 5 people and tracks in up to 8 frames, at few places, so that ties occur."""
    n_frames = draw(st.integers(1, 8))
    keys = st.tuples(st.integers(1, n_frames), st.integers(1, 5))
    places = st.sampled_from([0, 1, 2, 3, 4, 6, 8, 100, 102])
    kinds = st.sampled_from([(1, 1), (1, 1), (1, 1), (0, 1), (1, 8), (0, 7), (1, 3)])
    people = draw(st.dictionaries(keys, st.tuples(places, kinds), max_size=25))
    tracks = draw(st.dictionaries(keys, places, max_size=25))
    truth = gt(*[(f, i, x, *kind) for (f, i), (x, kind) in people.items()])
    return truth, results(*[(f, i, x) for (f, i), x in tracks.items()]), n_frames


@given(scenes())
@settings(max_examples=60, deadline=None)
def test_what_is_counted_adds_up(scene):
    truth, found, n_frames = scene
    scores = scored(truth, found, n_frames)
    frames = scores.per_frame
    assert (frames.tp + frames.fn == frames.gt).all()
    assert (frames.tp + frames.fp == frames.results).all()
    assert (frames.idsw <= frames.tp).all()
    assert (frames.idtp <= np.minimum(frames.gt, frames.results)).all()
    assert scores.IDTP + scores.IDFN == scores.gt_boxes
    assert scores.IDTP + scores.IDFP == scores.result_boxes
    assert all(len(getattr(frames, name)) == n_frames for name in ("gt", "tp", "idtp"))
    assert all(0 <= value <= 1 for value in (scores.IDF1, scores.HOTA, scores.DetA, scores.AssA, scores.precision))


@given(scenes(), st.permutations(range(1, 6)), st.permutations(range(1, 6)))
@settings(max_examples=40, deadline=None)
def test_names_of_people_and_tracks_change_nothing(scene, people, tracks):
    truth, found, n_frames = scene
    renamed, retracked = truth.copy(), found.copy()
    renamed["id"] = [people[i - 1] * 1000 for i in truth["id"]]
    retracked["id"] = [tracks[i - 1] + 77 for i in found["id"]]
    before, after = scored(truth, found, n_frames), scored(renamed, retracked, n_frames)
    assert after.as_dict() == pytest.approx(before.as_dict(), nan_ok=True)


@given(scenes())
@settings(max_examples=40, deadline=None)
def test_people_as_their_own_results_score_one(scene):
    truth, _, n_frames = scene
    own = truth[(truth["confidence"] != 0) & (truth["class"] == 1)]
    if own.empty:
        return
    # Apart from each other, nobody can be taken for somebody else or for a distractor.
    own = own.assign(x=own["x"] + 1000 * own["id"])
    scores = scored(own, as_results(own), n_frames)
    assert [getattr(scores, name) for name in ("MOTA", "IDF1", "HOTA", "recall", "precision")] == [1] * 5
