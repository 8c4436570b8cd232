"""Uploads: how many an address may send, what becomes of those that break off, and of a full disk."""

import errno
import json
import os
import time
from collections import Counter, deque
from collections.abc import Callable
from contextvars import ContextVar
from dataclasses import dataclass, field
from http import HTTPStatus
from pathlib import Path
from threading import Lock

from gradio import route_utils
from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from explorer.ui.bounds import UPLOAD_BYTES
from explorer.ui.limits.bodies import UPLOAD_PATH
from explorer.ui.limits.callers import UNKNOWN, name_caller
from explorer.ui.limits.refusal import refuse

# A school class behind one address lays down a picture or two for each pupil in a minute.
QUOTA_SECONDS, QUOTA_BYTES, QUOTA_FILES = 600.0, 2**30, 300
MAX_ADDRESSES, MAX_FILES = 10_000, 10_000
FILES_A_REQUEST, FIELDS_A_REQUEST = 1, 4  # The page sends one file at a time.

DISK_FULL = "The server's disk is full; try again later."
TOO_MANY_UPLOADS = "Too many uploads from your address; try again in ten minutes."


class Uploads:
    """Which visitor uploaded which file, and how often: what others uploaded, too, must stay."""

    def __init__(self) -> None:
        self._of: dict[Path, Counter[str]] = {}
        self._lock = Lock()

    def add(self, path: Path, address: str) -> None:
        """Note an upload."""
        with self._lock:
            self._of.setdefault(path, Counter())[address] += 1
            if len(self._of) > MAX_FILES:
                self._of = {known: owners for known, owners in self._of.items() if known.exists()}

    def release(self, path: Path, address: str, times: int = 1) -> bool:
        """Take uploads of an address back; tell whether there was one and nobody's is left."""
        with self._lock:
            owners = self._of.get(path, Counter[str]())
            is_own = owners[address] > 0
            owners -= Counter({address: times})
            if is_own and not owners:
                del self._of[path]
            return is_own and not owners


UPLOADS = Uploads()  # Of this process, as is the server.

# Where Gradio has begun to write the files of the request at hand.
_begun: ContextVar[list[Path] | None] = ContextVar("_begun", default=None)


class BoundedParser(route_utils.GradioMultiPartParser):
    """Gradio's parser of uploads, with few files in a request, and a note of each that it begins."""

    def __init__(self, *arguments: object, **options: object) -> None:
        counts = {"max_files": FILES_A_REQUEST, "max_fields": FIELDS_A_REQUEST}
        super().__init__(*arguments, **{**options, **counts})  # pyright: ignore[reportArgumentType]

    def on_headers_finished(self) -> None:
        """Begin a part, in a file of its own if it is one."""
        super().on_headers_finished()
        file, begun = self._current_part.file, _begun.get()
        if file is not None and begun is not None:
            begun.append(Path(str(file.file.name)))


# Gradio has no other way to set how many files a request may hold.
route_utils.GradioMultiPartParser = BoundedParser


def is_upload(scope: Scope) -> bool:
    """Whether a request brings a file."""
    return scope["type"] == "http" and scope["method"] == "POST" and scope["path"].startswith(UPLOAD_PATH)


@dataclass(frozen=True, slots=True)
class WholeUploads:
    """Notes whose the file of a request is; deletes what it has begun and not handed over.

    Says so when the disk is full.
    """

    app: ASGIApp

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on."""
        begun: list[Path] = []
        token = _begun.set(begun)
        try:
            await self.app(scope, receive, _noting(scope, send) if is_upload(scope) else send)
        except OSError as error:
            if error.errno not in (errno.ENOSPC, errno.EDQUOT):
                raise
            await refuse(HTTPStatus.INSUFFICIENT_STORAGE, DISK_FULL, scope, receive, send)
        finally:
            _begun.reset(token)
            for path in begun:  # A file that has been handed over has another name by now.
                path.unlink(missing_ok=True)


@dataclass(slots=True)
class UploadQuota:
    """Bounds what one address uploads in ten minutes; Gradio deletes uploads after half an hour."""

    app: ASGIApp
    now: Callable[[], float] = time.monotonic
    _uploads: dict[str, deque[tuple[float, int]]] = field(default_factory=dict)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Refuse an upload beyond the quota, or count it and pass it on."""
        if is_upload(scope):
            address = _caller(scope)
            size = int(Headers(scope=scope).get("content-length", UPLOAD_BYTES))
            if not self.admits(address, size):
                await refuse(HTTPStatus.TOO_MANY_REQUESTS, TOO_MANY_UPLOADS, scope, receive, send)
                return
        await self.app(scope, receive, send)

    def admits(self, address: str, size: int) -> bool:
        """Count an upload, unless its address is known and has sent too many files or bytes lately."""
        if address == UNKNOWN:
            return True
        recent = self._uploads.setdefault(address, deque())
        while recent and recent[0][0] < self.now() - QUOTA_SECONDS:
            recent.popleft()
        if len(recent) >= QUOTA_FILES or size + sum(length for _, length in recent) > QUOTA_BYTES:
            return False
        recent.append((self.now(), size))
        if len(self._uploads) > MAX_ADDRESSES:
            self._uploads.pop(next(iter(self._uploads)))
        return True


def _noting(scope: Scope, send: Send) -> Send:
    """Read in the answer to an upload which file it has become."""
    answer = bytearray()

    async def noted(message: Message) -> None:
        answer.extend(message.get("body", b""))
        is_whole = message["type"] == "http.response.body" and not message.get("more_body")
        if is_whole and answer.startswith(b"["):  # A list of paths; a refusal is a sentence.
            for path in json.loads(answer):
                UPLOADS.add(Path(os.path.realpath(path)), _caller(scope))
        await send(message)

    return noted


def _caller(scope: Scope) -> str:
    return name_caller(scope["client"][0]) if scope.get("client") else UNKNOWN
