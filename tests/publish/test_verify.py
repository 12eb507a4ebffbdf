"""The last look notices what must not be published."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

from mot_anon.data.frames import Frame, encode_frame
from mot_anon.errors import CoverageError
from mot_anon.methods.base import make_method
from mot_anon.methods.classical import Blur, Solid
from mot_anon.plan.camera import Region
from mot_anon.plan.keys import TEST_KEY, Key
from mot_anon.plan.regions import head_box
from mot_anon.publish.cover import Labels, label_regions
from mot_anon.publish.render import render_frame
from mot_anon.publish.verify import check_frame, verify_tree
from tests.sequences import noise

BOX = np.array([20.0, 10.0, 40.0, 80.0])
REGION = Region("T:1", BOX, True, head_box(BOX), np.zeros((0, 4)), np.zeros(24, np.float32))
ORIGINAL = noise((120, 96), 1)


def rendered(method: str = "solid") -> tuple[Frame, Labels]:
    return render_frame(ORIGINAL, [REGION], make_method(method), "body", 0)


def check(frame: Frame, labels: Labels, data: bytes | None = None, name: str = "000001.png", **more: bool) -> None:
    path = Path(name)
    check_frame(path, data or encode_frame(frame, path.suffix), ORIGINAL, frame, labels, [REGION], "body", **more)


@pytest.mark.parametrize("name", ["000001.png", "000001.jpg"])
@pytest.mark.parametrize("method", ["solid", "pixelate", "blur"])
def test_what_methods_make_passes(method: str, name: str) -> None:
    check(*rendered(method), name=name)


@pytest.mark.parametrize("name", ["000001.png", "000001.jpg"])
def test_a_person_left_as_they_were_is_noticed(name: str) -> None:
    with pytest.raises(CoverageError, match="'T:1' still shows the original"):
        check(ORIGINAL.copy(), label_regions([REGION], (120, 96), "body"), name=name)


def test_a_control_may_leave_people_as_they_were() -> None:
    check(ORIGINAL.copy(), label_regions([REGION], (120, 96), "body"), control=True)


def test_a_region_that_does_not_own_its_pixels_is_noticed() -> None:
    frame, labels = rendered()
    labels[50, 30] = -1
    with pytest.raises(CoverageError, match="not covered"):
        check(frame, labels)


def test_a_changed_background_is_noticed() -> None:
    frame, labels = rendered()
    frame[0, 0] ^= 1
    with pytest.raises(CoverageError, match="background"):
        check(frame, labels)


@pytest.mark.parametrize("name", ["000001.png", "000001.jpg"])
def test_a_file_that_shows_something_else_is_noticed(name: str) -> None:
    frame, labels = rendered()
    with pytest.raises(CoverageError, match="does not show what was rendered"):
        check(frame, labels, encode_frame(ORIGINAL, Path(name).suffix), name)


def test_metadata_is_noticed() -> None:
    frame, labels = rendered()
    data = encode_frame(frame, ".jpg")
    comment = b"\xff\xfe\x00\x0asecret!!"
    with pytest.raises(CoverageError, match="carries COM"):
        check(frame, labels, data[:2] + comment + data[2:], "000001.jpg")


class Leaky(Blur):
    def render(self, batch):  # type: ignore[no-untyped-def]
        return [(rgb, alpha * 0.9) for rgb, alpha in super().render(batch)]


class Holey(Solid):
    def render(self, batch):  # type: ignore[no-untyped-def]
        return [
            (np.where(np.arange(rgb.shape[1])[:, None] == 3, np.nan, rgb), alpha)
            for rgb, alpha in super().render(batch)
        ]


@pytest.mark.parametrize(("method", "what"), [(Leaky(), "lets them through"), (Holey(), "without a colour")])
def test_a_method_that_leaves_raw_pixels_or_none_is_stopped(method: Blur, what: str) -> None:
    with pytest.raises(CoverageError, match=what):
        render_frame(ORIGINAL, [REGION], method, "body", 0)


def test_a_method_that_needs_no_raw_pixels_sees_none() -> None:
    seen = []

    class Spy(Solid):
        def render(self, batch):  # type: ignore[no-untyped-def]
            seen.extend(batch)
            return super().render(batch)

    render_frame(ORIGINAL, [REGION], Spy(), "body", 0)
    assert seen[0].raw is None
    other = cv2.rectangle(ORIGINAL.copy(), (20, 10), (59, 89), (0, 0, 255), -1)
    render_frame(other, [REGION], Spy(), "body", 0)
    assert np.array_equal(seen[0].erased, seen[1].erased)  # nothing of the person is in there


def test_nearer_people_own_the_pixels_that_they_share() -> None:
    near = replace(REGION, track="T:2", box=np.add(BOX, [10, 5, 0, 0]))
    labels = label_regions([REGION, near], (120, 96), "body")
    assert labels[50, 40] == 1
    assert labels[50, 22] == 0


def test_a_thing_is_cut_out_but_takes_no_part_of_a_head() -> None:
    post = replace(REGION, cut=np.array([[30.0, 0.0, 6.0, 96.0]]))
    labels = label_regions([post], (120, 96), "body")
    assert (labels[40:90, 30:36] == -1).all()
    assert (labels[10:30, 30:36] == 0).all()
    assert (label_regions([post], (120, 96), "face")[8:30, 20:60] == 0).all()


def test_a_head_that_one_thing_covers_whole_is_given_up() -> None:
    wall = replace(REGION, cut=np.array([[0.0, 0.0, 120.0, 50.0]]))
    labels = label_regions([wall], (120, 96), "body")
    assert (labels[:50] == -1).all()
    assert (labels[50:90, 20:60] == 0).all()


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "b.txt").write_text("hello")
    return tmp_path


HELLO = "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824"


def test_a_tree_is_exactly_what_was_checked(tree: Path) -> None:
    key = Key(TEST_KEY)
    verify_tree(tree, {"a/b.txt": HELLO}, key)
    with pytest.raises(CoverageError, match=r"a/b.txt: should not be there"):
        verify_tree(tree, {}, key)
    with pytest.raises(CoverageError, match=r"c.txt: is missing"):
        verify_tree(tree, {"a/b.txt": HELLO, "c.txt": HELLO}, key)
    with pytest.raises(CoverageError, match="not the bytes"):
        verify_tree(tree, {"a/b.txt": "0" * 64}, key)
