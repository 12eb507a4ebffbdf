"""Learning from a larger network: what a teacher sees in every crop, as targets of a network with fewer numbers.

A teacher that has not learnt the training people by heart in clothes of other colours says honestly how alike they
look, which names alone do not say (Hinton et al., 2015).  Its features are asked for once and kept by content; the
pupil sees the same people occluded, shifted, in another light and before other walls, and must say the same.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import torch
import torch.nn.functional as F  # noqa: N812
from numpy.typing import NDArray
from torch import Tensor

from mot_anon.vision.cache import kept

_BATCH = 64


class Teacher(Protocol):
    """Crops in, features out."""

    fingerprint: str
    """Says everything that the features depend on besides pixels; part of the cache's key."""

    def __call__(self, pixels: NDArray[np.uint8]) -> NDArray[np.float32]:
        """(N, 160, 80, 3) uint8 BGR → (N, D) float32."""
        ...


@dataclass(frozen=True)
class Lessons:
    """What a teacher sees in crops.

    Attributes
    ----------
    features:
        (M, size) float32 of unit length, one row a crop.
    centres:
        (classes, size) float32 of unit length: the mean of everybody's features, over both cameras.
    labels:
        (M,) int64: who it is, as a row of ``centres``.
    """

    features: Tensor
    centres: Tensor
    labels: Tensor

    def targets(self, rows: Tensor) -> Tensor:
        """(N, size) of unit length: half what the teacher sees in the crop, half what it sees of the person at all."""
        return F.normalize(self.features[rows] + self.centres[self.labels[rows]])

    def losses(self, embeddings: Tensor, rows: Tensor, scale: float, smoothing: float) -> tuple[Tensor, Tensor]:
        """How unlike embeddings (N, size) are to what the teacher sees in the crops ``rows``.

        Returns
        -------
        The cross entropy of how alike the pupil finds a crop to everybody, where the teacher's answer is right to
        ``smoothing`` and the person's name to the rest; and one less the cosine to the targets.
        """
        with torch.no_grad():
            alike = F.softmax(scale * self.targets(rows) @ self.centres.T, 1)
            named = F.one_hot(self.labels[rows], len(self.centres)).float()
            answers = named + smoothing * (alike - named)
        embeddings = F.normalize(embeddings)
        guess = F.log_softmax(scale * embeddings @ self.centres.T, 1)
        return -(answers * guess).sum(1).mean(), 1 - (embeddings * self.targets(rows)).sum(1).mean()


def take_lessons(teacher: Teacher, pixels: NDArray[np.uint8], labels: NDArray[np.int64], size: int) -> Lessons:
    """Ask a teacher for crops (M, 160, 80, 3) uint8 BGR of people ``labels`` (M,); features become ``size`` numbers."""

    def compute() -> NDArray[np.float16]:
        asked = [teacher(pixels[start : start + _BATCH]) for start in range(0, len(pixels), _BATCH)]
        return reduced(torch.from_numpy(np.concatenate(asked)), size).numpy().astype(np.float16)

    shown = hashlib.sha256(pixels.tobytes()).hexdigest()
    found = torch.from_numpy(kept(f"lessons 1 {teacher.fingerprint} {size} {shown}", compute)).float()
    features, who = F.normalize(found), torch.from_numpy(labels)
    centres = torch.zeros(int(who.max()) + 1, size).index_add_(0, who, features)
    return Lessons(features, F.normalize(centres), who)


def reduced(features: Tensor, size: int) -> Tensor:
    """Features (M, D) → (M, size) of unit length whose cosines are as near to theirs as so few numbers allow.

    The principal directions, turned at random: otherwise the first of them would vary far more than the last, and
    a network that begins with all its numbers alike would have to learn that first.
    """
    features = F.normalize(features)
    _, directions = torch.linalg.eigh((features.T @ features).double())
    best = directions[:, -size:].float()
    turn, _ = torch.linalg.qr(torch.randn(size, size, generator=torch.Generator().manual_seed(0)))
    return F.normalize(features @ best @ turn[: best.shape[1]])
