"""Limits on requests, before anything reads them: their host, their path, their size, uploads per address.

ASGI middleware, which `launch()` takes by `app_kwargs`; each class keeps one rule.
"""

from collections.abc import Sequence
from http import HTTPStatus

from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import PlainTextResponse

from explorer.ui.limits.bodies import BodyLimit
from explorer.ui.limits.hosts import AllowedHosts
from explorer.ui.limits.paths import NOT_HERE, UsedPaths
from explorer.ui.limits.progress import LatestNotes
from explorer.ui.limits.uploads import UploadQuota, WholeUploads


def request_limits(allowed_hosts: Sequence[str]) -> list[Middleware]:
    """List the limits for `launch()`; a host may start with ``*.``, and ``*`` allows every host."""
    rules = (UsedPaths, BodyLimit, LatestNotes, UploadQuota, WholeUploads)
    return [Middleware(AllowedHosts, allowed_hosts=allowed_hosts), *map(Middleware, rules)]


def say_not_found(_request: Request, _error: Exception) -> PlainTextResponse:
    """Answer a call of an unknown name, which Gradio takes for a fault of its own."""
    return PlainTextResponse(NOT_HERE, HTTPStatus.NOT_FOUND)
