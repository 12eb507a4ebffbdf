"""The published tree as files: is everything there, is there more, and does any of it tell what it must not?"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from collections.abc import Sequence as Rows
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from mot_anon.data.frames import EXTENSIONS, metadata_segments
from mot_anon.data.sequence import Sequence, discover
from mot_anon.errors import NotFoundError
from mot_anon.measure.audit.findings import ERROR, Finding
from mot_anon.plan.keys import Key
from mot_anon.progress import Tick
from mot_anon.publish.datasheet import NAME as DATASHEET
from mot_anon.publish.record import ATTRIBUTION, FILE_TIME
from mot_anon.publish.record import NAME as RECORD

_LABELS = ("seqinfo.ini", "gt/gt.txt", "det/det.txt")


@dataclass(frozen=True)
class Pair:
    """One sequence in both trees.

    Attributes
    ----------
    original:
        As opened.
    published:
        Its folder in the published tree.
    digests:
        File name → SHA-256 (hex) of the published frames that are there and can be read.
    """

    original: Sequence
    published: Path
    digests: dict[str, str]

    @cached_property
    def numbers(self) -> dict[str, int]:
        """File name → number of a frame."""
        return {path.name: number for number, path in enumerate(self.original.frames, start=1)}

    @property
    def name(self) -> str:
        """Of the sequence."""
        return self.original.name

    def frame(self, number: int) -> Path:
        """Where frame ``number`` is published."""
        return self.published / "img1" / self.original.frames[number - 1].name

    def there(self, number: int) -> bool:
        """Whether frame ``number`` is published and can be read."""
        return self.original.frames[number - 1].name in self.digests


def read_record(tree: Path) -> tuple[dict[str, Any], list[Finding]]:
    """``anonymization.json``, or an empty record and why."""
    path = tree / RECORD
    try:
        record = json.loads(path.read_text(encoding="utf-8"))
        entries = record["sequences"]
        if not all(isinstance(entry["sequence"], str) for entry in entries) or not _sound(record):
            raise TypeError
        return dict(record), []
    except FileNotFoundError:
        message = "is missing: nothing says what was done, and whether files are those that were checked"
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        message = "cannot be read as the record of a published tree"
    return {}, [Finding(ERROR, "record", f"{RECORD} {message}")]


def _sound(record: dict[str, Any]) -> bool:
    """Whether what is read of a record later on is of its kind."""
    coverage, entries = record.get("coverage", {}), record["sequences"]
    if not all(isinstance(part, dict) for part in (coverage, record.get("parameters", {}))):
        return False
    texts = [coverage.get("detector"), coverage.get("faces")]
    least = coverage.get("least_confidence", 0.0)
    hidden = [frames for entry in entries for frames in dict(entry.get("hidden", {})).values()]
    return (
        all(text is None or isinstance(text, str) for text in texts)
        and isinstance(least, (int, float))
        and all(isinstance(entry.get(name, {}), dict) for entry in entries for name in ("sha256", "hidden"))
        and all(isinstance(frame, int) for frames in hidden for frame in list(frames))
    )


def match_sequences(originals: Rows[Sequence], tree: Path, record: dict[str, Any]) -> tuple[list[Pair], list[Finding]]:
    """The sequences of both trees, and what does not fit.

    Raises
    ------
    NotFoundError
        The two trees have no sequence in common.
    """
    promised = {entry["sequence"] for entry in record.get("sequences", [])}
    there = {name: places[0] for name, places in discover([tree]).items()}
    known = {sequence.name: sequence for sequence in originals}
    findings = [
        Finding(ERROR, "files", f"{RECORD} lists the sequence but it is not there", name)
        for name in sorted(promised - set(there))
    ]
    for name in sorted(set(there) - promised if promised else ()):
        findings.append(Finding(ERROR, "files", f"is there but {RECORD} does not list it", name))
    for name in sorted(set(there) - set(known)):
        findings.append(Finding(ERROR, "files", "there is no original to compare it with", name))
    for name, place in there.items():
        if place != tree.resolve() / name:
            findings.append(Finding(ERROR, "files", "does not lie at the top of the tree", name))
    pairs = [Pair(known[name], there[name], {}) for name in sorted(set(there) & set(known))]
    if not pairs:
        raise NotFoundError(f"{tree}: no sequence of the original is there; there is: {', '.join(there) or 'nothing'}")
    return pairs, findings


def check_files(
    tree: Path, pairs: Iterable[Pair], record: dict[str, Any], key: Key | None, tick: Tick
) -> tuple[int, list[Finding]]:
    """Look at every file below the tree once; fills in the digests of the pairs and returns how many files there are.

    Parameters
    ----------
    key:
        What must not stand in any of them, or None where it is not known.
    """
    pairs = list(pairs)
    root = tree.resolve()
    owner = {pair.published.relative_to(root).as_posix(): pair for pair in pairs}
    expected = _expected(pairs, root, record)
    paths = sorted(path for path in root.rglob("*") if not path.is_dir() or path.is_symlink())
    findings: list[Finding] = []
    late = [
        path
        for path in [root, *sorted(root.rglob("*"))]
        if not path.is_symlink() and int(path.stat().st_mtime) != FILE_TIME
    ]
    if late:
        more = f" and {len(late) - 1} more" if len(late) > 1 else ""
        name = late[0].relative_to(root).as_posix()
        findings.append(
            Finding(ERROR, "times", f"{name}{more}: the file time says when it was made; all should be 2000-01-01")
        )
    folders = {parent for name in expected for parent in _parents(name)}
    for path in sorted(path for path in root.rglob("*") if path.is_dir() and not path.is_symlink()):
        if (name := path.relative_to(root).as_posix()) not in folders:
            findings.append(Finding(ERROR, "files", f"{name}: a folder that should not be there"))
    for path in paths:
        name = path.relative_to(root).as_posix()
        place = next((owner[part] for part in _parents(name) if part in owner), None)
        where = place.name if place else None
        number = _number(place, name) if place else None
        if key is not None and key.found_in(name.encode()):
            findings.append(Finding(ERROR, "key", "a file's name contains the key", where))
        if path.is_symlink():
            findings.append(Finding(ERROR, "files", f"{name}: is a link, and leads out of what is published", where))
            continue
        if name not in expected:
            findings.append(Finding(ERROR, "files", f"{name}: should not be there", where))
        findings += _contents(path, name, place, number, key)
        tick()
    for name in sorted(expected - {path.relative_to(root).as_posix() for path in paths} - {RECORD}):
        place = next((owner[part] for part in _parents(name) if part in owner), None)
        number = _number(place, name) if place else None
        findings.append(Finding(ERROR, "files", f"{name}: is missing", place.name if place else None, number))
    return len(paths), findings


def check_digests(pairs: Iterable[Pair], record: dict[str, Any]) -> list[Finding]:
    """Hold published frames to the SHA-256 that the record has of them."""
    said = {entry["sequence"]: entry.get("sha256", {}) for entry in record.get("sequences", [])}
    findings = []
    for pair in pairs:
        for number, path in enumerate(pair.original.frames, start=1):
            listed = pair.name in said and path.name in pair.digests
            if listed and said[pair.name].get(path.name) != pair.digests[path.name]:
                message = f"{path.name}: not the bytes that were checked when it was published"
                findings.append(Finding(ERROR, "sha256", message, pair.name, number))
    return findings


def check_views(groups: Iterable[Rows[Pair]]) -> list[Finding]:
    """Views whose originals show the same frames must be published with the same frames."""
    findings = []
    for views in groups:
        first = views[0]
        for other in views[1:]:
            for number in range(1, first.original.n_frames + 1):
                if not (first.there(number) and other.there(number)):
                    continue
                one, two = (pair.digests[pair.frame(number).name] for pair in (first, other))
                if one != two:
                    message = f"is another picture than {first.name} has, though both views show one camera"
                    findings.append(Finding(ERROR, "views", message, other.name, number))
    return findings


def _expected(pairs: list[Pair], root: Path, record: dict[str, Any]) -> set[str]:
    names = {RECORD, DATASHEET} | ({ATTRIBUTION} if record.get("attribution") else set())
    for pair in pairs:
        place = pair.published.relative_to(root).as_posix()
        names |= {f"{place}/img1/{path.name}" for path in pair.original.frames}
        names.add(f"{place}/{_LABELS[0]}")
        names |= {f"{place}/{_LABELS[1]}"} if pair.original.gt_path else set()
        names |= {f"{place}/{_LABELS[2]}"} if pair.original.det_path else set()
    return names


def _contents(path: Path, name: str, pair: Pair | None, number: int | None, key: Key | None) -> list[Finding]:
    where = pair.name if pair else None
    try:
        data = path.read_bytes()
    except OSError as error:
        return [Finding(ERROR, "files", f"{name}: cannot be read ({error.strerror})", where, number)]
    findings = []
    if key is not None and (form := key.found_in(data)):
        findings.append(Finding(ERROR, "key", f"{name}: contains the key ({form})", where, number))
    if path.suffix.lower() in EXTENSIONS:
        if segments := metadata_segments(data):
            findings.append(Finding(ERROR, "metadata", f"{name}: carries {', '.join(segments)}", where, number))
        if pair is not None and number is not None:
            pair.digests[path.name] = hashlib.sha256(data).hexdigest()
    return findings


def _parents(name: str) -> list[str]:
    parts = name.split("/")
    return ["/".join(parts[:count]) for count in range(1, len(parts))] + ["."]


def _number(pair: Pair, name: str) -> int | None:
    parts = name.split("/")
    if len(parts) < 2 or parts[-2] != "img1":
        return None
    return pair.numbers.get(parts[-1])
