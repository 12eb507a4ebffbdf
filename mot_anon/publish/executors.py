"""Where frames are worked on: in this process, or in a pool of processes that dies with it."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, Future, ProcessPoolExecutor
from contextlib import contextmanager
from multiprocessing import connection, get_context, parent_process
from typing import Any, TypeVar

T = TypeVar("T")
_FRAMES_A_WORKER = 8  # fewer are done before a worker has imported what it needs


class SerialExecutor(Executor):
    """An executor without processes or threads: a task runs when its result is asked for."""

    def submit(self, fn: Callable[..., T], /, *args: Any, **kwargs: Any) -> Future[T]:
        """A future that calls ``fn(*args, **kwargs)`` in :meth:`~concurrent.futures.Future.result`."""
        return _Later(lambda: fn(*args, **kwargs))


class _Later(Future[T]):
    def __init__(self, call: Callable[[], T]) -> None:
        super().__init__()
        self._call = call

    def result(self, timeout: float | None = None) -> T:
        if not self.done():
            self.set_result(self._call())
        return super().result(timeout)


def usable_cores() -> int:
    """How many cores this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


@contextmanager
def executor_for(frames: int, workers: int | None) -> Iterator[Executor]:
    """An executor for so many frames, closed at the end; ``workers`` None takes as many as there are cores."""
    count = workers or min(usable_cores(), -(-frames // _FRAMES_A_WORKER))
    if count <= 1:
        yield SerialExecutor()
        return
    # Spawned, not forked: a fork of a process with threads (OpenCV's, torch's) can hang.
    pool = ProcessPoolExecutor(count, mp_context=get_context("spawn"), initializer=_prepare_worker)
    try:
        yield pool
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


def _prepare_worker() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the parent, which then stops its workers
    parent = parent_process()
    if parent is not None:
        threading.Thread(target=_die_with, args=(parent.sentinel,), daemon=True).start()


def _die_with(sentinel: int) -> None:
    # A killed parent cannot stop its workers, and they would wait for work for ever.
    connection.wait([sentinel])
    os._exit(1)
