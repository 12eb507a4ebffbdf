"""Networks that recognise people: trained once on originals, and trained again on whatever an attacker has."""

from __future__ import annotations

import copy
import hashlib
import json
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import torch
import torch.nn.functional as F  # noqa: N812
from numpy.typing import NDArray
from torch import Tensor

from mot_anon.errors import OptionError
from mot_anon.measure.privacy.backbone import AttackerNetwork, imagenet_weights, learnable, pretrained
from mot_anon.measure.privacy.crops import Crops, read_folder
from mot_anon.measure.privacy.retrieval import across_cameras, cosine, retrieve
from mot_anon.vision import augment
from mot_anon.vision.bodies import CROP_SIZE
from mot_anon.vision.cache import cache_folder
from mot_anon.vision.lite import FEATURES
from mot_anon.vision.training import (
    Draw,
    EmbeddingLearner,
    Log,
    Proxies,
    TrainingConfig,
    make_accelerator,
    train,
)
from mot_anon.vision.weights import content_digest, load_weights, reduced_precision, save_weights

WEIGHTS = Path(__file__).resolve().parents[2] / "weights" / "attacker.safetensors"
"""Of the attacker that ships; ``weights/attacker.md`` is the model card."""
FORMAT = "mot_anon attacker 1"
_BATCH = 64


class Attacker(Protocol):
    """Crops in, features out: whatever an attacker recognises people with."""

    def __call__(self, pixels: NDArray[np.uint8]) -> NDArray[np.float32]:
        """(N, 160, 80, 3) uint8 BGR → (N, D) float32."""
        ...


class Remembering(ABC):
    """An attacker that remembers what it has seen once: attacks ask for the same crops many times."""

    def __init__(self) -> None:
        self._seen: dict[str, NDArray[np.float32]] = {}

    def __call__(self, pixels: NDArray[np.uint8]) -> NDArray[np.float32]:
        """:meth:`features`, worked out once."""
        name = hashlib.sha256(np.ascontiguousarray(pixels).tobytes()).hexdigest()
        if name not in self._seen:
            self._seen[name] = self.features(pixels)
        return self._seen[name]

    @abstractmethod
    def features(self, pixels: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Crops (N, H, W, 3) uint8 BGR → (N, D) float32."""


class NetworkAttacker(Remembering):
    """A network that looks at people."""

    def __init__(self, network: AttackerNetwork) -> None:
        super().__init__()
        self.network = network.eval()

    def features(self, pixels: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Features of the crops and of their mirror images, added up."""
        return features(self.network, pixels)


class NetworkTeacher:
    """An attacker as the re-ID network's teacher (:mod:`mot_anon.vision.distil`): features of the crops as they are."""

    def __init__(self, weights: Path) -> None:
        self._network = load_attacker(weights).eval()
        self.fingerprint = f"attacker {content_digest(weights)}"

    @torch.inference_mode()
    def __call__(self, pixels: NDArray[np.uint8]) -> NDArray[np.float32]:
        """(N, 160, 80, 3) uint8 BGR → (N, 1280) float32."""
        images = augment.to_images(pixels).contiguous(memory_format=torch.channels_last)
        return np.asarray(self._network(images).float().numpy(), np.float32)


@dataclass(frozen=True)
class AttackerConfig(TrainingConfig):
    """Settings of an attacker's training.

    Attributes
    ----------
    crops:
        Crops of each person in a batch.
    proxy_learning_rate, weight_decay:
        Of the proxies, and of AdamW.
    scale, smoothing:
        Inverse temperature and label smoothing of the normalised softmax (Zhai & Wu, BMVC 2019).
    triplet:
        Weight of the batch-hard triplet loss with a soft margin (Hermans et al., 2017).
    """

    steps: int = 3600
    batch: int = 64
    learning_rate: float = 8e-4
    save_every: int = 300
    crops: int = 4
    proxy_learning_rate: float = 1e-2
    weight_decay: float = 5e-4
    scale: float = 16.0
    smoothing: float = 0.05
    triplet: float = 0.5

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.crops < 2 or self.batch % self.crops:
            raise OptionError(f"batch={self.batch} crops={self.crops}: a batch is a multiple of crops, at least 2")


class AttackerLearner(EmbeddingLearner):
    """Learns to tell people apart.

    Parameters
    ----------
    network:
        What it starts from.
    versions:
        The training crops in one or several versions, row by row the same people: original, published, published under
        another key.  Every crop of a batch is drawn from one of them.
    val:
        Original crops of other people, to show how good it has become; None where nobody looks.
    """

    def __init__(
        self,
        config: AttackerConfig,
        network: AttackerNetwork,
        versions: Sequence[Crops],
        val: Crops | None,
        accelerator: Any,
    ) -> None:
        self.config, self.val, self.accelerator = config, val, accelerator
        self.versions = [crops.pixels for crops in versions]
        names, self.person = np.unique(versions[0].person, return_inverse=True)
        self.members = [np.flatnonzero(self.person == person) for person in range(len(names))]
        network = network.to(memory_format=torch.channels_last)
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(config.seed)
            proxies = Proxies(len(names), FEATURES)
        self.assemble("attacker", network, proxies, learnable(network))

    def step(self, draw: Draw, number: int, progress: float) -> dict[str, float]:
        """One batch of some people with a few crops each."""
        images, labels = self.crops(draw)
        embeddings = self.networks["attacker"](images.to(self.accelerator.device)).float()
        labels = labels.to(self.accelerator.device)
        proxies = self.networks["proxies"]()
        logits = self.config.scale * F.normalize(embeddings) @ F.normalize(proxies).T
        loss = F.cross_entropy(logits, labels, label_smoothing=self.config.smoothing)
        hard = triplet(F.normalize(embeddings), labels)
        self.optimisers["attacker"].zero_grad()
        self.accelerator.backward(loss + self.config.triplet * hard)
        self.optimisers["attacker"].step()
        return {"softmax": loss.item(), "triplet": hard.item()}

    def crops(self, draw: Draw) -> tuple[Tensor, Tensor]:
        """A batch of augmented images and its labels."""
        config = self.config
        count = config.batch // config.crops
        chosen = draw.rng.choice(len(self.members), count, replace=count > len(self.members))
        rows = np.concatenate(
            [
                draw.rng.choice(self.members[p], config.crops, replace=len(self.members[p]) < config.crops)
                for p in chosen
            ]
        )
        version = draw.rng.integers(0, len(self.versions), len(rows))
        pixels = np.stack([self.versions[which][row] for which, row in zip(version, rows, strict=True)])
        theta = augment.affine(draw, len(rows), zoom=(0.9, 1.12), shift=0.06, stretch=0.06, turn=0.02)
        images = augment.light(augment.warp(augment.to_images(pixels), theta, CROP_SIZE), draw, amount=0.12)
        images, _ = augment.patches(images, draw, share=0.4)
        return images.contiguous(memory_format=torch.channels_last), torch.from_numpy(self.person[rows])

    def score(self, number: int) -> dict[str, float]:
        """Rank-1 across cameras on the originals of ``val``."""
        if self.val is None:
            return {}
        network = self.averages["attacker"]
        assert isinstance(network, AttackerNetwork)
        found = features(network, self.val.pixels)
        labels = self.val.labels
        outcome = retrieve(
            cosine(found, found), labels, labels, across_cameras(labels, labels), np.random.default_rng(0)
        )
        return {"rank-1": outcome.rank_1, "mAP": outcome.mean_average_precision}

    def export(self, out: Path) -> None:
        """Write the average."""
        save_weights(self.averages["attacker"], out, FORMAT)


def triplet(embeddings: Tensor, labels: Tensor) -> Tensor:
    """Batch-hard triplet loss with a soft margin on unit embeddings (N, D); squared distances times ten."""
    distances = 10 * (2 - 2 * embeddings @ embeddings.T)
    same = labels[:, None] == labels[None]
    farthest = distances.masked_fill(~same, -torch.inf).amax(1)
    nearest = distances.masked_fill(same, torch.inf).amin(1)
    kept = torch.isfinite(nearest)
    return F.softplus(farthest[kept] - nearest[kept]).mean() if kept.any() else distances.sum() * 0


@torch.inference_mode()
def features(network: AttackerNetwork, pixels: NDArray[np.uint8]) -> NDArray[np.float32]:
    """(N, 160, 80, 3) uint8 BGR → (N, 1280) float32: each crop and its mirror image, added up."""
    rows = [torch.zeros(0, FEATURES)]
    for start in range(0, len(pixels), _BATCH):
        images = augment.to_images(pixels[start : start + _BATCH]).contiguous(memory_format=torch.channels_last)
        with reduced_precision():
            rows.append(network(images).float() + network(images.flip(-1)).float())
    return torch.cat(rows).numpy()


def train_attacker(
    data: Path, config: AttackerConfig = AttackerConfig(), log: Log = print, out: Path | None = None
) -> Path:
    """Weights of an attacker that learnt on the originals of ``data``'s train split, scored on val.

    Written to ``out``; without it kept in the cache, and taken from there another time.

    Raises
    ------
    MissingExtraError
        The ImageNet weights or accelerate are not installed.
    """
    if out is None:
        pieces = [content_digest(imagenet_weights()), content_digest(data / "index.csv"), json.dumps(asdict(config))]
        out = cache_folder() / f"attacker-{hashlib.sha256(chr(10).join(pieces).encode()).hexdigest()[:24]}.safetensors"
        if out.is_file():
            return out
    accelerator = make_accelerator()
    learner = AttackerLearner(config, pretrained(), [read_folder(data, "train")], read_folder(data, "val"), accelerator)
    train(learner, config, accelerator, out, log)
    out.with_suffix(".checkpoint").unlink(missing_ok=True)
    return out


def trained_on(
    versions: Sequence[Crops], start: AttackerNetwork | None, config: AttackerConfig, log: Log = print
) -> NetworkAttacker:
    """An attacker that learnt on the given crops, from ``start`` or from ImageNet; kept in the cache by content."""
    begun = pretrained() if start is None else copy.deepcopy(start)
    whole = hashlib.sha256(json.dumps(asdict(config)).encode())
    for value in begun.state_dict().values():
        whole.update(value.float().numpy().tobytes())
    for crops in versions:
        whole.update(crops.pixels.tobytes())
        whole.update(crops.person.tobytes())
    out = cache_folder() / f"trained-{whole.hexdigest()[:24]}.safetensors"
    if not out.is_file():
        accelerator = make_accelerator()
        learner = AttackerLearner(config, begun, versions, None, accelerator)
        train(learner, config, accelerator, out, log)
        out.with_suffix(".checkpoint").unlink(missing_ok=True)
    return NetworkAttacker(load_attacker(out))


def load_attacker(weights: Path) -> AttackerNetwork:
    """A trained network, frozen; raises NotFoundError or FormatError."""
    return load_weights(AttackerNetwork, weights, FORMAT)
