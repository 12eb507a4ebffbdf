"""Training of the generator of heads (``mot-anon train heads``), on the heads of pedestrians.

Every head is drawn twice: once as its own code says, and compared with what was there, and once as a code says that a
key could have drawn.  Critics look at both.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import cv2
import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor, nn

from mot_anon.gan import heads as networks
from mot_anon.gan.config import GeneratorConfig
from mot_anon.gan.data import Places, Request, repeated
from mot_anon.gan.head_cast import HeadCast, HeadPlaces, HeadSource
from mot_anon.gan.identity import CODE_SIZE
from mot_anon.gan.losses import adversarial_loss, likeness_loss, reconstruction_loss
from mot_anon.gan.networks import move_codes
from mot_anon.gan.training import GeneratorLearner
from mot_anon.vision import augment
from mot_anon.vision.bodies import load_bodies
from mot_anon.vision.parse import WEIGHTS as PARSER_WEIGHTS
from mot_anon.vision.training import Draw, Log, averaged, make_accelerator, train
from mot_anon.vision.weights import save_weights

_LOOKS = 20  # batches of 64 heads, of which codes are asked how they lie
_TELLING = 0.1  # variance of means of codes from which a direction tells something of a head


@dataclass(frozen=True)
class HeadConfig(GeneratorConfig):
    """Settings of :class:`~mot_anon.gan.config.GeneratorConfig`; those of identity, clothes and shapes have no effect.

    Attributes
    ----------
    unread:
        Share of heads that the parser is said not to see.
    narrow:
        Weight of how much codes say of what is there, in nats: what a place says need not be said twice.
    calm:
        Weight of what is drawn beyond the picture's end, where nobody knows what was there.
    """

    choices: ClassVar[dict[str, tuple[str, ...]]] = {
        "identity_guidance": ("none",),
        "input": ("silhouette",),
        "onlooker": ("imagenet", "none"),
    }

    steps: int = 2000
    batch: int = 12
    identity_guidance: str = "none"
    reconstruction: float = 6.0
    unread: float = 0.15
    narrow: float = 0.03
    calm: float = 4.0


class HeadLearner(GeneratorLearner):
    """Generator and encoder against critics that know no codes."""

    config: HeadConfig
    heads: HeadSource
    public: HeadSource
    channels, weights_format = networks.SHAPE_CHANNELS, networks.FORMAT
    nearer: ClassVar[float] = 0.5
    """By what codes are shrunk in directions that tell something of a head."""

    def __init__(
        self,
        config: HeadConfig,
        data: Path,
        accelerator: Any,
        *,
        parser: Path | None = PARSER_WEIGHTS,
        samples: Path | None = None,
    ) -> None:
        self.config, self.accelerator, self.samples = config, accelerator, samples
        self.heads, self.public = (self.source(data, split, parser) for split in ("train", "val"))
        torch.manual_seed(config.seed)
        critics = self.with_onlooker({"critic": networks.head_critic(self.channels)}, self.channels)
        self.assemble(networks.HeadNetworks(self.channels), critics, 1)

    def source(self, data: Path, split: str, parser: Path | None) -> HeadSource:
        """The heads of a split."""
        return HeadCast(load_bodies(data, split), parser)

    @property
    def average(self) -> networks.HeadNetworks:
        """What ships, and its encoder."""
        both = self.averages["generator"]
        assert isinstance(both, networks.HeadNetworks)
        return both

    def ask(self, draw: Draw) -> tuple[Places, Request]:
        """Places, and noise: for everybody's own code, then for another."""
        n = self.config.batch
        places = self.heads.places(self.heads.some(draw, n), draw, self.config.unread)
        codes = draw.normal(2 * n, CODE_SIZE)
        return places, Request(codes, codes, torch.zeros(2 * n), torch.full((2 * n,), -1))

    def make(self, draw: Draw, places: Places, request: Request) -> Tensor:
        """Pictures (2N, 3, 64, 64), by the networks that learn."""
        device = self.accelerator.device
        parts = (places.background, places.shape, request.codes, places.real, _head(places).seen * places.hole)
        drawn, self.means, self.spreads = self.networks["generator"](*(part.to(device) for part in parts))
        return drawn.float()

    def scores(
        self, pictures: Tensor, places: Places, codes: Tensor, seen: Sequence[Tensor] | None = None
    ) -> list[Tensor]:
        """Scores of pictures as far as the place was in the picture that it comes from; codes do not matter."""
        return super().scores(self.view(pictures, places), places, torch.zeros_like(codes), seen)

    def looked_at(self, pictures: Tensor) -> list[Tensor]:
        """What the frozen eyes see of pictures from nearer, as they know small things only from there."""
        if self.eyes is None:
            return []
        return super().looked_at(F.interpolate(pictures, scale_factor=1.5, mode="bilinear", align_corners=False))

    def view(self, picture: Tensor, places: Places) -> Tensor:
        """Pictures as far as the place was in the picture that it comes from."""
        seen = _head(places).seen
        return picture * repeated(seen, len(picture) // len(seen)).to(picture.device)

    def losses(self, picture: Tensor, drawn: Tensor, places: Places, request: Request) -> dict[str, Tensor]:
        """What the two are told, weighted."""
        n, config, device = len(places.real), self.config, picture.device
        place, real = _head(places), places.real.to(device)
        where = (place.hole * place.seen).to(device)
        shown = self.view(picture, places)
        seen = self.looked_at(shown)
        losses = {"adversarial": adversarial_loss(self.scores(picture, places, request.codes, seen))}
        losses["reconstruction"] = config.reconstruction * reconstruction_loss(drawn[:n], real, where)
        if seen:
            with torch.no_grad():
                before = self.looked_at(real)
            losses["likeness"] = config.likeness * likeness_loss([maps[:n] for maps in seen], before)
        said = 0.5 * (self.means**2 + self.spreads.exp() - self.spreads - 1).sum(1).mean()
        losses["narrow"] = config.narrow * said
        beyond = repeated(self.beyond(place), 2).to(device)
        losses["calm"] = config.calm * reconstruction_loss(drawn, repeated(places.background, 2).to(device), beyond)
        return losses

    @staticmethod
    def beyond(places: HeadPlaces) -> Tensor:
        """(N, 1, 64, 64) in 0…1: where nobody knows what was there, and nothing shall be drawn."""
        return places.hole * (1 - places.seen)

    @torch.inference_mode()
    def natural(self) -> tuple[Tensor, Tensor]:
        """(24, 24) and (24,): what makes a code that somebody could have of standard normal numbers.

        Codes of heads as they are do not lie quite as the encoder is asked to have them.  In the few directions that
        say something, codes stay nearer to the middle (Brock et al., ICLR 2019: truncation).
        """
        draw, means, variances = Draw(self.config.seed + 4), [], []
        for _ in range(_LOOKS):
            places = self.heads.places(self.heads.some(draw, 64), draw, self.config.unread)
            where = (_head(places).seen * places.hole).to(self.accelerator.device)
            with self.accelerator.autocast():
                mean, spread = self.average.encoder(places.real.to(where.device), where)
            means.append(mean.float().cpu())
            variances.append(spread.float().exp().cpu())
        found = torch.cat(means)
        told, turn = torch.linalg.eigh(torch.cov(found.T))
        whole = ((turn.T @ torch.diag(torch.cat(variances).mean(0)) @ turn).diagonal() + told).sqrt()
        matrix = turn @ torch.diag(torch.where(told > _TELLING, self.nearer * whole, whole)) @ turn.T
        return matrix, found.mean(0)

    def score(self, number: int) -> dict[str, float]:
        """How well heads of val are drawn after their own codes, and how unlike two others are; writes a sheet."""
        draw = Draw(self.config.seed + 2)
        rows = draw.rng.choice(self.public.rows, min(200, len(self.public.rows)), replace=False)
        places = self.public.still(rows)
        where = places.hole * places.seen
        with torch.inference_mode(), self.accelerator.autocast():
            own, _ = self.average.encoder(places.real, where)
        matrix, mean = self.natural()
        others = draw.normal(2, len(rows), CODE_SIZE) @ matrix.T + mean
        first, second, same = (self.draw_people(places, codes) for codes in (*others, own.float()))
        if self.samples is not None:
            self.samples.mkdir(parents=True, exist_ok=True)
            cv2.imwrite(str(self.samples / f"heads-{number:06d}.png"), self.sheet())
        order = torch.from_numpy(draw.rng.permutation(len(rows)))
        return {
            "off": float(reconstruction_loss(same, places.real, where)),
            "codes": float(reconstruction_loss(first, second, where)),
            "people": float(reconstruction_loss(places.real, places.real[order], where * where[order])),
        }

    @torch.inference_mode()
    def draw_people(self, places: Places, codes: Tensor) -> Tensor:
        """Composites (N, 3, 64, 64) by the averaged generator."""
        device, made = self.accelerator.device, []
        for start in range(0, len(codes), 64):
            part = slice(start, start + 64)
            with self.accelerator.autocast():
                drawn = self.average.generator(
                    places.background[part].to(device), places.shape[part].to(device), codes[part].to(device)
                )
            made.append(drawn.float().cpu())
        return torch.cat(made) * places.hole + places.real * (1 - places.hole)

    def sheet(self, people: int = 18) -> Any:
        """A picture: people of val, their places, what the parser sees, and ten who do not exist."""
        draw = Draw(self.config.seed + 3)
        people = min(people, len(self.public.rows))
        places = self.public.still(draw.rng.choice(self.public.rows, people, replace=False))
        columns = [places.real, places.background, places.shape[:, 1:2].expand(-1, 3, -1, -1) * 2 - 1]
        matrix, mean = self.natural()
        codes = draw.normal(10, CODE_SIZE) @ matrix.T + mean
        columns += [self.draw_people(places, code.expand(people, -1)) for code in codes]
        return augment.sheet([list(line) for line in zip(*columns, strict=True)])

    def export(self, out: Path) -> None:
        """Write the average of the generator, which takes standard normal numbers for codes that people have."""
        generator = averaged(self.average.generator)
        first = generator.style[0]
        assert isinstance(first, nn.Linear)
        move_codes(first, *(part.to(first.weight.device) for part in self.natural()))
        save_weights(generator, out, self.weights_format)


def _head(places: Places) -> HeadPlaces:
    assert isinstance(places, HeadPlaces)
    return places


def train_heads(config: HeadConfig, data: Path, out: Path, log: Log = print, *, samples: Path | None = None) -> Path:
    """Train on ``data``'s train split with the parser that ships; write ``out``; resumes by itself.

    Sample sheets go to the folder ``samples``; they show real people.
    """
    accelerator = make_accelerator()
    return train(HeadLearner(config, data, accelerator, samples=samples), config, accelerator, out, log)
