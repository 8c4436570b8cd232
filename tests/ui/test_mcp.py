"""The endpoints as tools of assistants (MCP), with the same limits as the page."""

import ast
import json
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

from explorer.ui.api.requests import NOT_BASE64
from explorer.ui.assistants import FORWARDED, MCP_PATH, REFUSED, AssistantCalls
from explorer.ui.limits import BODY_BYTES
from tests.support.raw import RawPage

pytestmark = pytest.mark.usefixtures("fast_judge")

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
    assert tools == {"reconstruct", "optimise", "explore", "metrics", "layers", "health"}


@pytest.mark.parametrize("path", ["mcp/", "mcp/http", "mcp/messages/"])
def test_the_limits_of_the_page_hold_for_assistants(page: RawPage, path: str) -> None:
    url = f"{page.api}/{path}"
    stranger = page.http.post(url, content="{}", headers={**ASSISTANT, "Host": "evil.example"})
    assert stranger.status_code == httpx.codes.FORBIDDEN
    long = page.http.post(url, content=bytes(BODY_BYTES + 1), headers=ASSISTANT)
    assert long.status_code == httpx.codes.REQUEST_ENTITY_TOO_LARGE


def test_an_assistant_s_call_counts_for_its_own_address() -> None:
    passed: list[dict[str, str]] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        passed.append(dict(Headers(scope=scope)))
        await PlainTextResponse("")(scope, receive, send)

    async def ask() -> None:
        transport = httpx.ASGITransport(AssistantCalls(app), client=("192.0.2.7", 1234))
        async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as client:
            await client.post(MCP_PATH, content="{}", headers={FORWARDED: "198.51.100.1"})

    anyio.run(ask)
    assert passed[0][FORWARDED] == "192.0.2.7"
