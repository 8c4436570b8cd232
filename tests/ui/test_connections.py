"""A server goes on answering beside connections that never say what they want."""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx
import pytest
import uvicorn
from starlette.responses import PlainTextResponse

from explorer.ui import connections
from explorer.ui.connections import LINES_A_MINUTE, BoundedProtocol, Connections, FewLines
from explorer.ui.limits.callers import TRUSTED

HALF = b"GET / HTTP/1.1\r\nHost: localhost\r\n"


@pytest.fixture(autouse=True)
def few(monkeypatch: pytest.MonkeyPatch) -> Connections:
    counted = Connections(8)
    monkeypatch.setattr(connections, "CONNECTIONS", counted)
    monkeypatch.setenv(TRUSTED, "")
    return counted


@asynccontextmanager
async def server() -> AsyncIterator[int]:
    config = uvicorn.Config(
        PlainTextResponse("here"), port=0, http=BoundedProtocol, log_level="warning", timeout_keep_alive=1
    )
    running = uvicorn.Server(config)
    task = asyncio.create_task(running.serve())
    while not running.started:
        await asyncio.sleep(0.01)
    yield running.servers[0].sockets[0].getsockname()[1]
    running.should_exit = running.force_exit = True
    await task


async def get(port: int) -> str:
    async with httpx.AsyncClient() as client:
        return (await client.get(f"http://127.0.0.1:{port}", timeout=10)).text


async def open_half(port: int, said: bytes = HALF) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(said)
    await writer.drain()
    return reader, writer


@pytest.mark.parametrize("said", [b"", HALF, b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n" + HALF])
def test_a_request_that_is_kept_back_ends_its_connection(
    monkeypatch: pytest.MonkeyPatch, said: bytes
) -> None:
    monkeypatch.setattr(connections, "HEADER_SECONDS", 0.3)

    async def wait() -> None:
        async with server() as port:
            reader, writer = await open_half(port, said)
            await asyncio.wait_for(reader.read(), 5)  # Until the server has closed it.
            writer.close()

    asyncio.run(wait())


def test_one_address_has_half_of_all_connections_and_the_rest_answers(
    few: Connections, caplog: pytest.LogCaptureFixture
) -> None:
    async def crowd() -> None:
        async with server() as port:
            halves = [await open_half(port) for _ in range(40)]
            while few.count("127.0.0.1") < 4:
                await asyncio.sleep(0.01)
            assert few.count("127.0.0.1") == 4
            assert few.admits("192.0.2.1")
            for _, writer in halves:
                writer.close()
            while few.count("127.0.0.1"):
                await asyncio.sleep(0.01)
            assert await get(port) == "here"

    with caplog.at_level(logging.WARNING):
        asyncio.run(asyncio.wait_for(crowd(), 30))
    assert caplog.records == []


def test_a_trusted_proxy_may_have_all_connections(few: Connections, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(TRUSTED, "10.0.0.1, 10.0.0.2")
    assert [few.admits("10.0.0.2") for _ in range(9)] == [True] * 8 + [False]


def test_what_repeats_does_not_fill_the_log(caplog: pytest.LogCaptureFixture) -> None:
    logger, clock = logging.getLogger("test.flood"), [0.0]
    logger.addFilter(FewLines(lambda: clock[0]))
    for _ in range(10_000):
        logger.error("socket.accept() out of system resource")
    assert len(caplog.records) == LINES_A_MINUTE + 1
    assert "left out" in caplog.records[-1].getMessage()
    clock[0] = 61.0
    logger.error("another")
    assert caplog.records[-1].getMessage() == "another"
