"""What computes in a browser comes from npm, in one version, or a sentence says why it does not."""

from pathlib import Path

import pytest

from explorer.browser.runtime import RuntimeUnavailableError, fetch_runtime


def test_without_npm_a_sentence_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    with pytest.raises(RuntimeUnavailableError, match="npm is not installed"):
        fetch_runtime()


def test_a_package_that_was_altered_is_refused(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    npm = tmp_path / "npm"
    npm.write_text("#!/bin/sh\necho altered > onnxruntime-web.tgz\n")
    npm.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/bin:/usr/bin")
    with pytest.raises(RuntimeUnavailableError, match="not the expected sha512"):
        fetch_runtime()


def test_an_npm_that_fetches_nothing_is_told_of(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    npm = tmp_path / "npm"
    npm.write_text("#!/bin/sh\nexit 1\n")
    npm.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/bin:/usr/bin")
    with pytest.raises(RuntimeUnavailableError, match="npm cannot fetch onnxruntime-web"):
        fetch_runtime()
