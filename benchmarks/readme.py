"""Copy tables into the README: ``python benchmarks/readme.py``.

A line ``<!-- benchmarks/FILE.md N -->`` in the README stands before the N-th table of that file.
"""

from __future__ import annotations

import re
from itertools import groupby
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
_PLACE = re.compile(r"<!-- (benchmarks/[\w.-]+\.md) (\d+) -->")


def main() -> None:
    path = ROOT / "README.md"
    path.write_text(with_tables(path.read_text(encoding="utf-8"), ROOT), encoding="utf-8")


def with_tables(text: str, root: Path) -> str:
    """A page with every table as it is in its file below ``root``; raises ValueError where there is no such table."""
    lines = text.split("\n")
    page: list[str] = []
    while lines:
        page.append(lines.pop(0))
        if place := _PLACE.fullmatch(page[-1]):
            found = tables((root / place[1]).read_text(encoding="utf-8"))
            if len(found) < int(place[2]):
                raise ValueError(f"{place[1]}: no table {place[2]}")
            while lines and (not lines[0] or lines[0].startswith("|")):
                lines.pop(0)
            page += ["", *found[int(place[2]) - 1], ""]
    return "\n".join(page)


def tables(text: str) -> list[list[str]]:
    """The lines of every table of a page."""
    blocks = groupby(text.splitlines(), lambda line: line.startswith("|"))
    return [list(lines) for is_table, lines in blocks if is_table]


if __name__ == "__main__":
    main()
