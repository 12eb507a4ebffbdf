"""Crops with silhouettes and poses, read from disk."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from mot_anon.errors import FormatError, NotFoundError
from mot_anon.vision.bodies import draw_parts, load_bodies
from tests.invented_bodies import write_bodies
from tests.realdata import BODIES, needs_bodies


def test_a_split_is_read_with_everything_that_belongs_to_a_crop(tmp_path: Path) -> None:
    bodies = load_bodies(write_bodies(tmp_path / "b", train=3, val=1), "train")
    assert bodies.pixels.shape == (12, 160, 80, 3)
    assert bodies.silhouettes.shape == (12, 80, 40)
    assert bodies.parts.shape == (12, 4, 80, 40)
    assert [len(rows) for rows in bodies.members()] == [4, 4, 4]
    assert bodies.silhouettes[:, 40, 20].min() > 250
    assert bodies.silhouettes[:, 70, 2].max() == 0


def test_missing_index_missing_split_and_a_broken_picture_are_named(tmp_path: Path) -> None:
    folder = write_bodies(tmp_path / "b", train=1, val=1)
    with pytest.raises(NotFoundError, match=r"index\.csv"):
        load_bodies(tmp_path, "train")
    with pytest.raises(NotFoundError, match="'test'"):
        load_bodies(folder, "test")
    (folder / "val" / "masks" / "00a0.png").write_bytes(b"no picture")
    with pytest.raises(FormatError, match=r"00a0\.png"):
        load_bodies(folder, "val")


def test_what_index_or_poses_lack_is_named_with_its_line(tmp_path: Path) -> None:
    folder = write_bodies(tmp_path / "b", train=1, val=1)
    index = folder / "index.csv"
    whole = index.read_text(encoding="utf-8")
    for name in ("split", "teacher_presence", "person"):
        index.write_text(whole.replace(name, "other", 1), encoding="utf-8")
        with pytest.raises(FormatError, match=rf"index\.csv:1: has no column {name}"):
            load_bodies(folder, "val")
    lines = whole.splitlines()  # of which the last are val's
    for line, message in (
        (lines[-1].replace(",1.0", ",sure"), "teacher_presence 'sure' is no number"),
        (lines[-1].removesuffix(",1.0"), "fewer than the 8 fields"),
    ):
        index.write_text("\n".join([*lines[:-1], line]), encoding="utf-8")
        with pytest.raises(FormatError, match=rf"index\.csv:9: .*{message}"):
            load_bodies(folder, "val")
    index.write_bytes(whole.replace("invented", "erfunden ü").encode("latin-1"))
    with pytest.raises(FormatError, match=r"index\.csv: cannot be read"):
        load_bodies(folder, "val")
    index.write_text(whole, encoding="utf-8")
    with np.load(folder / "keypoints.npz") as stored:
        names, poses = stored["name"], stored["keypoints"]
    np.savez(folder / "keypoints.npz", name=names[:-1], keypoints=poses[:-1])
    with pytest.raises(FormatError, match=r"index\.csv:9: keypoints\.npz has no pose of val/00b1"):
        load_bodies(folder, "val")
    np.savez(folder / "keypoints.npz", other=poses)
    with pytest.raises(FormatError, match=r"keypoints\.npz: holds no arrays"):
        load_bodies(folder, "val")
    (folder / "keypoints.npz").unlink()
    with pytest.raises(NotFoundError, match=r"keypoints\.npz"):
        load_bodies(folder, "val")


def pose(**moved: tuple[float, float]) -> np.ndarray:
    keypoints = np.zeros((33, 3), np.float32)
    keypoints[:, 2] = 1
    places = {0: (0.5, 0.1), 7: (0.55, 0.1), 8: (0.45, 0.1), 11: (0.7, 0.25), 12: (0.3, 0.25), 23: (0.6, 0.5)}
    places |= {24: (0.4, 0.5)} | {int(joint[1:]): place for joint, place in moved.items()}
    for joint, place in places.items():
        keypoints[joint, :2] = place
    return keypoints


def test_a_face_is_drawn_on_who_looks_at_us_and_not_on_who_turned_away() -> None:
    towards, away = draw_parts(pose()), draw_parts(pose(_11=(0.3, 0.25), _12=(0.7, 0.25)))
    assert towards[0].max() == 255
    assert 100 < away[0].max() < 150


def test_limbs_that_the_teacher_did_not_see_are_not_drawn() -> None:
    hidden = pose(_13=(0.8, 0.4), _15=(0.8, 0.5), _14=(0.2, 0.4), _16=(0.2, 0.5))
    seen = draw_parts(hidden)
    hidden[[13, 14, 15, 16], 2] = 0.1
    assert seen[2].max() > 200
    assert draw_parts(hidden)[2].max() == 0


@needs_bodies
def test_the_real_val_split_has_a_hundred_people_in_two_cameras() -> None:
    bodies = load_bodies(BODIES, "val")
    assert len(bodies.members()) == 100
    assert set(bodies.camera.tolist()) == {0, 1}
    # Torsos lie inside silhouettes, up to what a teacher gets wrong.
    inside = [(s[p[1] > 128] > 128).mean() for s, p in zip(bodies.silhouettes, bodies.parts, strict=True)]
    assert np.median(inside) > 0.95
