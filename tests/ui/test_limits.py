"""Requests that the server refuses before anything reads them, and calls that nobody listens to."""

import json
import socket
import time
from contextlib import suppress
from uuid import uuid4

import httpx
import pytest
from starlette.applications import Starlette

from explorer.ui.bounds import PICTURES_BYTES, PLAIN_BYTES, UPLOAD_BYTES
from explorer.ui.limits.uploads import QUOTA_BYTES, QUOTA_FILES, QUOTA_SECONDS, UploadQuota
from explorer.ui.listeners import GRACE_SECONDS
from tests.support.raw import RawPage

pytestmark = pytest.mark.usefixtures("fast_judge")


@pytest.fixture(scope="module")
def page(address) -> RawPage:
    return RawPage(address)


@pytest.mark.parametrize("host", ["evil.example", "localhost.evil.example", "127.0.0.1.evil.example", ""])
def test_a_request_to_another_name_is_refused(page, host):
    assert page.http.get(f"{page.api}/info", headers={"Host": host}).status_code in (400, 403)


@pytest.mark.parametrize("host", ["localhost", "LOCALHOST:7860", "127.0.0.1:1", "[::1]:7860", "192.168.1.7"])
def test_this_machine_s_names_and_addresses_in_numbers_are_answered(page, host):
    assert page.http.get(f"{page.api}/info", headers={"Host": host}).status_code == httpx.codes.OK


ORIGINS = [
    "http://evil.example",
    "null",
    "http://localhost.evil.example:7860",
    "http://203.0.113.9",
    "http://[::1",
    "",
]


@pytest.mark.parametrize("host", ["localhost:7860", "192.168.1.7:7860", "[::1]:7860"])
@pytest.mark.parametrize(
    "origin", [*ORIGINS, "http://localhost:3000", "http://192.168.1.7", "http://[::1]:1"]
)
def test_the_page_of_another_host_or_port_is_refused(page, host, origin):
    answer = page.http.get(f"{page.api}/info", headers={"Host": host, "Origin": origin})
    assert answer.status_code == httpx.codes.FORBIDDEN
    assert "named_endpoints" not in answer.text


@pytest.mark.parametrize(
    ("host", "origin"),
    [
        ("localhost:7860", "http://localhost:7860"),
        ("LOCALHOST:7860", "http://localhost:7860"),
        ("localhost", "https://localhost"),
        ("localhost:443", "https://localhost"),
        ("192.168.1.7:7860", "http://192.168.1.7:7860"),
        ("[::1]:7860", "http://[::1]:7860"),
    ],
)
def test_the_page_s_own_requests_are_answered(page, host, origin):
    answer = page.http.get(f"{page.api}/info", headers={"Host": host, "Origin": origin})
    assert answer.status_code == httpx.codes.OK


def test_nobody_is_believed_who_says_that_a_call_comes_from_elsewhere(page, monkeypatch):
    seen = set()
    admits = UploadQuota.admits

    def note(quota: UploadQuota, address: str, size: int) -> bool:
        seen.add(address)
        return admits(quota, address, size)

    monkeypatch.setattr(UploadQuota, "admits", note)
    for number in range(3):
        headers = {"X-Forwarded-For": f"198.51.100.{number}"}
        page.http.post(f"{page.api}/upload", files={"files": b"x"}, headers=headers)
    assert seen == {"127.0.0.1"}


@pytest.mark.parametrize("path", ["cancel", "reset", "call/health", "queue/join", "mcp/"])
@pytest.mark.parametrize("body", ["[" * 40_000, "[]," * 20_000, '{"a":' * 20_000])
def test_json_of_many_parts_is_refused_before_it_is_read(page, monkeypatch, path, body):
    monkeypatch.setattr("json.loads", lambda *_, **__: pytest.fail("read"))
    answer = page.http.post(f"{page.api}/{path}", content=body, headers={"Content-Type": "application/json"})
    assert answer.status_code in (httpx.codes.BAD_REQUEST, httpx.codes.REQUEST_ENTITY_TOO_LARGE)


@pytest.mark.parametrize("path", ["cancel", "reset", "login"])
def test_what_takes_no_picture_takes_no_more_than_settings(page, path):
    answer = page.http.post(f"{page.api}/{path}", content="x" * (PLAIN_BYTES + 1))
    assert answer.status_code == httpx.codes.REQUEST_ENTITY_TOO_LARGE


def test_a_header_that_gives_an_endless_length_is_refused(page):
    url = httpx.URL(page.api)
    head = f"POST {url.path}/cancel HTTP/1.1\r\nHost: localhost\r\nContent-Length: {'9' * 5000}\r\n\r\n"
    with socket.create_connection((url.host, url.port or 80), timeout=10) as connection:
        connection.sendall(head.encode())
        assert connection.recv(100).split()[1] in (b"400", b"413")


@pytest.mark.parametrize(
    "path", ["deep_link", "process_recording", "vibe-code", "proxy=http://a.b", "stream/a"]
)
def test_what_the_page_does_not_use_is_not_there(page, path):
    for method in ("GET", "POST"):
        assert page.http.request(method, f"{page.api}/{path}").status_code == httpx.codes.NOT_FOUND


@pytest.mark.parametrize(("path", "limit"), [("queue/join", PICTURES_BYTES), ("upload", UPLOAD_BYTES)])
def test_a_body_that_says_it_is_too_long_is_refused_unread(page, path, limit):
    url = httpx.URL(f"{page.api}/{path}")
    head = f"POST {url.path} HTTP/1.1\r\nHost: localhost\r\nContent-Length: {limit + 1}\r\n\r\n"
    with socket.create_connection((url.host, url.port or 80), timeout=10) as connection:
        connection.sendall(head.encode())
        assert connection.recv(100).startswith(b"HTTP/1.1 413 ")


@pytest.mark.parametrize(("path", "limit"), [("queue/join", PICTURES_BYTES), ("upload", UPLOAD_BYTES)])
def test_a_body_that_does_not_say_its_length_is_cut_off(page, path, limit):
    def parts():
        for _ in range(2 * limit >> 20):
            yield bytes(2**20)

    with suppress(httpx.TransportError):  # It is as good if the server closes the connection.
        assert page.http.post(f"{page.api}/{path}", content=parts()).status_code in (400, 413)


def test_an_address_may_upload_so_much_in_ten_minutes():
    clock = [0.0]
    quota = UploadQuota(Starlette(), lambda: clock[0])
    assert all(quota.admits("a", 1) for _ in range(QUOTA_FILES))
    assert not quota.admits("a", 1)
    assert quota.admits("b", QUOTA_BYTES)
    assert not quota.admits("b", 1)
    clock[0] = QUOTA_SECONDS + 1
    assert quota.admits("a", 1)
    assert quota.admits("b", 1)


def test_the_queue_cannot_be_passed_by(page):
    body = {"data": ["cat", "layer1", "optimiser", 2, 0], "fn_index": page.event("reconstruct").index}
    for path in ("run/reconstruct", "api/reconstruct", "run/predict"):
        assert page.http.post(f"{page.api}/{path}", json=body).status_code == httpx.codes.NOT_FOUND


@pytest.mark.parametrize("name", ["reconstruct", "optimise"])
def test_a_call_that_nobody_listens_to_ends_soon(page, name):
    unheard = ["cat", "layer1", "optimiser", 1000, 0]
    for _ in range(3):
        body = {"fn_index": page.event(name).index, "data": unheard, "session_hash": uuid4().hex}
        assert page.http.post(f"{page.api}/queue/join", json=body).status_code == httpx.codes.OK
    started = time.perf_counter()
    last = page.send(page.event(name), ["cat", "layer1", "optimiser", 2, 0])[-1]
    assert last["success"], last
    assert time.perf_counter() - started < 3 * GRACE_SECONDS + 5


def test_a_call_ends_when_its_listener_goes(page):
    session = uuid4().hex
    body = {
        "fn_index": page.event("reconstruct").index,
        "data": ["cat", "layer1", "optimiser", 1000, 0],
        "session_hash": session,
    }
    page.http.post(f"{page.api}/queue/join", json=body)
    with page.http.stream("GET", f"{page.api}/queue/data", params={"session_hash": session}) as answer:
        next(line for line in answer.iter_lines() if "process_starts" in line)
    started = time.perf_counter()
    last = page.send(page.event("reconstruct"), ["cat", "layer1", "optimiser", 2, 0])[-1]
    assert last["success"], last
    assert time.perf_counter() - started < 12


def test_the_simple_interface_for_programs_is_heard(page):
    url = f"{page.api}/call/reconstruct"
    event = page.http.post(url, json={"data": ["cat", "layer1", "optimiser", 2, 0]}).json()["event_id"]
    answer = page.http.get(f"{url}/{event}").text
    assert "event: complete" in answer
    assert json.loads(answer.split("data: ")[-1])[0]["steps"] == 2


@pytest.mark.parametrize("path", ["call/unknown", "call/reconstruct/unknown", "api/unknown", "run/unknown"])
def test_unknown_names_are_not_found(page, path):
    assert page.http.post(f"{page.api}/{path}", json={"data": []}).status_code in (
        httpx.codes.NOT_FOUND,
        httpx.codes.METHOD_NOT_ALLOWED,
    )
