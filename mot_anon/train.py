"""Training of the networks that ship: ``mot-anon train NETWORK --target TARGET --data DIR --out FILE``."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from mot_anon import options
from mot_anon.errors import OptionError

if TYPE_CHECKING:
    from mot_anon.vision.distil import Teacher

NETWORKS = {
    "body": (
        *("attacker", "reid", "parser", "landmarks", "identity"),
        *("codes", "generator", "detail", "heads", "portraits"),
    ),
    "face": ("landmarks", "identity", "generator", "embedder"),
}
"""Target → what is trained for it."""
_ONLY_GENERATOR = ("identity-guidance", "input")


def train_network(
    target: str,
    network: str,
    data: Path,
    out: Path,
    settings: dict[str, str],
    samples: Path | None,
    log: Callable[[str], None],
    teacher: Path | None = None,
    start: Path | None = None,
) -> None:
    """Train one network of a target by name.

    ``teacher`` are the weights of an attacker (:mod:`mot_anon.measure.privacy.attackers`), whom ``reid`` learns from;
    ``start`` those that the generator of bodies begins with, or of the generator that ``detail`` learns behind.

    Raises
    ------
    OptionError
        No target or network of that name, or a setting that it does not have.
    NotFoundError, FormatError, MissingExtraError
        The data or the extra ``train`` is not there.
    """
    if target not in NETWORKS:
        raise OptionError(f"--target {target}: there are networks for {' and '.join(NETWORKS)}")
    if network not in NETWORKS[target]:
        raise OptionError(f"no network {network!r} for --target {target}; there is: {', '.join(NETWORKS[target])}")
    if network == "reid":
        from mot_anon.vision.reid_training import ReidConfig, train_reid

        train_reid(ReidConfig.from_settings(settings), data, out, log, teacher=_teacher(teacher))
    elif network == "parser":
        from mot_anon.vision.parse_scenes import ParserConfig
        from mot_anon.vision.parse_training import train_parser

        train_parser(ParserConfig.from_settings(settings), data, out, log, samples=samples)
    elif network == "landmarks":
        from mot_anon.vision.landmark_training import LandmarkConfig, train_landmarks

        train_landmarks(LandmarkConfig.from_settings(settings), data, out, log, samples=samples)
    elif network == "attacker":
        from mot_anon.measure.privacy.attackers import AttackerConfig, train_attacker

        train_attacker(data, AttackerConfig.from_settings(settings), log, out)
    elif network == "codes":
        from mot_anon.gan.code_map import CodeMapConfig, train_code_map

        train_code_map(CodeMapConfig.from_settings(settings), data, out, log)
    elif network == "detail":
        from mot_anon.gan.detail_training import DetailConfig, train_detail

        train_detail(DetailConfig.from_settings(settings), data, out, log, start=start, samples=samples)
    elif network in ("heads", "portraits"):
        _train_for_heads(network, data, out, settings, samples, log)
    elif target == "face":
        _train_for_faces(network, data, out, settings, samples, log)
    elif network == "identity":
        from mot_anon.gan.identity import IdentityConfig, train_identity

        train_identity(IdentityConfig.from_settings(settings), data, out, log)
    else:
        from mot_anon.gan.config import GeneratorConfig
        from mot_anon.gan.training import train_generator

        train_generator(GeneratorConfig.from_settings(settings), data, out, log, start=start, samples=samples)


def _teacher(weights: Path | None) -> Teacher | None:
    if weights is None:
        return None
    from mot_anon.measure.privacy.attackers import NetworkTeacher

    return NetworkTeacher(weights)


def _train_for_heads(
    network: str, data: Path, out: Path, settings: dict[str, str], samples: Path | None, log: Callable[[str], None]
) -> None:
    if network == "heads":
        from mot_anon.gan.head_training import HeadConfig, train_heads

        train_heads(HeadConfig.from_settings(settings), data, out, log, samples=samples)
    else:
        from mot_anon.gan.portrait_training import PortraitConfig, train_portraits

        train_portraits(PortraitConfig.from_settings(settings), data, out, log, samples=samples)


def _train_for_faces(
    network: str, data: Path, out: Path, settings: dict[str, str], samples: Path | None, log: Callable[[str], None]
) -> None:
    if network == "generator":
        from mot_anon.gan.face_training import FaceConfig, train_face_generator

        train_face_generator(FaceConfig.from_settings(settings), data, out, log, samples=samples)
    else:
        from mot_anon.gan.face_identity import FaceIdentityConfig, train_face_embedder, train_face_identity

        work = train_face_identity if network == "identity" else train_face_embedder
        work(FaceIdentityConfig.from_settings(settings), data, out, log)


def main(
    network: Annotated[
        str, typer.Argument(help="; ".join(f"{target}: {', '.join(names)}" for target, names in NETWORKS.items()))
    ],
    data: Annotated[
        Path,
        typer.Option(
            "--data",
            help="Crops: index.csv, SPLIT/images, SPLIT/masks, keypoints.npz; or faces: landmarks.npz, color, grey.",
            metavar="DIR",
        ),
    ],
    out: Annotated[
        Path, typer.Option("--out", help="Weights to write (safetensors); resumes beside it.", metavar="FILE")
    ],
    target: Annotated[str, typer.Option("--target", help="body, face")] = "body",
    setting: Annotated[
        list[str] | None, typer.Option("--set", help="A setting of the training, NAME=VALUE; repeatable.")
    ] = None,
    identity_guidance: Annotated[
        str | None, typer.Option("--identity-guidance", help="generator: siamese, classification or none.")
    ] = None,
    seen: Annotated[
        str | None,
        typer.Option(
            "--input", help="generator: silhouette or landmarks; person or face: sees everybody (an ablation)."
        ),
    ] = None,
    teacher: Annotated[
        Path | None,
        typer.Option("--teacher", help="reid: an attacker's weights to learn from.", metavar="FILE"),
    ] = None,
    start: Annotated[
        Path | None,
        typer.Option(
            "--start", help="generator of bodies: weights to begin with; detail: the generator's.", metavar="FILE"
        ),
    ] = None,
    samples: Annotated[
        Path | None, typer.Option("--samples", help="Where sample sheets go; they show real people.", metavar="DIR")
    ] = None,
) -> None:
    """Train a network that ships with the package; the extra 'train' is needed."""

    def work() -> None:
        settings = options.settings_of(setting)
        for name, value in zip(_ONLY_GENERATOR, (identity_guidance, seen), strict=True):
            if value is not None and network != "generator":
                raise OptionError(f"--{name} is a switch of the generator's training")
            if value is not None:
                settings[name] = value
        if teacher is not None and network != "reid":
            raise OptionError("--teacher is for the training of reid")
        if start is not None and (target != "body" or network not in ("generator", "detail")):
            raise OptionError("--start is for the training of the generator of bodies and of detail")
        train_network(target, network, data, out, settings, samples, partial(print, flush=True), teacher, start)

    options.command(work)
