"""De-identify people in multi-object-tracking data and measure what it cost."""

from __future__ import annotations

from importlib import import_module
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mot_anon.measure.preserved import assert_tracking_preserved
    from mot_anon.publish.run import Settings, publish

try:
    __version__ = version("mot_anon")
except PackageNotFoundError:  # a checkout that nobody installed
    __version__ = "0+unknown"

# Imported when they are first used: torch takes seconds.
_HOMES = {
    "Settings": "mot_anon.publish.run",
    "assert_tracking_preserved": "mot_anon.measure.preserved",
    "publish": "mot_anon.publish.run",
}

__all__ = ["Settings", "__version__", "assert_tracking_preserved", "publish"]


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        return getattr(import_module(_HOMES[name]), name)
    raise AttributeError(f"module 'mot_anon' has no attribute {name!r}")
