"""The rules for tests that need a network or Chromium, and which of them share a process."""

import os
import random
import sys
import tempfile
from collections.abc import Generator
from operator import attrgetter
from pathlib import Path
from urllib.error import URLError
from urllib.parse import urlparse
from urllib.request import urlopen

import pytest

from tests.support.chromium import find_chromium, why_no_browser

# The processes of a run share no folder of uploads, since some tests count what lies in it. A worker
# inherits the folder of the process that started it, so this is set anew in each.
os.environ["GRADIO_TEMP_DIR"] = tempfile.mkdtemp(prefix="tests-uploads-")

FIXTURES = [f"tests.support.{name}" for name in ("tiny", "served", "judge", "site")]


# Marks, separated by commas, whose tests must run: with them a skip counts as a failure (set by .ci/run).
REQUIRED_MARKS = frozenset(filter(None, os.environ.get("EXPLORER_REQUIRE", "").split(",")))


def pytest_configure(config: pytest.Config) -> None:
    """Import the fixtures, half a minute of torch and Gradio, where tests run: not where workers do."""
    if not config.getoption("numprocesses", None):
        for name in FIXTURES:
            config.pluginmanager.import_plugin(name)


@pytest.fixture(autouse=True)
def same_draws_in_each_run() -> None:
    """Seed the generators that tests draw from without one of their own: a test that fails, fails again."""
    random.seed(0)
    for module, seed in (("numpy", "random.seed"), ("torch", "manual_seed")):
        if module in sys.modules:
            attrgetter(seed)(sys.modules[module])(0)


@pytest.fixture(autouse=True)
def no_downloads(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let weights that are not in the cache be missing at once, with or without a network."""

    def open_here(url: str, timeout: float) -> object:
        if urlparse(url).hostname != "127.0.0.1":
            raise URLError("tests do not download")
        return urlopen(url, timeout=timeout)

    monkeypatch.setattr("explorer.weight_files.urlopen", open_here)


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


# Before xdist's own hook, which reads the groups: a file's tests share a process, since they share fixtures.
@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    reason = why_no_browser()
    for mark in REQUIRED_MARKS:
        if not any(item.get_closest_marker(mark) for item in items):
            raise pytest.UsageError(f"EXPLORER_REQUIRE names {mark}, but no collected test has that mark")
    for item in items:
        if reason and item.get_closest_marker("browser"):
            item.add_marker(pytest.mark.skip(reason=reason))
        if item.get_closest_marker("xdist_group") is None:
            item.add_marker(pytest.mark.xdist_group(item.nodeid.partition("::")[0]))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    is_required = any(item.get_closest_marker(mark) for mark in REQUIRED_MARKS)
    if report.skipped and is_required:
        report.outcome = "failed"
        report.longrepr = f"a required test was skipped: {report.longrepr}"
    return report
