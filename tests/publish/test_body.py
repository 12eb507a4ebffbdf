"""People replaced by their silhouettes: nothing of them is left, and no more than needs be is touched."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mot_anon.data.frames import Frame, encode_frame
from mot_anon.data.sequence import open_sequence
from mot_anon.errors import CoverageError
from mot_anon.gan.generate import WEIGHTS as GENERATOR
from mot_anon.methods.base import Item, Pixels, make_method
from mot_anon.methods.ciagan import Ciagan
from mot_anon.methods.drawing import enlarged, opacity
from mot_anon.plan.camera import Region
from mot_anon.plan.identities import CODE_SIZE
from mot_anon.plan.keys import TEST_KEY, Key
from mot_anon.plan.plate import Plate
from mot_anon.plan.regions import head_box
from mot_anon.plan.silhouettes import Maps, Seen, windows_of
from mot_anon.publish.analyse import Coverage, plan_recording
from mot_anon.publish.cover import POSSIBLE, covered_mask, label_regions, margin
from mot_anon.publish.erase import Staying, erase, grain, grain_of
from mot_anon.publish.recordings import recordings_of
from mot_anon.publish.render import render_frame
from mot_anon.publish.verify import check_frame
from mot_anon.vision.parse import WEIGHTS as PARSER
from mot_anon.vision.windows import in_frame
from tests.publish.conftest import Publish, silent, tree_bytes
from tests.sequences import PEOPLE, noise, write_sequence

SIZE = (200, 160)
BOX = (60.0, 30.0, 44.0, 110.0)
PLACE = noise(SIZE, 1)

needs_weights = pytest.mark.skipif(
    not (GENERATOR.is_file() and PARSER.is_file()), reason="the weights of parser and generator are not there"
)


class Painter:
    """A stand-in for the generator: a flat colour over the silhouette; remembers what it was shown."""

    name, targets, needs_raw, uses_identity, control = "painter", frozenset({"body"}), False, True, False
    wants_silhouettes = True

    def __init__(self) -> None:
        self.shown: list[Item] = []

    def parameters(self) -> dict[str, float | int | str]:
        return {}

    def render(self, batch: Sequence[Item]) -> list[tuple[Pixels, Pixels]]:
        self.shown = list(batch)
        return [(np.full_like(item.erased, 0.5 + 0.1 * i), opacity(item.silhouette)) for i, item in enumerate(batch)]


def person_maps(left: int = 18, right: int = 46, top: int = 14, bottom: int = 114) -> Maps:
    maps = np.zeros((128, 64), np.uint8)
    maps[top:bottom, left:right] = 255
    return cv2.GaussianBlur(maps, (0, 0), 1.5)


def region(box: tuple[float, ...] = BOX, maps: Maps | None = None, *, sure: bool = True, track: str = "S:1") -> Region:
    here = np.array(box, float)
    shape = person_maps() if maps is None else maps
    seen = Seen(windows_of(here[None])[0], shape, shape, np.zeros((4, 64, 32), np.uint8), sure)
    return Region(track, here, True, head_box(here), np.zeros((0, 4)), np.zeros(24, np.float32), seen)


def changed(before: Frame, after: Frame) -> np.ndarray:
    return (before != after).any(-1)


def seen_in_frame(one: Region) -> np.ndarray:
    assert one.seen is not None
    return in_frame(one.seen.possible, one.seen.window, (0, 0, *SIZE)) >= POSSIBLE


def owned_by(*regions: Region) -> np.ndarray:
    return label_regions(regions, SIZE, "body") >= 0


boxes = st.tuples(st.floats(-40, 180), st.floats(-60, 140), st.floats(6, 90), st.floats(12, 180))


@settings(max_examples=40, deadline=None)
@given(boxes, st.integers(0, 2**32 - 1))
def test_the_cover_holds_the_silhouette_and_its_margin(box: tuple[float, ...], seed: int) -> None:
    coarse = np.random.default_rng(seed).uniform(0, 255, (8, 4)).astype(np.float32)
    maps = cv2.resize(coarse, (64, 128), interpolation=cv2.INTER_LINEAR).astype(np.uint8)
    one = region(box, maps)
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * int(margin(one)) - 1,) * 2)
    wide = cv2.dilate(seen_in_frame(one).astype(np.uint8), kernel) > 0
    assert not (wide & ~owned_by(one)).any()


def test_who_is_not_sure_is_covered_box_and_all() -> None:
    unsure = owned_by(region(maps=person_maps(top=100), sure=False))
    assert unsure[30:140, 60:104].all()
    sure = owned_by(region())
    assert not sure[30:140, 60:63].any()


def test_a_head_that_the_parser_misses_is_covered_all_the_same() -> None:
    headless = region(maps=person_maps(top=50))
    assert owned_by(headless)[30:57, 60:104].all()


def test_of_whom_nobody_is_sure_nothing_is_left_not_even_a_blur() -> None:
    doubtful = replace(region(sure=False), person=False)
    frame, _ = render_frame(PLACE, [doubtful], Painter(), "body", 0)
    assert np.array_equal(frame, erase(PLACE, owned_by(doubtful)))


def test_feet_that_leave_the_window_are_followed() -> None:
    stride = owned_by(region(maps=person_maps(right=64)))
    straight = owned_by(region())
    assert stride[60:120, 108:114].all()
    assert not straight[60:120, 108:114].any()


@settings(max_examples=30, deadline=None)
@given(st.lists(st.tuples(boxes, st.booleans()), min_size=1, max_size=4), st.integers(0, 1000))
def test_nothing_raw_inside_the_cover_comes_through_and_nothing_else_changes(
    people: list[tuple[tuple[float, ...], bool]], seed: int
) -> None:
    regions = [region(box, sure=sure, track=f"S:{i}") for i, (box, sure) in enumerate(people)]
    owned = owned_by(*regions)
    frame = noise(SIZE, seed)
    other = np.where(owned[..., None], 255 - frame, frame).astype(np.uint8)
    plate = Plate(noise(SIZE, seed), np.ones(SIZE[::-1], bool))
    for given_plate in (None, plate):
        one, labels = render_frame(frame, regions, Painter(), "body", 0, given_plate, 1)
        two, _ = render_frame(other, regions, Painter(), "body", 0, given_plate, 1)
        assert np.array_equal(one, two)  # whatever is under the cover, the result is the same
        assert np.array_equal(one[~owned], frame[~owned])
        assert np.array_equal(labels >= 0, owned)


def test_the_method_is_shown_nothing_of_anybody() -> None:
    regions = [region(), region((90.0, 40.0, 44.0, 110.0), track="S:2")]
    owned = owned_by(*regions)
    shown = []
    for frame in (PLACE, np.where(owned[..., None], 0, PLACE).astype(np.uint8)):
        painter = Painter()
        render_frame(frame, regions, painter, "body", 0)
        shown.append(painter.shown)
    for one, two in zip(*shown, strict=True):
        assert one.raw is None
        assert np.array_equal(one.erased, two.erased)
        assert one.shape is not None
        assert two.shape is not None
        assert np.array_equal(one.shape.surroundings, two.shape.surroundings)


def test_nearer_people_are_painted_over_farther_ones_without_a_gap() -> None:
    far, near = region(), region((75.0, 36.0, 44.0, 110.0), track="S:2")
    painter = Painter()
    frame, _ = render_frame(np.full_like(PLACE, 40), [far, near], painter, "body", 0)
    row = frame[90, 72:108].mean(-1)
    # From left to right: the far one, then at once the near one; never the wall between them.
    assert row.min() > 125
    assert abs(row[5] - 127.5) < 2
    assert abs(row[-5] - 153) < 2


def test_what_is_rendered_passes_the_last_look() -> None:
    regions = [region(), region((90.0, 40.0, 44.0, 110.0), sure=False, track="S:2")]
    frame, labels = render_frame(PLACE, regions, Painter(), "body", 0, None, 3)
    path = Path("000003.png")
    check_frame(path, encode_frame(frame, ".png"), PLACE, frame, labels, regions, "body")


def test_the_last_look_knows_a_restored_wall_from_a_person_who_was_left() -> None:
    unsure = region(maps=person_maps(top=100), sure=False)  # nearly all of the box is wall
    plate = Plate(PLACE, np.ones(SIZE[::-1], bool))
    path = Path("000001.png")
    frame, labels = render_frame(PLACE, [unsure], Painter(), "body", 0, plate)
    check_frame(path, encode_frame(frame, ".png"), PLACE, frame, labels, [unsure], "body")
    left = PLACE.copy()
    labels = label_regions([region()], SIZE, "body")
    with pytest.raises(CoverageError, match="still shows the original"):
        check_frame(path, encode_frame(left, ".png"), PLACE, left, labels, [region()], "body")


def test_the_last_look_knows_a_restored_post_through_somebody_who_is_hardly_drawn() -> None:
    faint = region(maps=np.full((128, 64), 128, np.uint8))  # everywhere a parser rather thinks so
    street = np.full_like(PLACE, 180)
    street[:, 78:86] = 20
    plate, path = Plate(street, np.ones(SIZE[::-1], bool)), Path("000001.png")
    frame, labels = render_frame(street, [faint], Painter(), "body", 0, plate)
    check_frame(path, encode_frame(frame, ".png"), street, frame, labels, [faint], "body")


def test_a_plate_gives_back_the_wall_in_the_light_of_the_frame() -> None:
    owned = owned_by(region())
    plate = Plate(PLACE, np.ones(SIZE[::-1], bool))
    frame = np.clip(PLACE.astype(int) + 6, 0, 255).astype(np.uint8)
    standing = frame.copy()
    standing[owned] = 0
    filled = erase(standing, owned, plate)
    assert np.abs(filled.astype(int) - frame)[owned].mean() < 1.5
    without = erase(standing, owned)
    assert np.abs(without.astype(int) - frame)[owned].mean() > 10


def test_where_the_frame_no_longer_looks_like_the_plate_the_plate_is_not_used() -> None:
    owned = owned_by(region())
    wrong = PLACE.copy()
    wrong[20:150, 45:120] = 255 - wrong[20:150, 45:120]
    plate = Plate(wrong, np.ones(SIZE[::-1], bool))
    assert np.array_equal(erase(PLACE, owned, plate)[owned], erase(PLACE, owned)[owned])


def test_where_a_head_was_shoulders_go_on_and_beside_them_is_the_wall() -> None:
    wall, shirt = (200, 180, 40), (20, 40, 160)
    frame = np.full((*SIZE[::-1], 3), wall, np.uint8)
    frame[90:, 60:140] = shirt
    owned = np.zeros(SIZE[::-1], bool)
    owned[60:110, 80:120] = True
    bodies = np.zeros(SIZE[::-1], np.float32)
    bodies[90:130, 60:140] = 1
    staying = Staying(bodies, np.zeros_like(owned), bodies > 0)
    hurt = frame.copy()
    hurt[owned] = 255  # what is taken out goes nowhere
    filled = erase(hurt, owned, None, staying).astype(int)
    assert np.abs(filled[93:110, 84:116] - shirt).max() <= 3
    assert np.abs(filled[60:87, 84:116] - wall).max() <= 10
    # A face that is taken out of a head is filled from the head.
    head = replace(staying, faces=np.ones_like(owned))
    assert np.array_equal(erase(hurt, owned, None, head), erase(hurt, owned))


def test_grain_is_as_strong_as_the_cameras_and_another_in_every_frame() -> None:
    smooth = np.full((200, 200, 3), 120, np.float32)
    for sigma in (1.0, 3.0):
        sensor = np.random.default_rng(5).normal(0, sigma, (200, 200, 1))
        frame = np.rint(smooth + sensor).clip(0, 255).astype(np.uint8)
        assert grain_of(frame, np.ones((200, 200), bool)) == pytest.approx(sigma, rel=0.2)
        assert grain((200, 200), sigma, (1,)).std() == pytest.approx(sigma, rel=0.05)
    assert np.array_equal(grain((9, 9), 2.0, (1,)), grain((9, 9), 2.0, (1,)))
    assert not np.array_equal(grain((9, 9), 2.0, (1,)), grain((9, 9), 2.0, (2,)))


def test_an_enlarged_picture_is_sharper_than_stretched_and_does_not_ring() -> None:
    picture = np.full((128, 64, 3), 0.2, np.float32)
    picture[:, 32:] = 0.8
    large = enlarged(picture, (700, 350))
    plain = cv2.resize(picture, (350, 700), interpolation=cv2.INTER_LINEAR)
    assert np.abs(np.diff(large[350, :, 0])).max() > 1.2 * np.abs(np.diff(plain[350, :, 0])).max()
    assert large.min() >= 0.2 - 0.06
    assert large.max() <= 0.8 + 0.06
    assert enlarged(picture, (40, 20)).shape == (40, 20, 3)


def test_a_person_region_that_nobody_parsed_is_not_drawn_by_guess() -> None:
    with pytest.raises(ValueError, match="silhouettes"):
        Ciagan().render([Item(np.zeros((9, 9, 3), np.float32), np.ones((9, 9), np.float32), np.zeros(24), 2.0, 0)])


def test_a_whole_head_behind_a_thing_is_given_up() -> None:
    behind = replace(region(maps=person_maps(top=60)), cut=np.array([[40.0, 0.0, 100.0, 62.0]]))
    assert not covered_mask(behind, SIZE, "body")[:20].any()


@needs_weights
def test_two_workers_write_what_one_writes_and_another_key_another_person(run: Publish, tmp_path: Path) -> None:
    sequence = open_sequence(write_sequence(tmp_path / "data", frames=3, gt=PEOPLE[:9]))
    one, two = (run(sequence, out=tmp_path / str(n), workers=n, method="ciagan") for n in (1, 2))
    assert tree_bytes(one.tree) == tree_bytes(two.tree)
    assert one.record["parameters"]["generator"].startswith("generator-2-")


@needs_weights
def test_the_method_conforms_and_is_pure() -> None:
    method = make_method("ciagan")
    regions = [region(), region((90.0, 40.0, 44.0, 110.0), track="S:2")]
    codes = np.random.default_rng(0).normal(size=(2, CODE_SIZE)).astype(np.float32)
    regions = [replace(one, code=code) for one, code in zip(regions, codes, strict=True)]
    one, _ = render_frame(PLACE, regions, method, "body", 0)
    again, _ = render_frame(PLACE, regions, make_method("ciagan"), "body", 0)
    other, _ = render_frame(PLACE, [replace(r, code=-r.code) for r in regions], method, "body", 0)
    assert np.array_equal(one, again)
    assert changed(one, other)[60:110, 75:90].mean() > 0.5


def test_under_isometry_people_keep_how_alike_they_look(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MOT_ANON_CACHE", str(tmp_path / "cache"))
    gt = [(f, i, x, 20, 24, 60, 1, 1, 1.0) for f in (1, 2, 3) for i, x in ((1, 5), (2, 45), (3, 85))]
    place = write_sequence(tmp_path / "data", frames=3, gt=gt)
    for path in sorted((place / "img1").iterdir()):
        frame = cv2.imread(str(path))
        for left, seed in ((5, 7), (45, 7), (85, 8)):  # the first two are twins
            frame[20:80, left : left + 24] = noise((24, 60), seed)
        cv2.imwrite(str(path), frame)
    codes = {
        camera: plan_recording(
            replace(recordings_of([open_sequence(place)], silent)[0], camera=camera),
            Key(TEST_KEY),
            "isometry",
            Coverage(detector=None),
            silent,
        ).codes
        for camera in "abcde"
    }

    def alike(one: np.ndarray, two: np.ndarray) -> float:
        return float(np.corrcoef(one.astype(float), two.astype(float))[0, 1])

    for found in codes.values():
        assert alike(found["TEST-01:1"], found["TEST-01:2"]) > 0.95
        assert alike(found["TEST-01:1"], found["TEST-01:3"]) < 0.9
    across = [abs(alike(codes["a"]["TEST-01:1"], codes[camera]["TEST-01:1"])) for camera in "bcde"]
    assert np.mean(across) < 0.4
