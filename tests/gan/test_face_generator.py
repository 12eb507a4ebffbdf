"""Faces: the networks, their training a few steps on invented people, and the method."""

from __future__ import annotations

import dataclasses
import itertools
from pathlib import Path

import numpy as np
import pytest
import torch

from mot_anon.errors import OptionError
from mot_anon.gan import faces as networks
from mot_anon.gan.data import generator_input
from mot_anon.gan.face_cast import FaceCast
from mot_anon.gan.face_identity import FaceIdentityConfig, train_face_embedder, train_face_identity
from mot_anon.gan.face_training import FaceConfig, FaceLearner, cells, chroma, tones, train_face_generator
from mot_anon.gan.faces import FaceGenerator, cut_windows, face_identity, moved_landmarks, window_affine
from mot_anon.gan.identity import CODE_SIZE
from mot_anon.methods.base import FaceShape, Item, make_method
from mot_anon.methods.ciagan_face import CiaganFace
from mot_anon.train import train_network
from mot_anon.vision import augment
from mot_anon.vision.face_data import load_faces
from mot_anon.vision.landmarks import draw_holes, draw_landmarks
from mot_anon.vision.training import Draw, make_accelerator
from mot_anon.vision.weights import save_weights
from tests.gan.test_gan_training import needs_imagenet
from tests.invented_faces import face_points, write_faces

FACE = (face_points() * (0.3, 0.38) + (0.5, 0.55)).astype(np.float32)
TINY = FaceConfig(steps=2, batch=4, save_every=1, onlooker="none")
shipped = pytest.mark.skipif(not networks.GENERATOR_WEIGHTS.is_file(), reason="the face generator is not there")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_faces(tmp_path_factory.mktemp("faces"), grey=40)


@pytest.fixture(scope="module")
def identity(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("weights") / "identity.safetensors"
    save_weights(face_identity(), out, networks.IDENTITY_FORMAT)
    return out


@pytest.fixture(scope="module")
def generator(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("weights") / "generator.safetensors"
    save_weights(networks.face_generator(), out, networks.GENERATOR_FORMAT)
    return out


def learner(folder: Path, identity: Path, **settings: object) -> FaceLearner:
    config = dataclasses.replace(TINY, **settings)  # type: ignore[arg-type]
    return FaceLearner(config, folder, make_accelerator(), identity=identity)


def test_who_somebody_is_has_nothing_to_do_with_colour() -> None:
    network = face_identity().eval()
    rng = torch.Generator().manual_seed(0)
    grey = torch.rand(2, 1, 64, 64, generator=rng).expand(-1, 3, -1, -1) - 0.5
    cast = torch.tensor([0.3, 0.0, -0.3 * 0.299 / 0.114])[None, :, None, None]  # as light as grey
    who = network(grey)
    assert (network(grey + 0.4 * cast) - who).abs().max() < 0.01 * (network(grey + 0.2) - who).abs().max()


def test_trainings_that_are_interrupted_end_as_if_they_had_not_been(
    folder: Path, identity: Path, tmp_path: Path
) -> None:
    def run(name: str, log: object) -> Path:
        return train_face_generator(TINY, folder, tmp_path / name, log, identity=identity)  # type: ignore[arg-type]

    def killed(line: str) -> None:
        if line.startswith("step 1"):
            raise KeyboardInterrupt

    whole = run("whole.safetensors", lambda line: None)
    with pytest.raises(KeyboardInterrupt):
        run("part.safetensors", killed)
    assert run("part.safetensors", lambda line: None).read_bytes() == whole.read_bytes()
    FaceGenerator(whole)


@pytest.mark.parametrize("train", [train_face_identity, train_face_embedder])
def test_networks_for_recognition_are_trained_to_give_white_codes(train: object, folder: Path, tmp_path: Path) -> None:
    config, out = FaceIdentityConfig(steps=2, batch=16, save_every=2), tmp_path / "who.safetensors"
    lines: list[str] = []
    train(config, folder, out, lines.append)  # type: ignore[operator]
    assert any("rank-1" in line for line in lines)
    load = networks.load_face_identity if train is train_face_identity else networks.load_face_embedder
    assert not torch.equal(load(out).whitening, torch.eye(128, CODE_SIZE))


@pytest.mark.parametrize("guidance", ["siamese", "classification", "none"])
def test_guidance_is_what_was_asked_for(folder: Path, identity: Path, guidance: str) -> None:
    made = learner(folder, identity, identity_guidance=guidance)
    before = made.networks["classifier"].weight.clone()
    told = made.step(Draw(0), 0, 0.5)
    assert ("identity" in told) == (guidance != "none")
    assert torch.equal(before, made.networks["classifier"].weight) == (guidance != "classification")


def test_a_step_asks_for_the_person_who_is_there_and_for_two_others(folder: Path, identity: Path) -> None:
    made = learner(folder, identity)
    places, request = made.ask(Draw(0))
    assert torch.equal(request.codes[:4], request.sources[:4])
    own, one, two = request.codes.chunk(3)
    assert not any(torch.equal(a, b) for a, b in ((own, one), (one, two), (two, own)))
    assert request.swapped.tolist() == [0] * 4 + [1] * 8
    shapes = made.shapes(places, request.codes).chunk(3)
    assert torch.equal(shapes[0], places.shape)
    assert all(torch.equal(shape[:, 0], places.shape[:, 0]) for shape in shapes)
    assert all((a - b)[:, 1].abs().amax((1, 2)).min() > 0.1 for a, b in itertools.combinations(shapes, 2))


def test_grey_pictures_teach_no_colour(folder: Path, identity: Path) -> None:
    """What critics say of a grey place, and how far it is from the original, does not depend on colour there."""
    made = learner(folder, identity, coloured=0.0)
    places, request = made.ask(Draw(0))
    assert not places.colour.any()  # type: ignore[attr-defined]
    drawn = torch.rand(12, 3, 64, 64, generator=torch.Generator().manual_seed(1)) - 0.5
    cast = 0.3 * torch.tensor([1.0, 0.0, -0.299 / 0.114])[None, :, None, None]
    for critic in made.critics:
        made.networks[critic].eval()
    for tell in (
        lambda picture: made.reconstruction(picture[:4], places),
        lambda picture: made.scores(picture, places, request.codes)[0],
    ):
        with torch.no_grad():
            coloured, lighter = ((tell(drawn + by) - tell(drawn)).abs().max() for by in (cast, 0.2))
        assert coloured < 0.2 * lighter


def test_the_tint_of_skin_is_that_of_colour_not_of_light() -> None:
    where = torch.ones(1, 1, 64, 64)
    grey = torch.rand(1, 1, 64, 64, generator=torch.Generator().manual_seed(0)).expand(-1, 3, -1, -1)
    assert chroma(grey).abs().max() < 1e-5
    red = torch.zeros(1, 3, 64, 64)
    red[:, 0] = 0.5
    assert torch.allclose(chroma(red), chroma(red + 0.2), atol=1e-5)
    assert cells(chroma(red), where, 8)[0, 0].min() > 0.3


def test_cells_are_means_of_what_counts() -> None:
    images, where = torch.zeros(1, 1, 64, 64), torch.zeros(1, 1, 64, 64)
    images[..., :8], where[..., :4] = 1, 1
    images[..., 4:8] = 0.2
    found = cells(images, where, 8)
    assert found.shape == (1, 1, 8, 8)
    assert torch.allclose(found[..., 0], torch.ones(8))
    assert not found[..., 1:].any()


def test_light_and_contrast_are_told_apart() -> None:
    where = torch.ones(1, 1, 64, 64)
    rough = 0.2 * torch.randn(1, 1, 64, 64, generator=torch.Generator().manual_seed(0)).expand(-1, 3, -1, -1)
    (_, light, contrast), (_, lighter, same), (_, flat, none) = (
        tones(images, where) for images in (rough, rough + 0.3, torch.zeros_like(rough))
    )
    assert torch.allclose(lighter, light + 0.3, atol=1e-4)
    assert torch.allclose(same, contrast, atol=1e-3)
    assert contrast.min() > 0.15
    assert none.max() < 0.05
    assert not flat.any()


def test_who_somebody_is_is_asked_without_hair(folder: Path, identity: Path) -> None:
    """What lies outside the hole changes nothing of what the identity network looks at; what is inside does."""
    made = learner(folder, identity)
    places, _ = made.ask(Draw(0))
    hair = torch.rand(places.real.shape, generator=torch.Generator().manual_seed(0)) * (places.hole == 0)
    seen = made.watched(places.real, places)
    assert torch.equal(made.watched(places.real + hair, places), seen)
    assert (made.watched(places.real + 0.5, places) - seen).abs().amax((1, 2, 3)).min() > 0.3


def test_codes_push_apart_more_and_more(folder: Path, identity: Path) -> None:
    made = learner(folder, identity, patience=0.5)
    early, late, end = (made.step(Draw(0), 0, progress)["apart"] for progress in (0.0, 0.5, 1.0))
    assert early == 0
    assert late > 0
    assert end > 0
    assert made.risen == 1


def test_a_stranger_in_somebodys_hair_is_told_not_to_look_like_them(folder: Path, identity: Path) -> None:
    made = learner(folder, identity)
    places, _ = made.ask(Draw(0))
    same = made.recognised(torch.cat([places.real] * 3), places)
    assert float(same) == pytest.approx(1, abs=0.02)
    other = places.real * (1 - places.hole) - places.hole
    assert float(made.recognised(torch.cat([places.real, other, other]), places)) < 0.99
    told = made.step(Draw(0), 0, 1.0)
    assert told["estranged"] > 0
    assert "estranged" not in learner(folder, identity, identity_guidance="none").step(Draw(0), 0, 1.0)


@needs_imagenet
def test_an_onlooker_sees_faces_in_grey_and_from_near(folder: Path, identity: Path) -> None:
    made = learner(folder, identity, onlooker="imagenet")
    places, _ = made.ask(Draw(0))
    seen = made.looked_at(places.real)
    assert [maps.shape[-1] for maps in seen] == [32, 16, 8]
    grey = augment.luma(places.real).expand(-1, 3, -1, -1)
    assert all(torch.allclose(a, b, atol=1e-3) for a, b in zip(seen, made.looked_at(grey), strict=True))
    assert made.step(Draw(0), 0, 0.5)["likeness"] > 0


def test_nothing_of_a_face_is_seen_unless_that_is_asked_for(folder: Path) -> None:
    faces = load_faces(folder, ("train",))
    other = dataclasses.replace(faces, pixels=faces.pixels.copy())
    rows = np.arange(len(faces))
    theta = window_affine(faces.landmarks)
    for row in rows:
        inside = draw_holes(faces.landmarks[row : row + 1], (112, 112))[0, 0] > 0.9
        other.pixels[row][inside] = 255 - other.pixels[row][inside]
    network = face_identity().eval()
    one, two = (FaceCast(some, network, 0).still(rows) for some in (faces, other))
    assert (one.real - two.real).abs().mean() > 0.05
    assert (generator_input(one, "face") - generator_input(two, "face")).abs().mean() > 0.05
    beyond = cut_windows(faces.pixels, theta) - cut_windows(other.pixels, theta)
    hole = torch.from_numpy(draw_holes(moved_landmarks(faces.landmarks, theta)))
    seen = (generator_input(one, "landmarks") - generator_input(two, "landmarks")).abs()
    # A hole's edge is one cell wide, and what is filled in takes its colours from the cells just outside.
    assert (seen * hole).max() <= (beyond.abs() * (hole < 0.02)).max() + 0.02


def test_landmarks_move_with_the_window(folder: Path) -> None:
    faces = load_faces(folder, ("train",))
    points = moved_landmarks(faces.landmarks, window_affine(faces.landmarks))
    assert points.min() > 0
    assert points.max() < 1
    longest = (points.max(1) - points.min(1)).max(1)
    assert np.allclose(longest, 1 / 1.4, atol=1e-3)


def test_choices_that_do_not_exist_fail(tmp_path: Path) -> None:
    with pytest.raises(OptionError, match="there is: landmarks, face"):
        FaceConfig.from_settings({"input": "person"})
    with pytest.raises(OptionError, match="there are networks for body and face"):
        train_network("hand", "generator", tmp_path, tmp_path, {}, None, print)
    with pytest.raises(OptionError, match="no network 'embedder' for --target body"):
        train_network("body", "embedder", tmp_path, tmp_path, {}, None, print)


def an_item(code: int, *, usable: bool = True, size: int = 40) -> Item:
    points = FACE[None]
    hole = draw_holes(points)[0, 0]
    around = np.full((64, 64, 3), 0.6, np.float32)
    window, lines = np.array([-4, 2, size - 4, size + 2]), draw_landmarks(points)[0, 0]
    told = None if usable else np.stack([hole, hole, hole])
    shape = FaceShape(window, around, lines, hole, 0.9, usable, FACE if usable else None, turned=told)
    silhouette = np.ones((size, size), np.float32)
    numbers = np.random.default_rng(code).standard_normal(CODE_SIZE).astype(np.float32)
    return Item(np.full((size, size, 3), 0.6, np.float32), silhouette, numbers, 20.0, 0, face=shape)


def test_faces_are_drawn_purely_and_differ_by_code(generator: Path) -> None:
    method = CiaganFace(generator)
    together = method.render([an_item(1), an_item(2, size=90), an_item(1, usable=False)])
    assert [rgb.shape for rgb, _ in together] == [(40, 40, 3), (90, 90, 3), (40, 40, 3)]
    assert all(rgb.min() >= 0 and rgb.max() <= 1 for rgb, _ in together)
    again = method.render([an_item(1), an_item(2, size=90), an_item(1, usable=False)])
    assert all(
        np.array_equal(a, b) for one, two in zip(together, again, strict=True) for a, b in zip(one, two, strict=True)
    )
    assert np.abs(method.render([an_item(3)])[0][0] - together[0][0]).max() > 0.01
    assert method.render([]) == []


def test_the_shape_of_a_face_comes_from_the_code(generator: Path) -> None:
    """What the generator is told is not what was read."""
    told: list[np.ndarray] = []
    method = CiaganFace(generator)
    draw = method._generator()
    method._made = lambda *given: told.append(given[1]) or draw(*given)  # type: ignore[assignment, func-returns-value]
    items = [an_item(1), an_item(2)]
    method.render(items)
    lines = [item.face.landmarks for item in items if item.face is not None]
    assert np.array_equal(lines[0], lines[1])
    assert min(np.abs(told[0][0] - lines[0]).max(), np.abs(told[0][0] - told[0][1]).max()) > 0.1


def test_a_head_without_landmarks_is_no_face(generator: Path) -> None:
    method = CiaganFace(generator)
    drawn, covered = (method.render([an_item(1, usable=usable)])[0] for usable in (True, False))
    assert np.abs(drawn[0] - covered[0]).max() > 0.05


def test_target_face_means_the_generator_of_faces() -> None:
    assert isinstance(make_method("ciagan", target="face"), CiaganFace)
    assert not isinstance(make_method("ciagan", target="body"), CiaganFace)
    with pytest.raises(OptionError, match="no --strength"):
        make_method("ciagan", 8, target="face")


@shipped
def test_what_ships_draws_other_faces_for_other_codes_in_the_colour_of_the_surroundings() -> None:
    make, points = FaceGenerator(), np.repeat(FACE[None], 8, 0)
    lines, holes = draw_landmarks(points)[:, 0], draw_holes(points)[:, 0]
    codes = np.random.default_rng(0).standard_normal((8, CODE_SIZE)).astype(np.float32)
    skin = np.broadcast_to(np.array([0.75, 0.55, 0.45], np.float32), (8, 64, 64, 3))
    grey = np.broadcast_to(np.float32(0.55), (8, 64, 64, 3))
    warm, cold = (make(around, lines, holes, codes) for around in (skin, grey))
    inside = holes[0] > 0.9
    assert warm[:, inside].mean((0, 1))[0] > warm[:, inside].mean((0, 1))[2] + 0.1
    spread = cold[:, inside].mean((0, 1))
    assert spread.max() - spread.min() < 0.06
    assert np.abs(warm[0] - warm[1])[inside].mean() > 0.01
