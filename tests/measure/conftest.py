"""Published trees that several files of tests audit; nobody changes them."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from mot_anon.measure.audit.findings import Audit
from tests.measure.audit_trees import Made, audited, cover_up, published, write_originals


@pytest.fixture(scope="session")
def png(tmp_path_factory: pytest.TempPathFactory) -> Made:
    folder = tmp_path_factory.mktemp("png")
    originals = write_originals(folder / "data", ".png")
    return originals, published(originals, folder / "published")


@pytest.fixture(scope="session")
def jpg(tmp_path_factory: pytest.TempPathFactory) -> Made:
    folder = tmp_path_factory.mktemp("jpg")
    originals = write_originals(folder / "data", ".jpg")
    return originals, published(originals, folder / "published")


@pytest.fixture
def broken(tmp_path: Path) -> Callable[..., Audit]:
    """``broken(made, change)``: audit a copy of a tree to which ``change`` was done and covered up."""

    def audit(made: Made, change: Callable[[Path], object], **more: object) -> Audit:
        copy = Path(shutil.copytree(made[1], tmp_path / "copy"))
        change(copy)
        return audited(made[0], cover_up(copy), tmp_path / "audit", **more)

    return audit
