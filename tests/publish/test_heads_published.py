"""Faces and heads in published frames: nothing of an old one is left, with whichever target and method."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

from mot_anon.data.frames import Frame, encode_frame, read_frame
from mot_anon.data.sequence import Sequence as Recorded
from mot_anon.data.sequence import open_sequence
from mot_anon.errors import CoverageError
from mot_anon.methods.base import Item, Pixels, Wishes, make_method
from mot_anon.methods.ciagan import Ciagan
from mot_anon.methods.ciagan_face import head_alpha
from mot_anon.methods.drawing import opacity
from mot_anon.plan.camera import CameraPlan, Region
from mot_anon.plan.heads import FacePlace
from mot_anon.plan.identities import CODE_SIZE
from mot_anon.plan.keys import TEST_KEY, Key
from mot_anon.plan.plate import Plate
from mot_anon.plan.regions import head_box
from mot_anon.plan.silhouettes import Seen, windows_of
from mot_anon.plan.torsos import CELLS
from mot_anon.publish.analyse import Coverage, plan_recording
from mot_anon.publish.cover import covered_mask, face_alpha, label_regions
from mot_anon.publish.recordings import recordings_of
from mot_anon.publish.render import render_frame
from mot_anon.publish.verify import check_frame
from mot_anon.vision import face_detectors as detectors
from mot_anon.vision.faces import find_faces
from mot_anon.vision.landmarks import WEIGHTS, face_windows
from tests.invented_faces import face_points
from tests.publish.conftest import Publish, silent
from tests.realdata import MOT, needs_mot
from tests.sequences import noise, write_sequence

SIZE = (200, 160)
BOX = (60.0, 30.0, 60.0, 120.0)
FACE = (84, 34, 14, 18)
PLACE = noise(SIZE, 4)
POINTS = (12 * face_points() + (90, 48)).astype(np.float32)

needs_weights = pytest.mark.skipif(not WEIGHTS.is_file(), reason="the weights of the landmark reader are not there")


class Mask:
    """A stand-in for a face generator: flat colours; remembers what it was shown."""

    name, targets, needs_raw, uses_identity, control = "mask", frozenset({"face"}), False, True, False
    wants_silhouettes, wants_faces = False, True

    def __init__(self) -> None:
        self.shown: list[Item] = []

    def parameters(self) -> dict[str, float | int | str]:
        return {}

    def render(self, batch: Sequence[Item]) -> list[tuple[Pixels, Pixels]]:
        self.shown = list(batch)
        return [self._drawn(item) for item in batch]

    def _drawn(self, item: Item) -> tuple[Pixels, Pixels]:
        assert item.face is not None
        alpha = item.silhouette if item.face.usable else head_alpha(item, item.face)
        return np.full_like(item.erased, 0.7), alpha


class Marks:
    """A stand-in for a face detector: green is a face."""

    fingerprint = "marks"
    longest, enlarged = 1920, 2.0

    def __call__(self, pixels: Frame, *, alone: bool) -> np.ndarray:
        green = (pixels[..., 1] > 230) & (pixels[..., 0] < 60) & (pixels[..., 2] < 60)
        _, _, stats, _ = cv2.connectedComponentsWithStats(green.astype(np.uint8))
        return np.array([(*row[:4], 0.9) for row in stats[1:] if row[4] > 12], float).reshape(-1, 5)


def region(*, usable: bool = True, oval: bool = True, **more: object) -> Region:
    box = np.array(BOX)
    window = np.rint(face_windows(POINTS[None])[0]).astype(np.int64)
    place = FacePlace(POINTS, window, 0.9, usable, oval)
    code = np.random.default_rng(1).normal(size=128).astype(np.float32)
    return replace(Region("S:1", box, True, head_box(box), np.zeros((0, 4)), code, None, place), **more)  # type: ignore[arg-type]


def changed(before: Frame, after: Frame) -> np.ndarray:
    return (before != after).any(-1)


def test_a_drawn_face_leaves_forehead_hair_and_background_as_they_were() -> None:
    rendered, labels = render_frame(PLACE, [region()], Mask(), "face", 0)
    touched = changed(PLACE, rendered)
    assert touched[45:58, 82:98].mean() > 0.95
    assert not touched[labels < 0].any()
    assert not touched[:36].any()
    assert not touched[:, :74].any()
    assert not touched[66:].any()


def test_every_landmark_lies_inside_what_is_covered() -> None:
    alpha = face_alpha(region(), (0, 0, *SIZE))
    x, y = np.rint(POINTS - 0.5).astype(int).T
    assert alpha[y, x].min() == 1
    assert np.array_equal(label_regions([region()], SIZE, "face") == 0, alpha > 0)


def test_a_method_is_shown_the_drawing_and_the_surroundings_and_nothing_of_the_face() -> None:
    frame, other = PLACE.copy(), PLACE.copy()
    inside = face_alpha(region(), (0, 0, *SIZE)) > 0
    other[inside] = noise(SIZE, 9)[inside]
    shown = []
    for picture in (frame, other):
        mask = Mask()
        render_frame(picture, [region()], mask, "face", 0)
        shown.append(mask.shown[0])
    one, two = (item.face for item in shown)
    assert one is not None
    assert two is not None
    assert shown[0].raw is None
    assert np.array_equal(shown[0].erased, shown[1].erased)
    assert np.array_equal(one.surroundings, two.surroundings)
    assert one.surroundings.shape == (64, 64, 3)
    assert one.landmarks.max() > 0.5
    assert one.hole[36, 32] == 1
    assert one.usable
    assert one.confidence == 0.9


def test_where_no_landmarks_are_a_method_is_shown_the_head_as_the_parser_sees_it() -> None:
    one = region(usable=False)
    window = windows_of(one.box[None])[0]
    silhouette, parts = np.zeros((128, 64), np.uint8), np.zeros((4, 64, 32), np.uint8)
    cell = (window[3] - window[1]) / 128
    assert one.face is not None
    x, y = np.rint(((one.face.window[:2] + one.face.window[2:]) / 2 - window[:2]) / cell).astype(int)
    silhouette[y - 6 : y + 7, x - 5 : x + 6] = 255
    silhouette[y + 7 :] = 255
    parts[0, (y - 4) // 2 : (y + 5) // 2, (x - 3) // 2 : (x + 4) // 2] = 204
    parts[1, (y + 7) // 2 :] = 255
    mask = Mask()
    seen = Seen(window, silhouette, silhouette, parts, sure=False)
    render_frame(PLACE, [replace(one, seen=seen)], mask, "face", 0)
    shown = mask.shown[0].face
    assert shown is not None
    assert shown.turned is not None
    opaque, head, whole = shown.turned
    assert shown.turned.shape == (3, 64, 64)
    assert shown.landmarks.max() == 0
    assert opaque[32, 32] == shown.hole[32, 32] == 1
    assert head[32, 32] > 0.7
    assert head[:4].max() == opaque[:, :2].max() == 0
    assert opaque[-3:].max() < whole[-3:].max()  # the torso is not head


def test_the_surroundings_show_what_is_round_the_face() -> None:
    frame = np.full_like(PLACE, 40)
    frame[:44] = (0, 0, 250)
    mask = Mask()
    render_frame(frame, [region()], mask, "face", 0)
    face = mask.shown[0].face
    assert face is not None
    assert face.surroundings[1, 32, 0] > 0.9
    assert face.surroundings[1, 32, 2] < 0.05
    assert face.surroundings[-2, 2].max() < 0.2


def test_where_landmarks_cannot_be_used_the_whole_head_is_covered() -> None:
    head = head_box(np.array(BOX))
    for oval in (False, True):
        one = region(usable=False, oval=oval)
        rendered, labels = render_frame(PLACE, [one], Mask(), "face", 0)
        assert changed(PLACE, rendered)[labels == 0].mean() > 0.9
        covered = covered_mask(one, SIZE, "face")
        assert covered.shape == (round(head[3]) + 1, round(head[2]))
        assert covered.all() == (not oval)
        assert covered.mean() > 0.8


def test_a_doubtful_head_is_gone_and_its_cover_has_no_edge() -> None:
    frame = cv2.GaussianBlur(PLACE, (0, 0), 12)
    frame[40:50, 80:96] = noise((16, 10), 3)
    doubted = region(usable=False, oval=False, person=False)
    rendered, labels = render_frame(frame, [doubted], Mask(), "face", 0)
    change = cv2.absdiff(frame, rendered).max(-1)
    assert change[40:50, 80:96].mean() > 20
    rim = (labels == 0) & (cv2.erode((labels == 0).astype(np.uint8), np.ones((3, 3), np.uint8)) == 0)
    assert change[rim].max() < 12


def test_a_covered_head_passes_the_check_and_a_raw_one_does_not(tmp_path: Path) -> None:
    for one in (region(), region(usable=False)):
        rendered, labels = render_frame(PLACE, [one], Mask(), "face", 0)
        data = cv2.imencode(".png", rendered)[1].tobytes()
        check_frame(tmp_path / "1.png", data, PLACE, rendered, labels, [one], "face")


def test_with_target_both_a_face_beside_the_silhouette_is_gone() -> None:
    frame = PLACE.copy()
    cv2.rectangle(frame, (130, 30), (146, 52), (255, 255, 255), -1)
    box = np.array(BOX)
    maps = np.zeros((128, 64), np.uint8)
    maps[30:110, 24:40] = 255  # the parser has missed the head
    seen = Seen(windows_of(box[None])[0], maps, maps, np.zeros((4, 64, 32), np.uint8), True)
    beside = replace(region(), seen=seen, face=None, head=np.array([128.0, 28.0, 20.0, 26.0]), faced=True)

    class Painter(Mask):
        targets = frozenset({"body", "both"})
        wants_silhouettes, wants_faces = True, False

        def _drawn(self, item: Item) -> tuple[Pixels, Pixels]:
            return np.full_like(item.erased, 0.5), opacity(item.silhouette)

    rendered, _ = render_frame(frame, [beside], Painter(), "both", 0)
    assert changed(frame, rendered)[30:53, 130:147].all()
    usual = replace(beside, head=head_box(box), faced=False)
    body_only, _ = render_frame(frame, [usual], Painter(), "body", 0)
    assert not changed(frame, body_only)[30:53, 130:147].any()


@pytest.fixture
def green_faces(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("MOT_ANON_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr("mot_anon.publish.heads.make_face_detector", lambda name: Marks() if name != "none" else None)


@pytest.fixture
def street(tmp_path: Path) -> Recorded:
    """Five frames of 200×160: one body with a face that is missed in the third, and a face with no body."""
    gt = [(frame, 1, BOX[0] + 2 * frame, BOX[1], BOX[2], BOX[3], 1, 1, 1.0) for frame in range(1, 6)]
    place = write_sequence(tmp_path / "data", frames=5, gt=gt, size=SIZE)
    for number, path in enumerate(sorted((place / "img1").iterdir()), start=1):
        frame = cv2.imread(str(path)) // 2
        if number != 3:
            x, y, w, h = FACE[0] + 2 * number, *FACE[1:]
            frame[y : y + h, x : x + w] = (0, 255, 0)
        frame[20:36, 160:174] = (0, 255, 0)
        cv2.imwrite(str(path), frame)
    return open_sequence(place)


def planned(street: Recorded, target: str, wishes: Wishes | None = None) -> CameraPlan:
    recording = recordings_of([street], silent)[0]
    coverage = Coverage(detector=None, faces="marks")
    return plan_recording(recording, Key(TEST_KEY), "pseudonym", coverage, silent, target, wishes or Wishes())


@pytest.mark.parametrize("target", ["face", "both"])
@pytest.mark.parametrize("method", ["solid", "pixelate"])
def test_nothing_of_any_face_is_left_not_even_of_one_without_a_body(
    street: Recorded, green_faces: None, target: str, method: str
) -> None:
    plan = planned(street, target)
    for number, path in enumerate(street.frames, start=1):
        frame = read_frame(path)
        rendered, labels = render_frame(frame, plan.frame(number), make_method(method), target, 0)
        x = FACE[0] + 2 * number
        assert (labels[34:52, x : x + 14] >= 0).all()
        assert (labels[20:36, 160:174] >= 0).all()
        assert changed(frame, rendered)[20:36, 160:174].mean() > 0.9


def test_target_body_looks_for_no_faces(street: Recorded, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mot_anon.publish.heads.make_face_detector", lambda name: pytest.fail("looked"))
    assert planned(street, "body").heads is None


@needs_weights
def test_a_missed_face_is_placed_and_plans_come_back_from_disk_as_they_were(
    street: Recorded, green_faces: None
) -> None:
    plan = planned(street, "face", Wishes(faces=True))
    again = CameraPlan.from_bytes(plan.to_bytes())
    assert plan.heads is not None
    assert again.heads is not None
    for name, part in vars(plan.heads).items():
        if part is not None:
            assert np.array_equal(part, getattr(again.heads, name), equal_nan=part.dtype.kind == "f")
    assert again.heads.maps is None  # no whole heads
    tracks = plan.regions["track"].to_numpy(str)
    assert plan.heads.faced[tracks == "TEST-01:1"].all()
    assert (tracks == "TEST-01:face1").sum() == 5
    regions = again.frame(3)
    assert all((one.face is not None) == one.person for one in regions)
    # What may be no face is taken out, and no head is drawn there.
    assert [one.person for one in regions if one.track == "TEST-01:face1"] == [False]
    # A body says where a head is whose face cannot be read.
    assert all(one.seen is not None for one in regions)


@pytest.mark.parametrize("person", [True, False])
def test_round_a_head_the_wall_may_look_as_it_did_but_not_the_head(person: bool) -> None:
    size, wall = (160, 120), noise((160, 120), 5)
    place = FacePlace(np.full((68, 2), np.nan, np.float32), np.array([50, 30, 90, 70]), 0.0, usable=False, oval=False)
    box, head = np.array([40.0, 30.0, 60.0, 90.0]), np.array([40.0, 20.0, 60.0, 60.0])
    one = Region("T:1", box, person, head, np.zeros((0, 4)), np.zeros(CODE_SIZE, np.float32))
    one = replace(one, face=place if person else None, torso=np.zeros((CELLS, CELLS), np.uint8))
    plate, path = Plate(wall, np.ones(size[::-1], bool)), Path("000001.png")
    frame = wall.copy()
    frame[34:66, 56:84] = noise((28, 32), 6)
    published, labels = render_frame(frame, [one], make_method("ciagan", target="face"), "face", 0, plate)
    beside = slice(22, 78), slice(42, 48)
    assert np.corrcoef(published[beside].ravel(), wall[beside].ravel())[0, 1] > 0.8  # but for grain
    check_frame(path, encode_frame(published, ".png"), frame, published, labels, [one], "face")
    if person:
        with pytest.raises(CoverageError, match="still shows the original"):
            check_frame(path, encode_frame(frame, ".png"), frame, frame, labels, [one], "face")


def test_a_wall_beside_a_head_beyond_the_frame_is_not_taken_for_the_head() -> None:
    """Only the rim of the oval of who has left is in the frame, and there is nothing but the wall."""
    size, wall = (160, 120), noise((160, 120), 5)
    place = FacePlace(np.full((68, 2), np.nan, np.float32), np.array([-72, 20, 32, 124]), 0.0, usable=False, oval=False)
    box, head = np.array([-60.0, 30.0, 60.0, 90.0]), np.array([-60.0, 20.0, 100.0, 60.0])
    one = Region("T:1", box, True, head, np.zeros((0, 4)), np.zeros(CODE_SIZE, np.float32))
    one = replace(one, face=place, torso=np.zeros((CELLS, CELLS), np.uint8))
    labels = label_regions([one], size, "face")
    check_frame(Path("000001.png"), encode_frame(wall, ".png"), wall, wall, labels, [one], "face")


def test_a_region_by_hand_keeps_its_whole_box(street: Recorded, green_faces: None, run: Publish) -> None:
    plan = planned(street, "face")
    assert plan.heads is not None
    moved = replace(plan, regions=plan.regions.assign(source="manual"), heads=None)
    assert np.array_equal(moved.frame(1)[-1].head, moved.frame(1)[-1].box)


def test_what_was_used_is_in_the_record_and_what_was_not_is_warned_of(
    street: Recorded, green_faces: None, run: Publish, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, said in (("none", "none"), ("auto", "haar")):
        monkeypatch.setattr(detectors, "find_spec", lambda name: None)
        coverage = Coverage(detector=None, faces=name)
        done = run(street, out=tmp_path / name, target="face", method="solid", coverage=coverage)
        assert done.record["coverage"]["faces"] == said
        assert any("faces" in note and "looked" in note for note in done.warnings)
    body = run(street, out=tmp_path / "body", method="solid", coverage=Coverage(detector=None))
    assert body.record["coverage"]["faces"] is None
    assert not any("cascades" in note for note in body.warnings)


def test_ciagan_draws_bodies_with_their_heads_for_both() -> None:
    assert {"body", "both"} <= Ciagan.targets
    assert isinstance(make_method("ciagan", target="both"), Ciagan)


@needs_mot
@needs_weights
@pytest.mark.skipif(detectors.centerface_weights() is None, reason="the extra 'face' is not installed")
def test_on_a_real_street_no_face_that_is_found_lies_outside_the_heads(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MOT_ANON_CACHE", str(tmp_path))
    source = MOT / "MOT17" / "train" / "MOT17-09-DPM"
    whole = open_sequence(source)
    gt = whole.gt()
    rows = gt[gt["frame"] <= 2]
    place = write_sequence(tmp_path / "data", "MOT17-09-DPM", frames=2, gt=rows.to_numpy().tolist(), size=(1920, 1080))
    for number, path in enumerate(sorted((place / "img1").iterdir())):
        cv2.imwrite(str(path), read_frame(whole.frames[number]))
    recorded = open_sequence(place)
    recording = recordings_of([recorded], silent)[0]
    plan = plan_recording(
        recording, Key(TEST_KEY), "pseudonym", Coverage(detector=None), silent, "face", Wishes(faces=True)
    )
    frame = read_frame(recorded.frames[0])
    regions = plan.frame(1)
    assert sum(one.faced for one in regions) >= 3
    mask = Mask()
    rendered, labels = render_frame(frame, regions, mask, "face", 0)
    people = rows.loc[rows["frame"] == 1, ["x", "y", "w", "h"]].to_numpy(float)
    found = find_faces(frame, people, detectors.CenterFace())
    for x, y, w, h, _ in found[found[:, 4] >= 0.45]:
        middle = labels[round(y + 0.3 * h) : round(y + 0.7 * h), round(x + 0.3 * w) : round(x + 0.7 * w)]
        assert (middle >= 0).mean() > 0.95
    assert not changed(frame, rendered)[labels < 0].any()
