from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from mot_anon.data.sequence import Sequence, open_sequence
from mot_anon.plan.keys import TEST_KEY, Key
from mot_anon.publish.analyse import Coverage
from mot_anon.publish.run import Published, Settings, publish
from mot_anon.vision.cache import Tick
from tests.sequences import write_sequence

Publish = Callable[..., Published]
KNOWN = Key(TEST_KEY)


def silent(what: str, steps: int) -> Tick:
    return lambda: None


@pytest.fixture
def sequence(tmp_path: Path) -> Sequence:
    return open_sequence(write_sequence(tmp_path / "data"))


@pytest.fixture
def run(tmp_path: Path) -> Publish:
    """``run(sequence, …, out=…, key=…, **settings)``: mosaics, without detectors, in this process."""

    def published(*sequences: Sequence, out: Path | None = None, key: Key | None = KNOWN, **more: Any) -> Published:
        settings = Settings(
            **{"method": "pixelate", "coverage": Coverage(detector=None, faces="none"), "workers": 1, **more}
        )
        return publish(list(sequences), out or tmp_path / "out", key, settings, silent)

    return published


def tree_bytes(tree: Path) -> dict[str, bytes]:
    """Every file of a tree: path below it → bytes."""
    return {path.relative_to(tree).as_posix(): path.read_bytes() for path in tree.rglob("*") if path.is_file()}


def leftovers(folder: Path) -> list[str]:
    """What lies beside the input, ``data``."""
    return sorted(path.name for path in folder.iterdir() if path.name != "data")
