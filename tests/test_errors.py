from __future__ import annotations

import pickle
import re
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import pytest

from mot_anon import errors
from mot_anon.errors import FormatError, InputError, MotAnonError

TREE = [item for item in vars(errors).values() if isinstance(item, type) and issubclass(item, Exception)]


def made(kind: type[Exception]) -> Exception:
    return kind("a.txt", 3, "no number") if issubclass(kind, FormatError) else kind("what is wrong")


def refuse(kind: type[Exception]) -> None:
    raise made(kind)


def test_the_docstring_draws_the_tree_as_it_is() -> None:
    drawn = re.findall(r"([│├└─ ]*)(\w+Error) ", errors.__doc__ or "")
    parents = {0: "MotAnonError"}
    for indent, name in drawn:
        depth = len(indent) // 4 - 1
        kind = getattr(errors, name)
        if depth:
            assert kind.__base__.__name__ == parents[depth - 1]
        parents[depth] = name
    assert {name for _, name in drawn} == {kind.__name__ for kind in TREE}


@pytest.mark.parametrize("kind", TREE)
def test_what_the_user_can_mend_has_exit_code_2_and_the_rest_1(kind: type[MotAnonError]) -> None:
    assert kind.exit_code == (2 if issubclass(kind, InputError) else 1)


@pytest.mark.parametrize("kind", TREE)
def test_an_error_is_pickled_as_it_is(kind: type[Exception]) -> None:
    before = made(kind)
    after = pickle.loads(pickle.dumps(before))
    assert type(after) is kind
    assert str(after) == str(before)
    assert "\n" not in str(after)


def test_an_error_leaves_a_worker_process_without_breaking_the_pool() -> None:
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        with pytest.raises(FormatError, match=r"^a\.txt:3: no number$"):
            pool.submit(refuse, FormatError).result()
        assert pool.submit(len, "ok").result() == 2


def test_a_format_error_names_file_and_line() -> None:
    error = FormatError(Path("gt.txt"), 7, "negative size")
    assert (error.path, error.line, str(error)) == (Path("gt.txt"), 7, "gt.txt:7: negative size")
    assert str(FormatError("gt.txt", None, "empty")) == "gt.txt: empty"
