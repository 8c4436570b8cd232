"""A visitor's own pictures on the page without a server: Python's numbers, and nothing leaves the device."""

import base64
import json
import re
import threading
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import pytest
import torch
from playwright.sync_api import Browser, FilePayload, Page

from explorer.browser.bundle import describe, write_bundle
from explorer.browser.runtime import RuntimeUnavailableError, fetch_runtime
from explorer.examples import load_example
from explorer.images import Picture, encode_png
from explorer.inversion.parameterisations import CosineTransform, Spectrum
from explorer.inversion.settings import Settings, load_settings
from explorer.lab.between import doubt, mix
from explorer.lab.lab import Lab
from explorer.metrics.functional import psnr
from explorer.metrics.lpips import Lpips
from explorer.ui.session.app_state import AppState
from explorer.ui.site.build import BUNDLE, write_site
from tests.support.actions import choose_decoder, wait_for
from tests.support.chromium import DESKTOP, Watched
from tests.support.scripts import ASK, COMPUTE_BY_GPU, GPU_FLAGS

pytestmark = [
    pytest.mark.browser,
    pytest.mark.slow,
    pytest.mark.xdist_group("site"),
    pytest.mark.timeout(900),
]
DECODED = "document.querySelectorAll('#instant .panel img:not([hidden])').length === 5"
OPEN = {"task": "open", "wanted": "wasm", "threads": 1}


@pytest.fixture(scope="module")
def host(refined_lab: Lab, site: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a page of one example that can compute, on a server of files alone."""
    try:
        runtime = fetch_runtime()
    except RuntimeUnavailableError as error:
        pytest.skip(str(error))
    folder: Path = tmp_path_factory.mktemp("own")
    state = AppState(lambda: refined_lab)
    state.open()
    list(write_bundle(refined_lab.models, runtime, folder / BUNDLE))
    with pytest.MonkeyPatch.context() as patch:  # What is recorded of the example is there already.
        patch.setattr("explorer.ui.site.build.make_content", lambda *_: None)
        recorded = (site / "data" / "picture1.js").read_text(encoding="utf-8")
        patch.setattr("explorer.ui.site.build.write_content", lambda _: recorded)
        pictures = {"cat": (load_example("cat"), "cat")}
        list(write_site(state, pictures, folder, describe(refined_lab.models)))
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(_Quiet, directory=str(folder)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/"
    server.shutdown()
    server.server_close()


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture
def watched(chromium: Browser, host: str) -> Iterator[Watched]:
    context = chromium.new_context(viewport=DESKTOP)
    watched = Watched(context.new_page())
    watched.watch(host)
    watched.page.set_default_timeout(120_000)
    watched.page.goto(f"{host}?device=wasm")
    wait_for(watched.page, DECODED)
    yield watched
    context.close()
    assert watched.errors == []
    assert watched.strangers == []


def ask(page: Page, *tasks: dict) -> list[dict]:
    return json.loads(page.evaluate(ASK, [[OPEN, *tasks]]))


def write(images: torch.Tensor) -> str:
    return base64.b64encode(images.contiguous().numpy().tobytes()).decode()


def read(text: str) -> torch.Tensor:
    values = np.frombuffer(base64.b64decode(text), np.float32)
    return torch.from_numpy(values.copy()).view(1, 3, 224, 224)


def upload(page: Page, name: str) -> None:
    content = encode_png(load_example(name).images)
    files = FilePayload(name=f"{name}.png", mimeType="image/png", buffer=content)
    page.set_input_files("#picture input[type=file] >> nth=0", files)


@pytest.mark.parametrize("name", ["cat", "coffee", "rocket"])
def test_a_decoded_picture_is_python_s_within_one_grey_level(
    watched: Watched, refined_lab: Lab, name: str
) -> None:
    given = load_example(name)
    heard = ask(watched.page, {"task": "decode", "picture": write(given.images), "method": "faithful"})
    assert [one for one in heard if one["kind"] == "failed"] == []
    decoded = {one["layer"]: read(one["panel"]["picture"]) for one in heard if one["kind"] == "decoded"}
    measured: dict[str, dict] = {}
    for one in heard:
        if one["kind"] == "measured":
            measured.setdefault(one["layer"], {}).update(one)
    assert set(decoded) == {"layer1", "layer2", "layer3", "layer4"}
    for layer, images in decoded.items():
        at = refined_lab.at(layer)
        made = at.reconstruct(given, "linear" if at.unavailable("decoder") else "decoder")
        assert (images - made.images).abs().max() < 1 / 255
        scores = refined_lab.score(given, made)
        assert measured[layer]["feature"] == pytest.approx(scores["feature_error"], abs=1e-3)
        assert measured[layer]["ssim"] == pytest.approx(scores["ssim"], abs=1e-3)
        assert measured[layer]["thumbnail"] == pytest.approx(scores["thumbnail_side"], abs=1)
        lpips = float(Lpips()(images, given.images))
        assert measured[layer]["lpips"] == pytest.approx(lpips, abs=2e-3)  # By kernels of seven digits.


def test_second_looks_tell_what_python_s_tell(watched: Watched, refined_lab: Lab) -> None:
    given = load_example("cat")
    heard = ask(watched.page, {"task": "decode", "picture": write(given.images), "method": "faithful"})
    (told,) = [one for one in heard if one["kind"] == "asked"]  # Other layers have one decoder.
    between = mix(refined_lab, given, "layer1")
    doubts = doubt(refined_lab, given, refined_lab.at("layer1").reconstruct(given, "decoder"))
    assert between is not None
    assert doubts is not None
    assert (told["layer"], told["second"]) == ("layer1", doubts.second)
    assert told["blocks"] == pytest.approx(doubts.blocks.flatten().tolist(), abs=1e-5)
    assert told["foresight"] == pytest.approx(doubts.foresight, abs=0.005)
    assert told["mixtures"]["psnr_db"] == pytest.approx(between.psnr_db, abs=0.01)
    assert (read(told["mixtures"]["likely"]) - between.likely).abs().max() < 1 / 255


@pytest.mark.parametrize(
    ("layer", "evaluations", "near_db"), [("layer1", 30, 0.3), ("layer3", 30, 0.3), ("layer3", 10, 0.05)]
)
def test_thirty_evaluations_come_as_far_as_python_s(
    watched: Watched, refined_lab: Lab, layer: str, evaluations: int, near_db: float
) -> None:
    given = load_example("cat")
    # Not from grey, where all neighbours are equal, and rounding would decide which of them a pooling takes.
    changes = {"evaluations": evaluations, "start": "noise"}
    settings = load_settings(layer, precision="float32", **changes)
    noise = torch.randn(given.images.shape, generator=torch.Generator().manual_seed(settings.seed))
    heard = ask(
        watched.page,
        {"task": "decode", "picture": write(given.images)},
        {
            "task": "invert",
            "method": "optimiser",
            "preset": "balanced",
            "layers": [layer],
            "changes": changes,
            "parameters": write(settings.noise * noise),
        },
    )
    steps = [one["panel"] for one in heard if one["kind"] == "step"]
    assert steps[-1]["evaluations"] == evaluations
    # At layer3 rounding alone turns Python's own thirty evaluations by up to .6 dB, its first ten by .01.
    reached = [invert(refined_lab, layer, given, rounding, settings) for rounding in (0.0, 1e-6, 2e-6)]
    assert min(reached) - near_db <= steps[-1]["psnr_db"] <= max(reached) + near_db


def invert(lab: Lab, layer: str, given: Picture, rounding: float, settings: Settings) -> float:
    """Run Python's optimiser on a picture changed by so little, and give its PSNR in dB."""
    generator = torch.Generator().manual_seed(0)
    changed = replace(
        given, images=given.images + rounding * torch.randn(given.images.shape, generator=generator)
    )
    run = lab.at(layer).run(changed, "optimiser", settings)
    for _ in run:
        pass
    return float(psnr(run.reconstruction().images, given.images))


def test_a_photo_is_decoded_and_searched_for_without_a_request(watched: Watched) -> None:
    page = watched.page
    upload(page, "coffee")  # Run waits for it.
    page.click("#tab-live")
    requests: list[str] = []
    page.select_option("#own-live [name=preset]", "fast")
    page.click("#run")
    # It is there when the run is over: eighty evaluations, each a second and more on a busy machine.
    page.wait_for_selector("#live .player:not([hidden])", timeout=400_000)
    page.on("request", lambda request: requests.append(request.url))
    page.click("#tab-instant")
    upload(page, "rocket")
    wait_for(page, "document.querySelector('#instant .stage').dataset.busy === 'no'")
    assert [url for url in requests if not url.startswith(("data:", "blob:"))] == []
    with page.expect_worker():  # Its files are kept now: it waits for the next photo before there is one.
        page.reload()


def test_an_own_photo_has_its_dial_and_its_veil(watched: Watched) -> None:
    page = watched.page
    upload(page, "coffee")
    dial = page.locator("#instant .dial input")
    wait_for(page, "document.querySelector('#instant .dial input').value === '0'")  # An example's has 25.
    panel = page.locator('#instant [data-panel="layer1"]')
    faithful_db = panel.locator(".psnr b").inner_text()
    said = page.inner_text("#instant .dial output")
    assert re.fullmatch(rf"layer1: PSNR {faithful_db} dB, LPIPS \d\.\d\d", said)
    assert page.is_visible("#instant .dial svg")
    dial.fill("100")
    assert panel.locator(".note").inner_text() == "100 % of the likely picture"
    assert panel.locator(".likely").evaluate("image => image.style.opacity") == "1"
    page.click("#instant .veils")
    assert page.locator("#instant .veil:visible").count() == 1
    assert panel.locator(".foresight").inner_text().startswith("Foretells the errors: ")
    choose_decoder(page, "consistent")
    wait_for(page, "document.querySelector('#instant .dial input').value === '100'")


def test_a_picture_too_small_is_refused_with_a_sentence(watched: Watched) -> None:
    content = encode_png(load_example("cat").images[..., :16, :16])
    files = FilePayload(name="small.png", mimeType="image/png", buffer=content)
    watched.page.set_input_files("#picture input[type=file] >> nth=0", files)
    watched.page.wait_for_selector("#picture [role=status]:text('This image is 16x16; use at least 32x32.')")


def test_a_file_that_is_no_picture_is_refused_with_a_sentence(watched: Watched) -> None:
    files = FilePayload(name="notes.txt", mimeType="text/plain", buffer=b"hello")
    watched.page.set_input_files("#picture input[type=file] >> nth=0", files)
    watched.page.wait_for_selector("#picture [role=status]:text('no picture that this browser can read')")


def test_a_graphics_device_computes_the_same(chromium: Browser, chromium_path: str, host: str) -> None:
    browser = chromium.browser_type.launch(executable_path=chromium_path, args=["--no-sandbox", *GPU_FLAGS])
    page = browser.new_page()
    page.set_default_timeout(240_000)
    page.goto(host)
    if not page.evaluate("async () => Boolean(await navigator.gpu?.requestAdapter())"):
        pytest.skip("this Chromium has no graphics device, not even one made of software")
    images = load_example("cat").images
    found = read(page.evaluate(COMPUTE_BY_GPU, [write(images)]))
    browser.close()
    expected = Spectrum(CosineTransform(224, 224), 1.0).encode(images)
    assert (found - expected).norm() < 1e-4 * expected.norm()
