from __future__ import annotations

import socket
import urllib.error

import cv2
import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from mot_anon.data.frames import read_frame
from mot_anon.data.sequence import open_sequence
from mot_anon.errors import NotFoundError, OptionError
from mot_anon.plan.regions import iou
from mot_anon.vision.detect import Detector, HogDetector, TorchvisionDetector, make_detector, suppress
from tests.realdata import MOT, needs_mot

found = st.lists(st.tuples(*[st.floats(0, 200)] * 2, *[st.floats(5, 60)] * 2, st.integers(0, 9)), max_size=12).map(
    lambda rows: np.array(rows, float).reshape(-1, 5)
)


# Suppression


@given(found)
def test_what_is_kept_does_not_overlap_and_what_goes_overlaps_something_at_least_as_good(boxes: np.ndarray) -> None:
    kept = suppress(boxes)
    overlap = iou(kept[:, :4], kept[:, :4])
    assert (overlap[~np.eye(len(kept), dtype=bool)] <= 0.5 + 1e-9).all()
    assert (np.diff(kept[:, 4]) <= 0).all()
    for box in boxes:
        if not (kept == box).all(1).any():
            better = kept[kept[:, 4] >= box[4]]
            assert iou(box[None, :4], better[:, :4]).max() > 0.5 - 1e-9
    assert np.array_equal(suppress(kept), kept)


# HOG


def test_a_frame_without_people_has_no_boxes() -> None:
    assert HogDetector()(np.full((240, 320, 3), 90, np.uint8), 1).shape == (0, 5)


@pytest.mark.parametrize("width", [1, 10, 18, 20])
def test_a_frame_too_narrow_for_anybody_has_no_boxes(width: int) -> None:
    frame = np.random.default_rng(0).integers(0, 256, (400, width, 3)).astype(np.uint8)
    assert HogDetector()(frame, 1).shape[1] == 5


@needs_mot
@pytest.mark.parametrize(("name", "recall", "precision"), [("TUD-Campus", 0.45, 0.4), ("TUD-Stadtmitte", 0.45, 0.3)])
def test_hog_finds_about_half_of_the_people_in_real_streets(name: str, recall: float, precision: float) -> None:
    sequence = open_sequence(MOT / "MOT15" / "train" / name)
    gt, detector = sequence.gt(), HogDetector()
    hits = people = boxes = 0
    for frame in range(1, sequence.n_frames + 1, sequence.n_frames // 20):
        here = gt.loc[gt["frame"] == frame, ["x", "y", "w", "h"]].to_numpy(float)
        detections = detector(read_frame(sequence.frames[frame - 1]), frame)
        overlap = iou(here, detections[:, :4])
        rows, columns = np.where(overlap >= 0.5)
        hits += min(len(set(rows)), len(set(columns)))
        people, boxes = people + len(here), boxes + len(detections)
    assert hits / people >= recall
    assert hits / boxes >= precision


@needs_mot
def test_hog_says_the_same_whatever_its_threads_do() -> None:
    frame = read_frame(MOT / "MOT15" / "train" / "TUD-Campus" / "img1" / "000020.jpg")
    threads = cv2.getNumThreads()
    try:
        results = []
        for number in (1, 2, 4):
            cv2.setNumThreads(number)
            results.append(HogDetector()(frame, 20))
    finally:
        cv2.setNumThreads(threads)
    assert len(results[0]) > 2
    assert np.array_equal(results[0], results[1])
    assert np.array_equal(results[0], results[2])


# torchvision


class FakeModel:
    def __init__(self) -> None:
        self.seen = torch.zeros(0)

    def eval(self) -> FakeModel:
        return self

    def __call__(self, pictures: list[torch.Tensor]) -> list[dict[str, torch.Tensor]]:
        self.seen = pictures[0]
        boxes = torch.tensor([[10.0, 20, 40, 80], [0, 0, 9, 9], [50, 20, 80, 90]])
        return [{"boxes": boxes, "labels": torch.tensor([1, 3, 1]), "scores": torch.tensor([0.9, 0.8, 0.3])}]


@pytest.fixture
def fake(monkeypatch: pytest.MonkeyPatch) -> FakeModel:
    from mot_anon.vision import detect

    model = FakeModel()
    monkeypatch.setattr(detect, "_torchvision_model", lambda name: model)
    return model


def test_of_a_torchvision_model_only_likely_people_are_taken(fake: FakeModel) -> None:
    frame = np.zeros((100, 120, 3), np.uint8)
    frame[..., 2] = 255  # red
    detector = make_detector("torchvision:any")
    assert detector(frame, 1).tolist() == [[10, 20, 30, 60, pytest.approx(0.9)]]
    assert fake.seen.shape == (3, 100, 120)
    assert fake.seen[0].min() == 1
    assert fake.seen[1:].max() == 0
    assert len(TorchvisionDetector("any", threshold=0.2)(frame, 1)) == 2


def test_without_network_the_error_is_one_line_that_says_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    from torchvision import models

    patience = []

    def unreachable(name: str, weights: str) -> None:
        patience.append(socket.getdefaulttimeout())
        raise urllib.error.URLError("no route")

    monkeypatch.setattr(models, "get_model", unreachable)
    before = socket.getdefaulttimeout()
    with pytest.raises(NotFoundError, match=r"cannot be downloaded .*no route.*--detections public,hog") as caught:
        make_detector("torchvision:ssd300_vgg16")
    assert "\n" not in str(caught.value)
    assert patience[0] is not None and patience[0] <= 30  # noqa: PT018 (one rule: it does not wait for minutes)
    assert socket.getdefaulttimeout() == before


def test_an_unknown_detector_or_model_lists_those_there_are() -> None:
    with pytest.raises(OptionError, match="no detector 'yolo'; there is: hog, torchvision:MODEL"):
        make_detector("yolo")
    with pytest.raises(OptionError, match=r"no torchvision detection model 'resnet50'; there is: .*ssd300_vgg16"):
        make_detector("torchvision:resnet50")


def test_detectors_with_other_settings_have_other_fingerprints(fake: FakeModel) -> None:
    detectors: list[Detector] = [
        HogDetector(),
        HogDetector(0.5),
        TorchvisionDetector("a"),
        TorchvisionDetector("b"),
        TorchvisionDetector("a", 0.3),
    ]
    assert len({detector.fingerprint for detector in detectors}) == 5
    assert all(isinstance(detector, Detector) for detector in detectors)
