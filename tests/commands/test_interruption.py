"""A run that is interrupted or terminated ends with status 130 and leaves nothing behind."""

import subprocess
import sys
import time
from pathlib import Path

import pytest

from explorer.lab.lab import Lab
from tests.support.running import reconstruct


def test_an_interrupted_run_leaves_nothing_behind(
    tiny_lab: Lab,
    photo: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    def interrupt(*arguments: object) -> None:
        raise KeyboardInterrupt

    before = sorted(tmp_path.iterdir())
    monkeypatch.setattr(tiny_lab, "score", interrupt)
    assert reconstruct(photo, "--layers", "layer1", "--steps", 2, "--out", tmp_path / "deep" / "out") == 130
    assert "nothing was written" in capsys.readouterr().err
    assert sorted(tmp_path.iterdir()) == before


@pytest.mark.slow
def test_a_terminated_run_leaves_nothing_behind(tmp_path: Path) -> None:
    arguments = "reconstruct cat --weights untrained --layers layer1 --steps 100000 --out"
    command = [sys.executable, "-m", "explorer", *arguments.split(), str(tmp_path)]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
        while process.poll() is None and not list(tmp_path.iterdir()):
            time.sleep(0.05)
        process.terminate()
        assert process.stderr is not None
        assert "nothing was written" in process.stderr.read()
    assert process.returncode == 130
    assert list(tmp_path.iterdir()) == []
