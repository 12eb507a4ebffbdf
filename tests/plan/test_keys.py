from __future__ import annotations

import base64
import copy
import itertools
import os
import pickle
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from mot_anon.errors import KeyFileError
from mot_anon.plan.keys import ENVIRONMENT, KEY_BYTES, TEST_KEY, Key, draw_key, load_key

SECRET = bytes(range(32))
KEY = Key(SECRET)
text = st.text(max_size=8)


# Golden values: a change here changes everybody whom a kept key has ever made.
STREAM = [
    221024746,
    890723897,
    3667906405,
    196637538,
    1898632251,
    3810036931,
    4179847713,
    1646312942,
    3104971277,
    956539533,
]
NORMALS = [-1.630859375, -0.8154296875, 1.0537109375, -1.6875, -0.145751953125, 1.2109375, 1.9296875, -0.296875]
PERMUTATION = [10, 3, 4, 7, 2, 6, 9, 5, 8, 1]
PUBLISHED = "c13e16bc0fd74734a475706d2c05abcd8f0ce65a061834ad5de6816b2c8e02a9"


def test_the_stream_of_a_known_key_never_changes() -> None:
    assert list(itertools.islice(KEY.stream("identity", "MOT17-02", "7"), 10)) == STREAM


def test_the_normals_of_a_known_key_never_change() -> None:
    assert KEY.normals("identity", "MOT17-02", "7", size=8).tolist() == NORMALS
    assert KEY.normals("identity", "MOT17-02", "7", size=8).dtype == np.float16


def test_the_permutation_of_a_known_key_never_changes() -> None:
    assert KEY.permutation(range(1, 11), "ids", "MOT17-02") == dict(zip(range(1, 11), PERMUTATION, strict=True))


def test_the_published_test_key_never_changes() -> None:
    assert TEST_KEY.hex() == PUBLISHED


# What a key makes


@given(st.tuples(text, text, text), st.tuples(text, text, text))
def test_different_fields_have_different_streams(a: tuple[str, ...], b: tuple[str, ...]) -> None:
    first, second = (list(itertools.islice(KEY.stream(*fields), 4)) for fields in (a, b))
    assert (first == second) == (a == b)


@given(text, text)
def test_fields_do_not_run_into_each_other(a: str, b: str) -> None:
    assert next(KEY.stream("p", a, b)) != next(KEY.stream("p", a + b))
    assert next(KEY.stream("p", a, b, "")) != next(KEY.stream("p", a, b))


def test_another_key_makes_something_else() -> None:
    other = Key(bytes(32))
    assert not np.array_equal(KEY.normals("identity", "c", "1", size=16), other.normals("identity", "c", "1", size=16))
    assert KEY.derived("run", "1") != KEY
    assert KEY.derived("run", "1") == KEY.derived("run", "1")
    assert KEY.derived("run", "1") != KEY.derived("run", "2")


def test_normals_are_normal() -> None:
    drawn = KEY.normals("identity", "c", "1", size=20_000).astype(float)
    assert stats.kstest(drawn, "norm").pvalue > 0.01
    assert np.isfinite(drawn).all()
    across = np.array([KEY.normals("identity", "c", str(track), size=2) for track in range(4000)], float)
    assert stats.kstest(across[:, 0], "norm").pvalue > 0.01
    assert abs(np.corrcoef(across.T)[0, 1]) < 0.05


@given(st.lists(st.integers(0, 10**6), max_size=60))
@settings(max_examples=30)
def test_a_permutation_gives_every_id_to_somebody_whatever_their_order(ids: list[int]) -> None:
    permutation = KEY.permutation(ids, "ids", "c")
    assert sorted(permutation) == sorted(permutation.values()) == sorted(set(ids))
    assert KEY.permutation(ids[::-1], "ids", "c") == permutation


def test_permutations_are_uniform() -> None:
    counts: dict[tuple[int, ...], int] = {}
    for camera in range(2400):
        order = tuple(KEY.permutation([1, 2, 3, 4], "ids", str(camera)).values())
        counts[order] = counts.get(order, 0) + 1
    assert len(counts) == 24
    assert stats.chisquare(list(counts.values())).pvalue > 0.01


# What a key never does


def test_a_key_shows_nothing_of_itself() -> None:
    for shown in (repr(KEY), str(KEY), f"{KEY}", repr([KEY]), repr({"key": KEY})):
        assert KEY.found_in(shown.encode()) is None
        assert "Key(…)" in shown
    assert not hasattr(KEY, "__dict__")


def test_a_key_is_not_pickled_or_copied() -> None:
    for spread in (pickle.dumps, copy.copy, copy.deepcopy):
        with pytest.raises(TypeError, match="not pickled") as caught:
            spread(KEY)
        assert KEY.found_in(str(caught.value).encode()) is None


def test_keys_are_compared_by_what_they_are_and_are_no_dictionary_keys() -> None:
    assert Key(SECRET) == KEY
    assert KEY != "key"
    with pytest.raises(TypeError, match="unhashable"):
        hash(KEY)


@pytest.mark.parametrize(
    ("form", "trace"),
    [
        ("bytes", SECRET),
        ("hex", SECRET.hex().encode()),
        ("hex", SECRET.hex().upper().encode()),
        ("base64", base64.b64encode(SECRET)),
        ("base64", base64.b64encode(SECRET).rstrip(b"=")),
    ],
)
def test_traces_of_a_key_are_found(form: str, trace: bytes) -> None:
    assert KEY.found_in(b"before " + trace + b" after") == form
    assert KEY.found_in(b"before " + trace[:-4] + b" after") is None
    url_safe = Key(bytes([251] * 32))
    assert url_safe.found_in(base64.urlsafe_b64encode(bytes([251] * 32))) == "base64"


# Files and environment


def test_a_written_key_is_its_owners_alone_and_comes_back(tmp_path: Path) -> None:
    path = tmp_path / "key"
    before = os.umask(0)
    try:
        KEY.write(path)
    finally:
        os.umask(before)
    assert path.stat().st_mode & 0o777 == 0o600
    assert path.read_bytes() == SECRET
    assert load_key(path) == KEY


def test_a_key_file_is_never_overwritten(tmp_path: Path) -> None:
    path = tmp_path / "key"
    path.write_bytes(b"precious")
    with pytest.raises(KeyFileError, match="exists already"):
        KEY.write(path)
    assert path.read_bytes() == b"precious"
    with pytest.raises(KeyFileError, match="cannot be written"):
        KEY.write(tmp_path / "no" / "key")


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o644, 0o660, 0o601])
def test_a_key_that_others_can_use_is_refused(tmp_path: Path, mode: int) -> None:
    path = tmp_path / "key"
    KEY.write(path)
    path.chmod(mode)
    with pytest.raises(KeyFileError, match=f"mode {mode:04o}.; chmod 600"):
        load_key(path)


@pytest.mark.parametrize("size", [0, 31, 33, 64])
def test_a_key_of_the_wrong_length_is_refused(tmp_path: Path, size: int) -> None:
    path = tmp_path / "key"
    path.touch(0o600)
    path.write_bytes(bytes(size))
    with pytest.raises(KeyFileError, match=f"holds {size} bytes where a key has {KEY_BYTES}"):
        load_key(path)
    with pytest.raises(KeyFileError, match=f"this one has {size}"):
        Key(bytes(size))


def test_a_missing_key_file_is_an_error_and_not_a_fresh_key(tmp_path: Path) -> None:
    with pytest.raises(KeyFileError, match="mot-anon keygen"):
        load_key(tmp_path / "none")
    with pytest.raises(KeyFileError, match="cannot be read"):
        load_key(tmp_path)


@pytest.mark.parametrize(
    "written", [SECRET.hex(), SECRET.hex().upper(), base64.b64encode(SECRET).decode(), f" {SECRET.hex()}\n"]
)
def test_the_environment_may_hold_hex_or_base64(monkeypatch: pytest.MonkeyPatch, written: str) -> None:
    monkeypatch.setenv(ENVIRONMENT, written)
    assert load_key(None) == KEY


@pytest.mark.parametrize("written", ["short", "x" * 64, SECRET.hex()[:-1], base64.b64encode(bytes(31)).decode()])
def test_a_bad_key_in_the_environment_is_refused_without_showing_it(
    monkeypatch: pytest.MonkeyPatch, written: str
) -> None:
    monkeypatch.setenv(ENVIRONMENT, written)
    with pytest.raises(KeyFileError) as caught:
        load_key(None)
    assert written not in str(caught.value)
    assert caught.value.__suppress_context__ or caught.value.__context__ is None


def test_the_file_goes_before_the_environment_and_without_either_there_is_no_key(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv(ENVIRONMENT, bytes(32).hex())
    KEY.write(tmp_path / "key")
    assert load_key(tmp_path / "key") == KEY
    monkeypatch.delenv(ENVIRONMENT)
    assert load_key(None) is None


def test_fresh_keys_differ() -> None:
    assert draw_key() != draw_key()
