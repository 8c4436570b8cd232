"""Nothing on the page bars a visitor, as far as axe-core can tell, by day, by night and in class."""

from itertools import pairwise

import pytest
from playwright.sync_api import Page

from tests.support.actions import choose, find_barriers, wait_for
from tests.support.chromium import PHONE

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.usefixtures("fast_judge")]
DECODED = "document.querySelectorAll('#instant .panel img:not([hidden])').length === 5"
# A page that is left before would log that its stream broke off.
MEASURED = "document.querySelector('#instant .stage').dataset.busy === 'no'"


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("mode", ["", "&mode=class"])
def test_no_tab_has_a_barrier(page: Page, address: str, scheme: str, mode: str) -> None:
    page.emulate_media(color_scheme="dark" if scheme == "dark" else "light")
    page.goto(f"{address}?example=cat{mode}")
    wait_for(page, DECODED)
    wait_for(page, MEASURED)
    assert find_barriers(page) == []
    for tab in ("live", "compare", "explore"):
        page.click(f'#tabs button[role=tab][data-tab-id="{tab}"]')
        page.wait_for_selector(f"#{tab}:visible")
        if tab == "explore":
            page.wait_for_selector(".explore-stage figcaption:has-text('layer4')")
        assert find_barriers(page) == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_no_dialogue_has_a_barrier(page: Page, address: str, scheme: str) -> None:
    page.emulate_media(color_scheme="dark" if scheme == "dark" else "light")
    page.goto(f"{address}?example=cat&guess=7")
    page.wait_for_selector("#guess fieldset")
    page.click('#guess [data-do="reveal"]')
    page.wait_for_selector("#guess .score:not(:empty)")
    assert find_barriers(page) == []
    for button in ("lesson", "lessons", "tour"):
        page.keyboard.press("Escape")
        choose(page, "teach", f"{button}-start")
        assert find_barriers(page) == []


def test_on_a_phone_a_class_sees_one_column_and_can_read_every_guess(page: Page, address: str) -> None:
    page.set_viewport_size({"width": PHONE["width"], "height": PHONE["height"]})
    page.goto(f"{address}?example=cat&mode=class&guess=7")
    page.wait_for_selector("#guess fieldset")
    wait_for(page, MEASURED)
    boxes = [one.bounding_box() for one in page.locator("#guess select[data-at]").all()]
    rows = [(box["x"], box["x"] + box["width"], round(box["y"])) for box in boxes if box]
    assert len(rows) == 4
    assert all(left >= 0 and right <= PHONE["width"] for left, right, _ in rows)
    assert all(one[1] <= other[0] for one, other in pairwise(rows) if one[2] == other[2])
    page.keyboard.press("Escape")
    assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]
    lefts = {figure.evaluate("node => node.offsetLeft") for figure in page.locator("#instant .panel").all()}
    assert len(lefts) == 1
