"""Take the screenshots of the README from a page that runs: python -m tests.browser.screenshots [ADDRESS]."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path

import PIL.Image
from playwright.sync_api import Browser, Page, sync_playwright

from tests.support.actions import open_tab, wait_for, wait_for_decoded
from tests.support.chromium import DESKTOP, PHONE, find_chromium

FOLDER = Path(__file__).parents[2] / "explorer" / "ui" / "screenshots"
ADDRESS = "http://127.0.0.1:7860"
WEBP_QUALITY = 80
RUN_MS = 12_000


def main() -> None:
    """Take every screenshot; the pictures in them come from scikit-image."""
    address = sys.argv[1] if len(sys.argv) > 1 else ADDRESS
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=find_chromium(), args=["--no-sandbox"])
        with opened(browser, f"{address}?example=coffee") as page:
            save(page, "instant")
            run(page)
            save(page, "live")
            open_tab(page, "Compare")
            page.wait_for_selector("#compare .classes p")
            save(page, "compare")
        with opened(browser, f"{address}?example=coffee", color_scheme="dark") as page:
            run(page)
            save(page, "live-dark")
        with opened(browser, f"{address}?example=cat", viewport=PHONE) as page:
            save(page, "phone")
        with opened(browser, f"{address}?example=astronaut&mode=class") as page:
            page.keyboard.press("ArrowRight")
            page.keyboard.press("ArrowRight")
            save(page, "class-mode")
        browser.close()


@contextmanager
def opened(browser: Browser, address: str, **context: object) -> Iterator[Page]:
    """Open a page and wait until its example is decoded and measured."""
    page = browser.new_page(**{"viewport": DESKTOP, **context})
    page.set_default_timeout(40_000)
    page.goto(address)
    page.wait_for_selector("#models details", state="attached")
    wait_for_decoded(page)
    yield page
    page.close()


def run(page: Page) -> None:
    """Race for a while, stop, and wait for the final numbers and figure."""
    open_tab(page, "Live")
    page.click("#run")
    page.wait_for_selector("#live .panel[data-state=running]")
    page.wait_for_timeout(RUN_MS)
    page.click("#stop")
    wait_for(page, "/^(Done|Stopped)/.test(document.querySelector('#live .status').textContent)")


def save(page: Page, name: str) -> None:
    """Keep the whole page as a small file."""
    page.wait_for_timeout(500)  # Pictures fade in.
    image = PIL.Image.open(BytesIO(page.screenshot(full_page=True)))
    FOLDER.mkdir(parents=True, exist_ok=True)
    image.save(FOLDER / f"{name}.webp", quality=WEBP_QUALITY, method=6)


if __name__ == "__main__":
    main()
