"""A lesson link leads to the page as the teacher left it, with what pupils are meant to see."""

import json
from base64 import urlsafe_b64decode
from urllib.parse import parse_qs, urlsplit

import pytest
from playwright.sync_api import Page

from explorer.ui.session.options import OPTIONS
from tests.support.actions import choose, wait_for

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.usefixtures("fast_judge")]
# A page that is left before would log that its stream broke off.
MEASURED = "document.querySelector('#instant .stage').dataset.busy === 'no'"
# Every option of a run by its name in links, none as it is at first: method and budget, layers and seed.
CHOSEN = {
    "start": "decoder", "steps": "90", "seconds": "20", "prior": "2", "optimiser": "adam",
    "layers": "layer1,layer3", "seed": "7",
}  # fmt: skip


def test_a_lesson_carries_picture_tab_layers_method_budget_and_what_is_shown(
    page: Page, address: str
) -> None:
    assert set(CHOSEN) == set(OPTIONS)
    query = "&".join(f"{name}={value}" for name, value in CHOSEN.items())
    page.goto(f"{address}?example=cat&tab=live&lang=de&{query}")  # In German, so that tabs have other texts.
    wait_for(page, "document.querySelectorAll('#instant .panel img:not([hidden])').length === 5")
    wait_for(page, MEASURED)
    page.evaluate(
        "navigator.clipboard.writeText = (text) => { window.copied = text; return Promise.resolve(); }"
    )
    choose(page, "teach", "lesson-start")
    page.uncheck('#lesson input[name="compare"]')
    page.uncheck('#lesson input[name="upload"]')
    page.click('#lesson button[value="copy"]')
    wait_for(page, "window.copied")
    (packed,) = parse_qs(urlsplit(page.evaluate("window.copied")).query)["lesson"]
    lesson = json.loads(urlsafe_b64decode(packed + "=" * (-len(packed) % 4)))
    wanted = {"example": "cat", "tab": "live", "mode": "class", "hide": ["compare", "upload"], **CHOSEN}
    assert {name: lesson.get(name) for name in wanted} == wanted
    page.goto(f"{address}?lesson={packed}")
    page.wait_for_selector("#live:visible")
    wait_for(page, "document.querySelectorAll('#instant .panel img:not([hidden])').length === 5")
    wait_for(page, MEASURED)
    assert parse_qs(urlsplit(page.url).query)["seconds"] == ["20"]
    assert page.is_hidden('#tabs button[role=tab][data-tab-id="compare"]')
    assert page.is_hidden("#picture")
