"""Training of the parser (``mot-anon train parser``): the teacher's silhouettes, in every kind of trouble."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import cv2
import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor

from mot_anon.vision import augment
from mot_anon.vision.bodies import Bodies, load_bodies
from mot_anon.vision.lite import pretrained
from mot_anon.vision.parse import EYES, FORMAT, ParserNetwork
from mot_anon.vision.parse_scenes import ParserConfig, Stage, still_scenes
from mot_anon.vision.training import Draw, Learner, Log, averaged, make_accelerator, parameter_group, train
from mot_anon.vision.weights import save_weights


class ParserLearner(Learner):
    """Cross-entropy and dice on silhouettes, cross-entropy on parts and score."""

    def __init__(
        self, config: ParserConfig, bodies: Bodies, val: Bodies, accelerator: Any, samples: Path | None
    ) -> None:
        self.config, self.accelerator, self.samples = config, accelerator, samples
        self.stage, self.val = Stage(bodies), val
        self.hard = Stage(val).trouble(Draw(config.seed + 1), min(512, len(val)), ParserConfig())
        torch.manual_seed(config.seed)
        network = ParserNetwork()
        if config.begin == "imagenet":
            network.eyes.load_state_dict(pretrained(EYES, len(network.eyes.ends)).state_dict())
        network = network.to(memory_format=torch.channels_last)
        self.averages = {"parser": averaged(network).to(accelerator.device)}
        known = {id(value) for value in network.eyes.parameters()}
        groups = [
            parameter_group(network.eyes.parameters(), config.learning_rate * config.known),
            parameter_group([value for value in network.parameters() if id(value) not in known], config.learning_rate),
        ]
        optimiser = torch.optim.AdamW(groups, weight_decay=config.weight_decay)
        network, optimiser = accelerator.prepare(network, optimiser)
        self.networks, self.optimisers = {"parser": network}, {"parser": optimiser}

    def step(self, draw: Draw, number: int, progress: float) -> dict[str, float]:
        """One step on new scenes."""
        scenes = self.stage.scenes(draw, self.config)
        device = self.accelerator.device
        maps, scores = self.networks["parser"](scenes.images.to(device))
        losses = parser_losses(maps.float(), scores.float(), scenes.maps.to(device), scenes.scores.to(device))
        weights = {"silhouette": 1.0, "dice": self.config.dice, "parts": self.config.parts, "score": self.config.score}
        self.optimisers["parser"].zero_grad()
        self.accelerator.backward(sum(weights[name] * loss for name, loss in losses.items()))
        self.optimisers["parser"].step()
        return {name: loss.item() for name, loss in losses.items()}

    def score(self, number: int) -> dict[str, float]:
        """Mean IoU on val: crops as they are, with the margin that a window has, and in trouble; how sure it is."""
        plain, margin = (still_scenes(self.val, zoom) for zoom in (1.0, 1.15))
        maps, scores = self.read(self.hard.images)
        if self.samples is not None:
            rows = [self.hard.images[:24], maps[:24, :1], self.hard.maps[:24, :1]]
            rows += [maps[:24, 1:4] * 2 - 1, self.hard.maps[:24, 1:4] * 2 - 1]
            self.samples.mkdir(parents=True, exist_ok=True)
            cv2.imwrite(str(self.samples / f"parser-{number:06d}.png"), augment.sheet([list(row) for row in rows]))
        some = self.hard.scores >= 1
        return {
            "IoU": float(overlap(self.read(plain.images)[0][:, 0], plain.maps[:, 0]).mean()),
            "IoU in a window": float(overlap(self.read(margin.images)[0][:, 0], margin.maps[:, 0]).mean()),
            "IoU in trouble": float(overlap(maps[some, 0], self.hard.maps[some, 0]).mean()),
            "score of somebody": float((scores[some] > 0.5).float().mean()),
            "score of nobody": float((scores[self.hard.scores == 0] > 0.5).float().mean()),
        }

    @torch.inference_mode()
    def read(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """Maps and scores in 0…1 by the average."""
        device, maps, scores = self.accelerator.device, [], []
        for start in range(0, len(images), 128):
            with self.accelerator.autocast():
                some, sure = self.averages["parser"](images[start : start + 128].to(device))
            maps.append(torch.sigmoid(some.float()).cpu())
            scores.append(torch.sigmoid(sure.float()).cpu())
        return torch.cat(maps), torch.cat(scores)

    def export(self, out: Path) -> None:
        """Write the average."""
        save_weights(self.averages["parser"], out, FORMAT)


def parser_losses(maps: Tensor, scores: Tensor, true_maps: Tensor, true_scores: Tensor) -> dict[str, Tensor]:
    """Losses of logits (N, 5, H, W) and (N,) against values in 0…1.

    ``score`` leaves out scenes whose person is nearly hidden (a true score strictly between 0 and 1).
    """
    sure = ((true_scores == 0) | (true_scores == 1)).float()
    score = F.binary_cross_entropy_with_logits(scores, true_scores, reduction="none")
    silhouette, true = torch.sigmoid(maps[:, 0]), true_maps[:, 0]
    common = 2 * (silhouette * true).sum((1, 2)) + 1
    return {
        "silhouette": F.binary_cross_entropy_with_logits(maps[:, 0], true),
        "dice": (1 - common / (silhouette.square().sum((1, 2)) + true.square().sum((1, 2)) + 1)).mean(),
        "parts": F.binary_cross_entropy_with_logits(maps[:, 1:], true_maps[:, 1:]),
        "score": (score * sure).sum() / sure.sum().clamp_min(1),
    }


def overlap(found: Tensor, true: Tensor) -> Tensor:
    """Intersection over union (N,) of maps (N, H, W), both cut at 0.5; 1 where both are empty."""
    a, b = found > 0.5, true > 0.5
    union = (a | b).sum((1, 2))
    return torch.where(union > 0, (a & b).sum((1, 2)) / union.clamp_min(1), 1.0)


def train_parser(config: ParserConfig, data: Path, out: Path, log: Log = print, *, samples: Path | None = None) -> Path:
    """Train on ``data``'s train split, score on val, write ``out`` (safetensors, float16); resumes by itself.

    Pictures of what it reads go to the folder ``samples``; they show real people.
    """
    accelerator = make_accelerator()
    learner = ParserLearner(config, load_bodies(data, "train"), load_bodies(data, "val"), accelerator, samples)
    return train(learner, config, accelerator, out, log)
