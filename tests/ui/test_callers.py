"""Behind a host's proxy, limits by address count whom the proxy saw, or nobody; never whom a caller names."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx
import pytest
import uvicorn
from starlette.requests import Request
from starlette.responses import PlainTextResponse

from explorer.ui.limits import callers
from explorer.ui.limits.callers import SPACE_HOST, TRUSTED, UNKNOWN, caller, is_proxy, trust_proxies
from explorer.ui.limits.uploads import QUOTA_FILES, UploadQuota
from explorer.ui.queue.limits import Limits, QueueFullError
from explorer.ui.queue.ticket import Ticket
from tests.support.counting import Counting

VISITOR, FORGED, INNER = "198.51.99.7", "93.184.216.34", "10.20.30.40"


async def _tell(scope, receive, send) -> None:
    await PlainTextResponse(caller(Request(scope)))(scope, receive, send)


@asynccontextmanager
async def served() -> AsyncIterator[str]:
    trust_proxies()
    running = uvicorn.Server(uvicorn.Config(_tell, port=0, log_level="warning"))
    task = asyncio.create_task(running.serve())
    while not running.started:
        await asyncio.sleep(0.01)
    yield f"http://127.0.0.1:{running.servers[0].sockets[0].getsockname()[1]}"
    running.should_exit = running.force_exit = True
    await task


def ask(*forwarded: str) -> str:
    async def get() -> str:
        async with served() as url, httpx.AsyncClient() as http:
            headers = [("X-Forwarded-For", one) for one in forwarded]
            return (await http.get(url, headers=headers)).text

    return asyncio.run(get())


@pytest.fixture(autouse=True)
def nowhere(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in (TRUSTED, SPACE_HOST):
        monkeypatch.setenv(name, "")
        monkeypatch.delenv(name)


@pytest.fixture
def on_space(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(SPACE_HOST, "somebody-explorer.hf.space")


@pytest.mark.usefixtures("on_space")
@pytest.mark.parametrize(
    "forwarded",
    [
        (VISITOR,),
        (f"{FORGED}, {VISITOR}",),
        (FORGED, VISITOR),
        (f"{FORGED}, {VISITOR}, {INNER}",),
        (f"nobody, {VISITOR}, {INNER}, 127.0.0.1",),
    ],
)
def test_on_a_space_the_caller_is_whom_the_host_saw_last(forwarded: tuple[str, ...]) -> None:
    assert ask(*forwarded) == VISITOR


@pytest.mark.usefixtures("on_space")
@pytest.mark.parametrize("forwarded", [(), (INNER,), (f"{INNER}, 127.0.0.1",), (f"{FORGED}, nobody",)])
def test_on_a_space_where_the_host_does_not_tell_the_caller_is_unknown(forwarded: tuple[str, ...]) -> None:
    assert ask(*forwarded) == UNKNOWN


@pytest.mark.parametrize("forwarded", [(FORGED,), (f"{FORGED}, {INNER}",)])
def test_elsewhere_nobody_is_believed(forwarded: tuple[str, ...]) -> None:
    assert ask(*forwarded) == "127.0.0.1"


def test_a_proxy_that_is_named_is_believed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(TRUSTED, "127.0.0.0/8")
    assert ask(f"{FORGED}, {VISITOR}") == VISITOR
    assert is_proxy("127.0.0.9")
    assert not is_proxy(VISITOR)


@pytest.mark.usefixtures("on_space")
def test_all_connections_of_a_space_come_from_proxies() -> None:
    trust_proxies()
    assert is_proxy(INNER)
    assert not is_proxy(VISITOR)


def test_limits_by_address_do_not_apply_to_unknown_callers() -> None:
    quota = UploadQuota(app=lambda *_: pytest.fail("not needed"))
    assert all(quota.admits(UNKNOWN, 1) for _ in range(2 * QUOTA_FILES))
    limits, others = Limits(per_address=1), [Ticket(Counting("a", []), UNKNOWN) for _ in range(3)]
    limits.check_room(Ticket(Counting("b", []), UNKNOWN), others)
    known = [Ticket(Counting("a", []), VISITOR)]
    with pytest.raises(QueueFullError):
        limits.check_room(Ticket(Counting("b", []), VISITOR), known)


def test_an_address_without_a_client_is_unknown() -> None:
    assert callers.caller(None) == UNKNOWN
