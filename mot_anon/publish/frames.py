"""One frame at a time on an executor: read, render, check, write."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Executor
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import cv2

from mot_anon.data.frames import decode_frame, encode_frame, frame_bytes
from mot_anon.errors import FrameError
from mot_anon.methods.base import Method, make_method
from mot_anon.plan.camera import CameraPlan
from mot_anon.publish.render import render_frame
from mot_anon.publish.verify import check_frame


@dataclass(frozen=True)
class FrameTask:
    """One frame to publish.

    ``source`` is read, ``destinations`` are written (one a view of the recording); ``digest`` is the SHA-256 (hex) that
    the source had when the plan was made, or empty.
    """

    number: int
    source: Path
    destinations: tuple[Path, ...]
    digest: str = ""


def render_all(
    plan_path: Path,
    tasks: Sequence[FrameTask],
    method: tuple[str, int | None],
    target: str,
    executor: Executor,
    done: Callable[[int, str], None],
) -> None:
    """Render, check and write the frames of one recording on an executor.

    The plan goes to the workers as a file name and the method as (name, strength), so that nothing secret is pickled.

    Parameters
    ----------
    plan_path:
        What :meth:`CameraPlan.to_bytes` gave.  A worker reads a path once, so other contents need another name.
    done:
        Called with a frame's number and the SHA-256 (hex) of its published file as soon as that is written.
    """
    futures = [executor.submit(publish_frame, str(plan_path), task, method, target) for task in tasks]
    try:
        for future in futures:
            done(*future.result())
    finally:
        for future in futures:
            future.cancel()


def publish_frame(plan_path: str, task: FrameTask, method: tuple[str, int | None], target: str) -> tuple[int, str]:
    """Render one frame, check what came out and write it to every destination; returns its number and SHA-256 (hex).

    Nothing is written of a frame that does not pass :func:`~mot_anon.publish.verify.check_frame`.
    """
    plan, made = _prepared(plan_path, *method, target)
    source = frame_bytes(task.source)
    if task.digest and hashlib.sha256(source).hexdigest() != task.digest:
        raise FrameError(f"{task.source}: changed while it was being worked on; run again")
    with _one_thread():
        frame = decode_frame(source, task.source, size=plan.size)
        regions = plan.frame(task.number)
        rendered, labels = render_frame(
            frame, regions, made, target, plan.recolouring, plan.plate, task.number, plan.look
        )
        data = encode_frame(rendered, task.source.suffix)
        check_frame(
            task.destinations[0],
            data,
            frame,
            rendered,
            labels,
            regions,
            target,
            control=made.control,
            restored=made.wants_silhouettes,
        )
    for destination in task.destinations:
        write_atomically(destination, data)
    return task.number, hashlib.sha256(data).hexdigest()


def write_atomically(path: Path, data: bytes) -> None:
    """Write beside the destination and rename: after a kill or on a full disk there is no half file."""
    partial = path.with_name(f".{path.name}.{os.getpid()}.partial")
    try:
        with partial.open("wb") as file:
            file.write(data)
        partial.replace(path)
    except BaseException:
        partial.unlink(missing_ok=True)
        raise


@contextmanager
def _one_thread() -> Iterator[None]:
    # The executor is what runs in parallel; the caller's own setting comes back afterwards.
    before = cv2.getNumThreads()
    cv2.setNumThreads(1)
    try:
        yield
    finally:
        cv2.setNumThreads(before)


@lru_cache(maxsize=2)
def _prepared(plan_path: str, name: str, strength: int | None, target: str) -> tuple[CameraPlan, Method]:
    return CameraPlan.read(Path(plan_path)), make_method(name, strength, target)
