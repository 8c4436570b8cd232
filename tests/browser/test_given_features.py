"""Features dropped where photos are: what they bring back, and what is said where the original lacks."""

import re

import pytest
from playwright.sync_api import Page, expect

from explorer.examples import load_example
from explorer.ui.components.given import PICKLE
from explorer.ui.session.app_state import AppState
from explorer.ui.stage.value import FEATURES_ONLY
from tests.support.actions import choose_file, drop, open_tab
from tests.support.chromium import DESKTOP, PHONE, save_screenshot

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.usefixtures("fast_judge")]


def test_features_are_dropped_as_a_photo_is_and_a_pickle_leaves_them_there(
    page: Page, served: tuple[str, AppState]
) -> None:
    lab = served[1].lab
    content = lab.record(load_example("coffee"), ["layer1", "layer3"]).pack()
    drop(page, content, name="mine.safetensors", kind="")
    original, held, lacking = (
        page.locator(f"#instant [data-panel={one}]") for one in ("original", "layer3", "layer2")
    )
    expect(original).to_contain_text(FEATURES_ONLY)
    expect(original.locator("img")).to_be_hidden()
    expect(lacking.locator(".note")).to_have_text("The file holds no features of layer2.")
    expect(lacking.locator("img")).to_be_hidden()
    expect(held.locator("img")).to_be_visible()
    expect(held.locator(".detail")).to_have_text(re.compile(r"^SSIM – · LPIPS – · feature error \d\.\d{3}$"))
    expect(held.locator(".psnr")).to_have_text("– dB PSNR")
    expect(page.locator("#picture [data-undrawn='mine.safetensors'] img")).to_be_hidden()
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme)
        save_screenshot(page, f"given-features-{scheme}")
    page.set_viewport_size(PHONE)
    save_screenshot(page, "given-features-phone")
    page.set_viewport_size(DESKTOP)
    shown = held.locator("img").get_attribute("src")
    choose_file(page, b"\x80\x04\x95\x00\x00", name="mine.pt", kind="")
    expect(page.get_by_text(PICKLE)).to_be_visible()
    assert held.locator("img").get_attribute("src") == shown
    expect(page.locator("#picture [data-undrawn='mine.safetensors'] img")).to_be_hidden()
    open_tab(page, "Live")
    expect(page.locator("#live [data-panel=layer2] .waiting")).to_be_hidden()
    page.click("#run")
    expect(page.locator("#live [data-dash] img:not([hidden])")).to_have_count(2)
    expect(page.locator("#live [data-panel=layer3] .psnr")).to_have_text("– dB PSNR")
