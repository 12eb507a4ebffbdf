"""What the generator of portraits learns from: heads cut out of pictures of faces, on other people's shoulders."""

from __future__ import annotations

import cv2
import numpy as np
import torch
import torch.nn.functional as F  # noqa: N812
from numpy.typing import NDArray
from torch import Tensor

from mot_anon.gan.faces import cut_windows, moved_landmarks, varied
from mot_anon.gan.head_cast import HeadCast, HeadPlaces
from mot_anon.gan.heads import SIZE
from mot_anon.gan.portraits import EMPTY, OUTLINE, portrait_shapes
from mot_anon.vision import augment
from mot_anon.vision.face_data import FACE_SIZE, Faces
from mot_anon.vision.heads import bare_face, portrait_ovals, portrait_windows
from mot_anon.vision.training import Draw

_CUTS, _SMALL = 3, 64  # rounds of GrabCut, and height and width of what it cuts
_ROOM = (1.75, 2.0)  # width and height, by those of the landmarks, of what may be the head's at most
_LIKELY = (1.3, 1.62)  # and of what is it, as a first guess
_CHIN = 0.78  # how far down in it, of its height, the chin lies from its middle
_SOFT = 0.7  # pixels
_EDGE = 2  # pixels at the sides of a picture that are background unless they are face
_SHARES = (1.1, 2.4)  # least and most area of a head by that of its face: else it was cut out badly
_COARSE = (12, 24)  # cells of a window in which silhouettes are known of people near the camera
_GREY = 0.05  # mean colour below which a picture counts as grey
_SKIN, _HAIR = (1.19, 0.94, 0.82), (1.24, 0.97, 0.64)  # red, green and blue over their light, as cameras see them
_TINTED, _DYED = (0.8, 1.25), (-0.1, 1.0)  # how far skin and hair that are grey get there
_BETWEEN = 2.0  # pixels over which the colour of skin goes over into that of hair
_WHITE, _LIGHT = 0.95, (0.85, 1.15)  # light of white things in portraits; and how far places' light is missed
_LUMA = (0.114, 0.587, 0.299)


class PortraitCast:
    """Heads with faces, and shoulders of others to stand on.

    Parameters
    ----------
    faces:
        Those without landmarks are left out, and those whose heads cannot be cut out.
    shoulders:
        Heads of pedestrians; what is round them, without them, is where portraits are drawn.
    """

    def __init__(self, faces: Faces, shoulders: HeadCast) -> None:
        faces = faces.of(faces.detected)
        small = [cv2.resize(picture, (_SMALL, _SMALL), interpolation=cv2.INTER_AREA) for picture in faces.pixels]
        masks, sane = zip(*map(cut_out, small, faces.landmarks), strict=True)
        kept = np.array(sane, bool)
        self.faces, self.masks = faces.of(kept), np.stack(masks)[kept]
        bare = [bare_face((_SMALL, _SMALL), points).astype(np.float32) for points in self.faces.landmarks]
        self.skin = np.stack([np.rint(255 * cv2.GaussianBlur(one, (0, 0), _BETWEEN)).astype(np.uint8) for one in bare])
        self.shoulders = shoulders
        self.rows = np.arange(len(self.faces))
        light = self.faces.pixels @ np.array(_LUMA, np.float32)
        self.grey = np.abs(self.faces.pixels - light[..., None]).mean((1, 2, 3)) < 255 * _GREY
        self.members = [
            [np.flatnonzero(kind & (self.faces.person == who)) for who in np.unique(self.faces.person[kind])]
            for kind in (self.grey, ~self.grey)
        ]

    def some(self, draw: Draw, n: int) -> NDArray[np.int64]:
        """``n`` portraits, half of them in colour if there are such; people count the same, not pictures."""
        chosen = []
        for number in range(n):
            people = self.members[number % 2] or self.members[1 - number % 2]
            chosen.append(draw.rng.choice(people[int(draw.rng.integers(len(people)))]))
        return np.array(chosen, np.int64)

    def places(self, rows: NDArray[np.int64], draw: Draw, unread: float) -> HeadPlaces:
        """Places for training: other shoulders and light, a little beside, coarse, compressed; some have no outline."""
        n = len(rows)
        behind = self.shoulders.places(self.shoulders.some(draw, n), draw, 0).background
        change = augment.affine(draw, n, zoom=(0.92, 1.12), shift=0.05, stretch=0.06, turn=0.05)
        missed = draw.uniform(n, 1, 1, 1, low=_LIGHT[0], high=_LIGHT[1])
        tinted, dyed = (draw.uniform(n, 1, 1, 1, low=low, high=high) for low, high in (_TINTED, _DYED))
        grown = draw.integers(-1, 2, n)
        read = draw.uniform(n) >= unread
        cells = draw.integers(*_COARSE, n)
        places = self._place(rows, behind, change, (missed, tinted, dyed), (grown, read, cells))
        real = augment.coarsen(places.real, draw, share=0.15, smallest=0.35)
        real = augment.recompress(real, draw, share=0.2) * places.seen
        return HeadPlaces(real, places.background, places.shape, places.hole, places.seen)

    def still(self, rows: NDArray[np.int64]) -> HeadPlaces:
        """Places to look at: undisturbed."""
        n = len(rows)
        behind = self.shoulders.still(self.shoulders.rows[rows % len(self.shoulders.rows)]).background
        as_it_is, plain = torch.eye(3)[:2].expand(n, 2, 3), torch.ones(n, 1, 1, 1)
        outline = torch.zeros(n, dtype=torch.long), torch.ones(n, dtype=torch.bool), torch.full((n,), 18)
        return self._place(rows, behind, as_it_is, (plain, 0.8 * plain, 0.5 * plain), outline)

    def _place(
        self,
        rows: NDArray[np.int64],
        behind: Tensor,
        change: Tensor,
        tone: tuple[Tensor, Tensor, Tensor],
        outline: tuple[Tensor, Tensor, Tensor],
    ) -> HeadPlaces:
        theta = varied(portrait_affine(self.faces.landmarks[rows]), change)
        points = moved_landmarks(self.faces.landmarks[rows], theta)
        images = cut_windows(self.faces.pixels[rows], theta)
        oval = torch.from_numpy(portrait_ovals(points, SIZE))
        heads = augment.warp(augment.to_maps(self.masks[rows]), theta, SIZE) * oval
        skin = augment.warp(augment.to_maps(self.skin[rows]), theta, SIZE)
        inside = augment.warp(torch.ones(len(rows), 1, FACE_SIZE, FACE_SIZE), theta, SIZE, outside="zeros")
        silhouettes = _outlines(heads, oval, *outline)
        shape = torch.from_numpy(portrait_shapes(points, silhouettes.numpy()))
        hole = shape[:, :1].contiguous()
        lit = self._lit(rows, images, skin, behind, tone)
        # Hair that a picture cuts off goes on above it as it was there; heads would end in nothing otherwise.
        known = (inside > 0.99) | (hole <= 0) | (heads > 0.5)
        seen = known.float()
        real = (behind + hole * heads * (lit - behind)) * seen
        pixels, empty = augment.to_pixels(behind), (hole[:, 0] > EMPTY).numpy()
        background = np.stack([augment.fill(image, where) for image, where in zip(pixels, empty, strict=True)])
        return HeadPlaces(real, augment.to_images(background), shape, hole, seen)

    def _lit(
        self, rows: NDArray[np.int64], images: Tensor, skin: Tensor, behind: Tensor, tone: tuple[Tensor, Tensor, Tensor]
    ) -> Tensor:
        """Portraits in the light of their places; what is grey gets colours that skin and hair may have."""
        missed, tinted, dyed = tone
        light = (augment.luma(images) + 1) / 2
        # What is light is less colourful: fair hair would be orange.
        bare, hair = (
            1 + share * (torch.tensor(kind)[None, :, None, None] - 1)
            for share, kind in ((tinted, _SKIN), (dyed * (1 - light / 2), _HAIR))
        )
        colour = hair + skin * (bare - hair)
        grey = torch.from_numpy(self.grey[rows])[:, None, None, None]
        rgb = torch.where(grey, light * colour, (images + 1) / 2)
        wanted = (0.42 + 0.75 * (behind + 1).mean((1, 2, 3), keepdim=True) / 2).clamp(0.45, 1.1)
        return (2 * rgb * missed * wanted / _WHITE - 1).clamp(-1, 1)


def portrait_affine(landmarks: NDArray[np.float32]) -> Tensor:
    """(N, 2, 3) for :func:`~mot_anon.vision.augment.warp`: from pictures to the windows of portraits in them."""
    windows = torch.from_numpy(portrait_windows(landmarks)).float()
    theta = torch.zeros(len(windows), 2, 3)
    theta[:, 0, 0] = theta[:, 1, 1] = windows[:, 2] - windows[:, 0]
    theta[:, :, 2] = windows[:, :2] + windows[:, 2:] - 1
    return theta


def cut_out(picture: NDArray[np.uint8], landmarks: NDArray[np.float32]) -> tuple[NDArray[np.uint8], bool]:
    """Cut a head out of a picture by GrabCut (Rother et al., SIGGRAPH 2004), beginning with its landmarks.

    Parameters
    ----------
    picture:
        (H, W, 3) uint8 BGR.
    landmarks:
        (68, 2): x, y as fractions of it.

    Returns
    -------
    (H, W) uint8, 255 where the head is, and whether it is as large as heads are.
    """
    height, width = picture.shape[:2]
    points = landmarks.astype(np.float64) * (width, height)
    low, high = points.min(0), points.max(0)
    size = high - low
    middle = np.array([(low[0] + high[0]) / 2, high[1] - _CHIN * size[1]])
    face = bare_face((height, width), landmarks)
    kinds = np.full((height, width), cv2.GC_BGD, np.uint8)
    for share, kind in ((_ROOM, cv2.GC_PR_BGD), (_LIKELY, cv2.GC_PR_FGD)):
        axes = size * share
        cv2.ellipse(kinds, (tuple(middle.tolist()), tuple(axes.tolist()), 0), int(kind), -1)
    kinds[:, :_EDGE] = kinds[:, -_EDGE:] = cv2.GC_BGD
    kinds[face > 0] = cv2.GC_FGD
    if not face.any() or face.all():
        return face * np.uint8(255), False
    models = np.zeros((2, 1, 65))
    cv2.setRNGSeed(0)
    cv2.grabCut(picture, kinds, (0, 0, width, height), models[0], models[1], _CUTS, cv2.GC_INIT_WITH_MASK)
    head = np.isin(kinds, (cv2.GC_FGD, cv2.GC_PR_FGD)).astype(np.uint8)
    # Only what hangs together with the face, without threads and specks.
    head = np.maximum(cv2.morphologyEx(head, cv2.MORPH_OPEN, np.ones((3, 3), np.uint8)), face)
    _, parts = cv2.connectedComponents(head)
    head = np.isin(parts, np.unique(parts[face > 0])).astype(np.uint8)
    ellipse = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (5, 5))
    head = np.asarray(cv2.morphologyEx(head, cv2.MORPH_CLOSE, ellipse), np.uint8)
    soft = cv2.GaussianBlur(head * np.uint8(255), (0, 0), _SOFT)
    soft[:, [0, -1]] = 0  # beside the picture nobody knows where it ends
    least, most = _SHARES
    return np.asarray(soft, np.uint8), bool(least <= head.sum() / face.sum() <= most)


def _outlines(heads: Tensor, oval: Tensor, grown: Tensor, read: Tensor, cells: Tensor) -> Tensor:
    """Silhouettes (N, 1, 64, 64) as coarse as they are known, a little too wide or narrow; the oval where unread."""
    made = []
    for head, limit, more, known, number in zip(
        heads, oval, grown.tolist(), read.tolist(), cells.tolist(), strict=True
    ):
        outline = head[None] if known else limit[None]
        if more:
            outline = F.max_pool2d(outline, 3, 1, 1) if more > 0 else -F.max_pool2d(-outline, 3, 1, 1)
        small = F.interpolate(outline, size=(number, number), mode="bilinear", antialias=True)
        large = F.interpolate(small, size=SIZE, mode="bilinear")
        low, high = OUTLINE
        made.append(((large - low) / (high - low)).clamp(0, 1) * limit[None])
    return torch.cat(made)
