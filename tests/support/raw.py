"""Requests to the page as any program can send them, past Gradio's own client and its checks."""

import json
import re
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property
from typing import Any
from uuid import uuid4

import httpx

ANSWER_SECONDS = 240.0
AT_ONCE = 4  # Most of an answer is waiting in the queue.
# Inputs of the public endpoints that make them answer soon.
API_INPUTS: dict[str, tuple[Any, ...]] = {
    "reconstruct": ("cat", "layer1", "optimiser", 2, 0),
    "optimise": ("cat", "layer1", "optimiser", 2, 0),
    "metrics": ("cat", "cat"),
    "explore": ("surgery", ["cat"], ["layer1"], {"edit": "region"}),
}


@dataclass(frozen=True)
class Event:
    """One event of the page, listed or not; `inputs` holds the values as they first stand."""

    index: int
    name: str
    inputs: tuple[Any, ...]
    kinds: tuple[str, ...]

    def __str__(self) -> str:
        return f"{self.index} {self.name}"


@dataclass(frozen=True)
class RawPage:
    """A page at an address, asked by raw HTTP."""

    address: str

    @property
    def api(self) -> str:
        return f"{self.address.rstrip('/')}/gradio_api"

    @cached_property
    def http(self) -> httpx.Client:
        return httpx.Client(timeout=ANSWER_SECONDS)

    @cached_property
    def config(self) -> dict[str, Any]:
        return self.http.get(f"{self.address.rstrip('/')}/config").json()

    @cached_property
    def events(self) -> list[Event]:
        values = {entry["id"]: entry["props"].get("value") for entry in self.config["components"]}
        kinds = {entry["id"]: entry["type"] for entry in self.config["components"]}
        return [
            Event(
                entry["id"],
                entry["api_name"] or "",
                API_INPUTS.get(entry["api_name"]) or tuple(values[one] for one in entry["inputs"]),
                tuple(kinds[one] for one in entry["inputs"]),
            )
            for entry in self._entries
        ]

    @property
    def _entries(self) -> list[dict[str, Any]]:
        return [entry for entry in self.config["dependencies"] if entry["backend_fn"]]

    @property
    def handlers(self) -> list[Event]:
        """One event for each function and its inputs: Gradio numbers the names of those that share both."""
        kept: dict[object, Event] = {}
        for event, entry in zip(self.events, self._entries, strict=True):
            kept.setdefault((re.sub(r"_\d+$", "", event.name), *entry["inputs"]), event)
        return list(kept.values())

    @cached_property
    def endpoints(self) -> list[str]:
        """The names of the public endpoints, as the page itself lists them."""
        listed = self.http.get(f"{self.api}/info").json()["named_endpoints"]
        return [name.removeprefix("/") for name in listed]

    def event(self, name: str) -> Event:
        return next(event for event in self.events if event.name == name)

    def send(
        self, event: Event, data: object, event_data: object = None, session: str | None = None
    ) -> list[dict[str, Any]]:
        """Join the queue and return every message until the event is over, or the refusal to join."""
        session = session or uuid4().hex
        body = {"fn_index": event.index, "data": data, "event_data": event_data, "session_hash": session}
        joined = self.http.post(
            f"{self.api}/queue/join",
            content=json.dumps(body),  # Also what httpx itself would not write, such as NaN.
            headers={"Content-Type": "application/json"},
        )
        if joined.status_code != httpx.codes.OK:
            return [{"msg": "refused", "status": joined.status_code, "text": joined.text}]
        return list(self._messages(session, joined.json()["event_id"]))

    def send_all(
        self, events: Sequence[tuple[Event, object]], event_data: object = None
    ) -> Iterator[list[dict[str, Any]]]:
        """Send each from a session of its own, a few at a time; return the messages in the same order."""
        with ThreadPoolExecutor(AT_ONCE) as pool:
            yield from pool.map(lambda sent: self.send(*sent, event_data=event_data), events)

    def lay_down(self, event: str, path: str, session: str) -> list[dict[str, Any]]:
        """Give an uploaded file to the event that takes it."""
        payload = {"path": path, "meta": {"_type": "gradio.FileData"}}
        return self.send(self.event(event), [payload], session=session)

    def _messages(self, session: str, event_id: str) -> Iterator[dict[str, Any]]:
        url = f"{self.api}/queue/data"
        with self.http.stream("GET", url, params={"session_hash": session}) as answer:
            for line in answer.iter_lines():
                if not line.startswith("data:"):
                    continue
                message = json.loads(line.removeprefix("data:"))
                if message.get("event_id") == event_id:
                    yield message
                if message["msg"] == "process_completed":
                    return


def error_of(messages: list[dict[str, Any]]) -> str | None:
    """Return the sentence that an event ended with; None if it did not end with an error."""
    last = messages[-1]
    if last["msg"] == "refused":
        return last["text"]
    return None if last["success"] else last["output"]["error"]


def fill_in(page: RawPage, event: Event, given: dict[str, Any]) -> list[Any]:
    """Write inputs: values by the labels, the rest as they first stand."""
    labels = {entry["id"]: entry["props"].get("label") for entry in page.config["components"]}
    inputs = next(entry["inputs"] for entry in page.config["dependencies"] if entry["id"] == event.index)
    return [given.get(labels[key], value) for key, value in zip(inputs, event.inputs, strict=True)]
