"""Invented people for attacks: patches of colour that only one person wears, before a wall that only a camera has."""

from __future__ import annotations

import csv
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from mot_anon.measure.privacy.crops import Crops
from mot_anon.vision.bodies import CROP_SIZE


def crops(people: int = 24, *, each: int = 3, noise: float = 8.0, seed: int = 0, masks: bool = True) -> Crops:
    """``people`` people, ``each`` crops in both of two cameras; the person is an upright rectangle in the middle."""
    rng = np.random.default_rng(seed)
    height, width = CROP_SIZE
    mask = np.zeros((height // 2, width // 2), np.uint8)
    mask[8:-4, 10:-10] = 255
    inside = cv2.resize(mask, (width, height)) > 127
    clothes = rng.uniform(20, 235, (people, 8, 4, 3)).astype(np.float32)
    walls = np.random.default_rng(99).uniform(40, 215, (2, 6, 3, 3)).astype(np.float32)
    pixels, who, where = [], [], []
    for person in range(people):
        for camera in range(2):
            for _ in range(each):
                dressed = cv2.resize(clothes[person], (width, height), interpolation=cv2.INTER_NEAREST)
                wall = cv2.resize(walls[camera], (width, height), interpolation=cv2.INTER_LINEAR)
                image = np.where(inside[..., None], dressed, wall) + rng.normal(0, noise, (height, width, 3))
                pixels.append(image.clip(0, 255).astype(np.uint8))
                who.append(person)
                where.append(camera)
    count = len(pixels)
    return Crops(
        np.stack(pixels),
        np.array(who, np.int64),
        np.array(where, np.int64),
        np.arange(count, dtype=np.int64),
        np.tile([60.0, 120.0], (count, 1)),
        np.repeat(mask[None], count, axis=0) if masks else None,
        ("a", "b"),
    )


def look(pixels: NDArray[np.uint8]) -> NDArray[np.float32]:
    """An attacker without a network: the crop at 16×8."""
    small = [cv2.resize(image, (8, 16), interpolation=cv2.INTER_AREA).ravel() for image in pixels]
    return np.stack(small).astype(np.float32)


def write(folder: Path, some: Crops, split: str = "val") -> Path:
    """``some`` as a folder of crops."""
    (folder / split / "images").mkdir(parents=True)
    if some.silhouettes is not None:
        (folder / split / "masks").mkdir()
    with (folder / "index.csv").open("a", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["split", "name", "person", "camera", "width", "height"])
        for row in range(len(some)):
            name = f"{row:04d}"
            person, camera = f"p{some.person[row]:03d}", some.cameras[some.camera[row]]
            writer.writerow([split, name, person, camera, *some.size[row].astype(int)])
            cv2.imwrite(str(folder / split / "images" / f"{name}.png"), some.pixels[row])
            if some.silhouettes is not None:
                cv2.imwrite(str(folder / split / "masks" / f"{name}.png"), some.silhouettes[row])
    return folder
