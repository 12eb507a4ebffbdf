"""Heads of people who do not exist, as they are seen from behind, from the side and from afar: hair, hats and all.

Where no landmarks can be read there is no telling what a face looks like; but a body below says which way it is
turned, and a parser where its head is, down to the outline.  Codes are those of a variational encoder (Kingma &
Welling, ICLR 2014; with a critic: Zhu et al., NeurIPS 2017): standard normal numbers, as a key draws them, for all that
the place does not say.
"""

from __future__ import annotations

import itertools
from functools import lru_cache
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F  # noqa: N812
from numpy.typing import NDArray
from torch import Tensor, nn

from mot_anon.gan.identity import CODE_SIZE
from mot_anon.gan.networks import DiscriminatorNetwork, GeneratorNetwork, draw_windows
from mot_anon.vision.weights import content_digest, load_weights

SIZE = (64, 64)
"""Height and width of a window; its side is :data:`mot_anon.vision.heads.AROUND` times a head's size."""
SHAPE_CHANNELS = 3
"""Where the head is drawn, the head as a parser sees it, brighter where a face is, and the silhouette."""
WEIGHTS = Path(__file__).resolve().parent.parent / "weights" / "head-generator.safetensors"
FORMAT = "mot_anon head generator 2"

Pixels = NDArray[np.float32]


def head_generator(shapes: int = SHAPE_CHANNELS) -> GeneratorNetwork:
    """Background, ``shapes`` maps and code in, head out: 1.5 M parameters."""
    return GeneratorNetwork(shapes, (24, 48, 80, 128, 128))


def head_critic(shapes: int = SHAPE_CHANNELS) -> DiscriminatorNetwork:
    """One that knows no codes."""
    return DiscriminatorNetwork(3 + shapes, (48, 96, 192), asks=False)


class HeadEncoder(nn.Module):
    """What is to be said of a head beside its place: mean and logarithm of the variance of its code."""

    def __init__(self, widths: tuple[int, ...] = (4, 32, 64, 96, 128)) -> None:
        super().__init__()
        self.layers = nn.ModuleList(nn.Conv2d(a, b, 4, 2, 1) for a, b in itertools.pairwise(widths))
        self.last = nn.Linear(widths[-1] * 16, 2 * CODE_SIZE)

    def forward(self, pictures: Tensor, where: Tensor) -> tuple[Tensor, Tensor]:
        """(N, 3, 64, 64) in −1…1, and (N, 1, 64, 64) what of them counts → two of (N, 24)."""
        maps = torch.cat([pictures * where, where], 1)
        for layer in self.layers:
            maps = F.leaky_relu(layer(maps), 0.2)
        mean, spread = self.last(maps.flatten(1)).float().chunk(2, 1)
        return mean, spread.clamp(-8, 4)


class HeadNetworks(nn.Module):
    """Generator and encoder, which learn together; ``shapes`` as in :func:`head_generator`."""

    def __init__(self, shapes: int = SHAPE_CHANNELS) -> None:
        super().__init__()
        self.generator = head_generator(shapes)
        self.encoder = HeadEncoder()

    def forward(
        self, background: Tensor, shape: Tensor, noise: Tensor, real: Tensor, where: Tensor
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Draw N heads of their own codes, and as many of codes that are given.

        Parameters
        ----------
        background, shape:
            (N, 3, 64, 64) in −1…1 and (N, S, 64, 64) in 0…1.
        noise:
            (2N, 24): standard normal.
        real, where:
            (N, 3, 64, 64) in −1…1 and (N, 1, 64, 64) in 0…1: what was there, and what of it is drawn anew.

        Returns
        -------
        Pictures (2N, 3, 64, 64), and means and logarithms of variances (N, 24) of the codes of what was there.
        """
        mean, spread = self.encoder(real, where)
        own = mean + (0.5 * spread).exp() * noise[: len(real)]
        codes = torch.cat([own, noise[len(real) :]])
        drawn = self.generator(torch.cat([background, background]), torch.cat([shape, shape]), codes)
        return drawn, mean, spread


class HeadGenerator:
    """The generator (``weights/head-generator.md`` is the model card).  Pure: the same input gives the same pixels."""

    def __init__(self, weights: Path = WEIGHTS) -> None:
        self._network = load_head_generator(weights)
        self.fingerprint = f"head-generator-2-{content_digest(weights)}"

    def __call__(self, surroundings: Pixels, shapes: Pixels, codes: Pixels) -> Pixels:
        """Draw a head into each of N windows.

        Parameters
        ----------
        surroundings:
            (N, 64, 64, 3) RGB in 0…1: the windows with their heads filled from round about
            (:func:`~mot_anon.vision.turned.emptied`).
        shapes:
            (N, 3, 64, 64) in 0…1: opacities of heads (:mod:`mot_anon.vision.turned`), heads as a parser sees them, and
            silhouettes.
        codes:
            (N, 24): identity codes; their length does not matter.

        Returns
        -------
        (N, 64, 64, 3) float32 RGB in 0…1, meant to be laid over the surroundings with the first of the shapes as
        opacity.
        """
        return draw_windows(self._network, surroundings, shapes, codes, channels=SHAPE_CHANNELS, size=SIZE)


@lru_cache(maxsize=2)
def load_head_generator(weights: Path = WEIGHTS) -> GeneratorNetwork:
    """The trained generator, frozen."""
    return load_weights(head_generator, weights, FORMAT).to(memory_format=torch.contiguous_format)
