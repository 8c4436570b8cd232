"""The runner of the programs: settings from words and files, a help made of the defaults, exit statuses."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from explorer.errors import ExplorerError
from trainers.command import run_command


@dataclass
class Settings:
    """The settings of a made-up program."""

    steps: int = 7
    folder: str = ""


def raise_(error: BaseException) -> Callable[[Settings], None]:
    """Make a program that only fails."""

    def fail(_: Settings) -> None:
        raise error

    return fail


def test_words_win_over_the_preset_and_the_preset_over_the_defaults(tmp_path: Path) -> None:
    (tmp_path / "small.yaml").write_text("steps: 3\nfolder: here")
    found: list[Settings] = []
    assert (
        run_command(Settings, lambda settings: found.append(settings), ["small", "steps=5"], presets=tmp_path)
        == 0
    )
    assert found == [Settings(steps=5, folder="here")]


def test_a_file_named_by_config_stands_in_for_the_preset(tmp_path: Path) -> None:
    (tmp_path / "small.yaml").write_text("steps: 3")
    (tmp_path / "other.yaml").write_text("steps: 4")
    found: list[Settings] = []
    words = ["small", "--config", str(tmp_path / "other.yaml")]
    assert run_command(Settings, lambda settings: found.append(settings), words, presets=tmp_path) == 0
    assert found == [Settings(steps=4)]


@pytest.mark.parametrize(
    ("error", "status"),
    [(ExplorerError("No such layer."), 2), (OSError("The disk is full."), 2), (KeyboardInterrupt(), 130)],
)
def test_what_stops_a_program_is_one_line_and_an_exit_status(
    error: BaseException, status: int, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run_command(Settings, raise_(error), []) == status
    (line,) = capsys.readouterr().err.splitlines()
    assert str(error) in line


def test_the_help_shows_every_setting_with_its_default(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        run_command(Settings, raise_(AssertionError()), ["--help"])
    assert ended.value.code == 0
    assert "steps: 7\nfolder: ''" in capsys.readouterr().out
