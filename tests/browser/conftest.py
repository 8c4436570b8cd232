"""Chromium pages on the served page, which collect what must not happen."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, Playwright, sync_playwright

from tests.support.chromium import DESKTOP, Watched, open_page


# Of this package: while it is open, Playwright's event loop runs, and other tests need one of their own.
@pytest.fixture(scope="package")
def driver() -> Iterator[Playwright]:
    with sync_playwright() as playwright:
        yield playwright


@pytest.fixture(scope="package")
def chromium(chromium_path, driver: Playwright) -> Iterator[Browser]:
    # A page that a test makes up counts as one of the internet, which may not show this machine's pages.
    arguments = ["--no-sandbox", "--disable-features=LocalNetworkAccessChecks"]
    browser = driver.chromium.launch(executable_path=chromium_path, args=arguments)
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
    errors = list(watched.errors)  # Before the page is left.
    context.close()
    assert errors == []
    assert watched.strangers == []


@pytest.fixture
def page(watched) -> Page:
    return watched.page
