"""A host's proxy: it serves a page below a path of its own and adds headers, as reverse proxies do."""

import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from threading import Thread

import httpx
import uvicorn
from starlette.applications import Starlette
from starlette.background import BackgroundTask
from starlette.requests import Request
from starlette.responses import StreamingResponse
from starlette.routing import Route

ANSWER_SECONDS = 300.0
HOP_BY_HOP = {"connection", "keep-alive", "transfer-encoding", "upgrade"}


@contextmanager
def proxied(target: str, prefix: str) -> Iterator[str]:
    """Serve `target` below `prefix`, which the target does not see, and yield the address."""
    server = uvicorn.Server(uvicorn.Config(_make_app(target.rstrip("/"), prefix), port=0, log_level="error"))
    thread = Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        time.sleep(0.01)
    port = server.servers[0].sockets[0].getsockname()[1]
    yield f"http://127.0.0.1:{port}{prefix}/"
    server.force_exit = server.should_exit = True
    thread.join(10)


def _make_app(target: str, prefix: str) -> Starlette:
    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        async with httpx.AsyncClient(timeout=ANSWER_SECONDS) as client:
            app.state.client = client
            yield

    async def forward(request: Request) -> StreamingResponse:
        client: httpx.AsyncClient = request.app.state.client
        kept = {key: value for key, value in request.headers.items() if key not in HOP_BY_HOP}
        added = {
            "x-forwarded-for": "203.0.113.7",
            "x-forwarded-proto": "http",
            "x-forwarded-host": request.headers["host"],
            "via": "1.1 a-host",
        }
        url = httpx.URL(f"{target}/{request.path_params['path']}", query=request.url.query.encode())
        outgoing = client.build_request(
            request.method, url, headers={**kept, **added}, content=request.stream()
        )
        answer = await client.send(outgoing, stream=True)
        headers = {key: value for key, value in answer.headers.items() if key not in HOP_BY_HOP}
        return StreamingResponse(
            answer.aiter_raw(), answer.status_code, headers, background=BackgroundTask(answer.aclose)
        )

    methods = ["GET", "POST", "PUT", "DELETE", "HEAD"]
    return Starlette(routes=[Route(f"{prefix}/{{path:path}}", forward, methods=methods)], lifespan=lifespan)
