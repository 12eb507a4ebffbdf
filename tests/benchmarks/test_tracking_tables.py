"""Tables of what publishing costs tracking: over methods, and over the keys of one method."""

from __future__ import annotations

import sys
from argparse import Namespace
from collections.abc import Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from benchmarks.tracking import METHODS, SHOWN, Row, command, main, over_keys, over_methods, spread
from mot_anon.measure.statistics import Interval
from mot_anon.plan.keys import Key

CIAGAN = next(row for row in METHODS if row[0] == "ciagan")


class Measured:
    """Gives every tracker the same difference: of the nth call n points."""

    def __init__(self) -> None:
        self.keys: list[int] = []
        self.places: list[str] = []

    def __call__(
        self, row: Row, trackers: Sequence[str], key: Key, place: str, controls: bool
    ) -> list[tuple[str, Any]]:
        self.keys.append(next(key.stream("test")))
        self.places.append(place)
        change = Interval(len(self.keys) / 100, None, None)
        losses = dict.fromkeys(SHOWN, 0.5) if controls else None
        run = {
            "detections": "hog",
            "sensitive": True,
            "original": dict.fromkeys(SHOWN, 0.8),
            "difference": dict.fromkeys(SHOWN, change),
            "sensitivity": {"random_features": losses, "grey": losses},
            "grey_frames": 7 if controls else None,
        }
        return [(policy, SimpleNamespace(tracker=name, **run)) for policy in row[2] for name in trackers]


def test_every_method_has_its_lines_under_one_key_below_what_controls_lose() -> None:
    measured = Measured()
    lines = over_methods([("blur", 9, ("none",)), CIAGAN], measured)
    assert lines[2:] == [
        "| original | 80.0 / 80.0 / 80.0 | 80.0 / 80.0 / 80.0 |",
        "| *control: random features* | -50.0 / -50.0 / -50.0 | -50.0 / -50.0 / -50.0 |",
        "| *control: everybody grey, first 7 frames in all* | -50.0 / -50.0 / -50.0 | -50.0 / -50.0 / -50.0 |",
        "| blur 9 | +1.0 / +1.0 / +1.0 | +1.0 / +1.0 / +1.0 |",
        "| ciagan, pseudonym | +2.0 / +2.0 / +2.0 | +2.0 / +2.0 / +2.0 |",
        "| ciagan, isometry | +2.0 / +2.0 / +2.0 | +2.0 / +2.0 / +2.0 |",
    ]
    assert measured.places == ["blur-9", "ciagan"]
    assert len(set(measured.keys)) == 1


def test_over_keys_there_is_the_mean_the_deviation_and_what_every_key_gave() -> None:
    measured = Measured()
    lines = over_keys(CIAGAN, 3, measured)
    row = "+2.0 ± 1.0 | +2.0 ± 1.0 | +1.0 +2.0 +3.0 | -50.0 / -50.0 |"
    assert lines[2:] == [f"| hog | pseudonym | {row}", f"| hog | isometry | {row}"]
    assert len(set(measured.keys)) == 3


def test_one_key_has_no_deviation() -> None:
    assert spread([1.25]) == "+1.2"


def test_a_caption_says_all_that_was_asked_and_nothing_else() -> None:
    none = dict.fromkeys(("methods", "policies", "keys", "independent_detector"))
    asked = Namespace(data=[Path("D")], seq=["a", "b"], target="body", name="n", **none)
    plain = "python benchmarks/tracking.py --data D --seq a --seq b --target body --name n"
    assert command(asked) == plain
    more = Namespace(
        **{**vars(asked), "methods": "ciagan", "policies": "isometry", "keys": 5, "independent_detector": "none"}
    )
    assert command(more) == f"{plain} --methods ciagan --policies isometry --keys 5 --independent-detector none"


@pytest.mark.parametrize("words", [["--keys", "3"], ["--keys", "0", "--methods", "ciagan"]])
def test_a_table_over_keys_is_of_one_method_and_of_at_least_one_key(
    words: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["tracking.py", "--seq", "demo", *words])
    with pytest.raises(SystemExit):
        main()
    assert "--keys 5 --methods ciagan" in capsys.readouterr().err
