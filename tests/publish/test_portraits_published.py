"""Faces of people near the camera, in published frames."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

from mot_anon.data.frames import encode_frame, read_frame
from mot_anon.data.sequence import open_sequence
from mot_anon.gan.generate import WEIGHTS as GENERATOR
from mot_anon.gan.portraits import WEIGHTS as PORTRAITS
from mot_anon.methods.base import Wishes, make_method
from mot_anon.plan.keys import TEST_KEY, Key
from mot_anon.publish.analyse import Coverage, plan_recording
from mot_anon.publish.recordings import recordings_of
from mot_anon.publish.render import render_frame
from mot_anon.publish.verify import check_frame
from mot_anon.vision.heads import Portrait
from mot_anon.vision.landmarks import WEIGHTS as LANDMARKS
from mot_anon.vision.landmarks import LandmarkReader, face_windows
from mot_anon.vision.parse import cut_window
from tests.invented_faces import face_points
from tests.publish.conftest import silent
from tests.publish.test_body import PLACE, Painter, region
from tests.realdata import MOT, needs_mot
from tests.sequences import write_sequence

needs_weights = pytest.mark.skipif(
    not all(weights.is_file() for weights in (GENERATOR, PORTRAITS, LANDMARKS)), reason="weights are not there"
)


def test_a_method_is_told_of_a_face_where_it_lies_in_the_crop() -> None:
    points = (np.array([85, 45]) + 8 * face_points()).astype(np.float32)
    painter, one = Painter(), region()
    render_frame(PLACE, [replace(one, portrait=Portrait(points, 0.7))], painter, "body", 0)
    (item,) = painter.shown
    assert item.portrait is not None
    assert item.portrait.share == 0.7
    low = np.floor(points - item.portrait.points)[0]
    assert np.allclose(points - item.portrait.points, low)
    assert (low <= one.box[:2]).all()
    render_frame(PLACE, [one], painter, "body", 0)
    assert painter.shown[0].portrait is None


@needs_mot
@needs_weights
def test_on_a_real_street_large_faces_are_drawn_turned_as_they_were_and_nothing_is_left(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first frames of MOT17-09, of which person 19 is 50 pixels of head, seen from the front."""
    monkeypatch.setenv("MOT_ANON_CACHE", str(tmp_path))
    whole, frames = open_sequence(MOT / "MOT17" / "train" / "MOT17-09-DPM"), 5
    gt = whole.gt()
    rows = gt[gt["frame"] <= frames]
    place = write_sequence(
        tmp_path / "data", "MOT17-09-DPM", frames=frames, gt=rows.to_numpy().tolist(), size=(1920, 1080)
    )
    for number, path in enumerate(sorted((place / "img1").iterdir())):
        cv2.imwrite(str(path), read_frame(whole.frames[number]))
    recorded = open_sequence(place)
    recording, wishes = recordings_of([recorded], silent)[0], Wishes(silhouettes=True)
    plan = plan_recording(recording, Key(TEST_KEY), "pseudonym", Coverage(None), silent, wishes=wishes)
    frame, regions = read_frame(recorded.frames[2]), plan.frame(3)
    shown = {one.track: one.portrait for one in regions if one.portrait is not None}
    assert set(shown) <= {one.track for one in regions if one.person and one.box[3] > 150}
    face = shown["MOT17-09:19"]
    assert face.share == 1
    x, y, w, h = next(one.box for one in regions if one.track == "MOT17-09:19")
    assert (face.points > (x, y)).all()
    assert (face.points < (x + w, y + h / 3)).all()
    method = make_method("ciagan")
    drawn, labels = render_frame(frame, regions, method, "body", 0, plan.plate, 3, plan.look)
    path = tmp_path / "000003.png"
    check_frame(path, encode_frame(drawn, ".png"), frame, drawn, labels, regions, "body")
    without = [replace(one, portrait=None) for one in regions]
    mute, _ = render_frame(frame, without, method, "body", 0, plan.plate, 3, plan.look)
    window = face_windows(face.points[None])[0]
    _, sure = LandmarkReader()(np.stack([cut_window(picture, window, (64, 64)) for picture in (drawn, mute)]))
    assert sure[0] > 0.5
    assert sure[0] > sure[1] + 0.2
