"""Training of the networks for faces (``mot-anon train {identity,embedder,generator} --target face``).

As for bodies, but for what comes of the data: a person without a second picture is known from another view of the
same one; what is grey teaches light and shape, and only what has colour teaches colour.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import cv2
import numpy as np
import torch
import torch.nn.functional as F  # noqa: N812
from numpy.typing import NDArray
from torch import Tensor

from mot_anon.gan import faces as networks
from mot_anon.gan.data import Places
from mot_anon.gan.faces import SIZE, cut_windows, embed_windows, moved_landmarks, varied, window_affine
from mot_anon.gan.identity import CODE_SIZE, IdentityConfig, IdentityLearner, IdentityNetwork, whitening
from mot_anon.gan.losses import critic_loss, reconstruction_loss
from mot_anon.gan.training import GeneratorConfig, GeneratorLearner, Request
from mot_anon.vision import augment
from mot_anon.vision.face_data import Faces, load_faces
from mot_anon.vision.landmarks import draw_holes, draw_landmarks
from mot_anon.vision.training import Draw, Log, averaged, make_accelerator, train
from mot_anon.vision.weights import save_weights

VIEWS = 3
"""How many views of a picture have codes; the first is the picture as it is."""
_ERASED = 0.02  # of a hole, from which nothing of the picture is left
_COLOURLESS = 0.2  # share of the pictures in colour that are shown, and learnt from, without it


@dataclass(frozen=True)
class FaceIdentityConfig(IdentityConfig):
    """Settings of :class:`~mot_anon.gan.identity.IdentityConfig`; one step is small."""

    steps: int = 2400
    batch: int = 96
    learning_rate: float = 2e-3


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
    tint:
        Weight of the colour of skin: whoever is asked for has that of who was there, which the generator does not see.
        So it follows from what is round a face, not from a code.
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
    guidance: float = 3.0
    tint: float = 6.0


@dataclass(frozen=True)
class FacePlaces(Places):
    """Places of faces, 64×64; ``shape`` is the hole and the landmarks.

    Attributes
    ----------
    seen:
        (N, 1, 64, 64) in 0…1: what lies inside the picture; ``real`` is 0 beyond, and nothing is judged there.
    colour:
        (N,) bool: where colour means something.
    """

    seen: Tensor
    colour: Tensor


class FaceIdentityLearner(IdentityLearner):
    """Proxy-NCA over the training people."""

    def __init__(
        self,
        config: FaceIdentityConfig,
        faces: Faces,
        val: Faces,
        network: IdentityNetwork,
        form: str,
        accelerator: Any,
    ) -> None:
        self.config, self.accelerator, self.form = config, accelerator, form
        self.faces, self.audience = faces.of(faces.detected), val.of(val.detected)
        people, self.labels = np.unique(self.faces.person, return_inverse=True)
        torch.manual_seed(config.seed)
        self.assemble(network, len(people))

    def rows(self, draw: Draw) -> NDArray[np.int64]:
        """Any pictures."""
        return draw.rng.choice(len(self.faces), min(len(self.faces), self.config.batch), replace=False)

    def crops(self, rows: NDArray[np.int64], draw: Draw) -> tuple[Tensor, Tensor]:
        """Windows round faces, a little beside, in other light, coarser, partly hidden."""
        images = view(self.faces, rows, draw)
        images = augment.coarsen(augment.light(images, draw, amount=0.2), draw, share=0.3, smallest=0.25)
        images = shaded(images, draw, colourless=0.4)
        images, _ = augment.patches(images, draw, share=0.2)
        labels = torch.from_numpy(self.labels[rows])
        return images.contiguous(memory_format=torch.channels_last), labels

    def score(self, number: int) -> dict[str, float]:
        """Rank-1 of the average on ``val``, every picture against all others, and how uneven the variances are."""
        network = self.averages["identity"]
        assert isinstance(network, IdentityNetwork)
        faces = self.audience
        embeddings = F.normalize(embed_faces(network, faces))
        variances = torch.linalg.eigvalsh(torch.cov(CODE_SIZE**0.5 * embeddings.T))
        similarity = (embeddings @ embeddings.T).fill_diagonal_(-2)
        person = torch.from_numpy(faces.person)
        hits = person[similarity.argmax(1)] == person
        return {"rank-1": float(hits.float().mean()), "least": float(variances[0]), "most": float(variances[-1])}

    def export(self, out: Path) -> None:
        """Measure the whitening on the training pictures and write the average."""
        network = self.averages["identity"]
        assert isinstance(network, IdentityNetwork)
        network.mean, network.whitening = whitening(embed_faces(network, self.faces))
        save_weights(network, out, self.form)


class FaceCast:
    """The people of a split, and the codes of each of their pictures in several views."""

    def __init__(self, faces: Faces, identity: IdentityNetwork, seed: int) -> None:
        self.faces = faces.of(faces.detected)
        draw = Draw(seed + 1)
        views = [embed_faces(identity, self.faces, draw if number else None) for number in range(VIEWS)]
        self.codes = torch.stack([identity.code(embeddings) for embeddings in views])
        self.members = {who: np.flatnonzero(self.faces.person == who) for who in np.unique(self.faces.person)}
        self.people = [np.unique(self.faces.person[self.faces.colour == kind]) for kind in (False, True)]

    def rows(self, draw: Draw, n: int, coloured: float) -> NDArray[np.int64]:
        """``n`` pictures, a share of them in colour if there are such; people count the same, not pictures."""
        chosen = []
        for i in range(n):
            kind = (i < round(coloured * n) or not len(self.people[0])) and len(self.people[1]) > 0
            chosen.append(draw.rng.choice(self.members[draw.rng.choice(self.people[int(kind)])]))
        return np.array(chosen)

    def another(self, rows: NDArray[np.int64], draw: Draw) -> NDArray[np.int64]:
        """Another picture of each person, the same where there is but one."""
        again = []
        for row in rows:
            others = self.members[self.faces.person[row]]
            others = others[others != row]
            again.append(draw.rng.choice(others) if len(others) else row)
        return np.array(again)

    def places(self, rows: NDArray[np.int64], draw: Draw, misread: float) -> FacePlaces:
        """Places for training: turned a little, in other light and colour, coarse, compressed."""
        n = len(rows)
        change = augment.affine(draw, n, zoom=(0.92, 1.12), shift=0.05, stretch=0.06, turn=0.05)
        theta = varied(window_affine(self.faces.landmarks[rows]), change)
        points = moved_landmarks(self.faces.landmarks[rows], theta)
        beside = augment.affine(draw, n, zoom=(0.96, 1.04), shift=0.015, stretch=0.02, turn=0.01)
        beside[:, :, 0] *= beside[:, :1, 0].sign()  # no mirroring
        beside = torch.where((draw.uniform(n) < misread)[:, None, None], beside, torch.eye(3)[:2])
        images = cut_windows(self.faces.pixels[rows], theta)
        colour = torch.from_numpy(self.faces.colour[rows])
        images = torch.where(colour[:, None, None, None], shaded(images, draw, colourless=_COLOURLESS), images)
        images = augment.light(images, draw, amount=0.1)
        images = augment.recompress(augment.coarsen(images, draw, share=0.3, smallest=0.25), draw, share=0.2)
        return self._place(images, moved_landmarks(points, beside), theta, colour)

    def still(self, rows: NDArray[np.int64]) -> FacePlaces:
        """Places to look at: undisturbed."""
        theta = window_affine(self.faces.landmarks[rows])
        images = cut_windows(self.faces.pixels[rows], theta)
        points = moved_landmarks(self.faces.landmarks[rows], theta)
        return self._place(images, points, theta, torch.from_numpy(self.faces.colour[rows]))

    @staticmethod
    def _place(images: Tensor, points: NDArray[np.float32], theta: Tensor, colour: Tensor) -> FacePlaces:
        inside = augment.warp(torch.ones(len(images), 1, *SIZE), theta, SIZE, outside="zeros")
        hole = draw_holes(points)
        pixels, holes = augment.to_pixels(images), hole[:, 0] > _ERASED
        filled = [augment.fill(image, where) for image, where in zip(pixels, holes, strict=True)]
        shape = torch.from_numpy(np.concatenate([hole, draw_landmarks(points)], 1))
        background = augment.to_images(np.stack(filled))
        seen = (inside > 0.99).float()
        return FacePlaces(images * seen, background, shape, torch.from_numpy(hole), seen, colour)


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
        return scores

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
        place, device = _face(places), drawn.device
        where = (place.hole * place.seen).to(device)
        found = tints(drawn, _repeated(where, 2)) - _repeated(tints(place.real.to(device), where), 2)
        losses = super().losses(picture, drawn, places, request)
        return losses | {"tint": self.config.tint * found.abs().mean()}

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


def view(faces: Faces, rows: NDArray[np.int64], draw: Draw) -> Tensor:
    """Windows (N, 3, 64, 64) round faces, each a little beside, half of them mirrored."""
    change = augment.affine(draw, len(rows), zoom=(0.9, 1.12), shift=0.06, stretch=0.06, turn=0.05)
    return cut_windows(faces.pixels[rows], varied(window_affine(faces.landmarks[rows]), change))


def tints(images: Tensor, where: Tensor) -> Tensor:
    """What colour (N, 3, 8, 8) images have ``where`` (N, 1, H, W) is one, whatever their light; grey is 0."""
    chroma = (images - augment.luma(images)) * where
    size = images.shape[-1] // 8
    return F.avg_pool2d(chroma, size) / F.avg_pool2d(where, size).clamp_min(0.1)


def embed_faces(network: IdentityNetwork, faces: Faces, draw: Draw | None = None) -> Tensor:
    """Embeddings (N, 128) of all pictures, as they are or, with ``draw``, each seen a little otherwise."""
    found = []
    for rows in np.array_split(np.arange(len(faces)), max(1, len(faces) // 256)):
        if draw is None:
            windows = cut_windows(faces.pixels[rows], window_affine(faces.landmarks[rows]))
        else:
            windows = view(faces, rows, draw)
        found.append(embed_windows(network, windows))
    return torch.cat(found)


def shaded(images: Tensor, draw: Draw, colourless: float) -> Tensor:
    """Colours paler or stronger, warmer or colder; a share ``colourless`` without any."""
    n = len(images)
    grey = augment.luma(images)
    strength = torch.where(draw.uniform(n) < colourless, 0.0, draw.uniform(n, low=0.6, high=1.25))[:, None, None, None]
    cast = 0.07 * draw.normal(n, 3, 1, 1).clamp(-2, 2)
    cast = (cast - augment.luma(cast)) * (strength > 0)
    return (grey + (images - grey) * strength + cast).clamp(-1, 1)


def _face(places: Places) -> FacePlaces:
    assert isinstance(places, FacePlaces)
    return places


def _repeated(maps: Tensor, copies: int) -> Tensor:
    return torch.cat([maps] * copies)


def train_face_identity(config: FaceIdentityConfig, data: Path, out: Path, log: Log = print) -> Path:
    """Train who a face is, on ``data``'s train split; write ``out`` (safetensors, float16); resumes by itself."""
    return _train_identity(config, data, out, log, networks.face_identity, networks.IDENTITY_FORMAT)


def train_face_embedder(config: FaceIdentityConfig, data: Path, out: Path, log: Log = print) -> Path:
    """Train the network that attacks and benchmarks ask; it must never guide a generator."""
    return _train_identity(config, data, out, log, networks.face_embedder, networks.EMBEDDER_FORMAT)


def _train_identity(
    config: FaceIdentityConfig, data: Path, out: Path, log: Log, build: Callable[[], IdentityNetwork], form: str
) -> Path:
    accelerator = make_accelerator()
    torch.manual_seed(config.seed)
    faces, val = load_faces(data, ("train",)), load_faces(data, ("val",))
    learner = FaceIdentityLearner(config, faces, val, build(), form, accelerator)
    return train(learner, config, accelerator, out, log)


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
