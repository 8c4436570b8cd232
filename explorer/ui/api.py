"""The programming interface: the lab's methods by stable names, typed and documented by their signatures.

Pictures go in as text (base64 of a file, a data URI, or an example's name) and come out as PNG data URIs: a
file path from outside is never opened.
"""

import binascii
from base64 import b64decode, b64encode
from collections.abc import Iterator
from contextlib import closing
from dataclasses import asdict, replace
from typing import Any

from gradio.events import api

from explorer.examples import EXAMPLES, load_example
from explorer.features.layers import LAYERS
from explorer.images import Picture, encode_jpeg, encode_png, read_picture
from explorer.inversion.settings import MAX_SEED, Settings, load_settings
from explorer.lab.lab import Lab
from explorer.lab.methods import METHODS, is_iterative
from explorer.lab.run import Reconstruction
from explorer.ui.components.arguments import mistake, one_of, whole_number
from explorer.ui.components.errors import clear_errors
from explorer.ui.listeners import Call
from explorer.ui.session.app_state import AppState
from explorer.ui.session.options import MAX_SECONDS, MAX_STEPS
from explorer.ui.tabs.live import RACES

NOT_BASE64 = (
    "The image must be an example's name, or a JPEG, PNG or WebP file in base64 (a data URI also works)."
)
UNHEARD = "Nobody listened to the answer, so the call was ended."

# How programs are called in the line of those who use the compute slot.
API = "a program"


def add_endpoints(state: AppState) -> None:
    """Offer /reconstruct, /optimise, /metrics, /layers and /health."""
    endpoints = Endpoints(state)
    slot = {"concurrency_id": RACES, "concurrency_limit": 1}
    api(endpoints.reconstruct, api_name="reconstruct", **slot)
    api(endpoints.optimise, api_name="optimise", **slot)
    api(endpoints.metrics, api_name="metrics", concurrency_limit=1)
    api(endpoints.layers, api_name="layers")
    api(endpoints.health, api_name="health", queue=False)


class Endpoints:
    """Translate between plain data and the lab."""

    def __init__(self, state: AppState) -> None:
        self._state = state

    def reconstruct(
        self, image: str, layer: str = "layer2", method: str = "decoder", steps: int = 100, seed: int = 0
    ) -> dict[str, Any]:
        """Bring a picture back from the features of one layer.

        Args:
            image: Base64 of a JPEG, PNG or WebP file, a data URI, or the name of an example.
            layer: layer1 to layer4; the command line takes any node of the network.
            method: decoder, refined (a decoder that looks again), linear, optimiser, or hybrid (the
                optimiser, started from the decoder's picture).
            steps: Evaluations of the network that optimiser and hybrid may use.
            seed: Seed of the noise that the optimiser starts from.

        Returns:
            image (PNG data URI), layer, method, steps, seconds, notice, and scores.
        """
        one_of("method", method, list(METHODS))
        settings = _settings(layer, method, steps, seed)
        picture, lab = read_text(image), self._state.lab
        with clear_errors(), self._state.queue.turn(API):
            made = _reconstruct_if_heard(lab, picture, layer, method, settings)
            return {**_describe(made), "scores": lab.score(picture, made).plain()}

    def optimise(
        self, image: str, layer: str = "layer2", method: str = "optimiser", steps: int = 100, seed: int = 0
    ) -> Iterator[dict[str, Any]]:
        """Stream the optimiser's steps as they are made, a few each second, the first and the last always.

        Args:
            image: Base64 of a JPEG, PNG or WebP file, a data URI, or the name of an example.
            layer: layer1 to layer4; the command line takes any node of the network.
            method: optimiser, or hybrid (started from the decoder's picture).
            steps: Evaluations of the network at most.
            seed: Seed of the noise that the optimiser starts from.

        Returns:
            image (JPEG data URI), step, evaluations, seconds, losses, psnr_db, state, notice.
        """
        one_of("method", method, list(filter(is_iterative, METHODS)))
        settings = _settings(layer, method, steps, seed)
        picture = read_text(image)
        call = _heard_call()
        with clear_errors():
            race = self._state.lab.race(picture, {layer: settings}, method=method)
        with self._state.queue.turn(API), closing(race.frames(MAX_SECONDS)) as frames:
            for frame in frames:
                if not call.is_heard:
                    return
                panel = frame.panels[layer]
                shown = {name: value for name, value in asdict(panel).items() if name != "pixels"}
                yield {"image": _data_uri("jpeg", encode_jpeg(panel.pixels)), **shown}

    def metrics(self, image: str, reference: str) -> dict[str, Any]:
        """Compare two pictures by PSNR, SSIM, LPIPS-Alex and the network's five likeliest classes.

        Args:
            image: Base64 of a JPEG, PNG or WebP file, a data URI, or the name of an example.
            reference: The picture to compare with, given the same way.

        Returns:
            The metrics that take no layer by their keys, such as psnr_db (null when equal), ssim, lpips and
            top5_agreement, and reasons (why a metric is missing).
        """
        reconstructed, original = read_text(image).images, read_text(reference).images
        return self._state.lab.scorer.compare(reconstructed, original).plain()

    def layers(self) -> list[dict[str, Any]]:
        """List the layers with their feature shapes and the methods that run for these weights."""
        return [self._describe_layer(layer) for layer in LAYERS]

    def health(self) -> dict[str, Any]:
        """Tell whether the models are ready, which weights run, and what is wrong if something is."""
        if self._state.failure or not self._state.is_open:
            return {"is_ready": False, "doing": self._state.doing, "failure": self._state.failure}
        backbone = self._state.lab.backbone
        return {
            "is_ready": self._state.is_ready,
            "doing": self._state.doing,
            "weights": backbone.name,
            "digest": backbone.digest,
            "is_fallback": backbone.is_fallback,
            "notice": backbone.notice,
        }

    def _describe_layer(self, layer: str) -> dict[str, Any]:
        lab = self._state.lab
        reasons = {method: lab.unavailable(layer, method) for method in METHODS}
        return {
            "layer": layer,
            "shape": self._state.shapes.get(layer),
            "methods": [method for method, reason in reasons.items() if reason is None],
            "unavailable": {method: reason for method, reason in reasons.items() if reason},
        }


def read_text(image: str) -> Picture:
    """Read a picture given as text.

    Raises:
        gr.Error: it is neither an example's name nor a usable picture; the message says what to do.
    """
    if not isinstance(image, str):
        raise mistake(NOT_BASE64)
    if image in EXAMPLES:
        return load_example(image)
    try:
        content = b64decode(image.partition("base64,")[2] or image, validate=True)
    except (binascii.Error, ValueError) as error:
        raise mistake(NOT_BASE64) from error
    with clear_errors():
        return read_picture(content, name="picture")


def _settings(layer: str, method: str, steps: int, seed: int) -> Settings:
    """Build the settings of a call; no program holds the compute slot for longer than a visitor could.

    Raises:
        gr.Error: the layer is none, or a number is none or out of range; the message says what is allowed.
    """
    return replace(
        load_settings(one_of("layer", layer, LAYERS), method),
        evaluations=whole_number("steps", steps, 1, MAX_STEPS),
        seed=whole_number("seed", seed, 0, MAX_SEED),
        seconds=MAX_SECONDS,
    )


def _heard_call() -> Call:
    """Name the call at hand.

    Raises:
        gr.Error: nobody listens to it; the compute slot is for those who wait for an answer.
    """
    call = Call.current()
    if not call.await_listener():
        raise mistake(UNHEARD)
    return call


def _reconstruct_if_heard(
    lab: Lab, picture: Picture, layer: str, method: str, settings: Settings
) -> Reconstruction:
    """Reconstruct as `Lab.reconstruct` does, but end as soon as nobody listens any more.

    Raises:
        gr.Error: nobody listens.
    """
    call = _heard_call()
    if not is_iterative(method):
        return lab.reconstruct(picture, layer, method)
    with closing(lab.run(picture, layer, method, settings)) as run:
        for _ in run:
            if not call.is_heard:
                raise mistake(UNHEARD)
        return run.reconstruction()


def _describe(made: Reconstruction) -> dict[str, Any]:
    return {
        "image": _data_uri("png", encode_png(made.images)),
        "layer": made.layer,
        "method": made.method,
        "steps": made.evaluations,
        "seconds": made.seconds,
        "notice": made.notice,
    }


def _data_uri(kind: str, content: bytes) -> str:
    return f"data:image/{kind};base64,{b64encode(content).decode('ascii')}"
