from collections.abc import Iterator
from zipfile import ZipFile

import PIL.Image
import pytest
from playwright.sync_api import Page

from tests.support.actions import (
    choose,
    choose_decoder,
    choose_file,
    drop,
    encode,
    open_tab,
    paste,
    photo,
    wait_for,
    wait_for_decoded,
    wait_for_state,
)
from tests.support.chromium import DESKTOP, PHONE, PROJECTOR, open_page, save_screenshot

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.usefixtures("fast_judge")]

# Whether all the words of an element are to be seen in the photo's box.
IS_WHOLE = """node => {
    const box = document.querySelector("#picture").getBoundingClientRect();
    return [node, ...node.querySelectorAll("p")].every((one) => {
        const place = one.getBoundingClientRect();
        return one.scrollWidth <= one.clientWidth && place.top >= box.top && place.bottom <= box.bottom;
    });
}"""


def live_sources(page) -> list[str]:
    return page.eval_on_selector_all("#live [data-dash] img", "images => images.map(image => image.src)")


def wait_for_another_picture(page, before: list[str]) -> None:
    """Wait until the run goes on; a deep layer's picture may stay the same for many steps."""
    page.wait_for_function(
        """before => [...document.querySelectorAll("#live [data-dash] img")]
            .some((image, index) => image.src !== before[index])""",
        arg=before,
    )


def test_a_dropped_photo_runs_live_and_stops(page):
    drop(page, photo())
    wait_for_decoded(page)
    open_tab(page, "Live")
    page.click("#run")
    wait_for_state(page, "running")
    wait_for_another_picture(page, live_sources(page))
    assert page.locator("#live .table tbody tr").count() == 4
    page.click("#stop")
    wait_for_state(page, "stopped")
    assert "stopped at step" in page.inner_text("#live")
    page.wait_for_selector("#live .table table")
    save_screenshot(page, "live-stopped")


@pytest.mark.parametrize("give", [drop, paste, choose_file])
def test_every_way_in_leads_to_four_decoded_pictures(page, give):
    give(page, photo())
    wait_for_decoded(page)
    assert page.locator("#instant .psnr b").all_inner_texts() != ["", "", "", ""]


def test_another_decoder_decodes_again_and_a_missing_one_is_named(page):
    drop(page, photo())
    wait_for_decoded(page)
    notes = page.locator("#instant .panel .note")
    assert "linear decoder" in notes.last.inner_text()  # The page's network has no trained decoders.
    choose_decoder(page, "linear")
    wait_for(page, "!document.querySelector('#instant').textContent.includes('linear decoder')")
    wait_for_decoded(page)
    choose_decoder(page, "consistent")
    wait_for(page, "document.querySelector('#instant').textContent.includes('linear decoder')")
    wait_for_decoded(page)


def test_an_example_leads_to_four_decoded_pictures(page):
    page.click("#examples button >> nth=1")
    wait_for_decoded(page)
    save_screenshot(page, "instant")


@pytest.mark.parametrize(
    ("name", "kind", "content", "message"),
    [
        ("text.jpg", "image/jpeg", b"no image at all", "Couldn't read this file as an image"),
        (
            "drawing.svg",
            "image/svg+xml",
            b"<svg xmlns='http://www.w3.org/2000/svg'/>",
            "Use JPEG, PNG or WebP.",
        ),
        ("cut.jpg", "image/jpeg", photo()[:2000], "Couldn't read this file as an image"),
        (
            "tiny.png",
            "image/png",
            encode(PIL.Image.new("RGB", (3, 3)), "PNG"),
            "This image is 3x3; use at least 32x32.",
        ),
        ("huge.png", "image/png", encode(PIL.Image.new("1", (8000, 6000)), "PNG"), "Over 40 megapixels"),
    ],
)
def test_an_unusable_file_is_explained_and_leaves_what_stood(page, name, kind, content, message):
    shown = page.get_attribute("#instant [data-panel=original] img", "src")
    choose_file(page, content, name=name, kind=kind)
    page.get_by_text(message).first.wait_for()
    wait_for(page, "!document.querySelector('#picture img')")  # The page opened with an empty box.
    assert page.get_attribute("#instant [data-panel=original] img", "src") == shown
    assert page.locator("#instant .panel img:not([hidden])").count() == 5


def test_a_mistake_is_explained_once_also_when_the_file_replaces_another(page):
    choose_file(page, photo())
    wait_for_decoded(page)
    choose_file(page, b"no image at all", name="text.jpg")
    page.get_by_text("Couldn't read this file as an image").first.wait_for()
    page.wait_for_timeout(1500)
    assert page.get_by_text("Couldn't read this file as an image").count() == 1


def test_an_animation_shows_its_first_frame_and_says_so(page):
    frames = [PIL.Image.new("RGB", (64, 64), colour) for colour in ("red", "blue")]
    content = encode(frames[0], "GIF", save_all=True, append_images=frames[1:])
    choose_file(page, content, name="two.gif", kind="image/gif")
    page.get_by_text("Using the first frame.").first.wait_for()
    wait_for_decoded(page)


def test_run_without_a_picture_says_what_to_do(page):
    page.click("#examples button >> nth=1")
    wait_for_decoded(page)
    page.click('#picture [aria-label="Remove Image"]')
    wait_for(page, "!document.querySelector('#picture img')")
    open_tab(page, "Live")
    page.click("#run")
    page.get_by_text("Add an image first: drop, paste, or choose an example.").first.wait_for()


def test_escape_stops_and_resume_goes_on(page):
    page.click("#examples button >> nth=1")
    wait_for_decoded(page)
    open_tab(page, "Live")
    page.click("#run")
    wait_for_state(page, "running")
    page.keyboard.press("Escape")
    wait_for_state(page, "stopped")
    stopped_at = step_of(page)
    page.click("#resume")
    step = "document.querySelector('#live [data-panel=layer1] .detail').textContent.split(' ')[1]"
    wait_for(page, f"Number({step}) > {stopped_at}")
    page.keyboard.press("Escape")
    wait_for_state(page, "stopped")
    assert step_of(page) > stopped_at


def step_of(page) -> int:
    return int(page.inner_text("#live [data-panel=layer1] .detail").split()[1])


def test_the_slider_moves_by_keyboard(page):
    page.click("#examples button >> nth=1")
    wait_for_decoded(page)
    open_tab(page, "Compare")
    page.wait_for_selector("#compare .classes p")
    slider = page.locator("#compare .slider")
    slider.focus()
    page.keyboard.press("ArrowRight")
    assert slider.input_value() == "51"
    assert page.locator("#compare select").first.input_value() == "original"
    page.select_option("#compare select >> nth=1", "layer1 decoded")
    wait_for(page, "!document.querySelector('#compare .likeness').textContent.startsWith('Measuring')")
    save_screenshot(page, "compare")


def test_export_gives_a_zip_with_pictures_and_commands(page):
    page.click("#examples button >> nth=1")
    wait_for_decoded(page)
    with page.expect_download() as waiting:
        choose(page, "share", "export")
    with ZipFile(waiting.value.path()) as archive:
        names = {name.rsplit("/")[-1] for name in archive.namelist()}
        command = archive.read("reconstructions/command.txt").decode()
    assert {"original.png", "sheet.png", "metrics.csv", "config.json", "layer1-linear.png"} <= names
    assert command.startswith("python -m explorer reconstruct original.png --method linear")


def test_a_link_opens_the_same_state(page, address):
    page.goto(f"{address}?example=cat&tab=live&steps=20&seed=7&mode=class&layer=layer3")
    page.wait_for_selector("#live .panel[data-panel=original] img:not([hidden])")
    assert page.locator("html.class-mode").count() == 1
    assert page.locator("#live [data-panel=layer3] .cover").is_visible()
    page.keyboard.press("ArrowRight")
    assert not page.locator("#live [data-panel=layer3] .cover").is_visible()
    assert page.locator("#live .panel.aside").count() == 3
    save_screenshot(page, "class-mode")


def test_class_mode_tells_nothing_of_a_layer_before_its_reveal(page, address):
    page.goto(f"{address}?example=cat&mode=class")
    wait_for_decoded(page)
    psnr_db = page.locator("#instant .psnr b").all_text_contents()
    told = ""
    for revealed in range(5):
        told = page.inner_text("#instant")
        assert not any(number in told for number in psnr_db[revealed:] if number not in psnr_db[:revealed])
        assert page.locator("#instant .panel[data-dash] img:visible").count() == revealed
        page.keyboard.press("ArrowRight")
    assert f"({psnr_db[0]} dB)" in told
    assert f"({psnr_db[3]} dB)" in told
    page.click("#examples button >> nth=2")
    page.wait_for_function("() => document.querySelectorAll('#instant .revealed').length === 0")


def test_on_a_projector_the_caption_is_larger_than_what_stands_below_each_picture(page, address):
    page.set_viewport_size(PROJECTOR)
    page.goto(f"{address}?example=cat&mode=class")
    wait_for_decoded(page)
    for _ in range(4):
        page.keyboard.press("ArrowRight")
    sizes = {
        name: page.locator(f"#instant {name}").first.evaluate(
            "node => parseFloat(getComputedStyle(node).fontSize)"
        )
        for name in (".captions", ".thumbnail", ".note", ".psnr b")
    }
    assert sizes[".psnr b"] >= 28
    assert sizes[".captions"] >= 20
    assert max(sizes[".thumbnail"], sizes[".note"]) < sizes[".captions"]


def test_class_mode_compares_only_what_has_been_revealed(page, address):
    page.goto(f"{address}?example=cat&mode=class")
    wait_for_decoded(page)
    open_tab(page, "Compare")
    assert not page.locator("#compare .views").is_visible()
    open_tab(page, "Instant")
    for _ in range(4):
        page.keyboard.press("ArrowRight")
    open_tab(page, "Compare")
    page.wait_for_selector("#compare .views")


def test_class_mode_draws_curves_and_numbers_of_revealed_layers_alone(page, address):
    page.goto(f"{address}?example=cat&tab=live&mode=class")
    page.click("#recorded")
    page.wait_for_selector("#live .player")
    assert not page.locator("#live .curves").is_visible()
    assert page.locator("#live .table tr").count() == 0
    page.keyboard.press("ArrowRight")
    assert page.locator("#live .table tbody tr").all_inner_texts()[0].startswith("layer1")
    assert page.locator("#live .table tbody tr").count() == 1
    assert page.locator("#live .curves").is_visible()


def test_the_phone_shows_everything_without_sideways_scrolling(chromium, address):
    context = chromium.new_context(viewport=PHONE, color_scheme="dark")
    page = context.new_page()
    open_page(page, address)
    assert page.locator('#picture [data-testid="upload-text"]').first.evaluate(IS_WHOLE)
    page.click("#examples button >> nth=1")
    wait_for_decoded(page)
    assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]
    save_screenshot(page, "phone-dark")
    context.close()


@pytest.fixture
def visitors(chromium, address) -> Iterator[list[Page]]:
    """Three visitors, each with a picture of their own, who have all pressed Run."""
    contexts = [chromium.new_context(viewport=DESKTOP) for _ in range(3)]
    pages = [context.new_page() for context in contexts]
    for index, page in enumerate(pages):
        open_page(page, f"{address}?steps=1000&seconds=120")
        page.click(f"#examples button >> nth={index}")
        wait_for_decoded(page)
        open_tab(page, "Live")
        page.click("#run")
        page.wait_for_selector("#run:disabled", state="attached")
    yield pages
    for context in contexts:
        context.close()


def test_three_visitors_take_turns_and_see_their_own_picture_only(visitors):
    first, second, third = visitors
    for page in visitors:
        wait_for_state(page, "running")
        page.get_by_text("Taking turns with 2 other runs").wait_for()
    save_screenshot(third, "taking-turns")
    own = [page.get_attribute("#instant [data-panel=original] img", "src") for page in visitors]
    assert len(set(own)) == 3
    for page in visitors:
        wait_for_another_picture(page, live_sources(page))

    third.click("#recorded")
    third.wait_for_selector("#live .table table")
    first.close()
    second.get_by_text("Running: done in about").wait_for()
    second.click("#stop")
    wait_for_state(second, "stopped")
    assert second.get_attribute("#live [data-panel=original] img", "src") == own[1]


def test_who_stops_waits_for_nobody_and_may_run_again(visitors):
    first, second, third = visitors
    wait_for_state(second, "running")
    wait_for_another_picture(second, live_sources(second))
    second.click("#stop")
    wait_for_state(second, "stopped")
    assert step_of(second) > 0
    first.get_by_text("Taking turns with one other run").wait_for()
    second.click("#run")
    wait_for_state(second, "running")
    third.get_by_text("Taking turns with 2 other runs").wait_for()


def test_a_recorded_run_replays_by_the_browser_alone(page):
    page.click("#examples button >> nth=1")
    wait_for_decoded(page)  # Another picture empties Live, whatever is replayed there.
    open_tab(page, "Live")
    page.click("#recorded")
    page.wait_for_selector("#live .table table")
    page.locator("#live .player input").focus()
    page.keyboard.press("End")
    page.get_by_role("button", name="Play", exact=True).wait_for()
    last = page.get_attribute("#live [data-panel=layer1] img", "src")
    page.keyboard.press("Home")
    assert page.get_attribute("#live [data-panel=layer1] img", "src") != last
    assert "A recorded run: IMAGENET1K_V1" in page.inner_text("#live .status")


def test_keys_choose_a_layer_and_show_help(page):
    page.click("#examples button >> nth=1")
    wait_for_decoded(page)
    page.locator("#instant .captions").click()
    page.keyboard.press("3")
    assert page.locator("#instant .panel.aside").count() == 3
    page.keyboard.press("3")
    assert page.locator("#instant .panel.aside").count() == 0
    page.keyboard.press("?")
    assert page.locator("#keys").is_visible()
    page.keyboard.press("Escape")
    assert not page.locator("#keys").is_visible()


def test_a_photo_dropped_while_the_page_still_opens_arrives(chromium, address):
    page = chromium.new_page(viewport=DESKTOP)
    page.set_default_timeout(120_000)
    page.goto(address)
    page.wait_for_function("typeof explorerCopyLink === 'function'", polling=1)
    drop(page, photo())
    wait_for_decoded(page)
    page.close()


def test_a_bare_address_opens_with_an_example_that_a_photo_replaces_at_once(chromium, address):
    page = chromium.new_page(viewport=DESKTOP)
    page.set_default_timeout(120_000)
    page.goto(address)
    page.wait_for_selector("#instant .status:text-matches('An example')")
    assert page.locator("#instant [data-panel^=layer] img:not([hidden])").count() == 4
    shown = page.get_attribute("#instant [data-panel=original] img", "src")
    open_tab(page, "Live")
    page.wait_for_selector("#recorded:visible")
    open_tab(page, "Instant")
    drop(page, photo())
    page.wait_for_function(
        "shown => document.querySelector('#instant [data-panel=original] img').src !== shown", arg=shown
    )
    page.wait_for_selector("#instant .stage[data-busy=no] [data-panel=layer4] img:not([hidden])")
    assert "An example" not in page.inner_text("#instant .status")
    page.close()
