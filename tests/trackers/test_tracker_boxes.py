from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from mot_anon.trackers.boxes import as_boxes, iou_matrix, xywh_to_xyxy, xyxy_to_xywh

xywh = arrays(np.float64, st.tuples(st.integers(0, 6), st.just(4)), elements=st.floats(0.5, 500))


@given(xywh)
def test_conversions_are_each_others_inverse(boxes):
    np.testing.assert_allclose(xyxy_to_xywh(xywh_to_xyxy(boxes)), boxes, atol=1e-9)


@given(xywh, xywh)
def test_iou_is_symmetric_between_0_and_1_and_1_with_itself(first, second):
    a, b = xywh_to_xyxy(first), xywh_to_xyxy(second)
    overlap = iou_matrix(a, b)
    assert overlap.shape == (len(a), len(b))
    assert ((overlap >= 0) & (overlap <= 1 + 1e-12)).all()
    np.testing.assert_array_equal(overlap, iou_matrix(b, a).T)
    np.testing.assert_allclose(np.diag(iou_matrix(a, a)), 1.0)


def test_iou_of_known_boxes():
    overlap = iou_matrix([[0, 0, 10, 10]], [[5, 0, 15, 10], [10, 0, 20, 10], [30, 30, 40, 40], [2, 2, 8, 8]])
    np.testing.assert_allclose(overlap, [[1 / 3, 0, 0, 0.36]])


def test_a_box_without_area_overlaps_nothing():
    assert iou_matrix([[5, 5, 5, 5], [8, 8, 2, 2]], [[0, 0, 10, 10], [5, 5, 5, 5]]).tolist() == [[0, 0], [0, 0]]


def test_an_empty_list_is_no_boxes_and_another_shape_is_refused():
    assert as_boxes([]).shape == (0, 4)
    with pytest.raises(ValueError, match=r"\(N, 4\).*\(2, 3\)"):
        as_boxes(np.zeros((2, 3)))
