"""Training of the second stage (``mot-anon train detail``): real people, halved and disturbed, and drawn ones.

Of real people it is known what they looked like before they were halved.  Of drawn ones nobody knows; they must keep
their colours, and the critics of the generator's training must take them for whom their code describes.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor

from mot_anon.gan.config import GeneratorConfig
from mot_anon.gan.data import Places, Request, repeated
from mot_anon.gan.detail import FORMAT, DetailNetwork
from mot_anon.gan.generate import WEIGHTS as GENERATOR_WEIGHTS
from mot_anon.gan.generate import load_generator
from mot_anon.gan.identity import WEIGHTS as IDENTITY_WEIGHTS
from mot_anon.gan.losses import adversarial_loss, likeness_loss
from mot_anon.gan.networks import DiscriminatorNetwork
from mot_anon.gan.training import GeneratorLearner
from mot_anon.vision.parse import WEIGHTS as PARSER_WEIGHTS
from mot_anon.vision.training import Draw, Log, averaged, make_accelerator, train
from mot_anon.vision.weights import save_weights

_COARSE = 4  # pixels: what drawn people must keep is the mean of so many


@dataclass(frozen=True)
class DetailConfig(GeneratorConfig):
    """Settings of :class:`~mot_anon.gan.config.GeneratorConfig`; those of identity and its features have no effect.

    Attributes
    ----------
    kept:
        Weight of what drawn people must keep: their colours, in cells of four pixels.
    mixed, mottled:
        How far real people, halved, are disturbed: share, at most, of what the generator draws of them, and standard
        deviation of noise (of a range of 2).
    """

    choices: ClassVar[dict[str, tuple[str, ...]]] = {
        "identity_guidance": ("none",),
        "input": ("silhouette",),
        "onlooker": ("imagenet", "none"),
    }

    steps: int = 2400
    batch: int = 8
    identity_guidance: str = "none"
    unknown: float = 0.6
    reconstruction: float = 4.0
    likeness: float = 1.0
    kept: float = 8.0
    mixed: float = 1.0
    mottled: float = 0.02


class DetailLearner(GeneratorLearner):
    """The second stage against the generator's critics; the generator itself is frozen."""

    config: DetailConfig

    def __init__(
        self,
        config: DetailConfig,
        data: Path,
        accelerator: Any,
        *,
        identity: Path = IDENTITY_WEIGHTS,
        parser: Path | None = PARSER_WEIGHTS,
        generator: Path = GENERATOR_WEIGHTS,
        samples: Path | None = None,
    ) -> None:
        self.config, self.accelerator, self.samples = config, accelerator, samples
        self.gather(data, identity, parser)
        self.generator = averaged(load_generator(generator)).to(accelerator.device)
        torch.manual_seed(config.seed)
        critics = self.with_onlooker({"critic": DiscriminatorNetwork()})
        self.assemble(DetailNetwork(), critics, 1)

    def make(self, draw: Draw, places: Places, request: Request) -> Tensor:
        """Real people as they may have been before they were halved, and people whom the generator drew there.

        Real ones are mixed with what the generator draws of them, so that its mottles are known for what they are.
        """
        n, config, device = len(places.real), self.config, self.accelerator.device
        there = places.real * places.hole + places.background * (1 - places.hole)
        own, drawn = torch.split(halved(self.painted(places, request.codes)), n)
        share = (config.mixed * draw.uniform(n, 1, 1, 1)).to(device)
        real = halved(there).to(device)
        real = real + share * (own - real) + (config.mottled * draw.normal(*real.shape)).to(device)
        small = torch.cat([real, drawn])
        made = self.networks["generator"](small, self.shapes(places, request.codes).to(device)).float()
        self.halves = drawn
        return made

    @torch.no_grad()
    def painted(self, places: Places, codes: Tensor) -> Tensor:
        """What the frozen generator draws, (k · N, 3, 128, 64) in −1…1, of so many codes in each place."""
        device = self.accelerator.device
        copies = len(codes) // len(places.real)
        background, shape = (repeated(part.to(device), copies) for part in (places.background, places.shape))
        with self.accelerator.autocast():
            return self.generator(background, shape, codes.to(device)).float()

    def losses(self, picture: Tensor, drawn: Tensor, places: Places, request: Request) -> dict[str, Tensor]:
        """What the second stage is told, weighted."""
        n, config = len(places.real), self.config
        codes = request.codes.to(picture.device)
        seen = self.looked_at(picture)
        losses = {"adversarial": adversarial_loss(self.scores(picture, places, codes, seen))}
        losses["reconstruction"] = config.reconstruction * self.reconstruction(drawn[:n], places)
        if seen:
            with torch.no_grad():
                before = self.looked_at(places.real.to(picture.device))
            losses["likeness"] = config.likeness * likeness_loss([maps[:n] for maps in seen], before)
        change = F.avg_pool2d(drawn[n:], _COARSE) - F.avg_pool2d(self.halves, _COARSE // 2)
        where = F.avg_pool2d(places.shape[:, :1].to(change.device), _COARSE)
        losses["kept"] = config.kept * (change.abs() * where).sum() / (3 * where.sum()).clamp_min(1)
        return losses

    @torch.inference_mode()
    def draw_people(self, places: Places, codes: Tensor) -> Tensor:
        """Composites (N, 3, 128, 64) of both stages, by the average."""
        made = []
        for start in range(0, len(codes), 64):
            some = slice(start, start + 64)
            part = Places(places.real[some], places.background[some], places.shape[some], places.hole[some])
            small = halved(self.painted(part, codes[some]))
            with self.accelerator.autocast():
                made.append(self.averages["generator"](small, part.shape.to(small.device)).float().cpu())
        return torch.cat(made) * places.hole + places.real * (1 - places.hole)

    def export(self, out: Path) -> None:
        """Write the average."""
        save_weights(self.averages["generator"], out, FORMAT)


def halved(pictures: Tensor) -> Tensor:
    """(N, C, H, W) → (N, C, H/2, W/2): means of four pixels."""
    return F.avg_pool2d(pictures, 2)


def train_detail(
    config: DetailConfig,
    data: Path,
    out: Path,
    log: Log = print,
    *,
    start: Path | None = None,
    samples: Path | None = None,
) -> Path:
    """Train on ``data``'s train split behind the generator ``start`` (that ships); write ``out``; resumes by itself.

    Sample sheets go to the folder ``samples``; they show real people.
    """
    accelerator = make_accelerator()
    learner = DetailLearner(config, data, accelerator, generator=start or GENERATOR_WEIGHTS, samples=samples)
    return train(learner, config, accelerator, out, log)
