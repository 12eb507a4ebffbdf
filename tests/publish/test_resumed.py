"""How a run goes on that was stopped, killed or ran out of disk."""

from __future__ import annotations

import errno
import fcntl
import json
import signal
import subprocess
import sys
import time
from multiprocessing import active_children
from pathlib import Path

import pytest

from mot_anon.data.sequence import Sequence, open_sequence
from mot_anon.errors import MotAnonError, OutputError
from mot_anon.plan.keys import TEST_KEY, Key
from mot_anon.publish import frames, work
from mot_anon.publish.analyse import Coverage
from mot_anon.publish.run import Settings, publish
from mot_anon.vision.cache import Tick
from tests.publish.conftest import Publish, leftovers, silent, tree_bytes
from tests.sequences import write_sequence

ROOT = Path(__file__).resolve().parents[2]


def test_a_full_disk_publishes_nothing_and_the_run_goes_on_later(
    run: Publish, sequence: Sequence, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write, written = frames.write_atomically, []

    def full(path: Path, data: bytes) -> None:
        if len(written) == 3:
            raise OSError(errno.ENOSPC, "No space left on device", str(path))
        written.append(path)
        write(path, data)

    monkeypatch.setattr(frames, "write_atomically", full)
    with pytest.raises(OutputError, match="disk is full"):
        run(sequence)
    assert leftovers(tmp_path) == [".out.mot_anon-work"]
    monkeypatch.setattr(frames, "write_atomically", lambda path, data: (written.append(path), write(path, data)))
    run(sequence)
    assert [path.name for path in written] == [f"{number:06d}.png" for number in range(1, 7)]
    assert leftovers(tmp_path) == ["out"]


def stopped(run: Publish, sequence: Sequence, monkeypatch: pytest.MonkeyPatch, after: int = 3, **more: object) -> None:
    """Leave the work folder of a run that was stopped after so many frames."""
    note, count = work.Work.note, [0]

    def interrupt(self: work.Work, *what: object) -> None:
        note(self, *what)  # type: ignore[arg-type]
        count[0] += 1
        if count[0] == after:
            raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(work.Work, "note", interrupt)
        with pytest.raises(KeyboardInterrupt):
            run(sequence, **more)


def test_a_stopped_run_with_a_drawn_key_goes_on_with_that_key_and_destroys_it(
    run: Publish, sequence: Sequence, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stopped(run, sequence, monkeypatch, key=None, method="solid")
    folder = work.work_folder(tmp_path / "out")
    assert folder.stat().st_mode & 0o777 == 0o700
    assert (folder / "key").stat().st_mode & 0o777 == 0o600
    key = Key((folder / "key").read_bytes())
    resumed = tree_bytes(run(sequence, key=None, method="solid").tree)
    assert not folder.exists()
    assert resumed == tree_bytes(run(sequence, out=tmp_path / "b", key=key, method="solid").tree)


def test_a_given_key_is_not_written_into_the_work_folder(
    run: Publish, sequence: Sequence, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stopped(run, sequence, monkeypatch)
    kept = tree_bytes(work.work_folder(tmp_path / "out"))
    assert kept
    assert all(Key(TEST_KEY).found_in(data) is None for data in kept.values())


def test_a_stopped_run_is_not_mixed_with_another_one(
    run: Publish, sequence: Sequence, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stopped(run, sequence, monkeypatch)
    with pytest.raises(OutputError, match=r"another key.*deleting"):
        run(sequence, key=Key(b"k" * 32))
    with pytest.raises(OutputError, match="a key that was given"):
        run(sequence, key=None)
    with pytest.raises(OutputError, match="other method"):
        run(sequence, method="blur")
    with pytest.raises(OutputError, match="other shape"):
        run(sequence, shape="silhouette")
    text = (sequence.path / "gt" / "gt.txt").read_text()
    (sequence.path / "gt" / "gt.txt").write_text(text.replace("1,1,12", "1,1,13"))
    with pytest.raises(OutputError, match="other inputs"):
        run(sequence)
    (sequence.path / "gt" / "gt.txt").write_text(text)
    assert tree_bytes(run(sequence).tree) == tree_bytes(run(sequence, out=tmp_path / "b").tree)


def test_a_frame_that_changed_in_the_work_folder_is_rendered_again(
    run: Publish, sequence: Sequence, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stopped(run, sequence, monkeypatch)
    tree = work.work_folder(tmp_path / "out") / "tree" / "TEST-01" / "img1"
    (tree / "000002.png").write_bytes(b"half a fra")
    (tree / ".000004.png.77.partial").write_bytes(b"half")
    assert tree_bytes(run(sequence).tree) == tree_bytes(run(sequence, out=tmp_path / "b").tree)


@pytest.mark.parametrize("step", ["before", "between", "after"])
def test_a_kill_while_the_old_tree_is_replaced_loses_neither(
    run: Publish, sequence: Sequence, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    run(sequence, method="solid")
    rename, count = Path.rename, [0]

    def killed(self: Path, target: Path) -> Path:
        count[0] += 1
        if (step, count[0]) in {("before", 1), ("between", 2)}:
            raise KeyboardInterrupt
        done = rename(self, target)
        if (step, count[0]) == ("after", 2):
            raise KeyboardInterrupt
        return done

    with monkeypatch.context() as patch:
        patch.setattr(Path, "rename", killed)
        with pytest.raises(KeyboardInterrupt):
            run(sequence, method="blur", overwrite=True)
    if step != "after":
        with pytest.raises(OutputError):  # whatever else happens, what was published before is back
            run(sequence, method="none", control=True, overwrite=True)
        assert json.loads((tmp_path / "out" / "anonymization.json").read_text())["method"] == "solid"
    done = run(sequence, method="blur", overwrite=True)
    assert done.record["method"] == "blur"
    assert leftovers(tmp_path) == ["out"]
    assert tree_bytes(done.tree) == tree_bytes(run(sequence, out=tmp_path / "b", method="blur").tree)


def test_two_runs_on_one_output_are_refused(run: Publish, sequence: Sequence, tmp_path: Path) -> None:
    folder = work.work_folder(tmp_path / "out")
    folder.mkdir(mode=0o700)
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        with pytest.raises(OutputError, match="another run"):
            run(sequence)
    run(sequence)
    assert leftovers(tmp_path) == ["out"]


def test_a_killed_worker_is_reported_and_the_run_goes_on(tmp_path: Path) -> None:
    # Long enough that nobody is done with all of it before the first tick is heard.
    sequence = open_sequence(write_sequence(tmp_path / "data", frames=240))
    settings = Settings(method="blur", coverage=Coverage(detector=None), workers=2)

    def kill(what: str, steps: int) -> Tick:
        def tick() -> None:
            for worker in active_children():
                worker.kill()

        return tick if what == "render" else lambda: None

    with pytest.raises(MotAnonError, match="a worker process died"):
        publish([sequence], tmp_path / "out", None, settings, kill)
    assert leftovers(tmp_path) == [".out.mot_anon-work"]
    publish([sequence], tmp_path / "out", None, settings, silent)
    assert leftovers(tmp_path) == ["out"]


def alive(pid: str) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


CHILD = """
import sys
from pathlib import Path
from mot_anon.data.sequence import open_sequence
from mot_anon.plan.keys import TEST_KEY, Key
from mot_anon.publish.analyse import Coverage
from mot_anon.publish.run import Settings, publish

if __name__ == "__main__":
    data, out, workers = sys.argv[1:]
    settings = Settings(method="blur", coverage=Coverage(detector=None), workers=int(workers))
    publish([open_sequence(Path(data))], Path(out), Key(TEST_KEY), settings, lambda what, steps: lambda: None)
"""


@pytest.mark.parametrize("workers", [1, 2])
def test_a_killed_run_goes_on_and_writes_what_an_undisturbed_one_writes(
    run: Publish, tmp_path: Path, workers: int
) -> None:
    gt = [(frame, 1, 100, 50, 100, 240, 1, 1, 1) for frame in range(1, 13)]
    sequence = open_sequence(write_sequence(tmp_path / "data", frames=12, gt=gt, size=(480, 320)))
    (tmp_path / "child.py").write_text(CHILD)
    child = subprocess.Popen(
        [sys.executable, tmp_path / "child.py", sequence.path, tmp_path / "out", str(workers)], cwd=ROOT
    )
    journal = work.work_folder(tmp_path / "out") / "frames.txt"
    until = time.monotonic() + 60
    while not (journal.exists() and journal.read_text().count("\n") >= 1) and time.monotonic() < until:
        time.sleep(0.01)
    helpers = [*Path(f"/proc/{child.pid}/task/{child.pid}/children").read_text().split()]
    child.send_signal(signal.SIGKILL)
    assert child.wait() == -signal.SIGKILL
    while (left := [pid for pid in helpers if alive(pid)]) and time.monotonic() < until:
        time.sleep(0.01)
    assert left == []
    assert not (tmp_path / "out").exists()
    done = run(sequence, method="blur", workers=1)
    assert tree_bytes(done.tree) == tree_bytes(run(sequence, out=tmp_path / "b", method="blur").tree)
    assert leftovers(tmp_path) == ["b", "child.py", "out"]
