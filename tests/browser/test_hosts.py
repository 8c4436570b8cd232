"""The page as hosts show it: in another site's frame, below a path, over plain http by a name, on a phone."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Frame, Page, Playwright

from explorer.lab.lab import Lab
from explorer.ui.session.app_state import AppState
from tests.support.actions import choose, choose_file, open_tab, photo, wait_for_decoded, wait_for_state
from tests.support.chromium import DESKTOP, PHONE, Watched, open_page, save_screenshot
from tests.support.proxy import proxied
from tests.support.served import serve

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.usefixtures("fast_judge")]
PREFIX, NAME = "/course/explorer", "explorer.test"
FOUR = "document.querySelectorAll('#instant [data-dash] img:not([hidden])').length === 4"


@pytest.fixture
def watched(chromium: Browser) -> Iterator[Watched]:
    context = chromium.new_context(viewport=DESKTOP)
    watched = Watched(context.new_page())
    watched.page.set_default_timeout(120_000)
    yield watched
    context.close()
    assert watched.errors == []


def decode_and_run(page: Page | Frame) -> None:
    """Give a photo, and see it decoded and run."""
    page.set_input_files(
        "#picture input[type=file]", {"name": "photo.jpg", "mimeType": "image/jpeg", "buffer": photo()}
    )
    page.wait_for_function(
        f"() => !/^An example/.test(document.querySelector('#instant .status').textContent) && {FOUR}"
    )
    page.get_by_role("tab", name="Live").click()
    page.click("#run")
    page.wait_for_selector("#live .panel[data-state=running] img:not([hidden])")
    page.click("#stop")
    page.wait_for_selector("#run:enabled")


def test_a_frame_of_another_site_shows_the_page_in_its_colours(watched: Watched, address: str) -> None:
    page = watched.page
    frame = (
        f'<!doctype html><iframe src="{address}?__theme=dark" style="width: 1400px; height: 900px"></iframe>'
    )
    # Of another origin than the page's address in numbers.
    here = address.replace("127.0.0.1", "localhost") + "course"
    page.route(here, lambda route: route.fulfill(body=frame, content_type="text/html"))
    page.goto(here)
    inside = next(one for one in page.frames if one is not page.main_frame)
    inside.wait_for_function(f"() => {FOUR}")
    assert inside.evaluate("document.body.classList.contains('dark')")
    decode_and_run(inside)
    save_screenshot(page, "host-frame")


def test_the_page_works_below_a_path_behind_a_proxy(
    watched: Watched, coarse_lab: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GRADIO_ROOT_PATH", PREFIX)
    with serve(AppState(lambda: coarse_lab)) as target, proxied(target, PREFIX) as url:
        open_page(watched.page, url)
        decode_and_run(watched.page)
        watched.page.goto("about:blank")


def test_the_page_works_over_plain_http_by_a_name(
    driver: Playwright, chromium_path: str, coarse_lab: Lab
) -> None:
    rules = f"--host-resolver-rules=MAP {NAME} 127.0.0.1"
    with serve(AppState(lambda: coarse_lab), [NAME]) as target:
        browser = driver.chromium.launch(executable_path=chromium_path, args=["--no-sandbox", rules])
        page = browser.new_page(viewport=DESKTOP)
        open_page(page, target.replace("127.0.0.1", NAME))
        assert not page.evaluate("isSecureContext")
        assert page.locator("#picture [aria-label*=amera]:visible").count() == 0
        decode_and_run(page)
        choose(page, "share", "link")
        page.wait_for_selector("#link-text input")
        browser.close()


def test_the_page_works_by_touch_on_a_phone(chromium: Browser, address: str) -> None:
    context = chromium.new_context(viewport=PHONE, has_touch=True, is_mobile=True)
    page = context.new_page()
    open_page(page, address)
    page.tap('#examples button[data-name="coffee"]')
    wait_for_decoded(page)
    open_tab(page, "Live")
    page.tap("#run")
    wait_for_state(page, "running")
    page.tap("#stop")
    wait_for_state(page, "stopped")
    choose_file(page, photo())
    wait_for_decoded(page)
    assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]
    save_screenshot(page, "host-phone")
    context.close()
