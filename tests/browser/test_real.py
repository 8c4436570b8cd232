import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from tests.browser.actions import drop, open_tab, photo, wait_for_state
from tests.browser.conftest import DESKTOP, save_screenshot

pytestmark = [pytest.mark.browser, pytest.mark.pretrained]

ROOT = Path(__file__).parents[2]
MAX_MEMORY_BYTES = 2.5e9


@pytest.fixture
def app() -> Iterator[tuple[str, psutil.Process]]:
    """The app as a visitor starts it, with the pretrained weights: its address and its process."""
    environment = {**os.environ, "PYTHONUNBUFFERED": "1"}
    with subprocess.Popen(
        [sys.executable, "app.py"], cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True
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
