"""No address is ever fetched, in whatever place of whatever request it stands."""

from typing import Any

import httpx
import pytest
import safehttpx

from explorer.ui.bounds import BoundError, check_size
from tests.support.raw import Event, RawPage, error_of

ADDRESSES = ("http://example.org/picture.png", "https://100.64.0.1/latest/meta-data", "http://127.0.0.1:9/a")
META = {"_type": "gradio.FileData"}


@pytest.fixture(scope="module")
def page(address: str) -> RawPage:
    return RawPage(address)


@pytest.fixture
def fetched(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The hosts that Gradio has looked up to fetch something from them: its only way to an address."""
    hosts: list[str] = []

    async def note(host: str) -> str:
        hosts.append(host)
        raise ValueError("tests fetch nothing")

    monkeypatch.setattr(safehttpx, "async_validate_url", note)
    return hosts


def files_of(address: str) -> list[Any]:
    """Every form in which a value may say that it is a file at an address."""
    file = {"path": address, "meta": META}
    return [file, {**file, "url": address}, [file], {"path": "a", "more": file}, {"value": file}, address]


@pytest.mark.parametrize("place", ADDRESSES)
@pytest.mark.parametrize("path", ["file={}", "file/{}", "file=/{}", "proxy={}"])
def test_no_path_fetches_an_address(page: RawPage, fetched: list[str], path: str, place: str) -> None:
    for method in ("GET", "HEAD"):
        answer = page.http.request(method, f"{page.api}/{path.format(place)}")
        assert answer.status_code in (httpx.codes.FORBIDDEN, httpx.codes.NOT_FOUND)
    assert fetched == []


@pytest.mark.parametrize("is_thorough", [False, pytest.param(True, marks=pytest.mark.slow)])
def test_no_event_fetches_an_address(page: RawPage, fetched: list[str], is_thorough: bool) -> None:
    forms = files_of(ADDRESSES[0])[:-1]
    sent = [
        (event, [file] * len(event.inputs))
        for turn, event in enumerate(page.handlers)
        for file in (forms if is_thorough else [forms[turn % len(forms)]])
        if event.inputs
    ]
    for (event, data), answer in zip(sent, page.send_all(sent), strict=True):
        assert error_of(answer) is not None, (str(event), data[0])
    assert fetched == []


def places(events: list[Event]) -> list[tuple[Event, int]]:
    return [(event, place) for event in events for place in range(len(event.inputs))]


@pytest.mark.parametrize("is_thorough", [False, pytest.param(True, marks=pytest.mark.slow)])
def test_no_endpoint_fetches_an_address_in_any_place(
    page: RawPage, fetched: list[str], is_thorough: bool
) -> None:
    forms = files_of(ADDRESSES[1])
    for event, place in places([page.event(name) for name in page.endpoints]):
        for file in forms if is_thorough else [forms[place % len(forms)]]:
            data = [*event.inputs[:place], file, *event.inputs[place + 1 :]]
            assert error_of(page.send(event, data)) is not None, (str(event), place, file)
    assert fetched == []


@pytest.mark.parametrize("file", [*files_of(ADDRESSES[0])[:-1], {"path": "/etc"}])
def test_what_gradio_takes_for_a_file_is_refused_at_any_depth(file: Any) -> None:
    for value in (file, [[file]], {"a": {"b": file}}):
        with pytest.raises(BoundError, match="takes no files"):
            check_size(value)
