import contextlib
import os
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from zipfile import ZipFile

import numpy as np
import PIL.Image
import psutil
import pytest

from explorer.__main__ import main
from tests.support.actions import choose, drop, open_tab, photo, wait_for, wait_for_state
from tests.support.chromium import DESKTOP, save_screenshot

pytestmark = [pytest.mark.browser, pytest.mark.slow]

ROOT = Path(__file__).parents[2]
# Steps of 1/255: sums of floats depend on how threads share them out, and ten steps can carry that on.
ROUNDING = 1
MAX_MEMORY_BYTES = 2.5e9


@pytest.fixture(scope="module")
def app() -> Iterator[tuple[str, psutil.Process]]:
    """The app as a visitor starts it, with the pretrained weights: its address and its process."""
    environment = {**os.environ, "PYTHONUNBUFFERED": "1"}
    with subprocess.Popen(
        [sys.executable, "app.py", "--weights", "compact"],
        cwd=ROOT,
        env=environment,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        line = next(line for line in process.stdout if "http" in line)
        yield line[line.index("http") :].strip(), psutil.Process(process.pid)
        process.terminate()


def test_the_real_network_is_inverted_in_the_page(chromium, app):
    address, process = app
    page = chromium.new_page(viewport=DESKTOP)
    page.set_default_timeout(120_000)
    page.goto(address)
    page.wait_for_selector("#examples button")
    drop(page, photo())
    page.wait_for_selector("#instant [data-panel=original] img:not([hidden])")
    open_tab(page, "Live")
    page.click("#run")
    wait_for_state(page, "running")
    page.wait_for_timeout(8000)
    page.click("#stop")
    wait_for_state(page, "stopped")
    page.wait_for_selector("#live .table table")
    shown = [float(text) for text in page.locator("#live .psnr b").all_inner_texts()]
    assert shown[0] > 15
    assert process.memory_info().rss < MAX_MEMORY_BYTES
    save_screenshot(page, "real-live")
    page.close()


def test_the_exported_commands_repeat_the_exported_pictures(chromium, app, tmp_path):
    address, _ = app
    page = chromium.new_page(viewport=DESKTOP)
    page.set_default_timeout(120_000)
    page.goto(f"{address}?example=coffee&tab=live&steps=10&seed=3&layers=layer1,layer3")
    page.wait_for_selector(
        "#instant .stage[data-busy=no] [data-panel=layer4] img:not([hidden])", state="attached"
    )
    page.click("#run")
    wait_for(page, "document.querySelector('#live .status').textContent.startsWith('Done')")
    with page.expect_download() as waiting:
        choose(page, "share", "export")
    with ZipFile(waiting.value.path()) as archive:
        archive.extractall(tmp_path)
    page.close()
    folder = tmp_path / "reconstructions"
    repeat(folder)
    exported = sorted(folder.glob("layer*.png"))
    assert len(exported) == 6
    for path in exported:
        (repeated,) = folder.glob(f"repeated-*/original/{path.name}")
        assert largest_difference(path, repeated) <= ROUNDING


def repeat(folder: Path) -> None:
    """Run the commands of an export in its own folder."""
    with contextlib.chdir(folder):
        for command in (folder / "command.txt").read_text().splitlines():
            python, dash_m, program, *arguments = shlex.split(command)
            assert [python, dash_m, program] == ["python", "-m", "explorer"]
            assert main(arguments) == 0


def largest_difference(a: Path, b: Path) -> int:
    """Compare two pictures in steps of 1/255."""
    first, second = (np.asarray(PIL.Image.open(path), dtype=int) for path in (a, b))
    return int(abs(first - second).max())
