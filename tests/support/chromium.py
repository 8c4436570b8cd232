"""Chromium: where it is, and pages of it that collect what must not happen."""

import shutil
from dataclasses import dataclass, field
from pathlib import Path

from playwright.sync_api import Page, ViewportSize

CHROMIUM_NAMES = ("chromium", "chromium-browser", "google-chrome")
SCREENSHOTS = Path(__file__).parents[2] / "outputs" / "screenshots"
DESKTOP: ViewportSize = {"width": 1600, "height": 1000}
PROJECTOR: ViewportSize = {"width": 1280, "height": 720}
PHONE: ViewportSize = {"width": 390, "height": 844}


# What Gradio logs when a page is left while an answer is on its way.
LEFT = ("AbortError: signal is aborted", "Unexpected error Connection errored out")


@dataclass
class Watched:
    """A Chromium page with the errors and the requests to other servers that it made."""

    page: Page
    errors: list[str] = field(default_factory=list)
    strangers: list[str] = field(default_factory=list)

    def watch(self, url: str) -> None:
        self.page.on("pageerror", lambda error: self.errors.append(str(error)))
        self.page.on("console", lambda message: self._note(message.type, message.text))
        self.page.on("framenavigated", lambda frame: self._forget() if frame.parent_frame is None else None)
        self.page.on("request", lambda request: self._check(request.url, url))

    def _note(self, kind: str, text: str) -> None:
        if kind == "error":
            self.errors.append(text)

    def _forget(self) -> None:
        """Pass over what Gradio logs of a page that is left while an answer comes."""
        self.errors = [error for error in self.errors if not error.startswith(LEFT)]

    def _check(self, requested: str, url: str) -> None:
        if not requested.startswith((url, "data:", "blob:")):
            self.strangers.append(requested)


def find_chromium() -> str | None:
    return next(filter(None, map(shutil.which, CHROMIUM_NAMES)), None)


def why_no_browser() -> str | None:
    if find_chromium() is None:
        return "no Chromium found; install it: sudo apt-get install --yes chromium"
    return None


def open_page(page: Page, url: str) -> None:
    """Open the page and wait until its models are ready and the first pictures there."""
    page.set_default_timeout(120_000)
    page.goto(url)
    page.wait_for_selector("#models details")
    page.wait_for_selector("#instant .panel:last-of-type img:not([hidden])", state="attached")


def save_screenshot(page: Page, name: str) -> None:
    """Keep what the page looks like, for people to look at."""
    SCREENSHOTS.mkdir(parents=True, exist_ok=True)
    page.screenshot(path=SCREENSHOTS / f"{name}.png", full_page=True)
