"""A visitor's way through the page, as far as `make test` walks it."""

import pytest
from playwright.sync_api import Page

from tests.support.actions import drop, open_tab, photo, wait_for_decoded, wait_for_state

pytestmark = pytest.mark.browser


def test_a_dropped_photo_is_decoded_runs_live_stops_and_is_compared(page: Page) -> None:
    drop(page, photo())
    wait_for_decoded(page)
    open_tab(page, "Live")
    page.click("#run")
    wait_for_state(page, "running")
    page.click("#stop")
    wait_for_state(page, "stopped")
    open_tab(page, "Compare")
    page.wait_for_selector("#compare .classes p")
