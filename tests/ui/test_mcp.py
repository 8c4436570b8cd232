"""The endpoints as tools of assistants (MCP), with the same limits as the page."""

import ast
import json
import time
from pathlib import Path
from typing import Any

import anyio
import httpx
import PIL.Image
import pytest
from gradio.utils import get_upload_folder
from mcp import ClientSession
from mcp.client.streamable_http import streamable_http_client
from mcp.types import CallToolResult, TextContent
from starlette.datastructures import Headers
from starlette.responses import PlainTextResponse
from starlette.types import Receive, Scope, Send

from explorer.ui.assistants import MCP_PATH, REFUSED, AssistantCalls
from explorer.ui.bounds import NOT_BASE64, PICTURES_BYTES
from explorer.ui.listeners import LISTENERS, TOOL_CALL
from explorer.ui.queue.listener import PATIENCE_SECONDS
from explorer.ui.session.app_state import AppState
from tests.support.raw import RawPage

pytestmark = pytest.mark.usefixtures("fast_judge")

GONE_SECONDS = PATIENCE_SECONDS + 15
ASSISTANT = {"Content-Type": "application/json", "Accept": "application/json, text/event-stream"}
# What Gradio's client takes for a file to open and upload.
FILE = {"path": "/etc/hostname", "meta": {"_type": "gradio.FileData"}}


@pytest.fixture(scope="module")
def page(address: str) -> RawPage:
    return RawPage(address)


def call(page: RawPage, tool: str, **arguments: Any) -> CallToolResult:
    """Call one tool as an assistant does."""

    async def speak() -> CallToolResult:
        async with (
            streamable_http_client(f"{page.api}/mcp/") as (reading, writing, _),
            ClientSession(reading, writing) as session,
        ):
            await session.initialize()
            return await session.call_tool(tool, arguments)

    return anyio.run(speak)


def tool_call(parameters: dict[str, Any]) -> dict[str, Any]:
    return {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": parameters}


def text_of(answer: CallToolResult) -> str:
    (content,) = answer.content
    assert isinstance(content, TextContent)
    return content.text


def test_an_assistant_reconstructs_a_picture(page: RawPage) -> None:
    answer = call(page, "reconstruct", image="cat", layer="layer1", method="optimiser", steps=2)
    assert not answer.isError
    made = ast.literal_eval(text_of(answer))
    assert made["layer"] == "layer1"
    assert made["steps"] == 2
    assert made["image"].startswith("data:image/png;base64,")
    assert made["scores"]["psnr_db"] > 0


@pytest.mark.parametrize(
    "arguments",
    [
        {"options": {"edit": FILE}},
        {"options": {"edit": [{"deep": FILE}]}},
        {"options": {"edit": {**FILE, "path": "http://127.0.0.1:9/picture.png"}}},
        {"options": FILE},
    ],
    ids=["option", "deep", "address", "options"],
)
def test_a_file_of_this_machine_among_the_arguments_is_refused_unopened(
    page: RawPage, arguments: dict[str, Any]
) -> None:
    before = set(Path(get_upload_folder()).rglob("*"))
    for transport in ("", "http", "messages/?session_id=0123456789abcdef0123456789abcdef"):
        body = {"name": "explore", "arguments": {"name": "surgery", "images": ["cat"], **arguments}}
        plain = json.dumps(tool_call(body))
        for content in (plain, plain.replace("meta", "\\u006deta")):
            answer = page.http.post(f"{page.api}/mcp/{transport}", content=content, headers=ASSISTANT)
            assert answer.status_code == httpx.codes.BAD_REQUEST
            assert answer.text == REFUSED
    assert set(Path(get_upload_folder()).rglob("*")) == before


def test_the_path_of_a_picture_is_not_opened(page: RawPage, tmp_path: Path) -> None:
    picture = tmp_path / "elsewhere.png"
    PIL.Image.new("RGB", (64, 64), "red").save(picture)
    answer = call(page, "reconstruct", image=str(picture))
    assert answer.isError
    assert text_of(answer) == NOT_BASE64


def test_an_argument_is_never_interpreted(page: RawPage) -> None:
    answer = call(page, "reconstruct", image="cat", method="${oc.env:HOME}")
    assert answer.isError
    assert text_of(answer).startswith("Unknown method '${oc.env:HOME}'")


def test_the_tools_are_the_public_endpoints(page: RawPage) -> None:
    tools = {tool["name"] for tool in page.http.get(f"{page.api}/mcp/schema").json()}
    assert tools == {"reconstruct", "features", "optimise", "explore", "metrics", "layers", "health"}


@pytest.mark.parametrize("path", ["mcp/", "mcp/http", "mcp/messages/"])
def test_the_limits_of_the_page_hold_for_assistants(page: RawPage, path: str) -> None:
    url = f"{page.api}/{path}"
    stranger = page.http.post(url, content="{}", headers={**ASSISTANT, "Host": "evil.example"})
    assert stranger.status_code == httpx.codes.FORBIDDEN
    long = page.http.post(url, content=bytes(PICTURES_BYTES + 1), headers=ASSISTANT)
    assert long.status_code == httpx.codes.REQUEST_ENTITY_TOO_LARGE


def ask(paths: list[str], *addresses: str, headers: dict[str, str] | None = None) -> list[Scope]:
    """Ask for each path from an address, the later ones as a call of this process by itself."""
    passed: list[Scope] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        tool = Headers(scope=scope).get(TOOL_CALL)
        passed.append({**scope, "tool": tool, "is_heard": LISTENERS.listens(tool)})
        await PlainTextResponse("")(scope, receive, send)

    async def speak() -> None:
        own = dict(headers or {})
        for path, address in zip(paths, addresses, strict=True):
            transport = httpx.ASGITransport(AssistantCalls(app), client=(address, 1234))
            async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as client:
                await client.post(path, content="{}", headers=own)
            own = {TOOL_CALL: passed[-1]["tool"]} if passed[-1]["tool"] else {}

    anyio.run(speak)
    return passed


def test_an_assistant_s_call_counts_for_its_own_address() -> None:
    outer, inner = ask([MCP_PATH, "/gradio_api/queue/join"], "192.0.2.7", "127.0.0.1")
    assert outer["is_heard"]
    assert inner["client"][0] == "192.0.2.7"
    assert inner["tool"] == outer["tool"]


def test_nobody_counts_as_an_assistant_by_saying_so() -> None:
    (passed,) = ask(["/gradio_api/queue/join"], "192.0.2.7", headers={TOOL_CALL: "guess 1 198.51.100.1"})
    assert passed["client"][0] == "192.0.2.7"
    assert passed["tool"] is None


def test_a_call_whose_assistant_has_hung_up_ends(page: RawPage, served: tuple[str, AppState]) -> None:
    queue = served[1].queue
    body = {
        "name": "reconstruct",
        "arguments": {"image": "cat", "layer": "layer1", "method": "optimiser", "steps": 1000},
    }

    async def hang_up() -> None:
        async with httpx.AsyncClient() as client:
            with anyio.move_on_after(30):
                await client.post(f"{page.api}/mcp/", json=tool_call(body), headers=ASSISTANT, timeout=60)

    async def call_and_leave() -> None:
        async with anyio.create_task_group() as group:
            group.start_soon(hang_up)
            with anyio.fail_after(30):
                while not len(queue):
                    await anyio.sleep(0.05)
            group.cancel_scope.cancel()

    anyio.run(call_and_leave)
    deadline = time.monotonic() + GONE_SECONDS
    while len(queue):
        assert time.monotonic() < deadline
        time.sleep(0.1)
