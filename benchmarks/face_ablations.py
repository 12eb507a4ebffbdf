"""What guides the generator of faces, and what it sees (CIAGAN, table 4): four trainings on equal terms.

    python benchmarks/face_ablations.py --data FACES --work DIR

Trains into ``DIR`` what is not there yet (it resumes), with the defaults of ``mot-anon train generator --target face``
but few steps, and writes ``benchmarks/face_ablations.md``: the 200 people of ``benchmarks/faces.py``, in grey, detected
by the same detectors and identified by the same networks.  The Fréchet distance is that of the embeddings of
``face-embedder.safetensors``, which guided none of them, between what was drawn and the originals; there are no
Inception weights.  A training this short says which way is better, not how good the way is: ``benchmarks/faces.md``.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from faces import PEOPLE, Filled, embedded, people_of, published, row_of, shared
from numpy.typing import NDArray
from scipy.linalg import sqrtm

from mot_anon.gan.face_training import FaceConfig, train_face_generator
from mot_anon.measure.face_judges import proxy_nca
from mot_anon.methods.base import Item, Method, Pixels
from mot_anon.methods.ciagan_face import CiaganFace
from mot_anon.vision.parse import cut_window

STEPS = 500
WAYS: dict[str, dict[str, str]] = {
    "Siamese guidance": {},
    "classification": {"identity_guidance": "classification"},
    "no guidance": {"identity_guidance": "none"},
    "whole face as input": {"input": "face"},
}
CHEAPER = {"onlooker": "none"}
"""What all of them do without: with a second critic every step takes twice as long."""
FLOOR = "face filled (floor)"


class WholeFace(CiaganFace):
    """A generator that sees the face that it replaces."""

    needs_raw = True

    def render(self, batch: Sequence[Item]) -> list[tuple[Pixels, Pixels]]:
        """As otherwise, the edge laid over the picture here: who sees raw pixels lets none through."""
        drawn = zip(super().render(batch), batch, strict=True)
        return [(_laid(rgb, alpha, item), np.ones_like(alpha)) for (rgb, alpha), item in drawn]

    def with_landmarks(self, items: Sequence[Item]) -> list[tuple[Pixels, Pixels]]:
        return super().with_landmarks([_revealed(item) for item in items])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--work", type=Path, required=True, help="folder of weights and checkpoints")
    parser.add_argument("--steps", type=int, default=STEPS)
    asked = parser.parse_args()
    methods: dict[str, Method] = {FLOOR: Filled()}
    for name, settings in WAYS.items():
        weights = asked.work / f"{name.replace(' ', '-')}.safetensors"
        if not weights.is_file():
            config = FaceConfig.from_settings(CHEAPER | settings | {"steps": str(asked.steps)})
            train_face_generator(config, asked.data, weights, lambda line, name=name: print(name, line, flush=True))
        methods[name] = (WholeFace if "input" in settings else CiaganFace)(weights)
    faces, _ = people_of(asked.data, "test", PEOPLE)
    shown = {"original": faces.pixels} | {name: published(faces, method) for name, method in methods.items()}
    rows = {name: row_of(name, faces, pictures) for name, pictures in shown.items()}
    original, floor = rows["original"], rows[FLOOR]
    people = f"{len(np.unique(faces.person))} people of LFW, {len(faces)} pictures in grey"
    lines = [
        "# Faces: what guides the generator, and what it sees",
        "",
        f"`python benchmarks/face_ablations.py --data DIR --work DIR`: {asked.steps} steps each (the one that "
        f"ships: `mot_anon/weights/face-generator.md`); {people}; protocol: the file's docstring.",
        "",
        "| trained with | detected by dlib / CenterFace, % of originals | Recall@1 of our network, % | of dlib's, % "
        "| over the floor, points | Fréchet distance |",
        "| --- | --- | --- | --- | --- | --- |",
    ]
    for name, row in rows.items():
        found = f"{100 * row.dlib / original.dlib:.1f} / {100 * row.centerface / original.centerface:.1f}"
        over = f"{100 * (row.own - floor.own).mean():+.1f} / {100 * (row.other - floor.other).mean():+.1f}"
        far = frechet(embedded(proxy_nca, shown[name], faces), embedded(proxy_nca, faces.pixels, faces))
        lines.append(f"| {name} | {found} | {shared(row.own)} | {shared(row.other)} | {over} | {far:.3f} |")
    text = "\n".join([*lines, ""])
    if asked.steps == STEPS:
        Path(__file__).with_suffix(".md").write_text(text, encoding="utf-8")
    print(text)


def frechet(a: NDArray[np.float32], b: NDArray[np.float32]) -> float:
    """Fréchet distance of two sets of embeddings (N, D), taken for normal."""
    first, second = np.cov(a.T.astype(float)), np.cov(b.T.astype(float))
    root = np.real(sqrtm(first @ second))
    # Of the same set it is nothing but for rounding.
    return max(0.0, float(((a.mean(0) - b.mean(0)) ** 2).sum() + np.trace(first + second - 2 * root)))


def _laid(rgb: Pixels, alpha: Pixels, item: Item) -> Pixels:
    under = item.erased if item.raw is None else item.raw
    return np.asarray(rgb * alpha[..., None] + under * (1 - alpha[..., None]), np.float32)


def _revealed(item: Item) -> Item:
    if item.face is None or item.raw is None:
        raise ValueError("this method needs faces, and what was there")
    raw = np.rint(255 * item.raw).astype(np.uint8)
    window = cut_window(raw, item.face.window, (64, 64))
    return replace(item, face=replace(item.face, surroundings=window.astype(np.float32) / np.float32(255)))


if __name__ == "__main__":
    main()
