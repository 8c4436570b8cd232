"""A page that is loaded anew, as Gradio does once a connection that was lost is there again."""

import pytest
from playwright.sync_api import Page

from tests.support.actions import choose_file, photo, wait_for_decoded

pytestmark = [pytest.mark.browser, pytest.mark.usefixtures("fast_judge")]


def test_a_page_that_is_loaded_anew_has_its_picture(page: Page) -> None:
    choose_file(page, photo())
    wait_for_decoded(page)
    for _ in range(2):
        page.reload()
        wait_for_decoded(page)


def test_another_tab_opens_with_the_example(page: Page, address: str) -> None:
    choose_file(page, photo())
    wait_for_decoded(page)
    other = page.context.new_page()
    other.goto(address)
    other.wait_for_function(
        "() => /^An example/.test(document.querySelector('#instant .status')?.textContent)"
    )
    other.close()
