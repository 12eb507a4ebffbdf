from __future__ import annotations

import os

# Before torch is imported: on a busy machine, threads that wait for each other make small networks hundreds of times
# slower than one thread is.
os.environ.setdefault("OMP_NUM_THREADS", "1")

import pytest
from hypothesis import settings

# How long an example takes says more about what else the machine does than about the code.
settings.register_profile("mot_anon", deadline=None)
settings.load_profile("mot_anon")


@pytest.fixture(autouse=True)
def _own_cache(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    """Tests share one cache of their own, and no key or data folder of the user's."""
    monkeypatch.setenv("MOT_ANON_CACHE", str(tmp_path_factory.getbasetemp() / "cache"))
    monkeypatch.delenv("MOT_ANON_KEY", raising=False)
    monkeypatch.delenv("MOT_ANON_DATA", raising=False)
