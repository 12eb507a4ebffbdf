"""Where bodies were replaced: a raw head is named, and a drawn face speaks for nobody's body."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from mot_anon.data.frames import encode_frame, read_frame
from mot_anon.measure.audit.faces import FaceLook
from mot_anon.measure.audit.findings import Audit
from mot_anon.measure.audit.sights import FaceSight
from tests.measure.audit_trees import (
    BOXES,
    Made,
    audited,
    cover_up,
    frame,
    only,
    person_box,
    published,
    repaint,
    restored,
    write_originals,
)


@pytest.mark.parametrize("kind", ["png", "jpg"])
def test_a_raw_head_on_a_body_that_was_replaced_is_named(
    kind: str, request: pytest.FixtureRequest, broken: Callable[..., Audit], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mot_anon.measure.audit.frames._HEAD_TOLD", 24)  # heads are fifteen pixels high here
    made: Made = request.getfixturevalue(kind)
    x, y, w, h = person_box(2, 4)
    change = restored(made[0][0], 4, (x, y, w, h // 4))
    (finding,) = only(broken(made, lambda tree: repaint(frame(tree, "CAM-1", 4), change)), "coverage")
    assert (finding.sequence, finding.frame, finding.track) == ("CAM-1", 4, "2")


def test_a_face_of_somebody_else_excuses_no_body(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    originals = write_originals(tmp_path / "data", ".png")
    tree = published(originals, tmp_path / "out", "solid", target="both")
    repaint(frame(tree, "CAM-1", 4), restored(originals[0], 4, person_box(2, 4)))
    cover_up(tree)

    def look(number: int, details: object, candidates: object) -> tuple[FaceLook, ...]:
        if number != 4:
            return ()
        box = (*map(float, person_box(2, 4)[:2]), 12.0, 12.0)
        sight = FaceSight(4, "2", "gt", box, 0.9, 1.0, "face", 0.0, 144, 144, 0.0, 0.0, 0.0)
        grey = np.full((16, 16, 3), 127, np.uint8)
        return (FaceLook(sight, (grey, grey), 16.0),)

    monkeypatch.setattr("mot_anon.measure.audit.faces.look_for_faces", look)
    named = {(f.frame, f.track) for f in audited(originals, tree, tmp_path / "audit").errors if f.check == "coverage"}
    assert (4, "2") in named


def test_who_is_too_flat_to_tell_and_just_as_they_were_is_named(tmp_path: Path) -> None:
    """Night and fog: there is no detail whose survival could be told, and nothing has changed."""
    originals = write_originals(tmp_path / "data", ".png")
    for sequence in originals:
        for path in sequence.frames:
            dim = np.rint(60 + 0.05 * (read_frame(path).astype(float) - 60)).astype(np.uint8)
            path.write_bytes(encode_frame(dim, ".png"))
    raw = audited(originals, published(originals, tmp_path / "raw", "none", control=True), tmp_path / "a")
    assert {f.track for f in raw.errors if f.check == "coverage"} == {str(number) for number in BOXES}
    gone = audited(originals, published(originals, tmp_path / "gone", "solid"), tmp_path / "b")
    assert gone.errors == []
