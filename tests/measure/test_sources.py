from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from mot_anon.data.motchallenge import DETECTION_COLUMNS
from mot_anon.data.sequence import open_sequence
from mot_anon.errors import NotFoundError, OptionError
from mot_anon.measure.sources import make_sources
from mot_anon.measure.tracking import check_trackers, track, uses_appearance
from tests.sequences import write_sequence


def detections(*rows: tuple[float, ...]) -> pd.DataFrame:
    return pd.DataFrame(rows, columns=DETECTION_COLUMNS).astype({"frame": "int64"})


def test_public_boxes_see_no_pixels_and_a_detectors_do():
    public, hog = make_sources(["public", "hog"])
    assert (public.sees_pixels, hog.sees_pixels) == (False, True)


@pytest.mark.parametrize("names", [["public", "public"], ["hogg"], []])
def test_names_that_mean_no_detections_are_refused(names):
    with pytest.raises(OptionError):
        make_sources(names)


def test_files_come_in_pairs(tmp_path):
    with pytest.raises(OptionError, match="go together"):
        make_sources([], original=tmp_path)
    with pytest.raises(NotFoundError, match="no such file or folder"):
        make_sources([], tmp_path, tmp_path / "not")


def test_each_tree_has_its_own_file_and_boxes_without_area_are_left_out(tmp_path):
    sequence = open_sequence(write_sequence(tmp_path, "A", frames=2, gt=None))
    for tree, row in (("before", "1,-1,5,5,10,20,0.9"), ("after", "2,-1,5,5,10,20,0.9\n2,-1,5,5,0,20,0.9")):
        (tmp_path / tree).mkdir()
        (tmp_path / tree / "A.txt").write_text(row + "\n")
    (source,) = make_sources([], tmp_path / "before", tmp_path / "after")
    assert source.detections(sequence, published=False)["frame"].tolist() == [1]
    assert source.detections(sequence, published=True)["frame"].tolist() == [2]
    (tmp_path / "after" / "A.txt").unlink()
    with pytest.raises(NotFoundError, match=r"A\.txt"):
        source.detections(sequence, published=True)


def test_public_detections_that_are_missing_are_an_error_and_an_empty_file_is_none(tmp_path):
    (source,) = make_sources(["public"])
    sequence = open_sequence(write_sequence(tmp_path, "A", frames=2, gt=None, det=[]))
    assert len(source.detections(sequence, published=False)) == 0
    bare = open_sequence(write_sequence(tmp_path, "B", frames=2, gt=None, det=None))
    with pytest.raises(NotFoundError, match="no public detections"):
        source.detections(bare, published=False)


def test_trackers_are_checked_by_name():
    check_trackers(["sort", "reid"])
    for names in ([], ["sort", "sort"], ["deep"]):
        with pytest.raises(OptionError):
            check_trackers(names)
    assert [uses_appearance(name) for name in ("sort", "reid")] == [False, True]


def test_a_walker_gets_one_track_in_frames_where_there_are_boxes():
    found = track("sort", detections(*[(f, 10.0 + f, 20, 30, 60, 0.9) for f in range(1, 8) if f != 5]), 9)
    assert found["frame"].tolist() == [1, 2, 3, 4, 6, 7]
    assert found["id"].nunique() == 1
    assert np.allclose(found[["w", "h"]], [30, 60], atol=2)


def test_the_order_of_rows_does_not_matter():
    table = detections(*[(f, 100.0 * i + f, 20, 30, 60, 0.9) for f in range(1, 8) for i in (1, 2)])
    features = np.tile(np.eye(2, 8, dtype=np.float32), (7, 1))
    order = np.random.default_rng(0).permutation(len(table))
    straight = track("reid", table, 7, features)
    shuffled = track("reid", table.iloc[order].reset_index(drop=True), 7, features[order])
    pd.testing.assert_frame_equal(straight, shuffled)
