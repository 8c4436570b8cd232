"""Downloads against real servers on this machine: whole, stalled, cut off, another file, no room."""

import hashlib
import os
import socket
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Event, Thread

import pytest
from torchvision.models import ResNet50_Weights

from explorer import weight_files as downloads
from explorer.features.backbone import load_backbone
from explorer.weight_files import DownloadError, download, hub_file

CONTENT = os.urandom(3_500_000)
DIGEST = hashlib.sha256(CONTENT).hexdigest()[:8]
PAGE = b"<html><body>Please sign in to this network.</body></html>"


class Server(BaseHTTPRequestHandler):
    """Answers each path with one kind of trouble."""

    is_over = Event()

    def do_GET(self) -> None:
        answers: dict[str, Callable[[], None]] = {
            "/whole": lambda: self.answer(CONTENT),
            "/page": lambda: self.answer(PAGE),
            "/cut": lambda: self.answer(CONTENT[:1_000_000], length=len(CONTENT)),
            "/stalls": self.stall,
        }
        answers.get(self.path, lambda: self.send_error(503))()

    def answer(self, content: bytes, length: int | None = None) -> None:
        self.send_response(200)
        self.send_header("Content-Length", str(length or len(content)))
        self.end_headers()
        self.wfile.write(content)

    def stall(self) -> None:
        self.answer(CONTENT[:1_000_000], length=len(CONTENT))
        self.is_over.wait(30)

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), Server) as http:
        thread = Thread(target=http.serve_forever, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{http.server_port}"
        Server.is_over.set()
        http.shutdown()


@pytest.fixture(autouse=True)
def short_patience(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(downloads, "TIMEOUT_SECONDS", 0.5)


def test_a_whole_file_arrives_and_every_megabyte_is_told(server: str, tmp_path: Path) -> None:
    told: list[str] = []
    download(f"{server}/whole", tmp_path / "new" / "file", DIGEST, told.append)
    assert (tmp_path / "new" / "file").read_bytes() == CONTENT
    assert told[-1] == "4 of 4 MB"
    assert {"1 of 4 MB", "2 of 4 MB"} & set(told)


@pytest.mark.parametrize(
    ("path", "reason"),
    [
        ("/page", "another file came; a proxy"),
        ("/cut", "the connection broke off"),
        ("/stalls", "no data came for"),
        ("/busy", "the server answered 503"),
    ],
)
def test_what_is_not_the_file_leaves_nothing_and_says_why(
    server: str, path: str, reason: str, tmp_path: Path
) -> None:
    started = time.monotonic()
    with pytest.raises(DownloadError, match=reason):
        download(server + path, tmp_path / "file", DIGEST, lambda _: None)
    assert time.monotonic() - started < 5
    assert list(tmp_path.iterdir()) == []


def test_a_server_that_is_not_there_is_said(tmp_path: Path) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with pytest.raises(DownloadError, match="cannot be reached"):
        download(f"http://127.0.0.1:{port}/whole", tmp_path / "file", DIGEST, lambda _: None)


def test_a_disk_that_is_full_is_said_without_its_path(
    server: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / f"file.{os.getpid()}.partial").symlink_to("/dev/full")
    with pytest.raises(DownloadError, match=r"cache cannot be written \(No space left on device\)") as found:
        download(f"{server}/whole", tmp_path / "file", DIGEST, lambda _: None)
    assert str(tmp_path) not in str(found.value)
    assert any(str(tmp_path) in message for message in caplog.messages)


def test_a_cache_that_cannot_be_written_lets_the_copy_run_and_one_line_says_why(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A file where the folder should be refuses even root, for whom nothing is read-only."""
    (tmp_path / "hub").write_text("")
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    backbone = load_backbone("IMAGENET1K_V1")
    assert backbone.name == "resnet50-v1-compact"
    assert backbone.notice is not None
    assert "the weights cache cannot be written" in backbone.notice
    assert str(tmp_path) not in backbone.notice


@pytest.mark.parametrize("path", ["/page", "/stalls"])
def test_whatever_the_server_does_the_copy_runs(
    server: str, path: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    monkeypatch.setattr(
        downloads,
        "urlopen",
        lambda _, open_url=downloads.urlopen, **options: open_url(server + path, **options),
    )
    told: list[str] = []
    assert load_backbone("IMAGENET1K_V1", told.append).name == "resnet50-v1-compact"
    assert told[0].startswith("Downloading ResNet-50: ")
    assert not hub_file(ResNet50_Weights.IMAGENET1K_V1.url).exists()
