"""Compare has a search's last layer of the examples at once, and what a visitor made goes before it."""

import pytest

from explorer.examples import load_example
from explorer.features.network import RESNET50_NETWORK, survey
from explorer.images import quantise
from explorer.lab.lab import Lab
from explorer.report.recording import still_path, write_still
from explorer.ui.components.recordings import read_deepest
from explorer.ui.session.visit import Exploration
from explorer.ui.tabs.compare import RECORDED, compare, gather_recorded
from tests.support.made import make_picture


def test_an_example_is_compared_with_its_recorded_picture_at_once(coarse_lab: Lab) -> None:
    shown = compare(coarse_lab, Exploration(load_example("cat"), "cat"))
    assert (shown.a, shown.b) == ("original", RECORDED)
    assert shown.pictures[RECORDED].label == "layer4 recorded"


def test_a_picture_of_one_s_own_has_nothing_recorded(coarse_lab: Lab) -> None:
    assert list(compare(coarse_lab, Exploration(make_picture(1))).pictures) == ["original"]


def test_another_network_has_nothing_recorded() -> None:
    assert gather_recorded("cat", survey("mobilenet_v3_small")) == {}
    assert list(gather_recorded("cat", RESNET50_NETWORK)) == [RECORDED]


def test_a_recorded_picture_is_kept_to_the_bit(tmp_path, monkeypatch: pytest.MonkeyPatch) -> None:
    images = load_example("coffee").images * 0.9
    write_still(images, still_path("coffee", tmp_path))
    monkeypatch.setattr(
        "explorer.ui.components.recordings.still_path", lambda name: still_path(name, tmp_path)
    )
    read_deepest.cache_clear()
    found = read_deepest("coffee")
    read_deepest.cache_clear()
    assert found is not None
    assert found.equal(quantise(images))
