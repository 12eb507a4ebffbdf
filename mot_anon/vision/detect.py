"""People detectors by name: OpenCV's HOG, torchvision's models, and boxes from files."""

from __future__ import annotations

import socket
from functools import lru_cache
from importlib.metadata import entry_points, version
from typing import Any, Protocol, runtime_checkable

import cv2
import numpy as np
from numpy.typing import NDArray

from mot_anon.data.frames import Frame
from mot_anon.errors import NotFoundError, OptionError

_PATIENCE = 20.0  # seconds
_NARROWEST = 32  # columns: a window's width but for its padding; with fewer OpenCV reads and writes beyond memory
Detections = NDArray[np.float64]
"""(N, 5): x, y, w, h in pixels of the frame, and score."""


@runtime_checkable
class Detector(Protocol):
    """A frame in, boxes of people out."""

    fingerprint: str
    """Says everything that the boxes depend on besides pixels; part of the cache's key."""

    def __call__(self, frame: Frame, index: int) -> Detections:
        """Frame (H, W, 3) uint8 BGR and its 1-based index → (N, 5) float64 x, y, w, h, score."""
        ...


class HogDetector:
    """OpenCV's HOG people detector (Dalal & Triggs, CVPR 2005), set up to be usable.

    Its 64×128 window has a margin round the person, so boxes are shrunk to 0.75 of the width and 0.85 of the height;
    it wants people of 128–400 px, so frames are scaled to about 650–720 rows; suppression is our own at IoU 0.5,
    since OpenCV's grouping loses people who stand together.  Frames are padded for people at the rim.  Sizes 8 % apart
    take two thirds of the time of OpenCV's 5 %; on the demo they find 86 % of people in place of 89, with a sixth fewer
    false alarms.

    Parameters
    ----------
    threshold:
        Least distance to the SVM's plane.
    """

    ROWS = 648
    """Rows that a frame is scaled to: 640×480 × 1.35, 960×540 × 1.2, 1080p × 0.6."""

    def __init__(self, threshold: float = 0.4) -> None:
        self._threshold = threshold
        self.fingerprint = f"hog-4-{threshold:g}-{self.ROWS}-opencv-{cv2.__version__}"

    def __call__(self, frame: Frame, index: int) -> Detections:
        """Boxes (N, 5) of one frame, best first."""
        scale = self.ROWS / frame.shape[0]
        size = (round(frame.shape[1] * scale), self.ROWS)
        if size[0] < _NARROWEST:
            return np.zeros((0, 5))
        small = cv2.resize(frame, size, interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR)
        boxes, scores = _hog().detectMultiScale(
            small, hitThreshold=self._threshold, winStride=(8, 8), padding=(16, 16), scale=1.08, groupThreshold=0
        )
        if len(boxes) == 0:
            return np.zeros((0, 5))
        x, y, w, h = np.asarray(boxes, np.float64).T / scale
        found = np.stack([x + 0.125 * w, y + 0.075 * h, 0.75 * w, 0.85 * h, np.asarray(scores).reshape(-1)], 1)
        # OpenCV's threads hand their windows back in any order.
        return suppress(found[np.lexsort(found.T)])


class TorchvisionDetector:
    """A detection model of torchvision with its default weights, from torchvision's own cache.

    Parameters
    ----------
    name:
        For example ``fasterrcnn_mobilenet_v3_large_fpn``.
    threshold:
        Least probability.
    """

    PERSON = 1  # COCO's label

    def __init__(self, name: str, threshold: float = 0.5) -> None:
        self._name = name
        self._threshold = threshold
        _torchvision_model(name)
        self.fingerprint = f"torchvision-2-{name}-{threshold:g}-{version('torchvision')}"

    def __call__(self, frame: Frame, index: int) -> Detections:
        """Boxes (N, 5) of one frame, best first; score is a probability."""
        import torch

        pixels = torch.from_numpy(np.ascontiguousarray(frame[..., ::-1])).permute(2, 0, 1).float().div(255)
        with torch.inference_mode():
            output = _torchvision_model(self._name)([pixels])[0]
        people = (output["labels"] == self.PERSON) & (output["scores"] >= self._threshold)
        boxes, scores = output["boxes"][people].double().numpy(), output["scores"][people].double().numpy()
        return np.concatenate([boxes[:, :2], boxes[:, 2:] - boxes[:, :2], scores[:, None]], 1)


def make_detector(name: str) -> Detector:
    """A detector by name: ``hog``, ``torchvision:MODEL`` or one of an installed plug-in (``mot_anon.detectors``).

    Raises
    ------
    OptionError
        No detector of that name.
    NotFoundError
        Weights that are neither in torchvision's cache nor to be downloaded.
    """
    if name == "hog":
        return HogDetector()
    if name.startswith("torchvision:"):
        return TorchvisionDetector(name.partition(":")[2])
    plug_ins = {point.name: point for point in entry_points(group="mot_anon.detectors")}
    if name in plug_ins:
        made: Detector = plug_ins[name].load()()
        return made
    raise OptionError(f"no detector {name!r}; there is: {', '.join(['hog', 'torchvision:MODEL', *plug_ins])}")


def suppress(found: Detections, overlap: float = 0.5) -> Detections:
    """Greedy non-maximum suppression at IoU ``overlap``, best first; ties keep the order given."""
    rest = found[np.argsort(-found[:, 4], kind="stable")]
    kept = []
    while len(rest):
        best, rest = rest[0], rest[1:]
        kept.append(best)
        x1, y1 = np.maximum(best[:2], rest[:, :2]).T
        x2, y2 = np.minimum(best[:2] + best[2:4], rest[:, :2] + rest[:, 2:4]).T
        shared = np.clip(x2 - x1, 0, None) * np.clip(y2 - y1, 0, None)
        rest = rest[shared <= overlap * (best[2] * best[3] + rest[:, 2] * rest[:, 3] - shared)]
    return np.array(kept).reshape(-1, 5)


@lru_cache(maxsize=1)
def _hog() -> Any:
    if not hasattr(cv2, "HOGDescriptor"):
        raise NotFoundError("this OpenCV has no HOG detector; install opencv-python>=4.8,<5")
    hog = cv2.HOGDescriptor()
    hog.setSVMDetector(cv2.HOGDescriptor_getDefaultPeopleDetector())  # type: ignore[attr-defined]
    return hog


@lru_cache(maxsize=2)
def _torchvision_model(name: str) -> Any:
    from torchvision.models import detection, get_model, list_models

    known = list_models(module=detection)
    if name not in known:
        raise OptionError(f"no torchvision detection model {name!r}; there is: {', '.join(known)}")
    patience = socket.getdefaulttimeout()
    try:
        socket.setdefaulttimeout(_PATIENCE)  # by default a network that swallows packets is waited for, for minutes
        return get_model(name, weights="DEFAULT").eval()
    except (OSError, RuntimeError) as error:
        reason = str(error).splitlines()[0]
        raise NotFoundError(
            f"weights of torchvision's {name} are not in its cache and cannot be downloaded ({reason}); "
            "put them there (see TORCH_HOME) or use --detections public,hog"
        ) from None
    finally:
        socket.setdefaulttimeout(patience)
