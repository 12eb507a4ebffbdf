"""The tables of CIAGAN's talk on our data: ``python benchmarks/faces.py --data FACES`` (extras face and face-eval).

Writes ``benchmarks/faces.md``; ``--split val`` prints what settings are chosen by, and writes nothing.  Nobody whose
pictures are used here was seen by a training: 200 people of LFW's test split, in grey, two pictures each, and the four
held-out people in colour, 30 pictures each.  Their landmarks are given, so that everything about finding faces is left
out; nobody's outline is.  Every person gets one code.  ``CIAGAN`` draws faces in their own hair, ``heads`` whole heads.

- *detection*: share of pictures in which a face is found, by dlib's HOG and by CenterFace (in place of SSH, whose
  weights cannot be had here);
- *identification*: every anonymized picture against all other originals; is the nearest of the same person?  By our
  own network, which guided no generator, and by dlib's; the floor is a filled face, or head, the control a real face
  of somebody else (``face_swaps.py``): what is found in spite of it is known by hair, neck and light;
- *verification*: pairs of LFW's people, the second picture anonymized: which share of the pairs of one person is
  accepted where one in a thousand pairs of two people is; ten splits of 600 pairs, thresholds from the other nine.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from face_swaps import swapped
from numpy.typing import NDArray

from mot_anon.gan.faces import FaceGenerator
from mot_anon.measure.face_judges import Judge, dlib_embeddings, found_by_dlib, proxy_nca
from mot_anon.measure.faces_sheet import anonymized
from mot_anon.methods.base import Item, Method, Pixels, Wishes
from mot_anon.methods.ciagan_face import CiaganFace
from mot_anon.methods.whole_heads import WholeHeads
from mot_anon.plan.heads import FacePlace
from mot_anon.plan.identities import CODE_SIZE
from mot_anon.plan.keys import TEST_KEY, Key
from mot_anon.threads import cores, spread
from mot_anon.vision.face_data import Faces, load_faces
from mot_anon.vision.face_detectors import CenterFace
from mot_anon.vision.heads import portrait_windows
from mot_anon.vision.landmarks import face_windows

PEOPLE, SPLITS, PAIRS, FALSE = 200, 10, 600, 0.001
FLOORS = {"CIAGAN": "face filled (floor)", "heads": "head filled (floor)"}
"""Who draws somebody → what is left where nobody is drawn."""
CONTROL = "somebody else's real face (control)"
_CENTERFACE_SIDE = 160  # of pictures as CenterFace sees them: a face with some room
Pictures = NDArray[np.uint8]


class Filled:
    """The floor: what CIAGAN draws into, and nothing drawn."""

    name = "filled"
    targets = frozenset({"face"})
    needs_raw = uses_identity = wants_silhouettes = control = False
    wants_faces = True

    def parameters(self) -> dict[str, float | int | str]:
        """None."""
        return {}

    def render(self, batch: Sequence[Item]) -> list[tuple[Pixels, Pixels]]:
        """What was there already."""
        return [(item.erased, item.silhouette) for item in batch]


class Taken(Filled):
    """That of ``heads``."""

    name = "taken"
    wants_heads = True


@dataclass(frozen=True)
class Row:
    """What one way of anonymizing does to some pictures; shares in 0…1.

    Attributes
    ----------
    dlib, centerface:
        Detected.
    own, other:
        Recall@1 of every person, by our network and by dlib's.
    """

    name: str
    dlib: float
    centerface: float
    own: NDArray[np.float64]
    other: NDArray[np.float64]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--split", choices=("val", "test"), default="test", help="whose pictures; only test is written")
    parser.add_argument("--weights", type=Path, help="of another generator; only those that ship are written")
    parser.add_argument("--portraits", type=Path, help="and of another one of portraits")
    parser.add_argument("--quick", action="store_true", help="20 people, to try it")
    asked = parser.parse_args()
    grey, colour = people_of(asked.data, asked.split, PEOPLE if not asked.quick else 20)
    started = time.process_time()
    lines: list[str] = []
    shown: list[dict[str, Pictures]] = []
    sets = [(faces, kind) for faces, kind in ((grey, "of LFW, in grey"), (colour, "in colour")) if len(faces)]
    for faces, kind in sets:
        shown.append({name: change(faces) for name, change in ways(asked.weights, asked.portraits).items()})
        lines += ["", f"## {len(np.unique(faces.person))} people {kind}: {len(faces)} pictures", ""]
        lines += _table([row_of(name, faces, pictures) for name, pictures in shown[-1].items()], faces)
    lines += ["", "## Verification, people of LFW", "", *_verification(grey, shown[0])]
    lines += ["", "## How close faces are", "", *_closeness([some for some, _ in sets], shown, asked.data)]
    for name, method in drawn_by(asked.weights, asked.portraits).items():
        again = [published(faces, method, "another benchmark") for faces, _ in sets]
        lines += ["", *_diversity(name, [some for some, _ in sets], shown, again)]
    lines += ["", f"Speed: {_pace():.0f} face crops a second by the generator, {cores()} cores."]
    lines += ["", f"{time.process_time() - started:.0f} seconds of CPU."]
    command = "python benchmarks/faces.py --data DIR"
    head = ["# Faces: detection, identification, verification", "", f"`{command}`; protocol: the file's docstring."]
    text = "\n".join([*head, *lines, ""])
    if not asked.quick and asked.split == "test" and asked.weights is None and asked.portraits is None:
        Path(__file__).with_suffix(".md").write_text(text, encoding="utf-8")
    print(text)


def people_of(data: Path, split: str, people: int) -> tuple[Faces, Faces]:
    """People in grey, two pictures each, and in colour, 30 each, as far as a split has any."""
    everybody = load_faces(data, (split,))
    everybody = everybody.of(everybody.detected)
    return _some(everybody.of(~everybody.colour), people, 2), _some(everybody.of(everybody.colour), 4, 30)


def drawn_by(weights: Path | None = None, portraits: Path | None = None) -> dict[str, Method]:
    """Name → who draws somebody who does not exist."""
    return {"CIAGAN": CiaganFace(weights), "heads": WholeHeads(portraits)}


def ways(weights: Path | None = None, portraits: Path | None = None) -> dict[str, Callable[[Faces], Pictures]]:
    """Name → what is done to pictures."""
    drawn = {
        name: lambda faces, method=method: published(faces, method)
        for name, method in drawn_by(weights, portraits).items()
    }
    return {
        "original": lambda faces: faces.pixels,
        FLOORS["CIAGAN"]: lambda faces: published(faces, Filled()),
        FLOORS["heads"]: lambda faces: published(faces, Taken()),
        CONTROL: swapped,
        "pixelise 16": lambda faces: _each(faces, lambda picture: pixelised(picture, 16)),
        "pixelise 8": lambda faces: _each(faces, lambda picture: pixelised(picture, 8)),
        "blur 9": lambda faces: _each(faces, lambda picture: cv2.GaussianBlur(picture, (9, 9), 0)),
        "blur 17": lambda faces: _each(faces, lambda picture: cv2.GaussianBlur(picture, (17, 17), 0)),
        **drawn,
    }


def published(faces: Faces, method: Method, purpose: str = "benchmark") -> Pictures:
    """Every picture as a frame with one face, published; every person has one code for a ``purpose``."""
    key, side, whole = Key(TEST_KEY), faces.pixels.shape[1], Wishes.of(method, "face").heads
    windows, made = portrait_windows if whole else face_windows, []
    for picture, person, landmarks in zip(faces.pixels, faces.person, faces.landmarks, strict=True):
        points = (landmarks * side).astype(np.float32)
        window = np.rint(windows(points[None])[0]).astype(np.int64)
        window[2:] = window[:2] + (window[2:] - window[:2]).max()
        code = key.normals(purpose, str(person), size=CODE_SIZE).astype(np.float32)
        place = FacePlace(points, window, 1.0, usable=True, oval=True, whole=whole)
        made.append(anonymized(picture, [place], code[None], method))
    return np.stack(made)


def pixelised(picture: Pictures, cells: int) -> Pictures:
    """``cells`` across the picture."""
    small = cv2.resize(picture, (cells, cells), interpolation=cv2.INTER_AREA)
    return np.asarray(cv2.resize(small, picture.shape[1::-1], interpolation=cv2.INTER_NEAREST), np.uint8)


def recall(query: NDArray[np.float32], gallery: NDArray[np.float32], person: NDArray[np.int64]) -> NDArray[np.float64]:
    """Recall@1 of every person: (N, D) pictures against the others of (N, D) originals."""
    similarity = query @ gallery.T
    np.fill_diagonal(similarity, -2)
    hits = person[similarity.argmax(1)] == person
    return np.array([hits[person == p].mean() for p in np.unique(person)])


def verified(query: NDArray[np.float32], gallery: NDArray[np.float32], person: NDArray[np.int64]) -> list[float]:
    """True accepts in each of ten splits, first picture original, second from ``query``."""
    rng = np.random.default_rng(0)
    n = len(person)
    first, second = np.nonzero(person[:, None] == person[None])
    first, second = first[first != second], second[first != second]
    genuine, impostor = [], []
    for _ in range(SPLITS):
        rows = rng.choice(len(first), min(PAIRS // 2, len(first)), replace=False)
        genuine.append((gallery[first[rows]] * query[second[rows]]).sum(1))
        a, b = rng.integers(0, n, 4 * PAIRS), rng.integers(0, n, 4 * PAIRS)
        apart = np.flatnonzero(person[a] != person[b])[: PAIRS // 2]
        impostor.append((gallery[a[apart]] * query[b[apart]]).sum(1))
    accepts = []
    for split in range(SPLITS):
        others = np.concatenate([scores for number, scores in enumerate(impostor) if number != split])
        accepts.append(float((genuine[split] > np.quantile(others, 1 - FALSE)).mean()))
    return accepts


def row_of(name: str, faces: Faces, pictures: Pictures) -> Row:
    """Ask everybody about pictures that stay alive."""
    detector = CenterFace()
    hits = [found_by_dlib(picture) for picture in pictures]
    size = (_CENTERFACE_SIDE, _CENTERFACE_SIDE)
    seen = [len(detector(np.asarray(cv2.resize(picture, size)), alone=True)) > 0 for picture in pictures]
    recalls = [
        recall(embedded(judge, pictures, faces), embedded(judge, faces.pixels, faces), faces.person)
        for judge in (proxy_nca, dlib_embeddings)
    ]
    return Row(name, float(np.mean(hits)), float(np.mean(seen)), *recalls)


_KEPT: dict[tuple[str, int], NDArray[np.float32]] = {}


def embedded(judge: Judge, pictures: Pictures, faces: Faces) -> NDArray[np.float32]:
    """Embeddings of pictures that stay alive, asked for once."""
    place = (judge.__name__, id(pictures))
    if place not in _KEPT:
        _KEPT[place] = judge(pictures, faces.landmarks)
    return _KEPT[place]


def _table(rows: list[Row], faces: Faces) -> list[str]:
    lines = [
        "| | detected by dlib / CenterFace, % | Recall@1 of our network, % | of dlib's, % |",
        "| --- | --- | --- | --- |",
    ]
    for row in rows:
        detected = f"{100 * row.dlib:.1f} / {100 * row.centerface:.1f}"
        lines.append(f"| {row.name} | {detected} | {shared(row.own)} | {shared(row.other)} |")
    named = {row.name: row for row in rows}
    original = named["original"]
    for name, floor in FLOORS.items():
        row = named[name]
        relative = f"{100 * row.dlib / original.dlib:.1f} / {100 * row.centerface / original.centerface:.1f}"
        over, more = (
            f"{shared(row.own - named[less].own, '+')} and {shared(row.other - named[less].other, '+')}"
            for less in (floor, CONTROL)
        )
        lines += [
            "",
            f"{name}: detection relative to the original {relative} %; over its floor {over} points, over somebody "
            f"else's real face {more}.",
        ]
    chance = np.mean([((faces.person == p).sum() - 1) / (len(faces) - 1) for p in np.unique(faces.person)])
    return [*lines, "", f"Per person; in brackets 95 % by bootstrap over people.  Chance: {100 * chance:.1f} %."]


def shared(values: NDArray[np.float64], sign: str = "") -> str:
    """Mean of shares and its interval, in percent."""
    rng = np.random.default_rng(0)
    means = values[rng.integers(0, len(values), (2000, len(values)))].mean(1)
    low, high = np.quantile(means, [0.025, 0.975])
    return f"{100 * values.mean():{sign}.1f} [{100 * low:.1f}, {100 * high:.1f}]"


def _verification(faces: Faces, shown: dict[str, Pictures]) -> list[str]:
    lines = ["| second picture | our network | dlib's |", "| --- | --- | --- |"]
    for name in ("original", *FLOORS.values(), *FLOORS):
        cells = []
        for judge in (proxy_nca, dlib_embeddings):
            accepts = verified(embedded(judge, shown[name], faces), embedded(judge, faces.pixels, faces), faces.person)
            cells.append(f"{np.mean(accepts):.3f} ± {np.std(accepts):.3f}")
        lines.append(f"| {name} | {' | '.join(cells)} |")
    return [*lines, "", f"True accepts at a false-accept rate of {FALSE}; a recogniser as good as chance has {FALSE}."]


def _diversity(name: str, sets: list[Faces], shown: list[dict[str, Pictures]], again: list[Pictures]) -> list[str]:
    """How far apart two codes make the same picture."""
    told = []
    for faces, pictures, others in zip(sets, shown, again, strict=True):
        one, two = (embedded(proxy_nca, some, faces) for some in (pictures[name], others))
        told.append(f"{1 - float((one * two).sum(1).mean()):.2f} ({'colour' if faces.colour[0] else 'grey'})")
    return [f"{name}: mean cosine distance between one picture under two codes, by our network: {', '.join(told)}."]


def _closeness(sets: list[Faces], shown: list[dict[str, Pictures]], data: Path) -> list[str]:
    """How far different people are from each other, and whether fakes look like training people."""
    grey = sets[0]
    own = embedded(proxy_nca, grey.pixels, grey)
    apart = grey.person[:, None] != grey.person[None]
    distance = 1 - float((own @ own.T)[apart].mean())
    trained = load_faces(data, ("train",))
    trained = trained.of(trained.detected)
    known = proxy_nca(trained.pixels, trained.landmarks)
    lines = [
        f"Mean cosine distance between pictures of different people of LFW, by our network: {distance:.2f}.",
        "",
        "| nearest training picture (cosine similarity, our network): | median | 95 % | 99 % |",
        "| --- | --- | --- | --- |",
    ]
    for faces, pictures in zip(sets, shown, strict=True):
        kind = "colour" if faces.colour[0] else "grey"
        for name in ("original", *FLOORS):
            nearest = (embedded(proxy_nca, pictures[name], faces) @ known.T).max(1)
            quantiles = " | ".join(f"{value:.2f}" for value in np.quantile(nearest, [0.5, 0.95, 0.99]))
            lines.append(f"| {'strangers' if name == 'original' else name}, {kind} | {quantiles} |")
    return lines


def _pace(batches: int = 24, windows: int = 32) -> float:
    """Crops a second as publishing computes: one thread a frame, a frame a core."""
    rng, generator = np.random.default_rng(0), FaceGenerator()
    around = rng.random((windows, 64, 64, 3), np.float32)
    lines, holes = rng.random((2, windows, 64, 64), np.float32)
    codes = rng.standard_normal((windows, CODE_SIZE)).astype(np.float32)

    def draw(_: int) -> None:
        generator(around, lines, holes, codes)

    list(spread(draw, range(cores())))
    started = time.perf_counter()
    list(spread(draw, range(batches)))
    return batches * windows / (time.perf_counter() - started)


def _some(faces: Faces, people: int, pictures: int) -> Faces:
    """The first ``people`` who have two pictures or more, with so many of them at most."""
    numbers, counts = np.unique(faces.person, return_counts=True)
    chosen = [np.flatnonzero(faces.person == number)[:pictures] for number in numbers[counts > 1][:people]]
    return faces.of(np.concatenate([np.zeros(0, np.int64), *chosen]))


def _each(faces: Faces, change: Callable[[Pictures], Pictures]) -> Pictures:
    return np.stack([np.asarray(change(picture), np.uint8) for picture in faces.pixels])


if __name__ == "__main__":
    main()
