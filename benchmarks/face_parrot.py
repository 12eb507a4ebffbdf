"""Faces against an attacker who practised: ``python benchmarks/face_parrot.py --data FACES --work DIR`` (extra train).

Writes ``benchmarks/face_parrot.md``.  Whoever has the program, and no key, can publish faces of people that they know
under keys of their own and train a network to find originals by published faces (parrot: McPherson et al., 2016).
Here it learns on the people of the train split, everybody original and published under two codes for every person, and
is asked for people of the test split, whom no training saw: every published picture against all other originals.  The
floor is the same attack on faces that are filled, with practice on filled ones.

What was trained is kept in ``--work``.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import torch.nn.functional as F  # noqa: N812
from faces import PEOPLE, Filled, Pictures, embedded, people_of, published, recall, shared

from mot_anon.gan.face_identity import FaceIdentityConfig, FaceIdentityLearner, embed_faces
from mot_anon.gan.faces import EMBEDDER_FORMAT, face_embedder
from mot_anon.gan.identity import IdentityNetwork
from mot_anon.measure.face_judges import proxy_nca
from mot_anon.methods.base import Method
from mot_anon.methods.ciagan_face import CiaganFace
from mot_anon.vision.face_data import Faces, load_faces
from mot_anon.vision.training import make_accelerator, train
from mot_anon.vision.weights import load_weights

STEPS = 1000
MOST = 6
"""Pictures of one person that are practised on."""
WAYS: dict[str, Method] = {"face filled (floor)": Filled(), "CIAGAN": CiaganFace()}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--steps", type=int, default=STEPS)
    asked = parser.parse_args()
    asked.work.mkdir(parents=True, exist_ok=True)
    faces, _ = people_of(asked.data, "test", PEOPLE)
    lines = [
        "# Faces: an attacker who practised",
        "",
        f"`python benchmarks/face_parrot.py --data DIR --work DIR`: {asked.steps} steps of practice; "
        f"{len(np.unique(faces.person))} people of LFW, {len(faces)} pictures in grey; protocol: the file's docstring.",
        "",
        "| Recall@1, % | by our network | by the parrot | originals, by the parrot |",
        "| --- | --- | --- | --- |",
    ]
    for name, method in WAYS.items():
        network = practised(asked.data, asked.work / f"{name.split()[0].lower()}.safetensors", method, asked.steps)
        pictures = published(faces, method)
        plain = recall(embedded(proxy_nca, pictures, faces), embedded(proxy_nca, faces.pixels, faces), faces.person)
        known = seen_by(network, faces, faces.pixels)
        found = recall(seen_by(network, faces, pictures), known.copy(), faces.person)
        control = recall(known, known.copy(), faces.person)
        lines.append(f"| {name} | {shared(plain)} | {shared(found)} | {shared(control)} |")
        print(lines[-1], flush=True)
    text = "\n".join([*lines, ""])
    if asked.steps == STEPS:
        Path(__file__).with_suffix(".md").write_text(text, encoding="utf-8")
    print(text)


def practised(data: Path, weights: Path, method: Method, steps: int) -> IdentityNetwork:
    """A network of its own, trained on originals and on what ``method`` makes of them; kept as ``weights``."""
    if not weights.is_file():
        config = FaceIdentityConfig(steps=steps, save_every=steps, seed=11)
        examples = practice(load_faces(data, ("train",)), method)
        val, accelerator = load_faces(data, ("val",)), make_accelerator()
        learner = FaceIdentityLearner(config, examples, val, face_embedder(), EMBEDDER_FORMAT, accelerator)
        train(learner, config, accelerator, weights, lambda line: print(weights.stem, line, flush=True))
    return load_weights(face_embedder, weights, EMBEDDER_FORMAT)


def practice(faces: Faces, method: Method) -> Faces:
    """Everybody three times: as they were, and published under two codes; at most :data:`MOST` pictures of a person."""
    faces = faces.of(faces.detected)
    kept = np.concatenate([np.flatnonzero(faces.person == person)[:MOST] for person in np.unique(faces.person)])
    faces = faces.of(kept)
    thrice = faces.of(np.tile(np.arange(len(faces)), 3))
    thrice.pixels[len(faces) :] = np.concatenate([published(faces, method, f"practice {key}") for key in range(2)])
    return thrice


def seen_by(network: IdentityNetwork, faces: Faces, pictures: Pictures) -> np.ndarray:
    """Embeddings (N, 128) of unit length of pictures of ``faces``."""
    shown = Faces(pictures, faces.person, faces.colour, faces.landmarks, faces.detected, faces.split)
    return np.asarray(F.normalize(embed_faces(network, shown)).numpy())


if __name__ == "__main__":
    main()
