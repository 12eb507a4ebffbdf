"""People are as tall as those who stood where they stand."""

from __future__ import annotations

import numpy as np
import pandas as pd

from mot_anon.plan.perspective import too_tall

SIZE = (640, 480)


def street(n: int = 60, *, slope: float = 0.8, noise: float = 0.05, seed: int = 0) -> pd.DataFrame:
    """``n`` people who walk about; the horizon is at 150."""
    rng = np.random.default_rng(seed)
    feet = rng.uniform(200, 460, n)
    h = slope * (feet - 150) * rng.normal(1, noise, n)
    table = pd.DataFrame({"frame": np.arange(n) + 1, "track": "S:1", "x": rng.uniform(50, 500, n), "y": feet - h})
    return table.assign(w=0.4 * h, h=h, kind="person", source="gt", visibility=1.0)


def detection(feet: float, h: float) -> pd.DataFrame:
    row = (1, "", 300.0, feet - h, 0.4 * h, h, "unsure", "detection", 1.0)
    return pd.DataFrame([row], columns=["frame", "track", "x", "y", "w", "h", "kind", "source", "visibility"])


def tall(people: pd.DataFrame, *others: pd.DataFrame) -> list[bool]:
    return list(too_tall(pd.concat([people, *others], ignore_index=True), SIZE)[len(people) :])


def test_a_tree_is_too_tall_and_people_of_every_size_are_not() -> None:
    found = tall(street(), detection(300, 120), detection(300, 60), detection(300, 180), detection(300, 260))
    assert found == [False, False, False, True]
    assert not too_tall(street(), SIZE).any()


def test_beyond_where_people_stood_heights_go_on_as_at_the_end() -> None:
    assert tall(street(), detection(120, 45), detection(120, 120)) == [False, True]


def test_boxes_that_leave_the_frame_say_nothing_of_heights() -> None:
    people = street()
    cut = people.assign(y=people["y"] - 600, track="S:2")
    assert tall(pd.concat([people, cut], ignore_index=True), detection(300, 180)) == [False]


def test_where_it_cannot_be_told_nothing_is_too_tall() -> None:
    giant = detection(300, 290)
    assert tall(street(), giant) == [True]
    assert tall(street(20), giant) == [False]  # few people
    assert tall(street(noise=0.6), giant) == [False]  # everybody is of another size
    upside = street()
    assert tall(upside.assign(y=500 - upside["y"] - upside["h"]), giant) == [False]  # nearer people are higher
    still = street().assign(y=100.0, h=100.0)
    assert tall(still, giant) == [False]  # all in one place
    assert tall(street().assign(track=""), giant) == [False]  # nobody is tracked
