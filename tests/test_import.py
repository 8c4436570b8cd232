"""`import explorer` is the way in: its names, and the lines of the README, which run as written."""

import re
import subprocess
import sys
from pathlib import Path

import PIL.Image
import pytest

import explorer
from explorer.images import SIZE
from explorer.lab.lab import Lab

README = Path(__file__).parents[1] / "README.md"


@pytest.mark.parametrize("name", explorer.__all__)
def test_every_name_of_the_package_is_there(name: str) -> None:
    assert getattr(explorer, name).__name__ == name


def test_a_name_that_is_not_there_is_said_by_name() -> None:
    with pytest.raises(ImportError, match="Labor"):
        exec("from explorer import Labor", {})


def test_importing_the_package_does_not_wait_for_torch() -> None:
    code = "import explorer, sys; print('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout == "False\n"


def test_the_lines_of_the_readme_bring_a_picture_back(
    coarse_lab: Lab, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (lines,) = re.findall(r"```python\n(.*?)```", README.read_text(encoding="utf-8"), re.DOTALL)
    assert len(lines.replace("\n\n", "\n").splitlines()) <= 6
    monkeypatch.setattr(Lab, "load", lambda: coarse_lab)
    monkeypatch.chdir(tmp_path)
    exec(compile(lines.replace('"decoder"', '"linear"'), "README", "exec"), {})
    assert float(capsys.readouterr().out) > 5
    with PIL.Image.open(tmp_path / "layer2.png") as image:
        assert image.size == (SIZE, SIZE)
