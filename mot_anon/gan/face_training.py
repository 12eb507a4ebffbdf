"""Training of the generator of faces (``mot-anon train generator --target face``).

As for bodies, but for what comes of the data: a person without a second picture is known from another view of the
same one; what is grey teaches light and shape, and only what has colour teaches colour.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import cv2
import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor

from mot_anon.gan import faces as networks
from mot_anon.gan.data import Places
from mot_anon.gan.face_cast import VIEWS, FaceCast, FacePlaces
from mot_anon.gan.faces import embed_windows
from mot_anon.gan.identity import CODE_SIZE
from mot_anon.gan.losses import critic_loss, reconstruction_loss
from mot_anon.gan.training import GeneratorConfig, GeneratorLearner, Request
from mot_anon.vision import augment
from mot_anon.vision.face_data import load_faces
from mot_anon.vision.training import Draw, Log, averaged, make_accelerator, train
from mot_anon.vision.weights import save_weights


@dataclass(frozen=True)
class FaceConfig(GeneratorConfig):
    """Settings of :class:`~mot_anon.gan.training.GeneratorConfig`; ``dressed`` has no meaning.

    Attributes
    ----------
    input:
        ``landmarks``: the face is erased from what the generator sees; ``face``: it is not (an ablation).
    misread:
        Share of the faces whose landmarks are a little beside the truth.
    coloured:
        Share of the places that are in colour.
    gain:
        What critics' scores are multiplied by.  With spectral normalisation they are so small for faces that no hinge
        ever closes, and what the identity network says weighs four times as much: then codes make masks.
    anchor:
        Weight of the reconstruction where others are asked for: whoever they are, they have as much contrast and colour
        as who was there, whom the generator does not see.
    tint, shade:
        Weights of the colour of skin, and of the light on it: they follow from what is round a face, not from a code.
    """

    choices: ClassVar[dict[str, tuple[str, ...]]] = {
        "identity_guidance": ("siamese", "classification", "none"),
        "input": ("landmarks", "face"),
    }

    steps: int = 4600
    batch: int = 12
    input: str = "landmarks"
    unknown: float = 0.5
    coloured: float = 0.5
    gain: float = 4.0
    guidance: float = 1.5
    anchor: float = 4.0
    tint: float = 16.0
    shade: float = 4.0


class FaceLearner(GeneratorLearner):
    """The body's training on faces: one critic for grey that knows codes, one for colour that knows none."""

    config: FaceConfig

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
        network = networks.load_face_identity(identity)
        self.faces = FaceCast(load_faces(data, ("train",)), network, config.seed)
        self.public = FaceCast(load_faces(data, ("val",)), network, config.seed)
        self.identity = averaged(network).to(accelerator.device)
        torch.manual_seed(config.seed)
        self.assemble(networks.face_generator(), dict(networks.face_critics()), int(self.faces.faces.person.max()) + 1)

    def ask(self, draw: Draw) -> tuple[Places, Request]:
        """Places, and the codes wanted there: first everybody's own, then others'."""
        n, cast = self.config.batch, self.faces
        rows = cast.rows(draw, n, self.config.coloured)
        again = torch.from_numpy(cast.another(rows, draw))
        others = torch.from_numpy(draw.rng.choice(len(cast.faces), n))
        own = cast.codes[draw.integers(0, VIEWS, n), again]
        nobody = draw.uniform(n) < self.config.unknown
        wanted = torch.where(nobody[:, None], draw.normal(n, CODE_SIZE), cast.codes[draw.integers(0, VIEWS, n), others])
        people = torch.from_numpy(cast.faces.person)
        known = torch.cat([people[torch.from_numpy(rows)], torch.where(nobody, -1, people[others])])
        swapped = torch.cat([torch.zeros(n), torch.ones(n)])
        places = cast.places(rows, draw, self.config.misread)
        return places, Request(torch.cat([own, wanted]), torch.cat([own, own]), swapped, known)

    def judge(self, places: Places, fake: Tensor, codes: Tensor) -> Tensor:
        """Both critics' loss; real people come with codes of other pictures of them."""
        n = len(places.real)
        real = self._scores(places.real.to(fake.device), places, codes[:n])
        return critic_loss(real, self._scores(fake, places, codes))

    def judgements(self, picture: Tensor, places: Places, codes: Tensor) -> list[Tensor]:
        """Scores in grey, and in colour where there is colour."""
        return self._scores(picture, places, codes)

    def _scores(self, pictures: Tensor, places: Places, codes: Tensor) -> list[Tensor]:
        copies = len(pictures) // len(places.real)
        shown, shape = self.view(pictures, places), _repeated(places.shape, copies).to(pictures.device)
        scores = list(self.networks["critic"](augment.luma(shown), shape, codes))
        coloured = _repeated(_face(places).colour, copies).to(pictures.device)
        if bool(coloured.any()):
            scores += list(self.networks["tints"](shown[coloured], shape[coloured]))
        return [self.config.gain * score for score in scores]

    def view(self, picture: Tensor, places: Places) -> Tensor:
        """Pictures as far as the place was in the picture that it comes from."""
        seen = _face(places).seen
        return picture * _repeated(seen, len(picture) // len(seen)).to(picture.device)

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
        twice = _repeated(where, 2)
        losses = super().losses(picture, drawn, places, request)
        tint = cells(chroma(drawn), twice, 16) - _repeated(cells(chroma(real), where, 16), 2)
        light = cells(augment.luma(drawn), twice, 4) - _repeated(cells(augment.luma(real), where, 4), 2)
        losses["anchor"] = config.anchor * self.reconstruction(drawn[len(real) :], places)
        return losses | {"tint": config.tint * tint.abs().mean(), "shade": config.shade * light.abs().mean()}

    def score(self, number: int) -> dict[str, float]:
        """How well faces of val become who is asked for, and stop being who they were; writes a sheet to look at."""
        draw, cast = Draw(self.config.seed + 2), self.public
        rows = draw.rng.choice(len(cast.faces), min(200, len(cast.faces)), replace=False)
        places, codes = cast.still(rows), draw.normal(len(rows), CODE_SIZE)
        pictures = self.view(self.draw_people(places, codes), places)
        found = self.identity.code(embed_windows(self.identity, pictures))
        if self.samples is not None:
            self.samples.mkdir(parents=True, exist_ok=True)
            cv2.imwrite(str(self.samples / f"faces-{number:06d}.png"), self.sheet())
        own = F.cosine_similarity(found, cast.codes[0, torch.from_numpy(rows)])
        return {"asked for": float(F.cosine_similarity(found, codes).mean()), "source": float(own.mean())}

    def sheet(self, people: int = 16) -> Any:
        """A picture: training people in colour and people of val in grey; their places; ten who do not exist."""
        draw, lines = Draw(self.config.seed + 3), []
        codes = draw.normal(10, CODE_SIZE)
        for cast, n in ((self.faces, people - people // 3), (self.public, people // 3)):
            places = cast.still(cast.rows(draw, n, 1.0))
            columns = [places.real, places.background, places.shape[:, 1:].expand(-1, 3, -1, -1) * 2 - 1]
            for code in codes:
                columns.append(self.view(self.draw_people(places, code.expand(n, -1)), places))
            lines += [[column[i] for column in columns] for i in range(n)]
        turned = [list(line) for line in zip(*lines, strict=True)]
        return cv2.resize(augment.sheet(turned), None, fx=1.5, fy=1.5, interpolation=cv2.INTER_CUBIC)

    def export(self, out: Path) -> None:
        """Write the average."""
        save_weights(self.averages["generator"], out, networks.GENERATOR_FORMAT)


def chroma(images: Tensor) -> Tensor:
    """What colour images (N, 3, H, W) have, whatever their light; 0 where they are grey."""
    return images - augment.luma(images)


def cells(images: Tensor, where: Tensor, number: int) -> Tensor:
    """Means of ``number`` × ``number`` cells of images (N, C, H, W), ``where`` (N, 1, H, W) is one."""
    size = images.shape[-1] // number
    return F.avg_pool2d(images * where, size) / F.avg_pool2d(where, size).clamp_min(0.1)


def _face(places: Places) -> FacePlaces:
    assert isinstance(places, FacePlaces)
    return places


def _repeated(maps: Tensor, copies: int) -> Tensor:
    return torch.cat([maps] * copies)


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
