"""What the benchmark of portraits draws."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from portraits import drawn_heads, pictures

from mot_anon.gan.faces import moved_landmarks
from mot_anon.gan.head_cast import HeadCast
from mot_anon.gan.heads import head_generator
from mot_anon.gan.portrait_cast import PortraitCast, portrait_affine
from mot_anon.gan.portraits import FORMAT, SHAPE_CHANNELS, PortraitGenerator
from mot_anon.vision.bodies import load_bodies
from mot_anon.vision.face_data import load_faces
from mot_anon.vision.weights import save_weights
from tests.invented_bodies import write_bodies
from tests.invented_faces import write_faces


def test_everybody_has_one_head_for_a_purpose_and_what_is_beside_it_stays(tmp_path: Path) -> None:
    save_weights(head_generator(SHAPE_CHANNELS), tmp_path / "weights.safetensors", FORMAT)
    bodies = load_bodies(write_bodies(tmp_path / "bodies"), "val")
    faces = load_faces(write_faces(tmp_path / "faces", hair=True), ("train",))
    cast = PortraitCast(faces, HeadCast(bodies, None))
    places, people = cast.still(cast.rows[:4]), np.array([0, 0, 1, 2])
    points = moved_landmarks(cast.faces.landmarks, portrait_affine(cast.faces.landmarks))[:4]
    generator = PortraitGenerator(tmp_path / "weights.safetensors")
    one = drawn_heads(generator, places, points, people, "a")
    assert one.shape == (4, 160, 160, 3)
    assert np.array_equal(one, drawn_heads(generator, places, points, people, "a"))
    assert not np.array_equal(one, drawn_heads(generator, places, points, people, "b"))
    around = pictures(places.background)
    beside = torch.nn.functional.interpolate(places.hole, size=(160, 160), mode="nearest")[:, 0].numpy()
    beside = torch.nn.functional.max_pool2d(torch.from_numpy(beside)[:, None], 13, 1, 6)[:, 0].numpy() == 0
    assert beside.any()
    assert np.abs(one.astype(int) - around)[beside].max() <= 2
