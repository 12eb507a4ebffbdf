"""Portraits: the generator, a few steps of its training on invented people, and how heads are cut out."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest
import torch

from mot_anon.errors import NotFoundError
from mot_anon.gan import portraits as networks
from mot_anon.gan.heads import head_generator
from mot_anon.gan.portrait_cast import PortraitCast, cut_out
from mot_anon.gan.portrait_training import PortraitConfig, PortraitLearner
from mot_anon.gan.portraits import PortraitGenerator, portrait_shapes
from mot_anon.vision.training import Draw, make_accelerator, train
from mot_anon.vision.weights import save_weights
from tests.invented_bodies import write_bodies
from tests.invented_faces import draw_face, face_points, write_faces

TINY = PortraitConfig(steps=2, batch=3, save_every=1, onlooker="none")

shipped = pytest.mark.skipif(
    not networks.WEIGHTS.is_file(), reason="the weights of the generator of portraits are absent"
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place: Path = tmp_path_factory.mktemp("data")
    write_bodies(place / "bodies", train=4, val=2)
    return write_faces(place / "faces", coloured=8, grey=30, hair=True)


@pytest.fixture(scope="module")
def made(folder: Path) -> PortraitLearner:
    return PortraitLearner(TINY, folder, make_accelerator(), parser=None)


def given(n: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    points = np.tile((0.5 + 0.25 * face_points()).astype(np.float32), (n, 1, 1))
    shapes = portrait_shapes(points, np.ones((n, 1, 64, 64), np.float32))
    around = np.repeat(rng.random((1, 64, 64, 3), np.float32), n, 0)
    return around, shapes, rng.standard_normal((n, 24)).astype(np.float32)


def test_portraits_are_drawn_purely_and_differ_by_code(tmp_path: Path) -> None:
    save_weights(head_generator(networks.SHAPE_CHANNELS), tmp_path / "p.safetensors", networks.FORMAT)
    make = PortraitGenerator(tmp_path / "p.safetensors")
    drawn = make(*given(2))
    assert drawn.shape == (2, 64, 64, 3)
    assert drawn.dtype == np.float32
    assert 0 <= drawn.min() <= drawn.max() <= 1
    assert np.array_equal(drawn, make(*given(2)))
    assert np.abs(drawn[0] - drawn[1]).max() > 0.01
    with pytest.raises(ValueError, match="is needed"):
        make(given(1)[0], np.zeros((1, 2, 64, 64), np.float32), given(1)[2])


def test_a_hole_is_wider_than_the_head(made: PortraitLearner) -> None:
    head = np.zeros((1, 1, 64, 64), np.float32)
    head[..., 20:40, 20:40] = 1
    shapes = portrait_shapes((0.5 + 0.2 * face_points()[None]).astype(np.float32), head)
    assert shapes.shape == (1, 3, 64, 64)
    hole = shapes[0, 0]
    assert hole[20:40, 20:40].min() == 1
    assert hole[18:42, 18:42].min() > 0.5
    assert hole[:14].max() == hole[:, 47:].max() == 0


def test_a_head_is_cut_out_of_its_picture() -> None:
    picture, points = draw_face(np.array([105, 126, 207]), np.random.default_rng(2), hair=True)
    mask, sane = cut_out(picture, points)
    assert sane
    assert mask.shape == picture.shape[:2]
    x, y = (np.rint(112 * points.mean(0))).astype(int)
    assert mask[y, x] == 255
    assert not mask[:, [0, -1]].any()
    assert mask[:12, :12].max() == 0
    again, _ = cut_out(picture, points)
    assert np.array_equal(mask, again)


def test_what_cannot_be_a_head_is_not_learnt_from() -> None:
    picture = np.random.default_rng(0).integers(0, 255, (64, 64, 3)).astype(np.uint8)
    everywhere = (0.5 + 1.5 * face_points()).astype(np.float32)
    outside = (5 + 0.2 * face_points()).astype(np.float32)
    assert not cut_out(picture, everywhere)[1]
    assert not cut_out(picture, outside)[1]


def test_people_in_grey_and_in_colour_are_asked_alike(made: PortraitLearner) -> None:
    cast = made.heads
    assert isinstance(cast, PortraitCast)
    assert 0 < cast.grey.sum() < len(cast.grey)
    rows = cast.some(Draw(0), 40)
    assert cast.grey[rows].sum() == 20
    places = cast.still(np.flatnonzero(cast.grey)[:4])
    shown = (places.real * places.shape[:, 2:])[:, :, 24:36, 24:36]
    assert (shown[:, 0] > shown[:, 2] + 0.05).float().mean() > 0.8  # what was grey has the colour of skin


def test_hair_that_was_grey_has_other_colours_than_skin(made: PortraitLearner) -> None:
    cast = made.heads
    assert isinstance(cast, PortraitCast)
    places = cast.places(np.flatnonzero(cast.grey)[:1].repeat(60), Draw(3), 0.0)
    red, _, blue = ((places.real + 1) / 2).unbind(1)
    head = (places.shape[:, 2] > 0.9) & (places.seen[:, 0] > 0)
    warmth = {}
    for name, rows in (("hair", slice(4, 13)), ("skin", slice(26, 38))):
        part = head[:, rows, 24:40]
        warmth[name] = (red[:, rows, 24:40] * part).sum((1, 2)) / (blue[:, rows, 24:40] * part).sum((1, 2))
    assert warmth["skin"].min() > 1.15
    assert warmth["hair"].min() < 1.15
    assert warmth["hair"].std() > 1.3 * warmth["skin"].std()


def test_hair_that_a_picture_cuts_off_goes_on_above_it(made: PortraitLearner) -> None:
    cast = made.heads
    assert isinstance(cast, PortraitCast)
    faces, up = cast.faces.of(np.arange(len(cast.faces)) < 4), 30
    raised = np.concatenate([faces.pixels[:, up:], faces.pixels[:, -1:].repeat(up, 1)], 1)
    points = faces.landmarks - np.array([0, up / raised.shape[1]], np.float32)
    cut = PortraitCast(dataclasses.replace(faces, pixels=raised, landmarks=points), cast.shoulders)
    places = cut.still(cut.rows)
    head = places.shape[:, 2] > 0.9
    uppermost = head & (head.long().cumsum(1) <= 2)
    assert uppermost.any()
    assert places.seen[:, 0][uppermost].float().mean() > 0.9


def test_nothing_of_a_face_goes_into_what_the_generator_sees(made: PortraitLearner) -> None:
    cast = made.heads
    assert isinstance(cast, PortraitCast)
    before = cast.still(cast.rows[:3])
    kept = cast.faces
    cast.faces = dataclasses.replace(kept, pixels=255 - kept.pixels)
    after = cast.still(cast.rows[:3])
    cast.faces = kept
    assert torch.equal(before.background, after.background)
    assert torch.equal(before.shape, after.shape)
    assert not torch.equal(before.real, after.real)


def test_above_a_picture_s_edge_a_head_may_go_on_and_beside_it_nothing_is_drawn(made: PortraitLearner) -> None:
    places = made.heads.still(made.heads.rows[:6])
    unseen, beyond = places.hole * (1 - places.seen), made.beyond(places)
    assert unseen.sum() > 0
    assert (beyond <= unseen).all()
    assert (beyond * places.shape[:, 2:]).max() < 0.25


def test_a_training_that_was_interrupted_ends_as_if_it_had_not_been(folder: Path, tmp_path: Path) -> None:
    def run(name: str, stop: str | None = None) -> Path:
        def log(line: str) -> None:
            if stop and line.startswith(stop):
                raise KeyboardInterrupt

        learner = PortraitLearner(TINY, folder, make_accelerator(), parser=None, samples=tmp_path / "samples")
        return train(learner, TINY, make_accelerator(), tmp_path / name, log)

    whole = run("whole.safetensors")
    with pytest.raises(KeyboardInterrupt):
        run("part.safetensors", "step 1")
    assert run("part.safetensors").read_bytes() == whole.read_bytes()
    PortraitGenerator(whole)
    assert list((tmp_path / "samples").glob("heads-*.png"))


def test_bodies_that_are_not_there_are_named(folder: Path, tmp_path: Path) -> None:
    config = dataclasses.replace(TINY, bodies=str(tmp_path / "nowhere"))
    with pytest.raises(NotFoundError, match=r"nowhere.*--set bodies=DIR"):
        PortraitLearner(config, folder, make_accelerator(), parser=None)


@shipped
def test_the_weights_that_ship_draw_faces_that_differ(made: PortraitLearner) -> None:
    assert networks.WEIGHTS.stat().st_size < 3.2e6
    around, shapes, codes = given(2)
    drawn = PortraitGenerator()(0 * around + 0.5, shapes, codes)
    inside = drawn[:, 20:50, 20:44]
    assert inside.std(axis=(1, 2)).min() > 0.03
    assert np.abs(inside[0] - inside[1]).mean() > 0.02
