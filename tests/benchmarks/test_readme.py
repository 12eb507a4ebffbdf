"""The README's tables are those that benchmarks wrote."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks.readme import ROOT, with_tables

PAGE = "before\n\n<!-- benchmarks/a.md 2 -->\n\n| old |\n\nafter\n"


def test_a_table_is_put_in_its_place_and_stays_there(tmp_path: Path) -> None:
    (tmp_path / "benchmarks").mkdir()
    (tmp_path / "benchmarks" / "a.md").write_text("| 1 |\n\ntext\n\n| 2 |\n| --- |\n| 3 |\n", encoding="utf-8")
    page = with_tables(PAGE, tmp_path)
    assert page == "before\n\n<!-- benchmarks/a.md 2 -->\n\n| 2 |\n| --- |\n| 3 |\n\nafter\n"
    assert with_tables(page, tmp_path) == page


def test_a_table_that_is_not_there_is_named(tmp_path: Path) -> None:
    (tmp_path / "benchmarks").mkdir()
    (tmp_path / "benchmarks" / "a.md").write_text("| 1 |\n", encoding="utf-8")
    with pytest.raises(ValueError, match=r"a\.md: no table 2"):
        with_tables(PAGE, tmp_path)


def test_the_readme_has_the_tables_of_the_benchmarks() -> None:
    page = (ROOT / "README.md").read_text(encoding="utf-8")
    assert page.count("<!-- benchmarks/") >= 8
    assert with_tables(page, ROOT) == page
