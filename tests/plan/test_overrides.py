from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from mot_anon.errors import FormatError, NotFoundError
from mot_anon.plan.overrides import HEADER, Override, apply_overrides, read_overrides, require_known
from mot_anon.plan.regions import REGION_COLUMNS

FIRST = ",".join(HEADER)


def file_of(folder: Path, *lines: str, first: str = FIRST) -> Path:
    path = folder / "regions.csv"
    path.write_text("\n".join([first, *lines, ""]), encoding="utf-8")
    return path


def regions_of(*rows: tuple[int, str, float, float, float, float, str, str]) -> pd.DataFrame:
    return pd.DataFrame(rows, columns=REGION_COLUMNS).assign(visibility=0.5)


REGIONS = regions_of(
    (1, "yard:7", 100, 100, 40, 100, "person", "gt"),
    (2, "yard:7", 100, 100, 40, 100, "person", "gt"),
    (1, "", 300, 100, 40, 100, "unsure", "detection"),
    (1, "yard:t1", 500, 100, 40, 100, "person", "tracker"),
)


def applied(folder: Path, *lines: str) -> pd.DataFrame:
    path = file_of(folder, *lines)
    return apply_overrides(REGIONS, read_overrides(path), path=path, recording="yard", n_frames=2)


def test_a_box_is_added_with_the_cameras_identity_or_a_tracks(tmp_path: Path) -> None:
    after = applied(tmp_path, "yard,2,add,,10,20,30,40", "yard,2,add,7,50,20,30,40")
    assert len(after) == len(REGIONS) + 2
    assert after.iloc[-2:]["track"].tolist() == ["", "yard:7"]
    assert after.iloc[-2:]["kind"].tolist() == ["person", "person"]
    assert after.iloc[-2][["x", "y", "w", "h"]].tolist() == [10, 20, 30, 40]
    assert after.iloc[-2]["visibility"] == 1.0


def test_a_tracks_region_is_moved_in_its_frame_only(tmp_path: Path) -> None:
    after = applied(tmp_path, "yard,1,move,7,1,2,3,4")
    assert after.loc[0, ["x", "y", "w", "h"]].tolist() == [1, 2, 3, 4]
    assert after.loc[0, "visibility"] == 1.0, "a box that was drawn by hand is covered as it was drawn"
    pd.testing.assert_frame_equal(after.iloc[1:], REGIONS.iloc[1:])
    assert REGIONS.loc[0, "x"] == 100, "the table given is not changed"


def test_a_region_is_vetoed_by_its_track_or_by_its_place(tmp_path: Path) -> None:
    assert applied(tmp_path, "yard,1,veto,7,,,,")["x"].tolist() == [100, 300, 500]
    assert applied(tmp_path, "yard,1,veto,,302,100,40,100")["x"].tolist() == [100, 100, 500]
    assert applied(tmp_path, "yard,1,veto,,500,100,40,100")["x"].tolist() == [100, 100, 300]


def test_a_person_of_ground_truth_is_not_vetoed_by_place(tmp_path: Path) -> None:
    with pytest.raises(FormatError, match=":2: frame 1 has no such region to veto"):
        applied(tmp_path, "yard,1,veto,,100,100,40,100")


def test_nor_is_one_of_whom_labels_have_a_gap(tmp_path: Path) -> None:
    path = file_of(tmp_path, "yard,3,veto,,100,100,40,100")
    gap = pd.concat([REGIONS, regions_of((3, "yard:7", 100, 100, 40, 100, "person", "gap"))], ignore_index=True)
    with pytest.raises(FormatError, match=":2: frame 3 has no such region to veto"):
        apply_overrides(gap, read_overrides(path), path=path, recording="yard", n_frames=3)


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("yard,1,move,8,1,2,3,4", "frame 1 has no such region to move"),
        ("yard,2,veto,,300,100,40,100", "frame 2 has no such region to veto"),
        ("yard,3,add,,1,2,3,4", "frame 3 is beyond the end (2 frames)"),
    ],
)
def test_what_finds_nothing_is_an_error_with_its_line(tmp_path: Path, line: str, said: str) -> None:
    with pytest.raises(FormatError) as caught:
        applied(tmp_path, "yard,1,add,,1,2,3,4", line)
    assert str(caught.value) == f"{tmp_path / 'regions.csv'}:3: {said}"


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("yard,1,hide,7,1,2,3,4", "action 'hide'; it is add, move or veto"),
        ("yard,0,add,,1,2,3,4", "frame '0' is not a number from 1"),
        ("yard,one,add,,1,2,3,4", "frame 'one'"),
        ("yard,²,add,,1,2,3,4", "frame '²'"),
        ("yard,1,add,,1,2,3,x", "x,y,w,h are four numbers"),
        ("yard,1,add,,1,2,3,", "x,y,w,h are four numbers"),
        ("yard,1,add,,1,2,0,4", "a positive size"),
        ("yard,1,add,,1,nan,3,4", "finite numbers"),
        ("yard,1,add,,,,,", "add needs a box"),
        ("yard,1,move,7,,,,", "move needs a box"),
        ("yard,1,move,,1,2,3,4", "move needs a track"),
        ("yard,1,veto,,,,,", "veto needs a track or a box"),
        ("yard,1,add", "3 columns where there are 8"),
    ],
)
def test_a_bad_line_is_named(tmp_path: Path, line: str, said: str) -> None:
    path = file_of(tmp_path, "yard,1,veto,7,,,,", line)
    with pytest.raises(FormatError) as caught:
        read_overrides(path)
    assert str(caught.value).startswith(f"{path}:3: ")
    assert said in str(caught.value)


def test_what_spreadsheets_write_is_read(tmp_path: Path) -> None:
    path = file_of(tmp_path, "", ",,,,,,,", " yard , 1 ,add,, 1,2,3,4 ", first="\ufeff" + FIRST)
    assert read_overrides(path) == [Override(4, "yard", 1, "add", "", (1, 2, 3, 4))]


def test_a_file_that_is_something_else_is_refused(tmp_path: Path) -> None:
    with pytest.raises(FormatError, match=":1: the first line is sequence,frame,action"):
        read_overrides(file_of(tmp_path, first="1,2,3"))
    with pytest.raises(NotFoundError, match="no such file of regions"):
        read_overrides(tmp_path / "none")
    with pytest.raises(FormatError, match="cannot be read"):
        read_overrides(tmp_path)


def test_a_misspelt_sequence_is_an_error_and_not_a_person_left_out(tmp_path: Path) -> None:
    path = file_of(tmp_path, "yard,1,add,,1,2,3,4", "yrad,1,add,,1,2,3,4")
    overrides = read_overrides(path)
    require_known(overrides[:1], ["yard"], path=path)
    with pytest.raises(FormatError, match=":3: no sequence or camera 'yrad'; there is: door, yard"):
        require_known(overrides, ["yard", "door"], path=path)
