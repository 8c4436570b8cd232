"""Hundreds of malformed and odd files: each becomes a picture or a documented refusal, soon and in bounds.

A tenth is tried in the fast lane, all of them in the slow one, where every tenth is also sent through the
upload and the API; EXPLORER_FUZZ=long sends all.
"""

import re
import time
from base64 import b64encode
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from explorer.decoding import pool
from explorer.decoding.decode import ImageError
from explorer.decoding.pool import DecoderPool
from explorer.decoding.process import ANSWER_SECONDS
from explorer.images import read_picture
from tests.support.corpus import make_corpus
from tests.support.fuzz import IS_LONG, TIMEOUT
from tests.support.raw import RawPage, error_of
from tests.support.refusals import is_documented

pytestmark = [pytest.mark.usefixtures("fast_judge"), TIMEOUT]

MEMORY_BYTES = 500_000_000


def one_in(lots: int) -> list[tuple[str, bytes]]:
    return list(make_corpus().items())[::lots]


def shares(fast: int, slow: int) -> pytest.MarkDecorator:
    """Try one in so many files in the fast lane, more of them in the slow one."""
    return pytest.mark.parametrize("lots", [fast, pytest.param(slow, marks=pytest.mark.slow)])


@pytest.fixture(scope="module")
def page(address) -> Iterator[RawPage]:
    """The page, which lets one address upload as many files as there are."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("explorer.ui.limits.uploads.QUOTA_FILES", 10**6)
        yield RawPage(address)


def peak_memory_bytes(decoders: DecoderPool) -> int:
    """The most memory that any of the processes has had, as Linux counts it."""
    statuses = [Path(f"/proc/{worker._process.pid}/status").read_text() for worker in decoders._all]
    return max(1024 * int(re.findall(r"VmHWM:\s+(\d+) kB", status)[0]) for status in statuses)


def test_the_corpus_is_large():
    assert len(make_corpus()) >= 300


@shares(fast=10, slow=1)
def test_every_file_becomes_a_picture_or_a_documented_refusal(lots):
    ends = {"picture": 0, "refusal": 0}
    for name, content in one_in(lots):
        started = time.perf_counter()
        try:
            images = read_picture(content).images
            assert images.shape == (1, 3, 224, 224), name
            assert 0 <= images.min() <= images.max() <= 1, name
            ends["picture"] += 1
        except ImageError as error:
            ends["refusal" if is_documented(str(error)) else f"{name}: {error}"] += 1
        assert time.perf_counter() - started < ANSWER_SECONDS, name
        assert peak_memory_bytes(pool._pool()) < MEMORY_BYTES, name
    assert set(ends) == {"picture", "refusal"}
    assert min(ends.values()) > 50 / lots


@shares(fast=50, slow=1 if IS_LONG else 10)
def test_every_upload_is_shown_or_refused_in_documented_words(page, lots):
    for name, content in one_in(lots):
        (path,) = page.http.post(f"{page.api}/upload", files={"files": ("mine.png", content)}).json()
        messages = page.send(page.event("accept"), [{"path": path, "meta": {"_type": "gradio.FileData"}}])
        _check(name, messages)


@shares(fast=50, slow=1 if IS_LONG else 10)
def test_every_picture_sent_by_a_program_is_used_or_refused_in_documented_words(page, lots):
    for name, content in one_in(lots):
        text = b64encode(content).decode()
        _check(name, page.send(page.event("metrics"), [text, "cat"]))


def _check(name: str, messages: list[dict[str, Any]]) -> None:
    if not messages[-1].get("success"):
        error = error_of(messages)
        assert error is not None, name
        assert is_documented(error), (name, error)


def test_an_empty_upload_request_is_refused(page):
    assert httpx.post(f"{page.api}/upload").status_code == httpx.codes.BAD_REQUEST
