"""The README's picture: a demo frame, original beside published for each method and target.

Made from the demo and the published test key alone, so that nobody real is in it::

    python benchmarks/pictures.py            # writes docs/methods.jpg
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from PIL import Image, ImageDraw, ImageFont

from mot_anon.data.demo import write_demo
from mot_anon.data.frames import Frame, read_frame
from mot_anon.data.sequence import open_sequence
from mot_anon.methods.base import make_method
from mot_anon.plan.camera import CameraPlan
from mot_anon.plan.keys import TEST_KEY, Key
from mot_anon.publish.analyse import Coverage, plan_recording
from mot_anon.publish.recordings import recordings_of
from mot_anon.publish.render import render_frame

METHODS: tuple[tuple[str, int | None, str], ...] = (
    ("solid", None, "solid"),
    ("pixelate", 8, "pixelate, 8 cells a head"),
    ("blur", 17, "blur 17"),
    ("recolor", None, "recolor (a control)"),
)
"""Name, strength and label, in the order of the columns; the original comes before them."""
SEQUENCE, FRAME = "demo-01", 84


@dataclass(frozen=True)
class Section:
    """The panels of one target: a window x, y, w, h of the frame in pixels, and how often it is enlarged."""

    target: str
    window: tuple[int, int, int, int]
    scale: float


SECTIONS = (Section("body", (452, 190, 300, 346), 1.0), Section("face", (512, 212, 150, 110), 2.0))
GAP, LINE = 8, 28
_INK, _PAPER = (40, 40, 44), (255, 255, 255)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    out = Path(__file__).resolve().parents[1] / "docs" / "methods.jpg"
    parser.add_argument("--out", type=Path, default=out, help="the picture to write")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        write_demo(Path(folder), frames=FRAME)
        frame, plan = _plan(Path(folder) / SEQUENCE)
    sheet = np.concatenate([_section(section, frame, plan) for section in SECTIONS])
    arguments.out.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(sheet).save(arguments.out, quality=88, optimize=True)
    print(f"{arguments.out}: {sheet.shape[1]}×{sheet.shape[0]}, {arguments.out.stat().st_size / 1000:.0f} kB")


def _plan(folder: Path) -> tuple[Frame, CameraPlan]:
    sequence = open_sequence(folder)
    (recording,) = recordings_of([sequence], _silent)
    plan = plan_recording(recording, Key(TEST_KEY), "pseudonym", Coverage(detector=None), _silent)
    return read_frame(sequence.frames[FRAME - 1]), plan


def _silent(what: str, total: int) -> Callable[[], None]:
    return lambda: None


def _section(section: Section, frame: Frame, plan: CameraPlan) -> Frame:
    """A row of panels for one target, (H, W, 3) uint8 RGB, under a line that names it."""
    panels = [_panel("original", frame, section)]
    for name, strength, label in METHODS:
        method = make_method(name, strength)
        published, _ = render_frame(frame, plan.frame(FRAME), method, section.target, plan.recolouring)
        panels.append(_panel(label, published, section))
    margin = np.full((panels[0].shape[0], GAP, 3), _PAPER, np.uint8)
    row = np.concatenate([part for panel in panels for part in (margin, panel)] + [margin], axis=1)
    return np.concatenate(
        [_text(f"--target {section.target}", row.shape[1], GAP), row, np.full_like(row[:GAP], _PAPER)]
    )


def _panel(label: str, frame: Frame, section: Section) -> Frame:
    """The section's window of a frame under its label, RGB."""
    x, y, w, h = section.window
    size = (round(w * section.scale), round(h * section.scale))
    picture = cv2.resize(frame[y : y + h, x : x + w], size, interpolation=cv2.INTER_CUBIC)[..., ::-1]
    return np.concatenate([_text(label, size[0]), picture.astype(np.uint8)])


def _text(text: str, width: int, left: int = 0) -> Frame:
    line = Image.new("RGB", (width, LINE), _PAPER)
    ImageDraw.Draw(line).text((left, LINE // 2), text, _INK, ImageFont.load_default(18), anchor="lm")
    return np.asarray(line)


if __name__ == "__main__":
    main()
