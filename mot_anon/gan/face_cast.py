"""What the generator of faces learns from: faces erased from their places, and the codes of several views of each."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from mot_anon.gan.data import Places
from mot_anon.gan.face_identity import beside, shaded
from mot_anon.gan.faces import SIZE, cut_windows, embed_windows, moved_landmarks, varied, window_affine
from mot_anon.gan.identity import IdentityNetwork
from mot_anon.vision import augment
from mot_anon.vision.face_data import Faces
from mot_anon.vision.landmarks import draw_holes, draw_landmarks
from mot_anon.vision.training import Draw

VIEWS = 3
"""How many views of a picture have codes; the first is the picture as it is."""
_ERASED = 0.02  # of a hole, from which nothing of the picture is left
_COLOURLESS = 0.2  # share of the pictures in colour that are shown, and learnt from, without it


@dataclass(frozen=True)
class FacePlaces(Places):
    """Places of faces, 64×64; ``shape`` is the hole and the landmarks.

    Attributes
    ----------
    seen:
        (N, 1, 64, 64) in 0…1: what lies inside the picture; ``real`` is 0 beyond, and nothing is judged there.
    colour:
        (N,) bool: where colour means something.
    points:
        (N, 68, 2) the landmarks that ``shape`` shows, as fractions of the window.
    glance:
        (N, 2, 3) for :func:`~mot_anon.vision.augment.warp`: how the identity network looks at it, a little beside; so
        nothing can please it that is seen from one place only.
    """

    seen: Tensor
    colour: Tensor
    points: NDArray[np.float32]
    glance: Tensor


class FaceCast:
    """The people of a split, and the codes of each of their pictures in several views."""

    def __init__(self, faces: Faces, identity: IdentityNetwork, seed: int) -> None:
        self.faces = faces.of(faces.detected)
        draw = Draw(seed + 1)
        views = [embed_alone(identity, self.faces, draw if number else None) for number in range(VIEWS)]
        self.codes = torch.stack([identity.code(embeddings) for embeddings in views])
        self.members = {who: np.flatnonzero(self.faces.person == who) for who in np.unique(self.faces.person)}
        self.people = [np.unique(self.faces.person[self.faces.colour == kind]) for kind in (False, True)]

    def rows(self, draw: Draw, n: int, coloured: float) -> NDArray[np.int64]:
        """``n`` pictures, a share of them in colour if there are such; people count the same, not pictures."""
        chosen = []
        for i in range(n):
            kind = (i < round(coloured * n) or not len(self.people[0])) and len(self.people[1]) > 0
            chosen.append(draw.rng.choice(self.members[draw.rng.choice(self.people[int(kind)])]))
        return np.array(chosen)

    def another(self, rows: NDArray[np.int64], draw: Draw) -> NDArray[np.int64]:
        """Another picture of each person, the same where there is but one."""
        again = []
        for row in rows:
            others = self.members[self.faces.person[row]]
            others = others[others != row]
            again.append(draw.rng.choice(others) if len(others) else row)
        return np.array(again)

    def places(self, rows: NDArray[np.int64], draw: Draw, misread: float) -> FacePlaces:
        """Places for training: turned a little, in other light and colour, coarse, compressed."""
        n = len(rows)
        change = augment.affine(draw, n, zoom=(0.92, 1.12), shift=0.05, stretch=0.06, turn=0.05)
        theta = varied(window_affine(self.faces.landmarks[rows]), change)
        points = moved_landmarks(self.faces.landmarks[rows], theta)
        wrong = augment.affine(draw, n, zoom=(0.96, 1.04), shift=0.015, stretch=0.02, turn=0.01)
        wrong[:, :, 0] *= wrong[:, :1, 0].sign()  # no mirroring
        wrong = torch.where((draw.uniform(n) < misread)[:, None, None], wrong, torch.eye(3)[:2])
        images = cut_windows(self.faces.pixels[rows], theta)
        colour = torch.from_numpy(self.faces.colour[rows])
        images = torch.where(colour[:, None, None, None], shaded(images, draw, colourless=_COLOURLESS), images)
        images = augment.light(images, draw, amount=0.1)
        images = augment.recompress(augment.coarsen(images, draw, share=0.3, smallest=0.25), draw, share=0.2)
        glance = augment.affine(draw, n, zoom=(0.94, 1.08), shift=0.04, stretch=0.04)
        return self._place(images, moved_landmarks(points, wrong), theta, colour, glance)

    def still(self, rows: NDArray[np.int64]) -> FacePlaces:
        """Places to look at: undisturbed."""
        theta = window_affine(self.faces.landmarks[rows])
        images = cut_windows(self.faces.pixels[rows], theta)
        points = moved_landmarks(self.faces.landmarks[rows], theta)
        straight = torch.eye(3)[:2].expand(len(rows), 2, 3)
        return self._place(images, points, theta, torch.from_numpy(self.faces.colour[rows]), straight)

    @staticmethod
    def _place(
        images: Tensor, points: NDArray[np.float32], theta: Tensor, colour: Tensor, glance: Tensor
    ) -> FacePlaces:
        inside = augment.warp(torch.ones(len(images), 1, *SIZE), theta, SIZE, outside="zeros")
        hole = draw_holes(points)
        pixels, holes = augment.to_pixels(images), hole[:, 0] > _ERASED
        filled = [augment.fill(image, where) for image, where in zip(pixels, holes, strict=True)]
        shape = torch.from_numpy(np.concatenate([hole, draw_landmarks(points)], 1))
        background = augment.to_images(np.stack(filled))
        seen = (inside > 0.99).float()
        return FacePlaces(images * seen, background, shape, torch.from_numpy(hole), seen, colour, points, glance)


def embed_alone(network: IdentityNetwork, faces: Faces, draw: Draw | None = None) -> Tensor:
    """Embeddings (N, 128) of faces without what is round them, which stays when somebody else is drawn there."""
    found = []
    for rows in np.array_split(np.arange(len(faces)), max(1, len(faces) // 256)):
        theta = window_affine(faces.landmarks[rows])
        if draw is not None:
            theta = varied(theta, beside(draw, len(rows)))
        holes = torch.from_numpy(draw_holes(moved_landmarks(faces.landmarks[rows], theta)))
        found.append(embed_windows(network, cut_windows(faces.pixels[rows], theta) * holes))
    return torch.cat(found)
