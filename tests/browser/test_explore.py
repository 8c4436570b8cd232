"""The Explore tab in a real browser: pictures at once, a region drawn by hand, numbers on demand."""

import pytest
from playwright.sync_api import Page

from tests.support.actions import wait_for

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.usefixtures("fast_judge")]
CAPTIONS = ".explore-stage figcaption"


def open_explore(page: Page) -> None:
    page.click('#examples button[data-name="cat"]')
    page.get_by_role("tab", name="Explore").click()
    page.wait_for_selector(f"{CAPTIONS}:has-text('layer4')")


def test_opening_the_tab_shows_the_edited_pictures(page):
    open_explore(page)
    assert [text.split(" · ")[0] for text in page.locator(CAPTIONS).all_text_contents()] == [
        "original", "layer1", "layer2", "layer3", "layer4",
    ]  # fmt: skip


def test_a_region_drawn_on_the_original_is_kept_and_measured(page):
    open_explore(page)
    box = page.locator(".explore-stage .frame").first.bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + 0.2 * box["width"], box["y"] + 0.2 * box["height"])
    page.mouse.down()
    page.mouse.move(box["x"] + 0.7 * box["width"], box["y"] + 0.6 * box["height"], steps=4)
    page.mouse.up()
    page.wait_for_selector(f"{CAPTIONS}:has-text('keep a region')")
    page.click("#explore-run")
    wait_for(
        page, "document.querySelector('.explore-stage .sentences').textContent.includes('After this edit')"
    )
    page.get_by_text("Copy as Python").click()
    assert 'edit="region"' in (page.locator("#explore-code").text_content() or "")


def test_blend_asks_for_a_second_picture(page):
    open_explore(page)
    page.get_by_text("What lies between two pictures?").click()
    page.wait_for_selector(f"{CAPTIONS}:has-text('50% of the second')")
    assert page.get_by_label("Second picture", exact=True).is_visible()
