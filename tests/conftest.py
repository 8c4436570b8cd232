"""The tiny network of the unit tests, and the rules for tests that need a network or Chromium."""

import os
import shutil
from collections.abc import Generator
from importlib.util import find_spec
from pathlib import Path
from urllib.error import URLError
from urllib.parse import urlparse
from urllib.request import urlopen

import pytest
import torch
from torchvision.models.resnet import Bottleneck, ResNet

from explorer.features.backbone import Backbone
from explorer.lab.lab import Lab
from explorer.lab.models import Models

pytest_plugins = ["tests.served"]

CHROMIUM_NAMES = ("chromium", "chromium-browser", "google-chrome")

# Marks, separated by commas, whose tests must run: with them a skip counts as a failure (set by .ci/run).
REQUIRED_MARKS = frozenset(filter(None, os.environ.get("EXPLORER_REQUIRE", "").split(",")))


def make_tiny_network(seed: int = 0) -> ResNet:
    """Build a ResNet with one narrow block per stage and random BatchNorm statistics, for 64-pixel images."""
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        network = ResNet(Bottleneck, [1, 1, 1, 1], num_classes=10, width_per_group=8)
        for module in network.modules():
            if isinstance(module, torch.nn.BatchNorm2d):
                module.weight.data.uniform_(0.5, 1.5)
                module.bias.data.normal_(0.0, 0.2)
                module.running_mean = torch.randn(module.num_features) * 0.2
                module.running_var = torch.rand(module.num_features) + 0.5
    return network.eval()


@pytest.fixture
def tiny_network() -> ResNet:
    return make_tiny_network()


@pytest.fixture
def tiny_lab(tiny_network: ResNet, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Lab:
    """A lab that stands in for every set of weights; no decoder fits it."""
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "no_weights"))
    categories = tuple(f"class {index}" for index in range(10))
    lab = Lab(Models(Backbone("tiny", tiny_network, source="test", digest="abcd1234", categories=categories)))
    monkeypatch.setattr("explorer.lab.lab.Lab.load", lambda *_, **__: lab)
    return lab


@pytest.fixture(autouse=True)
def no_downloads(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let weights that are not in the cache be missing at once, with or without a network."""

    def open_here(url: str, timeout: float) -> object:
        if urlparse(url).hostname != "127.0.0.1":
            raise URLError("tests do not download")
        return urlopen(url, timeout=timeout)

    monkeypatch.setattr("explorer.download.urlopen", open_here)


@pytest.fixture(scope="session")
def chromium_path() -> str:
    path = find_chromium()
    assert path is not None, "use this fixture in tests with the browser mark only"
    return path


@pytest.fixture(scope="session")
def shared_folder() -> Path:
    """The folder of test photos (EXPLORER_SHARED, else ../shared), for tests with the photos mark."""
    folder = Path(os.environ.get("EXPLORER_SHARED", Path(__file__).parents[2] / "shared"))
    if not folder.is_dir():
        pytest.skip(f"no folder of test photos at {folder}; EXPLORER_SHARED can name one")
    return folder


def find_chromium() -> str | None:
    return next(filter(None, map(shutil.which, CHROMIUM_NAMES)), None)


def why_no_browser() -> str | None:
    if find_spec("playwright") is None:
        return "playwright is not installed"
    if find_chromium() is None:
        return "no Chromium found; install it: sudo apt-get install --yes chromium"
    return None


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    reason = why_no_browser()
    for mark in REQUIRED_MARKS:
        if not any(item.get_closest_marker(mark) for item in items):
            raise pytest.UsageError(f"EXPLORER_REQUIRE names {mark}, but no collected test has that mark")
    for item in items:
        if reason and item.get_closest_marker("browser"):
            item.add_marker(pytest.mark.skip(reason=reason))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    is_required = any(item.get_closest_marker(mark) for mark in REQUIRED_MARKS)
    if report.skipped and is_required:
        report.outcome = "failed"
        report.longrepr = f"a required test was skipped: {report.longrepr}"
    return report
