"""Training of the networks that say who a face is (``mot-anon train {identity,embedder} --target face``)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F  # noqa: N812
from numpy.typing import NDArray
from torch import Tensor

from mot_anon.gan import faces as networks
from mot_anon.gan.faces import cut_windows, embed_windows, varied, window_affine
from mot_anon.gan.identity import EMBEDDING_SIZE, IdentityConfig, IdentityLearner, IdentityNetwork, whitening
from mot_anon.vision import augment
from mot_anon.vision.face_data import Faces, load_faces
from mot_anon.vision.training import Draw, Log, make_accelerator, train
from mot_anon.vision.weights import save_weights


@dataclass(frozen=True)
class FaceIdentityConfig(IdentityConfig):
    """Settings of :class:`~mot_anon.gan.identity.IdentityConfig`; one step is small."""

    steps: int = 2400
    batch: int = 96
    learning_rate: float = 2e-3


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
        self.begin(network, len(people))

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
        variances = torch.linalg.eigvalsh(torch.cov(EMBEDDING_SIZE**0.5 * embeddings.T))
        similarity = (embeddings @ embeddings.T).fill_diagonal_(-2)
        person = torch.from_numpy(faces.person)
        hits = person[similarity.argmax(1)] == person
        return {"rank-1": float(hits.float().mean()), "least": float(variances[0]), "most": float(variances[-1])}

    def export(self, out: Path) -> None:
        """Measure on the training pictures what makes codes of embeddings, and write the average."""
        network = self.averages["identity"]
        assert isinstance(network, IdentityNetwork)
        network.mean, network.whitening = whitening(embed_faces(network, self.faces), self.faces.person)
        save_weights(network, out, self.form)


def view(faces: Faces, rows: NDArray[np.int64], draw: Draw) -> Tensor:
    """Windows (N, 3, 64, 64) round faces, each a little beside, half of them mirrored."""
    return cut_windows(faces.pixels[rows], varied(window_affine(faces.landmarks[rows]), beside(draw, len(rows))))


def beside(draw: Draw, n: int) -> Tensor:
    """(N, 2, 3) for :func:`~mot_anon.gan.faces.varied`: where windows are not quite round faces."""
    return augment.affine(draw, n, zoom=(0.9, 1.12), shift=0.06, stretch=0.06, turn=0.05)


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
