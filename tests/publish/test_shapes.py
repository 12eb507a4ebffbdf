"""Classical methods over silhouettes: nothing of anybody stays raw, and what they did is in the record."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from mot_anon.data.frames import encode_frame
from mot_anon.data.sequence import Sequence
from mot_anon.errors import CoverageError
from mot_anon.methods.base import make_method
from mot_anon.publish.cover import label_regions
from mot_anon.publish.render import render_frame
from mot_anon.publish.settings import parameters_of
from mot_anon.publish.verify import check_frame
from mot_anon.vision.parse import WEIGHTS as PARSER
from tests.publish.conftest import Publish, tree_bytes
from tests.publish.test_body import PLACE, SIZE, Painter, owned_by, region

METHODS = ["solid", "pixelate", "blur", "recolor", "grey"]
needs_parser = pytest.mark.skipif(not PARSER.is_file(), reason="the parser's weights are not there")


@pytest.mark.parametrize("name", METHODS)
def test_all_of_the_cover_is_painted_and_nothing_else(name: str) -> None:
    regions = [region(), region((90.0, 40.0, 44.0, 110.0), track="S:2"), region((10.0, 20.0, 30.0, 80.0), sure=False)]
    owned = owned_by(*regions)
    assert not owned[30:140, 60:63].all()  # not the whole box
    frame, labels = render_frame(PLACE, regions, make_method(name), "body", 7)
    assert np.array_equal(labels >= 0, owned)
    assert np.array_equal(frame[~owned], PLACE[~owned])
    same = (frame == PLACE).all(-1) & owned
    assert same.sum() <= 0.01 * owned.sum()


@pytest.mark.parametrize("name", METHODS)
def test_of_whom_nobody_is_sure_is_covered_too(name: str) -> None:
    doubtful = replace(region(sure=False), person=False)
    owned = owned_by(doubtful)
    assert owned[30:140, 60:104].all()
    frame, _ = render_frame(PLACE, [doubtful], make_method(name), "body", 7)
    assert ((frame == PLACE).all(-1) & owned).sum() <= 0.01 * owned.sum()


def test_a_solid_silhouette_tells_nothing_of_what_is_under_it() -> None:
    owned = owned_by(region())
    other = np.where(owned[..., None], 255 - PLACE, PLACE).astype(np.uint8)
    one, two = (render_frame(frame, [region()], make_method("solid"), "body", 0)[0] for frame in (PLACE, other))
    assert np.array_equal(one, two)


def test_a_mosaic_at_the_rim_is_not_mixed_with_the_wall_beside_it() -> None:
    tall = region((20.0, -120.0, 120.0, 270.0))
    owned = owned_by(tall)
    other = np.where(owned[..., None], PLACE, 255 - PLACE).astype(np.uint8)
    one, two = (render_frame(frame, [tall], make_method("pixelate"), "body", 0)[0] for frame in (PLACE, other))
    assert np.array_equal(one[owned], two[owned])
    assert len(np.unique(one[owned], axis=0)) > 20  # it is a mosaic


@pytest.mark.parametrize("person", [True, False])
def test_the_last_look_allows_no_raw_part_where_nothing_is_restored(person: bool) -> None:
    one = replace(region(maps=np.zeros((128, 64), np.uint8), sure=False), person=person)
    labels = label_regions([one], SIZE, "body")
    frame, _ = render_frame(PLACE, [one], make_method("blur"), "body", 0)
    path = Path("000001.png")
    check_frame(path, encode_frame(frame, ".png"), PLACE, frame, labels, [one], "body", restored=False)
    # A box that was left raw: a generator may find nobody in it, and restore what is behind.
    data = encode_frame(PLACE, ".png")
    check_frame(path, data, PLACE, PLACE, labels, [one], "body")
    with pytest.raises(CoverageError, match="still shows the original"):
        check_frame(path, data, PLACE, PLACE, labels, [one], "body", restored=False)


@needs_parser
def test_the_shape_is_in_the_record_and_in_the_sheet(run: Publish, sequence: Sequence, tmp_path: Path) -> None:
    box, named, drawn = (
        run(sequence, out=tmp_path / str(n), **more)
        for n, more in enumerate(({}, {"shape": "box"}, {"shape": "silhouette"}))
    )
    assert tree_bytes(box.tree) == tree_bytes(named.tree)
    said = json.loads((drawn.tree / "anonymization.json").read_text(encoding="utf-8"))
    assert said["parameters"] == {"strength": 8, "shape": "silhouette"}
    assert any("gait" in note for note in drawn.warnings)
    sheets = [(done.tree / "DATASHEET.md").read_text(encoding="utf-8") for done in (box, drawn)]
    assert ["by silhouette" in sheet for sheet in sheets] == [False, True]


@needs_parser
def test_a_silhouette_tree_is_the_same_whoever_writes_it(run: Publish, sequence: Sequence, tmp_path: Path) -> None:
    one, two = (run(sequence, out=tmp_path / str(n), workers=n, shape="silhouette") for n in (1, 2))
    assert tree_bytes(one.tree) == tree_bytes(two.tree)


def test_a_method_that_draws_silhouettes_anyway_has_no_such_parameter() -> None:
    assert parameters_of(Painter(), "silhouette") == {}
    assert parameters_of(make_method("solid"), "silhouette") == {"shape": "silhouette"}
    assert parameters_of(make_method("solid"), "box") == parameters_of(make_method("solid"), None) == {}
