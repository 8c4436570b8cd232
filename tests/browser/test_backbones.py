"""A page on a network that is no ResNet, in Chromium: its layers fit, run, and are named everywhere."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Page

from explorer.report.style import STYLES
from explorer.ui.session.app_state import AppState
from tests.support.actions import choose, drop, open_tab, photo, wait_for, wait_for_decoded
from tests.support.chromium import PHONE, Watched, open_page, save_screenshot

pytestmark = [
    pytest.mark.browser,
    pytest.mark.slow,
    pytest.mark.usefixtures("fast_judge"),
    pytest.mark.xdist_group("mobilenet"),
]

NAMES = ["features.2.block.0", "features.4.block.0", "features.9.block.0", "features"]
LAPTOP = {"width": 1440, "height": 900}
COLOURS = ["rgb(0, 114, 178)", "rgb(213, 94, 0)", "rgb(0, 158, 115)", "rgb(204, 121, 167)"]
# Pairs of texts that lie upon each other, and texts that leave their panel or the page.
CLASHES = """selector => {
  const found = [];
  for (const panel of document.querySelectorAll(`${selector} .panel`)) {
    const outer = panel.getBoundingClientRect();
    const isShown = node => node.textContent && node.offsetParent;
    const texts = [...panel.querySelectorAll("figcaption > p")].filter(isShown);
    texts.forEach((node, at) => {
      const box = node.getBoundingClientRect();
      const isWide = node.scrollWidth > node.clientWidth + 1 || box.right > outer.right + 1;
      if (isWide) found.push(`wide: ${node.textContent}`);
      for (const other of texts.slice(at + 1)) {
        const below = other.getBoundingClientRect();
        const isApart = box.right <= below.left + 1 || below.right <= box.left + 1
          || box.bottom <= below.top + 1 || below.bottom <= box.top + 1;
        if (!isApart) found.push(`${node.textContent} upon ${other.textContent}`);
      }
    });
  }
  const root = document.documentElement;
  if (root.scrollWidth > root.clientWidth) found.push("the page is wider than the window");
  return found;
}"""


@pytest.fixture(params=[LAPTOP, PHONE], ids=["laptop", "phone"])
def page(chromium, served_mobilenet: tuple[str, AppState], request) -> Iterator[Page]:
    address, _ = served_mobilenet
    context = chromium.new_context(viewport=request.param)
    watched = Watched(context.new_page())
    watched.watch(address)
    open_page(watched.page, address)
    yield watched.page
    save_screenshot(watched.page, f"mobilenet-{request.param['width']}")
    context.close()
    assert watched.errors == []
    assert watched.strangers == []


def names_of(page: Page, selector: str) -> list[str]:
    return page.locator(f"{selector} [data-dash] .name").all_inner_texts()


def test_the_layers_of_another_network_are_decoded_run_and_named(page: Page) -> None:
    drop(page, photo())
    wait_for_decoded(page)
    assert names_of(page, "#instant") == NAMES
    frames = page.locator("#instant [data-dash] .frame")
    borders = frames.evaluate_all("nodes => nodes.map(node => getComputedStyle(node).borderBottomColor)")
    assert borders == COLOURS
    assert page.evaluate(CLASHES, "#instant") == []

    open_tab(page, "Live")
    assert not page.locator("#recorded").is_visible()
    page.get_by_role("button", name="Settings").click()
    steps = page.locator("#steps input[type=number]")
    steps.fill("10")
    steps.press("Tab")
    page.click("#run")
    wait_for(page, "document.querySelector('#live .status').textContent.startsWith('Done')")
    assert page.locator("#live .table tbody th").all_inner_texts() == NAMES
    assert page.evaluate(CLASHES, "#live") == []

    page.keyboard.press("5")  # There is no fifth layer.
    assert page.locator("#live .panel.aside").count() == 0
    page.keyboard.press("4")
    assert page.locator("#live .panel.aside").count() == 3
    page.keyboard.press("4")

    open_tab(page, "Explore")
    wait_for(page, "document.querySelectorAll('#explore figure').length === 5")
    colours = page.locator("#explore figure").evaluate_all(
        "nodes => nodes.map(node => getComputedStyle(node).getPropertyValue('--layer'))"
    )
    assert colours[1:] == [style.colour for style in STYLES]


def test_the_tour_and_the_guesses_speak_of_these_layers(page: Page) -> None:
    drop(page, photo())
    wait_for_decoded(page)
    choose(page, "teach", "guess-start")
    asked = page.locator("#guess legend").all_inner_texts()
    assert "What does features keep?" in asked
    for place in range(len(NAMES)):
        page.locator(f"#guess select[data-at='{place}']").select_option(NAMES[place])
    page.click("#guess [data-do=reveal]")
    page.get_by_text("Your score").wait_for()
    page.click("#guess [data-do=close]")
    choose(page, "teach", "tour-start")
    page.click("#tour .next")
    assert page.inner_text("#tour .say").startswith(f"This came back from {NAMES[0]}’s features")
    page.click("#tour .next")
    assert f"all that {NAMES[-1]} still tells" in page.inner_text("#tour .say")
    page.click("#tour [data-go=end]")
