"""Who a face is, and whether there is one, asked of networks that no generator was trained against.

Beside our own (``weights/face-embedder.md``) there is dlib's, of the extra ``face-eval``.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F  # noqa: N812
from numpy.typing import NDArray

from mot_anon.errors import MissingExtraError
from mot_anon.gan.faces import cut_windows, embed_windows, load_face_embedder, window_affine

Picture = NDArray[np.uint8]
Judge = Callable[[Picture, NDArray[np.float32]], NDArray[np.float32]]
"""Pictures (N, H, W, 3) uint8 BGR of the same size and their landmarks (N, 68, 2), as fractions, → embeddings
(N, D) float32 of unit length.  The landmarks are the originals': they say where to look, not what is there."""
_MODEL = "dlib_face_recognition_resnet_model_v1.dat"


def proxy_nca(pictures: Picture, landmarks: NDArray[np.float32]) -> NDArray[np.float32]:
    """Our own network (:data:`Judge`)."""
    found = []
    for rows in np.array_split(np.arange(len(pictures)), max(1, len(pictures) // 256)):
        windows = cut_windows(pictures[rows], window_affine(landmarks[rows]))
        found.append(F.normalize(embed_windows(load_face_embedder(), windows)))
    return np.asarray(torch.cat(found).numpy(), np.float32)


def dlib_embeddings(pictures: Picture, landmarks: NDArray[np.float32]) -> NDArray[np.float32]:
    """dlib's network (:data:`Judge`), a ResNet trained on three million faces.

    Its embeddings have no unit length by themselves; distances between raw ones and between these sort alike.

    Raises
    ------
    MissingExtraError
        The extra ``face-eval`` is not installed.
    """
    dlib, network = _dlib_network()
    found = np.zeros((len(pictures), 128), np.float32)
    for row, (picture, points) in enumerate(zip(pictures, landmarks, strict=True)):
        height, width = picture.shape[:2]
        places = np.rint(points * (width, height)).astype(int)
        (x1, y1), (x2, y2) = places.min(0).tolist(), places.max(0).tolist()
        shape = dlib.full_object_detection(dlib.rectangle(x1, y1, x2, y2), [dlib.point(*p) for p in places.tolist()])
        found[row] = network.compute_face_descriptor(np.ascontiguousarray(picture[..., ::-1]), shape)
    return found / np.linalg.norm(found, axis=1, keepdims=True).clip(1e-6)


JUDGES: dict[str, Judge] = {"own": proxy_nca, "dlib": dlib_embeddings}
"""By name."""


def available() -> tuple[str, ...]:
    """The judges that are installed, the best last."""
    there = find_spec("dlib") is not None and find_spec("face_recognition_models") is not None
    return ("own", "dlib") if there else ("own",)


def found_by_dlib(picture: Picture) -> bool:
    """Whether dlib's detector of faces from the front (HOG) finds one in a picture (H, W, 3), seen at twice its size.

    Raises
    ------
    MissingExtraError
        The extra ``face-eval`` is not installed.
    """
    return len(_dlib_detector()(np.ascontiguousarray(picture[..., ::-1]), 1)) > 0


@lru_cache(maxsize=1)
def _dlib_detector() -> Any:
    return _dlib().get_frontal_face_detector()


@lru_cache(maxsize=1)
def _dlib_network() -> tuple[Any, Any]:
    dlib = _dlib()
    # The package of the weights imports pkg_resources, which newer setuptools have not: only its folder is wanted.
    spec = find_spec("face_recognition_models")
    folders = list(spec.submodule_search_locations or []) if spec else []
    if not folders:
        raise _missing()
    return dlib, dlib.face_recognition_model_v1(str(Path(folders[0]) / "models" / _MODEL))


def _dlib() -> Any:
    try:
        import dlib
    except ImportError:
        raise _missing() from None
    return dlib


def _missing() -> MissingExtraError:
    return MissingExtraError("dlib's networks need the extra 'face-eval': pip install \"mot_anon[face-eval]\"")
