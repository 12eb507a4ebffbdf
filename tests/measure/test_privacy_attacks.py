"""Every attack finds what is there to be found, and nothing where nothing is left."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest

from mot_anon.errors import GateError, OptionError
from mot_anon.measure.privacy import publishing
from mot_anon.measure.privacy.attacks import Tools, centred, make_attack, registry
from mot_anon.measure.privacy.crops import Crops
from mot_anon.measure.privacy.findings import Finding, Found, NotMeasured
from mot_anon.measure.privacy.publishing import background, covered, grey, publish_crops, publisher
from mot_anon.measure.privacy.retrieval import similarities
from mot_anon.measure.privacy.structure import match_groups, ridge
from mot_anon.measure.privacy.study import run_study
from mot_anon.methods.base import make_method
from mot_anon.plan.identities import CODE_SIZE, ISOMETRY
from mot_anon.plan.keys import TEST_KEY, Key
from tests.invented_crops import crops, look

PEOPLE = 24
KEY = Key(TEST_KEY)


@pytest.fixture(scope="module")
def original() -> Crops:
    return crops(PEOPLE)


def published(original: Crops, method: str, policy: str = "pseudonym", keys: int = 1) -> list[Crops]:
    made = make_method(method)
    return [publish_crops(original, made, policy, KEY.derived("test", str(number))) for number in range(keys)]


def attacked(name: str, original: Crops, side: Sequence[Crops], **tools: object) -> dict[str, Finding]:
    found = make_attack(name, Tools(look, **tools))(original, side, np.random.default_rng(0))  # type: ignore[arg-type]
    assert all(isinstance(one, Finding) for one in found)
    return {one.protocol: one for one in found if isinstance(one, Finding)}


def only(name: str, original: Crops, side: Sequence[Crops]) -> Found:
    (found,) = make_attack(name, Tools(look))(original, side, np.random.default_rng(0))
    return found


def test_unprotected_people_are_recognised_and_colours_drawn_from_a_key_are_not(original: Crops) -> None:
    raw = attacked("recognition", original, published(original, "none"))
    new = attacked("recognition", original, published(original, "solid"))
    assert raw["original → original, other camera (control)"].value.value > 0.9
    asked = "published → original, other camera"
    assert raw[asked].value.value > 0.9
    assert raw[asked].over_floor is not None
    assert raw[asked].over_floor.low is not None
    assert raw[asked].over_floor.low > 0.5
    assert new[asked].value.value < 0.2
    assert new[asked].chance == pytest.approx(1 / PEOPLE, abs=0.02)
    assert new[asked].control == raw[asked].control


def test_the_floors_see_place_and_outline_and_not_the_person(original: Crops) -> None:
    found = attacked("recognition", original, published(original, "grey"))
    for floor in ("person filled grey", "background alone", "box size alone", "silhouette alone"):
        assert found[f"floor, {floor}, other camera"].value.value < 0.25, floor


def test_a_frames_own_background_gives_it_away_even_under_grey() -> None:
    some = crops(PEOPLE)
    walls = np.random.default_rng(4).integers(0, 256, (len(some), 8, 4, 3)).repeat(20, 1).repeat(20, 2)
    moving = replace(some, pixels=np.where(covered(some)[..., None], some.pixels, walls).astype(np.uint8))
    found = attacked("recognition", moving, published(moving, "grey"))
    assert found["published → original, its own frame among them"].value.value > 0.5
    assert found["published → original, other camera"].value.value < 0.2


def test_pseudonyms_link_within_a_camera_and_nowhere_else(original: Crops) -> None:
    found = attacked("linkage", original, published(original, "solid", keys=2))
    within, across = found["published → published, within a camera"], found["published → published, other camera"]
    assert within.value.value > 0.9
    assert within.wanted == "high"
    assert across.value.value < 0.2
    assert across.wanted == "low"
    assert len(across.by_key) == 2


def test_across_time_in_one_camera_linking_is_tracking_and_no_attack(original: Crops) -> None:
    found = attacked("linkage", replace(original, across="times"), published(original, "solid"))
    assert {finding.wanted for finding in found.values()} == {"high"}


def test_one_code_for_everybody_links_nobody(original: Crops) -> None:
    found = attacked("linkage", original, published(original, "solid", "shared"))
    assert found["published → published, within a camera"].value.value < 0.3


def test_averaging_undoes_what_is_drawn_anew_for_every_frame(original: Crops) -> None:
    rng = np.random.default_rng(1)
    coarse = rng.normal(0, 500, (len(original), 16, 8, 3)).repeat(10, 1).repeat(10, 2)
    disturbed = replace(original, pixels=(original.pixels + coarse).clip(0, 255).astype(np.uint8))
    single = attacked("recognition", original, [disturbed])["published → original, other camera"]
    averaged = attacked("averaging", original, [disturbed])
    assert set(averaged) == {
        f"{what} averaged over a track → original, other camera" for what in ("pixels", "features")
    }
    assert max(finding.value.value for finding in averaged.values()) > single.value.value + 0.1


def test_two_publications_are_linked_where_the_key_does_not_matter(original: Crops) -> None:
    blurred = attacked("two-keys", original, published(original, "blur", keys=2))
    coded = attacked("two-keys", original, published(original, "solid", keys=2))
    asked = "one key → another key, other camera"
    assert blurred[asked].value.value > 0.9
    assert coded[asked].value.value < 0.2
    single = only("two-keys", original, published(original, "solid"))
    assert isinstance(single, NotMeasured)
    assert "two publications" in single.line()


def test_a_rotation_does_not_hide_who_is_like_whom() -> None:
    rng = np.random.default_rng(0)
    people = rng.standard_normal((30, 24))
    turn = np.linalg.qr(rng.standard_normal((24, 24)))[0]
    one, other = (
        similarities((side + 0.02 * rng.standard_normal(side.shape)).astype(np.float32), np.arange(30))[0]
        for side in (people, people @ turn)
    )
    assert (match_groups(one, other, rng) == np.arange(30)).mean() > 0.9
    strangers = similarities(rng.standard_normal((30, 24)).astype(np.float32), np.arange(30))[0]
    assert (match_groups(one, strangers, rng) == np.arange(30)).mean() < 0.2


def test_matching_reports_how_much_of_the_similarities_is_left(original: Crops) -> None:
    raw = attacked("matching", original, published(original, "none"))
    new = attacked("matching", original, published(original, "solid"))
    asked = "people's similarities, original and published, within a camera"
    assert raw[asked].value.value == pytest.approx(1, abs=0.01)
    assert new[asked].value.value < 0.5
    matched = "published groups matched by their similarities alone, other camera"
    assert raw[matched].value.value == raw[matched].control
    assert new[matched].value.value < 0.25


def test_known_pairs_undo_a_colour_rotation_and_not_a_key() -> None:
    many = crops(40)
    turned, coded = (attacked("known-plaintext", many, published(many, method)) for method in ("recolor", "solid"))
    direct = attacked("recognition", many, published(many, "recolor"))["published → original, other camera"]
    asked = "16 known people in a camera, the others → original, other camera"
    assert turned[asked].value.value > direct.value.value + 0.2
    assert coded[asked].value.value < 0.2


def test_ridge_learns_a_linear_map_from_pairs() -> None:
    rng = np.random.default_rng(2)
    turn = np.linalg.qr(rng.standard_normal((8, 8)))[0].astype(np.float32)
    seen, unseen = (rng.standard_normal((n, 8)).astype(np.float32) for n in (200, 20))
    wanted = unseen @ turn
    found = ridge(seen, seen @ turn, unseen)
    assert (found * wanted / np.linalg.norm(wanted, axis=1, keepdims=True)).sum(axis=1).min() > 0.98


def test_training_people_who_are_published_are_told_from_strangers(original: Crops) -> None:
    members = crops(PEOPLE, seed=7)
    name = "published people closer to the generator's training people than strangers are"
    copied = attacked("membership", original, [replace(original, pixels=members.pixels)], members=members)[name]
    fresh = attacked("membership", original, [crops(PEOPLE, seed=8)], members=members)[name]
    assert copied.value.value > 0.95
    assert copied.control is not None
    assert copied.control > 0.75
    assert 0.25 < fresh.value.value < 0.75
    assert fresh.value.low is not None
    assert fresh.value.high is not None
    assert fresh.value.low < 0.5 < fresh.value.high


def test_what_an_attacker_lacks_is_said_and_not_guessed(original: Crops) -> None:
    for name in ("membership", "parrot", "inversion"):
        found = only(name, original, published(original, "solid"))
        assert isinstance(found, NotMeasured)
        assert found.to_json()["not_measured"]


def test_publishing_crops_touches_the_person_alone_and_follows_the_key(original: Crops) -> None:
    one, again, other = (publisher("solid")(original, KEY.derived("x", name)) for name in ("1", "1", "2"))
    assert (one.pixels == again.pixels).all()
    inside = covered(original)
    assert (one.pixels[~inside] == original.pixels[~inside]).all()
    assert (one.pixels[inside] != other.pixels[inside]).any(axis=1).mean() > 0.9
    same = one.person == 3
    first, second = (one.pixels[same & (one.camera == camera)][:, 80, 40].astype(int) for camera in (0, 1))
    assert np.ptp(first, axis=0).max() == 0  # the same somebody in every frame of a camera
    assert np.abs(first[0] - second[0]).max() > 8  # somebody else in the next


def test_codes_that_no_key_turned_are_as_long_as_those_of_an_isometry(
    original: Crops, monkeypatch: pytest.MonkeyPatch
) -> None:
    looks = np.random.default_rng(0).normal(3, 0.2, (len(original), CODE_SIZE)).astype(np.float32)
    monkeypatch.setattr(publishing, "_looks", lambda some: looks[: len(some)])
    own, turned = publishing.own_codes(original), publishing._codes(original, ISOMETRY, KEY)
    for camera in original.cameras:
        people = sorted(own[camera])
        plain, keyed = (np.stack([codes[camera][p] for p in people]).astype(np.float64) for codes in (own, turned))
        assert np.linalg.norm(plain, axis=1) == pytest.approx(np.full(len(people), np.sqrt(CODE_SIZE)), rel=2e-3)
        assert np.abs(plain @ plain.T - keyed @ keyed.T).max() < 0.1
    alone = original.take(original.person == 0)  # less the mean of the camera nothing is left of them
    assert all(not code.any() for codes in publishing.own_codes(alone).values() for code in codes.values())


def test_without_silhouettes_the_whole_crop_is_the_person() -> None:
    bare = crops(6, masks=False)
    assert covered(bare).all()
    assert (grey(bare).pixels == 128).all()
    assert np.ptp(centred(look(background(bare).pixels))) == 0


def test_a_study_is_the_same_every_time_and_each_attack_by_itself(original: Crops) -> None:
    side = published(original, "pixelate")
    both = run_study(original, side, ["recognition", "linkage"], Tools(look), seed=5)
    again = run_study(original, side, ["recognition", "linkage"], Tools(look), seed=5)
    alone = run_study(original, side, ["linkage"], Tools(look), seed=5)
    assert both.to_json() == again.to_json()
    assert alone.lines() == both.lines()[-2:]


def test_a_figure_is_said_in_measured_words(original: Crops) -> None:
    study = run_study(original, published(original, "solid"), ["recognition"], Tools(look))
    line = next(text for text in study.lines() if "published → original, other" in text)
    assert line.startswith("recognition: published → original, other camera: rank-1 ")
    for word in (" % [", "], chance ", ", floor ", ", control "):
        assert word in line
    assert "anonymous" not in " ".join(study.lines())


def test_a_weak_attacker_proves_nothing(original: Crops) -> None:
    def blind(pixels: np.ndarray) -> np.ndarray:
        return np.ones((len(pixels), 3), np.float32)

    weak = run_study(original, published(original, "none"), ["linkage"], Tools(blind))
    with pytest.raises(GateError, match="prove nothing"):
        weak.require_control()
    run_study(original, published(original, "none"), ["linkage"], Tools(look)).require_control()


def test_the_best_attack_is_the_one_that_is_farthest_over_its_floor(original: Crops) -> None:
    study = run_study(original, published(original, "none"), ["linkage", "recognition"], Tools(look))
    best = study.best()
    assert best is not None
    assert best.over_floor is not None
    assert best.over_floor.value > 0.5
    assert best.wanted == "low"


def test_attacks_are_found_by_name(original: Crops) -> None:
    assert len(registry()) >= 9
    with pytest.raises(OptionError, match="no attack 'guess'; there is: recognition"):
        make_attack("guess", Tools(look))
    with pytest.raises(OptionError, match="each once"):
        run_study(original, published(original, "none"), ["linkage", "linkage"], Tools(look))


def test_people_who_are_in_one_camera_only_are_an_error() -> None:
    some = crops(6)
    alone = some.take(some.camera == 0)
    with pytest.raises(OptionError, match="two cameras"):
        run_study(alone, [alone], ["linkage"], Tools(look))


def test_where_nobody_is_seen_twice_that_is_said_and_the_rest_is_measured() -> None:
    once = crops(8, each=1)
    side = published(once, "solid", keys=2)
    study = run_study(once, side, ["recognition", "linkage", "two-keys"], Tools(look))
    silent = [found for found in study.findings if isinstance(found, NotMeasured)]
    assert [found.attack for found in silent] == ["linkage", "two-keys"]
    assert all("within a camera: nobody is seen twice" in found.line() for found in silent)
    assert len(study.findings) > 10
