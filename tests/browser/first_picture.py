"""Measure how soon the page without a server decodes a visitor's own photo, over a line of 50 Mbit/s:

python -m tests.browser.first_picture FOLDER, with the folder that `make site` has written.
"""

import json
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from playwright.sync_api import BrowserContext, FilePayload, sync_playwright

from explorer.examples import load_example
from explorer.images import encode_png
from tests.support.chromium import DESKTOP, find_chromium

MEGABITS = 50
LATENCY_MS = 20
WAIT_MS = 120_000
CACHED_VISITS = 3
LOOK_MS = 3000
# Notes when the stage first shows each layer of an own photo, in milliseconds since the page was asked for.
WATCH = """
window.shownAt = {};
document.addEventListener("stage:value", ({ detail: { isLive, value } }) => {
  if (isLive || !value.run.startsWith("own")) return;
  for (const layer of Object.keys(value.panels)) window.shownAt[layer] ??= performance.now();
});
"""


@dataclass(frozen=True, slots=True)
class Visit:
    """When each layer's picture was there after the clock began, and how much had come before the first."""

    seconds: dict[str, float]
    megabytes: float


class _Counting(SimpleHTTPRequestHandler):
    """Serves files, and counts what it sends."""

    sent = 0

    def copyfile(self, source: Any, outputfile: Any) -> None:
        while piece := source.read(64 * 1024):
            outputfile.write(piece)
            type(self).sent += len(piece)

    def log_message(self, format: str, *args: object) -> None:
        pass


@contextmanager
def serving(folder: Path) -> Iterator[str]:
    """Serve a folder as a host of files does."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(_Counting, directory=str(folder)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/?device=wasm"
    server.shutdown()
    server.server_close()


def visit(context: BrowserContext, address: str, pause_ms: int) -> Visit:
    """Open the page over the slow line, give it a photo, and wait for its four pictures.

    The clock begins when the page is asked for, or, where the visitor looks at it for `pause_ms` before, when
    the photo is given.
    """
    page = context.new_page()
    page.set_default_timeout(WAIT_MS)
    page.add_init_script(WATCH)
    rate = MEGABITS * 1e6 / 8
    line = {"offline": False, "latency": LATENCY_MS, "downloadThroughput": rate, "uploadThroughput": rate}
    session = context.new_cdp_session(page)
    session.send("Network.enable")
    session.send("Network.emulateNetworkConditions", line)
    before = _Counting.sent
    page.goto(address, wait_until="commit")
    photo = FilePayload(name="a.png", mimeType="image/png", buffer=encode_png(load_example("coffee").images))
    begun = 0.0
    if pause_ms:
        page.wait_for_timeout(pause_ms)
        begun = page.evaluate("performance.now()")
    page.set_input_files("#picture input[type=file] >> nth=0", photo)
    page.wait_for_function("Object.keys(window.shownAt).length > 0")
    come = _Counting.sent - before
    page.wait_for_function("Object.keys(window.shownAt).length === 4")
    seconds = {layer: round((ms - begun) / 1000, 1) for layer, ms in page.evaluate("window.shownAt").items()}
    page.close()
    return Visit(seconds, come / 1e6)


def main() -> None:
    """Print the first visit's numbers, then those of visits by a browser that has the files already."""
    with serving(Path(sys.argv[1])) as address, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=find_chromium(), args=["--no-sandbox"])
        context = browser.new_context(viewport=DESKTOP)
        returning = [("cached", 0), ("cached, the photo after a look at the page", LOOK_MS)]
        for kind, pause_ms in [("first", 0), *returning * CACHED_VISITS]:
            found = visit(context, address, pause_ms)
            before = f"{found.megabytes:.1f} MB before the first picture"
            sys.stdout.write(f"{kind}: {before}; seconds {json.dumps(found.seconds)}\n")
        browser.close()


if __name__ == "__main__":
    main()
