"""A ``bodies`` folder of invented people: coloured shirts and trousers before a wall, with silhouettes and poses."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np

_POSE = {0: (0.5, 0.12), 7: (0.55, 0.12), 8: (0.45, 0.12), 11: (0.68, 0.25), 12: (0.32, 0.25), 13: (0.75, 0.38)}
_POSE |= {14: (0.25, 0.38), 15: (0.75, 0.5), 16: (0.25, 0.5), 23: (0.6, 0.52), 24: (0.4, 0.52), 25: (0.6, 0.72)}
_POSE |= {26: (0.4, 0.72), 27: (0.6, 0.92), 28: (0.4, 0.92), 31: (0.62, 0.95), 32: (0.42, 0.95)}


def write_bodies(folder: Path, *, train: int = 8, val: int = 4) -> Path:
    """Write ``folder`` with so many people a split, two cameras and two pictures each; returns it."""
    rng = np.random.default_rng(1)
    lines = ["split,name,person,camera,source,width,height,teacher_presence"]
    names, poses = [], []
    for split, people in (("train", train), ("val", val)):
        for kind in ("images", "masks"):
            (folder / split / kind).mkdir(parents=True)
        for person in range(people):
            shirt, trousers = rng.integers(0, 256, (2, 3))
            for camera in ("a", "b"):
                for shot in range(2):
                    name = f"{person:02d}{camera}{shot}"
                    picture, mask = _person(shirt, trousers, rng)
                    cv2.imwrite(str(folder / split / "images" / f"{name}.jpg"), picture)
                    cv2.imwrite(str(folder / split / "masks" / f"{name}.png"), mask)
                    lines.append(f"{split},{name},{split}{person},{camera},invented,80,160,1.0")
                    names.append(f"{split}/{name}")
                    pose = np.zeros((33, 3), np.float16)
                    for joint, (x, y) in _POSE.items():
                        pose[joint] = x, y, 1
                    poses.append(pose)
    (folder / "index.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    np.savez(folder / "keypoints.npz", name=np.array(names), keypoints=np.stack(poses))
    return folder


def _person(shirt: np.ndarray, trousers: np.ndarray, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    picture = np.full((160, 80, 3), rng.integers(60, 200), np.float64)
    mask = np.zeros((160, 80), np.uint8)
    cv2.circle(mask, (40, 19), 10, 255, -1)
    cv2.rectangle(mask, (22, 36), (58, 152), 255, -1)
    picture[:, :][mask > 0] = trousers
    cv2.rectangle(picture, (22, 36), (58, 84), shirt.tolist(), -1)
    cv2.circle(picture, (40, 19), 10, (120, 150, 200), -1)
    noisy = np.clip(picture + rng.normal(0, 8, picture.shape), 0, 255).astype(np.uint8)
    return noisy, cv2.resize(mask, (40, 80), interpolation=cv2.INTER_AREA)
