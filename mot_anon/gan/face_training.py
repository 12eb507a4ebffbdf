"""Training of the generator of faces (``mot-anon train generator --target face``).

As for bodies, but for what comes of the data: a person without a second picture is known from another view of the
same one; what is grey teaches light and shape, and only what has colour teaches colour.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import cv2
import numpy as np
import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor

from mot_anon.gan import faces as networks
from mot_anon.gan.config import GeneratorConfig
from mot_anon.gan.data import Places, Request, repeated
from mot_anon.gan.face_cast import VIEWS, FaceCast, FacePlaces, embed_alone
from mot_anon.gan.face_shape import keyed_shape
from mot_anon.gan.faces import embed_windows
from mot_anon.gan.identity import CODE_SIZE, whitening
from mot_anon.gan.losses import apart_loss, reconstruction_loss
from mot_anon.gan.training import GeneratorLearner
from mot_anon.vision import augment
from mot_anon.vision.face_data import load_faces
from mot_anon.vision.landmarks import draw_landmarks
from mot_anon.vision.training import Draw, Log, averaged, make_accelerator, train
from mot_anon.vision.weights import save_weights


@dataclass(frozen=True)
class FaceConfig(GeneratorConfig):
    """Settings of :class:`~mot_anon.gan.config.GeneratorConfig`; ``dressed`` has no meaning.

    Attributes
    ----------
    input:
        ``landmarks``: the face is erased from what the generator sees; ``face``: it is not (an ablation).
    misread:
        Share of the faces whose landmarks are a little beside the truth.
    coloured:
        Share of the places that are in colour.
    apart, patience:
        Weight of :func:`~mot_anon.gan.losses.apart_loss`: two codes in one place, and who was there; and the share of
        the run over which it rises: before critics know faces, codes tear holes into them.
    anchor:
        Weight of the reconstruction where others are asked for.  It keeps faces sane and makes them all look like who
        was there, so there is little of it.
    estranged:
        Weight of how like who was there the whole window may look where others are asked for: hair and neck stay, and
        only the face can lead elsewhere whoever knows people by them.
    contrast, tint, shade:
        Weights of the contrast of a face, the colour of skin, and the light on it: they follow from what is round a
        face, not from a code.
    """

    choices: ClassVar[dict[str, tuple[str, ...]]] = {
        "identity_guidance": ("siamese", "classification", "none"),
        "input": ("landmarks", "face"),
        "onlooker": ("imagenet", "none"),
    }

    steps: int = 1800
    batch: int = 8
    input: str = "landmarks"
    unknown: float = 0.5
    coloured: float = 0.5
    gain: float = 6.0
    guidance: float = 1.5
    margin: float = 0.1
    apart: float = 1.2
    patience: float = 0.5
    anchor: float = 1.5
    estranged: float = 1.0
    contrast: float = 12.0
    tint: float = 24.0
    shade: float = 6.0


class FaceLearner(GeneratorLearner):
    """The body's training on faces: one critic for grey that knows codes, one for colour that knows none."""

    config: FaceConfig
    risen: float = 1.0
    """Share of the weight of ``apart`` that holds now."""

    def __init__(
        self,
        config: FaceConfig,
        data: Path,
        accelerator: Any,
        *,
        identity: Path = networks.IDENTITY_WEIGHTS,
        samples: Path | None = None,
    ) -> None:
        self.config, self.accelerator, self.samples = config, accelerator, samples
        network = averaged(networks.load_face_identity(identity))
        faces = load_faces(data, ("train",))
        # Codes say who a face is without its hair; for such embeddings it is other directions that say so.
        seen = faces.of(faces.detected)
        network.mean, network.whitening = whitening(embed_alone(network, seen), seen.person)
        self.faces = FaceCast(faces, network, config.seed)
        self.public = FaceCast(load_faces(data, ("val",)), network, config.seed)
        self.identity = network.to(accelerator.device)
        torch.manual_seed(config.seed)
        critics = self.with_onlooker(dict(networks.face_critics()), networks.SHAPE_CHANNELS)
        self.assemble(networks.face_generator(), critics, int(self.faces.faces.person.max()) + 1)

    def ask(self, draw: Draw) -> tuple[Places, Request]:
        """Places, and the codes wanted there: everybody's own, then others' twice."""
        n, cast = self.config.batch, self.faces
        rows = cast.rows(draw, n, self.config.coloured)
        again = torch.from_numpy(cast.another(rows, draw))
        others = torch.from_numpy(draw.rng.choice(len(cast.faces), 2 * n))
        own = cast.codes[draw.integers(0, VIEWS, n), again]
        nobody = draw.uniform(2 * n) < self.config.unknown
        somebody = cast.codes[draw.integers(0, VIEWS, 2 * n), others]
        wanted = torch.where(nobody[:, None], self.nobody(draw, 2 * n), somebody)
        people = torch.from_numpy(cast.faces.person)
        known = torch.cat([people[torch.from_numpy(rows)], torch.where(nobody, -1, people[others])])
        swapped = torch.cat([torch.zeros(n), torch.ones(2 * n)])
        places = cast.places(rows, draw, self.config.misread)
        return places, Request(torch.cat([own, wanted]), repeated(own, 3), swapped, known)

    def nobody(self, draw: Draw, n: int) -> Tensor:
        """Normal numbers: codes of faces are nearly that."""
        return draw.normal(n, CODE_SIZE)

    def step(self, draw: Draw, number: int, progress: float) -> dict[str, float]:
        """As for bodies."""
        self.risen = min(1.0, progress / self.config.patience)
        return super().step(draw, number, progress)

    def shapes(self, places: Places, codes: Tensor) -> Tensor:
        """Who is there has the shape that was read; others have that of their codes."""
        _, *others = torch.split(codes, len(places.real))
        return torch.cat([places.shape, *(keyed_places(_face(places), code) for code in others)])

    def scores(
        self, pictures: Tensor, places: Places, codes: Tensor, seen: Sequence[Tensor] | None = None
    ) -> list[Tensor]:
        """Scores in grey, and in colour where there is colour."""
        copies = len(pictures) // len(places.real)
        shown, shape = self.view(pictures, places), self.shapes(places, codes).to(pictures.device)
        scores = list(self.networks["critic"](augment.luma(shown), shape, codes))
        if self.eyes is not None:
            scores += self.networks["onlooker"](self.looked_at(shown) if seen is None else seen, shape, codes)
        coloured = repeated(_face(places).colour, copies).to(pictures.device)
        if bool(coloured.any()):
            scores += list(self.networks["tints"](shown[coloured], shape[coloured]))
        return [self.config.gain * score for score in scores]

    def looked_at(self, pictures: Tensor) -> list[Tensor]:
        """What the frozen eyes see of pictures in grey: at twice the size, as they know small things only from near."""
        if self.eyes is None:
            return []
        near = F.interpolate(augment.luma(pictures), scale_factor=2, mode="bilinear", align_corners=False)
        return super().looked_at(near.expand(-1, 3, -1, -1))

    def view(self, picture: Tensor, places: Places) -> Tensor:
        """Pictures as far as the place was in the picture that it comes from."""
        seen = _face(places).seen
        return picture * repeated(seen, len(picture) // len(seen)).to(picture.device)

    def watched(self, picture: Tensor, places: Places) -> Tensor:
        """The face alone, seen from a little beside: hair and neck stay, whoever is drawn."""
        place, device = _face(places), picture.device
        copies = len(picture) // len(place.seen)
        return self.beside(picture * repeated(place.seen * place.hole, copies).to(device), place)

    @staticmethod
    def beside(pictures: Tensor, places: FacePlaces) -> Tensor:
        """Pictures in ``places``, once or several times each, as the identity network looks at them."""
        glance = repeated(places.glance, len(pictures) // len(places.glance)).to(pictures.device)
        return augment.warp(pictures, glance, networks.SIZE, outside="zeros")

    def guided(self, embeddings: Tensor, there: Tensor, request: Request) -> dict[str, Tensor]:
        """As for bodies; and two codes in one place make two people, neither of them who was there."""
        losses = super().guided(embeddings, there, request)
        if self.config.identity_guidance == "siamese":
            _, *others = embeddings.chunk(len(embeddings) // len(there))
            losses["apart"] = self.risen * self.config.apart * apart_loss(others, there, self.config.margin)
        return losses

    def recognised(self, pictures: Tensor, places: FacePlaces) -> Tensor:
        """How like who was there whole windows look in which others are asked for, mean of what is above 0."""
        copies = len(pictures) // len(places.real)
        with self.accelerator.autocast():
            found = self.identity(self.beside(pictures[len(places.real) :], places)).float()
            with torch.no_grad():
                there = self.identity(self.beside(places.real.to(pictures.device), places)).float()
        return F.relu(F.cosine_similarity(found, repeated(there, copies - 1))).mean()

    def reconstruction(self, drawn: Tensor, places: Places) -> Tensor:
        """In grey everywhere, in colour where there is colour."""
        place, device = _face(places), drawn.device
        where, real = (place.hole * place.seen).to(device), place.real.to(device)
        loss = reconstruction_loss(augment.luma(drawn), augment.luma(real), where)
        return loss + reconstruction_loss(drawn, real, where * place.colour.to(device)[:, None, None, None])

    def losses(self, picture: Tensor, drawn: Tensor, places: Places, request: Request) -> dict[str, Tensor]:
        """What the generator is told, weighted."""
        place, device, config = _face(places), drawn.device, self.config
        where, real = (place.hole * place.seen).to(device), place.real.to(device)
        copies = len(drawn) // len(real)
        shown = self.view(picture, places)
        losses = super().losses(shown, drawn, places, request)
        if config.identity_guidance == "siamese":
            losses["estranged"] = self.risen * config.estranged * self.recognised(shown, place)
        _, *others = drawn.chunk(copies)
        losses["anchor"] = config.anchor * torch.stack([self.reconstruction(one, places) for one in others]).mean()
        tone, light, contrast = (
            (one - repeated(other, copies)).abs().mean()
            for one, other in zip(tones(drawn, repeated(where, copies)), tones(real, where), strict=True)
        )
        told = {"tint": config.tint * tone, "shade": config.shade * light, "contrast": config.contrast * contrast}
        return losses | told

    def score(self, number: int) -> dict[str, float]:
        """How well faces of val become who is asked for, and stop being who they were; writes a sheet to look at."""
        draw, cast = Draw(self.config.seed + 2), self.public
        rows = np.tile(draw.rng.choice(len(cast.faces), min(100, len(cast.faces)), replace=False), 2)
        places, codes = cast.still(rows), self.nobody(draw, len(rows))
        places = dataclasses.replace(places, shape=keyed_places(places, codes))
        pictures = self.draw_people(places, codes)
        found = embed_windows(self.identity, self.watched(pictures, places))
        if self.samples is not None:
            self.samples.mkdir(parents=True, exist_ok=True)
            cv2.imwrite(str(self.samples / f"faces-{number:06d}.png"), self.sheet())
        own = embed_windows(self.identity, self.watched(places.real, places))
        first, second = found.chunk(2)
        return {
            "asked for": float(F.cosine_similarity(self.identity.code(found), codes).mean()),
            "source": float(F.cosine_similarity(found, own).mean()),
            "alike": float(F.cosine_similarity(first, second).mean()),
        }

    def sheet(self, people: int = 16) -> Any:
        """A picture: training people in colour and people of val in grey; their places; ten who do not exist."""
        draw, lines = Draw(self.config.seed + 3), []
        codes = self.nobody(draw, 10)
        for cast, n in ((self.faces, people - people // 3), (self.public, people // 3)):
            places = cast.still(cast.rows(draw, n, 1.0))
            columns = [places.real, places.background, places.shape[:, 1:].expand(-1, 3, -1, -1) * 2 - 1]
            for code in codes:
                drawn = dataclasses.replace(places, shape=keyed_places(places, code.expand(n, -1)))
                columns.append(self.view(self.draw_people(drawn, code.expand(n, -1)), places))
            lines += [[column[i] for column in columns] for i in range(n)]
        turned = [list(line) for line in zip(*lines, strict=True)]
        return cv2.resize(augment.sheet(turned), None, fx=1.5, fy=1.5, interpolation=cv2.INTER_CUBIC)

    def export(self, out: Path) -> None:
        """Write the average."""
        save_weights(self.averages["generator"], out, networks.GENERATOR_FORMAT)


def keyed_places(places: FacePlaces, codes: Tensor) -> Tensor:
    """Holes, and landmarks as the codes (N, 24) have them: (N, 2, 64, 64)."""
    lines = draw_landmarks(keyed_shape(places.points, codes.cpu().numpy()))
    return torch.cat([places.shape[:, :1], torch.from_numpy(lines)], 1)


def chroma(images: Tensor) -> Tensor:
    """What colour images (N, 3, H, W) have, whatever their light; 0 where they are grey."""
    return images - augment.luma(images)


def tones(images: Tensor, where: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Of faces (N, 3, H, W): the colour of skin finely, light less so, and contrast coarsely."""
    grey = augment.luma(images)
    spread = cells(grey**2, where, 4) - cells(grey, where, 4) ** 2
    return cells(chroma(images), where, 16), cells(grey, where, 8), (spread.clamp_min(0) + 1e-3).sqrt()


def cells(images: Tensor, where: Tensor, number: int) -> Tensor:
    """Means of ``number`` × ``number`` cells of images (N, C, H, W), ``where`` (N, 1, H, W) is one."""
    size = images.shape[-1] // number
    return F.avg_pool2d(images * where, size) / F.avg_pool2d(where, size).clamp_min(0.1)


def _face(places: Places) -> FacePlaces:
    assert isinstance(places, FacePlaces)
    return places


def train_face_generator(
    config: FaceConfig,
    data: Path,
    out: Path,
    log: Log = print,
    *,
    identity: Path = networks.IDENTITY_WEIGHTS,
    samples: Path | None = None,
) -> Path:
    """Train on ``data``'s train split with a trained identity network; write ``out``; resumes by itself.

    Sample sheets go to the folder ``samples``; they show real people.
    """
    accelerator = make_accelerator()
    learner = FaceLearner(config, data, accelerator, identity=identity, samples=samples)
    return train(learner, config, accelerator, out, log)
