"""A ``faces`` folder of invented people: an oval with eyes and a mouth, and where its 68 landmarks are."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np

SIDE = 112


def write_faces(folder: Path, *, coloured: int = 6, grey: int = 12, pictures: int = 2, hair: bool = False) -> Path:
    """Write so many people in colour and in grey, each with some pictures; returns ``folder``."""
    rng = np.random.default_rng(2)
    names, landmarks = [], []
    for kind, people, digits in (("color", coloured, 3), ("grey", grey, 4)):
        for person in range(people):
            place = folder / kind / f"{person:0{digits}d}"
            place.mkdir(parents=True)
            skin = rng.integers(90, 230, 3)
            for shot in range(pictures):
                picture, points = draw_face(skin if kind == "color" else np.full(3, skin[0]), rng, hair=hair)
                name = f"{shot:0{6 - digits - (1 if digits == 4 else -1)}d}.jpg"
                if kind == "grey":
                    picture = picture[..., 1]
                cv2.imwrite(str(place / name), picture)
                names.append(f"{kind}/{place.name}/{name}")
                landmarks.append(points)
    stored = np.array(landmarks, np.float16).reshape(-1, 68, 2)
    np.savez(folder / "landmarks.npz", name=np.array(names), landmarks=stored, detected=np.ones(len(names), bool))
    return folder


def draw_face(skin: np.ndarray, rng: np.random.Generator, *, hair: bool = False) -> tuple[np.ndarray, np.ndarray]:
    """A picture (112, 112, 3) uint8 and its landmarks (68, 2) as fractions; ``hair`` makes it a smaller face."""
    x, y = 0.5 + rng.normal(0, 0.03), 0.55 + rng.normal(0, 0.03)
    wide, high = 0.33 + rng.normal(0, 0.02), 0.42 + rng.normal(0, 0.02)
    picture = np.full((SIDE, SIDE, 3), rng.integers(20, 230), np.uint8)
    if hair:
        wide, high = 0.8 * wide, 0.8 * high
        top = (round(x * SIDE), round((y - 0.3 * high) * SIDE))
        cv2.ellipse(picture, top, (round(1.2 * wide * SIDE), round(1.1 * high * SIDE)), 0, 0, 360, (10, 40, 130), -1)
    points = face_points() * (wide, high) + (x, y)
    centre = (round(x * SIDE), round(y * SIDE))
    cv2.ellipse(picture, centre, (round(wide * SIDE), round(high * SIDE)), 0, 0, 360, skin.tolist(), -1, cv2.LINE_AA)
    for eye in (points[36:42], points[42:48]):
        cv2.circle(picture, tuple(np.rint(eye.mean(0) * SIDE).astype(int).tolist()), 6, (30, 30, 30), -1, cv2.LINE_AA)
    cv2.fillPoly(picture, [np.rint(points[48:60] * SIDE).astype(np.int32)], (60, 40, 120), cv2.LINE_AA)
    noisy = picture + rng.normal(0, 5, picture.shape)
    return noisy.clip(0, 255).astype(np.uint8), points.astype(np.float32)


def face_points() -> np.ndarray:
    """The 68 landmarks of a face from the front, −1…1 from ear to ear and from crown to chin."""
    angles = np.linspace(np.pi, 0, 17)
    jaw = np.stack([np.cos(angles), np.sin(angles)], 1)
    brows = [(x, -0.45) for x in (-0.75, -0.6, -0.45, -0.3, -0.15, 0.15, 0.3, 0.45, 0.6, 0.75)]
    nose = [(0, y) for y in (-0.25, -0.12, 0.0, 0.12)] + [(x, 0.22) for x in (-0.15, -0.08, 0, 0.08, 0.15)]
    eye = np.array([(-0.13, 0), (-0.05, -0.06), (0.05, -0.06), (0.13, 0), (0.05, 0.06), (-0.05, 0.06)])
    turns = np.linspace(np.pi, 3 * np.pi, 13)[:-1]
    lips = np.stack([0.32 * np.cos(turns), 0.13 * np.sin(turns)], 1) + np.array([0, 0.52])
    inner = np.linspace(np.pi, 3 * np.pi, 9)[:-1]
    mouth = np.stack([0.24 * np.cos(inner), 0.05 * np.sin(inner)], 1) + np.array([0, 0.52])
    return np.concatenate([jaw, brows, nose, eye + np.array([-0.4, -0.22]), eye + np.array([0.4, -0.22]), lips, mouth])
