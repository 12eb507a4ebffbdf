"""Who somebody in a picture is, in numbers that a key may turn."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mot_anon.data.frames import Frame
from mot_anon.gan.code_map import fingerprint, normal_codes
from mot_anon.gan.identity import CODE_SIZE, INPUT_SIZE, WEIGHTS, embed, load_identity
from mot_anon.vision.parse import cut_window
from mot_anon.vision.weights import content_digest


class IdentityReader:
    """Codes of people as normal numbers, for ``isometry``, with the weights that ship.

    The model cards are ``weights/identity.md`` and ``weights/codes.md``.
    """

    def __init__(self, weights: Path = WEIGHTS) -> None:
        self._network = load_identity(weights)
        self.fingerprint = f"identity-2-{content_digest(weights)}-{fingerprint()}"

    def __call__(self, frame: Frame, boxes: NDArray[np.float64]) -> NDArray[np.float32]:
        """Frame (H, W, 3) uint8 BGR and boxes (N, 4) xyxy → codes (N, 24) float32; a track's code is their mean."""
        if not len(boxes):
            return np.zeros((0, CODE_SIZE), np.float32)
        return self.read(np.stack([cut_window(frame, box, INPUT_SIZE) for box in boxes]))

    def read(self, crops: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Crops (N, H, W, 3) uint8 BGR → codes (N, 24) float32."""
        return np.asarray(normal_codes(self._network.code(embed(self._network, crops))).numpy(), np.float32)
