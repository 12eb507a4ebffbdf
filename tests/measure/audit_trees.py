"""Published trees to break: two cameras, one of them with two views, and what whoever breaks a record would do."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from mot_anon.data.frames import encode_frame, read_frame
from mot_anon.data.sequence import Sequence, select
from mot_anon.measure.audit.findings import Audit, Finding
from mot_anon.measure.audit.run import Question, audit
from mot_anon.plan.keys import TEST_KEY, Key
from mot_anon.progress import silent
from mot_anon.publish.analyse import Coverage
from mot_anon.publish.record import seal
from mot_anon.publish.run import Settings, publish
from tests.sequences import noise, write_sequence

Made = tuple[list[Sequence], Path]
"""Originals, and the tree in which they are published."""

SIZE = (320, 200)
FRAMES = 7
KEY = Key(TEST_KEY)
BOXES = {1: (5, 20, 24, 60), 2: (105, 16, 24, 62), 3: (205, 18, 26, 64), 4: (20, 108, 22, 56), 5: (150, 104, 26, 60)}
"""Id → x, y, w, h in the first frame; everybody walks fourteen pixels to the right from frame to frame."""


def person_box(number: int, frame: int) -> tuple[int, int, int, int]:
    x, y, w, h = BOXES[number]
    return x + 14 * (frame - 1), y, w, h


def write_originals(folder: Path, ext: str) -> list[Sequence]:
    """Cameras CAM-1 and CAM-2 (views CAM-2-DPM and CAM-2-SDP): people before a background that stands still."""
    rows = [(f, n, *person_box(n, f), 1, 1, 1.0) for n in BOXES for f in range(1, FRAMES + 1)]
    for name, seed in (("CAM-1", 1), ("CAM-2-DPM", 2), ("CAM-2-SDP", 2)):
        place = write_sequence(folder, name, gt=rows, det=[], frames=FRAMES, ext=ext, size=SIZE)
        still = noise(SIZE, 99 + seed)
        for frame in range(1, FRAMES + 1):
            picture = still.copy()
            for number in BOXES:
                x, y, w, h = person_box(number, frame)
                picture[y : y + h, x : x + w] = noise((w, h), 7000 + 10 * seed + number)
            (place / "img1" / f"{frame:06d}{ext}").write_bytes(encode_frame(picture, ext))
    return select([folder], ["all"])


def published(originals: list[Sequence], out: Path, method: str = "pixelate", **more: object) -> Path:
    settings = Settings(
        **{"method": method, "permute_ids": True, "coverage": Coverage(detector=None), "workers": 1, **more}  # type: ignore[arg-type]
    )
    return publish(originals, out, KEY, settings, silent).tree


def audited(originals: list[Sequence], tree: Path, out: Path, **more: object) -> Audit:
    return audit(originals, tree, Question(**{"detector": None, "workers": 1, "key": KEY, **more}), out, silent)  # type: ignore[arg-type]


def repaint(path: Path, change: Callable[[NDArray[np.uint8]], NDArray[np.uint8]]) -> None:
    """Change the pixels of a frame that is there."""
    path.write_bytes(encode_frame(change(read_frame(path)), path.suffix))


def cover_up(tree: Path) -> Path:
    """What somebody does who breaks a tree and has its record say that all is well: new digests, old file times."""
    path = tree / "anonymization.json"
    record = json.loads(path.read_text())
    for entry in record["sequences"]:
        for name in entry["sha256"]:
            frame = tree / entry["sequence"] / "img1" / name
            if frame.is_file():
                entry["sha256"][name] = hashlib.sha256(frame.read_bytes()).hexdigest()
    path.write_text(json.dumps(record))
    seal(tree)
    return tree


def jpeg_with(data: bytes, marker: int, body: bytes) -> bytes:
    """A JPEG file with one more segment behind its start."""
    return data[:2] + bytes([0xFF, marker]) + (len(body) + 2).to_bytes(2, "big") + body + data[2:]


def thumbnail(frame: NDArray[np.uint8]) -> bytes:
    """The body of an APP1 segment that holds a small picture, as cameras write it."""
    small = cv2.imencode(".jpg", cv2.resize(frame, (80, 53)))[1].tobytes()
    return b"Exif\0\0II*\0" + (8).to_bytes(4, "little") + bytes(6) + small


def checks(found: Audit) -> set[str]:
    return {finding.check for finding in found.errors}


def only(found: Audit, check: str) -> list[Finding]:
    """The errors, all of which are of one check."""
    assert checks(found) == {check}, found.lines()
    return found.errors


def frame(tree: Path, sequence: str, number: int) -> Path:
    return next((tree / sequence / "img1").glob(f"{number:06d}.*"))


def restored(original: Sequence, number: int, box: tuple[int, int, int, int]) -> Callable[..., NDArray[np.uint8]]:
    x, y, w, h = box

    def change(picture: NDArray[np.uint8]) -> NDArray[np.uint8]:
        picture[y : y + h, x : x + w] = read_frame(original.frames[number - 1])[y : y + h, x : x + w]
        return picture

    return change
