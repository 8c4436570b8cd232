import pytest

from tests.browser.actions import (
    choose_file,
    drop,
    open_tab,
    paste,
    photo,
    wait_for_decoded,
    wait_for_state,
)
from tests.browser.conftest import save_screenshot

pytestmark = pytest.mark.browser


def live_sources(page) -> list[str]:
    return page.eval_on_selector_all("#live [data-dash] img", "images => images.map(image => image.src)")


def wait_for_other_pictures(page, before: list[str]) -> None:
    page.wait_for_function(
        """before => [...document.querySelectorAll("#live [data-dash] img")]
            .every((image, index) => image.src !== before[index])""",
        arg=before,
    )


def test_a_dropped_photo_runs_live_and_stops(page):
    drop(page, photo())
    wait_for_decoded(page)
    open_tab(page, "Live")
    page.click("#run")
    wait_for_state(page, "running")
    wait_for_other_pictures(page, live_sources(page))
    page.click("#stop")
    wait_for_state(page, "stopped")
    assert "stopped at step" in page.inner_text("#live")
    page.wait_for_selector("#live .table table")
    page.wait_for_selector("#plot .js-plotly-plot")
    save_screenshot(page, "live-stopped")


@pytest.mark.parametrize("give", [drop, paste, choose_file])
def test_every_way_in_leads_to_four_decoded_pictures(page, give):
    give(page, photo())
    wait_for_decoded(page)
    assert page.locator("#instant .psnr b").all_inner_texts() != ["", "", "", ""]


def test_an_example_leads_to_four_decoded_pictures(page):
    page.click("#examples button >> nth=1")
    wait_for_decoded(page)
    save_screenshot(page, "instant")
