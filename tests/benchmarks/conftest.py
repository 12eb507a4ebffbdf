"""Benchmarks are called as files, so they find each other beside them; tests have to be told."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "benchmarks"))
