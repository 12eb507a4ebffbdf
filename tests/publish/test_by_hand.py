"""Regions by hand: which recording a line means, and that names stay with whoever gave them."""

from __future__ import annotations

from pathlib import Path

import pytest

from mot_anon.data.sequence import Sequence
from mot_anon.plan.overrides import read_overrides
from mot_anon.publish.analyse import Coverage
from mot_anon.publish.recordings import meant
from tests.publish.conftest import Publish


@pytest.mark.parametrize("name", ["MOT17-90", "MOT17-90-SDP", "MOT17-90-DPM", "Street"])
def test_a_line_may_name_a_camera_any_of_its_views_or_what_somebody_called_it(name: str) -> None:
    assert meant(name, "Street", ["MOT17-90-SDP", "Alpha"])
    assert not meant(name, "Yard", ["MOT17-91-SDP"])


def test_names_given_by_hand_are_not_published_whatever_becomes_of_ids(
    sequence: Sequence, run: Publish, tmp_path: Path
) -> None:
    path = tmp_path / "regions.csv"
    header = "sequence,frame,action,track,x,y,w,h"
    path.write_text(f"{header}\n{sequence.name},2,add,Jane Doe,-90,0,20,40\n{sequence.name},3,add,²,-90,0,20,40\n")
    coverage = Coverage(None, 0.0, tuple(read_overrides(path)), path, "none")
    for permuted in (False, True):
        published = run(sequence, coverage=coverage, permute_ids=permuted, out=tmp_path / f"out{permuted}")
        assert published.record["sequences"][0]["hidden"] == {"by hand": [2, 3]}
        assert b"Jane" not in (published.tree / "anonymization.json").read_bytes()
