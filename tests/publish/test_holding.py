"""Labels that lag behind their people: boxes grow until they hold them."""

from __future__ import annotations

import numpy as np
import pandas as pd

from mot_anon.data.motchallenge import GT_COLUMNS
from mot_anon.data.sequence import open_sequence
from mot_anon.plan import regions as reg
from mot_anon.progress import silent
from mot_anon.publish.holding import holding
from tests.realdata import MOT, needs_mot

BOX = ["x", "y", "w", "h"]


@needs_mot
def test_a_head_beside_its_label_is_in_the_box() -> None:
    sequence = open_sequence(MOT / "MOT15" / "train" / "TUD-Stadtmitte")
    gt = sequence.gt()[GT_COLUMNS]
    size = (sequence.width, sequence.height)
    labelled = reg.gt_regions(gt[gt["frame"].between(146, 158)], "S").assign(visibility=1.0)
    held = holding(sequence.frames, "S", labelled, size, silent)
    row = np.flatnonzero((labelled["frame"] == 152) & (labelled["track"] == "S:7"))[0]
    assert labelled["x"].iloc[row] > 265
    assert held["x"].iloc[row] < 265  # the head reaches from 267 to 282
    assert (held["x"] <= labelled["x"]).all()
    assert (held["w"] >= labelled["w"]).all()
    assert held.drop(columns=BOX).equals(labelled.drop(columns=BOX))


def test_where_nobody_is_there_is_nothing_to_hold() -> None:
    nobody = pd.DataFrame(columns=[*reg.REGION_COLUMNS, "visibility"]).astype({"frame": "int64"})
    assert holding([], "S", nobody, (640, 480), silent) is nobody
