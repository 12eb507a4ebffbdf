"""Who is still in published bodies, crop by crop: ``python benchmarks/body_crops.py --crops ../shared/data/bodies``.

People of ``--split`` are published under several keys with the method and with its controls (everybody grey, one
mannequin for everybody, mosaic, blur), and the attacker that ships looks for them, or another (``--attacker FILE``); no
generator was trained against it.  Choose on ``val``; ``test`` is opened for the published table.  Writes
``benchmarks/body-crops.md`` anew after every row (twenty keys of 2,000 crops take half an hour of a core):

- *A → original B*: published crops of one camera against originals of the other, and its distance to the grey floor,
  paired by query, with a 95 % interval over people;
- *A → published B*: other camera, other codes; beside what guessing gets (names exchanged at random);
- *within ÷*: found again in the same camera, over the same for the originals;
- *similarities*: rank correlation of how alike people are to each other before and after.

Below the table: how much colours of torsos and legs differ between people, over the same of as many real people; crops
a second; size of the weights.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import cv2
import numpy as np
import torch
from numpy.typing import NDArray

from mot_anon.gan.code_map import WEIGHTS as CODES
from mot_anon.gan.code_map import natural_codes
from mot_anon.gan.data import Cast, Places
from mot_anon.gan.detail import WEIGHTS as DETAIL
from mot_anon.gan.detail import Detail
from mot_anon.gan.generate import WEIGHTS as GENERATOR
from mot_anon.gan.generate import Generator
from mot_anon.gan.identity import CODE_SIZE
from mot_anon.gan.identity import WEIGHTS as IDENTITY
from mot_anon.gan.sheets import colour_spread
from mot_anon.measure.privacy.attackers import WEIGHTS as ATTACKER
from mot_anon.measure.privacy.attackers import NetworkAttacker, load_attacker
from mot_anon.measure.privacy.attacks import Tools
from mot_anon.measure.privacy.crops import Crops, read_folder
from mot_anon.measure.privacy.findings import Finding
from mot_anon.measure.privacy.publishing import own_codes, publish_crops
from mot_anon.measure.privacy.study import Study, run_study
from mot_anon.methods.base import CIAGAN, make_method
from mot_anon.plan.identities import ISOMETRY
from mot_anon.plan.keys import TEST_KEY, Key
from mot_anon.progress import Reporter
from mot_anon.threads import cores, spread
from mot_anon.vision.bodies import load_bodies
from mot_anon.vision.parse import WEIGHTS as PARSER
from mot_anon.vision.parse import Parser
from mot_anon.vision.training import Draw

ATTACKS = ("recognition", "linkage", "matching")
NO_KEY = "no key"
"""People keep their own code: what an isometry would be without its rotation.  No policy of the tool's, a control."""


@dataclass(frozen=True)
class Row:
    """One method under one policy; ``keys`` publications of the same people."""

    title: str
    method: str
    strength: int | None
    policy: str
    keys: int


def rows(keys: int, many: int) -> list[Row]:
    """The table's rows: the method under its policies, then the controls."""
    return [
        Row("ciagan, pseudonym", CIAGAN, None, "pseudonym", many),
        Row("ciagan, isometry", CIAGAN, None, ISOMETRY, keys),
        Row("ciagan, codes not turned (control)", CIAGAN, None, NO_KEY, 1),
        Row("one mannequin (ciagan, shared)", CIAGAN, None, "shared", keys),
        Row("grey", "grey", None, "pseudonym", 1),
        Row("pixelate 8", "pixelate", 8, "pseudonym", 1),
        Row("blur 17", "blur", 17, "pseudonym", 1),
    ]


def main(words: Sequence[str] | None = None) -> None:
    arguments = _arguments(words)
    arguments.out.mkdir(parents=True, exist_ok=True)
    people = read_folder(arguments.crops, arguments.split)
    tools = Tools(NetworkAttacker(load_attacker(arguments.attacker)))
    lines = [
        "| | A → original B | − grey floor | A → published B | guessing | within ÷ | similarities |",
        "| --- | ---: | ---: | ---: | ---: | ---: | ---: |",
    ]
    below = [*appearance(arguments.crops, arguments.split), *speed(people), *sizes()]
    with Reporter() as report:
        for row in rows(arguments.keys, arguments.many_keys):
            if not row.title.startswith(arguments.rows):
                continue
            method = make_method(row.method, row.strength)
            published = []
            for number in range(row.keys):
                key = Key(TEST_KEY).derived("benchmark", str(number))
                codes = own_codes(people) if row.policy == NO_KEY else None
                published.append(publish_crops(people, method, row.policy, key, codes))
            study = run_study(people, published, ATTACKS, tools, report=report)
            lines.append(f"| {row.title} ({row.keys}) | " + " | ".join(cells(study)) + " |")
            print(lines[-1], flush=True)
            caption = (
                f"{study.people} people of {arguments.split}, {study.crops} crops, number of keys in parentheses; "
                f"rank-1 in %. The attacker finds {100 * study.control:.1f} % of the originals in the other camera."
            )
            text = "\n".join([caption, "", *lines, "", *below]) + "\n"
            (arguments.out / "body-crops.md").write_text(text, encoding="utf-8")
    study.require_control()
    print(text)


def cells(study: Study) -> Iterator[str]:
    """A study as the columns of the table."""
    seen = _finding(study, "recognition", "published → original, other")
    yield f"{100 * seen.value.value:.1f}"
    over = seen.over_floor
    yield (
        "–"
        if over is None or over.low is None
        else f"{100 * over.value:+.1f} [{100 * over.low:.1f}, {100 * over.high:.1f}]"
    )
    linked = _finding(study, "linkage", "published → published, other")
    spread = f" ± {100 * np.std(linked.by_key):.1f}" if len(linked.by_key) > 1 else ""
    yield f"{100 * linked.value.value:.1f}{spread}"
    yield f"{100 * (linked.chance or 0):.1f}"
    within = _finding(study, "linkage", "published → published, within")
    yield f"{within.value.value / (within.control or 1):.3f}"
    alike = next(f for f in study.findings if isinstance(f, Finding) and f.measure == "rank correlation")
    yield f"{alike.value.value:.2f}"


def _finding(study: Study, attack: str, protocol: str) -> Finding:
    return next(
        found
        for found in study.findings
        if isinstance(found, Finding) and found.attack == attack and found.protocol.startswith(protocol)
    )


def appearance(data: Path, split: str, people: int = 200) -> list[str]:
    """Spread of mean colours over codes, over that of as many real people: one crop of each, ``people`` at most."""
    cast = Cast(load_bodies(data, split), IDENTITY, PARSER, 0)
    draw = Draw(0)
    chosen = draw.rng.permutation([rows[0] for rows in cast.people])
    places = cast.still(chosen[:people])
    drawn = _drawn(places, torch.from_numpy(natural_codes(draw.normal(len(places.real), CODE_SIZE).numpy())))
    new, old = colour_spread(drawn, places.shape), colour_spread(places.real, places.shape)
    return [
        f"Mean colours over {len(places.real)} codes ÷ those of {len(places.real)} real people, one crop each "
        "(root of the variance in Lab): "
        f"torso {new[0] / old[0]:.2f}, legs {new[1] / old[1]:.2f}.",
        "",
    ]


def _drawn(places: Places, codes: torch.Tensor) -> torch.Tensor:
    def unit(images: torch.Tensor) -> NDArray[np.float32]:
        return np.asarray(((images + 1) / 2).permute(0, 2, 3, 1).numpy(), np.float32)

    generator, made = Generator(), []
    shape = places.shape.numpy()
    for start in range(0, len(codes), 50):
        part = slice(start, start + 50)
        made.append(generator(unit(places.background[part]), shape[part, 0], shape[part, 1:], codes[part].numpy()))
    pictures = torch.from_numpy(np.concatenate(made)).permute(0, 3, 1, 2) * 2 - 1
    return pictures * places.hole + places.real * (1 - places.hole)


def speed(people: Crops, batch: int = 16, seconds: float = 20.0) -> list[str]:
    """Parser and generator on batches as frames have them: one thread a frame, a frame a core, as in publishing.

    Once without and once with the second stage, which large people pass.
    """
    parser, generator, detail = Parser(), Generator(), Detail()
    rng = np.random.default_rng(0)
    crops = np.stack([_resized(crop) for crop in people.pixels[:batch]])
    codes = rng.standard_normal((batch, CODE_SIZE)).astype(np.float32)
    surroundings = np.asarray(crops[..., ::-1], np.float32) / np.float32(255)

    def frames(until: float, large: bool) -> int:
        rounds = 0
        while rounds == 0 or time.perf_counter() < until:
            maps = parser.read(crops)[0]
            drawn = generator(surroundings, maps[:, 0], maps[:, 1:], codes)
            if large:
                detail.nearer(drawn, maps)
            rounds += 1
        return rounds

    rates = []
    for large in (False, True):
        work = partial(frames, large=large)
        list(spread(work, [0.0] * cores()))
        started = time.perf_counter()
        rounds = sum(spread(work, [started + seconds] * cores()))
        rates.append(rounds * batch / (time.perf_counter() - started))
    text = f"Parser and generator: {rates[0]:.0f} crops a second on {cores()} cores; "
    return [text + f"with the second stage, which large people pass: {rates[1]:.0f}.", ""]


def sizes() -> list[str]:
    """Of the weights that inference needs."""
    files = {path.stem: path.stat().st_size / 1e6 for path in (PARSER, GENERATOR, DETAIL, CODES, IDENTITY)}
    parts = ", ".join(f"{name} {size:.1f}" for name, size in files.items())
    return [f"Weights for bodies: {sum(files.values()):.1f} MB ({parts})."]


def _resized(crop: NDArray[np.uint8]) -> NDArray[np.uint8]:
    return np.asarray(cv2.resize(crop, (64, 128), interpolation=cv2.INTER_AREA), np.uint8)


def _arguments(words: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--crops", type=Path, required=True)
    parser.add_argument("--split", default="val", choices=("val", "test"))
    parser.add_argument("--attacker", type=Path, default=ATTACKER, help="weights; default: those that ship")
    parser.add_argument("--keys", type=int, default=5)
    parser.add_argument("--many-keys", type=int, default=20, help="of the policy pseudonym")
    parser.add_argument("--rows", default="", help="only rows whose title begins so, as: ciagan, pseudonym")
    parser.add_argument("--out", type=Path, default=Path(__file__).parent)
    arguments = parser.parse_args(words)
    titles = [row.title for row in rows(arguments.keys, arguments.many_keys)]
    if not any(title.startswith(arguments.rows) for title in titles):
        parser.error(f"--rows {arguments.rows}: no row begins so; there is: {'; '.join(titles)}")
    return arguments


if __name__ == "__main__":
    main()
