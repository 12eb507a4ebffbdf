"""What an audit found: documented values that can turn themselves into JSON and a table."""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict, dataclass, field
from functools import cached_property
from typing import Any

from rich.table import Table

from mot_anon.measure.audit.sights import FaceSight, Person, Sight, mean, person_of

SCHEMA = 1
ERROR, DOUBT = "error", "doubt"
_SHOWN = 25
_PUBLISHED = ("sights", "told", "worst", "correlation", "slope", "controls", "worst_control")


@dataclass(frozen=True)
class Finding:
    """Something that does not hold, or of which nobody can be sure that it does.

    Attributes
    ----------
    severity:
        ``error`` for what must hold and does not; ``doubt`` for what somebody has to look at.
    check:
        What was looked at: record, files, labels, ids, frames, views, sha256, metadata, key, times, coverage,
        background, missed or faces.
    message:
        One line.
    sequence:
        Name, or None where the whole tree is meant.
    frame:
        From 1, or None.
    track:
        Id in the *original's* ground truth, or None.
    """

    severity: str
    check: str
    message: str
    sequence: str | None = None
    frame: int | None = None
    track: str | None = None

    def __str__(self) -> str:
        """The finding as one line that names where it is."""
        place = [self.sequence or "tree"]
        place += [f"frame {self.frame}"] if self.frame is not None else []
        place += [f"track {self.track}"] if self.track is not None else []
        return f"{self.severity} ({self.check}) {', '.join(place)}: {self.message}"


@dataclass(frozen=True)
class Background:
    """What changed where nobody is.

    Attributes
    ----------
    sequence:
        Name.
    lossless:
        Frames are PNG, and nothing may change.
    still:
        The camera stood still, so that people were also looked for by what moves.
    frames:
        Frames compared.
    changed:
        Share (0…1) of the pixels outside every candidate's region that have another value.
    mean:
        Mean absolute change of brightness there, in grey levels.
    largest:
        Largest mean change of a block of 8×8 pixels there, in grey levels; None where there is no block.
    """

    sequence: str
    lossless: bool
    still: bool
    frames: int
    changed: float
    mean: float
    largest: float | None


@dataclass(frozen=True)
class Audit:
    """Everything that one call of ``audit`` found.

    ``audit.json`` has this as an object: ``schema`` (1), ``version``, ``record`` (method, target, policy of the
    published tree), ``reviewed_by`` (a name or null), ``checked`` (sequences, frames, files), ``overall`` (sights,
    told ones, worst and mean share, mean correlation and slope, mannequins and their worst share), ``people``
    (:class:`Person`, worst first),
    ``background`` (:class:`Background`), ``errors`` and ``doubts`` (:class:`Finding`), ``missed``
    (:class:`Sight` with the name of its sequence, worst first), ``faces`` (:class:`FaceSight` likewise),
    ``not_published`` and ``notes``.  It names tracks of the original and is not for publishing.

    Attributes
    ----------
    version:
        Of mot_anon.
    record:
        What the published tree says of itself.
    reviewed_by:
        Who looked at the doubts, or None.
    sequences, frames, files:
        How many were looked at.
    findings:
        Errors and doubts.
    sights:
        (sequence, sight) of everybody whom ground truth, two detectors or a hand names.
    missed:
        (sequence, sight) of what one detector or motion takes for a person and no change covers, worst first.
    backgrounds:
        One a recording.
    not_published:
        Sequences of the original that the published tree does not have and does not claim to.
    notes:
        What the reader must know, one sentence each.
    faces:
        (sequence, face) of everything that was taken for a face in published frames, for targets face and both; the
        worst track first.
    """

    version: str
    record: dict[str, Any]
    reviewed_by: str | None
    sequences: int
    frames: int
    files: int
    findings: tuple[Finding, ...]
    sights: tuple[tuple[str, Sight], ...] = field(repr=False)
    missed: tuple[tuple[str, Sight], ...] = field(repr=False)
    backgrounds: tuple[Background, ...] = ()
    not_published: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    faces: tuple[tuple[str, FaceSight], ...] = field(default=(), repr=False)

    @property
    def errors(self) -> list[Finding]:
        """What must hold and does not."""
        return [finding for finding in self.findings if finding.severity == ERROR]

    @property
    def doubts(self) -> list[Finding]:
        """What somebody has to look at."""
        return [finding for finding in self.findings if finding.severity == DOUBT]

    @cached_property
    def people(self) -> list[Person]:
        """Every track, worst first: by the share that shows the original, then by correlation."""
        rows: dict[tuple[str, str], list[Sight]] = {}
        for sequence, sight in self.sights:
            if sight.track:
                rows.setdefault((sequence, sight.track), []).append(sight)
        found = [person_of(sequence, track, sights) for (sequence, track), sights in rows.items()]
        return sorted(found, key=lambda p: (-(p.worst or 0.0), -(p.correlation or 0.0), p.sequence, p.track))

    def overall(self) -> dict[str, Any]:
        """Over everybody of :attr:`sights`: counts, the worst share and means, and the controls' number and worst."""
        controls = [sight.control for _, sight in self.sights if sight.control is not None]
        told = [sight for _, sight in self.sights if sight.raw is not None]
        raw = [float(sight.raw or 0) for sight in told]
        return {
            "sights": len(self.sights),
            "told": len(told),
            "worst": max(raw, default=None),
            "mean": mean(raw),
            "correlation": mean([s.correlation for s in told if s.correlation is not None]),
            "slope": mean([s.slope for s in told if s.slope is not None]),
            "controls": len(controls),
            "worst_control": max(controls, default=None),
        }

    def summary(self) -> dict[str, Any]:
        """What may be published of it: counts and shares, no track and no frame."""
        overall = self.overall()
        return {
            "version": self.version,
            "sequences": self.sequences,
            "frames": self.frames,
            **{name: overall[name] for name in _PUBLISHED},
            "errors": len(self.errors),
            "doubts": len(self.doubts),
            "missed": len(self.missed),
            "faces": len(self.faces),
            "raw_faces": sum(finding.check == "faces" for finding in self.errors),
            "background_changed": max((b.changed for b in self.backgrounds), default=None),
            "background_mean": max((b.mean for b in self.backgrounds), default=None),
            "reviewed_by": self.reviewed_by,
        }

    def to_json(self) -> dict[str, Any]:
        """The content of ``audit.json``."""
        return {
            "schema": SCHEMA,
            "version": self.version,
            "record": self.record,
            "reviewed_by": self.reviewed_by,
            "checked": {"sequences": self.sequences, "frames": self.frames, "files": self.files},
            "overall": self.overall(),
            "people": [asdict(person) for person in self.people],
            "background": [asdict(background) for background in self.backgrounds],
            "errors": [asdict(finding) for finding in self.errors],
            "doubts": [asdict(finding) for finding in self.doubts],
            "missed": [{"sequence": sequence, **asdict(sight)} for sequence, sight in self.missed],
            "faces": [{"sequence": sequence, **asdict(face)} for sequence, face in self.faces],
            "not_published": list(self.not_published),
            "notes": list(self.notes),
        }

    def table(self) -> Table:
        """The people of whom most shows the original, worst first."""
        table = Table(title="how much of each person shows the original, worst first", title_justify="left")
        for name in ("sequence", "track"):
            table.add_column(name, no_wrap=True)
        for name in ("frames\ntold/judged", "worst\nshare", "in\nframe", "mean\ncorrelation", "mean\nslope"):
            table.add_column(name, justify="right", no_wrap=True)
        for person in self.people[:_SHOWN]:
            table.add_row(
                person.sequence,
                person.track,
                f"{person.told}/{person.frames}",
                _text(person.worst, ".1%"),
                _text(person.worst_frame, "d"),
                _text(person.correlation, ".2f"),
                _text(person.slope, ".2f"),
            )
        if len(self.people) > _SHOWN:
            table.caption = f"{len(self.people) - _SHOWN} more are in audit.json"
        return table

    def lines(self) -> list[str]:
        """Findings for a terminal, errors first, of every check the first few."""
        shown: list[str] = []
        counts: Counter[tuple[str, str]] = Counter()
        for finding in [*self.errors, *self.doubts]:
            counts[finding.severity, finding.check] += 1
            if counts[finding.severity, finding.check] <= _SHOWN:
                shown.append(str(finding))
        shown += [
            f"… {count - _SHOWN} more {severity}s of check {check} are in audit.json"
            for (severity, check), count in counts.items()
            if count > _SHOWN
        ]
        return shown


def _text(value: float | None, form: str) -> str:
    return "–" if value is None else format(value, form)
