"""Progress on standard error: bars on a terminal, a line now and then elsewhere, nothing with ``--quiet``."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from types import TracebackType
from typing import TextIO

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

Tick = Callable[[], None]
Report = Callable[[str, int], Tick]
"""Called with what is being done and the number of steps; returns what is called after every step."""

_SILENT_SECONDS = 2.0
_LINE_EVERY_SECONDS = 15.0


def silent(what: str, total: int) -> Tick:
    """A :data:`Report` that reports nothing."""
    return lambda: None


class Reporter:
    """Shows how far things are; a context manager whose instance is a :data:`Report`.

    Parameters
    ----------
    quiet:
        Show nothing.
    stream:
        Where to; standard error by default.
    """

    def __init__(self, *, quiet: bool = False, stream: TextIO | None = None) -> None:
        self._quiet = quiet
        self._stream = stream or sys.stderr
        self._bars: Progress | None = None
        if not quiet and self._stream.isatty():
            columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
            clock = (TimeElapsedColumn(), TextColumn("left"), TimeRemainingColumn())
            self._bars = Progress(*columns, *clock, console=Console(file=self._stream), transient=True)

    def __enter__(self) -> Reporter:
        if self._bars:
            self._bars.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._bars:
            self._bars.stop()

    def __call__(self, what: str, total: int) -> Tick:
        """Begin something of ``total`` steps."""
        if self._quiet:
            return silent(what, total)
        if self._bars:
            bars, task = self._bars, self._bars.add_task(what, total=total)

            def tick() -> None:
                bars.advance(task)
                if bars.tasks and bars._tasks[task].finished:
                    bars.remove_task(task)

            return tick
        return _Lines(what, total, self._stream)


class _Lines:
    """What is not a terminal gets a line when something takes long, and one when it is done."""

    def __init__(self, what: str, total: int, stream: TextIO) -> None:
        self._what, self._total, self._stream = what, total, stream
        self._done = 0
        self._started = self._said = time.monotonic()

    def __call__(self) -> None:
        self._done += 1
        now = time.monotonic()
        took = now - self._started
        if self._done >= self._total:
            if took >= _SILENT_SECONDS:
                print(f"{self._what}: {self._total} done in {took:.0f} s", file=self._stream, flush=True)
        elif now - self._said >= _LINE_EVERY_SECONDS:
            self._said = now
            left = took / self._done * (self._total - self._done)
            print(f"{self._what}: {self._done}/{self._total}, {left:.0f} s left", file=self._stream, flush=True)
