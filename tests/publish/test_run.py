"""All or nothing: what is refused, what is left behind, and how a run that was stopped goes on."""

from __future__ import annotations

import errno
import fcntl
import json
import os
import signal
import subprocess
import sys
import time
from multiprocessing import active_children
from pathlib import Path

import pytest

from mot_anon.data.sequence import Sequence, open_sequence, select
from mot_anon.errors import FormatError, FrameError, MotAnonError, NotFoundError, OptionError, OutputError
from mot_anon.plan.keys import TEST_KEY, Key
from mot_anon.plan.overrides import Override
from mot_anon.publish import frames, work
from mot_anon.publish.analyse import Coverage
from mot_anon.publish.record import FILE_TIME
from mot_anon.publish.run import Settings, publish
from mot_anon.vision.cache import Tick
from tests.publish.conftest import Publish, silent, tree_bytes
from tests.realdata import MOT, needs_mot
from tests.sequences import PEOPLE, write_sequence

ROOT = Path(__file__).resolve().parents[2]


def leftovers(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir() if path.name != "data")


def test_a_tree_has_every_file_of_the_format_and_nothing_else(run: Publish, tmp_path: Path) -> None:
    sequence = open_sequence(write_sequence(tmp_path / "data", frames=2, gt=PEOPLE[:3], det=[(1, -1, 5, 5, 9, 9, 1)]))
    (sequence.path / "notes.txt").write_text("who is who")
    (sequence.path / "gt" / "gt_old.txt").write_text("1,1,1,1,1,1,1,1,1")
    done = run(sequence)
    assert sorted(tree_bytes(done.tree)) == [
        "DATASHEET.md",
        "TEST-01/det/det.txt",
        "TEST-01/gt/gt.txt",
        "TEST-01/img1/000001.png",
        "TEST-01/img1/000002.png",
        "TEST-01/seqinfo.ini",
        "anonymization.json",
    ]
    assert [path.name for path in done.unknown] == ["gt_old.txt", "notes.txt"]
    assert open_sequence(done.tree / "TEST-01").gt().equals(sequence.gt())
    assert open_sequence(done.tree / "TEST-01").detections().equals(sequence.detections())
    assert leftovers(tmp_path) == ["out"]


def test_nothing_tells_when_a_tree_was_made_and_everybody_may_read_it(run: Publish, sequence: Sequence) -> None:
    old = os.umask(0o077)
    try:
        tree = run(sequence).tree
    finally:
        os.umask(old)
    for path in [tree, *tree.rglob("*")]:
        assert path.stat().st_mtime == FILE_TIME
        assert path.stat().st_mode & 0o777 == (0o755 if path.is_dir() else 0o644)


def test_the_record_says_what_was_done_and_keeps_secrets(run: Publish, sequence: Sequence, tmp_path: Path) -> None:
    licence = tmp_path / "data" / "licence.txt"
    licence.write_text("free for research")
    done = run(sequence, attribution=licence)
    text = (done.tree / "anonymization.json").read_text(encoding="utf-8")
    said = json.loads(text)
    assert said == done.record
    assert (said["method"], said["parameters"], said["target"]) == ("pixelate", {"strength": 8}, "body")
    assert said["sequences"][0]["regions"] == {"person": 12, "unsure": 0, "hidden": 0}
    assert said["sequences"][0]["tracks"] == 2
    assert len(said["sequences"][0]["sha256"]) == 6
    assert (done.tree / said["attribution"]["file"]).read_text() == "free for research"
    assert str(tmp_path) not in text
    assert any("policy" in note for note in done.warnings)


def test_the_key_is_in_no_file(run: Publish, sequence: Sequence) -> None:
    tree = run(sequence, method="solid", permute_ids=True).tree
    assert all(Key(TEST_KEY).found_in(data) is None for data in tree_bytes(tree).values())


def test_a_key_in_the_licence_text_stops_the_run(run: Publish, sequence: Sequence, tmp_path: Path) -> None:
    licence = tmp_path / "data" / "licence.txt"
    licence.write_text(f"our key is {TEST_KEY.hex()}")
    with pytest.raises(MotAnonError, match="contains the key"):
        run(sequence, attribution=licence)
    assert leftovers(tmp_path) == []


def test_face_mode_claims_no_unlinkability(run: Publish, sequence: Sequence) -> None:
    assert any("recognised" in note for note in run(sequence, target="face").warnings)


def test_permuted_ids_are_those_of_the_labels_and_of_the_record(run: Publish, tmp_path: Path) -> None:
    gt = [(1, i, 20 + i, 20, 20, 40, 1, 1, 0) for i in range(1, 8)] + [(1, 8, 15, 15, 40, 70, 1, 1, 1)]
    sequence = open_sequence(write_sequence(tmp_path / "data", frames=1, gt=gt, det=[(1, 4, 5, 5, 9, 9, 0.5)]))
    done = run(sequence, permute_ids=True)
    after = open_sequence(done.tree / "TEST-01").gt()
    before = sequence.gt()
    assert sorted(after["id"]) == sorted(before["id"])
    ids = {int(row.x): int(row.id) for row in after.itertuples()}
    mapping = {int(row.id): ids[int(row.x)] for row in before.itertuples()}
    assert any(old != new for old, new in mapping.items())
    assert set(done.hidden["TEST-01"]) == {str(mapping[i]) for i in range(1, 8)}
    assert (done.tree / "TEST-01/det/det.txt").read_text().startswith("1,-1,")


def test_views_of_one_camera_share_frames_and_keep_their_own_detections(run: Publish, tmp_path: Path) -> None:
    dets = {"X-01-DPM": [(2, -1, 85, 30, 20, 50, 0.9)], "X-01-SDP": [(3, -1, 85, 30, 20, 50, 0.9)]}
    for name, det in dets.items():
        write_sequence(tmp_path / "data", name, gt=PEOPLE[:2], det=det)
    views = select([tmp_path / "data"], ["X-01"])
    done = run(*views, method="solid")
    for name, det in dets.items():
        rows = open_sequence(done.tree / name).detections()
        assert list(rows["frame"]) == [det[0][0]]
    for number in range(1, 7):
        one, two = (done.tree / name / "img1" / f"{number:06d}.png" for name in dets)
        assert one.read_bytes() == two.read_bytes()
    # Frame 3 of the first view is covered where only the second view's detector saw somebody.
    assert done.record["sequences"][0]["regions"]["unsure"] == 2


def test_a_person_has_the_same_colour_whichever_views_are_published(run: Publish, tmp_path: Path) -> None:
    for name in ("X-01-DPM", "X-01-SDP"):
        write_sequence(tmp_path / "data", name, det=None)
    views = select([tmp_path / "data"], ["X-01"])
    both = tree_bytes(run(*views, out=tmp_path / "a", method="solid").tree)
    last = tree_bytes(run(views[1], out=tmp_path / "b", method="solid").tree)
    assert both["X-01-SDP/img1/000001.png"] == last["X-01-SDP/img1/000001.png"]


@pytest.mark.parametrize("method", ["none", "recolor", "grey"])
def test_a_method_that_protects_nobody_has_to_be_asked_for(run: Publish, sequence: Sequence, method: str) -> None:
    with pytest.raises(OptionError, match="--control"):
        run(sequence, method=method)
    assert any("protects nobody" in note for note in run(sequence, method=method, control=True).warnings)


@pytest.mark.parametrize(
    "wrong",
    [
        {"method": "magic"},
        {"strength": 3},
        {"target": "feet"},
        {"policy": "none"},
        {"method": "solid", "strength": 8},
        {"workers": 0},
    ],
)
def test_what_does_not_exist_is_refused(
    run: Publish, sequence: Sequence, tmp_path: Path, wrong: dict[str, str]
) -> None:
    with pytest.raises(OptionError):
        run(sequence, **wrong)
    assert leftovers(tmp_path) == []


def test_an_output_that_is_contains_or_lies_in_the_input_is_refused(
    run: Publish, sequence: Sequence, tmp_path: Path
) -> None:
    (tmp_path / "link").symlink_to(sequence.path)
    before = tree_bytes(sequence.path)
    for out in (
        sequence.path,
        sequence.path / "img1" / "new",
        sequence.path.parent,
        tmp_path / "link" / "x",
        tmp_path / "new" / ".." / "data",
    ):
        with pytest.raises(OutputError, match="choose another --out"):
            run(sequence, out=out, overwrite=True)
    assert tree_bytes(sequence.path) == before


def test_an_output_that_is_there_is_replaced_only_when_asked(run: Publish, sequence: Sequence, tmp_path: Path) -> None:
    first = tree_bytes(run(sequence, method="solid").tree)
    with pytest.raises(OutputError, match="--overwrite"):
        run(sequence, method="blur")
    assert tree_bytes(tmp_path / "out") == first
    run(sequence, method="blur", overwrite=True)
    assert json.loads((tmp_path / "out" / "anonymization.json").read_text())["method"] == "blur"
    assert leftovers(tmp_path) == ["out"]


def test_what_mot_anon_did_not_publish_is_never_overwritten(run: Publish, sequence: Sequence, tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "thesis.tex").write_text("four years")
    with pytest.raises(OutputError, match="move it away"):
        run(sequence, overwrite=True)
    assert (tmp_path / "out" / "thesis.tex").read_text() == "four years"


def test_a_failed_overwrite_leaves_what_was_there(run: Publish, sequence: Sequence, tmp_path: Path) -> None:
    first = tree_bytes(run(sequence, method="solid").tree)
    _truncate(sequence.frames[3])
    with pytest.raises(FrameError):
        run(sequence, method="blur", overwrite=True)
    assert tree_bytes(tmp_path / "out") == first


@pytest.mark.parametrize("ext", [".jpg", ".png"])
@pytest.mark.parametrize("workers", [1, 2])
def test_a_truncated_frame_is_named_and_nothing_is_published(
    run: Publish, tmp_path: Path, ext: str, workers: int
) -> None:
    sequence = open_sequence(write_sequence(tmp_path / "data", ext=ext))
    _truncate(sequence.frames[4])
    with pytest.raises(FrameError, match=f"000005{ext}: truncated"):
        run(sequence, workers=workers)
    assert leftovers(tmp_path) == []


def test_a_frame_that_is_no_image_or_of_another_size_is_refused(run: Publish, tmp_path: Path) -> None:
    sequence = open_sequence(write_sequence(tmp_path / "data"))
    other = write_sequence(tmp_path / "data", "BIG", size=(64, 64))
    sequence.frames[2].write_bytes((other / "img1" / "000001.png").read_bytes())
    with pytest.raises(FrameError, match=r"000003\.png: 64×64"):
        run(sequence)
    sequence.frames[2].write_bytes(b"hello")
    with pytest.raises(FrameError, match=r"000003\.png: not an image"):
        run(sequence)
    assert leftovers(tmp_path) == []


def test_labels_that_do_not_parse_are_refused(run: Publish, tmp_path: Path) -> None:
    bad = open_sequence(write_sequence(tmp_path / "data", "BAD", gt=[(1, 1, 5, 5, "nan", 9, 1, 1, 1)]))
    worse = open_sequence(write_sequence(tmp_path / "data", "WORSE", det=[(99, -1, 5, 5, 9, 9, 1)]))
    with pytest.raises(FormatError, match=r"gt.txt:1: NaN"):
        run(bad)
    with pytest.raises(FormatError, match=r"det.txt:1: frame 99"):
        run(worse)


def test_a_missing_attribution_and_a_misspelt_sequence_in_regions_are_refused(
    run: Publish, sequence: Sequence, tmp_path: Path
) -> None:
    with pytest.raises(NotFoundError, match="attribution"):
        run(sequence, attribution=tmp_path / "nowhere.txt")
    line = Override(2, "TSET-01", 1, "add", "", (5, 5, 20, 20))
    with pytest.raises(FormatError, match="TSET-01"):
        run(sequence, coverage=Coverage(None, 0.0, (line,), tmp_path / "regions.csv"))


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


def test_a_name_that_stands_there_twice_is_refused(run: Publish, sequence: Sequence, tmp_path: Path) -> None:
    other = open_sequence(write_sequence(tmp_path / "data" / "more"))
    with pytest.raises(MotAnonError, match="TEST-01 stands in"):
        run(sequence, other)


def test_a_killed_worker_is_reported_and_the_run_goes_on(tmp_path: Path) -> None:
    # Long enough that nobody is done with all of it before the first tick is heard.
    sequence = open_sequence(write_sequence(tmp_path / "data", frames=60))
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


@needs_mot
def test_a_real_partial_sequence_is_published_as_far_as_it_goes(run: Publish) -> None:
    mini = select([MOT / "MOT17-mini"], ["MOT17-02-FRCNN"], allow_partial=True)
    done = run(*mini, method="solid", workers=None)
    again = open_sequence(done.tree / "MOT17-02-FRCNN")
    assert again.n_frames == 4
    assert not again.partial
    assert again.gt()["frame"].max() <= 4
    assert any("fewer frames" in note for note in done.warnings)


def _truncate(path: Path) -> None:
    data = path.read_bytes()
    path.write_bytes(data[: len(data) * 2 // 3])
