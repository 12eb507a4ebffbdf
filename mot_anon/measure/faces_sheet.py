"""``mot-anon faces SHEET.png --image FILE --codes 12``: in how many ways can the faces of a picture be anonymized?"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from mot_anon.data.frames import Frame, read_frame
from mot_anon.errors import NotFoundError, OptionError
from mot_anon.methods.base import Method, Wishes
from mot_anon.plan.camera import Region
from mot_anon.plan.heads import FacePlace
from mot_anon.plan.identities import CODE_SIZE
from mot_anon.plan.keys import Key
from mot_anon.plan.turned_heads import usual_body
from mot_anon.publish.render import render_frame
from mot_anon.vision.face_detectors import AUTO, make_face_detector
from mot_anon.vision.faces import find_faces
from mot_anon.vision.heads import AROUND, portrait_windows
from mot_anon.vision.landmarks import SIZE, USABLE, LandmarkReader, face_windows, reading_windows
from mot_anon.vision.parse import cut_window

REAL_DISTANCE: float | None = 0.98
"""Mean cosine distance of the same embedder between pictures of different people: ``benchmarks/faces.md``, of LFW's
test people; None where it was not measured."""
_HEAD = 1.35  # size of a head by that of its face
_MARGIN = 0.25  # of a face's window, that a sheet shows round it
_TILE, _ROWS = 160, 6  # pixels of a sheet's tile, and most faces that are shown


@dataclass(frozen=True)
class Sheet:
    """What was made.

    Attributes
    ----------
    picture:
        (H, W, 3) uint8 BGR: a row for each of the largest faces: the original, then one tile for every code.
    faces, covered:
        How many faces were found, and how many of them have landmarks that nothing can be drawn after.
    distance:
        Mean cosine distance, 0…2, between pictures of the same face under two codes; None where no face was drawn.
    """

    picture: Frame
    faces: int
    covered: int
    distance: float | None

    def told(self) -> str:
        """What to print."""
        lines = [f"{self.faces} faces, {self.covered} of them covered without landmarks to draw after"]
        if self.distance is not None:
            real = "not measured" if REAL_DISTANCE is None else f"{REAL_DISTANCE:.2f} (benchmarks/faces.md)"
            lines.append(f"mean distance between codes {self.distance:.2f}; between different real people {real}")
        return "\n".join(lines)


def face_places(frame: Frame, detector: str = AUTO, *, whole: bool = False) -> list[FacePlace]:
    """The faces of one picture, as far as ``detector`` finds them, where they, or ``whole`` heads, would be drawn.

    Raises
    ------
    OptionError
        Nothing may be looked with (``none``), or there is no detector of that name.
    """
    finder = make_face_detector(detector)
    if finder is None:
        raise OptionError("--faces none finds no face to anonymize")
    found = find_faces(frame, np.zeros((0, 4)), finder)[:, :4]
    windows = reading_windows(found)
    crops = [cut_window(frame, window, SIZE) for window in windows]
    points, confidence = LandmarkReader()(np.stack(crops) if crops else np.zeros((0, *SIZE, 3), np.uint8))
    corners = np.stack([np.floor(windows[:, :2]), np.ceil(windows[:, 2:])], 1) if len(found) else np.zeros((0, 2, 2))
    places = []
    for face, (low, high), fractions, sure in zip(found, corners, points, confidence, strict=True):
        landmarks = (low + fractions * (high - low)).astype(np.float32)
        usable = bool(sure >= USABLE)
        half = AROUND * _HEAD * max(face[2:]) / 2
        middle = face[:2] + face[2:] * (0.5, 0.4)
        drawn_in = portrait_windows if whole else face_windows
        window = drawn_in(landmarks[None])[0] if usable else np.concatenate([middle - half, middle + half])
        corner, side = np.rint(window[:2]), max(4, round(float(window[2] - window[0])))
        square = np.concatenate([corner, corner + side]).astype(np.int64)
        places.append(FacePlace(landmarks, square, float(sure), usable, oval=True, whole=whole))
    return places


def anonymized(frame: Frame, places: list[FacePlace], codes: NDArray[np.float32], method: Method) -> Frame:
    """A picture with the face at ``places[i]`` drawn after ``codes[i]``, (N, 24)."""
    regions = []
    for number, (place, code) in enumerate(zip(places, codes, strict=True)):
        side = place.window[2:] - place.window[:2]
        box = np.concatenate([place.window[:2], side]).astype(float)
        seen = None if place.usable else usual_body(place.window[:2] + side / 2, float(side[0]) / AROUND)
        regions.append(Region(str(number), box, True, box, np.zeros((0, 4)), code, seen, place, True))
    return render_frame(frame, regions, method, "face", 0)[0]


def make_sheet(image: Path, codes: int, key: Key, method: Method, detector: str = AUTO) -> Sheet:
    """Anonymize the faces of a picture in ``codes`` ways, each with codes of its own from the key.

    Raises
    ------
    NotFoundError
        The picture, or a face in it, is not there.
    OptionError
        Fewer than one code.
    FormatError
        The picture cannot be read.
    """
    if codes < 1:
        raise OptionError(f"--codes {codes}: at least one is needed")
    if not image.is_file():
        raise NotFoundError(f"{image}: not there")
    frame = read_frame(image)
    places = face_places(frame, detector, whole=Wishes.of(method, "face").heads)
    if not places:
        raise NotFoundError(f"{image}: no face was found; smaller or turned ones need --faces centerface")
    made = []
    for number in range(codes):
        rows = [key.normals("sheet", str(number), str(face), size=CODE_SIZE) for face in range(len(places))]
        made.append(anonymized(frame, places, np.stack(rows).astype(np.float32), method))
    drawn = [place for place in places if place.usable]
    distance = mean_distance(made, drawn) if drawn and codes > 1 else None
    return Sheet(_tiled([frame, *made], places), len(places), len(places) - len(drawn), distance)


def write_sheet(out: Path, sheet: Sheet) -> None:
    """Write the picture; raises :class:`OptionError` for a name that is not a PNG's."""
    if out.suffix.lower() != ".png":
        raise OptionError(f"{out}: a sheet is a PNG")
    out.parent.mkdir(parents=True, exist_ok=True)
    cv2.imwrite(str(out), sheet.picture)


def mean_distance(pictures: list[Frame], places: list[FacePlace]) -> float:
    """Mean cosine distance between two pictures of the same face, by the network that guided no generator."""
    from mot_anon.measure.face_judges import proxy_nca

    height, width = pictures[0].shape[:2]
    means = []
    for place in places:
        points = (place.points / (width, height)).astype(np.float32)
        found = proxy_nca(np.stack(pictures), np.stack([points] * len(pictures)))
        similarity = found @ found.T
        means.append(1 - float(similarity[np.triu_indices(len(found), 1)].mean()))
    return float(np.mean(means))


def _tiled(pictures: list[Frame], places: list[FacePlace]) -> Frame:
    """A row for each of the largest faces, a column for each picture."""
    rows = []
    for place in sorted(places, key=lambda place: int(place.window[0] - place.window[2]))[:_ROWS]:
        more = _MARGIN * (place.window[2:] - place.window[:2])
        window = np.concatenate([place.window[:2] - more, place.window[2:] + more])
        rows.append(np.hstack([cut_window(picture, window, (_TILE, _TILE)) for picture in pictures]))
    return np.asarray(np.vstack(rows), np.uint8)
