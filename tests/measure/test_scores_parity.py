"""The scores are the official ones: held to trackeval, from files on, over real tracks, the demo and chance."""

# ruff: noqa: SIM300 (names in capitals are scores here, not constants)
from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from trackeval.datasets import MotChallenge2DBox
from trackeval.metrics import CLEAR, HOTA, Identity

from mot_anon.data.demo import NAMES, write_demo
from mot_anon.data.motchallenge import GT_COLUMNS, RESULT_COLUMNS, RULES, write_results
from mot_anon.data.sequence import open_sequence
from mot_anon.measure.scores import combine, preprocess, score
from mot_anon.trackers import make_tracker
from mot_anon.trackers.boxes import iou_matrix, xywh_to_xyxy
from tests.realdata import MOT

REAL = (
    "MOT15/train/TUD-Stadtmitte",
    "MOT17/train/MOT17-09-DPM",
    "MOT17-labels/train/MOT17-02-FRCNN",
    "MOT17-labels/train/MOT17-04-FRCNN",
)
PAPER, LONG = {}, {"max_age": 30}


def sort_results(sequence, parameters):
    """What SORT makes of the public detections."""
    detections = sequence.detections()
    detections = detections[(detections["w"] > 0) & (detections["h"] > 0)]
    by_frame = dict(iter(detections.groupby("frame")))
    tracker, rows = make_tracker("sort", **parameters), []
    for frame in range(1, sequence.n_frames + 1):
        seen = by_frame.get(frame, detections.iloc[:0])
        boxes = xywh_to_xyxy(seen[["x", "y", "w", "h"]].to_numpy())
        for left, top, right, bottom, track, confidence in tracker.update(boxes, seen["confidence"].to_numpy()):
            rows.append((frame, track, left, top, right - left, bottom - top, confidence))
    return pd.DataFrame(rows, columns=RESULT_COLUMNS).astype({"frame": "int64", "id": "int64"})


def trackeval_scores(data):
    """MOTA, IDF1, HOTA… by trackeval's own classes."""
    clear = CLEAR({"PRINT_CONFIG": False}).eval_sequence(data)
    identity = Identity({"PRINT_CONFIG": False}).eval_sequence(data)
    hota = HOTA().eval_sequence(data)
    return {
        "MOTA": clear["MOTA"],
        "IDF1": identity["IDF1"],
        "HOTA": hota["HOTA"].mean(),
        "DetA": hota["DetA"].mean(),
        "AssA": hota["AssA"].mean(),
        "IDSW": clear["IDSW"],
        "FP": clear["CLR_FP"],
        "FN": clear["CLR_FN"],
        "MT": clear["MT"],
        "ML": clear["ML"],
        "Frag": clear["Frag"],
        "recall": clear["CLR_Re"],
        "precision": clear["CLR_Pr"],
    }


def official(folder, sequence, gt_text, results):
    """trackeval from files to the data that it scores: its reader, its overlaps, its preprocessing."""
    truth = folder / "gt" / sequence.name / "gt" / "gt.txt"
    truth.parent.mkdir(parents=True)
    truth.write_text(gt_text)
    write_results(folder / "trackers" / "ours" / "data" / f"{sequence.name}.txt", results)
    dataset = MotChallenge2DBox(
        {
            "GT_FOLDER": str(folder / "gt"),
            "TRACKERS_FOLDER": str(folder / "trackers"),
            "TRACKERS_TO_EVAL": ["ours"],
            "BENCHMARK": sequence.rules.name,
            "SKIP_SPLIT_FOL": True,
            "SEQ_INFO": {sequence.name: sequence.n_frames},
            "PRINT_CONFIG": False,
        }
    )
    return dataset.get_preprocessed_seq_data(dataset.get_raw_seq_data("ours", sequence.name), "pedestrian")


@pytest.fixture(scope="session")
def demo(tmp_path_factory):
    folder = tmp_path_factory.mktemp("parity")
    write_demo(folder, frames=40, workers=1)
    return folder


@pytest.fixture(scope="session", params=[*REAL, *NAMES])
def sequence(request):
    if request.param in NAMES:
        return open_sequence(request.getfixturevalue("demo") / request.param)
    if not (MOT / request.param).is_dir():
        pytest.skip(f"no real sequence {request.param} beside the checkout")
    return open_sequence(MOT / request.param)


@pytest.mark.parametrize("parameters", [PAPER, LONG], ids=["paper", "long"])
def test_scores_of_sort_are_those_of_trackeval_from_files_on(sequence, parameters, tmp_path, capsys):
    results = sort_results(sequence, parameters).round({"x": 2, "y": 2, "w": 2, "h": 2})
    prepared = preprocess(sequence.gt(), results, sequence.rules, sequence.n_frames)
    data = official(tmp_path, sequence, sequence.gt_path.read_text(), results)
    ours, theirs = score(prepared).as_dict(), trackeval_scores(data)
    assert capsys.readouterr().out == ""
    counts = ("IDSW", "FP", "FN", "MT", "ML", "Frag")
    assert {name: ours[name] for name in counts} == {name: theirs[name] for name in counts}
    assert ours == pytest.approx(theirs, abs=1e-12)
    assert ours["IDF1"] > 0.2, "SORT finds people here: equal zeros would show nothing"
    for frame, kept in enumerate(data["tracker_dets"]):
        assert np.array_equal(prepared.tracker_boxes[frame], kept)
        assert np.array_equal(prepared.gt_boxes[frame], data["gt_dets"][frame])


def test_boxes_on_distractors_are_dropped_in_real_sequences():
    path = MOT / REAL[2]
    if not path.is_dir():
        pytest.skip(f"no real sequence {REAL[2]} beside the checkout")
    sequence = open_sequence(path)
    results = sort_results(sequence, PAPER)
    prepared = preprocess(sequence.gt(), results, sequence.rules, sequence.n_frames)
    dropped = len(results) - sum(map(len, prepared.tracker_ids))
    assert dropped > 100
    as_mot15 = score(preprocess(sequence.gt(), results, RULES["MOT15"], sequence.n_frames))
    assert as_mot15.MOTA != pytest.approx(score(prepared).MOTA, abs=0.01), "the step makes a difference"


def test_motmetrics_says_the_same_where_nobody_is_continued_after_a_gap(demo):
    """Its MOTA and IDF1, from our overlaps as they are. With longer memory its rule differs: see measure/clear.py."""
    import motmetrics

    sequence = open_sequence(demo / NAMES[0])
    prepared = preprocess(sequence.gt(), sort_results(sequence, PAPER), sequence.rules, sequence.n_frames)
    accumulator = motmetrics.MOTAccumulator()
    for frame, iou in enumerate(prepared.similarity):
        distances = np.where(iou >= 0.5, 1 - iou, np.nan)
        accumulator.update(prepared.gt_ids[frame], prepared.tracker_ids[frame], distances, frameid=frame)
    names = ["mota", "idf1", "recall", "precision", "num_switches", "num_false_positives", "num_misses"]
    theirs = motmetrics.metrics.create().compute(accumulator, metrics=names, return_dataframe=False)
    ours = score(prepared)
    assert [ours.MOTA, ours.IDF1, ours.recall, ours.precision, ours.IDSW, ours.FP, ours.FN] == list(theirs.values())


def test_sequences_are_combined_as_trackeval_combines_them(demo):
    prepared = []
    for name in NAMES:
        sequence = open_sequence(demo / name)
        prepared.append(preprocess(sequence.gt(), sort_results(sequence, PAPER), sequence.rules, sequence.n_frames))
    ours = combine([score(one) for one in prepared])
    clear, identity, hota = CLEAR({"PRINT_CONFIG": False}), Identity({"PRINT_CONFIG": False}), HOTA()
    together = {
        metric: metric.combine_sequences({i: metric.eval_sequence(one.trackeval()) for i, one in enumerate(prepared)})
        for metric in (clear, identity, hota)
    }
    assert ours.MOTA == pytest.approx(together[clear]["MOTA"])
    assert (ours.MT, ours.ML, ours.Frag, ours.IDSW) == tuple(together[clear][n] for n in ("MT", "ML", "Frag", "IDSW"))
    assert ours.IDF1 == pytest.approx(together[identity]["IDF1"])
    assert (ours.IDTP, ours.IDFP, ours.IDFN) == tuple(together[identity][n] for n in ("IDTP", "IDFP", "IDFN"))
    assert [ours.HOTA, ours.DetA, ours.AssA] == pytest.approx(
        [together[hota][n].mean() for n in ("HOTA", "DetA", "AssA")]
    )


@st.composite
def crowds(draw):
    """Many boxes of many classes that jostle for few places, half-matched and tied, in up to 8 frames."""
    n_frames = draw(st.integers(1, 8))
    place = st.tuples(st.integers(0, 12), st.integers(0, 12), st.integers(5, 9), st.integers(10, 18))
    keys = st.tuples(st.integers(1, n_frames), st.integers(1, 6))
    kind = st.tuples(st.sampled_from([1, 1, 1, 0]), st.sampled_from([1, 1, 1, 1, 2, 6, 7, 8, 9, 12, 13]))
    people = draw(st.dictionaries(keys, st.tuples(place, kind), min_size=1, max_size=30))
    tracks = draw(st.dictionaries(keys, place, min_size=1, max_size=30))
    truth = pd.DataFrame([(*key, *box, *kind, 1.0) for key, (box, kind) in people.items()], columns=GT_COLUMNS)
    found = pd.DataFrame([(*key, *box, 1.0) for key, box in tracks.items()], columns=RESULT_COLUMNS)
    return truth, found, n_frames


@given(crowds(), st.sampled_from(sorted(RULES)))
@settings(max_examples=150, deadline=None)
def test_crowds_are_prepared_and_scored_as_trackeval_does(crowd, edition):
    truth, found, n_frames = crowd
    prepared = preprocess(truth, found, RULES[edition], n_frames)
    ours, theirs = score(prepared), trackeval_scores(official_in_memory(truth, found, n_frames, edition))
    names = [name for name in theirs if ours.gt_boxes or name not in ("MOTA", "recall")]
    assert {name: getattr(ours, name) for name in names} == pytest.approx({n: theirs[n] for n in names}, abs=1e-12)


def official_in_memory(truth, found, n_frames, edition):
    """trackeval's preprocessing of tables, past its reader of files."""
    dataset = MotChallenge2DBox.__new__(MotChallenge2DBox)
    dataset.benchmark, dataset.do_preproc = ("MOT17" if edition == "DanceTrack" else edition), True
    dataset.class_name_to_class_id = {
        "pedestrian": 1, "person_on_vehicle": 2, "car": 3, "bicycle": 4, "motorbike": 5, "non_mot_vehicle": 6,
        "static_person": 7, "distractor": 8, "occluder": 9, "occluder_on_ground": 10, "occluder_full": 11,
        "reflection": 12, "crowd": 13,
    }  # fmt: skip
    dataset.valid_class_numbers = list(range(1, 14))
    frames = [(truth[truth["frame"] == frame], found[found["frame"] == frame]) for frame in range(1, n_frames + 1)]
    corners = [[xywh_to_xyxy(side[["x", "y", "w", "h"]].to_numpy(float)) for side in sides] for sides in frames]
    raw = {
        "num_timesteps": n_frames,
        "seq": "crowd",
        "gt_ids": [people["id"].to_numpy() for people, _ in frames],
        "gt_dets": [people[["x", "y", "w", "h"]].to_numpy(float) for people, _ in frames],
        "gt_classes": [people["class"].to_numpy() for people, _ in frames],
        "gt_extras": [{"zero_marked": people["confidence"].to_numpy()} for people, _ in frames],
        "tracker_ids": [tracks["id"].to_numpy() for _, tracks in frames],
        "tracker_dets": [tracks[["x", "y", "w", "h"]].to_numpy(float) for _, tracks in frames],
        "tracker_classes": [np.ones(len(tracks), dtype=int) for _, tracks in frames],
        "tracker_confidences": [tracks["confidence"].to_numpy() for _, tracks in frames],
        "similarity_scores": [
            MotChallenge2DBox._calculate_box_ious(*sides, box_format="x0y0x1y1") for sides in corners
        ],
    }
    for sides, similarity in zip(corners, raw["similarity_scores"], strict=True):
        assert np.array_equal(iou_matrix(*sides), similarity)
    return dataset.get_preprocessed_seq_data(raw, "pedestrian")
