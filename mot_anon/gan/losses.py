"""What the generator is told."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor


def critic_loss(real: Sequence[Tensor], fake: Sequence[Tensor]) -> Tensor:
    """The hinge of Lim & Ye (2017), over each kind of score: real ones above 1, fakes below −1."""
    return torch.stack([F.relu(1 - r).mean() + F.relu(1 + f).mean() for r, f in zip(real, fake, strict=True)]).mean()


def adversarial_loss(fake: Sequence[Tensor]) -> Tensor:
    """Fakes shall score high."""
    return -torch.stack([f.mean() for f in fake]).mean()


def siamese_loss(drawn: Tensor, wanted: Tensor, source: Tensor, swapped: Tensor, margin: float) -> Tensor:
    """Contrastive guidance (CIAGAN, section 3.2) on the sphere.

    Parameters
    ----------
    drawn, wanted, source:
        Codes (N, D) of the picture that was made, of a real picture of whom it shall show, of who stood there.
    swapped:
        (N,) in 0…1: where somebody else than the source is wanted; only there the source pushes.
    margin:
        Cosine similarity to the source that is forgiven.
    """
    near = 1 - F.cosine_similarity(drawn, wanted)
    far = F.relu(F.cosine_similarity(drawn, source) - margin)
    return (near + swapped * far).mean()


def apart_loss(drawn: Sequence[Tensor], there: Tensor, margin: float) -> Tensor:
    """Pictures under several codes shall be as unlike each other, and who was ``there``, as people are.

    Parameters
    ----------
    drawn, there:
        Embeddings (N, D) of the same N places, for each code and as they were.
    margin:
        Cosine similarity that is forgiven.
    """
    pairs = itertools.combinations([*drawn, there], 2)
    return torch.stack([F.relu(F.cosine_similarity(a, b) - margin).mean() for a, b in pairs]).mean()


def reconstruction_loss(drawn: Tensor, real: Tensor, where: Tensor) -> Tensor:
    """Mean absolute difference (N, 3, H, W) where ``where`` (N, 1, H, W) is one."""
    return ((drawn - real).abs() * where).sum() / (where.sum() * drawn.shape[1]).clamp_min(1)


def feature_loss(drawn: Sequence[Tensor], real: Sequence[Tensor]) -> Tensor:
    """Mean absolute difference of feature maps, summed over layers."""
    return torch.stack([(d.float() - r.float()).abs().mean() for d, r in zip(drawn, real, strict=True)]).sum()


def likeness_loss(drawn: Sequence[Tensor], real: Sequence[Tensor]) -> Tensor:
    """As :func:`feature_loss`, every layer by how large its maps are."""
    parts = [(d.float() - r.float()).abs().mean() / r.float().abs().mean() for d, r in zip(drawn, real, strict=True)]
    return torch.stack(parts).sum()


def naming_loss(logits: Tensor, person: Tensor) -> Tensor:
    """Cross-entropy of a classifier of training people (N, P), where ``person`` (N,) is one of them and not −1."""
    known = person >= 0
    loss = F.cross_entropy(logits.float(), person.clamp_min(0), reduction="none")
    return (loss * known).sum() / known.sum().clamp_min(1)
