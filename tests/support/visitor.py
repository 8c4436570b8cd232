"""A visitor as the browser's script would be: one stream of messages, events by name, a heartbeat."""

import asyncio
import json
from base64 import b64decode
from collections.abc import AsyncGenerator
from contextlib import suppress
from dataclasses import dataclass, field
from io import BytesIO
from typing import Any
from uuid import uuid4

import httpx
import numpy as np
import PIL.Image
from gradio_client.utils import apply_diff

# Inputs of the endpoint for programs, long enough to be under way for a while.
API_INPUTS = {"optimise": ("cat", "layer4", "optimiser", 1000, 0)}
# A code of this many bits is drawn as squares of black and white, four to a row.
CODE_BITS, CODE_COLUMNS, CODE_SIDE = 16, 4, 224
STREAM_SECONDS = 700.0
MAX_STREAMS = 20


def connect(seconds: float) -> httpx.AsyncClient:
    """Make a client for many visitors, each request on a connection of its own.

    One that is kept may be closed by the page, after five idle seconds, in the moment of its next use.
    """
    limits = httpx.Limits(max_connections=None, max_keepalive_connections=0)
    return httpx.AsyncClient(timeout=seconds, limits=limits)


class EventFailedError(Exception):
    """An event that ended with an error; the message is the page's own."""


@dataclass
class Page:
    """A page at an address: its events, and the values that their inputs have at first."""

    address: str
    http: httpx.AsyncClient
    config: dict[str, Any] = field(default_factory=dict)

    @property
    def api(self) -> str:
        return f"{self.address.rstrip('/')}/gradio_api"

    async def open(self) -> "Page":
        self.config = (await self.http.get(f"{self.address.rstrip('/')}/config")).json()
        return self

    def event(self, name: str) -> dict[str, Any]:
        return next(entry for entry in self.config["dependencies"] if entry["api_name"] == name)

    def inputs(self, name: str, **given: object) -> list[Any]:
        """Write an event's inputs: what the components hold at first, but for those given by elem_id."""
        components = {entry["id"]: entry for entry in self.config["components"]}
        if name in API_INPUTS:
            return list(API_INPUTS[name])
        chosen = [components[one]["props"] for one in self.event(name)["inputs"]]
        return [given.get(props.get("elem_id", ""), props.get("value")) for props in chosen]


class Visitor:
    """One open page. Several events may be under way at once; `close` is what closing the tab is."""

    def __init__(self, page: Page, query: str = "") -> None:
        """Open a page whose address ends with a query, without its question mark."""
        self.session = uuid4().hex[:11]
        self._query = query
        self.log: list[str] = []  # What the page said in passing.
        self._page, self._http = page, page.http
        self._messages: dict[str, asyncio.Queue[dict[str, Any] | None]] = {}
        self._stray: dict[str, list[dict[str, Any]]] = {}
        self._loss: httpx.HTTPError | None = None  # Why the stream of messages broke, if it has.
        self._reader: asyncio.Task[None] | None = None
        self._heart: asyncio.Task[None] | None = None

    async def open(self) -> "Visitor":
        """Begin the heartbeat, by whose end the page learns that a visitor has left."""
        self._heart = asyncio.create_task(self._beat())
        await asyncio.sleep(0)
        return self

    async def close(self) -> None:
        for task in (self._heart, self._reader):
            if task is not None:
                task.cancel()
                with suppress(asyncio.CancelledError, httpx.HTTPError):
                    await task

    def cut(self) -> None:
        """Lose the stream of messages, but not the page."""
        if self._reader is not None:
            self._reader.cancel()

    async def upload(self, content: bytes, name: str = "photo.png") -> dict[str, Any]:
        answer = await self._http.post(
            f"{self._page.api}/upload", files={"files": (name, content, "image/png")}
        )
        answer.raise_for_status()
        (path,) = answer.json()
        return {"path": path, "orig_name": name, "meta": {"_type": "gradio.FileData"}}

    async def call(self, event: str, **given: object) -> list[Any]:
        """Send an event and return its last outputs."""
        last: list[Any] = []
        async for outputs in self.stream(event, **given):
            last = outputs
        return last

    async def stream(self, event: str, **given: object) -> AsyncGenerator[list[Any], None]:
        """Send an event, with what its component tells as `event_data`, and yield its outputs as they come.

        Raises:
            EventFailedError: the page refused it, or it ended with an error.
        """
        event_data = given.pop("event_data", None)
        body = {
            "fn_index": self._page.event(event)["id"],
            "data": self._page.inputs(event, **given),
            "event_data": event_data,
            "session_hash": self.session,
        }
        joined = await self._http.post(f"{self._page.api}/queue/join?{self._query}", json=body)
        if joined.status_code != httpx.codes.OK:
            raise EventFailedError(joined.text)
        event_id = joined.json()["event_id"]
        messages = self._messages.setdefault(event_id, asyncio.Queue())
        for message in self._stray.pop(event_id, []):
            messages.put_nowait(message)
        if self._reader is None or self._reader.done():
            self._reader = asyncio.create_task(self._read())
        outputs: list[Any] | None = None
        try:
            while (message := await messages.get()) is not None:
                if message["msg"] == "log":
                    self.log.append(message["log"])
                if message["msg"] not in ("process_generating", "process_completed"):
                    continue
                if not message["success"]:
                    raise EventFailedError(message["output"].get("error"))
                data: list[Any] = message["output"].get("data", [])
                is_diff = message["msg"] == "process_generating" and outputs is not None
                outputs = (
                    [apply_diff(*pair) for pair in zip(outputs or [], data, strict=True)] if is_diff else data
                )
                yield outputs
                if message["msg"] == "process_completed":
                    return
        finally:
            del self._messages[event_id]
        if self._loss is not None:
            raise self._loss

    async def _read(self) -> None:
        """Read until no event is under way: one may begin as the page closes the stream of the last."""
        self._loss = None
        try:
            for _ in range(MAX_STREAMS):
                await self._read_stream()
                if not self._messages:
                    return
        except httpx.HTTPError as error:
            self._loss = error
        finally:
            for waiting in self._messages.values():
                waiting.put_nowait(None)

    async def _read_stream(self) -> None:
        url, params = f"{self._page.api}/queue/data", {"session_hash": self.session}
        async with self._http.stream("GET", url, params=params, timeout=STREAM_SECONDS) as answer:
            async for line in answer.aiter_lines():
                if not line.startswith("data:"):
                    continue
                message = json.loads(line.removeprefix("data:"))
                if (event_id := message.get("event_id")) in self._messages:
                    self._messages[event_id].put_nowait(message)
                elif event_id:
                    self._stray.setdefault(event_id, []).append(message)

    async def _beat(self) -> None:
        url = f"{self._page.api}/heartbeat/{self.session}"
        async with self._http.stream("GET", url, timeout=STREAM_SECONDS) as answer:
            async for _ in answer.aiter_lines():
                pass


def draw_code(code: int) -> bytes:
    """Draw a number as a picture of squares, as a PNG file."""
    bits = np.array([(code >> index) & 1 for index in range(CODE_BITS)], dtype=np.uint8)
    squares = 64 + 128 * bits.reshape(-1, CODE_COLUMNS)
    side = CODE_SIDE // CODE_COLUMNS
    buffer = BytesIO()
    PIL.Image.fromarray(np.kron(squares, np.ones((side, side), np.uint8))).convert("RGB").save(buffer, "PNG")
    return buffer.getvalue()


def read_code(source: str) -> int:
    """Read the number from a picture's data URI."""
    image = open_image(source).convert("L")
    squares = np.asarray(image.resize((CODE_COLUMNS, CODE_BITS // CODE_COLUMNS), PIL.Image.Resampling.BOX))
    return sum(int(bit) << index for index, bit in enumerate((squares > 128).flatten()))


def psnr_between(source: str, original: str) -> float:
    """Measure how near one picture is to another, both as data URIs, in decibels."""
    pixels, wanted = (np.asarray(open_image(one).convert("RGB"), np.float64) for one in (source, original))
    return float(10 * np.log10(255**2 / max(np.mean((pixels - wanted) ** 2), 1e-3)))


def open_image(source: str) -> PIL.Image.Image:
    """Read a picture from its data URI."""
    return PIL.Image.open(BytesIO(b64decode(source.partition("base64,")[2])))
