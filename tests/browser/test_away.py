"""A page that is loaded anew, as Gradio does after a lost connection; and what the camera's icon opens."""

import pytest
from playwright.sync_api import Page, ViewportSize

from tests.support.actions import choose_file, photo, wait_for_decoded
from tests.support.chromium import DESKTOP, PHONE

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.usefixtures("fast_judge")]


def test_a_page_that_is_loaded_anew_has_its_picture(page: Page) -> None:
    choose_file(page, photo())
    wait_for_decoded(page)
    for _ in range(2):
        page.reload()
        wait_for_decoded(page)


@pytest.mark.parametrize("size", [DESKTOP, PHONE])
def test_what_the_camera_s_icon_opens_fits_into_the_box(page: Page, size: ViewportSize) -> None:
    page.set_viewport_size(size)
    page.click("#picture [data-testid=source-select] button >> nth=1")
    button = page.locator("#picture [title='grant webcam access'] .wrap")
    inside, box = button.bounding_box(), page.locator("#picture").bounding_box()
    icons = page.locator("#picture [data-testid=source-select]").bounding_box()
    assert inside
    assert box
    assert icons
    assert inside["y"] >= box["y"]
    assert inside["y"] + inside["height"] <= icons["y"] + 1
    assert button.evaluate("element => element.scrollHeight <= element.clientHeight + 1")


def test_another_tab_opens_with_the_example(page: Page, address: str) -> None:
    choose_file(page, photo())
    wait_for_decoded(page)
    other = page.context.new_page()
    other.goto(address)
    other.wait_for_function(
        "() => /^An example/.test(document.querySelector('#instant .status')?.textContent)"
    )
    other.close()
