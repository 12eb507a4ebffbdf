"""How people look in published frames, beside controls: ``python benchmarks/looks.py --data ROOT --seq MOT17-09``.

Writes ``benchmarks/body-NAME.md``, or ``face-NAME.md`` with ``--target face``.  Every method publishes the sequence
under keys derived from the published test key: ``--keys`` of them where a key decides who is drawn, else one.  Where
few people are in a sequence, one key says little.  Then, over people more than half visible and more than 60 px tall,
or over their heads, mean ± standard deviation over keys:

- *found*, *right*: recall and precision of a detector on published frames over those on the originals (of people at
  IoU 0.5; of faces by where their middle is);
- *flicker*: how much a person changes from one frame to the next after shift and size are taken out, published over
  original; textures that crawl raise it, blur lowers it;
- *sharpness*: gradient energy inside the boxes, published over original, so that blur does not win by flickering less;
- *people/s*: painted in a second from reading frames to finished tree, silhouettes and checks included.
"""

from __future__ import annotations

import argparse
import shutil
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from mot_anon import Settings, options
from mot_anon.data.frames import Frame, read_frame
from mot_anon.data.sequence import Sequence, open_sequence
from mot_anon.methods.base import make_method
from mot_anon.plan.faces import small_head
from mot_anon.plan.keys import TEST_KEY, Key
from mot_anon.plan.regions import iou
from mot_anon.progress import Reporter
from mot_anon.publish.run import publish
from mot_anon.vision.cache import detect_sequence
from mot_anon.vision.detect import make_detector
from mot_anon.vision.face_detectors import AUTO, make_face_detector
from mot_anon.vision.faces import face_sequence

METHODS = (
    ("ciagan", "ciagan", None, None),
    ("heads", "heads", None, None),
    ("one mannequin (ciagan, shared)", "ciagan", None, "shared"),
    ("grey", "grey", None, None),
    ("pixelate 8", "pixelate", 8, None),
    ("blur 17", "blur", 17, None),
)
"""Title, method, strength, policy (None: the one that is asked for)."""
_LEAST_HEIGHT, _VISIBLE, _SAME = 60, 0.5, 0.5
_LEAST_FACE = 8.0  # pixels: narrower finds are noise
_CROP = {"body": (128, 64), "face": (64, 64)}
_SEARCH = 4  # pixels of a crop by which a person may have moved in their box


@dataclass(frozen=True)
class Looks:
    """What the file's docstring defines, of one tree: recall, precision, change between frames, gradient energy."""

    recall: float
    precision: float
    change: float
    sharpness: float


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", action="append", type=Path)
    parser.add_argument("--seq", action="append", required=True)
    parser.add_argument("--target", choices=("body", "face"), default="body")
    parser.add_argument("--policy", default="pseudonym")
    parser.add_argument("--detector", default=None, help="of people or of faces; default: hog, auto")
    parser.add_argument("--name", default=None, help="of the table; the sequences by default")
    parser.add_argument("--keys", type=int, default=1, help="of whom draws people by key")
    parser.add_argument("--methods", default="", help="only rows whose title begins so")
    asked = parser.parse_args()
    detector = asked.detector or ("hog" if asked.target == "body" else AUTO)
    lines = ["| | found ÷ | right ÷ | flicker ÷ | sharpness ÷ | people/s |", "| --- |" + " ---: |" * 5]
    with Reporter() as report, tempfile.TemporaryDirectory() as work:
        sequences = options.find_sequences(asked.data, asked.seq, report, allow_partial=False, cameras=None)
        before = [looks(sequence, sequence, asked.target, detector) for sequence in sequences]
        for title, method, strength, policy in METHODS:
            if (
                not title.startswith(asked.methods)
                or asked.target not in make_method(method, strength, asked.target).targets
            ):
                continue
            settings = Settings(
                method=method, strength=strength, policy=policy or asked.policy, target=asked.target, control=True
            )
            keys = asked.keys if method in ("ciagan", "heads") and policy is None else 1
            ratios, rates = [], []
            for number in range(keys):
                ratio, rate = under_key(number, sequences, before, settings, detector, Path(work), report)
                print(title, number, " ".join(f"{one:.2f}" for one in ratio), flush=True)
                ratios.append(ratio)
                rates.append(rate)
            lines.append(f"| {title} | " + " | ".join(spoken(ratios)) + f" | {np.mean(rates):.0f} |")
            print(lines[-1], flush=True)
    names = ", ".join(sequence.name for sequence in sequences)
    found = " / ".join(f"{look.recall:.2f}" for look in before), " / ".join(f"{look.precision:.2f}" for look in before)
    lines += ["", f"{names}: {detector} on the originals: recall {found[0]}, precision {found[1]}.", ""]
    path = Path(__file__).with_name(f"{asked.target}-{asked.name or '+'.join(asked.seq)}.md")
    path.write_text("\n".join(lines), encoding="utf-8")
    print(path.read_text(encoding="utf-8"))


def under_key(
    number: int,
    sequences: list[Sequence],
    before: list[Looks],
    settings: Settings,
    detector: str,
    work: Path,
    report: Reporter,
) -> tuple[list[np.floating[Any]], float]:
    """What publishing under the key of that number does to everything of :class:`Looks`, and people in a second."""
    started = time.perf_counter()
    published = publish(sequences, work / "tree", Key(TEST_KEY).derived("benchmark", str(number)), settings, report)
    rate = painted(published.record) / (time.perf_counter() - started)
    trees = [open_sequence(published.tree / sequence.name) for sequence in sequences]
    after = [looks(tree, sequence, settings.target, detector) for tree, sequence in zip(trees, sequences, strict=True)]
    shutil.rmtree(published.tree)
    names = ("recall", "precision", "change", "sharpness")
    pairs = list(zip(before, after, strict=True))
    return [np.mean([getattr(b, name) / max(1e-9, getattr(a, name)) for a, b in pairs]) for name in names], rate


def spoken(ratios: list[list[np.floating[Any]]]) -> list[str]:
    """Mean of every column over the rows (one a key), with the standard deviation where there are several."""
    table = np.array(ratios)
    spread = [f" ± {deviation:.2f}" if len(table) > 1 else "" for deviation in table.std(0)]
    return [f"{mean:.2f}{more}" for mean, more in zip(table.mean(0), spread, strict=True)]


def painted(record: dict[str, Any]) -> int:
    """How many sights of people a publication replaced; views of a camera are rendered once."""
    regions = {entry["camera"]: entry["regions"] for entry in record["sequences"]}
    return sum(counts["person"] + counts["unsure"] for counts in regions.values())


def looks(shown: Sequence, labels: Sequence, target: str, detector: str) -> Looks:
    """Measure the frames of ``shown`` at the people of ``labels``, or at their heads."""
    gt = labels.gt()
    people = gt[(gt["class"] == 1) & (gt["visibility"] > _VISIBLE) & (gt["h"] > _LEAST_HEIGHT)]
    if target == "body":
        recall, precision = detected(detect_sequence(shown.frames, make_detector(detector)), people, gt)
    else:
        finder = make_face_detector(detector)
        assert finder is not None
        found = face_sequence(shown.frames, gt, finder)
        people, gt = heads(people), heads(gt)
        recall, precision = met(found, people, gt)
    changes, energies = [], []
    last: dict[int, NDArray[np.float32]] = {}
    for number, path in enumerate(shown.frames, start=1):
        frame = read_frame(path)
        crops = {
            int(row.id): crop(frame, np.array([row.x, row.y, row.w, row.h]), _CROP[target])
            for row in people[people["frame"] == number].itertuples()
        }
        energies += [energy(some) for some in crops.values()]
        changes += [change(last[who], some) for who, some in crops.items() if who in last]
        last = crops
    return Looks(recall, precision, float(np.mean(changes)), float(np.mean(energies)))


def detected(found: pd.DataFrame, people: pd.DataFrame, everybody: pd.DataFrame) -> tuple[float, float]:
    """Recall of ``people``; precision of detections as tall as they are, against everybody."""
    hits = right = tall = 0
    for frame, rows in found.groupby("frame"):
        boxes = rows[["x", "y", "w", "h"]].to_numpy(float)
        wanted = people.loc[people["frame"] == frame, ["x", "y", "w", "h"]].to_numpy(float)
        known = everybody.loc[everybody["frame"] == frame, ["x", "y", "w", "h"]].to_numpy(float)
        hits += int((iou(wanted, boxes).max(1, initial=0) >= _SAME).sum())
        large = boxes[boxes[:, 3] > _LEAST_HEIGHT]
        tall += len(large)
        right += int((iou(large, known).max(1, initial=0) >= _SAME).sum())
    return hits / max(1, len(people)), right / max(1, tall)


def heads(people: pd.DataFrame) -> pd.DataFrame:
    """The same rows with the boxes of heads."""
    boxes = [small_head(box) for box in people[["x", "y", "w", "h"]].to_numpy(float)]
    return people.assign(**dict(zip("xywh", np.array(boxes).reshape(-1, 4).T, strict=True)))


def met(found: pd.DataFrame, wanted: pd.DataFrame, known: pd.DataFrame) -> tuple[float, float]:
    """Share of the heads that are wanted in which a face was found; share of the faces that lie in a known head."""
    faces = found[found["w"] >= _LEAST_FACE]
    middles = faces.assign(x=faces["x"] + faces["w"] / 2, y=faces["y"] + faces["h"] / 2)
    pairs = [_within(middles, boxes) for boxes in (wanted, known)]
    return pairs[0].any(0).mean(), pairs[1].any(1).mean()


def _within(points: pd.DataFrame, boxes: pd.DataFrame) -> NDArray[np.bool_]:
    """(N, M): which points lie in which boxes of their frame."""
    x, y, number = (points[name].to_numpy()[:, None] for name in ("x", "y", "frame"))
    a, b, w, h, frame = (boxes[name].to_numpy()[None] for name in ("x", "y", "w", "h", "frame"))
    return np.asarray((number == frame) & (x >= a) & (x <= a + w) & (y >= b) & (y <= b + h))


def crop(frame: Frame, box: NDArray[np.float64], size: tuple[int, int] = _CROP["body"]) -> NDArray[np.float32]:
    """Brightness (H, W) of a box x, y, w, h, brought to ``size``; replicated beyond the frame."""
    x1, y1 = np.floor(box[:2]).astype(int)
    x2, y2 = np.ceil(box[:2] + box[2:]).astype(int)
    rows, columns = np.arange(y1, y2).clip(0, frame.shape[0] - 1), np.arange(x1, x2).clip(0, frame.shape[1] - 1)
    grey = cv2.cvtColor(frame[rows[:, None], columns], cv2.COLOR_BGR2GRAY)
    return np.asarray(cv2.resize(grey, size[::-1], interpolation=cv2.INTER_AREA), np.float32)


def change(before: NDArray[np.float32], after: NDArray[np.float32]) -> float:
    """Mean absolute difference in grey levels at the best of all small shifts."""
    inner = before[_SEARCH:-_SEARCH, _SEARCH:-_SEARCH]
    height, width = inner.shape
    return min(
        float(np.abs(inner - after[y : y + height, x : x + width]).mean())
        for y in range(0, 2 * _SEARCH + 1, 2)
        for x in range(0, 2 * _SEARCH + 1, 2)
    )


def energy(some: NDArray[np.float32]) -> float:
    """Mean squared gradient of a crop."""
    return float((np.diff(some, axis=0)[:, :-1] ** 2 + np.diff(some, axis=1)[:-1] ** 2).mean())


if __name__ == "__main__":
    main()
