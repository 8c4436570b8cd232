"""Chromium pages on the served page, which collect what must not happen."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

SCREENSHOTS = Path(__file__).parents[2] / "outputs" / "screenshots"
DESKTOP = {"width": 1600, "height": 1000}
PHONE = {"width": 390, "height": 844}


@dataclass
class Watched:
    """A Chromium page with the errors and the requests to other servers that it made."""

    page: Page
    errors: list[str] = field(default_factory=list)
    strangers: list[str] = field(default_factory=list)

    def watch(self, url: str) -> None:
        self.page.on("pageerror", lambda error: self.errors.append(str(error)))
        self.page.on("console", lambda message: self._note(message.type, message.text))
        self.page.on("request", lambda request: self._check(request.url, url))

    def _note(self, kind: str, text: str) -> None:
        if kind == "error":
            self.errors.append(text)

    def _check(self, requested: str, url: str) -> None:
        if not requested.startswith((url, "data:", "blob:")):
            self.strangers.append(requested)


# Of this package: while it is open, Playwright's event loop runs, and other tests need one of their own.
@pytest.fixture(scope="package")
def chromium(chromium_path) -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium_path, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture
def watched(chromium, address) -> Iterator[Watched]:
    """A fresh page at the address; the test fails if it logged an error or asked another server."""
    context = chromium.new_context(viewport=DESKTOP)
    watched = Watched(context.new_page())
    watched.watch(address)
    open_page(watched.page, address)
    yield watched
    context.close()
    assert watched.errors == []
    assert watched.strangers == []


@pytest.fixture
def page(watched) -> Page:
    return watched.page


def open_page(page: Page, url: str) -> None:
    """Open the page and wait until its models are ready."""
    page.set_default_timeout(120_000)
    page.goto(url if "?" in url else f"{url}?tab=instant")  # A bare address opens with an example.
    page.wait_for_selector("#models :text('ready')")


def save_screenshot(page: Page, name: str) -> None:
    """Keep what the page looks like, for people to look at."""
    SCREENSHOTS.mkdir(parents=True, exist_ok=True)
    page.screenshot(path=SCREENSHOTS / f"{name}.png", full_page=True)
