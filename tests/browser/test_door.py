"""The front door in a real browser: languages, pictures from everywhere, and controls that come back."""

import re
import time

import pytest
from playwright.sync_api import Page

from explorer.ui.session import made as made_module
from tests.support.actions import (
    choose,
    choose_decoder,
    choose_file,
    drop,
    open_tab,
    photo,
    wait_for,
    wait_for_decoded,
    wait_for_state,
)
from tests.support.chromium import DESKTOP, PHONE, open_page, save_screenshot

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.usefixtures("fast_judge")]
BROKEN = {"content": b"no image at all", "name": "text.jpg"}
# Drops what another tab gives: texts by their types, and no file.
DROP_TEXT = """
([selector, texts]) => {
  const transfer = new DataTransfer();
  for (const [type, text] of Object.entries(texts)) transfer.setData(type, text);
  const target = document.querySelector(selector);
  for (const kind of ["dragenter", "dragover", "drop"]) {
    target.dispatchEvent(new DragEvent(kind, { dataTransfer: transfer, bubbles: true, cancelable: true }));
  }
}
"""
PASTE_TEXT = """
(text) => {
  const transfer = new DataTransfer();
  transfer.setData("text/plain", text);
  document.body.dispatchEvent(new ClipboardEvent("paste", { clipboardData: transfer, bubbles: true }));
}
"""


def original_of(page: Page, stage: str = "#instant") -> str | None:
    return page.get_attribute(f"{stage} [data-panel=original] img", "src")


def wait_for_another(page: Page, before: str | None, stage: str = "#instant") -> None:
    page.wait_for_function(
        "([stage, before]) => document.querySelector(`${stage} [data-panel=original] img`).src !== before",
        arg=[stage, before],
    )


def test_every_control_comes_back_after_an_error_with_nothing_laid_down(page: Page) -> None:
    page.click('#examples button[data-name="coffee"]')
    wait_for_decoded(page)
    page.click('#picture [aria-label="Remove Image"]')
    wait_for(page, "document.querySelectorAll('#instant .panel img:not([hidden])').length === 0")
    for tab in ("Instant", "Live", "Compare", "Explore"):
        open_tab(page, tab)
        buttons = page.locator("#header .toolbar button:visible, [role=tabpanel]:visible button:visible")
        for at in range(buttons.count()):
            button = buttons.nth(at)
            if re.match("Tour|Guess|Lesson", button.inner_text()) or not button.is_enabled():
                continue
            button.click(force=True)
            page.keyboard.press("Escape")
    page.get_by_text("Add an image first").first.wait_for()
    wait_for(page, "!document.querySelector('#run:disabled, #explore-run:disabled, #export:disabled')")
    page.click('#examples button[data-name="cat"]')
    wait_for_decoded(page)
    open_tab(page, "Live")
    page.click("#run")
    wait_for_state(page, "running")
    page.click("#stop")
    wait_for_state(page, "stopped")


def test_the_last_choice_of_decoder_wins_while_the_one_before_is_measured(
    page: Page, monkeypatch: pytest.MonkeyPatch
) -> None:
    drop(page, photo())
    wait_for_decoded(page)
    score = made_module.score_results

    def score_slowly(*arguments):
        time.sleep(2)
        return score(*arguments)

    monkeypatch.setattr(made_module, "score_results", score_slowly)
    choose_decoder(page, "linear")
    wait_for(page, "/Measuring/.test(document.querySelector('#instant .status').textContent)")
    choose_decoder(page, "consistent")
    # The page's network has linear decoders alone: where another was wanted, a note says what stands in.
    wait_for(page, "document.querySelector('#instant').textContent.includes('linear decoder')")
    wait_for(page, "document.querySelector('#instant .stage').dataset.busy === 'no'")
    page.wait_for_timeout(3000)  # The figures of the first choice would come back within two seconds.
    assert "linear decoder" in page.inner_text("#instant")
    assert "SSIM –" not in page.inner_text("#instant")


def test_compare_follows_the_picture_while_it_is_open(page: Page) -> None:
    page.click('#examples button[data-name="coffee"]')
    wait_for_decoded(page)
    open_tab(page, "Compare")
    page.wait_for_selector("#compare .classes p")
    before = page.get_attribute('#compare .view img[data-side="a"]', "src")
    page.click('#examples button[data-name="astronaut"]')
    page.wait_for_function(
        "before => { const image = document.querySelector('#compare .view img[data-side=\"a\"]');"
        " return image.offsetParent && image.getAttribute('src') !== before; }",
        arg=before,
    )
    # The original, four that were decoded, and the recorded one.
    wait_for(page, "document.querySelectorAll('#compare select')[1].options.length === 6")
    assert page.get_attribute('#compare .view img[data-side="a"]', "src") == original_of(page)
    assert page.get_by_text("had to make room").count() == 0


def test_a_link_to_compare_opens_with_its_pair_and_zoom(page: Page, address: str) -> None:
    page.goto(f"{address}?example=coffee&tab=compare&pair=original,layer2+decoded&zoom=2")
    page.wait_for_selector("#compare .classes p")
    wait_for(page, "document.querySelectorAll('#compare select')[1].value === 'layer2 decoded'")
    assert page.input_value("#compare .zoom input") == "2"


def test_another_language_changes_the_page_in_place(page: Page) -> None:
    drop(page, photo())
    wait_for_decoded(page)
    shown = original_of(page)
    page.evaluate("window.isTheSamePage = true")
    open_tab(page, "Live")
    page.select_option("#language", "de")
    page.wait_for_selector("#tabs button[role=tab]:text-is('Vergleichen')")
    assert "einer einzigen Schicht versuchen wir" in page.inner_text("#title")
    page.select_option("#language", "fr")
    page.wait_for_selector("#tabs button[role=tab]:text-is('Comparer')")
    assert "lang=fr" in page.url
    page.select_option("#language", "en")
    page.wait_for_selector("#tabs button[role=tab]:text-is('Compare')")
    assert "What does each layer of ResNet-50 keep" in page.inner_text("#title")
    assert page.evaluate("window.isTheSamePage")
    assert original_of(page) == shown
    assert page.is_visible("#run")
    assert "lang" not in page.url


@pytest.mark.parametrize("on", ["#picture", "#tabs"])
def test_an_address_from_another_tab_brings_its_picture(page: Page, address: str, on: str) -> None:
    page.click('#examples button[data-name="coffee"]')
    wait_for_decoded(page)
    before, picture = original_of(page), page.get_attribute('#examples button[data-name="cat"] img', "src")
    texts = {"text/uri-list": "https://example.org/", "text/html": f'<img src="{picture}">'}
    page.evaluate(DROP_TEXT, [on, texts])
    wait_for_another(page, before)
    wait_for_decoded(page)


@pytest.mark.parametrize(
    "texts", [{"text/uri-list": "http://127.0.0.1:9/picture.png"}, {"text/plain": "some words"}, {}]
)
def test_what_holds_no_picture_is_explained_and_nothing_is_lost(watched, texts: dict[str, str]) -> None:
    page = watched.page
    page.click('#examples button[data-name="coffee"]')
    wait_for_decoded(page)
    before = original_of(page)
    page.evaluate(DROP_TEXT, ["#picture", texts])
    page.wait_for_selector("#said:text-matches('[Ss]ave (it|the picture) first')")
    assert page.locator("#picture img").count() == 1
    assert original_of(page) == before
    page.evaluate(PASTE_TEXT, "some words")
    page.wait_for_selector("#said:text-matches('no picture in this')")
    drop(page, photo())
    wait_for_another(page, before)
    watched.errors.clear()  # That an address gave nothing.
    watched.strangers.clear()


def test_a_file_without_a_type_is_read_or_explained(page: Page) -> None:
    before = original_of(page)
    drop(page, photo(), name="photo", kind="", on="#picture")
    wait_for_another(page, before)
    before = original_of(page)
    choose_file(page, photo(200), name="IMG_0001.HEIC", kind="")
    wait_for_another(page, before)
    drop(page, **BROKEN, kind="", on="#picture")
    page.get_by_text("Couldn't read this file as an image").first.wait_for()


def test_a_refused_file_leaves_what_stood(page: Page) -> None:
    page.click('#examples button[data-name="coffee"]')
    wait_for_decoded(page)
    before = original_of(page)
    drop(page, **BROKEN, on="#picture")
    page.get_by_text("Couldn't read this file as an image").first.wait_for()
    wait_for(page, "!!document.querySelector('#picture img')")
    assert original_of(page) == before
    assert page.locator("#instant .panel img:not([hidden])").count() == 5
    open_tab(page, "Compare")
    page.wait_for_selector("#compare .classes p")


def test_copy_link_shows_the_link_where_there_is_no_clipboard(page: Page) -> None:
    drop(page, photo())
    wait_for_decoded(page)
    page.evaluate("Object.defineProperty(navigator, 'clipboard', { value: undefined })")
    choose(page, "share", "link")
    page.wait_for_selector("#link-text input")
    assert page.input_value("#link-text input").startswith("http")
    page.keyboard.press("Escape")
    page.get_by_text("your own picture stays on this machine").wait_for()


def test_the_compare_picture_is_a_handle_for_mouse_and_finger(page: Page) -> None:
    page.click('#examples button[data-name="coffee"]')
    wait_for_decoded(page)
    open_tab(page, "Compare")
    page.wait_for_selector("#compare .classes p")
    box = page.locator('#compare [data-view="slider"]').bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + 0.5 * box["width"], box["y"] + 50)
    page.mouse.down()
    page.mouse.move(box["x"] + 0.8 * box["width"], box["y"] + 60, steps=5)
    page.mouse.up()
    assert page.input_value("#compare .slider") == "80"
    assert page.evaluate("getSelection().toString()") == ""


def test_an_empty_compare_shows_one_sentence(page: Page) -> None:
    page.click('#examples button[data-name="coffee"]')
    wait_for_decoded(page)
    page.click('#picture [aria-label="Remove Image"]')
    open_tab(page, "Compare")
    page.wait_for_selector("#compare .nothing:visible")
    assert page.locator("#compare .views").is_hidden()
    assert page.locator("#compare select:visible").count() == 0


def test_a_run_shows_pictures_to_those_who_want_no_motion(chromium, address: str) -> None:
    context = chromium.new_context(viewport=DESKTOP, reduced_motion="reduce")
    page = context.new_page()
    open_page(page, f"{address}?steps=1000&seconds=60")
    open_tab(page, "Live")
    page.click("#run")
    wait_for_state(page, "running")
    page.click("#stop")
    wait_for_state(page, "stopped")
    context.close()


def test_the_tour_fits_a_phone_and_a_photo_is_a_picture(chromium, address: str) -> None:
    context = chromium.new_context(viewport=PHONE, has_touch=True, is_mobile=True)
    page = context.new_page()
    open_page(page, f"{address}?tour=1")
    box = page.locator("#tour").bounding_box()
    assert box is not None
    assert box["x"] >= 0
    assert box["x"] + box["width"] <= PHONE["width"]
    assert "Plex" in page.evaluate("getComputedStyle(document.querySelector('#tour .say')).fontFamily")
    save_screenshot(page, "tour-phone")
    drop(page, photo())
    page.wait_for_selector("#tour .place:text-matches('Step 2')")
    context.close()


def test_the_keys_stand_in_the_middle(page: Page) -> None:
    page.keyboard.press("?")
    box = page.locator("#keys").bounding_box()
    assert box is not None
    assert box["x"] + box["width"] / 2 == pytest.approx(DESKTOP["width"] / 2, abs=20)
    assert box["y"] + box["height"] / 2 == pytest.approx(DESKTOP["height"] / 2, abs=20)


def test_the_layout_hardly_shifts_while_the_page_opens(chromium, address: str) -> None:
    context = chromium.new_context(viewport={"width": 1366, "height": 768})
    page = context.new_page()
    page.add_init_script(
        "window.shift = 0; new PerformanceObserver(list => list.getEntries().forEach(entry => {"
        " if (!entry.hadRecentInput) window.shift += entry.value; }))"
        ".observe({type: 'layout-shift', buffered: true});"
    )
    open_page(page, f"{address}?lang=en")
    page.wait_for_selector("#language")
    page.wait_for_timeout(1000)
    assert page.evaluate("window.shift") < 0.1
    context.close()
