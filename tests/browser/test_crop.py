"""Which square of a photo the network sees is chosen on the photo: by keys, mouse and finger."""

import re
from typing import Any

import pytest
from playwright.sync_api import Page

from tests.support.actions import drop, find_barriers, wait_for, wait_for_decoded
from tests.support.chromium import PHONE, Watched, open_page, save_screenshot
from tests.support.photos import cat, encode

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.usefixtures("fast_judge")]

WIDE = encode(cat(400, 200), "PNG")
BUTTON = "#instant .choose-square"


def drop_wide(page: Page) -> None:
    original = "document.querySelector('#instant [data-panel=original] img').src"
    before = page.evaluate(original)
    drop(page, WIDE, name="wide.png", kind="image/png")
    wait_for(page, f"{original} !== {before!r}")  # A picture that comes closes the box of the one before.
    wait_for_decoded(page)


def open_box(page: Page) -> None:
    page.click(BUTTON)
    page.wait_for_selector(".crop-box .square:focus")


def square(page: Page) -> list[float]:
    """The square's left, top, width and height as shares of the photo shown."""
    style = page.get_attribute(".crop-box .square", "style") or ""
    return [round(float(number) / 100, 3) for number in re.findall(r"([\d.]+)%", style)]


def shown(page: Page) -> tuple[Any, ...]:
    original = page.get_attribute("#instant [data-panel=original] img", "src")
    return original, page.locator("#instant .psnr b").all_inner_texts()


def drag(page: Page, selector: str, right: float, down: float) -> None:
    """Drag by shares of the photo's height."""
    box, photo = (page.locator(one).bounding_box() for one in (selector, ".crop-box img"))
    assert box is not None
    assert photo is not None
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x + right * photo["height"], y + down * photo["height"], steps=3)
    page.mouse.up()


def test_the_square_is_chosen_by_keys_and_mouse_and_escape_changes_nothing(page: Page) -> None:
    page.wait_for_selector(BUTTON)  # Of the example that the page opens with.
    drop_wide(page)
    before = shown(page)
    open_box(page)
    assert square(page) == [0.25, 0, 0.5, 1]
    assert find_barriers(page) == []
    page.keyboard.press("ArrowRight")
    page.keyboard.press("-")
    assert square(page) == [0.275, 0.01, 0.49, 0.98]
    save_screenshot(page, "crop")
    page.keyboard.press("Escape")
    page.wait_for_selector(".crop-box", state="hidden")
    assert shown(page) == before
    open_box(page)
    assert square(page) == [0.25, 0, 0.5, 1]
    drag(page, ".crop-box .corner", -0.5, -0.5)
    assert square(page) == [0.25, 0, 0.25, 0.5]  # The corner across stays.
    drag(page, ".crop-box .square", -3, 0.3)
    assert square(page) == [0, 0.3, 0.25, 0.5]  # It stops at the edge.
    page.click(".crop-box .use")
    wait_for(page, f"document.querySelector('#instant [data-panel=original] img').src !== {before[0]!r}")
    wait_for_decoded(page)
    after = shown(page)
    assert after[0] != before[0]
    assert after[1] != before[1]
    open_box(page)
    assert square(page) == [0, 0.3, 0.25, 0.5]
    page.click(".crop-box .cancel")
    assert shown(page) == after
    page.click("#examples button >> nth=1")
    wait_for(page, f"document.querySelector('#instant [data-panel=original] img').src !== {after[0]!r}")
    open_box(page)
    assert square(page) == [0.167, 0, 0.665, 1]  # The cat has 451 x 300 pixels.
    page.keyboard.press("Escape")


def test_the_box_fits_a_phone_and_a_finger_moves_the_square(chromium, address: str) -> None:
    context = chromium.new_context(viewport=PHONE, color_scheme="dark", has_touch=True)
    watched = Watched(context.new_page())
    watched.watch(address)
    page = watched.page
    open_page(page, f"{address}?lang=de")
    drop_wide(page)
    open_box(page)
    box = page.locator(".crop-box").bounding_box()
    assert box is not None
    assert box["x"] >= 0
    assert box["x"] + box["width"] <= PHONE["width"]
    assert page.locator(".crop-box .use").inner_text() == "Diesen Ausschnitt verwenden"
    save_screenshot(page, "crop-phone-dark")
    client = context.new_cdp_session(page)
    at = page.locator(".crop-box .square").bounding_box()
    assert at is not None
    x, y = at["x"] + at["width"] / 2, at["y"] + at["height"] / 3
    for kind, points in (("Start", [x]), ("Move", [x - 30]), ("Move", [x - 400]), ("End", [])):
        touches = [{"x": point, "y": y} for point in points]
        client.send("Input.dispatchTouchEvent", {"type": f"touch{kind}", "touchPoints": touches})
    assert square(page) == [0, 0, 0.5, 1]
    context.close()
    assert watched.errors == []
