"""The attacks and where they are found by name.

An attacker is adaptive: it has this tool, what was published, pictures of other people, and the place and the outline
of whoever it looks for.  It does not have the key.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from importlib.metadata import entry_points
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from mot_anon.errors import OptionError
from mot_anon.measure.privacy.attackers import Attacker, AttackerConfig
from mot_anon.measure.privacy.backbone import AttackerNetwork
from mot_anon.measure.privacy.crops import Crops
from mot_anon.measure.privacy.findings import Found
from mot_anon.measure.privacy.publishing import Publisher
from mot_anon.measure.privacy.retrieval import unit
from mot_anon.vision.training import Log


def _quiet(line: str) -> None:
    return None


@dataclass(frozen=True)
class Tools:
    """What an attacker has.

    Attributes
    ----------
    judge:
        Recognises people; no generator was trained against it.
    network:
        The judge's network, from which attackers that learn start; None starts them from ImageNet.
    others:
        Originals of other people, with whom an attacker can practise; None where it has none.
    publish:
        The tool with the settings of the publication; None where they are not known.
    members:
        Originals of the people whom the generator was trained on.
    parrot, inversion:
        How long attackers learn.
    log:
        Told how training goes.
    """

    judge: Attacker
    network: AttackerNetwork | None = None
    others: Crops | None = None
    publish: Publisher | None = None
    members: Crops | None = None
    parrot: AttackerConfig = field(
        default_factory=lambda: AttackerConfig(steps=600, learning_rate=4e-4, save_every=1000)
    )
    inversion_steps: int = 800
    keys: int = 2
    log: Log = _quiet


class Attack(Protocol):
    """One way to find out who somebody is.

    Attributes
    ----------
    name:
        As on the command line.
    """

    name: str

    def __call__(self, original: Crops, published: Sequence[Crops], rng: np.random.Generator) -> list[Found]:
        """Attack a publication.

        Parameters
        ----------
        original, published:
            The same rows: as they were, and as they were published under one or several keys.
        rng:
            Everything random; the same seed gives the same findings.
        """
        ...


Factory = Callable[[Tools], Attack]


def registry() -> dict[str, Factory]:
    """Attacks by name, those of plug-ins (entry points ``mot_anon.attacks``) last."""
    from mot_anon.measure.privacy import learning, membership, recognition, structure

    built_in: dict[str, Factory] = {
        "recognition": recognition.Recognition,
        "linkage": recognition.Linkage,
        "averaging": recognition.Averaging,
        "two-keys": recognition.TwoPublications,
        "matching": structure.Matching,
        "known-plaintext": structure.KnownPlaintext,
        "membership": membership.Membership,
        "parrot": learning.Parrot,
        "inversion": learning.Inversion,
    }
    return built_in | {point.name: point.load() for point in entry_points(group="mot_anon.attacks")}


def make_attack(name: str, tools: Tools) -> Attack:
    """An attack by name; raises :class:`OptionError` where there is none."""
    known = registry()
    if name not in known:
        raise OptionError(f"no attack {name!r}; there is: {', '.join(known)}")
    return known[name](tools)


def centred(features: NDArray[np.float32], camera: NDArray[np.int64] | None = None) -> NDArray[np.float32]:
    """Unit features less the mean of each camera's, at unit length again.

    Whoever has a whole publication can take away what all pictures of a camera have in common: its light, or being
    blurred.
    """
    rest = unit(features).copy()
    camera = np.zeros(len(rest), np.int64) if camera is None else camera
    for number in np.unique(camera):
        rest[camera == number] -= rest[camera == number].mean(axis=0)
    # What is left of equal rows is rounding, which must not look like a person.
    rest[np.linalg.norm(rest, axis=1) < 1e-4] = 0
    return unit(rest)


def place(crops: Crops) -> str:
    """How :attr:`Crops.across` is said."""
    return {"cameras": "other camera", "times": "other time", "pictures": "other pictures"}[crops.across]


def averaged(crops: Crops) -> str:
    """What :attr:`Crops.tracks` are."""
    return "half of a person's pictures" if crops.across == "pictures" else "a track"
