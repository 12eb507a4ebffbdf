"""Raw faces in a published tree are found, named and shown; what only looks like a face is not."""

from __future__ import annotations

import json
from collections.abc import Sequence as Rows
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from mot_anon.data.frames import Frame, read_frame
from mot_anon.data.motchallenge import read_gt
from mot_anon.measure.audit import faces as looking
from mot_anon.measure.audit.detail import detail
from mot_anon.measure.audit.face_verdicts import face_findings, face_groups, face_sheet, judged, raw_only
from mot_anon.measure.audit.faces import found_twice, look_for_faces
from mot_anon.measure.audit.likeness import ENOUGH, SIZES, THRESHOLDS, control, threshold
from mot_anon.measure.audit.places import headless
from mot_anon.measure.audit.renderer import draws_faces
from mot_anon.measure.audit.sights import Candidate, FaceSight
from mot_anon.measure.audit.verdicts import HAIR, uncovered
from mot_anon.publish.analyse import Coverage
from mot_anon.vision.face_detectors import CENTERFACE, centerface_weights
from tests.measure.audit_trees import audited, cover_up, person_box, published, repaint, write_originals
from tests.realdata import MOT, needs_mot
from tests.sequences import noise

Box = tuple[float, float, float, float]


def face(box: Rows[float]) -> tuple[float, float, float, float]:
    """A face on the head of a person's box."""
    x, y, w, h = box
    return x + 0.25 * w, y + 0.02 * h, 0.5 * w, 0.2 * h


def on_every_head(frame: Frame, boxes: Rows[Box], detector: object) -> NDArray[np.float64]:
    """Instead of a detector's finds."""
    return np.array([(*face(box), 0.9) for box in boxes]).reshape(-1, 5)


class White:
    """A detector of white squares."""

    fingerprint, longest, enlarged = "white", 120, 2.0

    def __init__(self) -> None:
        self.seen: list[tuple[int, int]] = []

    def __call__(self, pixels: Frame, *, alone: bool) -> NDArray[np.float64]:
        self.seen.append((pixels.shape[1], pixels.shape[0]))
        _, _, stats, _ = cv2.connectedComponentsWithStats((pixels.min(axis=2) > 200).astype(np.uint8))
        return np.array([(x, y, w, h, 0.9) for x, y, w, h, _ in stats[1:]], np.float64).reshape(-1, 5)


def sight(**more: object) -> FaceSight:
    known = FaceSight(3, "7", "gt", (10, 20, 12, 14), 0.8, 1.0, "face", 0.0, 90, 60, 1.0, 1.0, 1.0, sure=True)
    return replace(known, **more)  # type: ignore[arg-type]


def test_a_frame_is_searched_enlarged_in_parts_and_heads_closer_and_every_face_is_found_once() -> None:
    frame = np.zeros((80, 200, 3), np.uint8)
    for x, y in ((5, 5), (100, 40), (180, 60)):  # the second across a border between parts
        frame[y : y + 8, x : x + 8] = 255
    detector = White()
    found = found_twice(frame, [(90.0, 36.0, 30.0, 40.0)], detector)
    places = sorted(found[:, :4].round().tolist())
    assert len(places) == 3
    assert np.abs(np.array(places) - [[5, 5, 8, 8], [100, 40, 8, 8], [180, 60, 8, 8]]).max() <= 1
    assert max(width / 200 for width, _ in detector.seen[-2:]) <= 2
    assert (320, 320) in detector.seen
    assert sum(width for width, height in detector.seen[:4]) > 2 * 200


@pytest.mark.parametrize(
    ("change", "share"),
    [
        (lambda crop: crop, 1.0),
        (lambda crop: cv2.imdecode(cv2.imencode(".jpg", crop, [cv2.IMWRITE_JPEG_QUALITY, 60])[1], 1), 1.0),
        (lambda crop: cv2.GaussianBlur(crop, (9, 9), 0), 0.0),
        (lambda crop: cv2.resize(cv2.resize(crop, (4, 5)), crop.shape[1::-1], interpolation=0), 0.0),
        (lambda crop: noise((crop.shape[1], crop.shape[0]), 5), 0.0),
    ],
    ids=["as it was", "encoded again", "blurred", "pixelated", "somebody else"],
)
def test_pixels_say_whether_a_found_face_is_the_originals(
    monkeypatch: pytest.MonkeyPatch, change: object, share: float
) -> None:
    monkeypatch.setattr(looking, "found_twice", on_every_head)
    before = cv2.GaussianBlur(noise((120, 160), 1), (0, 0), 0.7)
    after = before.copy()
    after[:60] = change(before[:60])  # type: ignore[operator]
    someone = Candidate("4", (40.0, 10.0, 40.0, 100.0), "gt", 0.0, 1.0)
    (look,) = look_for_faces(2, (detail(before), detail(after)), [someone])
    assert (look.sight.frame, look.sight.track, look.sight.source) == (2, "4", "gt")
    assert look.sight.raw == pytest.approx(share, abs=0.25)
    assert look.crops[0].shape == look.crops[1].shape


@pytest.mark.parametrize(
    ("more", "verdict"),
    [
        ({}, "raw"),
        ({"sure": False, "landmarks": 0.9}, "raw"),
        ({"sure": False, "landmarks": 0.1}, "doubt"),
        ({"source": "face", "track": "", "landmarks": 0.9}, "raw"),
        ({"source": "face", "track": "", "landmarks": 0.1}, "doubt"),
        ({"source": "face", "track": "", "landmarks": 0.9, "score": 0.4}, "doubt"),
        ({"source": "face", "track": "", "sure": False}, "no face"),
        ({"raw": 0.3}, "doubt"),
        ({"raw": 0.3, "sure": False}, "not raw"),
        ({"raw": 0.05}, "not raw"),
        ({"raw": None}, "not raw"),
    ],
)
def test_a_find_is_a_raw_face_where_pixels_and_somebody_say_so(more: dict[str, object], verdict: str) -> None:
    assert judged(sight(**more)) == verdict


def test_raw_faces_are_errors_that_name_frame_track_and_place_worst_first() -> None:
    seen = [sight(frame=f, raw=raw, track=t) for f, t, raw in ((3, "7", 0.8), (4, "7", 1.0), (9, "2", 0.9))]
    nobody = sight(track="", source="face", sure=False, landmarks=0.0)
    found = face_findings(face_groups([("S", face) for face in [*seen, nobody]]))
    assert [(f.severity, f.check, f.frame, f.track) for f in found] == [
        ("error", "faces", 4, "7"),
        ("error", "faces", 9, "2"),
        ("error", "faces", 3, "7"),
    ]
    assert "at 10,20 12×14" in found[0].message


def test_the_worklist_takes_raw_faces_and_doubts_and_nothing_else() -> None:
    doubt = sight(frame=5, sure=False)
    replaced = sight(frame=6, raw=0.0)
    (group,) = raw_only(face_groups([("S", sight()), ("S", doubt), ("S", replaced)]))
    assert [face.frame for face in group.sights] == [3, 5]


def test_who_is_recognised_in_most_frames_is_an_error_only_if_strangers_were_compared() -> None:
    group = face_groups([("S", sight(frame=f, raw=0.0, alike={"dlib": 0.02})) for f in (1, 2, 3)])
    (doubt,) = face_findings(group)
    assert doubt.severity == "doubt"
    (error,) = face_findings(group, {("S", "dlib")})
    assert (error.severity, error.track) == ("error", "7")
    assert "takes 3 of 3 published faces" in error.message
    seldom = [sight(frame=f, raw=0.0, alike={"dlib": 0.02 if f == 1 else -0.1}) for f in range(1, 9)]
    (chance,) = face_findings(face_groups([("S", face) for face in seldom]), {("S", "dlib")})
    assert chance.severity == "doubt"
    assert not face_findings(face_groups([("S", sight(raw=0.0, alike={"dlib": -0.01}))]), {("S", "dlib")})


def test_thresholds_lie_between_those_of_the_sizes_that_were_measured() -> None:
    for judge, values in THRESHOLDS.items():
        assert len(values) == len(SIZES)
        assert threshold(judge, 12) == pytest.approx((values[0] + values[1]) / 2)
        assert threshold(judge, 500) == values[-1]


def test_strangers_who_look_alike_raise_the_threshold_and_few_of_them_do_not() -> None:
    rng = np.random.default_rng(0)
    rows = rng.normal(0, 0.1, (2 * ENOUGH, 8)) + 1  # everybody looks like everybody
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    faces = [sight(frame=1 + n // 2, track=str(n % 2)) for n in range(len(rows))]
    sizes = np.full(len(rows), 20.0)
    found = control("own", rows.astype(np.float32), sizes, faces)
    assert found.strangers == ENOUGH
    assert found.false == 1
    assert found.true == 1
    over = (rows[::2] * rows[1::2]).sum(1) - threshold("own", 20)
    assert found.raised == pytest.approx(np.quantile(over, 0.99), abs=1e-5)
    few = control("own", rows[:20].astype(np.float32), sizes[:20], faces[:20])
    assert (few.strangers, few.raised) == (10, 0.0)


def test_a_tree_without_raw_faces_passes_and_one_raw_head_in_one_frame_is_named_and_shown(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(looking, "found_twice", on_every_head)
    monkeypatch.setattr(looking, "chosen_detector", lambda name: CENTERFACE)  # whose scores are believed
    monkeypatch.setattr(looking, "_detector", lambda: None)
    originals = write_originals(tmp_path / "data", ".png")
    coverage = Coverage(detector=None, faces="none")
    tree = published(originals, tmp_path / "published", target="face", coverage=coverage, permute_ids=False)
    good = audited(originals, tree, tmp_path / "good")
    assert [finding for finding in good.errors if finding.check == "faces"] == []
    assert len(good.faces) >= 70
    assert {judged(seen) for _, seen in good.faces} == {"not raw"}
    name, number, frame = "CAM-1", 3, 4
    x, y, w, h = person_box(number, frame)
    raw = read_frame(originals[0].frames[frame - 1])

    def uncover(pixels: Frame) -> Frame:
        pixels[y - 4 : y + h // 3, x : x + w] = raw[y - 4 : y + h // 3, x : x + w]
        return pixels

    repaint(tree / name / "img1" / f"{frame:06d}.png", uncover)
    bad = audited(originals, cover_up(tree), tmp_path / "bad")
    named = [finding for finding in bad.errors if finding.check == "faces"]
    assert [(f.sequence, f.frame, f.track) for f in named] == [(name, frame, str(number))]
    assert (tmp_path / "bad" / "faces.png").is_file()
    assert f"{name},{frame},add" in (tmp_path / "bad" / "worklist.csv").read_text(encoding="utf-8")
    stored = json.loads((tmp_path / "bad" / "audit.json").read_text(encoding="utf-8"))
    assert (stored["faces"][0]["sequence"], stored["faces"][0]["track"]) == (name, str(number))
    assert [seen["frame"] for seen in stored["faces"] if seen["raw"] == 1.0] == [frame]
    assert bad.summary()["raw_faces"] == 1


def test_where_faces_are_drawn_hair_that_stays_is_a_doubt_and_a_whole_raw_head_an_error() -> None:
    head = replace(sight(), silhouette="core", raw=0.5)
    assert [finding.severity for finding in uncovered("S", head)] == ["error"]
    assert [finding.severity for finding in uncovered("S", head, HAIR)] == ["doubt"]
    assert [finding.severity for finding in uncovered("S", replace(head, raw=0.95), HAIR)] == ["error"]
    drawn = {"method": "ciagan", "target": "face"}
    assert draws_faces(drawn)
    assert not draws_faces({**drawn, "method": "pixelate"})
    assert not draws_faces({**drawn, "target": "both"})
    assert not draws_faces({"method": "a plug-in of somebody's", "target": "face"})


def test_two_detectors_box_has_no_head_of_its_own_over_a_labelled_body_or_where_nothing_moves() -> None:
    labelled = Candidate("4", (40.0, 10.0, 40.0, 120.0), "gt", 0.0, 1.0)
    legs, beside, other = (
        Candidate("", (x, y, 30.0, 70.0), "agreed", 0.9, 1.0) for x, y in ((45.0, 60.0), (45.0, 8.0), (110.0, 60.0))
    )
    moves, size = np.ones((160, 200), bool), (200, 160)
    assert headless(legs, [labelled], size, moves)
    assert headless(legs, [labelled], size, None)
    for head in (beside, other):
        assert not headless(head, [labelled], size, moves)
        assert not headless(head, [labelled], size, None)
        assert headless(head, [labelled], size, ~moves)


def test_nobody_looks_for_faces_in_a_tree_whose_bodies_were_replaced(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise AssertionError

    monkeypatch.setattr(looking, "found_twice", refuse)
    originals = write_originals(tmp_path / "data", ".png")
    found = audited(originals, published(originals, tmp_path / "published"), tmp_path / "audit")
    assert not found.errors
    assert not found.faces
    assert not (tmp_path / "audit" / "faces.png").exists()


def test_the_sheet_has_the_worst_face_of_everybody_beside_its_original(tmp_path: Path) -> None:
    for name, value in (("before", 50), ("after", 200)):
        cv2.imwrite(str(tmp_path / f"{name}.png"), np.full((60, 60, 3), value, np.uint8))
    groups = face_groups([("S", sight(frame=1)), ("S", sight(frame=1, track="8", raw=0.0))])
    sheet = face_sheet(groups, {"S": [tmp_path / "before.png"]}, {"S": [tmp_path / "after.png"]})
    assert (sheet[40, 40] == 50).all()
    assert (sheet[40, 140] == 200).all()
    assert (sheet[40, 240] == 50).all()


@needs_mot
@pytest.mark.skipif(centerface_weights() is None, reason="the extra 'face' is not installed")
def test_real_faces_of_a_street_are_raw_as_they_are_and_not_once_they_are_pixelated() -> None:
    place = MOT / "MOT15" / "train" / "TUD-Stadtmitte"
    gt = read_gt(place / "gt" / "gt.txt", n_frames=179)
    people = [
        Candidate(str(row.id), (row.x, row.y, row.w, row.h), "gt", 0.0, 1.0)
        for row in gt[gt["frame"] == 1].itertuples()
    ]
    before = read_frame(place / "img1" / "000001.jpg")
    again = cv2.imdecode(cv2.imencode(".jpg", before, [cv2.IMWRITE_JPEG_QUALITY, 75])[1], cv2.IMREAD_COLOR)
    raw = [look.sight for look in look_for_faces(1, (detail(before), detail(np.asarray(again))), people)]
    assert {"1", "6"} <= {face.track for face in raw if judged(face) == "raw"}
    after = before.copy()
    for person in people:
        x, y, w, h = (max(0, round(value)) for value in person.box)
        head = after[max(0, y - h // 20) : y + h // 4, x : x + w]
        small = cv2.resize(head, (8, 8), interpolation=cv2.INTER_AREA)
        head[:] = cv2.resize(small, head.shape[1::-1], interpolation=cv2.INTER_NEAREST)
    covered = look_for_faces(1, (detail(before), detail(after)), people)
    assert "raw" not in {judged(look.sight) for look in covered}
