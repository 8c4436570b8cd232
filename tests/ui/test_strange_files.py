"""Only a file that was uploaded is ever opened, whatever path a program sends to whatever event."""

import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import PIL.Image
import pytest
from gradio.utils import get_upload_folder

from explorer.files import REFUSED, FileRefusedError, read_below
from explorer.ui.components.checked_blocks import WRONG_KIND
from tests.support.raw import RawPage, error_of

pytestmark = pytest.mark.usefixtures("fast_judge")

SOON_SECONDS = 60.0  # What waits for a file that never ends waits for ever.
FILE_KINDS = {"image", "file"}


@pytest.fixture(scope="module")
def page(address) -> RawPage:
    return RawPage(address)


@pytest.fixture
def strange_paths(tmp_path: Path) -> Iterator[dict[str, str]]:
    """Paths of files that nobody uploaded, some of them where uploads lie."""
    folder = Path(get_upload_folder()) / f"test-{uuid4().hex}"
    folder.mkdir(parents=True)
    picture = tmp_path / "elsewhere.png"
    PIL.Image.new("RGB", (64, 64), "red").save(picture)
    os.mkfifo(tmp_path / "pipe")
    os.mkfifo(folder / "pipe")
    (folder / "link.png").symlink_to(picture)
    (folder / "zero").symlink_to("/dev/zero")
    yield {
        "picture elsewhere": str(picture),
        "picture elsewhere, by dots": f"{folder}/../../../../../..{picture}",
        "link out": str(folder / "link.png"),
        "pipe": str(tmp_path / "pipe"),
        "pipe among the uploads": str(folder / "pipe"),
        "endless device": "/dev/zero",
        "link to a device": str(folder / "zero"),
        "folder": str(folder),
        "text of the system": "/etc/passwd",
        "nothing": str(tmp_path / "missing.png"),
        "null character": f"{folder}/a\0b",
        "too long": "/" + "a" * 100_000,
        "empty": "",
        "relative": "app.py",
        "address": "http://127.0.0.1:9/picture.png",
    }
    for entry in folder.iterdir():
        entry.unlink()
    folder.rmdir()


def _file_events(page: RawPage) -> list[Any]:
    return [event for event in page.handlers if FILE_KINDS & {*event.kinds}]


def test_a_file_is_sent_once_and_later_events_find_it_with_the_visit(page):
    names = [event.name for event in _file_events(page)]
    assert names == ["accept", "put_back", "lay_second", "lay_weights"]


@pytest.mark.parametrize("is_thorough", [False, pytest.param(True, marks=pytest.mark.slow)])
def test_every_event_refuses_every_file_that_was_not_uploaded(page, strange_paths, is_thorough: bool):
    # What puts a refused file's predecessor back compares its path alone, and opens nothing.
    events = [event for event in _file_events(page) if event.name != "put_back"]
    for event in events:
        for turn, (name, path) in enumerate(strange_paths.items()):
            forms = ({}, {"meta": {"_type": "gradio.FileData"}, "url": path})
            for extra in forms if is_thorough else [forms[turn % len(forms)]]:
                payload = {"path": path, **extra}
                data = [
                    payload if kind in FILE_KINDS else value
                    for kind, value in zip(event.kinds, event.inputs, strict=True)
                ]
                session = uuid4().hex
                started = time.perf_counter()
                error = error_of(page.send(event, data, session=session))
                assert error in (REFUSED, WRONG_KIND), (str(event), name, extra)
                assert time.perf_counter() - started < SOON_SECONDS


@pytest.mark.parametrize(
    "payload", ["/etc/passwd", 7, [], {}, {"path": None}, {"path": 7}, {"path": ["a"]}, True]
)
def test_a_payload_that_names_no_file_is_refused(page, payload):
    assert error_of(page.send(page.event("accept"), [payload])) == REFUSED


def test_an_uploaded_picture_is_read_with_or_without_meta(page, tmp_path):
    picture = tmp_path / "mine.png"
    PIL.Image.new("RGB", (64, 64), "red").save(picture)
    (path,) = httpx.post(f"{page.api}/upload", files={"files": picture.open("rb")}).json()
    for extra in ({}, {"meta": {"_type": "gradio.FileData"}}):
        last = page.send(page.event("accept"), [{"path": path, **extra}])[-1]
        assert last["success"]
        assert "image/jpeg" in str(last["output"])


def test_only_the_beginning_of_a_file_is_read(tmp_path):
    (tmp_path / "large").write_bytes(b"x" * 1000)
    assert len(read_below(tmp_path, str(tmp_path / "large"), 10)) == 11


def test_a_file_elsewhere_and_a_missing_one_are_refused_in_the_same_words(tmp_path):
    words = set()
    for path in ("/etc/passwd", "/nowhere", str(tmp_path / "missing"), str(tmp_path)):
        with pytest.raises(FileRefusedError) as refusal:
            read_below(tmp_path, path, 10)
        words.add(str(refusal.value))
    assert words == {REFUSED}
