"""A control for identification: real faces of other people, pasted over everybody's own.

Whoever compares whole windows knows people by hair, neck and light, too, and knows less of a window whose face is a
grey patch than of one with any face.  What they find in spite of a stranger's real face is what no drawn one can take
away.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from mot_anon.vision.face_data import Faces
from mot_anon.vision.landmarks import draw_holes

NEAREST = 20
"""Among how many other pictures with the most similar pose one is drawn."""


def swapped(faces: Faces, seed: int = 0) -> NDArray[np.uint8]:
    """Every picture (H, W, 3) with the face of another person of ``faces``, in the light of the one that was there."""
    rng, side = np.random.default_rng(seed), faces.pixels.shape[1]
    shapes = _shapes(faces.landmarks)
    holes = draw_holes(faces.landmarks, (side, side))[:, 0, :, :, None]
    made = []
    for row, (picture, hole) in enumerate(zip(faces.pixels, holes, strict=True)):
        others = np.flatnonzero(faces.person != faces.person[row])
        unlike = ((shapes[others] - shapes[row]) ** 2).sum((1, 2))
        other = rng.choice(others[np.argsort(unlike, kind="stable")[:NEAREST]])
        points = (faces.landmarks[[other, row]] * side).astype(np.float32)
        place, _ = cv2.estimateAffinePartial2D(points[0], points[1], method=cv2.LMEDS)
        face = cv2.warpAffine(faces.pixels[other], place, (side, side), borderMode=cv2.BORDER_REPLICATE)
        was, now = ((pixels * hole).sum((0, 1)).mean() for pixels in (picture, face))
        face = np.clip(face * (was / max(now, 1e-6)), 0, 255)
        made.append(np.rint(face * hole + picture * (1 - hole)).astype(np.uint8))
    return np.stack(made)


def _shapes(landmarks: NDArray[np.float32]) -> NDArray[np.float32]:
    """Landmarks (N, 68, 2) wherever they are, and however large."""
    middle = landmarks - landmarks.mean(1, keepdims=True)
    return np.asarray(middle / np.sqrt((middle**2).sum((1, 2), keepdims=True)), np.float32)
