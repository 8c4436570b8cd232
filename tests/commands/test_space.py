"""`space`: what goes to a Space, and an upload to a stand-in of the Hub."""

import base64
import json
import re
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
from huggingface_hub import metadata_load

from explorer.__main__ import main
from explorer.commands.space import ROOT, SpaceError, check_front_matter, find_files, find_page

# The Hub takes larger files, and binary ones, through LFS alone.
MAX_REGULAR_BYTES = 10 * 2**20


class Hub(BaseHTTPRequestHandler):
    """Answers as much of the Hub's API as an upload asks for, and keeps what came."""

    regular: dict[str, bytes]
    stored: dict[str, int]
    pointers: dict[str, str]

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if self.path == "/api/repos/create":
            self.answer({"url": f"{self.address}/spaces/me/explorer", "id": "me/explorer"})
        elif self.path == "/api/validate-yaml":
            self.answer({"errors": [], "warnings": []})
        elif self.path.endswith("/preupload/main"):
            self.answer({"files": [self.choose_mode(file) for file in json.loads(body)["files"]]})
        elif self.path.endswith("/info/lfs/objects/batch"):
            self.answer({"objects": [self.offer(one) for one in json.loads(body)["objects"]]})
        elif self.path.endswith("/commit/main"):
            for line in map(json.loads, body.decode().splitlines()):
                self.commit(line["key"], line["value"])
            self.answer({"commitUrl": f"{self.address}/spaces/me/explorer/commit/0", "commitOid": "0" * 40})
        else:
            self.send_error(404)

    def do_GET(self) -> None:
        """Tell of an empty repository."""
        self.answer([] if "/tree/" in self.path else {"id": "me/explorer", "sha": "0" * 40, "siblings": []})

    def do_PUT(self) -> None:
        length = int(self.headers["Content-Length"])
        self.rfile.read(length)
        self.stored[self.path.rsplit("/", 1)[-1]] = length
        self.answer({})

    @property
    def address(self) -> str:
        return f"http://{self.headers['Host']}"

    def choose_mode(self, file: dict[str, Any]) -> dict[str, Any]:
        is_binary = b"\0" in base64.b64decode(file["sample"])
        mode = "lfs" if is_binary or file["size"] > MAX_REGULAR_BYTES else "regular"
        return {"path": file["path"], "uploadMode": mode, "shouldIgnore": False, "oid": None}

    def offer(self, one: dict[str, Any]) -> dict[str, Any]:
        return {**one, "actions": {"upload": {"href": f"{self.address}/store/{one['oid']}"}}}

    def commit(self, key: str, value: dict[str, Any]) -> None:
        if key == "file":
            self.regular[value["path"]] = base64.b64decode(value["content"])
        elif key == "lfsFile":
            self.pointers[value["path"]] = value["oid"]

    def answer(self, content: object) -> None:
        encoded = json.dumps(content).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(encoded)))
        self.end_headers()
        self.wfile.write(encoded)

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""


@pytest.fixture
def hub() -> Iterator[str]:
    Hub.regular, Hub.stored, Hub.pointers = {}, {}, {}
    with ThreadingHTTPServer(("127.0.0.1", 0), Hub) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def upload(endpoint: str, monkeypatch: pytest.MonkeyPatch) -> int:
    """Run the command with this Hub; its library reads the address from the environment on import alone."""
    monkeypatch.setattr("huggingface_hub.constants.ENDPOINT", endpoint)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_DISABLE_XET", True)
    monkeypatch.setenv("HF_TOKEN", "hf_stand_in")
    return main(["space", "me/explorer"])


def test_an_upload_brings_every_file_whole_and_binaries_through_lfs(
    hub: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert upload(hub, monkeypatch) == 0
    files = {str(file) for file in find_files(ROOT)}
    assert Hub.regular.keys() | Hub.pointers.keys() == files
    assert {file for file in files if file.endswith((".safetensors", ".pth"))} <= Hub.pointers.keys()
    assert all(Hub.stored[Hub.pointers[path]] == (ROOT / path).stat().st_size for path in Hub.pointers)
    assert Hub.regular["app.py"] == (ROOT / "app.py").read_bytes()


def test_without_a_hub_the_error_is_one_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert upload("http://127.0.0.1:9", monkeypatch) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert "The Hub did not take me/explorer" in line


def test_a_dry_run_lists_what_is_needed_with_its_size_and_nothing_else(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["space", "me/explorer", "--dry-run"]) == 0
    lines = capsys.readouterr().out.splitlines()
    names = {line.split("MB")[1].strip() for line in lines[:-1]}
    assert {
        "app.py",
        "README.md",
        "requirements.txt",
        "checkpoints/backbones/resnet50-v1-compact.pth",
    } <= names
    assert {Path(name).parts[0] for name in names} == {
        "app.py",
        "README.md",
        "LICENSE",
        "requirements.txt",
        "explorer",
        "checkpoints",
    }
    assert not any("__pycache__" in name for name in names)
    assert re.fullmatch(rf" *\d+\.\d\d MB  in {len(names)} files", lines[-1])


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("sdk_version", "5.0.0"),
        ("app_file", "main.py"),
        ("preload_from_hub", None),
        ("short_description", "x" * 61),
    ],
)
def test_front_matter_that_a_space_would_not_run_is_refused(name: str, value: object) -> None:
    fields = dict(metadata_load(ROOT / "README.md") or {})
    check_front_matter(fields)
    with pytest.raises(SpaceError, match=name):
        check_front_matter({**fields, name: value})


def test_a_static_space_is_the_page_s_folder(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "browser").mkdir()
    (tmp_path / "index.html").write_bytes(b"x" * 20_000)
    (tmp_path / "browser" / "encode.bin").write_bytes(b"x" * 1_000_000)
    assert main(["space", "me/explorer", "--static", str(tmp_path), "--dry-run"]) == 0
    assert "1.02 MB  in 2 files" in capsys.readouterr().out


def test_a_folder_without_a_page_is_no_static_space(tmp_path: Path) -> None:
    with pytest.raises(SpaceError, match="make site"):
        find_page(tmp_path)
