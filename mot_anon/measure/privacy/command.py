"""``mot-anon attack``: how far a published set protects the people in it."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import numpy as np
import typer
from rich.console import Console

from mot_anon import options
from mot_anon.errors import FormatError, OptionError, OutputError
from mot_anon.progress import Reporter

if TYPE_CHECKING:
    from mot_anon.measure.privacy.attacks import Tools
    from mot_anon.vision.training import Log

ALL = "recognition,linkage,averaging,two-keys,matching,known-plaintext,membership,parrot,inversion"
ON_FACES = "recognition,linkage,averaging,two-keys"
ON_FACE_CROPS = "recognition,averaging,two-keys"  # whose folders say which pictures are one person's
_TABLE_WIDTH = 150


def main(
    original: Annotated[
        Path | None,
        typer.Option(
            "--original",
            help="The originals: sequences, crops of people (index.csv), or of faces (PERSON/PICTURE.jpg).",
            metavar="TREE",
        ),
    ] = None,
    published: Annotated[
        list[Path] | None,
        typer.Option("--published", help="The same, published; repeat it for other keys.", metavar="TREE"),
    ] = None,
    attacks: Annotated[
        str | None,
        typer.Option(
            "--attacks",
            # With room between the names: a terminal cuts off what it cannot wrap.
            help=f"Which ones. Default: {', '.join(ALL.split(','))}; on faces {', '.join(ON_FACES.split(','))}; "
            "on crops of faces without linkage.",
            show_default=False,
        ),
    ] = None,
    part: Annotated[
        str | None,
        typer.Option(
            "--part",
            help="What of people is attacked: body, or face. "
            "Default: face where target face was published and of crops of faces, else body.",
            show_default=False,
        ),
    ] = None,
    embedder: Annotated[
        str,
        typer.Option(
            "--embedder", help="Who recognises faces: own, dlib (extra 'face-eval'); auto: dlib where it is installed."
        ),
    ] = "auto",
    split: Annotated[str, typer.Option("--split", help="Of crops of people.")] = "val",
    people: Annotated[
        Path | None,
        typer.Option(
            "--people",
            help="Lines 'sequence,id,person': who is who across cameras; 'demo' knows the demo's. "
            "Default: everybody is recognised within their camera, across time.",
            metavar="FILE",
        ),
    ] = None,
    attacker: Annotated[
        Path | None,
        typer.Option(
            "--attacker",
            help="Weights of a trained attacker (safetensors). Default: the one that ships.",
            metavar="FILE",
        ),
    ] = None,
    train_attacker: Annotated[
        Path | None,
        typer.Option(
            "--train-attacker",
            help="Train an attacker on these crops' train split (index.csv), or take it from the cache.",
            metavar="DATA",
        ),
    ] = None,
    setting: Annotated[
        list[str] | None, typer.Option("--set", help="A setting of that training, NAME=VALUE; repeatable.")
    ] = None,
    others: Annotated[
        Path | None,
        typer.Option("--others", help="Crops of other people to practise on: their train split.", metavar="DATA"),
    ] = None,
    members: Annotated[
        Path | None,
        typer.Option("--members", help="Crops of the generator's training people: train split.", metavar="DATA"),
    ] = None,
    method: Annotated[
        str | None, typer.Option("--method", help="What was published with. Default: as anonymization.json says.")
    ] = None,
    strength: Annotated[
        int | None, typer.Option("--strength", help="And how strongly: cells or kernel. Default: as recorded.")
    ] = None,
    policy: Annotated[str | None, typer.Option("--policy", help="Its identity policy. Default: as recorded.")] = None,
    practice: Annotated[
        int, typer.Option("--practice", min=1, help="Steps that parrots and inverters learn for.")
    ] = 600,
    seed: Annotated[int, typer.Option("--seed", min=0, help="Same seed, same figures.")] = 0,
    least_control: Annotated[
        float, typer.Option("--least-control", help="Fail where unprotected people are found less often, in percent.")
    ] = 70.0,
    out: Annotated[Path | None, typer.Option("--out", help="Write attacks.json there.", metavar="DIR")] = None,
    update_datasheet: Annotated[
        bool, typer.Option("--update-datasheet", help="Put the figures into the published tree's data sheet.")
    ] = False,
    quiet: options.Quiet = False,
) -> None:
    """Attack a published set: recognition, linkage, attackers that practised; with control, chance, floor, interval."""

    def work() -> None:
        least = _share("--least-control", least_control)
        from mot_anon.measure.privacy import sides
        from mot_anon.measure.privacy.study import run_study
        from mot_anon.publish import datasheet

        if original is None or not published:
            raise OptionError("what is attacked? give --original TREE and --published TREE")
        if out is not None and out.exists() and not out.is_dir():
            raise OutputError(f"{out}: is a file; --out is a folder")
        layout = sides.layout_of(original)
        about = _about(published[0], method, strength, policy, split if layout == sides.BODIES else None)
        about["part"] = sides.part_of(part, about["target"], original, layout)
        faces = about["part"] == "face"
        usual = ALL if not faces else ON_FACE_CROPS if layout == sides.FACES else ON_FACES
        names = options.comma_list(attacks if attacks is not None else usual)
        if beyond := ",".join(sorted(set(names) & set(ALL.split(",")) - set(usual.split(",")))):
            crops = layout == sides.FACES
            why = f"not on crops of faces; there is: {usual}" if crops else "only on bodies; give --part body"
            raise OptionError(f"--attacks {beyond}: {why}")
        on_bodies = {
            "--attacker": attacker,
            "--train-attacker": train_attacker,
            "--set": setting,
            "--others": others,
            "--members": members,
        }
        _refuse_what_would_be_ignored(faces, embedder, on_bodies)
        with Reporter(quiet=quiet) as report:
            log: Log = (lambda line: None) if quiet else (lambda line: print(line, flush=True))
            if faces:
                tools = _face_tools(embedder, about, log)
            before, after, notes = sides.read_sides(
                original, published, layout, about["part"], split=split, people=people
            )
            for note in notes:
                log(note)
            if faces:
                about |= {"size": round(float(np.median(before.size.max(axis=1))), 1), "notes": notes}
            else:
                tools = _tools(attacker, train_attacker, setting, others, members, about, practice, log)
            study = run_study(before, after, names, tools, seed=seed, about=about, report=report)
        if out is not None:
            study.write(out)
        if not quiet:
            console = Console()
            if not console.is_terminal:
                console = Console(width=_TABLE_WIDTH)
            console.print(study.table())
            for line in study.lines():
                print(line)
        study.require_control(least)
        if update_datasheet:
            datasheet.update(published[0], "attack", study.summary())

    options.command(work)


def _share(option: str, percent: float) -> float:
    if not (math.isfinite(percent) and percent >= 0):
        raise OptionError(f"{option} {percent}: give a percentage from 0 on")
    return percent / 100


def _refuse_what_would_be_ignored(faces: bool, embedder: str, on_bodies: Mapping[str, object]) -> None:
    """Before anything large is read; ``on_bodies`` are the options that attacks on bodies alone have."""
    given = [name for name, value in on_bodies.items() if value]
    if faces and given:
        raise OptionError(f"{given[0]} is for attacks on bodies, and faces are attacked here; leave it out")
    if not faces and embedder != "auto":
        raise OptionError("--embedder is for attacks on faces, and bodies are attacked here; leave it out")
    if {"--attacker", "--train-attacker"} <= set(given):
        raise OptionError("--attacker and --train-attacker: give one of them")
    if "--set" in given and "--train-attacker" not in given:
        raise OptionError("--set is for --train-attacker")


def _face_tools(embedder: str, about: dict[str, Any], log: Log) -> Tools:
    from mot_anon.measure.face_judges import available
    from mot_anon.measure.privacy.attacks import Tools
    from mot_anon.measure.privacy.face_crops import FaceAttacker

    name = available()[-1] if embedder == "auto" else embedder
    about["embedder"] = name
    return Tools(FaceAttacker(name), log=log)


def _tools(
    attacker: Path | None,
    train_attacker: Path | None,
    setting: list[str] | None,
    others: Path | None,
    members: Path | None,
    about: dict[str, Any],
    practice: int,
    log: Log,
) -> Tools:
    from mot_anon.measure.privacy import attackers
    from mot_anon.measure.privacy.attacks import Tools
    from mot_anon.measure.privacy.crops import read_folder
    from mot_anon.measure.privacy.publishing import publisher
    from mot_anon.vision.weights import content_digest

    if train_attacker is not None:
        config = attackers.AttackerConfig.from_settings(options.settings_of(setting))
        attacker = attackers.train_attacker(train_attacker, config, log)
    weights = attacker or attackers.WEIGHTS
    network = attackers.load_attacker(weights)
    about["attacker"] = content_digest(weights)
    # Where faces alone were replaced, bodies published whole would be practice for something else.
    known = about["method"] is not None and about["target"] != "face"
    return Tools(
        attackers.NetworkAttacker(network),
        network,
        others=read_folder(others, "train") if others else None,
        publish=publisher(about["method"], about["strength"], about["policy"]) if known else None,
        members=read_folder(members, "train") if members else None,
        parrot=attackers.AttackerConfig(steps=practice, learning_rate=4e-4, save_every=10 * practice),
        inversion_steps=practice,
        log=log,
    )


def _about(
    published: Path, method: str | None, strength: int | None, policy: str | None, split: str | None
) -> dict[str, Any]:
    """What was published how: as the options say, else as the tree's record does."""
    path, record = published / "anonymization.json", {}
    if path.is_file():
        try:
            record = dict(json.loads(path.read_text(encoding="utf-8")))
        except (ValueError, TypeError):
            raise FormatError(path, None, "not the record of a published tree; give --method and --policy") from None
    same = method is None or method == record.get("method")
    recorded = dict(record.get("parameters") or {}).get("strength") if same else None
    return {
        "method": method or record.get("method"),
        "strength": strength if strength is not None else recorded,
        "policy": policy or record.get("policy") or "pseudonym",
        "target": record.get("target"),
        "split": split,
    }
