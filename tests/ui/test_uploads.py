"""What an upload leaves behind: the file that was handed over, and nothing else."""

import errno
import socket
import time
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest
from gradio.utils import get_upload_folder

from explorer.ui.limits import progress
from explorer.ui.limits.uploads import DISK_FULL, FILES_A_REQUEST
from tests.support.raw import RawPage

GONE_SECONDS = 10.0


@pytest.fixture(scope="module")
def page(address: str) -> RawPage:
    return RawPage(address)


def uploads() -> set[Path]:
    return {path for path in Path(get_upload_folder()).rglob("*") if path.is_file()}


def becomes(read: Callable[[], object], expected: object) -> bool:
    """Say whether this is so soon: the server tidies up after it has answered."""
    deadline = time.monotonic() + GONE_SECONDS
    while read() != expected and time.monotonic() < deadline:
        time.sleep(0.05)
    return read() == expected


def part(content: bytes, name: str = "files") -> bytes:
    head = f'--x\r\nContent-Disposition: form-data; name="{name}"; filename="a.png"\r\n\r\n'
    return head.encode() + content + b"\r\n"


def send(page: RawPage, body: bytes) -> httpx.Response:
    kind = {"Content-Type": "multipart/form-data; boundary=x"}
    return page.http.post(f"{page.api}/upload", content=body, headers=kind)


def test_a_file_that_is_handed_over_stays(page: RawPage) -> None:
    before = uploads()
    (path,) = send(page, part(b"stays") + b"--x--\r\n").json()
    assert uploads() - before == {Path(path)}


def test_notes_on_uploads_that_nobody_asks_for_do_not_pile_up(page: RawPage, monkeypatch) -> None:
    monkeypatch.setattr(progress, "MAX_NOTES", 5)
    notes = progress.file_upload_statuses
    for number in range(12):
        answer = page.http.post(f"{page.api}/upload?upload_id=u{number}", files={"files": b"x"})
        assert answer.status_code == httpx.codes.OK
    latest = [f"u{number}" for number in range(7, 12)]
    assert becomes(lambda: list(notes._statuses), latest)  # noqa: SLF001
    assert len(notes._signals) <= 5  # noqa: SLF001
    long = "u" * progress.MAX_QUERY_BYTES
    assert page.http.get(f"{page.api}/upload_progress?upload_id={long}").status_code == httpx.codes.NOT_FOUND


@pytest.mark.parametrize(
    "asked", ["bytes=0-1", "bytes=" + "9" * 5_000 + "-" + "9" * 5_000, "bytes=1-2-3", "x"]
)
def test_a_file_is_answered_whole_whatever_part_is_asked_for(page: RawPage, asked: str) -> None:
    (path,) = send(page, part(b"whole") + b"--x--\r\n").json()
    answer = page.http.get(f"{page.api}/file={path}", headers={"Range": asked})
    assert answer.status_code == httpx.codes.OK
    assert answer.content == b"whole"


def test_an_upload_that_breaks_off_leaves_nothing(page: RawPage) -> None:
    before, url = uploads(), httpx.URL(page.api)
    head = (
        f"POST {url.path}/upload HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100000\r\n"
        "Content-Type: multipart/form-data; boundary=x\r\n\r\n"
    )
    with socket.create_connection((url.host, url.port or 80), timeout=10) as connection:
        connection.sendall(head.encode() + part(b"z" * 50_000))
        deadline = time.monotonic() + GONE_SECONDS
        while uploads() == before:
            assert time.monotonic() < deadline, "nothing has been begun"
            time.sleep(0.01)
    assert becomes(uploads, before)


def test_an_upload_that_fills_the_disk_leaves_nothing(page: RawPage, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    before = uploads()
    monkeypatch.setattr("gradio.route_utils.GradioUploadFile.write", full)
    answer = send(page, part(b"z" * 50_000) + b"--x--\r\n")
    assert (answer.status_code, answer.text) == (httpx.codes.INSUFFICIENT_STORAGE, DISK_FULL)
    assert becomes(uploads, before)


def test_more_files_in_one_request_than_the_page_sends_are_refused(page: RawPage) -> None:
    before = uploads()
    answer = send(page, part(b"1") * (FILES_A_REQUEST + 1) + b"--x--\r\n")
    assert answer.status_code == httpx.codes.BAD_REQUEST
    assert becomes(uploads, before)


def test_a_file_by_another_name_than_the_page_s_leaves_nothing(page: RawPage) -> None:
    before = uploads()
    send(page, part(b"other", name="other") + b"--x--\r\n")
    assert becomes(uploads, before)
