"""SORT on real public detections, held to the ground truth by a short count of its own."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from mot_anon.trackers import SortTracker
from mot_anon.trackers.assignment import assign
from mot_anon.trackers.boxes import iou_matrix, xywh_to_xyxy

DATA = Path(__file__).parents[3] / "shared" / "data" / "mot"


def rows(path):
    table = np.loadtxt(path, delimiter=",", ndmin=2)
    return {frame: table[table[:, 0] == frame] for frame in np.unique(table[:, 0]).astype(int)}


@pytest.mark.parametrize(
    ("sequence", "n_frames", "least_recall", "most_switches"),
    [("MOT17-labels/train/MOT17-02-FRCNN", 600, 0.33, 130), ("MOT15/train/TUD-Stadtmitte", 179, 0.65, 45)],
)
def test_sort_finds_people_and_seldom_mistakes_them(sequence, n_frames, least_recall, most_switches):
    folder = DATA / sequence
    if not folder.is_dir():
        pytest.skip("real sequences are not beside the checkout")
    detections, truth = rows(folder / "det" / "det.txt"), rows(folder / "gt" / "gt.txt")
    pedestrians = "MOT17" in sequence
    tracker, last, found, switches, total = SortTracker(), {}, 0, 0, 0
    for frame in range(1, n_frames + 1):
        seen = detections.get(frame, np.zeros((0, 10)))
        output = tracker.update(xywh_to_xyxy(seen[:, 2:6]), seen[:, 6])
        people = truth.get(frame, np.zeros((0, 10)))
        if pedestrians:
            people = people[(people[:, 6] == 1) & (people[:, 7] == 1)]
        total += len(people)
        for person, track in zip(
            *assign(1 - iou_matrix(xywh_to_xyxy(people[:, 2:6]), output[:, :4]), 0.5), strict=True
        ):
            found += 1
            name = output[track, 4]
            switches += last.setdefault(people[person, 1], name) != name
            last[people[person, 1]] = name
    assert found / total > least_recall
    assert switches < most_switches
