"""What the audit is made of: detail, motion, candidates, groups of the missed; and its margins on real people."""

from __future__ import annotations

import shutil
from pathlib import Path

import cv2
import numpy as np
import pandas as pd
import pytest
from numpy.typing import NDArray

from mot_anon.data.frames import encode_frame, metadata_segments, read_frame
from mot_anon.data.motchallenge import DETECTION_COLUMNS, GT_COLUMNS
from mot_anon.data.sequence import select
from mot_anon.measure.audit.candidates import CANDIDATE_COLUMNS, allowed_boxes, detected, labelled, overridden
from mot_anon.measure.audit.detail import detail, elsewhere, rawness
from mot_anon.measure.audit.missed import contact_sheet, grouped, worklist
from mot_anon.measure.audit.outside import outside
from mot_anon.measure.audit.places import round_motion
from mot_anon.measure.audit.sights import Sight
from mot_anon.methods.classical import cell_means, gaussian, hue_rotation
from mot_anon.plan.overrides import Override
from mot_anon.publish.analyse import Coverage
from mot_anon.vision.motion import moving, still_background, upright_blobs
from tests.measure.audit_trees import audited, cover_up, published, repaint, write_originals
from tests.realdata import MOT, needs_mot
from tests.sequences import noise

PICTURE = noise((96, 128), 5)
ALL = np.ones((128, 96), bool)


def seen(after: NDArray[np.uint8], mask: NDArray[np.bool_] = ALL) -> float:
    """Share of the picture that ``after`` still shows."""
    return rawness(detail(PICTURE), detail(after), mask)[0].share


def pixels(made: NDArray[np.float32]) -> NDArray[np.uint8]:
    return np.rint(made).clip(0, 255).astype(np.uint8)


@pytest.mark.parametrize("quality", [95, 80, 60])
def test_a_picture_that_was_encoded_again_is_raw(quality: int) -> None:
    coded = cv2.imencode(".jpg", PICTURE, [cv2.IMWRITE_JPEG_QUALITY, quality])[1]
    assert seen(np.asarray(cv2.imdecode(coded, cv2.IMREAD_COLOR), np.uint8)) > 0.95


@pytest.mark.parametrize("shift", [-20, 15])
def test_a_picture_that_is_brighter_or_darker_is_raw(shift: int) -> None:
    assert seen(np.clip(PICTURE.astype(int) + shift, 0, 255).astype(np.uint8)) > 0.95


@pytest.mark.parametrize("strength", [0.8, 0.5])
def test_a_picture_that_shines_through_is_raw(strength: float) -> None:
    assert seen(pixels(strength * PICTURE.astype(np.float32) + (1 - strength) * 127)) > 0.95


@pytest.mark.parametrize("sigma", [2.25, 4.25, 10])
def test_a_blurred_picture_is_not_raw_although_its_coarse_structure_survives(sigma: float) -> None:
    blurred = pixels(gaussian(PICTURE.astype(np.float32), sigma))
    assert np.corrcoef(cv2.GaussianBlur(PICTURE, (0, 0), 8).ravel(), blurred.ravel())[0, 1] > 0.6
    assert seen(blurred) < 0.02


@pytest.mark.parametrize("cell", [4, 8])
def test_a_mosaic_is_not_raw(cell: int) -> None:
    assert seen(pixels(cell_means(PICTURE.astype(np.float32), cell))) < 0.05


def test_somebody_else_and_nobody_are_not_raw() -> None:
    assert seen(noise((96, 128), 6)) == 0
    assert seen(np.full_like(PICTURE, 127)) == 0


def figure(
    legs: tuple[int, int, int], shirt: tuple[int, int, int], skin: tuple[int, int, int] = (120, 150, 200)
) -> NDArray[np.uint8]:
    """A small person in plain clothes before a light wall: nearly all detail is outline."""
    picture = np.full((64, 32, 3), 190, np.uint8)
    picture[4:12, 12:20] = skin
    picture[12:34, 9:23] = shirt
    picture[34:62, 9:14] = picture[34:62, 18:23] = legs
    return picture


def test_somebody_else_of_the_same_outline_is_not_raw_and_the_person_encoded_again_is() -> None:
    before, other = figure((60, 30, 30), (30, 200, 220)), figure((70, 70, 60), (90, 40, 120), (50, 80, 110))
    mask = (before != 190).any(2)
    mask = cv2.dilate(mask.astype(np.uint8), np.ones((5, 5), np.uint8)) > 0  # as motion sees it
    coded = np.asarray(cv2.imdecode(cv2.imencode(".jpg", before, [cv2.IMWRITE_JPEG_QUALITY, 90])[1], 1), np.uint8)
    someone, again = (rawness(detail(before), detail(after), mask)[0] for after in (other, coded))
    assert someone.correlation > 0.5  # which is why detail alone convicts nobody
    assert someone.share < 0.2
    assert again.share > 0.6


def test_a_person_in_turned_hues_is_raw() -> None:
    turned = PICTURE.astype(np.float32)[..., ::-1] @ hue_rotation(12345).T
    assert seen(pixels(turned[..., ::-1])) > 0.7


def test_detail_that_moved_is_found_where_it_went() -> None:
    large = noise((200, 200), 9)
    moved = np.roll(large, (3, -11), axis=(0, 1))
    place = slice(60, 140), slice(70, 110)
    assert elsewhere(detail(large), detail(moved), place, np.ones((80, 40), bool), (20, 8)) == (-11, 3)
    assert elsewhere(detail(large), detail(large), place, np.ones((80, 40), bool), (20, 8)) == (0, 0)
    corner = slice(0, 80), slice(0, 40)
    assert elsewhere(detail(large), detail(large), corner, np.ones((80, 40), bool), (20, 8)) == (0, 0)


def test_only_the_pixels_asked_about_have_a_say() -> None:
    half = ALL.copy()
    half[:, 48:] = False
    after = PICTURE.copy()
    after[:, :48] = 127
    assert seen(after, half) == 0
    assert seen(after, ~half) > 0.99
    assert 0.45 < seen(after) < 0.55


def test_what_has_no_detail_cannot_be_told() -> None:
    flat = np.full_like(PICTURE, 90)
    found, _ = rawness(detail(flat), detail(flat), ALL)
    assert found.told == 0
    assert np.isnan(found.share)


def frames(folder: Path, drift: int) -> list[Path]:
    """Somebody walks before a place; the camera turns by ``drift`` pixels from frame to frame."""
    place = noise((400, 200), 3)
    paths = []
    for number in range(9):
        picture = place[:, drift * number : drift * number + 240].copy()
        picture[80:160, 5 + 25 * number : 35 + 25 * number] = noise((30, 80), 4)[:, : 240 - 5 - 25 * number] // 3
        paths.append(folder / f"{number + 1:06d}.png")
        paths[-1].write_bytes(encode_frame(picture, ".png"))
    return paths


def test_who_moves_before_a_camera_that_stands_still_is_seen_whole(tmp_path: Path) -> None:
    paths = frames(tmp_path, 0)
    background = still_background(paths)
    assert background is not None
    mask = moving(read_frame(paths[3]), background)
    assert mask[80:160, 80:110].mean() > 0.9
    assert upright_blobs(mask) != []
    mask[70:170, 70:120] = False
    assert mask.mean() < 0.01


@pytest.mark.parametrize("drift", [1, 4, 15])
def test_a_camera_that_turns_has_no_background(tmp_path: Path, drift: int) -> None:
    assert still_background(frames(tmp_path, drift)) is None


def test_a_few_frames_are_nobodys_background(tmp_path: Path) -> None:
    assert still_background(frames(tmp_path, 0)[:4]) is None


def test_candidates_are_all_persons_of_ground_truth_and_the_gaps_of_their_tracks() -> None:
    rows = [(1, 4, 0, 0, 10, 30, 0, 8, 1.0), (4, 4, 6, 0, 10, 30, 1, 1, 0.2), (1, 5, 50, 0, 10, 30, 1, 3, 1.0)]
    table = labelled(pd.DataFrame(rows, columns=GT_COLUMNS), fps=10)
    assert [tuple(row) for row in table[["frame", "track", "x", "source"]].itertuples(index=False)] == [
        (1, "4", 0.0, "gt"),
        (4, "4", 6.0, "gt"),
        (2, "4", 2.0, "gap"),
        (3, "4", 4.0, "gap"),
    ]


def test_two_detectors_that_mean_the_same_agree_and_labelled_people_are_not_counted_twice() -> None:
    def boxes(*rows: tuple[float, ...]) -> pd.DataFrame:
        return pd.DataFrame(rows, columns=DETECTION_COLUMNS).astype({"frame": "int64"})

    people = labelled(pd.DataFrame([(1, 4, 0, 0, 10, 30, 1, 1, 1.0)], columns=GT_COLUMNS), fps=10)
    public = boxes((1, 1, 0, 10, 30, 0.9), (1, 50, 0, 10, 30, 0.8), (1, 90, 0, 10, 30, 0.7))
    own = boxes((1, 51, 0, 10, 30, 0.5), (1, 150, 0, 10, 30, 0.4))
    found = detected(public, own, people)
    assert [(row.x, row.source) for row in found.itertuples()] == [
        (51, "agreed"),
        (150, "detection"),
        (90, "detection"),
    ]


def test_a_hand_adds_moves_and_vetoes_candidates() -> None:
    rows = [(1, "4", 0, 0, 10, 30, "gt", 0, 1), (1, "", 60, 0, 10, 30, "detection", 0.5, 1)]
    table = pd.DataFrame(rows, columns=CANDIDATE_COLUMNS)
    lines = [
        Override(2, "S", 1, "add", "", (90, 0, 10, 30)),
        Override(3, "S", 1, "move", "4", (5, 5, 10, 30)),
        Override(4, "S", 1, "veto", "", (61, 0, 10, 30)),
    ]
    found = overridden(table, lines)
    assert [(row.track, row.x, row.y, row.source) for row in found.itertuples()] == [
        ("4", 5, 5, "gt"),
        ("", 90, 0, "manual"),
    ]


def test_changes_are_excused_round_boxes_that_mean_one_person_and_not_in_other_frames() -> None:
    one = pd.DataFrame([(1, 10, 10, 20, 40), (2, 100, 10, 20, 40)], columns=["frame", "x", "y", "w", "h"])
    two = pd.DataFrame([(1, 15, 20, 20, 40)], columns=["frame", "x", "y", "w", "h"])
    boxes = allowed_boxes([one, two], 1)
    corner = (10, 60)  # of the box round both, in neither of them
    assert any(x <= corner[0] and y + h >= corner[1] for x, y, _, h in boxes)
    assert boxes[:, 0].max() < 60
    assert len(allowed_boxes([one, two], 3)) == 0


def test_changes_are_excused_in_the_windows_of_methods_that_read_silhouettes_alone() -> None:
    one = pd.DataFrame([(1, 100, 10, 12, 80)], columns=["frame", "x", "y", "w", "h"])
    strict, wide = (allowed_boxes([one], 1, silhouettes=silhouettes) for silhouettes in (False, True))
    grown = 100 - 0.2 * 80  # a box may grow so far
    assert grown - 9 < strict[:, 0].min() < grown
    assert grown - 25 < wide[:, 0].min() < strict[:, 0].min()  # feet and hands are followed beyond the window
    assert len(allowed_boxes([one], 2, silhouettes=True)) == 0


def test_blocks_outside_that_encoding_did_not_change_are_found_in_jpeg_frames() -> None:
    frame = noise((160, 120), 8)
    coded = np.asarray(cv2.imdecode(cv2.imencode(".jpg", frame, [cv2.IMWRITE_JPEG_QUALITY, 95])[1], 1), np.uint8)
    none = np.zeros((0, 4))
    clean = outside(frame, coded, none, lossless=False)
    assert clean.box is None
    assert clean.changed > 0
    coded[40:56, 80:96] = 30
    assert outside(frame, coded, none, lossless=False).box == (80, 40, 16, 16)
    assert outside(frame, coded, np.array([[75.0, 35, 30, 30]]), lossless=False).box is None


@pytest.mark.parametrize("box", [(-90.0, 10.0, 60.0, 90.0), (20.0, -80.0, 90.0, 60.0), (-90.0, -80.0, 60.0, 60.0)])
def test_somebody_beyond_the_frame_allows_no_change_in_it(box: tuple[float, ...]) -> None:
    frame = noise((160, 120), 8)
    after = frame.copy()
    after[40:56, 80:96] = 30
    assert outside(frame, after, np.array([box]), lossless=True).changed >= 16 * 16 - 4


def sight(frame: int, x: float, score: float) -> Sight:
    return Sight(frame, "", "detection", (x, 10, 20, 50), score, 1.0, "core", 0.0, 500, 400, 1.0, 1.0, 1.0)


def test_the_missed_are_grouped_over_time_and_the_worst_come_first(tmp_path: Path) -> None:
    sights = [sight(1, 10, 0.4), sight(2, 12, 0.5), sight(9, 14, 0.4), sight(2, 90, 0.9), sight(2, 150, 0.1)]
    groups = grouped([("A", one) for one in sights])
    assert [[one.frame for one in group.sights] for group in groups] == [[1, 2, 9], [2], [2]]
    assert groups[0].best.score == 0.5
    assert [group.weight for group in groups] == sorted((group.weight for group in groups), reverse=True)
    assert worklist(groups).splitlines()[0] == "sequence,frame,action,track,x,y,w,h"
    assert worklist(groups).count("A,2,add,,") == 3
    paths = frames(tmp_path, 0)
    sheet = contact_sheet(groups, {"A": paths})
    best = groups[1].best
    crop = read_frame(paths[best.frame - 1])[10:60, int(best.box[0]) : int(best.box[0]) + 20]
    assert abs(float(sheet[20:140, 104 + 20 : 104 + 50].mean()) - float(crop.mean())) < 15


def test_a_picture_behind_the_end_of_a_picture_is_seen() -> None:
    data = encode_frame(PICTURE, ".jpg")
    assert metadata_segments(data) == []
    assert metadata_segments(data + data) == ["bytes after the image"]
    assert metadata_segments(data + b"\xff\xd9") == ["bytes after the image"]


def test_an_original_picture_behind_a_published_one_is_named(tmp_path: Path) -> None:
    originals = write_originals(tmp_path / "data", ".jpg")
    tree = published(originals, tmp_path / "out")
    path = tree / "CAM-1" / "img1" / "000003.jpg"
    path.write_bytes(path.read_bytes() + originals[0].frames[2].read_bytes())
    found = audited(originals, cover_up(tree), tmp_path / "audit")
    assert {(f.check, f.sequence, f.frame) for f in found.errors} == {("metadata", "CAM-1", 3)}


def test_heads_are_held_to_account_in_face_mode_and_bodies_are_not(tmp_path: Path) -> None:
    originals = write_originals(tmp_path / "data", ".png")
    tree = published(originals, tmp_path / "out", "blur", target="face")
    assert audited(originals, tree, tmp_path / "audit-1").errors == []
    x, y, w, h = 105 + 14, 16, 24, 62

    def restore(picture: NDArray[np.uint8]) -> NDArray[np.uint8]:
        picture[y : y + h // 4, x : x + w] = read_frame(originals[0].frames[1])[y : y + h // 4, x : x + w]
        return picture

    repaint(tree / "CAM-1" / "img1" / "000002.png", restore)
    found = audited(originals, cover_up(tree), tmp_path / "audit-2")
    assert {(f.check, f.sequence, f.frame, f.track) for f in found.errors} == {("coverage", "CAM-1", 2, "2")}


def test_a_folder_that_nobody_expects_is_named(tmp_path: Path) -> None:
    originals = write_originals(tmp_path / "data", ".png")
    tree = published(originals, tmp_path / "out")
    (tree / "CAM-1" / "for Alice").mkdir()
    found = audited(originals, cover_up(tree), tmp_path / "audit")
    assert [finding.check for finding in found.errors] == ["files"]
    assert "for Alice" in found.errors[0].message


def campus(folder: Path, frames: int = 10) -> Path:
    """The first frames of TUD-Campus, in a folder of their own."""
    source, place = MOT / "MOT15" / "train" / "TUD-Campus", folder / "TUD-Campus"
    (place / "img1").mkdir(parents=True)
    for path in sorted((source / "img1").iterdir())[:frames]:
        shutil.copyfile(path, place / "img1" / path.name)
    for name in ("seqinfo.ini", "gt/gt.txt", "det/det.txt"):
        (place / name).parent.mkdir(exist_ok=True)
        shutil.copyfile(source / name, place / name)
    return folder


@needs_mot
def test_real_people_are_told_apart_from_their_replacements_by_a_wide_margin(tmp_path: Path) -> None:
    originals = select([campus(tmp_path / "data", 6)], ["all"], allow_partial=True)
    shares = {}
    for method in ("none", "solid", "pixelate", "blur"):
        tree = published(originals, tmp_path / method, method, control=method == "none")
        found = audited(originals, tree, tmp_path / f"audit-{method}")
        shares[method] = [sight.raw or 0 for _, sight in found.sights if sight.visibility > 0.5]
        assert bool(found.errors) == (method == "none")
    assert min(shares.pop("none")) > 0.95
    assert {method: max(found) < 0.15 for method, found in shares.items()} == dict.fromkeys(shares, True)
    assert all(len(found) >= 30 for found in shares.values())


@needs_mot
def test_sequences_without_ground_truth_are_judged_by_what_two_detectors_agree_on(tmp_path: Path) -> None:
    data = campus(tmp_path / "data", 2)
    shutil.rmtree(data / "TUD-Campus" / "gt")
    originals = select([data], ["all"], allow_partial=True)
    for method in ("pixelate", "none"):
        coverage = Coverage(detector="hog")
        tree = published(originals, tmp_path / method, method, control=method == "none", coverage=coverage)
        found = audited(originals, tree, tmp_path / f"audit-{method}", detector="hog")
        assert bool(found.errors) == (method == "none"), found.lines()
        assert {finding.check for finding in found.errors} <= {"coverage"}


def test_round_what_moves_pixels_may_have_changed_but_not_with_target_face() -> None:
    motion = np.zeros((120, 160), bool)
    motion[40:100, 60:80] = True
    motion[5:9, 5:9] = True  # a speck
    none = np.zeros((0, 4))
    allowed = round_motion(none, motion, "body", none)
    assert allowed.shape == (1, 4)
    x, y, w, h = allowed[0]
    assert x < 60
    assert x + w > 80
    assert y < 40
    assert y + h > 100
    assert len(round_motion(none, np.ones_like(motion), "body", none)) == 0  # the light
    assert len(round_motion(none, motion, "face", none)) == 0
    assert len(round_motion(none, None, "body", none)) == 0
    assert len(round_motion(none, np.zeros_like(motion), "body", none)) == 0
    assert len(round_motion(none, motion, "body", np.array([[58, 38, 24, 66.0]]))) == 0  # somebody whom everybody knows
