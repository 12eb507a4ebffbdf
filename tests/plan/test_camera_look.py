"""How a camera shows people: measured on those who are seen well."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pandas as pd
import pytest

from mot_anon.plan.camera_look import camera_look


def frames(folder: Path, blur: float) -> list[Path]:
    """Four frames of 320×240 whose left half is blurred noise and whose right half is plain noise."""
    rng, made = np.random.default_rng(0), []
    for number in range(4):
        pixels = rng.integers(0, 256, (240, 320)).astype(np.uint8)
        pixels[:, :160] = cv2.GaussianBlur(pixels[:, :160], (0, 0), blur)
        made.append(folder / f"{number}.png")
        cv2.imwrite(str(made[-1]), cv2.cvtColor(pixels, cv2.COLOR_GRAY2BGR))
    return made


def people(kind: str = "person", visibility: float = 1.0, height: float = 120.0) -> pd.DataFrame:
    """Somebody on the left in every frame."""
    rows = {"frame": [1, 2, 3, 4], "x": 30.0, "y": 40.0, "w": 60.0, "h": height}
    return pd.DataFrame(rows).assign(kind=kind, visibility=visibility)


def test_only_people_count_and_a_soft_camera_is_found_soft(tmp_path: Path) -> None:
    sharp = camera_look(frames(tmp_path, 0.4), people(), (320, 240))
    soft = camera_look(frames(tmp_path, 1.5), people(), (320, 240))
    assert sharp is not None
    assert soft is not None
    assert soft.softness > sharp.softness + 0.3
    assert soft.detail < sharp.detail


@pytest.mark.parametrize(
    "nobody",
    [people(kind="unsure"), people(visibility=0.2), people(height=30.0), people().iloc[:0], people().assign(x=-50.0)],
    ids=["unsure", "hidden", "small", "nobody", "beyond the edge"],
)
def test_where_nobody_is_seen_well_nothing_is_known(tmp_path: Path, nobody: pd.DataFrame) -> None:
    assert camera_look(frames(tmp_path, 1.0), nobody, (320, 240)) is None
