"""The address of the page: IPv6 as well, and never through a proxy."""

import os
import socket
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import httpx
import pytest

from explorer.ui.address import Address, AddressError, no_proxies


@pytest.mark.parametrize(
    ("given", "host"), [("::1", "[::1]"), ("[::1]", "[::1]"), ("localhost", "localhost")]
)
def test_a_host_is_written_as_in_an_address(given: str, host: str) -> None:
    assert Address.choose(given, None) == Address(host, None)


def test_an_ipv4_neighbour_on_the_port_is_not_in_the_way_of_ipv6() -> None:
    with socket.create_server(("0.0.0.0", 0)) as taken:
        port = taken.getsockname()[1]
        assert Address.choose("::", port) == Address("[::]", port)
        with pytest.raises(AddressError, match=f"port {port}"):
            Address.choose("0.0.0.0", port)


@pytest.mark.parametrize("host", ["fe80::1%lo", "a..b", "no such host", "1::2::3", "x" * 300])
def test_a_host_that_is_none_is_refused_in_one_line(host: str) -> None:
    with pytest.raises(AddressError, match="Cannot listen on") as caught:
        Address.choose(host, None)
    assert len(str(caught.value).splitlines()) == 1


def test_the_host_of_the_environment_is_taken_and_kept_from_gradio(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GRADIO_SERVER_NAME", "::1")
    assert Address.choose(None, None).host == "[::1]"
    assert "GRADIO_SERVER_NAME" not in os.environ


@pytest.mark.parametrize(
    "proxies",
    [
        {"ALL_PROXY": "socks5://127.0.0.1:9"},
        {"http_proxy": "http://127.0.0.1:9"},
        {"HTTP_PROXY": "http://127.0.0.1:9", "no_proxy": "::1/128"},
        {"all_proxy": "nonsense://"},
    ],
)
def test_the_own_address_is_asked_without_a_proxy(
    proxies: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("http_proxy", "all_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
    for name, value in proxies.items():
        monkeypatch.setenv(name, value)
    before = dict(os.environ)
    with ThreadingHTTPServer(("127.0.0.1", 0), Answers) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        with no_proxies():
            assert httpx.get(f"http://127.0.0.1:{server.server_port}/").text == "here"
        server.shutdown()
    assert dict(os.environ) == before


class Answers(BaseHTTPRequestHandler):
    """Answers every request."""

    def do_GET(self) -> None:
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b"here")

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""
