"""Where real sequences and crops lie, beside the checkout; tests that need them skip where they are absent."""

from __future__ import annotations

from pathlib import Path

import pytest

DATA = Path(__file__).resolve().parents[2] / "shared" / "data"
MOT = DATA / "mot"
BODIES = DATA / "bodies"

needs_mot = pytest.mark.skipif(not MOT.is_dir(), reason=f"no real sequences at {MOT}")
needs_bodies = pytest.mark.skipif(not BODIES.is_dir(), reason=f"no real crops at {BODIES}")
needs_faces = pytest.mark.skipif(not (DATA / "faces").is_dir(), reason=f"no real faces at {DATA / 'faces'}")
