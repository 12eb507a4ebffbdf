"""Work that is spread over cores."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import numpy as np
import pytest
import torch

from mot_anon.threads import one_thread, spread


@pytest.fixture(autouse=True)
def two_threads() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    yield
    torch.set_num_threads(before)


def test_results_come_in_the_order_of_the_tasks() -> None:
    first = threading.Event()

    def late(task: int) -> int:
        if task == 0:
            first.wait(0.2)
        return task * task

    assert list(spread(late, range(5))) == [0, 1, 4, 9, 16]


def test_every_task_runs_in_one_thread_and_the_callers_setting_comes_back() -> None:
    assert set(spread(lambda task: torch.get_num_threads(), range(8))) == {1}
    assert torch.get_num_threads() == 2
    with one_thread():
        assert torch.get_num_threads() == 1
    assert torch.get_num_threads() == 2


def test_a_fault_is_raised_in_its_turn_and_ends_the_work() -> None:
    done, gate = [], threading.Event()

    def work(task: int) -> int:
        if task == 1:
            raise ValueError("task 1")
        if task > 1:
            gate.wait(5)
        done.append(task)
        return task

    results = spread(work, range(1000))
    assert next(results) == 0
    threading.Timer(0.2, gate.set).start()
    with pytest.raises(ValueError, match="task 1"):
        next(results)
    assert len(done) < 20
    assert torch.get_num_threads() == 2


def test_sums_are_the_same_however_many_threads_torch_was_given() -> None:
    torch.manual_seed(0)
    layer, pictures = torch.nn.Conv2d(16, 64, 3), torch.randn(4, 16, 64, 64)

    def work(index: int) -> np.ndarray:
        with torch.inference_mode():
            return layer(pictures[index : index + 1]).sum(1).numpy()

    with one_thread():
        alone = [work(index) for index in range(4)]
    for expected, found in zip(alone, spread(work, range(4)), strict=True):
        np.testing.assert_array_equal(found, expected)
