"""A run that is interrupted ends with status 130 and leaves nothing behind."""

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
