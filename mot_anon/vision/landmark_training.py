"""Training of the landmark reader (``mot-anon train landmarks``): few pixels, turned heads, and what is no face."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch
import torch.nn.functional as F  # noqa: N812
from numpy.typing import NDArray
from torch import Tensor

from mot_anon.errors import NotFoundError
from mot_anon.vision import augment
from mot_anon.vision.bodies import load_bodies
from mot_anon.vision.face_data import load_faces
from mot_anon.vision.landmark_crops import Crops, Studio, still_crops
from mot_anon.vision.landmarks import FORMAT, LandmarkNetwork
from mot_anon.vision.training import (
    Draw,
    Learner,
    Log,
    TrainingConfig,
    averaged,
    make_accelerator,
    parameter_group,
    train,
)
from mot_anon.vision.weights import save_weights

_EYES = (36, 45)  # outer corners
_GOOD, _USELESS = 0.08, 0.20  # mean error by the eyes' distance: nothing is missing up to, nothing is told from
_SMALL = (16, 32, 64)


@dataclass(frozen=True)
class LandmarkConfig(TrainingConfig):
    """Settings of the landmark reader's training.

    Attributes
    ----------
    bodies:
        Folder of pedestrian crops: what surrounds faces, and what is none.  Empty: ``bodies`` beside the faces.
    nobody:
        Share of crops that show no face.
    small:
        Share of crops seen from afar.
    smallest:
        Pixels of the smallest of them.
    weight_decay:
        Of AdamW.
    confidence:
        Weight of that loss beside the points'.
    """

    steps: int = 6000
    batch: int = 64
    learning_rate: float = 2e-3
    average: float = 0.996
    save_every: int = 1000
    bodies: str = ""
    nobody: float = 0.28
    small: float = 0.65
    smallest: float = 11.0
    weight_decay: float = 1e-3
    confidence: float = 0.1


class LandmarkLearner(Learner):
    """Distances of points by the eyes' distance; the confidence is told how far off the points of this step were."""

    def __init__(self, config: LandmarkConfig, train_on: Studio, val: Studio, accelerator: Any, sheets: Path | None):
        self.config, self.accelerator, self.sheets = config, accelerator, sheets
        self.studio, self.val = train_on, val
        self.hard = _crops(val, Draw(config.seed + 1), config, min(600, 8 * len(val.faces)))
        torch.manual_seed(config.seed)
        network = LandmarkNetwork()
        mean = torch.from_numpy(train_on.faces.landmarks.mean(0)) - 0.5
        with torch.no_grad():
            network.points.bias.copy_(mean.flatten())
            network.points.weight.mul_(0.1)
        network = network.to(memory_format=torch.channels_last)
        self.averages = {"landmarks": averaged(network).to(accelerator.device)}
        groups = [parameter_group(network.parameters(), config.learning_rate)]
        optimiser = torch.optim.AdamW(groups, weight_decay=config.weight_decay)
        network, optimiser = accelerator.prepare(network, optimiser)
        self.networks, self.optimisers = {"landmarks": network}, {"landmarks": optimiser}

    def step(self, draw: Draw, number: int, progress: float) -> dict[str, float]:
        """One step on new crops."""
        crops, device = _crops(self.studio, draw, self.config, self.config.batch), self.accelerator.device
        images = crops.images.to(device, memory_format=torch.channels_last)
        points, confidence = self.networks["landmarks"](images)
        losses = landmark_losses(points, confidence, crops.points.to(device), crops.face.to(device))
        self.optimisers["landmarks"].zero_grad()
        self.accelerator.backward(losses["points"] + self.config.confidence * losses["confidence"])
        self.optimisers["landmarks"].step()
        return {name: loss.item() for name, loss in losses.items()}

    def score(self, number: int) -> dict[str, float]:
        """Mean error by the eyes' distance of faces of 64, 32 and 16 px; who is taken for a face, and for none."""
        told = {}
        for size in _SMALL:
            crops = still_crops(self.val.faces, size)
            told[f"error at {size}"] = float(errors(self.read(crops.images)[0], crops.points).mean())
        points, sure = self.read(self.hard.images)
        face = self.hard.face > 0.5
        wrong = errors(points[face], self.hard.points[face])
        told |= {
            "error in trouble": float(wrong.mean()),
            "error of the sure": float(wrong[sure[face] > 0.5].mean()),
            "sure of a face": float((sure[face] > 0.5).float().mean()),
            "sure of none": float((sure[~face] > 0.5).float().mean()),
        }
        if self.sheets is not None:
            self.sheets.mkdir(parents=True, exist_ok=True)
            drawn = sample_sheet(self.hard.images[:72], points[:72], sure[:72])
            cv2.imwrite(str(self.sheets / f"landmarks-{number:06d}.png"), drawn)
        return told

    @torch.inference_mode()
    def read(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """Points and confidence in 0…1 by the average."""
        points, sure = [], []
        for start in range(0, len(images), 128):
            with self.accelerator.autocast():
                some, logits = self.averages["landmarks"](images[start : start + 128].to(self.accelerator.device))
            points.append(some.float().cpu())
            sure.append(torch.sigmoid(logits.float()).cpu())
        return torch.cat(points), torch.cat(sure)

    def export(self, out: Path) -> None:
        """Write the average."""
        save_weights(self.averages["landmarks"], out, FORMAT)


def landmark_losses(points: Tensor, confidence: Tensor, true: Tensor, face: Tensor) -> dict[str, Tensor]:
    """Losses of points (N, 68, 2) and confidence logits (N,); only where ``face`` (N,) is 1 are there true points.

    The confidence is to be 0 where there is no face, and where there is one, 1 if the points are at most 8 % of the
    eyes' distance off on average, 0 if 20 %, and linear between.
    """
    wrong = errors(points, true) * face
    useful = ((_USELESS - wrong.detach()) / (_USELESS - _GOOD)).clamp(0, 1) * face
    return {
        "points": wrong.sum() / face.sum().clamp_min(1),
        "confidence": F.binary_cross_entropy_with_logits(confidence, useful),
    }


def errors(points: Tensor, true: Tensor) -> Tensor:
    """Mean distance (N,) of points (N, 68, 2) from the true ones, by the distance of the eyes' outer corners."""
    eyes = (true[:, _EYES[0]] - true[:, _EYES[1]]).norm(dim=-1)
    # Of somebody in profile the eyes' corners fall together; the face is as high as before.
    height = (true[:, 8] - true[:, 27]).norm(dim=-1)
    return (points - true).square().sum(-1).add(1e-8).sqrt().mean(1) / torch.maximum(eyes, 0.7 * height).clamp_min(0.05)


def sample_sheet(images: Tensor, points: Tensor, sure: Tensor) -> NDArray[np.uint8]:
    """Twelve crops a row with their points, green where they are believed."""
    pictures = []
    for pixels, places, confidence in zip(augment.to_pixels(images), points.numpy(), sure.tolist(), strict=True):
        large = np.asarray(cv2.resize(pixels, (128, 128), interpolation=cv2.INTER_LINEAR), np.uint8)
        for x, y in np.rint(places * 128).astype(int).tolist():
            cv2.circle(large, (x, y), 1, (0, 255, 0) if confidence > 0.5 else (0, 0, 255), -1)
        pictures.append(large)
    return np.vstack([np.hstack(pictures[start : start + 12]) for start in range(0, len(pictures) // 12 * 12, 12)])


def train_landmarks(
    config: LandmarkConfig, data: Path, out: Path, log: Log = print, *, samples: Path | None = None
) -> Path:
    """Train on ``data``'s train people, score on val, write ``out`` (safetensors, float16); resumes by itself.

    Pictures of what it reads go to the folder ``samples``; they show real people.

    Raises
    ------
    NotFoundError
        There are no faces, or no bodies.
    """
    bodies = Path(config.bodies) if config.bodies else data.absolute().parent / "bodies"
    if not bodies.is_dir():
        raise NotFoundError(f"{bodies}: not there; name the folder of pedestrian crops with --set bodies=DIR")
    accelerator = make_accelerator()
    some, others = load_bodies(bodies, "train"), load_bodies(bodies, "val")
    train_on, val = Studio(load_faces(data, ("train",)), some), Studio(load_faces(data, ("val",)), others)
    return train(LandmarkLearner(config, train_on, val, accelerator, samples), config, accelerator, out, log)


def _crops(studio: Studio, draw: Draw, config: LandmarkConfig, n: int) -> Crops:
    return studio.crops(draw, n, nobody=config.nobody, small=config.small, smallest=config.smallest)
