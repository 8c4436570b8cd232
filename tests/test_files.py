"""Files and folders are written whole or not at all."""

import errno
from pathlib import Path

import pytest

from explorer.files import FolderError, give_names, replacing, writing_into


def test_a_file_appears_when_it_is_whole(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "kept.txt"
    with replacing(path) as partial:
        partial.write_text("new")
        assert not path.exists()
    assert path.read_text() == "new"
    assert list(path.parent.iterdir()) == [path]


def test_an_error_leaves_the_file_before_and_no_other(tmp_path: Path) -> None:
    path = tmp_path / "kept.txt"
    path.write_text("old")
    with pytest.raises(OSError, match="full"), replacing(path) as partial:
        partial.write_text("ne")
        raise OSError("disk full")
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("problem", [RuntimeError, KeyboardInterrupt])
def test_a_failure_leaves_nothing_of_a_folder_behind(tmp_path: Path, problem: type[BaseException]) -> None:
    with pytest.raises(problem), writing_into(tmp_path / "deep" / "runs") as folder:
        (folder / "half.txt").write_text("half")
        raise problem
    assert list(tmp_path.iterdir()) == []


def test_a_folder_gets_its_files_at_the_end_and_keeps_others(tmp_path: Path) -> None:
    (tmp_path / "report.json").write_text("old")
    (tmp_path / "mine.txt").write_text("mine")
    with writing_into(tmp_path) as folder:
        (folder / "cat").mkdir()
        (folder / "cat" / "sheet.png").write_text("new")
        (folder / "report.json").write_text("new")
        assert (tmp_path / "report.json").read_text() == "old"
    found = {path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*") if path.is_file()}
    assert found == {"report.json", "mine.txt", "cat/sheet.png"}
    assert (tmp_path / "mine.txt").read_text() == "mine"
    assert (tmp_path / "report.json").read_text() == "new"


@pytest.mark.parametrize(("blocker", "kind"), [("report.json", "folder"), ("cat", "file")])
def test_nothing_moves_when_a_name_is_taken_by_the_other_kind(
    tmp_path: Path, blocker: str, kind: str
) -> None:
    blocking = tmp_path / blocker
    blocking.mkdir() if kind == "folder" else blocking.write_text("mine")
    with pytest.raises(FolderError, match=f"{kind} .*{blocker}"), writing_into(tmp_path) as folder:
        for name in ("astronaut", "cat"):
            (folder / name).mkdir()
            (folder / name / "sheet.png").write_text("new")
        (folder / "report.json").write_text("new")
    assert list(tmp_path.iterdir()) == [blocking]


@pytest.mark.parametrize("below", [".", "below"])
def test_a_link_that_leads_nowhere_is_refused_before_the_work(tmp_path: Path, below: str) -> None:
    (tmp_path / "link").symlink_to(tmp_path / "gone")
    with pytest.raises(FolderError, match=r"link leads to .*gone"), writing_into(tmp_path / "link" / below):
        pytest.fail("the work must not begin")


def test_a_folder_on_another_disk_gets_its_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    here, move = tmp_path / "out" / "cat", Path.replace
    here.mkdir(parents=True)
    (here / "sheet.png").write_text("old")

    def move_on_one_disk(source: Path, target: Path) -> Path:
        if (source.parent == here) != (target.parent == here):
            raise OSError(errno.EXDEV, "Invalid cross-device link")
        return move(source, target)

    monkeypatch.setattr(Path, "replace", move_on_one_disk)
    with writing_into(tmp_path / "out") as folder:
        (folder / "cat").mkdir()
        (folder / "cat" / "sheet.png").write_text("new")
    assert (here / "sheet.png").read_text() == "new"
    assert [path.name for path in (tmp_path / "out").rglob("*")] == ["cat", "sheet.png"]


def test_names_are_each_their_own() -> None:
    assert give_names(["cat", "cat", "Cat", "report.json"], taken=["report.json"]) == [
        "cat", "cat-2", "Cat-3", "report.json-2"
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("name", "given"),
    [
        ("..", "picture"),
        (".", "picture"),
        ("", "picture"),
        (".jpg", "jpg"),
        ("a/../b", "a_.._b"),
        ("a\udcff\n", "a__"),
    ],
)
def test_no_name_is_hidden_or_leads_elsewhere(name: str, given: str) -> None:
    assert give_names([name]) == [given]


def test_a_long_name_leaves_room_for_a_number() -> None:
    first, second = give_names(["ü" * 250] * 2)
    assert max(len(name.encode()) for name in (first, second)) < 255
    assert first != second


def test_a_folder_that_cannot_be_written_is_refused_before_the_work(tmp_path: Path) -> None:
    occupied = tmp_path / "file"
    occupied.write_text("not a folder")
    for out in (occupied, occupied / "below"):
        with pytest.raises(FolderError, match=r"Cannot write to .*file"), writing_into(out):
            pytest.fail("the work must not begin")
