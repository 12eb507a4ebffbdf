"""Portraits: whole heads of people who do not exist, hair and all, whose faces look where somebody's looked.

The generator of bodies draws people 128 pixels tall, whose heads are a few cells; near the camera that is no face.
There landmarks say how a face is turned, and a head of its own is drawn over the body's, in a window of 64×64.
"""

from __future__ import annotations

from functools import lru_cache, partial
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from mot_anon.gan.data import rim
from mot_anon.gan.heads import SIZE, head_generator
from mot_anon.gan.networks import GeneratorNetwork, draw_windows
from mot_anon.vision.landmarks import draw_landmarks
from mot_anon.vision.weights import content_digest, load_weights

SHAPE_CHANNELS = 3
"""Hole, landmarks, and the head's part of a silhouette."""
WEIGHTS = Path(__file__).resolve().parent.parent / "weights" / "portrait-generator.safetensors"
OUTLINE = (0.35, 0.65)
"""Of a silhouette that is coarsely known: nothing of the head below, nothing but it above."""
RIM = 4
"""Cells by which the hole is wider than the silhouette of the head."""
EMPTY = 0.02
"""Of a hole, from which nothing of what is there is left."""
FORMAT = "mot_anon portrait generator 1"

Pixels = NDArray[np.float32]


class PortraitGenerator:
    """The generator (``weights/portrait-generator.md`` is the model card).  Pure: the same input, the same pixels."""

    def __init__(self, weights: Path = WEIGHTS) -> None:
        self._network = load_portrait_generator(weights)
        self.fingerprint = f"portrait-generator-1-{content_digest(weights)}"

    def __call__(self, surroundings: Pixels, shapes: Pixels, codes: Pixels) -> Pixels:
        """Draw a head with a face into each of N windows.

        Parameters
        ----------
        surroundings:
            (N, 64, 64, 3) RGB in 0…1: the windows with their holes filled from round about.
        shapes:
            (N, 3, 64, 64) in 0…1: what is drawn anew, a little wider than the head;
            :func:`~mot_anon.vision.landmarks.draw_landmarks`; and the head's part of a silhouette.
        codes:
            (N, 24): identity codes; their length does not matter.

        Returns
        -------
        (N, 64, 64, 3) float32 RGB in 0…1, meant to be laid over the surroundings with the holes as opacity.
        """
        return draw_windows(self._network, surroundings, shapes, codes, channels=SHAPE_CHANNELS, size=SIZE)


def portrait_shapes(points: Pixels, silhouettes: Pixels) -> Pixels:
    """What the generator is told of heads.

    Parameters
    ----------
    points:
        (N, 68, 2): landmarks, as fractions of the windows.
    silhouettes:
        (N, 1, 64, 64) in 0…1: the head's part of them.

    Returns
    -------
    (N, 3, 64, 64) float32 in 0…1: hole, landmarks, silhouettes.
    """
    hole = rim(torch.from_numpy(np.ascontiguousarray(silhouettes, np.float32)), RIM).numpy()
    return np.concatenate([hole, draw_landmarks(points), silhouettes], 1).astype(np.float32)


@lru_cache(maxsize=2)
def load_portrait_generator(weights: Path = WEIGHTS) -> GeneratorNetwork:
    """The trained generator, frozen."""
    return load_weights(partial(head_generator, SHAPE_CHANNELS), weights, FORMAT)
