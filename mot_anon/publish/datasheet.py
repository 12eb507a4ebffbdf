"""``DATASHEET.md``: what a published tree is, what was measured of it, and what remains, for whoever gets it.

It says what ``anonymization.json`` says, in prose, and nothing else: the same record gives the same bytes.  What was
measured afterwards (``--update-datasheet`` of ``audit``, ``attack`` and ``evaluate --published``) is put into the
record under ``measured``, and the sheet is written anew; what was not measured is called so.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mot_anon.errors import FormatError
from mot_anon.methods.base import CIAGAN, WHOLE_HEADS
from mot_anon.publish import record as rec
from mot_anon.publish.settings import SILHOUETTE

NAME = "DATASHEET.md"
NOT_MEASURED = "not measured"
_QUESTIONS = {
    "singling_out": "Singling out: can one person's records be told from everybody else's?",
    "linkability": "Linkability: can records of one person be brought together, here from camera to camera?",
    "inference": "Inference: can something about a person be deduced from what is published?",
}
_TARGETS = {
    "body": "every visible person from head to foot",
    "face": "the head of every visible person; bodies and clothes are as they were",
    "both": "every visible person from head to foot, heads by their own region",
}


def datasheet(record: Mapping[str, Any]) -> bytes:
    """The sheet of a tree.

    Parameters
    ----------
    record:
        The content of ``anonymization.json``.  ``measured`` may hold ``audit``
        (:meth:`mot_anon.measure.audit.findings.Audit.summary`), and ``attack`` with texts in measured words under
        ``singling_out``, ``linkability`` and ``inference`` and a list ``lines`` of further ones.
    """
    parts = [
        "# Data sheet",
        _what(record),
        "## What was done",
        _done(record),
        "## What was measured",
        _measured(record.get("measured", {})),
        "## Three questions (WP29 opinion 05/2014)",
        _questions(record.get("measured", {}).get("attack", {})),
        "## What remains",
        _risks(record),
        "## Source",
        _source(record),
        "## When a person asks to be taken out",
        _taken_out(),
    ]
    return ("\n\n".join(parts) + "\n").encode("utf-8")


def update(tree: Path, part: str, summary: Mapping[str, Any]) -> None:
    """Put what was measured into a published tree: its record under ``measured[part]``, and a new sheet.

    Parameters
    ----------
    part:
        ``audit``, ``attack`` or ``evaluate``; what was there under that name is replaced.
    summary:
        What may be published: no track, no frame, no key.

    Raises
    ------
    FormatError
        The tree has no record.
    """
    path = tree / rec.NAME
    try:
        record = dict(json.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError):
        raise FormatError(path, None, "not the record of a published tree; publish it anew") from None
    record["measured"] = {**record.get("measured", {}), part: dict(summary)}
    for name, data in ((rec.NAME, rec.record_bytes(record)), (NAME, datasheet(record))):
        partial = tree / f".{name}.partial"
        partial.write_bytes(data)
        partial.chmod(0o644)
        partial.replace(tree / name)
        os.utime(tree / name, (rec.FILE_TIME, rec.FILE_TIME))
    os.utime(tree, (rec.FILE_TIME, rec.FILE_TIME))


def _what(record: Mapping[str, Any]) -> str:
    lines = [
        "Multi-object-tracking sequences in MOTChallenge layout, de-identified by "
        f"mot_anon {record.get('version', '')}. People look alike within a camera as far as the method keeps them "
        "apart, so that tracking can be studied; they are not to be followed from camera to camera.",
        "",
        "| sequence | camera | frames | size | tracks |",
        "| --- | --- | --- | --- | --- |",
    ]
    for entry in record.get("sequences", []):
        size = f"{entry.get('width')}×{entry.get('height')}"
        lines.append(
            f"| {entry['sequence']} | {entry.get('camera')} | {entry.get('frames')} | {size} | {entry.get('tracks')} |"
        )
    return "\n".join(lines)


def _done(record: Mapping[str, Any]) -> str:
    parameters = ", ".join(f"{name} {value}" for name, value in record.get("parameters", {}).items())
    coverage = record.get("coverage", {})
    encoding = record.get("encoding", {})
    sums = {
        kind: sum(entry.get("regions", {}).get(kind, 0) for entry in record.get("sequences", []))
        for kind in ("person", "unsure", "hidden")
    }
    ids = "were given a keyed permutation per camera" if record.get("ids_permuted") else "are those of the original"
    policy = record.get("policy") if record.get("policy_applies") else "none (the method has no identities)"
    faces = f"faces were looked for by {coverage['faces']}; " if coverage.get("faces") else ""
    rows = [
        f"- Method: {record.get('method')}{f' ({parameters})' if parameters else ''}.",
        f"- Replaced: {_TARGETS.get(str(record.get('target')), record.get('target'))}.",
        f"- Identity policy: {policy}.",
        f"- Who was looked for: everything person-like in ground truth, public detections of at least "
        f"{coverage.get('least_confidence')}, and what the detector {coverage.get('detector') or '(none)'} sees; "
        f"{faces}{coverage.get('regions_by_hand', 0)} regions were corrected by hand.",
        f"- Regions: {sums['person']} of people, {sums['unsure']} of which nobody is sure (blurred), {sums['hidden']} "
        "of people of whom nothing can be seen (not painted).",
        f"- Ids in ground truth {ids}.",
        f"- Encoding: JPEG {encoding.get('jpeg')}, PNG {encoding.get('png')}. File times: {record.get('file_times')}.",
    ]
    rows += [f"- Note: {warning}." for warning in record.get("warnings", [])]
    if record.get("parameters", {}).get("shape") == SILHOUETTE:
        by_silhouette = "by silhouette and margin where the parser was sure of the person, by the whole box elsewhere"
        rows.insert(2, f"- Covered: {by_silhouette}.")
    return "\n".join(rows)


def _measured(measured: Mapping[str, Any]) -> str:
    return "\n".join(
        [
            f"- Audit against the original: {_audit(measured.get('audit'))}",
            f"- Attacks: {_lines(measured.get('attack'))}",
            f"- Tracking before and after: {_lines(measured.get('evaluate'))}",
        ]
    )


def _audit(found: Mapping[str, Any] | None) -> str:
    if not found:
        return f"{NOT_MEASURED}."
    worst, correlation, slope = (found.get(name) for name in ("worst", "correlation", "slope"))
    text = (
        f"{found.get('frames')} frames of {found.get('sequences')} sequences, {found.get('told')} of "
        f"{found.get('sights')} sights of people had enough detail to tell; at most {_share(worst)} of one showed "
        f"the original (fine detail: mean correlation {_number(correlation)}, mean slope {_number(slope)}; a raw "
        f"person has 1 and 1). {_controls(found)}{found.get('errors')} errors, {found.get('doubts')} doubts, "
        f"{found.get('missed')} sights of possible people that nobody covered. "
        f"Background: {_share(found.get('background_changed'))} of the pixels outside regions have another value, "
        f"mean change {_number(found.get('background_mean'))} grey levels. "
    )
    name = found.get("reviewed_by")
    if not found.get("doubts"):
        return text + "There was no doubt to review."
    return text + (f"The doubts were reviewed by {name}." if name else "The doubts are **unreviewed**.")


def _controls(found: Mapping[str, Any]) -> str:
    if not found.get("controls"):
        return ""
    worst = _share(found.get("worst_control"))
    return f"At most {worst} of {found['controls']} mannequins with these outlines (control) would pass for it. "


def _lines(found: Mapping[str, Any] | None) -> str:
    lines = list(found.get("lines", [])) if found else []
    return "".join(f"\n  - {line}" for line in lines) if lines else f"{NOT_MEASURED}."


def _questions(attack: Mapping[str, Any]) -> str:
    return "\n".join(f"- {question} {attack.get(name) or NOT_MEASURED}." for name, question in _QUESTIONS.items())


def _risks(record: Mapping[str, Any]) -> str:
    rows = [
        "- Inside a camera a person keeps one appearance and one id: the data are pseudonymous by design.",
        "- Stature, silhouette and gait are as they were, and so are place, time and companions: whoever knows who was "
        "there and when may recognise a person by them.",
        "- Bags, prams, bicycles and other things beside people, and writing on them, may show outside the regions; "
        "writing on shirts is replaced as far as the method replaces clothes.",
        "- Whoever has the originals, or finds them in public, can compare frame by frame: then no method protects the "
        "people in them.",
        "- One key is for one release. Two publications of the same original, or a key that is used twice, can be "
        "compared, and what is compared tells more than each alone.",
        "- Somebody whom labels and detectors missed is as they were; the audit lists whom it doubts.",
    ]
    if record.get("method") in (CIAGAN, WHOLE_HEADS):
        rows.insert(
            2,
            "- Faces that are large enough to be read are drawn turned as the old ones were, with mouths as far open; "
            "their proportions are others.",
        )
    if record.get("target") == "face":
        hair = "hair below the jaw" if record.get("method") == WHOLE_HEADS else "hair"
        rows.insert(1, f"- Clothes, build and {hair} are as they were: people can be recognised and linked by them.")
    if record.get("control"):
        rows.insert(0, "- **This tree was made with a control method that protects nobody.**")
    return "\n".join(rows)


def _source(record: Mapping[str, Any]) -> str:
    named = record.get("attribution")
    if not named:
        return (
            "Attribution and licence of the source: not stated. Frames, labels and detections stay under the terms of "
            "the data set that they come from; whoever publishes them has to name it."
        )
    return (
        f"Attribution and licence of the source stand in {named['file']} (SHA-256 {named['sha256']}). De-identified "
        "frames are an adaptation of it and stay under its terms."
    )


def _taken_out() -> str:
    return (
        "Withdraw this release, remove or newly cover the person in the original (a line of `--regions`, or the frames "
        "left out), draw a **new key** (`mot-anon keygen`), render **everything** anew with it, and publish that in "
        "place of this one. Mending single frames under the old key would show, by comparison with the old release, "
        "who asked."
    )


def _share(value: float | None) -> str:
    return NOT_MEASURED if value is None else f"{value:.1%}"


def _number(value: float | None) -> str:
    return NOT_MEASURED if value is None else f"{value:.2f}"
