"""Heads that are drawn over large bodies: ``python benchmarks/portraits.py --data DATA`` (extras face and face-eval).

``DATA`` holds ``faces`` and ``bodies``.  Writes ``benchmarks/portraits.md``; ``--split val`` prints and writes nothing.
Up to 200 people of LFW whom no training saw, two pictures each: their heads are cut out and put on other people's
shoulders (row ``head pasted``), and heads of one code a person are drawn in their places, where all that is known of
them is their landmarks and the outline of their head.

- *detection*: share in which a face is found, by dlib's HOG and by CenterFace;
- *identification*: every picture against all other originals; is the nearest of the same person?  By our own network,
  which guided no generator, and by dlib's.  The floor is the place without a head;
- *closeness*: the nearest training picture by our own network, of drawn people and of strangers.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import cv2
import numpy as np
import torch
from faces import PEOPLE, people_of, recall, shared
from numpy.typing import NDArray

from mot_anon.gan.face_shape import keyed_shape
from mot_anon.gan.faces import moved_landmarks
from mot_anon.gan.head_cast import HeadCast, HeadPlaces
from mot_anon.gan.portrait_cast import PortraitCast, portrait_affine
from mot_anon.gan.portraits import WEIGHTS, PortraitGenerator
from mot_anon.measure.face_judges import dlib_embeddings, found_by_dlib, proxy_nca
from mot_anon.plan.identities import CODE_SIZE
from mot_anon.plan.keys import TEST_KEY, Key
from mot_anon.vision import augment
from mot_anon.vision.bodies import load_bodies
from mot_anon.vision.face_data import load_faces
from mot_anon.vision.face_detectors import CenterFace
from mot_anon.vision.landmarks import draw_landmarks
from mot_anon.vision.parse import WEIGHTS as PARSER

_SIDE = 160  # at which pictures are judged
Pictures = NDArray[np.uint8]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--split", choices=("val", "test"), default="test", help="whose pictures; only test is written")
    parser.add_argument("--weights", type=Path, default=WEIGHTS, help="others; only those that ship are written")
    asked = parser.parse_args()
    everybody, _ = people_of(asked.data / "faces", asked.split, PEOPLE)
    cast = PortraitCast(everybody, HeadCast(load_bodies(asked.data / "bodies", "val"), PARSER))
    faces, places = cast.faces, cast.still(cast.rows)
    points = moved_landmarks(faces.landmarks, portrait_affine(faces.landmarks))
    drawn = [drawn_heads(PortraitGenerator(asked.weights), places, points, faces.person, name) for name in "ab"]
    shown = {
        "head pasted": pictures(places.real),
        "no head (floor)": pictures(places.background),
        "portrait": drawn[0],
    }
    originals = [judge(faces.pixels, faces.landmarks) for judge in (proxy_nca, dlib_embeddings)]
    lines = [
        "| | detected by dlib / CenterFace, % | Recall@1 of our network, % | of dlib's, % |",
        "| --- | --- | --- | --- |",
    ]
    detector = CenterFace()
    for name, some in shown.items():
        hits = np.mean([found_by_dlib(picture) for picture in some])
        seen = np.mean([len(detector(picture, alone=False)) > 0 for picture in some])
        found = [judge(some, points) for judge in (proxy_nca, dlib_embeddings)]
        told = [shared(recall(new, old, faces.person)) for new, old in zip(found, originals, strict=True)]
        lines.append(f"| {name} | {100 * hits:.1f} / {100 * seen:.1f} | {' | '.join(told)} |")
    one, two = (proxy_nca(some, points) for some in drawn)
    apart = faces.person[:, None] != faces.person[None]
    own = proxy_nca(shown["head pasted"], points)
    trained = load_faces(asked.data / "faces", ("train",))
    trained = trained.of(trained.detected)
    known = proxy_nca(trained.pixels, trained.landmarks)
    lines += [
        "",
        f"{len(np.unique(faces.person))} people, {len(faces)} pictures.  Mean cosine distance, by our network: one "
        f"place under two codes {1 - float((one * two).sum(1).mean()):.2f}; heads pasted of different people "
        f"{1 - float((own @ own.T)[apart].mean()):.2f}.",
        "",
        "| nearest training picture (cosine similarity, our network): | median | 95 % | 99 % |",
        "| --- | --- | --- | --- |",
    ]
    for kind, some in (("strangers", own), ("portraits", one)):
        quantiles = np.quantile((some @ known.T).max(1), [0.5, 0.95, 0.99])
        lines.append(f"| {kind} | {' | '.join(f'{value:.2f}' for value in quantiles)} |")
    head = ["# Portraits", "", "`python benchmarks/portraits.py --data DIR`; protocol: the file's docstring.", ""]
    text = "\n".join([*head, *lines, ""])
    if asked.split == "test" and asked.weights == WEIGHTS:
        Path(__file__).with_suffix(".md").write_text(text, encoding="utf-8")
    print(text)


def drawn_heads(
    generator: PortraitGenerator,
    places: HeadPlaces,
    points: NDArray[np.float32],
    person: NDArray[np.int64],
    purpose: str,
) -> Pictures:
    """Everybody's places with a head of one code a person: as :func:`pictures`."""
    key = Key(TEST_KEY)
    codes = {who: key.normals("portraits", purpose, str(who), size=CODE_SIZE) for who in np.unique(person)}
    code = np.stack([codes[who] for who in person]).astype(np.float32)
    shapes = places.shape.numpy().copy()
    shapes[:, 1:2] = draw_landmarks(keyed_shape(points, code))
    around = (places.background.permute(0, 2, 3, 1).numpy() + 1) / 2
    heads = torch.from_numpy(generator(around, shapes, code)).permute(0, 3, 1, 2) * 2 - 1
    return pictures(places.background + places.hole * (heads - places.background))


def pictures(images: torch.Tensor) -> Pictures:
    """(N, 3, 64, 64) RGB in −1…1 → (N, 160, 160, 3) uint8 BGR."""
    size = (_SIDE, _SIDE)
    return np.stack([cv2.resize(one, size, interpolation=cv2.INTER_CUBIC) for one in augment.to_pixels(images)])


if __name__ == "__main__":
    main()
