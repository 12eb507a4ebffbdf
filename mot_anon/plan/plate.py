"""What a camera that stands still sees where nobody is: the background plate.

A pixel of the plate is the median of sampled frames in which the pixel was in nobody's box, nor near one, or, where
people are covered by their silhouettes, well outside of what is covered; it is known only where enough frames say so.
So it shows nothing that is not published as it is in those very frames.  Where
detections without a track keep coming, somebody may stand whom the detector often misses: nothing is known there, but
where nothing moves all the time, whether or not a detector sees somebody.  People move; signs and posters do not.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import cv2
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from mot_anon.data.frames import Frame, read_frame
from mot_anon.plan.identities import CAMERA_TRACK
from mot_anon.plan.regions import clip
from mot_anon.vision.cache import Tick, frames_digest, kept

_SAMPLES = 40
_LEAST_FRAMES, _LEAST_SHARE = 5, 0.125
_OFTEN = 0.1  # share of all frames in which a pixel is in boxes without a track
_STILL = 9.0  # grey levels: median difference of a frame to the plate, above which the camera has moved
_ACROSS, _ABOVE, _BELOW = 0.36, 0.15, 0.1  # of a box: how far beyond it silhouettes with their margins reach
_ROOM = 1 / 60  # of the frame's height: how far from what is covered a pixel shows the background alone
_MOSTLY = 0.4  # share of the frames in which that must be so where boxes say too little
_STRIP = 64
_KNOWN, _KNOWN_STILL = 128, 255
_ALL = 0.9  # share of a box that must be still for it to be of a thing
_COARSE = 4  # pixels a cell in which motion is looked for
_MOVED, _SHAKEN = 8.0, 0.2  # grey levels, and share of what is between neighbours, by which a cell differs if it moves
_NEAR, _LEAST_CELLS = 1 / 16, 7  # of the frame's height, and in cells: side of the neighbourhood that must be still
# Whoever stands sways by a centimetre in some seconds, who sits sits up in some more; the smaller they are, the longer
# one has to look until that is as much as a pixel.
_LONG, _LONG_FOR = 4.0, 1200.0  # seconds at least, and seconds × pixels that somebody is tall
_LONGEST = 30.0  # seconds that are enough for whoever is taken for a person
_SELDOM = 0.03  # share of its cells and frames that may have moved all the same
_TONES = 16  # from dark to light: a camera's exposure changes each otherwise
_DETAIL, _TOLD = 6.0, 0.05  # grey levels between neighbours from which a cell tells of motion; share of cells that must

Masks = Callable[[int], tuple[NDArray[np.bool_], NDArray[np.bool_]]]
"""Number of a frame → (H, W) what is covered of those whom tracks hold together, and (H, W) of the others."""


@dataclass(frozen=True)
class Plate:
    """``pixels`` (H, W, 3) uint8 BGR, ``known`` (H, W), and ``still`` (H, W): where nothing else was ever seen.

    ``seconds`` is for how long it was looked at.  A plan that was read from a file does not know what is still: it is
    asked for while planning.
    """

    pixels: Frame = field(repr=False)
    known: NDArray[np.bool_] = field(repr=False)
    still: NDArray[np.bool_] | None = field(default=None, repr=False)
    seconds: float = 0.0

    def shows(self, frame: Frame, outside: NDArray[np.bool_]) -> bool:
        """Whether a frame was taken where the plate was, judged by its pixels ``outside`` (H, W) all regions."""
        some = (self.known & outside)[::4, ::4]
        if some.sum() < 50:
            return False
        difference = cv2.absdiff(frame[::4, ::4][some], self.pixels[::4, ::4][some])
        return float(np.median(difference)) <= _STILL


def make_plate(
    frames: Sequence[Path],
    regions: pd.DataFrame,
    size: tuple[int, int],
    tick: Tick | None = None,
    *,
    seconds: float,
    masks: Masks | None = None,
) -> Plate | None:
    """The plate of a recording; None where the camera moves, or where hardly anything is ever free.

    Parameters
    ----------
    regions:
        Everybody, also those who count as hidden; ``loose`` says who may be there in more frames than are known,
        because no track holds the detections together.
    size:
        (width, height) in pixels.
    tick:
        Called once a sampled frame (:func:`sampled`).
    seconds:
        How long the recording is: in a short one who sits or waits may not move, or not by a pixel.
    masks:
        Who is where, finer than boxes.  Those who count as hidden, and are not covered, keep their boxes.
    """
    numbers = sampled(len(frames))
    boxes = regions[["x", "y", "w", "h"]].to_numpy(np.float64)
    said = regions["frame"].to_numpy(np.int64)
    loose = regions["loose"].to_numpy(bool)
    free = [~near_boxes(boxes[said == number], size) for number in numbers]
    if masks is None:
        often = _often(boxes[loose], said[loose], len(frames), size)
    else:
        hidden = (regions["kind"] == "hidden").to_numpy()
        count, clear = np.zeros((size[1], size[0]), np.int64), []
        for number in numbers:
            known, strangers = (_widened(mask, size) for mask in masks(number))
            clear.append(~(known | strangers | near_boxes(boxes[(said == number) & hidden], size)))
            count += strangers & ~known
        often = count >= max(2, _OFTEN * len(numbers))
        # Beside somebody who stands there, what a parser misses now and then (a bag, a hand) must not become the wall.
        near = (np.sum(free, 0) < _least(len(numbers))) & (np.sum(clear, 0) >= _MOSTLY * len(numbers))
        free = [box_free | (near & mask_free) for box_free, mask_free in zip(free, clear, strict=True)]
    brief = loose & ~_long_enough(regions, seconds)
    small = _often(boxes[brief], said[brief], len(frames), size)
    told = hashlib.sha256(boxes.tobytes() + said.tobytes() + loose.tobytes())
    for mask in (*free, often, small):
        told.update(np.packbits(mask).tobytes())
    what = told.hexdigest()
    name = f"plate 8 {numbers} of things {frames_digest([frames[number - 1] for number in numbers])} {what}"

    def compute() -> NDArray[np.uint8]:
        stack, held = [], []
        for number in numbers:
            stack.append(read_frame(frames[number - 1]))
            held.append(near_boxes(boxes[(said == number) & ~loose], size))
            if tick:
                tick()
        plate = _median(np.stack(stack), np.stack(free))
        still = _still(stack, held, plate)
        plate[often & (small | ~still)] = 0
        plate[still & (plate[..., 3] > 0), 3] = _KNOWN_STILL
        return plate

    both = kept(name, compute, tick, len(numbers), small=True)
    plate = Plate(np.ascontiguousarray(both[..., :3]), both[..., 3] > 0, both[..., 3] == _KNOWN_STILL, seconds)
    if not plate.known.any():
        return None
    step = max(1, len(numbers) // 8)
    pairs = zip(numbers[::step], free[::step], strict=True)
    still = [plate.shows(read_frame(frames[number - 1]), outside) for number, outside in pairs]
    return plate if sum(still) >= 0.75 * len(still) else None


def sampled(n_frames: int) -> list[int]:
    """Numbers of the frames, evenly spread, that a plate is made of."""
    return sorted({int(number) for number in np.rint(np.linspace(1, n_frames, min(n_frames, _SAMPLES)))})


def things_there(plate: Plate, regions: pd.DataFrame, size: tuple[int, int]) -> NDArray[np.bool_]:
    """(N,) which boxes show nothing but what always stands there: a sign, a poster, whatever detectors agree on."""
    found = np.zeros(len(regions), bool)
    if plate.still is None:
        return found
    boxes = regions[["x", "y", "w", "h"]].to_numpy(np.float64)
    for row in np.flatnonzero(_long_enough(regions, plate.seconds)):
        x1, y1, x2, y2 = clip(boxes[row], size)
        found[row] = x2 > x1 and y2 > y1 and plate.still[y1:y2, x1:x2].mean() >= _ALL
    return found


def nobody_drawn_into_things(regions: pd.DataFrame, plate: Plate, size: tuple[int, int]) -> pd.DataFrame:
    """Regions with those of things ``unsure`` (:func:`things_there`), as far as they belong to nobody's track."""
    loose = ((regions["track"] == CAMERA_TRACK) & (regions["kind"] == "person")).to_numpy()
    things = loose & things_there(plate, regions, size)
    return regions.assign(kind=np.where(things, "unsure", regions["kind"]))


def _long_enough(regions: pd.DataFrame, seconds: float) -> NDArray[np.bool_]:
    """(N,) in which boxes somebody would have moved by what can be seen in that time.

    Whoever is taken for a person has the longest time, whatever their size.
    """
    long = (seconds >= _LONG) & (seconds * regions["h"].to_numpy(np.float64) >= _LONG_FOR)
    return np.asarray(long & ((regions["kind"] != "person").to_numpy() | (seconds >= _LONGEST)), bool)


def near_boxes(boxes: NDArray[np.float64], size: tuple[int, int]) -> NDArray[np.bool_]:
    """(H, W): what lies in boxes (N, 4), x, y, w, h, or as near as silhouettes with their margins reach."""
    covered = np.zeros((size[1], size[0]), bool)
    for x, y, w, h in boxes:
        more, above, below = max(4.0, _ACROSS * w), max(4.0, _ABOVE * h), max(4.0, _BELOW * h)
        x1, y1, x2, y2 = clip(np.array([x - more, y - above, w + 2 * more, h + above + below]), size)
        covered[y1:y2, x1:x2] = True
    return covered


def _widened(mask: NDArray[np.bool_], size: tuple[int, int]) -> NDArray[np.bool_]:
    wide = np.ones((2 * max(2, round(_ROOM * size[1])) + 1,) * 2, np.uint8)
    return np.asarray(cv2.dilate(mask.astype(np.uint8), wide) > 0)


def _often(
    boxes: NDArray[np.float64], numbers: NDArray[np.int64], n_frames: int, size: tuple[int, int]
) -> NDArray[np.bool_]:
    count = np.zeros((size[1], size[0]), np.int64)
    for number in sorted(set(numbers.tolist())):
        count += near_boxes(boxes[numbers == number], size)
    return count >= max(2, _OFTEN * n_frames)


def _still(stack: list[Frame], held: list[NDArray[np.bool_]], plate: NDArray[np.uint8]) -> NDArray[np.bool_]:
    """(H, W): where no frame shows anything else than the plate (H, W, 4), but where ``held`` has known people."""
    height, width = plate.shape[:2]
    size = (max(1, width // _COARSE), max(1, height // _COARSE))
    known = cv2.resize(plate[..., 3], size, interpolation=cv2.INTER_AREA) == _KNOWN
    wanted = cv2.resize(plate[..., :3], size, interpolation=cv2.INTER_AREA).astype(np.float32)
    grown = np.ones((3, 3), np.uint8)
    contrast = (cv2.dilate(wanted, grown) - cv2.erode(wanted, grown)).max(2)
    detail = contrast > _DETAIL  # what is the same all over may move, and nobody sees it
    moved, looked = np.zeros(known.shape, np.float32), np.zeros(known.shape, np.float32)
    for frame, people in zip(stack, held, strict=True):
        here = known & (cv2.resize(people.astype(np.uint8), size, interpolation=cv2.INTER_AREA) == 0)
        if not here.any():
            continue
        shown = cv2.resize(frame, size, interpolation=cv2.INTER_AREA).astype(np.float32)
        difference = shown - _exposed(wanted, shown, here)
        changed = here & (np.abs(difference).max(2) > _MOVED + _SHAKEN * contrast)
        moved += here & detail & (cv2.dilate(changed.astype(np.uint8), grown) > 0)
        looked += here & detail
    side = max(_LEAST_CELLS, round(_NEAR * size[1]))
    moves, told = cv2.blur(moved, (side, side)), cv2.blur(looked, (side, side))
    still = (moves <= _SELDOM * told) & (told >= _TOLD * len(stack))
    return cv2.resize(still.astype(np.uint8), (width, height), interpolation=cv2.INTER_NEAREST) > 0


def _exposed(plate: NDArray[np.float32], shown: NDArray[np.float32], here: NDArray[np.bool_]) -> NDArray[np.float32]:
    """What a plate (h, w, 3) would look like at the exposure at which a frame was ``shown``, told ``here`` (h, w)."""
    result = np.empty_like(plate)
    for channel in range(3):
        tones = plate[..., channel][here]
        steps = np.unique(np.quantile(tones, np.linspace(0, 1, _TONES + 1)))
        which = np.clip(np.searchsorted(steps, tones, "right") - 1, 0, max(0, len(steps) - 2))
        shift = shown[..., channel][here] - tones
        pairs = [(np.median(tones[which == one]), np.median(shift[which == one])) for one in np.unique(which)]
        at, by = np.array(pairs, np.float32).T
        result[..., channel] = plate[..., channel] + np.interp(plate[..., channel], at, by)
    return result


def _least(frames: int) -> float:
    return max(_LEAST_FRAMES, _LEAST_SHARE * frames)


def _median(stack: NDArray[np.uint8], free: NDArray[np.bool_]) -> NDArray[np.uint8]:
    """(H, W, 4) uint8: the lower median of the free ones of (N, H, W, 3) pixels, and :data:`_KNOWN` where it is."""
    count = free.sum(0)
    least = _least(len(stack))
    result = np.zeros((*count.shape, 4), np.uint8)
    for top in range(0, len(count), _STRIP):
        rows = slice(top, top + _STRIP)
        # Those that do not count are sorted to the end.
        values = np.where(free[:, rows, :, None], stack[:, rows], 255)
        values = np.sort(np.moveaxis(values, 0, -1), axis=-1)
        middle = np.maximum(count[rows] - 1, 0)[..., None, None] // 2
        result[rows, :, :3] = np.take_along_axis(values, np.broadcast_to(middle, (*values.shape[:3], 1)), -1)[..., 0]
    result[..., 3] = np.where(count >= least, _KNOWN, 0)
    result[count < least] = 0
    return result
