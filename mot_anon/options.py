"""What the commands share: options, how sequences and keys are found from them, and how errors end a command."""

from __future__ import annotations

import math
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import typer

from mot_anon.data.sequence import Sequence, discover, read_cameras, select, with_cameras
from mot_anon.errors import MotAnonError, OptionError
from mot_anon.plan.keys import TEST_KEY, Key, load_key
from mot_anon.plan.overrides import read_overrides
from mot_anon.progress import Report
from mot_anon.publish.analyse import Coverage

DEMO = "demo"
DATA_VARIABLE = "MOT_ANON_DATA"

Data = Annotated[
    list[Path] | None,
    typer.Option(
        "--data",
        help=f"Folder to look for sequences in; repeatable. Default: {DATA_VARIABLE}, else ./data.",
        metavar="ROOT",
    ),
]
Seq = Annotated[
    list[str] | None,
    typer.Option(
        "--seq", help="Sequence or camera (MOT17-02: all its views), 'all', or 'demo'; repeatable.", metavar="NAME"
    ),
]
AllowPartial = Annotated[
    bool, typer.Option("--allow-partial", help="Work on what is there of a sequence that lacks frames.")
]
Cameras = Annotated[
    Path | None,
    typer.Option("--cameras", help="Lines 'sequence,camera': which sequences one camera took.", metavar="FILE"),
]
Regions = Annotated[
    Path | None, typer.Option("--regions", help="Regions added, moved or vetoed by hand.", metavar="FILE")
]
Detector = Annotated[
    str,
    typer.Option(
        "--independent-detector",
        help="Detector that looks for people whom the labels lack: hog, torchvision:MODEL, none.",
    ),
]
Faces = Annotated[
    str,
    typer.Option(
        "--faces",
        help="Face detector for targets face and both: centerface (extra 'face'), haar, none; "
        "auto: centerface where it is installed, else haar.",
    ),
]
LeastConfidence = Annotated[
    float, typer.Option("--least-confidence", help="Public detections below it are nobody.", metavar="SCORE")
]
MethodName = Annotated[
    str | None,
    typer.Option(
        "--method",
        help="ciagan, heads (for faces), solid, pixelate, blur; controls: recolor, grey, none; or a plug-in's. "
        "Default: ciagan; pixelate for faces.",
        show_default=False,
    ),
]
Strength = Annotated[
    int | None, typer.Option("--strength", help="pixelate: cells across a head, 8 or 16; blur: kernel, 9 or 17.")
]
Shape = Annotated[
    str | None,
    typer.Option(
        "--shape",
        help="What of a body is covered: box, all of it; silhouette, the visible person and a margin where the parser "
        "is sure of them, the box elsewhere. Default: box; ciagan always draws silhouettes.",
        show_default=False,
    ),
]
Target = Annotated[str, typer.Option("--target", help="body, face or both.")]
KeyPath = Annotated[
    Path | None,
    typer.Option(
        "--key",
        help="Key file (mot-anon keygen). Default: MOT_ANON_KEY, else a fresh key that is destroyed.",
        metavar="FILE",
    ),
]
TestKey = Annotated[
    bool, typer.Option("--test-key", help="Use the published test key: for baselines; anybody can undo its output.")
]
Workers = Annotated[int | None, typer.Option("--workers", min=1, help="Processes. Default: one per core.")]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="No progress and no tables, only what went wrong.")]
Overwrite = Annotated[bool, typer.Option("--overwrite", help="Replace an output that is already there.")]


def find_sequences(
    data: list[Path] | None, names: list[str] | None, report: Report, *, allow_partial: bool, cameras: Path | None
) -> list[Sequence]:
    """The sequences that ``--data`` and ``--seq`` mean; ``demo`` is rendered into the cache when it is first asked for.

    Raises
    ------
    OptionError
        No ``--seq``.
    NotFoundError, AmbiguousError, FormatError, FrameError
        See :func:`mot_anon.data.sequence.select`.
    """
    if not names:
        raise OptionError("which sequence? give --seq NAME, --seq all or --seq demo")
    roots = data or [Path(part) for part in os.environ.get(DATA_VARIABLE, "data").split(os.pathsep)]
    others = [name for name in names if name != DEMO]
    found = select([_demo(report)], ["all"]) if DEMO in names else []
    found += select(roots, others, allow_partial=allow_partial) if others else []
    found = list({sequence.path: sequence for sequence in found}.values())
    if cameras is None:
        return found
    known = [*(sequence.name for sequence in found), *(discover(roots) if others else [])]
    return with_cameras(found, read_cameras(cameras), known)


def coverage_of(regions: Path | None, detector: str, least_confidence: float, faces: str) -> Coverage:
    """Where candidates come from, as the options say; raises :class:`OptionError` for a score that is no number."""
    if not math.isfinite(least_confidence):
        raise OptionError(f"--least-confidence {least_confidence}: give a number, such as 0.3")
    overrides = tuple(read_overrides(regions)) if regions else ()
    return Coverage(None if detector == "none" else detector, least_confidence, overrides, regions, faces)


def find_key(path: Path | None, test_key: bool) -> Key | None:
    """The key that the options mean, None for a fresh one; raises :class:`OptionError` where they contradict."""
    if test_key and path:
        raise OptionError("--key and --test-key: give one of them")
    return Key(TEST_KEY) if test_key else load_key(path)


def command(work: Callable[[], None], *, resumes: bool = False) -> None:
    """Run a command's work; what went wrong becomes one line on standard error and the exit code that belongs to it.

    ``resumes``: where it is stopped, the same command goes on.
    """
    try:
        work()
    except MotAnonError as error:
        print(f"mot-anon: {error}", file=sys.stderr)
        raise typer.Exit(error.exit_code) from None
    except OSError as error:
        print(f"mot-anon: {error.filename or 'file'}: {error.strerror or error}", file=sys.stderr)
        raise typer.Exit(1) from None
    except KeyboardInterrupt:
        print(f"mot-anon: stopped{'; the same command goes on where it was' if resumes else ''}", file=sys.stderr)
        raise typer.Exit(130) from None


def comma_list(text: str) -> list[str]:
    """``a,b`` → ``["a", "b"]``; an empty text is an empty list."""
    return [part.strip() for part in text.split(",") if part.strip()]


def settings_of(pairs: list[str] | None) -> dict[str, str]:
    """``NAME=VALUE`` texts as a dictionary; raises :class:`OptionError` for one without ``=`` or a name given twice."""
    found: dict[str, str] = {}
    for pair in pairs or []:
        name, equals, value = pair.partition("=")
        if not equals or name in found:
            raise OptionError(f"--set {pair}: a setting is NAME=VALUE, each name once")
        found[name] = value
    return found


def counted(report: Report, what: str) -> Callable[[int, int], None]:
    """A callback (done so far, total) for a :data:`~mot_anon.progress.Report`."""
    done = 0
    tick = None

    def progress(at: int, total: int) -> None:
        nonlocal done, tick
        tick = tick or report(what, total)
        for _ in range(at - done):
            tick()
        done = at

    return progress


def _demo(report: Report) -> Path:
    from mot_anon.data.demo import cached_demo
    from mot_anon.vision.cache import cache_folder

    return cached_demo(cache_folder(), counted(report, "render the demo"))
