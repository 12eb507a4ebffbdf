from __future__ import annotations

import numpy as np
import pandas as pd

from mot_anon.data.motchallenge import GT_COLUMNS, table
from mot_anon.plan.camera import CameraPlan
from mot_anon.plan.identities import CAMERA_TRACK, identity_codes
from mot_anon.plan.keys import Key
from mot_anon.plan.regions import gt_regions, mark_hidden, occluders, order_far_to_near

SIZE = (640, 480)
ROWS = [
    (1, 1, 100, 100, 40, 100, 1, 1, 0.0),  # behind 2
    (1, 2, 90, 90, 80, 150, 1, 1, 1.0),
    (1, 3, 300, 100, 40, 100, 0, 8, 0.6),  # a distractor behind the bench
    (1, 4, 280, 160, 100, 60, 1, 9, 1.0),  # the bench
    (2, 2, 95, 90, 80, 150, 1, 1, 1.0),
    (2, 5, 400, 100, 90, 60, 1, 13, 1.0),  # a crowd
]


def plan_of(rows: list[tuple[float, ...]] = ROWS) -> CameraPlan:
    gt = table(rows, GT_COLUMNS)
    things = occluders(gt)
    regions = mark_hidden(order_far_to_near(gt_regions(gt, "yard")), things, SIZE)
    codes = identity_codes("pseudonym", Key(bytes(32)), "yard", set(regions["track"]))
    return CameraPlan("yard", "yard-1", SIZE, 2, regions, things, codes, 7)


def test_a_plan_comes_back_from_its_bytes_as_it_was() -> None:
    before = plan_of()
    after = CameraPlan.from_bytes(before.to_bytes())
    names = ("camera", "recording", "size", "n_frames", "recolouring")
    assert [getattr(after, name) for name in names] == [getattr(before, name) for name in names]
    pd.testing.assert_frame_equal(after.regions[before.regions.columns], before.regions)
    pd.testing.assert_frame_equal(after.things, before.things)
    assert after.codes.keys() == before.codes.keys()
    assert all(np.array_equal(after.codes[track], code) for track, code in before.codes.items())
    assert after.to_bytes() == before.to_bytes()


def test_a_plan_without_anybody_comes_back_too() -> None:
    after = CameraPlan.from_bytes(plan_of([]).to_bytes())
    assert after.frame(1) == []
    assert list(after.codes) == [CAMERA_TRACK]


def test_a_frame_has_its_own_regions_far_to_near_and_hidden_ones_only_in_the_list() -> None:
    plan = plan_of()
    assert [region.track for region in plan.frame(1)] == ["yard:3", "yard:2"]
    assert [region.track for region in plan.frame(2)] == ["yard:5", "yard:2"]
    assert plan.frame(3) == []
    assert plan.hidden() == {"yard:1": [1]}
    assert plan.counts() == {"tracks": 4, "person": 4, "unsure": 0, "hidden": 1}


def test_a_thing_in_front_is_cut_out_of_the_region_behind_it() -> None:
    cuts = {region.track: region.cut.tolist() for region in plan_of().frame(1)}
    assert cuts == {"yard:3": [[280, 160, 100, 60]], "yard:2": []}


def test_a_plan_shows_no_codes_and_nobody() -> None:
    plan = plan_of()
    assert "codes" not in repr(plan)
    assert "regions" not in repr(plan)
    assert "code=" not in repr(plan.frame(1)[0])
