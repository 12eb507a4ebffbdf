from __future__ import annotations

from importlib.metadata import EntryPoint

import pytest

import mot_anon.trackers
from mot_anon.trackers import TRACKERS, ReidTracker, SortTracker, Tracker, available_trackers, make_tracker, registry


class Idle:
    uses_appearance = False

    def update(self, boxes, scores, features=None):
        raise NotImplementedError


def make_idle(patience=3):
    return Idle()


@pytest.fixture
def plugin(monkeypatch):
    def install(target):
        point = EntryPoint("idle", f"test_registry:{target}", registry.GROUP)
        monkeypatch.setattr(registry, "entry_points", lambda group: (point,) if group == "mot_anon.trackers" else ())
        monkeypatch.setattr(EntryPoint, "load", lambda self: globals()[target])

    return install


def test_the_bundled_trackers_are_found_by_name():
    assert set(TRACKERS) == {"sort", "reid"} <= set(available_trackers())
    assert isinstance(make_tracker("sort", max_age=3), SortTracker)
    assert isinstance(make_tracker("reid", max_cosine_distance=0.4), ReidTracker)


@pytest.mark.parametrize("name", ["sort", "reid"])
def test_they_are_trackers_and_say_whether_they_use_appearance(name):
    tracker = make_tracker(name)
    assert isinstance(tracker, Tracker)
    assert tracker.uses_appearance is (name == "reid")


def test_an_unknown_name_lists_what_there_is():
    with pytest.raises(ValueError, match=r"'bytetrack'.*reid, sort"):
        make_tracker("bytetrack")


def test_an_unknown_parameter_lists_the_known_ones():
    with pytest.raises(ValueError, match=r"'max_agee'.*max_age, min_hits, iou_threshold"):
        make_tracker("sort", max_agee=3)


def test_a_plugin_is_found_by_its_entry_point(plugin):
    plugin("make_idle")
    assert available_trackers() == ["idle", "reid", "sort"]
    assert isinstance(make_tracker("idle", patience=1), Idle)
    with pytest.raises(ValueError, match=r"'speed'.*patience"):
        make_tracker("idle", speed=1)


def test_a_plugin_that_makes_no_tracker_is_refused(plugin):
    plugin("object_maker")
    with pytest.raises(TypeError, match="'idle' made a object"):
        make_tracker("idle")


def object_maker():
    return object()


def test_every_public_name_is_there():
    for name in mot_anon.trackers.__all__:
        assert hasattr(mot_anon.trackers, name)
