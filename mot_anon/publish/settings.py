"""What a run is asked for and what it gives back."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from mot_anon import __version__
from mot_anon.methods.base import Method, default_method
from mot_anon.publish.analyse import Coverage
from mot_anon.publish.recordings import Recording
from mot_anon.vision.face_detectors import chosen_detector

BOX, SILHOUETTE = "box", "silhouette"
SHAPES = (BOX, SILHOUETTE)


@dataclass(frozen=True)
class Settings:
    """How sequences are published.

    Attributes
    ----------
    method, strength:
        How a region is replaced (empty: as :func:`~mot_anon.methods.base.default_method` says for the target), and how
        strongly (None: the method's default).
    target:
        ``body``, ``face`` or ``both``.
    shape:
        What of a body is covered: ``box``, or ``silhouette`` where the parser is sure and the box elsewhere.  None: as
        the method has it, which is the box unless it draws people.
    policy:
        Which identity a track gets.
    coverage:
        Where candidates come from.
    permute_ids:
        Ground-truth ids get a keyed permutation per camera.
    attribution:
        The source's licence text, to be published too.
    overwrite:
        Replace an output of mot_anon that is there already.
    control:
        The user asked for a method that protects nobody (none, recolor, grey).
    workers:
        Processes; None for as many as there are cores.  The bytes do not depend on it.
    """

    method: str = ""
    strength: int | None = None
    target: str = "body"
    shape: str | None = None
    policy: str = "pseudonym"
    coverage: Coverage = field(default_factory=Coverage)
    permute_ids: bool = False
    attribution: Path | None = None
    overwrite: bool = False
    control: bool = False
    workers: int | None = None

    def __post_init__(self) -> None:
        if not self.method:
            object.__setattr__(self, "method", default_method(self.target))


@dataclass(frozen=True)
class Published:
    """A finished tree.

    Attributes
    ----------
    tree:
        Where it is.
    record:
        What its ``anonymization.json`` says.
    sequences:
        Names of its sequences.
    unknown:
        Files of the input that are not part of the format and were not copied.
    hidden:
        Sequence → id as published → frames in which that person is not painted, since nothing of them can be seen.
    warnings:
        What whoever publishes it must know.
    """

    tree: Path
    record: dict[str, Any]
    sequences: tuple[str, ...]
    unknown: tuple[Path, ...]
    hidden: dict[str, dict[str, list[int]]]
    warnings: tuple[str, ...]


def parameters_of(method: Method, shape: str | None) -> dict[str, float | int | str]:
    """What distinguishes how people were replaced from the same method with other settings; may be published."""
    chosen = shape == SILHOUETTE and not method.wants_silhouettes
    return method.parameters() | ({"shape": SILHOUETTE} if chosen else {})


def request_of(
    recordings: list[Recording], settings: Settings, method: Method, attribution: bytes | None
) -> dict[str, Any]:
    """What a run is about, by part: two runs that agree in all of it and in the key write the same bytes."""
    coverage = settings.coverage
    inputs = [
        [
            *(view.name, view.camera, view.n_frames, view.width, view.height, view.fps, view.partial),
            *map(_digest, (view.gt_path, view.det_path)),
            *recording.digests,
            *(path.name for path in view.frames),
        ]
        for recording in recordings
        for view in recording.views
    ]
    by_hand = [(o.sequence, o.frame, o.action, o.track, o.box) for o in coverage.overrides]
    return {
        "version of mot_anon": __version__,
        "inputs": hashlib.sha256(json.dumps(inputs).encode()).hexdigest(),
        "method": [method.name, method.parameters()],
        "target": settings.target,
        "shape": SILHOUETTE if settings.shape == SILHOUETTE or method.wants_silhouettes else BOX,
        "policy": settings.policy,
        "coverage": [coverage.detector, coverage.least_confidence, by_hand],
        "faces": None if settings.target == "body" else chosen_detector(coverage.faces),
        "permutation of ids": settings.permute_ids,
        "attribution": None if attribution is None else hashlib.sha256(attribution).hexdigest(),
    }


def _digest(path: Path | None) -> str | None:
    return None if path is None else hashlib.sha256(path.read_bytes()).hexdigest()
