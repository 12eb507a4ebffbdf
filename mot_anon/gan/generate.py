"""Drawing people who do not exist, with the weights that ship."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from mot_anon.gan.data import rim
from mot_anon.gan.identity import CODE_SIZE
from mot_anon.gan.networks import SIZE, GeneratorNetwork
from mot_anon.vision.bodies import PARTS
from mot_anon.vision.weights import content_digest, load_weights, reduced_precision

WEIGHTS = Path(__file__).resolve().parent.parent / "weights" / "generator.safetensors"
FORMAT = "mot_anon generator 2"
_BATCH = 32

Pixels = NDArray[np.float32]


class Generator:
    """The generator (``weights/generator.md`` is the model card).  Pure: the same input gives the same pixels."""

    def __init__(self, weights: Path = WEIGHTS) -> None:
        self._network = load_generator(weights)
        self.fingerprint = f"generator-1-{content_digest(weights)}"

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
        drawn = [np.zeros((0, *SIZE, 3), np.float32)]
        for start in range(0, len(erased), _BATCH):
            some = slice(start, start + _BATCH)
            background = torch.from_numpy(np.ascontiguousarray(erased[some], np.float32)).permute(0, 3, 1, 2) * 2 - 1
            shape = torch.from_numpy(np.concatenate([silhouettes[some][:, None], parts[some]], 1, dtype=np.float32))
            code = torch.from_numpy(np.asarray(codes[some], np.float32))
            _check(background, shape, code)
            with torch.inference_mode(), reduced_precision():
                pictures = self._network(background.contiguous(), shape, code)
            drawn.append(((pictures.float() + 1) / 2).clamp(0, 1).permute(0, 2, 3, 1).numpy())
        return np.concatenate(drawn)


def holes(silhouettes: Pixels) -> Pixels:
    """What is erased for a person and drawn anew: silhouettes (N, 128, 64) with a rim, soft at the edge, in 0…1."""
    return rim(torch.from_numpy(np.ascontiguousarray(silhouettes, np.float32))[:, None])[:, 0].numpy()


@lru_cache(maxsize=2)
def load_generator(weights: Path = WEIGHTS) -> GeneratorNetwork:
    """The trained network, frozen."""
    return load_weights(GeneratorNetwork, weights, FORMAT).to(memory_format=torch.contiguous_format)


def _check(background: torch.Tensor, shape: torch.Tensor, code: torch.Tensor) -> None:
    n = len(background)
    expected = ((n, 3, *SIZE), (n, 1 + len(PARTS), *SIZE), (n, CODE_SIZE))
    found = (tuple(background.shape), tuple(shape.shape), tuple(code.shape))
    if found != expected:
        raise ValueError(f"windows, shapes and codes are {found} where {expected} is needed")
