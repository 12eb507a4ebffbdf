from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mot_anon.data.motchallenge import (
    DETECTION_COLUMNS,
    GT_COLUMNS,
    RESULT_COLUMNS,
    RULES,
    infer_rules,
    read_detections,
    read_gt,
    read_results,
    rewrite,
    write_results,
)
from mot_anon.errors import FormatError, NotFoundError
from tests.realdata import MOT, needs_mot


def written(folder: Path, text: str | bytes, name: str = "gt.txt") -> Path:
    path = folder / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


# Ground truth


def test_mot16_and_later_have_class_and_visibility(tmp_path: Path) -> None:
    gt = read_gt(written(tmp_path, "1,3,10,20.5,30,40,1,7,0.25\n"), n_frames=1)
    assert list(gt.columns) == GT_COLUMNS
    assert gt.iloc[0].tolist() == [1, 3, 10, 20.5, 30, 40, 1, 7, 0.25]
    assert gt.dtypes[["frame", "id", "class"]].eq("int64").all()


def test_mot15_has_world_coordinates_and_every_row_is_a_pedestrian_in_full_view(tmp_path: Path) -> None:
    gt = read_gt(written(tmp_path, "1,3,10,20,30,40,1,-4.2,17.1,0\n2,3,10,20,30,40,0,-1,-1,-1\n"), n_frames=2)
    assert gt["class"].tolist() == [1, 1]
    assert gt["visibility"].tolist() == [1.0, 1.0]
    assert gt["confidence"].tolist() == [1.0, 0.0]


PLAIN = "1,3,10,20,30,40,1,1,1\n2,3,11,20,30,40,1,1,0.5\n"


@pytest.mark.parametrize(
    "text",
    [
        PLAIN.replace("\n", "\r\n"),
        b"\xef\xbb\xbf" + PLAIN.encode(),
        PLAIN.replace("\n", ",\n"),
        PLAIN.replace("\n", " , ,\n"),
        PLAIN.replace("\n", "\n\n   \n"),
        PLAIN.replace(",", ", "),
        PLAIN.replace(",", " ,"),
        PLAIN.replace(",", "\t"),
        PLAIN.replace(",", " "),
        PLAIN.replace(",10,20", ",10.0,2e1"),
        PLAIN.rstrip("\n"),
    ],
    ids=["crlf", "bom", "comma", "commas", "blank", "space", "before", "tabs", "spaces", "floats", "no end"],
)
def test_dialects_of_one_table_are_one_table(tmp_path: Path, text: str | bytes) -> None:
    expected = read_gt(written(tmp_path, PLAIN, "plain.txt"), n_frames=2)
    pd.testing.assert_frame_equal(read_gt(written(tmp_path, text), n_frames=2), expected)
    lines = rewrite(written(tmp_path, text), n_frames=2)
    pd.testing.assert_frame_equal(read_gt(written(tmp_path, lines, "again.txt"), n_frames=2), expected)


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ("1,4,10,x,30,40,1,1,1", "'x' is not a number"),
        ("1,4,10,,30,40,1,1,1", "'' is not a number"),
        ("1,4,1_0,20,30,40,1,1,1", "'1_0' is not a number"),
        ("1,4,10,nan,30,40,1,1,1", "NaN or infinite"),
        ("1,4,10,20,inf,40,1,1,1", "NaN or infinite"),
        ("1,4,10,20,-30,40,1,1,1", "negative size"),
        ("1,4,10,20,30,-1,1,1,1", "negative size"),
        ("1,3,10,20,30,40,1,1,1", "frame 1 has id 3 twice (first in line 2)"),
        ("1,3,10,20,30,40,1,-1,-1,-1", "frame 1 has id 3 twice (first in line 2)"),
        ("3,3,10,20,30,40,1,1,1", "frame 3 is beyond the end of the sequence (2 frames)"),
        ("0,3,10,20,30,40,1,1,1", "frames are numbered from 1"),
        ("-1,3,10,20,30,40,1,1,1", "frames are numbered from 1"),
        ("1.5,3,10,20,30,40,1,1,1", "frame 1.5 is not a whole number"),
        ("1,3.5,10,20,30,40,1,1,1", "id 3.5 is not a whole number"),
        ("1,1e30,10,20,30,40,1,1,1", "is not a whole number"),
        ("1,-1,10,20,30,40,1,1,1", "id -1"),
        ("1,4,10,20,30,40,1,0.5,1", "class 0.5 is not a whole number"),
        ("1,4,10,20,30,40,1,-1,-1", "class -1; MOTChallenge has 1 (pedestrian) to 13"),
        ("1,4,10,20,30,40,1,14,1", "class 14"),
        ("1,4,10,20,30,40,1,1,1.5", "visibility 1.5"),
        ("1,4,10,20,30,40,1", "7 columns where ground truth has 9 or 10"),
        ("1,4,10,20,30,40,1,1,1,1,1", "11 columns"),
    ],
)
def test_a_bad_row_of_ground_truth_is_named_with_its_line(tmp_path: Path, row: str, said: str) -> None:
    path = written(tmp_path, f"\n1,3,10,20,30,40,1,1,1\n{row}\n2,3,10,20,30,40,1,1,1\n")
    with pytest.raises(FormatError) as caught:
        read_gt(path, n_frames=2)
    assert str(caught.value).startswith(f"{path}:3: ")
    assert said in str(caught.value)


def test_an_unknown_visibility_is_full_visibility(tmp_path: Path) -> None:
    assert read_gt(written(tmp_path, "1,4,10,20,30,40,1,1,-1\n"), n_frames=1)["visibility"].tolist() == [1.0]


def test_boxes_that_leave_the_frame_are_not_clipped(tmp_path: Path) -> None:
    gt = read_gt(written(tmp_path, "1,4,-50.5,-20,5000,40,1,1,1\n"), n_frames=1)
    assert gt[["x", "y", "w", "h"]].to_numpy().tolist() == [[-50.5, -20, 5000, 40]]


def test_of_a_partial_sequence_later_rows_are_left_out(tmp_path: Path) -> None:
    path = written(tmp_path, "1,3,10,20,30,40,1,1,1\n9,3,10,20,30,40,1,1,1\n")
    assert read_gt(path, n_frames=5, partial=True)["frame"].tolist() == [1]
    assert rewrite(path, n_frames=5) == "1,3,10,20,30,40,1,1,1\n"


def test_a_file_that_is_no_text_or_not_there_says_so(tmp_path: Path) -> None:
    with pytest.raises(FormatError, match="not a text file of numbers"):
        read_gt(written(tmp_path, b"\xff\xd8\xff\xe0"), n_frames=1)
    with pytest.raises(NotFoundError, match="no such file"):
        read_gt(tmp_path / "none.txt", n_frames=1)
    with pytest.raises(FormatError, match="cannot be read"):
        read_gt(tmp_path, n_frames=1)


# Detections


@pytest.mark.parametrize(
    "row",
    [
        "1,-1,10,20,30,40,2.5",
        "1,-1,10,20,30,40,2.5,-1,-1,-1",
        "1, -1, 10, 20, 30, 40, 2.5, -1, -1",
        "1,0,10,20,30,40,2.5",
    ],
)
def test_detections_have_seven_to_ten_columns_and_ids_mean_nothing(tmp_path: Path, row: str) -> None:
    found = read_detections(written(tmp_path, f"{row}\n{row}\n"), n_frames=1)
    assert list(found.columns) == DETECTION_COLUMNS
    assert found.to_numpy().tolist() == [[1, 10, 20, 30, 40, 2.5]] * 2


def test_detections_without_a_confidence_are_sure(tmp_path: Path) -> None:
    assert read_detections(written(tmp_path, "1,-1,10,20,30,40\n"), n_frames=1)["confidence"].tolist() == [1.0]


def test_an_empty_detection_file_is_an_empty_table(tmp_path: Path) -> None:
    found = read_detections(written(tmp_path, ""), n_frames=1)
    assert found.empty
    assert list(found.columns) == DETECTION_COLUMNS
    assert found["frame"].dtype == "int64"


# Results


def test_a_result_file_must_tell_people_apart(tmp_path: Path) -> None:
    with pytest.raises(FormatError, match=r":2: frame 1 has id 3 twice"):
        read_results(written(tmp_path, "1,3,1,2,3,4,1\n1,3,5,6,7,8,1\n"), n_frames=1)
    with pytest.raises(FormatError, match=r":1: id -1"):
        read_results(written(tmp_path, "1,-1,1,2,3,4,1\n"), n_frames=1)
    with pytest.raises(FormatError, match=r":1: frame 2 is beyond"):
        read_results(written(tmp_path, "2,1,1,2,3,4,1\n"), n_frames=1)


numbers = st.floats(-3000, 3000, allow_nan=False)
sizes = st.floats(0, 3000, allow_nan=False)
results = st.lists(
    st.tuples(st.integers(1, 99), st.integers(0, 10**6), numbers, numbers, sizes, sizes, st.floats(0, 1)),
    max_size=20,
    unique_by=lambda row: row[:2],
)


@given(results)
@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_results_come_back_to_half_a_hundredth_of_a_pixel(tmp_path: Path, rows: list[tuple[float, ...]]) -> None:
    before = pd.DataFrame(rows, columns=RESULT_COLUMNS).astype({"frame": "int64", "id": "int64"})
    write_results(tmp_path / "deep" / "r.txt", before)
    after = read_results(tmp_path / "deep" / "r.txt", n_frames=99)
    assert after[["frame", "id"]].to_numpy().tolist() == before[["frame", "id"]].to_numpy().tolist()
    boxes = ["x", "y", "w", "h"]
    np.testing.assert_allclose(after[boxes].to_numpy(float), before[boxes].to_numpy(float), atol=0.00501)


# What is published


def test_rewriting_keeps_numbers_as_they_stand(tmp_path: Path) -> None:
    text = "1,3,10,20.50,3e1,40,1,1,0.250\n2,4,1,2,3,4,0,8,1\n"
    assert rewrite(written(tmp_path, text), n_frames=2) == text


def test_new_ids_are_put_in_an_order_that_does_not_tell_the_old_ones(tmp_path: Path) -> None:
    path = written(tmp_path, "1,1,10,20,30,40,1,1,1\n2,1,11,20,30,40,1,1,1\n1,2,50,20,30,40,1,1,1\n")
    assert rewrite(path, n_frames=2, id_map={1: 2, 2: 1}) == (
        "1,1,50,20,30,40,1,1,1\n1,2,10,20,30,40,1,1,1\n2,2,11,20,30,40,1,1,1\n"
    )


# Rules


@pytest.mark.parametrize(
    ("name", "edition"),
    [
        ("MOT16-02", "MOT16"),
        ("MOT17-02-SDP", "MOT17"),
        ("MOT20-05", "MOT20"),
        ("dancetrack0004", "DanceTrack"),
        ("TUD-Stadtmitte", "MOT15"),
        ("PETS09-S2L1", "MOT15"),
        ("ADL-Rundle-6", "MOT15"),
        ("KITTI-13", "MOT15"),
        ("my-street", "MOT17"),
    ],
)
def test_an_edition_is_known_by_the_names_of_its_sequences(name: str, edition: str) -> None:
    assert infer_rules(name, None) is RULES[edition]


def test_where_the_name_is_silent_the_columns_speak(tmp_path: Path) -> None:
    assert infer_rules("my-street", written(tmp_path, "1,3,10,20,30,40,1,-1,-1,-1\n")).name == "MOT15"
    assert infer_rules("my-street", written(tmp_path, "1,3,10,20,30,40,1,1,1\n")).name == "MOT17"


def test_only_mot15_is_scored_without_dropping_distractors() -> None:
    assert {name for name, rules in RULES.items() if not rules.preprocess} == {"MOT15"}
    assert RULES["MOT20"].distractors - RULES["MOT17"].distractors == {6}


@needs_mot
@pytest.mark.parametrize(
    ("path", "n_frames", "rows", "people"),
    [
        ("MOT15/train/TUD-Campus", 71, 359, 8),
        ("MOT15/train/TUD-Stadtmitte", 179, 1156, 10),
        ("MOT17-labels/train/MOT17-02-FRCNN", 600, 30003, None),
    ],
)
def test_real_files_are_read_in_full(path: str, n_frames: int, rows: int, people: int | None) -> None:
    gt = read_gt(MOT / path / "gt" / "gt.txt", n_frames=n_frames)
    assert len(gt) == rows
    assert people is None or gt["id"].nunique() == people
    assert len(read_detections(MOT / path / "det" / "det.txt", n_frames=n_frames)) > n_frames
