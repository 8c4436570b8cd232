"""The page without a server: what its files hold."""

import json
import re
from pathlib import Path

import pytest

from explorer.ui.site.content import MAX_BYTES
from tests.support.site import NO_NPM

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("site")]


def read_content(site: Path) -> dict:
    script = (site / "data" / "picture1.js").read_text(encoding="utf-8")
    return json.loads(script.removeprefix("window.explorerPicture(").removesuffix(");\n"))


def test_a_picture_takes_at_most_half_a_megabyte(site: Path) -> None:
    assert (site / "data" / "picture1.js").stat().st_size <= MAX_BYTES


def test_every_picture_named_is_there_once(site: Path) -> None:
    content = read_content(site)
    pictures = content.pop("pictures")
    named = set(re.findall(r'"(@\d+)"', json.dumps(content)))
    assert named == set(pictures)
    assert len(set(pictures.values())) == len(pictures)


def test_a_refined_picture_is_there_pass_by_pass_and_others_once(site: Path) -> None:
    instant = read_content(site)["instant"]
    notes = [panels["layer1"]["note"] for panels in instant["refined"]["passes"]]
    assert notes == ["decoded", "looked at again and corrected: pass 1"]
    assert instant["refined"]["panels"]["layer1"]["note"] == "looked at again and corrected: pass 2"
    assert all(shown["passes"] == [] for method, shown in instant.items() if method != "refined")


def test_the_page_asks_no_other_host(site: Path) -> None:
    page = (site / "index.html").read_text(encoding="utf-8")
    assert not re.findall(r"""(?:src|href)=["']?(?:https?:)?//""", page)


def test_a_page_that_cannot_compute_says_what_it_lacks_and_offers_no_upload(site: Path) -> None:
    page = (site / "index.html").read_text(encoding="utf-8")
    assert NO_NPM in page
    assert 'type="file"' not in page
    assert "window.explorerBundle = null" in page


def test_the_slider_has_words_for_the_original_with_every_picture(site: Path) -> None:
    compared = read_content(site)["compare"]
    others = [key for key in compared["pictures"] if key != "original"]
    assert len(others) == 8
    assert all(f"original | {key}" in compared["pairs"] for key in others)
