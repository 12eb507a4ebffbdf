"""``mot-anon audit``: from options to an audit, and from an audit to a terminal."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console

from mot_anon.data.sequence import discover, read_cameras, select
from mot_anon.errors import NotFoundError, OptionError, OutputError
from mot_anon.measure.audit.findings import Audit
from mot_anon.measure.audit.run import FACE_SHEET, JSON, SHEET, WORKLIST, Question, audit
from mot_anon.plan.keys import load_key
from mot_anon.plan.overrides import read_overrides
from mot_anon.progress import Report
from mot_anon.publish import datasheet
from mot_anon.publish.checks import check_apart

_TABLE_WIDTH = 110


@dataclass(frozen=True)
class Request:
    """The command's options, by their names."""

    originals: tuple[Path, ...]
    published: Path
    out: Path | None = None
    key: Path | None = None
    detector: str | None = "hog"
    regions: Path | None = None
    reviewed_by: str | None = None
    update_datasheet: bool = False
    allow_partial: bool = False
    cameras: Path | None = None
    workers: int | None = None
    overwrite: bool = False


def run(request: Request, report: Report) -> tuple[Audit, Path]:
    """Audit as asked; returns what was found and where it was written.

    Raises
    ------
    MotAnonError
        Something that was asked for or read cannot be used; see :mod:`mot_anon.errors`.
    """
    if not request.published.is_dir():
        raise NotFoundError(f"{request.published}: no such folder; --published is the tree that anonymize wrote")
    if request.reviewed_by is not None and not request.reviewed_by.strip():
        raise OptionError("--reviewed-by: a signature needs a name")
    cameras = read_cameras(request.cameras) if request.cameras else None
    places, there = set(discover(request.originals)), set(discover([request.published]))
    both = sorted(places & there)
    if not both:
        raise NotFoundError(f"{request.published}: has no sequence of {', '.join(map(str, request.originals))}")
    originals = select(request.originals, both, allow_partial=request.allow_partial, cameras=cameras)
    question = Question(
        request.detector,
        tuple(read_overrides(request.regions)) if request.regions else (),
        load_key(request.key) if request.key else None,
        request.reviewed_by,
        request.workers,
    )
    if request.out is not None:
        check_apart(request.out, originals, (request.published, request.key, request.regions, request.cameras))
    place = _place(request)
    opened = [sequence.require_frames() for sequence in originals]
    found = audit(opened, request.published, question, place, report, places - there)
    if request.update_datasheet:
        datasheet.update(request.published, "audit", found.summary())
    return found, place


def show(found: Audit, place: Path, *, quiet: bool) -> None:
    """Print people, findings and where everything is; with ``quiet`` only the errors."""
    errors = Console(stderr=True, highlight=False, soft_wrap=True)
    if quiet:
        for finding in found.errors:
            errors.print(f"mot-anon: {finding}", markup=False)
        return
    console = Console(highlight=False)
    if not console.is_terminal:
        console = Console(width=_TABLE_WIDTH, highlight=False)
    console.print(found.table())
    for line in found.lines():
        errors.print(line, markup=False)
    for background in found.backgrounds:
        console.print(
            f"background of {background.sequence}: {background.changed:.2%} of the pixels where nobody is have another "
            f"value, mean change {background.mean:.2f} grey levels",
            soft_wrap=True,
        )
    for note in found.notes:
        console.print(f"Note: {note}", markup=False, soft_wrap=True)
    if found.not_published:
        console.print(f"Not in the published tree: {', '.join(found.not_published)}", soft_wrap=True)
    signed = (
        f"reviewed by {found.reviewed_by}" if found.reviewed_by else "unreviewed: look, then sign with --reviewed-by"
    )
    where = f"Everything is in {place / JSON}; {WORKLIST} there is for anonymize --regions"
    sheets = [name for name, there in ((SHEET, found.missed), (FACE_SHEET, found.faces)) if there]
    if sheets:
        where += f", and {' and '.join(sheets)} SHOW ORIGINAL PEOPLE: keep them to yourself."
    else:
        where += "."
    counts = f"{len(found.errors)} errors, {len(found.doubts)} doubts" + (f" ({signed})" if found.doubts else "")
    console.print(f"{counts}. {where}", markup=False, soft_wrap=True)


def _place(request: Request) -> Path:
    if request.out is None:
        stem, number = f"{request.published.resolve().name}-audit", 1
        while (place := Path("runs") / f"{stem}-{number}").exists():
            number += 1
        return place
    out = request.out
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        if not request.overwrite or not (out / JSON).is_file():
            raise OutputError(f"{out}: is already there; remove it, choose another --out, or give --overwrite")
        shutil.rmtree(out)
    return out
