"""The ``mot-anon`` command."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from mot_anon import __version__, evaluate, options, train
from mot_anon.errors import OptionError
from mot_anon.measure.privacy import command as attack
from mot_anon.plan.keys import draw_key
from mot_anon.progress import Reporter

app = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    help="De-identify people in multi-object-tracking data and measure the cost.",
)
app.command("evaluate")(evaluate.main)
app.command("train")(train.main)
app.command("attack")(attack.main)


@app.callback()
def _version(
    version: Annotated[bool, typer.Option("--version", help="Print the version.", is_eager=True)] = False,
) -> None:
    if version:
        print(f"mot_anon {__version__}")
        raise typer.Exit


@app.command()
def anonymize(
    seq: options.Seq = None,
    out: Annotated[
        Path | None, typer.Option("--out", help="The published tree; must not be there yet.", metavar="DIR")
    ] = None,
    data: options.Data = None,
    method: options.MethodName = None,
    strength: options.Strength = None,
    target: options.Target = "body",
    shape: options.Shape = None,
    policy: Annotated[
        str,
        typer.Option(
            "--policy",
            help="pseudonym: everybody somebody of their own; shared: one for all of a camera; "
            "isometry: people stay as alike as they were; tracker: somebody for everybody whom a tracker tells apart.",
        ),
    ] = "pseudonym",
    key: options.KeyPath = None,
    test_key: options.TestKey = False,
    permute_ids: Annotated[
        bool, typer.Option("--permute-ids", help="Give the ids of ground truth a keyed permutation per camera.")
    ] = False,
    attribution: Annotated[
        Path | None,
        typer.Option("--attribution", help="The source's licence text, to be published with it.", metavar="FILE"),
    ] = None,
    control: Annotated[
        bool, typer.Option("--control", help="Yes, publish with a method that protects nobody (none, grey, recolor).")
    ] = False,
    allow_partial: options.AllowPartial = False,
    cameras: options.Cameras = None,
    regions: options.Regions = None,
    independent_detector: options.Detector = "hog",
    least_confidence: options.LeastConfidence = 0.0,
    faces: options.Faces = "auto",
    workers: options.Workers = None,
    overwrite: options.Overwrite = False,
    quiet: options.Quiet = False,
) -> None:
    """Replace everybody in MOTChallenge sequences and write the data set back."""

    def work() -> None:
        from mot_anon.publish.run import Settings, publish

        if out is None:
            raise OptionError("where to? give --out DIR")
        settings = Settings(
            method=method or "",
            strength=strength,
            target=target,
            shape=shape,
            policy=policy,
            coverage=options.coverage_of(regions, independent_detector, least_confidence, faces),
            permute_ids=permute_ids,
            attribution=attribution,
            overwrite=overwrite,
            control=control,
            workers=workers,
        )
        secret = options.find_key(key, test_key)
        with Reporter(quiet=quiet) as report:
            sequences = options.find_sequences(data, seq, report, allow_partial=allow_partial, cameras=cameras)
            done = publish(sequences, out, secret, settings, report)
        console = Console(stderr=True, highlight=False, quiet=quiet, soft_wrap=True)
        for path in done.unknown:
            console.print(f"not published, not part of the format: {path}")
        for warning in done.warnings:
            console.print(f"Note: {warning}")
        console.print(
            f"{done.tree}: {len(done.sequences)} sequences, de-identified by {settings.method}; see anonymization.json"
        )

    options.command(work, resumes=True)


@app.command()
def audit(
    original: Annotated[
        list[Path] | None,
        typer.Option("--original", help="Folder that holds the originals; repeatable.", metavar="TREE"),
    ] = None,
    published: Annotated[Path | None, typer.Option("--published", help="The published tree.", metavar="TREE")] = None,
    out: Annotated[
        Path | None,
        typer.Option("--out", help="Where results go (they show original people). Default: runs/TREE-audit-N."),
    ] = None,
    key: Annotated[
        Path | None, typer.Option("--key", help="The key that must stand in no published file.", metavar="FILE")
    ] = None,
    independent_detector: options.Detector = "hog",
    regions: options.Regions = None,
    reviewed_by: Annotated[
        str | None,
        typer.Option("--reviewed-by", help="Who has looked at every doubt and signs for it.", metavar="NAME"),
    ] = None,
    update_datasheet: Annotated[
        bool, typer.Option("--update-datasheet", help="Put the result into the published tree's data sheet.")
    ] = False,
    allow_partial: options.AllowPartial = False,
    cameras: options.Cameras = None,
    workers: options.Workers = None,
    overwrite: options.Overwrite = False,
    quiet: options.Quiet = False,
) -> None:
    """Check a published tree against the original; fails where something that must hold does not.

    Where faces were replaced, faces are looked for in what was published, at twice its size.
    """

    def work() -> None:
        from mot_anon.measure.audit import command

        if not original or published is None:
            raise OptionError("audit what? give --original TREE and --published TREE")
        request = command.Request(
            tuple(original),
            published,
            out,
            key,
            None if independent_detector == "none" else independent_detector,
            regions,
            reviewed_by,
            update_datasheet,
            allow_partial,
            cameras,
            workers,
            overwrite,
        )
        with Reporter(quiet=quiet) as report:
            found, place = command.run(request, report)
        command.show(found, place, quiet=quiet)
        if found.errors:
            raise typer.Exit(1)

    options.command(work)


@app.command()
def faces(
    sheet: Annotated[Path, typer.Argument(help="The picture to write (PNG): a row for every face.")],
    image: Annotated[Path, typer.Option("--image", help="A picture with faces.", metavar="FILE")],
    codes: Annotated[int, typer.Option("--codes", help="In how many ways its faces are anonymized.")] = 12,
    method: Annotated[
        str, typer.Option("--method", help="ciagan: faces in their own hair; heads: whole heads.")
    ] = "ciagan",
    detector: options.Faces = "auto",
    key: options.KeyPath = None,
    test_key: options.TestKey = False,
) -> None:
    """Show in how many ways a picture can be anonymized (the sheet shows the original, too)."""

    def work() -> None:
        from mot_anon.measure.faces_sheet import make_sheet, write_sheet
        from mot_anon.publish.checks import checked_method

        secret = options.find_key(key, test_key) or draw_key()
        made = make_sheet(image, codes, secret, checked_method(method, None, "face", control=True), detector)
        write_sheet(sheet, made)
        print(made.told())

    options.command(work)


@app.command()
def keygen(file: Annotated[Path, typer.Argument(help="Where the key goes; must not be there yet.")]) -> None:
    """Draw a key: 32 random bytes that only you can read.  One key, one release."""

    def work() -> None:
        draw_key().write(file)

    options.command(work)


@app.command()
def demo(
    folder: Annotated[Path, typer.Argument(help="Where demo-01, demo-02 and demo-03 go.")],
    frames: Annotated[int, typer.Option("--frames", help="Frames per camera.")] = 150,
    png: Annotated[bool, typer.Option("--png", help="PNG frames instead of JPEG.")] = False,
    workers: options.Workers = None,
    quiet: options.Quiet = False,
) -> None:
    """Render three synthetic cameras in MOTChallenge layout, to try everything on."""

    def work() -> None:
        from mot_anon.data.demo import write_demo

        with Reporter(quiet=quiet) as report:
            progress = options.counted(report, "render the demo")
            kind = "png" if png else "jpg"
            made = write_demo(folder, frames=frames, workers=workers, progress=progress, image_format=kind)
        if not quiet:
            print(f"{folder}: {', '.join(path.name for path in made)}")

    options.command(work)


def main() -> None:
    """Entry point of ``mot-anon``."""
    app(prog_name="mot-anon")


if __name__ == "__main__":
    main()
