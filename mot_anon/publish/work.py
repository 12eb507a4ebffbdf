"""The work folder of a run: its lock, its secrets and what it has done so far.

``.OUT.mot_anon-work`` stands beside ``OUT``, can be read by its owner alone, and is gone when ``OUT`` is there::

    lock            held by the run that is at work; the kernel lets go of it when that run dies
    state.json      which inputs and settings this is about, and a keyed check value of the key
    key             only a key that was drawn; one that was given is never written
    plan-*.npz      plans
    frames.txt      recording, frame number and SHA-256 of every frame that is rendered and checked
    tree/           what becomes OUT by renaming
    old/            what OUT was, between the two renamings of --overwrite

A run that finds the folder of a killed one goes on where that was if inputs, settings and key are the same, and refuses
if they are not.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import shutil
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from mot_anon.errors import OutputError
from mot_anon.plan.camera import CameraPlan
from mot_anon.plan.keys import KEY_BYTES, Key, draw_key, load_key

_SCHEMA = 1


def work_folder(out: Path) -> Path:
    """Where the work folder of an output is."""
    place = out.resolve() if out.name in ("", "..") else out.absolute()
    return place.with_name(f".{place.name}.mot_anon-work")


class Work:
    """A locked work folder; :func:`opened` makes it."""

    def __init__(self, out: Path) -> None:
        self.out = out
        self.folder = work_folder(out)
        self.tree = self.folder / "tree"
        self._old = self.folder / "old"
        self._state = self.folder / "state.json"
        self._key = self.folder / "key"
        self._frames = self.folder / "frames.txt"

    def recover(self) -> None:
        """Undo what a run that was killed between the two renamings of ``--overwrite`` left."""
        if not os.path.lexists(self._old):
            return
        if not os.path.lexists(self.out):
            self._old.rename(self.out)
        elif not self.tree.exists():
            _remove(self._old)
        else:
            raise OutputError(f"{self.out}: was put there during another run; its old contents are in {self._old}")

    def finished(self) -> bool:
        """Whether the run whose folder this is had put its output in place when it was killed."""
        state = self._read_state()
        return state is not None and state["complete"] and not self.tree.exists() and self.out.is_dir()

    def key_for(self, request: dict[str, Any], key: Key | None) -> Key:
        """The key to work with: a killed run's, if it was about the same; else ``key``, or one that is drawn.

        Parameters
        ----------
        request:
            What the run is about: part → value that JSON can hold.
        key:
            None for a drawn one.

        Raises
        ------
        OutputError
            The folder is that of a run with other inputs, settings or key.
        """
        state = self._read_state()
        if state is None:
            self.clear()
            used = key or draw_key()
            if key is None:
                used.write(self._key)
            start = {"schema": _SCHEMA, "request": request, "check": _check_value(used), "complete": False}
            self._write_state(start)
            return used
        # As JSON gives it back: tuples are lists there.
        asked = json.loads(json.dumps(request))
        other = sorted(part for part in {*asked, *state["request"]} if asked.get(part) != state["request"].get(part))
        if other:
            raise self._another(f"other {', '.join(other)}")
        used = key or (load_key(self._key) if self._key.exists() else None)  # type: ignore[assignment]
        if used is None:
            raise self._another("a key that was given: give it again")
        if _check_value(used) != state["check"]:
            raise self._another("another key")
        return used

    def plan(self, index: int) -> tuple[Path, CameraPlan] | None:
        """The plan of recording ``index`` as it was stored, or None."""
        for path in self.folder.glob(f"plan-{index}-*.npz"):
            data = path.read_bytes()
            if path == self._plan_path(index, data):
                return path, CameraPlan.from_bytes(data)
        return None

    def store_plan(self, index: int, plan: CameraPlan) -> Path:
        """Store the plan of recording ``index``; its name changes with its contents."""
        data = plan.to_bytes()
        path = self._plan_path(index, data)
        _write(path, data)
        return path

    def rendered(self) -> dict[tuple[int, int], str]:
        """(recording, frame) → SHA-256 (hex) of what was rendered and checked so far."""
        found = {}
        for line in self._frames.read_text(encoding="ascii").splitlines() if self._frames.exists() else []:
            fields = line.split()
            if len(fields) == 3 and len(fields[2]) == 64:  # a kill may have cut the last line
                found[int(fields[0]), int(fields[1])] = fields[2]
        return found

    def note(self, index: int, number: int, digest: str) -> None:
        """Write down that frame ``number`` of recording ``index`` is rendered and checked."""
        with self._frames.open("a", encoding="ascii") as file:
            file.write(f"\n{index} {number} {digest}")

    def put_in_place(self) -> None:
        """Give the tree its final name; what was there before is moved away and deleted afterwards."""
        state = self._read_state()
        assert state is not None
        self._write_state({**state, "complete": True})
        if os.path.lexists(self.out):
            self.out.rename(self._old)
        self.tree.rename(self.out)
        _sync(self.out.absolute().parent)

    def clear(self) -> None:
        """Delete everything but the lock, secrets first; only for folders whose ``old`` is not needed."""
        if self._key.exists():
            with self._key.open("r+b") as file:
                file.write(bytes(KEY_BYTES))
                file.flush()
                os.fsync(file.fileno())
            self._key.unlink()
        for path in self.folder.iterdir():
            if path.name != "lock":
                _remove(path)

    def remove(self) -> None:
        """Delete the folder."""
        self.clear()
        (self.folder / "lock").unlink(missing_ok=True)
        self.folder.rmdir()

    def empty(self) -> bool:
        """Whether no run has begun in the folder."""
        return not self._state.exists() and not os.path.lexists(self._old)

    def _another(self, what: str) -> OutputError:
        return OutputError(
            f"{self.out}: a run that was stopped had {what}; repeat it as it was, "
            f"or discard it by deleting {self.folder}"
        )

    def _plan_path(self, index: int, data: bytes) -> Path:
        return self.folder / f"plan-{index}-{hashlib.sha256(data).hexdigest()[:32]}.npz"

    def _read_state(self) -> dict[str, Any] | None:
        try:
            state: dict[str, Any] = json.loads(self._state.read_text(encoding="utf-8"))
        except FileNotFoundError:
            return None
        except ValueError:
            raise self._another("a state that cannot be read") from None
        if state.get("schema") != _SCHEMA:
            raise self._another("another version of mot_anon")
        return state

    def _write_state(self, state: dict[str, Any]) -> None:
        _write(self._state, json.dumps(state, sort_keys=True).encode())


@contextmanager
def opened(out: Path) -> Iterator[Work]:
    """Make or find the work folder of ``out`` and hold its lock; it is removed at the end if nothing was begun in it.

    Raises
    ------
    OutputError
        Another run is writing to ``out``, or the folder belongs to somebody else.
    """
    work = Work(out)
    lock = _locked(work.folder, out)
    try:
        yield work
    finally:
        if work.folder.exists() and work.empty():
            work.remove()
        os.close(lock)


def _locked(folder: Path, out: Path) -> int:
    while True:
        folder.parent.mkdir(parents=True, exist_ok=True)
        folder.mkdir(mode=0o700, exist_ok=True)
        there = folder.lstat()
        if not stat.S_ISDIR(there.st_mode) or there.st_uid != os.geteuid():
            raise OutputError(f"{folder}: belongs to somebody else; choose another --out")
        folder.chmod(0o700)
        try:
            lock = os.open(folder / "lock", os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600)
        except FileNotFoundError:
            continue  # the run before removed it just now
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(lock)
            raise OutputError(f"{out}: another run is writing there; wait for it, or choose another --out") from None
        if _is_file(lock, folder / "lock"):
            return lock
        os.close(lock)  # of a folder that was removed between the two calls


def _is_file(descriptor: int, path: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(descriptor), path.stat())
    except FileNotFoundError:
        return False


def _check_value(key: Key) -> str:
    stream = key.stream("work folder")
    return "".join(f"{next(stream):08x}" for _ in range(8))


def _write(path: Path, data: bytes) -> None:
    partial = path.with_name(f".{path.name}.partial")
    with partial.open("wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    partial.replace(path)


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def _sync(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
