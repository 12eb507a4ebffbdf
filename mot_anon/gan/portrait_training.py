"""Training of the generator of portraits (``mot-anon train portraits``), on faces and on the shoulders of pedestrians.

As for heads; but here landmarks say how a face is turned, and nobody knows whose shoulders a head will stand on.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from torch import Tensor

from mot_anon.errors import NotFoundError
from mot_anon.gan import portraits as networks
from mot_anon.gan.head_cast import HeadCast, HeadPlaces, HeadSource
from mot_anon.gan.head_training import HeadConfig, HeadLearner
from mot_anon.gan.portrait_cast import PortraitCast
from mot_anon.vision.bodies import load_bodies
from mot_anon.vision.face_data import load_faces
from mot_anon.vision.training import Log, make_accelerator, train

_HEAD = 0.25  # of a silhouette, from which a cell may be the head's


@dataclass(frozen=True)
class PortraitConfig(HeadConfig):
    """Settings of :class:`~mot_anon.gan.head_training.HeadConfig`; ``unread`` is the share without an outline.

    Attributes
    ----------
    bodies:
        Folder of pedestrian crops, on whose shoulders heads stand.  Empty: ``bodies`` beside the faces.
    """

    steps: int = 1800
    narrow: float = 0.006
    bodies: str = ""


class PortraitLearner(HeadLearner):
    """Generator and encoder of portraits."""

    config: PortraitConfig
    channels, weights_format = networks.SHAPE_CHANNELS, networks.FORMAT
    nearer = 0.8

    def source(self, data: Path, split: str, parser: Path | None) -> HeadSource:
        """The portraits of a split of ``data`` (faces), and shoulders of the same split of bodies."""
        bodies = Path(self.config.bodies) if self.config.bodies else data.absolute().parent / "bodies"
        if not bodies.is_dir():
            raise NotFoundError(f"{bodies}: not there; name the folder of pedestrian crops with --set bodies=DIR")
        return PortraitCast(load_faces(data, (split,)), HeadCast(load_bodies(bodies, split), parser))

    @staticmethod
    def beyond(places: HeadPlaces) -> Tensor:
        """Where nobody knows what was there, and by the silhouette it was not the head."""
        return places.hole * (1 - places.seen) * (places.shape[:, 2:] < _HEAD)


def train_portraits(
    config: PortraitConfig, data: Path, out: Path, log: Log = print, *, samples: Path | None = None
) -> Path:
    """Train on the train splits of ``data`` (faces) and of bodies; write ``out``; resumes by itself.

    Sample sheets go to the folder ``samples``; they show real people.

    Raises
    ------
    NotFoundError
        There are no faces, or no bodies.
    """
    accelerator = make_accelerator()
    return train(PortraitLearner(config, data, accelerator, samples=samples), config, accelerator, out, log)
