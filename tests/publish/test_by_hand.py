"""Regions by hand: which recording a line means, and that names stay with whoever gave them."""

from __future__ import annotations

from pathlib import Path

import pytest

from mot_anon.data.frames import read_frame
from mot_anon.data.sequence import Sequence, open_sequence
from mot_anon.plan.overrides import read_overrides
from mot_anon.publish.analyse import Coverage
from mot_anon.publish.recordings import meant
from tests.publish.conftest import Publish
from tests.sequences import write_sequence


@pytest.mark.parametrize("name", ["MOT17-90", "MOT17-90-SDP", "MOT17-90-DPM", "Street"])
def test_a_line_may_name_a_camera_any_of_its_views_or_what_somebody_called_it(name: str) -> None:
    assert meant(name, "Street", ["MOT17-90-SDP", "Alpha"])
    assert not meant(name, "Yard", ["MOT17-91-SDP"])


def test_who_was_under_a_label_that_was_moved_is_looked_for_again(tmp_path: Path, run: Publish) -> None:
    old, new = (20, 20, 24, 60), (80, 20, 24, 60)
    labels = [(frame, 1, *old, 1, 1, 1.0) for frame in (1, 2)]
    seen = [(frame, -1, *old, 0.9, -1, -1, -1) for frame in (1, 2)]
    sequence = open_sequence(write_sequence(tmp_path / "data", frames=2, gt=labels, det=seen))
    path = tmp_path / "regions.csv"
    path.write_text(f"sequence,frame,action,track,x,y,w,h\n{sequence.name},1,move,1,{','.join(map(str, new))}\n")
    published = run(sequence, method="solid", coverage=Coverage(None, 0.0, tuple(read_overrides(path)), path, "none"))
    for frame, boxes in ((1, (old, new)), (2, (old,))):
        before = read_frame(sequence.frames[frame - 1])
        after = read_frame(published.tree / sequence.name / "img1" / f"{frame:06d}.png")
        for x, y, w, h in boxes:
            assert (before != after).any(-1)[y : y + h, x : x + w].mean() > 0.9


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
