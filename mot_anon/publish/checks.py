"""What is refused before anything is computed or written."""

from __future__ import annotations

import os
from collections.abc import Iterable
from collections.abc import Sequence as Rows
from pathlib import Path

from mot_anon.data.sequence import Sequence, camera_of
from mot_anon.errors import AmbiguousError, FrameError, NotFoundError, OptionError, OutputError
from mot_anon.methods.base import TARGETS, Method, make_method
from mot_anon.plan.identities import POLICIES
from mot_anon.plan.overrides import require_known
from mot_anon.publish.analyse import Coverage
from mot_anon.publish.settings import BOX, SHAPES, SILHOUETTE
from mot_anon.vision.detect import make_detector
from mot_anon.vision.face_detectors import make_face_detector


def checked_method(name: str, strength: int | None, target: str, shape: str | None = None, *, control: bool) -> Method:
    """The method, where it exists, can do the target and the shape, and was asked for if it protects nobody.

    Raises
    ------
    OptionError
        See above.
    """
    if target not in TARGETS:
        raise OptionError(f"no target {target!r}; there is: {', '.join(TARGETS)}")
    method = make_method(name, strength, target)
    if target not in method.targets:
        raise OptionError(f"method {name} cannot do target {target}; it does {', '.join(sorted(method.targets))}")
    if method.control and not control:
        raise OptionError(f"method {name} protects nobody and is there to compare with; add --control to publish it")
    if shape is not None:
        _check_shape(method, target, shape)
    return method


def _check_shape(method: Method, target: str, shape: str) -> None:
    if shape not in SHAPES:
        raise OptionError(f"no shape {shape!r}; there is: {', '.join(SHAPES)}")
    if target == "face" and shape == SILHOUETTE:
        raise OptionError("--shape silhouette is for bodies; target face covers heads")
    if shape == BOX and method.wants_silhouettes:
        raise OptionError(f"method {method.name} draws silhouettes, and has no --shape box")


def check_options(policy: str, workers: int | None) -> None:
    """Raise :class:`OptionError` where there is no such identity policy, or no worker to do anything."""
    if workers is not None and workers < 1:
        raise OptionError(f"--workers {workers}: at least one has to work")
    if policy not in POLICIES:
        raise OptionError(f"no policy {policy!r}; there is: {', '.join(POLICIES)}")


def check_coverage(coverage: Coverage, sequences: Iterable[Sequence]) -> None:
    """Raise where a detector is not there, or a line of ``--regions`` names a sequence nobody knows.

    Known are the sequences at hand and those that lie beside them, so that one file serves a whole data set.
    """
    if coverage.detector is not None:
        make_detector(coverage.detector)
    make_face_detector(coverage.faces)
    if coverage.overrides and coverage.overrides_path is not None:
        sequences = list(sequences)
        places = {sequence.path.parent for sequence in sequences}
        names = {sequence.name for sequence in sequences} | {f.name for p in places for f in p.iterdir() if f.is_dir()}
        names |= set(map(camera_of, names)) | {sequence.camera for sequence in sequences}
        require_known(coverage.overrides, names, path=coverage.overrides_path)


def check_sequences(sequences: Rows[Sequence]) -> None:
    """Raise where there is nothing to publish, a name stands there twice, or labels do not parse."""
    if not sequences:
        raise OptionError("no sequence to publish")
    places: dict[str, Path] = {}
    for sequence in sequences:
        if sequence.name in places:
            raise AmbiguousError(f"{sequence.name} stands in {places[sequence.name]} and {sequence.path}; give one")
        places[sequence.name] = sequence.path
        kinds = sorted({frame.suffix.lower() for frame in sequence.require_frames().frames})
        if len(kinds) > 1:
            raise FrameError(f"{sequence.path}: frames are {' and '.join(kinds)}; seqinfo.ini can name one imExt only")
        sequence.gt()
        if sequence.det_path is not None:
            sequence.detections()


def read_attribution(path: Path | None) -> bytes | None:
    """The licence text to publish with the frames, as it stands."""
    if path is None:
        return None
    try:
        return path.read_bytes()
    except OSError as error:
        raise NotFoundError(f"{path}: attribution cannot be read ({error.strerror})") from None


def check_apart(out: Path, sequences: Iterable[Sequence], others: Iterable[Path | None]) -> None:
    """Raise :class:`OutputError` where the output is, contains or lies in an input, also by way of links."""
    place = out.resolve()
    for sequence in sequences:
        parts = {sequence.path, *(frame.parent for frame in sequence.frames)}
        for part in {path.resolve() for path in parts}:
            if place == part or place in part.parents or part in place.parents:
                raise OutputError(f"{out}: is, contains or lies in the input {sequence.path}; choose another --out")
    for path in others:
        if path is not None and (place == path.resolve() or place in path.resolve().parents):
            raise OutputError(f"{out}: contains {path.name}, which is read; choose another --out")


def check_free(out: Path, *, overwrite: bool, record: str) -> None:
    """Raise :class:`OutputError` where something is there that is not to be replaced.

    ``--overwrite`` replaces what mot_anon published (a folder with ``record`` in it) and empty folders, and nothing
    else: a slip of the finger must not cost anybody a home folder.
    """
    if not os.path.lexists(out):
        return
    if not overwrite:
        raise OutputError(f"{out}: is there already; choose another --out, or replace it with --overwrite")
    if not out.is_dir() or ((out / record).is_file() is False and any(out.iterdir())):
        raise OutputError(f"{out}: was not published by mot_anon (it has no {record}); move it away yourself")
