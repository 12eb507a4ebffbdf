"""Recordings: what a camera filmed, in whichever views a data set has of it."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from mot_anon.data.frames import frame_info
from mot_anon.data.sequence import Sequence, camera_of
from mot_anon.errors import FrameError
from mot_anon.vision.cache import Tick


@dataclass(frozen=True)
class Recording:
    """Sequences that show the very same frames (views of one camera): rendered once, written for each.

    Attributes
    ----------
    name:
        The views' name without the detector's, whichever of them were selected; tracks are named after it, so that a
        person's code does not depend on the selection.  Where ``--cameras`` joins sequences of other names that show
        the same frames, it is the first in the order of the alphabet.
    camera:
        What the identity policies go by.
    digests:
        SHA-256 (hex) of every frame.
    """

    name: str
    camera: str
    views: tuple[Sequence, ...]
    digests: tuple[str, ...]

    @property
    def first(self) -> Sequence:
        """The view whose frames are read."""
        return self.views[0]

    def meant(self, name: str) -> bool:
        """Whether a line of ``--regions`` that names a sequence or a camera is about this recording."""
        return meant(name, self.camera, [view.name for view in self.views])


def meant(name: str, camera: str, views: Iterable[str]) -> bool:
    """Whether a name is that of a camera, of one of its views, or of a view of the same frames that is not at hand."""
    return name == camera or camera_of(name) in set(map(camera_of, views))


def recordings_of(sequences: Iterable[Sequence], progress: Callable[[str, int], Tick]) -> list[Recording]:
    """Group sequences by camera and identical frames, in the order in which they first appear.

    Every frame's bytes and header are read on the way.  Raises :class:`FrameError` for a frame that is missing, is no
    image or has another size than its sequence.
    """
    groups: dict[tuple[str, tuple[str, ...]], list[Sequence]] = {}
    for sequence in sequences:
        sequence.require_frames()
        tick = progress(f"read {sequence.name}", sequence.n_frames)
        groups.setdefault((sequence.camera, _digests(sequence, tick)), []).append(sequence)
    return [
        Recording(min(camera_of(view.name) for view in views), camera, tuple(views), digests)
        for (camera, digests), views in groups.items()
    ]


def _digests(sequence: Sequence, tick: Tick) -> tuple[str, ...]:
    digests = []
    for path in sequence.frames:
        try:
            data = path.read_bytes()
        except OSError as error:
            raise FrameError(f"{path}: cannot be read ({error.strerror})") from None
        info = frame_info(path, data)
        if (info.width, info.height) != (sequence.width, sequence.height):
            raise FrameError(
                f"{path}: {info.width}×{info.height} pixels in a sequence of {sequence.width}×{sequence.height}"
            )
        digests.append(hashlib.sha256(data).hexdigest())
        tick()
    return tuple(digests)
