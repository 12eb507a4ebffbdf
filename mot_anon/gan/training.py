"""Training of the generator (``mot-anon train generator``).

Half of every batch asks for the person who stood there, known from another picture, and is compared with what was
there.  The other half asks for somebody else, or for nobody who exists: a code drawn as a key draws it.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import cv2
import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor, nn

from mot_anon.gan.code_map import WEIGHTS as CODE_WEIGHTS
from mot_anon.gan.code_map import CodeMap, load_code_map
from mot_anon.gan.config import GeneratorConfig
from mot_anon.gan.data import WARDROBE, Cast, Places, Request, generator_input, repeated
from mot_anon.gan.generate import FORMAT, load_generator
from mot_anon.gan.identity import CODE_SIZE, EMBEDDING_SIZE, load_identity
from mot_anon.gan.identity import WEIGHTS as IDENTITY_WEIGHTS
from mot_anon.gan.losses import (
    adversarial_loss,
    critic_loss,
    feature_loss,
    likeness_loss,
    naming_loss,
    reconstruction_loss,
    siamese_loss,
)
from mot_anon.gan.networks import SHAPE_CHANNELS, DiscriminatorNetwork, GeneratorNetwork, OnlookerNetwork
from mot_anon.gan.sheets import colour_spread, people_sheet
from mot_anon.vision import lite
from mot_anon.vision.bodies import load_bodies
from mot_anon.vision.parse import WEIGHTS as PARSER_WEIGHTS
from mot_anon.vision.training import Draw, Learner, Log, averaged, make_accelerator, parameter_group, train
from mot_anon.vision.weights import save_weights


class GeneratorLearner(Learner):
    """Generator against discriminator, guided by the frozen identity network."""

    code_map: CodeMap
    eyes: lite.Lite | None = None
    """What the second critic looks through, frozen."""

    def __init__(
        self,
        config: GeneratorConfig,
        data: Path,
        accelerator: Any,
        *,
        identity: Path = IDENTITY_WEIGHTS,
        parser: Path | None = PARSER_WEIGHTS,
        codes: Path = CODE_WEIGHTS,
        start: Path | None = None,
        samples: Path | None = None,
    ) -> None:
        self.config, self.accelerator, self.samples = config, accelerator, samples
        self.gather(data, identity, parser, codes)
        torch.manual_seed(config.seed)
        generator = GeneratorNetwork()
        if start is not None:
            generator.load_state_dict(load_generator(start).state_dict())
        critics = self.with_onlooker({"critic": DiscriminatorNetwork()})
        self.assemble(generator, critics, int(self.cast.bodies.person.max()) + 1)

    def gather(self, data: Path, identity: Path, parser: Path | None, codes: Path = CODE_WEIGHTS) -> None:
        """The people to learn from and those to look at, who they are, and which codes people have."""
        self.code_map = load_code_map(codes)
        self.cast = Cast(load_bodies(data, "train"), identity, parser, self.config.seed)
        self.audience = Cast(load_bodies(data, "val"), identity, parser, self.config.seed)
        self.identity = averaged(load_identity(identity)).to(self.accelerator.device)

    def with_onlooker(self, critics: dict[str, nn.Module], shapes: int = SHAPE_CHANNELS) -> dict[str, nn.Module]:
        """The critics, and where settings ask for it one more, whose eyes stay as they are; ``shapes`` has channels."""
        if self.config.onlooker == "none":
            return critics
        eyes = averaged(lite.pretrained(lite.LITE1)).to(memory_format=torch.channels_last)
        self.eyes = eyes.to(self.accelerator.device)
        return critics | {"onlooker": OnlookerNetwork(lite.SCALES, shapes=shapes)}

    def assemble(self, generator: nn.Module, critics: dict[str, nn.Module], people: int) -> None:
        """Take networks into training: a generator, what judges it, and a classifier of ``people`` training people."""
        accelerator, config, betas = self.accelerator, self.config, (0.0, 0.99)
        judges = {name: critic.to(memory_format=torch.channels_last) for name, critic in critics.items()}
        judges["classifier"] = nn.Linear(EMBEDDING_SIZE, people)
        self.critics = tuple(critics)
        self.averages = {"generator": averaged(generator).to(accelerator.device)}
        drawing = torch.optim.Adam([parameter_group(generator.parameters(), config.learning_rate)], betas=betas)
        judging = [parameter_group(part.parameters(), config.critic_rate) for part in judges.values()]
        judge = torch.optim.Adam(judging, betas=betas)
        generator, drawing, judge, *parts = accelerator.prepare(generator, drawing, judge, *judges.values())
        self.networks = {"generator": generator} | dict(zip(judges, parts, strict=True))
        self.optimisers = {"generator": drawing, "critic": judge}

    def schedule(self, progress: float) -> float:
        """Constant, then down to nothing in a line."""
        return min(1.0, progress / 0.01 + 0.05, max(0.02, (1 - progress) / self.config.decay))

    def step(self, draw: Draw, number: int, progress: float) -> dict[str, float]:
        """One step of the critic, then one of the generator, on the same pictures."""
        places, request = self.ask(draw)
        device = self.accelerator.device
        codes = request.codes.to(device)
        copies = len(codes) // len(places.real)
        real, hole = repeated(places.real.to(device), copies), repeated(places.hole.to(device), copies)
        drawn = self.make(draw, places, request)
        picture = drawn * hole + real * (1 - hole)
        judged = self.judge(places, picture.detach(), codes)
        if self.config.identity_guidance == "classification":
            judged = judged + self.learn_names(places, request)
        self.optimisers["critic"].zero_grad()
        self.accelerator.backward(judged)
        self.optimisers["critic"].step()
        for name in self.critics:
            self.networks[name].requires_grad_(False)
        losses = self.losses(picture, drawn, places, request)
        self.optimisers["generator"].zero_grad()
        self.accelerator.backward(sum(losses.values()))
        self.optimisers["generator"].step()
        for name in self.critics:
            self.networks[name].requires_grad_(True)
        return {"critic": judged.item()} | {name: loss.item() for name, loss in losses.items()}

    def make(self, draw: Draw, places: Places, request: Request) -> Tensor:
        """Pictures (k · N, 3, H, W) of all codes that are asked for, by the network that learns."""
        device = self.accelerator.device
        seen = repeated(generator_input(places, self.config.input).to(device), len(request.codes) // len(places.real))
        shapes = self.shapes(places, request.codes).to(device)
        return self.networks["generator"](seen, shapes, request.codes.to(device)).float()

    def ask(self, draw: Draw) -> tuple[Places, Request]:
        """Places, and the codes wanted there: first everybody's own, then others'."""
        n, cast = self.config.batch, self.cast
        rows, again = cast.pairs(draw, n)
        dress = torch.where(draw.uniform(n) < self.config.dressed, draw.integers(1, WARDROBE, n), 0)
        places = cast.places(rows, dress, draw, self.config.misread)
        own = cast.codes[dress, torch.from_numpy(again)]
        others = draw.rng.choice(cast.rows, n)
        clothes = torch.where(draw.uniform(n) < self.config.dressed, draw.integers(1, WARDROBE, n), 0)
        nobody = draw.uniform(n) < self.config.unknown
        wanted = torch.where(nobody[:, None], self.nobody(draw, n), cast.codes[clothes, torch.from_numpy(others)])
        people = torch.from_numpy(cast.bodies.person)
        known = [
            torch.where(dress == 0, people[torch.from_numpy(rows)], -1),
            torch.where((clothes == 0) & ~nobody, people[torch.from_numpy(others)], -1),
        ]
        swapped = torch.cat([torch.zeros(n), torch.ones(n)])
        return places, Request(torch.cat([own, wanted]), torch.cat([own, own]), swapped, torch.cat(known))

    def nobody(self, draw: Draw, n: int) -> Tensor:
        """Codes (n, 24) of people who do not exist, as a key draws them."""
        return self.code_map.natural(draw.normal(n, CODE_SIZE).double()).float()

    def shapes(self, places: Places, codes: Tensor) -> Tensor:
        """The shapes that ``codes``, for every place as many, are drawn after."""
        return repeated(places.shape, len(codes) // len(places.real))

    def judge(self, places: Places, fake: Tensor, codes: Tensor) -> Tensor:
        """The critics' loss; real people come with codes of other pictures of them."""
        real = self.scores(places.real.to(fake.device), places, codes[: len(places.real)])
        return critic_loss(real, self.scores(fake, places, codes))

    def scores(
        self, pictures: Tensor, places: Places, codes: Tensor, seen: Sequence[Tensor] | None = None
    ) -> list[Tensor]:
        """Scores, of every kind that there is, of pictures of ``codes`` in ``places``, once or several times each.

        ``seen`` is what :meth:`looked_at` makes of the pictures, where that is known.
        """
        shape = self.shapes(places, codes).to(pictures.device)
        scores = list(self.networks["critic"](pictures, shape, codes))
        if self.eyes is not None:
            scores += self.networks["onlooker"](self.looked_at(pictures) if seen is None else seen, shape, codes)
        return [self.config.gain * score for score in scores]

    def looked_at(self, pictures: Tensor) -> list[Tensor]:
        """What the frozen eyes see in pictures; nothing where there is no onlooker."""
        if self.eyes is None:
            return []
        with self.accelerator.autocast():
            return self.eyes.maps(pictures.contiguous(memory_format=torch.channels_last))

    def view(self, picture: Tensor, places: Places) -> Tensor:
        """What of pictures in ``places`` (once or twice) may be looked at."""
        return picture

    def watched(self, picture: Tensor, places: Places) -> Tensor:
        """What of pictures in ``places`` the identity network looks at while it guides."""
        return self.view(picture, places)

    def reconstruction(self, drawn: Tensor, places: Places) -> Tensor:
        """How far pictures of the people who stood in ``places`` are from what was there."""
        return reconstruction_loss(drawn, places.real.to(drawn.device), places.hole.to(drawn.device))

    def learn_names(self, places: Places, request: Request) -> Tensor:
        """Cross-entropy of the classifier on real people (only the ablation by classification has one)."""
        real = self.watched(places.real.to(self.accelerator.device), places)
        with torch.no_grad(), self.accelerator.autocast():
            embeddings = self.identity(real).float()
        logits = self.networks["classifier"](embeddings)
        return naming_loss(logits, request.person[: len(real)].to(real.device))

    def losses(self, picture: Tensor, drawn: Tensor, places: Places, request: Request) -> dict[str, Tensor]:
        """What the generator is told, weighted."""
        n, config, device = len(places.real), self.config, picture.device
        codes = request.codes.to(device)
        seen = self.looked_at(picture)
        losses = {"adversarial": adversarial_loss(self.scores(picture, places, codes, seen))}
        with self.accelerator.autocast():
            features = self.identity.features(self.watched(picture, places))
            with torch.no_grad():
                there = self.identity.features(self.watched(places.real.to(device), places))
            embeddings = self.identity.head(features[-1]).float()
        own = [maps[:n] for maps in features[:-1]]
        losses["features"] = config.features * feature_loss(own, there[:-1])
        losses["reconstruction"] = config.reconstruction * self.reconstruction(drawn[:n], places)
        if seen:
            with torch.no_grad():
                before = self.looked_at(places.real.to(device))
            losses["likeness"] = config.likeness * likeness_loss([maps[:n] for maps in seen], before)
        return losses | self.guided(embeddings, self.identity.head(there[-1]).float(), request)

    def guided(self, embeddings: Tensor, there: Tensor, request: Request) -> dict[str, Tensor]:
        """What the identity network says of pictures, and of those ``there`` were; both (…, 128)."""
        config, device = self.config, embeddings.device
        if config.identity_guidance == "siamese":
            found = self.identity.code(embeddings)
            codes, sources, swapped = (part.to(device) for part in (request.codes, request.sources, request.swapped))
            return {"identity": config.guidance * siamese_loss(found, codes, sources, swapped, config.margin)}
        if config.identity_guidance == "classification":
            logits = self.networks["classifier"](embeddings)
            return {"identity": config.guidance * naming_loss(logits, request.person.to(device))}
        return {}

    def score(self, number: int) -> dict[str, float]:
        """How well val people become who is asked for, how colourful they are; writes a sheet to look at."""
        draw = Draw(self.config.seed + 2)
        cast = self.audience
        rows = draw.rng.choice(cast.rows, min(200, len(cast.rows)), replace=False)
        places = cast.still(rows)
        codes = self.nobody(draw, len(rows))
        pictures = self.draw_people(places, codes)
        with torch.inference_mode():
            found = self.identity.code(self.identity(pictures.to(self.accelerator.device)).float()).cpu()
        if self.samples is not None:
            self.samples.mkdir(parents=True, exist_ok=True)
            cv2.imwrite(str(self.samples / f"generator-{number:06d}.png"), self.sheet())
        new, old = colour_spread(pictures, places.shape), colour_spread(places.real, places.shape)
        return {
            "asked for": float(F.cosine_similarity(found, codes).mean()),
            "torso": float(new[0] / old[0]),
            "legs": float(new[1] / old[1]),
        }

    @torch.inference_mode()
    def draw_people(self, places: Places, codes: Tensor) -> Tensor:
        """Composites (N, 3, 128, 64) by the averaged generator."""
        device, made = self.accelerator.device, []
        seen = generator_input(places, self.config.input)
        for start in range(0, len(codes), 64):
            part = slice(start, start + 64)
            with self.accelerator.autocast():
                drawn = self.averages["generator"](
                    seen[part].to(device), places.shape[part].to(device), codes[part].to(device)
                )
            made.append(drawn.float().cpu())
        return torch.cat(made) * places.hole + places.real * (1 - places.hole)

    def sheet(self, people: int = 14) -> Any:
        """A picture to look at: :func:`~mot_anon.gan.sheets.people_sheet`."""
        draw = Draw(self.config.seed + 3)
        return people_sheet(self.cast, self.audience, draw, self.nobody, self.draw_people, people)

    def export(self, out: Path) -> None:
        """Write the average."""
        save_weights(self.averages["generator"], out, FORMAT)


def train_generator(
    config: GeneratorConfig,
    data: Path,
    out: Path,
    log: Log = print,
    *,
    identity: Path = IDENTITY_WEIGHTS,
    parser: Path | None = PARSER_WEIGHTS,
    start: Path | None = None,
    samples: Path | None = None,
) -> Path:
    """Train on ``data``'s train split with a trained identity network and parser; write ``out``; resumes by itself.

    It begins with the weights ``start`` where some are given; critics always begin with nothing.  Sample sheets go to
    the folder ``samples``; they show real people.
    """
    accelerator = make_accelerator()
    learner = GeneratorLearner(
        config, data, accelerator, identity=identity, parser=parser, start=start, samples=samples
    )
    return train(learner, config, accelerator, out, log)
