"""Drawing people who do not exist, with the weights that ship."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from mot_anon.gan.cloth import plain
from mot_anon.gan.data import rim
from mot_anon.gan.networks import SIZE, GeneratorNetwork, draw_windows
from mot_anon.vision.bodies import PARTS
from mot_anon.vision.weights import content_digest, load_weights

WEIGHTS = Path(__file__).resolve().parent.parent / "weights" / "generator.safetensors"
FORMAT = "mot_anon generator 2"
_FAINT, _WIDE = 0.12, 1.3  # of patterns in clothes, which are smoothed away

Pixels = NDArray[np.float32]


class Generator:
    """The generator (``weights/generator.md`` is the model card).  Pure: the same input gives the same pixels."""

    def __init__(self, weights: Path = WEIGHTS) -> None:
        self._network = load_generator(weights)
        self.fingerprint = f"generator-2-{content_digest(weights)}"

    def __call__(self, erased: Pixels, silhouettes: Pixels, parts: Pixels, codes: Pixels) -> Pixels:
        """Draw somebody into each of N windows.

        Parameters
        ----------
        erased:
            (N, 128, 64, 3) RGB in 0…1: the windows with every person, and :func:`holes` round them, filled from round
            about (:func:`mot_anon.vision.augment.fill`).
        silhouettes, parts:
            (N, 128, 64) and (N, 4, 128, 64) in 0…1, as :class:`mot_anon.vision.parse.Parser` gives them.
        codes:
            (N, 24): identity codes; their length does not matter.

        Returns
        -------
        (N, 128, 64, 3) float32 RGB in 0…1, meant to be laid over the erased windows with :func:`holes` as opacity.
        Beyond them it has no meaning.
        """
        shapes = np.concatenate([silhouettes[:, None], parts], 1)
        drawn = draw_windows(self._network, erased, shapes, codes, channels=1 + len(PARTS), size=SIZE)
        for number, picture in enumerate(drawn):
            drawn[number] = plain(picture, _FAINT, _WIDE)
        return drawn


def holes(silhouettes: Pixels) -> Pixels:
    """What is erased for a person and drawn anew: silhouettes (N, 128, 64) with a rim, soft at the edge, in 0…1."""
    return rim(torch.from_numpy(np.ascontiguousarray(silhouettes, np.float32))[:, None])[:, 0].numpy()


@lru_cache(maxsize=2)
def load_generator(weights: Path = WEIGHTS) -> GeneratorNetwork:
    """The trained network, frozen."""
    return load_weights(GeneratorNetwork, weights, FORMAT).to(memory_format=torch.contiguous_format)
