"""Appearance embeddings of boxes: the shipped re-ID network, and a control that carries no appearance at all."""

from __future__ import annotations

import hashlib
from functools import lru_cache
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

import cv2
import numpy as np
from numpy.typing import NDArray

from mot_anon.data.frames import Frame
from mot_anon.errors import FormatError, NotFoundError

WEIGHTS = Path(__file__).resolve().parent.parent / "weights" / "reid.safetensors"
_BATCH = 64


@runtime_checkable
class Embedder(Protocol):
    """Boxes in, features out."""

    fingerprint: str
    """Says everything that the features depend on besides pixels and boxes; part of the cache's key."""

    def __call__(self, frame: Frame, boxes: NDArray[np.float64]) -> NDArray[np.float32]:
        """Frame (H, W, 3) uint8 BGR and boxes (N, 4) xyxy in pixels → (N, D) float32 of unit length."""
        ...


class OsnetEmbedder:
    """OSNet x0.25 with the weights that ship (``weights/reid.md`` is the model card); 256 features."""

    def __init__(self, weights: Path = WEIGHTS) -> None:
        self._network, _ = load_network(weights)
        self.fingerprint = f"osnet-1-{_digest(weights)}"

    def __call__(self, frame: Frame, boxes: NDArray[np.float64]) -> NDArray[np.float32]:
        """Frame and boxes (N, 4) xyxy → (N, 256) float32 of unit length; a box without pixels sees grey."""
        import torch

        from mot_anon.vision.osnet import FEATURES, INPUT_SIZE, to_input

        rows = [np.zeros((0, FEATURES), np.float32)]
        for start in range(0, len(boxes), _BATCH):
            crops = np.stack([cut(frame, box, INPUT_SIZE) for box in boxes[start : start + _BATCH]])
            with torch.inference_mode():
                features = self._network(to_input(torch.from_numpy(crops)))
                rows.append(torch.nn.functional.normalize(features).numpy())
        return np.concatenate(rows)


class RandomEmbedder:
    """A control: features that know nothing of what the boxes show.

    They are drawn anew for every set of boxes, from the boxes' numbers: frame after frame, and two people of one frame,
    are as unlike as chance makes them, and the same boxes have the same features in every run and in every order.
    """

    def __init__(self, features: int = 256) -> None:
        self._features = features
        self.fingerprint = f"random-2-{features}"

    def __call__(self, frame: Frame | None, boxes: NDArray[np.float64]) -> NDArray[np.float32]:
        """(N, 4) boxes → (N, D) float32 of unit length."""
        seed = hashlib.sha256(np.ascontiguousarray(boxes, np.float64).tobytes()).digest()
        drawn = np.random.default_rng(list(seed)).standard_normal((len(boxes), self._features))
        norm = np.linalg.norm(drawn, axis=1, keepdims=True)
        return (drawn / np.maximum(norm, 1e-12)).astype(np.float32)


def cut(frame: Frame, box: NDArray[np.float64], size: tuple[int, int]) -> NDArray[np.uint8]:
    """The part of ``box`` (x1, y1, x2, y2) that lies inside the frame, resized to ``size`` (height, width)."""
    height, width = frame.shape[:2]
    x1, y1 = max(0, int(np.floor(box[0]))), max(0, int(np.floor(box[1])))
    x2, y2 = min(width, int(np.ceil(box[2]))), min(height, int(np.ceil(box[3])))
    if x2 <= x1 or y2 <= y1:
        return np.full((*size, 3), 127, np.uint8)
    crop = frame[y1:y2, x1:x2]
    shrinks = crop.shape[0] > size[0]
    resized = cv2.resize(crop, (size[1], size[0]), interpolation=cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR)
    return np.asarray(resized, np.uint8)


@lru_cache(maxsize=4)
def load_network(weights: Path = WEIGHTS) -> tuple[Any, dict[str, str]]:
    """The network in evaluation mode and the metadata of its file.

    Raises
    ------
    NotFoundError
        The weights are not there (an incomplete install).
    FormatError
        The file is broken or holds another network.
    """
    import torch
    from safetensors import SafetensorError, safe_open

    from mot_anon.vision.osnet import ReidNetwork

    if not weights.is_file():
        raise NotFoundError(f"{weights}: weights are not there; install mot_anon again")
    try:
        with safe_open(weights, framework="pt") as file:
            metadata = dict(file.metadata() or {})
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 (not a dict)
    except SafetensorError:
        raise FormatError(weights, None, "broken weights; install mot_anon again") from None
    with torch.random.fork_rng(devices=[]):  # building layers draws from torch's global generator
        network = ReidNetwork()
    state = network.state_dict()
    if "gate" not in metadata or tensors.keys() != state.keys():
        raise FormatError(weights, None, "weights of another network; install mot_anon again")
    network.load_state_dict({name: tensors[name].to(state[name].dtype) for name in state})
    network.eval().requires_grad_(False)
    return network.to(memory_format=torch.channels_last), metadata


def save_network(network: Any, out: Path, *, gate: float) -> None:
    """Write ``network`` as float16 safetensors, with the calibrated gate (a cosine distance) in the metadata."""
    import torch
    from safetensors.torch import save_file

    out.parent.mkdir(parents=True, exist_ok=True)
    tensors = {
        name: (value.half() if value.dtype == torch.float32 else value).contiguous()
        for name, value in network.state_dict().items()
    }
    partial = out.with_suffix(".partial")
    save_file(tensors, partial, metadata={"format": "mot_anon reid 1", "gate": f"{gate:.4f}"})
    partial.replace(out)


def calibrated_gate(weights: Path = WEIGHTS) -> float:
    """The cosine distance at which the re-ID tracker stops believing, for the shipped network (from its file)."""
    return float(load_network(weights)[1]["gate"])


def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()[:16]
