"""What happens to crops while networks learn: geometry, clothes of other colours, light, occlusion, bad cameras.

Everything works on batches, (N, C, H, W) float32, images RGB in −1…1 and maps in 0…1, and draws from a given
:class:`~mot_anon.vision.training.Draw`.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import cv2
import numpy as np
import torch
import torch.nn.functional as F  # noqa: N812
from numpy.typing import NDArray
from torch import Tensor

from mot_anon.vision.training import Draw

COLOURS = 6
"""Numbers that say how one half of the clothes is recoloured; see :func:`draw_colours`."""
_LUMA = torch.tensor([0.299, 0.587, 0.114])


def affine(
    draw: Draw, n: int, *, zoom: tuple[float, float], shift: float, stretch: float = 0.1, turn: float = 0.03
) -> Tensor:
    """(N, 2, 3) for :func:`warp`: flip, zoom (above one shows more than the crop), aspect, a little turn, shift."""
    flip = torch.where(draw.uniform(n) < 0.5, -1.0, 1.0)
    size = torch.exp(draw.uniform(n, low=math.log(zoom[0]), high=math.log(zoom[1])))
    aspect = torch.exp(draw.uniform(n, low=-stretch, high=stretch))
    theta = torch.zeros(n, 2, 3)
    theta[:, 0, 0], theta[:, 1, 1] = flip * size * aspect, size / aspect
    theta[:, 0, 1], theta[:, 1, 0] = (
        draw.uniform(n, low=-2 * turn, high=2 * turn),
        draw.uniform(n, low=-turn, high=turn),
    )
    theta[:, 0, 2], theta[:, 1, 2] = draw.uniform(n, low=-shift, high=shift), draw.uniform(n, low=-shift, high=shift)
    return theta


def warp(maps: Tensor, theta: Tensor, size: tuple[int, int], *, outside: str = "border") -> Tensor:
    """Resample to ``size`` (height, width); beyond the crop its border goes on, or ``outside="zeros"``."""
    if maps.shape[-2] > 1.3 * size[0]:
        maps = F.interpolate(maps, size=size, mode="bilinear", antialias=True)
    grid = F.affine_grid(theta, [len(maps), maps.shape[1], *size], align_corners=False)
    return F.grid_sample(maps, grid, padding_mode=outside, align_corners=False)


def draw_colours(draw: Draw, n: int) -> Tensor:
    """How ``n`` people's clothes change, (N, 2, :data:`COLOURS`): above and below the hips.

    Hue (radians), saturation (factor), gain and lift (of the light), and a tint (two chroma coordinates), which gives
    colour to clothes that had none.
    """
    colours = torch.zeros(n, 2, COLOURS)
    colours[..., 0] = draw.uniform(n, 2, low=-math.pi, high=math.pi)
    colours[..., 1] = torch.exp(draw.uniform(n, 2, low=-0.5, high=0.5))
    colours[..., 2] = torch.exp(draw.uniform(n, 2, low=-0.3, high=0.6))
    colours[..., 3] = 0.45 * draw.uniform(n, 2) ** 2
    strength, angle = 0.35 * draw.uniform(n, 2) ** 2, draw.uniform(n, 2, high=2 * math.pi)
    colours[..., 4], colours[..., 5] = strength * torch.cos(angle), strength * torch.sin(angle)
    return colours


def recolour(images: Tensor, silhouettes: Tensor, parts: Tensor, colours: Tensor) -> Tensor:
    """Dress people in other colours.

    Parameters
    ----------
    images:
        (N, 3, H, W) in −1…1.
    silhouettes, parts:
        (N, 1, H, W) and (N, 4, H, W) in 0…1; heads and skin keep their colour.
    colours:
        (N, 2, 6) of :func:`draw_colours`.
    """
    rgb = (images + 1) / 2
    # The belt is where the torso ends; forearms below it go with the sleeves.
    rows = torch.arange(images.shape[-2])[None, :]
    belt = torch.where(parts[:, 1].amax(-1) > 0.5, rows, 0).amax(1)
    above = torch.sigmoid((belt[:, None] - rows) / 1.5)[:, None, :, None]
    share = torch.maximum(above, F.avg_pool2d((parts[:, 2:3] > parts[:, 3:4] + 0.3).float(), 5, 1, 2))
    changed = share * _dye(rgb, colours[:, 0]) + (1 - share) * _dye(rgb, colours[:, 1])
    red, green, blue = rgb.unbind(1)
    # Skin: more red than green than blue, neither dark nor grey.
    skin = torch.sigmoid(40 * (red - green - 0.07)) * torch.sigmoid(40 * (green - blue + 0.01))
    skin = skin * torch.sigmoid(40 * (0.35 - (red - green))) * torch.sigmoid(20 * (red - 0.35))
    head = (F.max_pool2d(parts[:, :1], 7, 1, 3) * 2).clamp(0, 1)
    where = silhouettes * (1 - head) * (1 - F.avg_pool2d(skin[:, None], 3, 1, 1))
    return images + 2 * where * (changed - rgb)


def _dye(rgb: Tensor, colours: Tensor) -> Tensor:
    hue, saturation, gain, lift, first, second = (colours[:, i, None, None] for i in range(COLOURS))
    luma = torch.einsum("nchw,c->nhw", rgb, _LUMA)
    u, v = rgb[:, 2] - luma, rgb[:, 0] - luma
    bright = 1 - torch.exp(-(gain * luma + lift))
    bright = bright / (1 - math.exp(-1.4))
    turned_u = saturation * (u * torch.cos(hue) - v * torch.sin(hue)) + first * (0.3 + bright)
    turned_v = saturation * (u * torch.sin(hue) + v * torch.cos(hue)) + second * (0.3 + bright)
    red, blue = bright + turned_v, bright + turned_u
    green = (bright - _LUMA[0] * red - _LUMA[2] * blue) / _LUMA[1]
    return torch.stack([red, green, blue], 1).clamp(0, 1)


def light(images: Tensor, draw: Draw, *, amount: float = 0.15) -> Tensor:
    """Contrast, brightness and colour cast of another camera."""
    n = len(images)
    gain, offset = (
        draw.uniform(n, 1, 1, 1, low=1 - amount, high=1 + amount),
        draw.uniform(n, 1, 1, 1, low=-amount, high=amount),
    )
    cast = draw.uniform(n, 3, 1, 1, low=-amount / 4, high=amount / 4)
    return (images * gain + offset + cast).clamp(-1, 1)


def luma(images: Tensor) -> Tensor:
    """(N, 3, H, W) RGB → (N, 1, H, W): how light it is, in the same range."""
    return torch.einsum("nchw,c->nhw", images, _LUMA.to(images.device, images.dtype))[:, None]


def coarsen(images: Tensor, draw: Draw, *, share: float, smallest: float) -> Tensor:
    """A share of the crops seen from afar: shrunk to ``smallest``…0.7 of their size and back."""
    chosen = draw.uniform(len(images)) < share
    factors = torch.exp(draw.uniform(len(images), low=math.log(smallest), high=math.log(0.7)))
    images = images.clone()
    for row in torch.nonzero(chosen)[:, 0].tolist():
        small = F.interpolate(images[row : row + 1], scale_factor=float(factors[row]), mode="bilinear", antialias=True)
        images[row] = F.interpolate(small, size=images.shape[-2:], mode="bilinear")[0]
    return images


def patches(images: Tensor, draw: Draw, *, share: float) -> tuple[Tensor, Tensor]:
    """Hold things before a share of the crops: rectangles of other crops or of one colour.

    Returns the images and what is still seen of the old ones, (N, 1, H, W) in 0…1.
    """
    n, _, height, width = images.shape
    seen = torch.ones(n, 1, height, width)
    covered = images.clone()
    for row in range(n):
        a, b, c, d, kind, other = draw.uniform(6).tolist()
        if float(draw.uniform(1)) >= share:
            continue
        h, w = int((0.1 + 0.4 * a) * height), int((0.2 + 0.8 * b) * width)
        top = height - h if kind < 0.5 else int(c * (height - h))
        left = int((1.4 * d - 0.2) * width)
        rows, columns = slice(top, top + h), slice(max(0, left), max(0, min(width, left + w)))
        if kind < 0.25 or kind > 0.75:
            thing = draw.uniform(3, 1, 1, low=-1.0)
        else:
            thing = images[int(other * n), :, :h, columns]
        covered[row, :, rows, columns] = thing
        seen[row, :, rows, columns] = 0
    return covered, seen


def blobs(images: Tensor, draw: Draw, *, share: float) -> Tensor:
    """Places of other people who were erased too, (N, 1, H, W) of 0 and 1: upright ellipses in a share of the crops."""
    n, _, height, width = images.shape
    rows, columns = torch.arange(height)[None, :, None], torch.arange(width)[None, None, :]
    x, y = draw.uniform(n, 1, 1) * width, draw.uniform(n, 1, 1, low=0.2, high=1.0) * height
    a = draw.uniform(n, 1, 1, low=0.1, high=0.35) * width
    b = draw.uniform(n, 1, 1, low=0.25, high=0.7) * height
    inside = ((columns - x) / a) ** 2 + ((rows - y) / b) ** 2 < 1
    return (inside & (draw.uniform(n, 1, 1) < share)).float()[:, None]


def recompress(images: Tensor, draw: Draw, *, share: float) -> Tensor:
    """A share of the crops as JPEG of quality 30…90 has them."""
    images = images.clone()
    chosen, quality = draw.uniform(len(images)) < share, draw.uniform(len(images), low=30, high=90)
    for row in torch.nonzero(chosen)[:, 0].tolist():
        pixels = to_pixels(images[row : row + 1])[0]
        _, data = cv2.imencode(".jpg", pixels, [cv2.IMWRITE_JPEG_QUALITY, int(quality[row])])
        images[row] = to_images(np.asarray(cv2.imdecode(data, cv2.IMREAD_COLOR), np.uint8)[None])[0]
    return images


def erase_crops(pixels: NDArray[np.uint8], silhouettes: NDArray[np.uint8], *, margin: int = 5) -> NDArray[np.uint8]:
    """Fill people from the background round them.

    Parameters
    ----------
    pixels, silhouettes:
        (N, H, W, 3) uint8 and (N, H/2, W/2) uint8.
    margin:
        Pixels of H by which the silhouettes are widened first.
    """
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * margin + 1, 2 * margin + 1))
    size = pixels.shape[2], pixels.shape[1]
    filled = np.empty_like(pixels)
    for row, (image, silhouette) in enumerate(zip(pixels, silhouettes, strict=True)):
        person = cv2.dilate((cv2.resize(silhouette, size) > 40).astype(np.uint8), kernel) > 0
        filled[row] = fill(image, person)
    return filled


def fill(image: NDArray[np.uint8], holes: NDArray[np.bool_]) -> NDArray[np.uint8]:
    """Fill ``holes`` (H, W) of ``image`` (H, W, 3) from round about, smoothly, as rendering does in frames."""
    height, width = holes.shape
    size = (max(1, width // 4), max(1, height // 4))
    known = (~holes).astype(np.float32)
    weight = cv2.resize(known, size, interpolation=cv2.INTER_AREA)
    colour = cv2.resize(image * known[..., None], size, interpolation=cv2.INTER_AREA)
    result: NDArray[np.float32] = np.zeros((size[1], size[0], 3), np.float32)
    done: NDArray[np.float32] = np.zeros((size[1], size[0]), np.float32)
    for sigma in (0.7, 2.5, 8.0, 24.0):
        near = cv2.GaussianBlur(weight, (0, 0), sigma)
        mean = cv2.GaussianBlur(colour, (0, 0), sigma) / np.maximum(near, 1e-6)[..., None]
        new = np.clip(near * 4, 0, 1) * (1 - done)
        result = (result + mean * new[..., None]).astype(np.float32)
        done = (done + new).astype(np.float32)
    result = (result + 127.0 * (1 - done)[..., None]).clip(0, 255).astype(np.float32)
    large = cv2.resize(result, (width, height), interpolation=cv2.INTER_LINEAR)
    return np.where(holes[..., None], np.rint(large).astype(np.uint8), image)


def to_images(pixels: NDArray[np.uint8]) -> Tensor:
    """(N, H, W, 3) uint8 BGR → (N, 3, H, W) float32 RGB in −1…1."""
    return torch.from_numpy(np.ascontiguousarray(pixels)).flip(-1).permute(0, 3, 1, 2).float().div_(127.5).sub_(1)


def to_pixels(images: Tensor) -> NDArray[np.uint8]:
    """(N, 3, H, W) float32 RGB in −1…1 → (N, H, W, 3) uint8 BGR."""
    scaled = ((images.float() + 1) * 127.5).round().clamp(0, 255).to(torch.uint8)
    return np.ascontiguousarray(scaled.flip(1).permute(0, 2, 3, 1).numpy())


def to_maps(maps: NDArray[np.uint8]) -> Tensor:
    """(N, H, W) or (N, C, H, W) uint8 → (N, C, H, W) float32 in 0…1."""
    tensor = torch.from_numpy(np.ascontiguousarray(maps)).float().div_(255)
    return tensor[:, None] if tensor.ndim == 3 else tensor


def sheet(rows: Sequence[Sequence[Tensor]]) -> NDArray[np.uint8]:
    """Rows of images (3, H, W) or maps (1, H, W in 0…1) as one picture."""

    def picture(image: Tensor) -> NDArray[np.uint8]:
        image = image.float() if image.shape[0] == 3 else image.float().expand(3, -1, -1) * 2 - 1
        return to_pixels(image[None])[0]

    return np.vstack([np.hstack([picture(image) for image in row]) for row in rows])
