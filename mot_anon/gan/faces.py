"""Faces of people who do not exist: the body's networks at 64×64, told where a face is by landmarks.

Most pictures to learn from are grey and few people are there in colour, so who somebody is must not be a matter of
colour: the identity network sees none, and the colour of a face comes from what is round it.
"""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from mot_anon.gan.identity import EMBEDDING_SIZE, IdentityNetwork
from mot_anon.gan.networks import DiscriminatorNetwork, GeneratorNetwork, draw_windows
from mot_anon.vision import augment
from mot_anon.vision.landmarks import face_windows
from mot_anon.vision.weights import content_digest, load_weights, reduced_precision

SIZE = (64, 64)
"""Height and width of a window (:func:`mot_anon.vision.landmarks.face_windows`)."""
SHAPE_CHANNELS = 2
"""Hole, and landmarks as lines."""
_WEIGHTS = Path(__file__).resolve().parent.parent / "weights"
GENERATOR_WEIGHTS, GENERATOR_FORMAT = _WEIGHTS / "face-generator.safetensors", "mot_anon face generator 2"
IDENTITY_WEIGHTS, IDENTITY_FORMAT = _WEIGHTS / "face-identity.safetensors", "mot_anon face identity 2"
EMBEDDER_WEIGHTS, EMBEDDER_FORMAT = _WEIGHTS / "face-embedder.safetensors", "mot_anon face embedder 2"

Pixels = NDArray[np.float32]


def face_generator() -> GeneratorNetwork:
    """Background, hole and landmarks, and code in, face out: 2.1 M parameters."""
    return GeneratorNetwork(SHAPE_CHANNELS, (24, 64, 96, 160, 160))


def face_critics() -> dict[str, DiscriminatorNetwork]:
    """One that asks whether the asked-for person is there, in grey; one for colour, which asks nothing of the kind."""
    return {
        "critic": DiscriminatorNetwork(1 + SHAPE_CHANNELS, (64, 128, 256)),
        "tints": DiscriminatorNetwork(3 + SHAPE_CHANNELS, (32, 64, 128), asks=False),
    }


def face_identity() -> IdentityNetwork:
    """Who a face is: blind to colour."""
    return IdentityNetwork((32, 32, 64, 128, 192), grid=(4, 4), grey=True)


def face_embedder() -> IdentityNetwork:
    """The same question to a network that no generator was trained against: another shape, and it sees colour."""
    return IdentityNetwork((32, 48, 96, 160, 224), grid=(2, 2))


class FaceGenerator:
    """The generator (``weights/face-generator.md`` is the model card).  Pure: the same input gives the same pixels."""

    def __init__(self, weights: Path = GENERATOR_WEIGHTS) -> None:
        self._network = load_face_generator(weights)
        self.fingerprint = f"face-generator-1-{content_digest(weights)}"

    def __call__(self, surroundings: Pixels, landmarks: Pixels, holes: Pixels, codes: Pixels) -> Pixels:
        """Draw a face into each of N windows.

        Parameters
        ----------
        surroundings:
            (N, 64, 64, 3) RGB in 0…1: the windows with their holes filled from round about.
        landmarks, holes:
            (N, 64, 64) in 0…1: :func:`~mot_anon.vision.landmarks.draw_landmarks` and
            :func:`~mot_anon.vision.landmarks.draw_holes`.
        codes:
            (N, 24): identity codes; their length does not matter.

        Returns
        -------
        (N, 64, 64, 3) float32 RGB in 0…1, meant to be laid over the surroundings with the holes as opacity.
        """
        shapes = np.stack([holes, landmarks], 1)
        return draw_windows(self._network, surroundings, shapes, codes, channels=SHAPE_CHANNELS, size=SIZE)


def window_affine(landmarks: NDArray[np.float32]) -> Tensor:
    """(N, 2, 3) for :func:`~mot_anon.vision.augment.warp`: from pictures to the windows round their landmarks."""
    windows = torch.from_numpy(face_windows(landmarks)).float()
    theta = torch.zeros(len(windows), 2, 3)
    theta[:, 0, 0] = theta[:, 1, 1] = windows[:, 2] - windows[:, 0]
    theta[:, :, 2] = windows[:, :2] + windows[:, 2:] - 1
    return theta


def varied(theta: Tensor, change: Tensor) -> Tensor:
    """``change`` (N, 2, 3) to what is seen, before ``theta`` (N, 2, 3)."""
    scale = theta[:, :, :2]
    return torch.cat([scale @ change[:, :, :2], scale @ change[:, :, 2:] + theta[:, :, 2:]], 2)


def cut_windows(pixels: NDArray[np.uint8], theta: Tensor, *, outside: str = "border") -> Tensor:
    """Pictures (N, H, W, 3) uint8 BGR → windows (N, 3, 64, 64) in −1…1, as sharp as they come."""
    twice = augment.warp(augment.to_images(pixels), theta, (2 * SIZE[0], 2 * SIZE[1]), outside=outside)
    return torch.nn.functional.avg_pool2d(twice, 2)


def moved_landmarks(landmarks: NDArray[np.float32], theta: Tensor) -> NDArray[np.float32]:
    """Where (N, 68, 2), fractions of pictures, lie in windows (fractions of those)."""
    points = torch.from_numpy(landmarks) * 2 - 1 - theta[:, None, :, 2]
    there = points @ torch.linalg.inv(theta[:, :, :2]).transpose(1, 2)
    return np.asarray(((there + 1) / 2).numpy(), np.float32)


@torch.inference_mode()
def embed_windows(network: IdentityNetwork, windows: Tensor) -> Tensor:
    """Windows (N, 3, 64, 64) in −1…1 → embeddings (N, 128) float32."""
    device = network.mean.device
    rows = [torch.zeros(0, EMBEDDING_SIZE)]
    for start in range(0, len(windows), 128):
        part = windows[start : start + 128]
        with reduced_precision(device.type):
            rows.append(network(part.contiguous(memory_format=torch.channels_last).to(device)).float().cpu())
    return torch.cat(rows).clone()


@lru_cache(maxsize=2)
def load_face_generator(weights: Path = GENERATOR_WEIGHTS) -> GeneratorNetwork:
    """The trained generator, frozen."""
    return load_weights(face_generator, weights, GENERATOR_FORMAT).to(memory_format=torch.contiguous_format)


@lru_cache(maxsize=2)
def load_face_identity(weights: Path = IDENTITY_WEIGHTS) -> IdentityNetwork:
    """The trained identity network, frozen."""
    return load_weights(face_identity, weights, IDENTITY_FORMAT)


@lru_cache(maxsize=2)
def load_face_embedder(weights: Path = EMBEDDER_WEIGHTS) -> IdentityNetwork:
    """The trained embedder, frozen."""
    return load_weights(face_embedder, weights, EMBEDDER_FORMAT)
