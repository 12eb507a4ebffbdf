"""Settings of the generator's training (``mot-anon train generator``)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from mot_anon.vision.training import TrainingConfig


@dataclass(frozen=True)
class GeneratorConfig(TrainingConfig):
    """Settings of the generator's training.

    Attributes
    ----------
    batch:
        Places a step; each is drawn twice.
    critic_rate:
        Learning rate of the discriminator.
    identity_guidance:
        ``siamese`` (the paper's), ``classification`` (its ablation: name the training person) or ``none``.
    input:
        ``silhouette``: the person is erased from what the generator sees; ``person``: they are not (an ablation).
    unknown, dressed, misread:
        Share of the second half that asks for nobody who exists; of places where people wear other clothes than their
        own; of shapes as the parser reads them.
    onlooker:
        ``imagenet``: a second critic looks through a network that learnt on ImageNet; ``none``: it does not.
    reconstruction, features, likeness, guidance:
        Weights of losses beside the adversarial one: of pixels, of what the identity network sees, of what the second
        critic looks through, of who it is.
    gain:
        What critics' scores are multiplied by.  With spectral normalisation they are so small that no hinge ever
        closes, and whatever else is asked for weighs more than looking real.
    margin:
        Of :func:`~mot_anon.gan.losses.siamese_loss`.
    decay:
        Share of the run, at its end, over which the learning rates fall to nothing.
    """

    choices: ClassVar[dict[str, tuple[str, ...]]] = {
        "identity_guidance": ("siamese", "classification", "none"),
        "input": ("silhouette", "person"),
        "onlooker": ("imagenet", "none"),
    }

    steps: int = 4600
    batch: int = 16
    save_every: int = 200
    learning_rate: float = 2e-4
    critic_rate: float = 4e-4
    identity_guidance: str = "siamese"
    input: str = "silhouette"
    onlooker: str = "imagenet"
    unknown: float = 0.4
    dressed: float = 0.4
    misread: float = 0.5
    reconstruction: float = 8.0
    features: float = 4.0
    likeness: float = 1.0
    guidance: float = 2.0
    gain: float = 4.0
    margin: float = 0.2
    decay: float = 0.35
