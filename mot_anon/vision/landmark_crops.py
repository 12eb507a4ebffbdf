"""Crops to learn landmarks from: faces in every kind of trouble, and what is no face."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from mot_anon.vision import augment
from mot_anon.vision.bodies import CROP_SIZE, Bodies
from mot_anon.vision.face_data import FACE_SIZE, Faces
from mot_anon.vision.landmarks import MIRRORED, SIZE
from mot_anon.vision.training import Draw

_SIDE = SIZE[0]
_PLAIN = 0.9  # of the picture is in view where a face is as it is


@dataclass(frozen=True)
class Crops:
    """What to read: ``images`` (N, 3, 64, 64), ``points`` (N, 68, 2) as fractions, ``face`` (N,) of 0 and 1."""

    images: Tensor
    points: Tensor
    face: Tensor


class Studio:
    """Takes pictures of faces in every kind of trouble, and of what is no face.

    Parameters
    ----------
    faces:
        Those in which the teacher found no face are left out.
    bodies:
        Pedestrians: shoulders and streets round faces; legs, walls and backs of heads that are none.
    """

    def __init__(self, faces: Faces, bodies: Bodies) -> None:
        self.faces = faces.of(faces.detected)
        self.bodies = bodies
        head = bodies.parts[:, 0].astype(np.float32)
        weight = head.sum((1, 2)) + 1e-6
        rows, columns = np.arange(head.shape[1]), np.arange(head.shape[2])
        middle = np.stack([(head.sum(1) * columns).sum(1) / weight, (head.sum(2) * rows).sum(1) / weight], 1)
        self.heads = (2 * middle + 1).astype(np.float32)
        # A head seen from the front is drawn with a bright face in it.
        self.behind = np.flatnonzero((bodies.parts[:, 0].max((1, 2)) < 200) & (bodies.presence > 0.5) & (weight > 255))

    def crops(self, draw: Draw, n: int, *, nobody: float, small: float, smallest: float) -> Crops:
        """A batch of ``n``; the shares ``nobody`` and ``small`` and the pixels ``smallest`` as settings have them."""
        rng = draw.rng
        images = np.empty((n, _SIDE, _SIDE, 3), np.uint8)
        points = np.zeros((n, *self.faces.landmarks.shape[1:]), np.float32)
        face = np.ones(n, np.float32)
        rows = rng.integers(0, len(self.faces), n)
        for at, row in enumerate(rows):
            if rng.random() < nobody:
                face[at] = 0
                images[at] = self._no_face(int(row), rng)
            else:
                images[at], points[at] = self._face(int(row), rng)
            images[at] = bad_camera(images[at], rng, small, smallest)
        return Crops(
            augment.light(augment.to_images(images), draw, amount=0.3), torch.from_numpy(points), torch.from_numpy(face)
        )

    def _face(self, row: int, rng: np.random.Generator) -> tuple[NDArray[np.uint8], NDArray[np.float32]]:
        turn, zoom = rng.normal(0, 0.18), np.exp(rng.uniform(np.log(0.85), np.log(1.75)))
        shift = rng.uniform(-0.13, 0.13, 2) * max(1.0, zoom)
        image, points = self._view(row, rng, turn, zoom, shift)
        if rng.random() < 0.3:
            image = occluded(image, rng, 0.1, 0.35)
        return image, points

    def _no_face(self, row: int, rng: np.random.Generator) -> NDArray[np.uint8]:
        kind = rng.random()
        if kind < 0.35:
            return self._street(rng, below=0.3)
        if kind < 0.6 and len(self.behind):
            return self._round_head(int(rng.choice(self.behind)), rng)
        zoom = np.exp(rng.uniform(np.log(0.85), np.log(1.75)))
        if kind < 0.75:
            side = np.array([rng.choice([-1, 1]), rng.choice([-1, 0, 1])]) * rng.uniform(0.5, 0.9, 2)
            return self._view(row, rng, rng.normal(0, 0.18), zoom, side * max(1.0, zoom) * 0.9)[0]
        if kind < 0.87:
            return self._view(row, rng, rng.choice([-1, 1]) * rng.uniform(1.3, 3.1), zoom, np.zeros(2))[0]
        image, _ = self._view(row, rng, rng.normal(0, 0.18), zoom, np.zeros(2))
        return occluded(image, rng, 0.65, 0.95)

    def _view(
        self, row: int, rng: np.random.Generator, turn: float, zoom: float, shift: NDArray[np.float64]
    ) -> tuple[NDArray[np.uint8], NDArray[np.float32]]:
        """A face turned by radians, ``zoom`` times as much in view as its picture has, before a street or repeated."""
        picture, points = self.faces.pixels[row], self.faces.landmarks[row].astype(np.float64)
        if rng.random() < 0.5:
            picture, points = picture[:, ::-1], points[list(MIRRORED)] * (-1, 1) + (1, 0)
        scale = _SIDE / (FACE_SIZE * zoom)
        cos, sin = np.cos(turn) * scale, np.sin(turn) * scale
        place = np.array([[cos, -sin, 0], [sin, cos, 0]])
        place[:, 2] = (0.5 + shift) * _SIDE - place[:, :2] @ np.full(2, FACE_SIZE / 2)
        seen = np.concatenate([points * FACE_SIZE, np.ones((len(points), 1))], 1) @ place.T / _SIDE
        smooth = cv2.blur(picture, (2, 2)) if scale < 0.6 else picture
        border = cv2.BORDER_REPLICATE if rng.random() < 0.5 else cv2.BORDER_REFLECT
        image = cv2.warpAffine(smooth, place, SIZE[::-1], flags=cv2.INTER_LINEAR, borderMode=border)
        if rng.random() < 0.6:
            behind = self._round_head(int(rng.integers(len(self.heads))), rng)
            if rng.random() < 0.3:
                behind = self._street(rng, below=0.0)
            if not self.faces.colour[row]:
                behind = np.repeat(behind.mean(2, keepdims=True), 3, 2).astype(np.uint8)
            # An oval round the face: crops are cut off at the chin, and a straight edge would give that away.
            oval = np.zeros(SIZE, np.float32)
            low, high = seen.min(0) * _SIDE, seen.max(0) * _SIDE
            x, y = (low + high) / 2 - (0, 0.1 * (high[1] - low[1]))
            axes = (high - low) * (rng.uniform(0.56, 0.7), rng.uniform(0.6, 0.75))
            cv2.ellipse(oval, ((x, y), (2 * axes[0], 2 * axes[1]), np.degrees(turn)), 1.0, -1)
            inside = cv2.warpAffine(np.ones_like(picture[..., 0], np.float32), place, SIZE[::-1])
            alpha = cv2.GaussianBlur(oval * inside, (0, 0), 1.5)[..., None]
            image = np.rint(image * alpha + behind * (1 - alpha))
        return image.astype(np.uint8), seen.astype(np.float32)

    def _street(self, rng: np.random.Generator, below: float) -> NDArray[np.uint8]:
        side = int(rng.integers(20, 60))
        top = int(rng.integers(int(below * CROP_SIZE[0]), CROP_SIZE[0] - side))
        left = int(rng.integers(0, CROP_SIZE[1] - side))
        return _square(self.bodies.pixels[rng.integers(len(self.bodies))], left, top, side)

    def _round_head(self, row: int, rng: np.random.Generator) -> NDArray[np.uint8]:
        side = int(rng.integers(18, 44))
        x, y = self.heads[row] + rng.normal(0, 1.5, 2)
        return _square(self.bodies.pixels[row], round(x - side / 2), round(y - side / 2), side)


def still_crops(faces: Faces, size: int) -> Crops:
    """Faces as they are, but ``size`` pixels large."""
    edge = round((1 - _PLAIN) / 2 * FACE_SIZE)
    inner = faces.pixels[:, edge : FACE_SIZE - edge, edge : FACE_SIZE - edge]
    side = inner.shape[1]
    small = [cv2.resize(image, (size, size), interpolation=cv2.INTER_AREA) for image in inner]
    images = np.stack([cv2.resize(image, SIZE[::-1], interpolation=cv2.INTER_LINEAR) for image in small])
    points = (faces.landmarks * FACE_SIZE - edge) / side
    return Crops(augment.to_images(images.astype(np.uint8)), torch.from_numpy(points), torch.ones(len(faces)))


def bad_camera(image: NDArray[np.uint8], rng: np.random.Generator, small: float, smallest: float) -> NDArray[np.uint8]:
    """A crop (64, 64, 3) as a far, blurred, noisy, compressing or colourless camera has it."""
    if rng.random() < 0.25:
        image = np.repeat(image.mean(2, keepdims=True), 3, 2).astype(np.uint8)
    if rng.random() < 0.3:
        image = _moved(image, rng)
    if rng.random() < small:
        side = int(np.exp(rng.uniform(np.log(smallest), np.log(48))))
        image = np.asarray(cv2.resize(image, (side, side), interpolation=cv2.INTER_AREA), np.uint8)
    if rng.random() < 0.5:
        noise = rng.normal(0, 12 * rng.random() ** 2, image.shape)
        image = np.rint(image + noise).clip(0, 255).astype(np.uint8)
    if rng.random() < 0.5:
        _, data = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, int(rng.integers(40, 95))])
        image = np.asarray(cv2.imdecode(data, cv2.IMREAD_COLOR), np.uint8)
    way = cv2.INTER_LINEAR if rng.random() < 0.7 else cv2.INTER_CUBIC
    return np.asarray(cv2.resize(image, SIZE[::-1], interpolation=way), np.uint8)


def occluded(image: NDArray[np.uint8], rng: np.random.Generator, low: float, high: float) -> NDArray[np.uint8]:
    """Something before ``low``…``high`` of a crop: a flat colour, or another part of the crop, from one side."""
    part = int(rng.uniform(low, high) * _SIDE)
    image = np.rot90(image, int(rng.integers(4))).copy()
    thing = np.rot90(image, 2)[:part] if rng.random() < 0.3 else rng.integers(0, 256, 3).astype(np.uint8)
    slope = rng.uniform(-0.3, 0.3)
    rows, columns = np.arange(_SIDE)[:, None], np.arange(_SIDE)[None]
    before = rows < part + slope * (columns - _SIDE / 2)
    full = np.broadcast_to(thing, image.shape) if thing.ndim == 1 else np.resize(thing, image.shape)
    return np.where(before[..., None], full, image)


def _square(image: NDArray[np.uint8], left: int, top: int, side: int) -> NDArray[np.uint8]:
    rows = np.arange(top, top + side).clip(0, image.shape[0] - 1)
    columns = np.arange(left, left + side).clip(0, image.shape[1] - 1)
    crop = image[rows[:, None], columns]
    return np.asarray(cv2.resize(crop, SIZE[::-1], interpolation=cv2.INTER_LINEAR), np.uint8)


def _moved(image: NDArray[np.uint8], rng: np.random.Generator) -> NDArray[np.uint8]:
    if rng.random() < 0.5:
        return np.asarray(cv2.GaussianBlur(image, (0, 0), rng.uniform(0.5, 3.0)), np.uint8)
    length = int(rng.integers(2, 8))
    return np.asarray(cv2.blur(image, (length, 1) if rng.random() < 0.7 else (1, length)), np.uint8)
