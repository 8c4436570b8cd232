"""The programming interface: the lab's methods by stable names, typed and documented by their signatures.

Pictures go in as text (base64 of a file, a data URI, or an example's name) and come out as PNG data URIs: a
file path from outside is never opened.
"""

import asyncio
import binascii
from base64 import b64decode
from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing
from dataclasses import asdict, replace
from typing import Any

import gradio as gr
from gradio.events import api

from explorer.examples import EXAMPLES, load_example
from explorer.experiments import EXPERIMENTS, follow_experiment
from explorer.experiments.experiment import Result, knobs
from explorer.features.layers import LAYERS
from explorer.images import Picture, encode_jpeg, encode_png, read_picture
from explorer.inversion.settings import MAX_SEED, Settings, load_settings
from explorer.lab.methods import METHODS, is_iterative
from explorer.lab.run import Reconstruction
from explorer.ui.components.arguments import mistake, one_of, whole_number
from explorer.ui.components.errors import clear_errors
from explorer.ui.session.app_state import AppState
from explorer.ui.session.experiment_job import ExperimentJob
from explorer.ui.session.following import follow
from explorer.ui.session.options import MAX_EVALUATIONS, MAX_SECONDS
from explorer.ui.session.race_job import RaceJob
from explorer.ui.session.reconstruction_job import ReconstructionJob
from explorer.ui.session.ticket import Job
from explorer.ui.stage import data_uri

NOT_BASE64 = (
    "The image must be an example's name, or a JPEG, PNG or WebP file in base64 (a data URI also works)."
)
NO_FILES = (
    "{name} is a file of the server, which programs cannot name; the command line and the page take it."
)
ENDED = "The call was stopped before its picture was ready."


def add_endpoints(state: AppState, page: gr.Blocks) -> None:
    """Offer /reconstruct, /optimise, /explore, /metrics, /layers and /health."""
    endpoints = Endpoints(state, page)
    # These three wait in the queue of runs.
    api(endpoints.reconstruct, api_name="reconstruct", concurrency_limit=None)
    api(endpoints.optimise, api_name="optimise", concurrency_limit=None)
    api(endpoints.explore, api_name="explore", concurrency_limit=None)
    api(endpoints.metrics, api_name="metrics", concurrency_limit=1)
    api(endpoints.layers, api_name="layers")
    api(endpoints.health, api_name="health", queue=False)


class Endpoints:
    """Translate between plain data and the lab."""

    def __init__(self, state: AppState, page: gr.Blocks) -> None:
        self._state = state
        self._page = page

    async def reconstruct(
        self,
        request: gr.Request,
        image: str,
        layer: str = "layer2",
        method: str = "decoder",
        steps: int = 100,
        seed: int = 0,
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
        picture = await asyncio.to_thread(read_text, image)
        lab = await asyncio.to_thread(lambda: self._state.lab)
        job = ReconstructionJob(lab, picture, layer, method, settings)
        async with aclosing(self._follow(job, request)) as results:
            async for made in results:
                return {**_describe(made.reconstruction), "scores": made.scores.plain()}
        raise mistake(ENDED)

    async def optimise(
        self,
        request: gr.Request,
        image: str,
        layer: str = "layer2",
        method: str = "optimiser",
        steps: int = 100,
        seed: int = 0,
    ) -> AsyncGenerator[dict[str, Any], None]:
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
        settings = {layer: _settings(layer, method, steps, seed)}
        picture = await asyncio.to_thread(read_text, image)
        job = RaceJob(lambda: self._state.lab.race(picture, settings, method=method), steps, MAX_SECONDS)
        async with aclosing(self._follow(job, request)) as frames:
            async for frame in frames:
                panel = frame.panels[layer]
                is_paused = panel.state == "stopped" and not job.is_over
                shown = replace(panel, state="running") if is_paused else panel
                plain = {name: value for name, value in asdict(shown).items() if name != "pixels"}
                yield {"image": data_uri(encode_jpeg(panel.pixels)), **plain}

    async def explore(
        self,
        request: gr.Request,
        name: str,
        images: list[str],
        layers: list[str] | None = None,
        options: dict[str, Any] | None = None,
    ) -> dict[str, Any]:
        """Run one experiment on what layers keep.

        Args:
            name: surgery, invariances, blend, depth, matrix or backbones.
            images: Base64 of JPEG, PNG or WebP files, data URIs, or names of examples; blend takes two.
            layers: layer1 to layer4; the experiment's own when left out.
            options: By name, as `python -m explorer explore NAME --help` lists them.

        Returns:
            pictures (name, caption, layer, and image as PNG data URI), results (rows), sentences, charts, and
            is_complete, which is false where time ran out.
        """
        one_of("experiment", name, list(EXPERIMENTS))
        for layer in layers or []:
            one_of("layer", layer, LAYERS)
        refuse_files(name, options or {})
        pictures = [await asyncio.to_thread(read_text, image) for image in images]
        lab, chosen = await asyncio.to_thread(lambda: self._state.lab), options or {}
        job = ExperimentJob(
            lambda: follow_experiment(name, lab, pictures, layers or (), **chosen), MAX_SECONDS
        )
        async with aclosing(self._follow(job, request)) as updates:
            results = [result async for result in updates]
        if not results:
            raise mistake(ENDED)
        return await asyncio.to_thread(_describe_result, results[-1])

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
        loading = self._state.loading
        if loading.failure or not loading.is_open:
            return {"is_ready": False, "doing": loading.doing, "failure": loading.failure}
        backbone = loading.lab.backbone
        return {
            "is_ready": loading.is_ready,
            "runs": len(self._state.queue),
            "doing": loading.doing,
            "weights": backbone.name,
            "digest": backbone.digest,
            "is_fallback": backbone.is_fallback,
            "notice": backbone.notice,
        }

    async def _follow(self, job: Job, request: gr.Request) -> AsyncGenerator[Any, None]:
        """Queue a program's job up and yield what it makes."""
        async with aclosing(follow(self._state.queue, self._page, job, request, is_program=True)) as items:
            async for item, _ in items:
                if item is not None:
                    yield item

    def _describe_layer(self, layer: str) -> dict[str, Any]:
        lab = self._state.lab
        reasons = {method: lab.unavailable(layer, method) for method in METHODS}
        return {
            "layer": layer,
            "shape": self._state.loading.shapes.get(layer),
            "methods": [method for method, reason in reasons.items() if reason is None],
            "unavailable": {method: reason for method, reason in reasons.items() if reason},
        }


def refuse_files(name: str, options: Mapping[str, Any]) -> None:
    """Raise gr.Error for an option that holds a path of this server."""
    for key, knob in knobs(EXPERIMENTS[name].options).items():
        if knob.is_file and options.get(key):
            raise mistake(NO_FILES.format(name=key))


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
        evaluations=whole_number("steps", steps, 1, MAX_EVALUATIONS),
        seed=whole_number("seed", seed, 0, MAX_SEED),
        seconds=MAX_SECONDS,
    )


def _describe_result(result: Result) -> dict[str, Any]:
    return {
        "pictures": [
            {
                "name": one.name,
                "caption": one.caption,
                "layer": one.layer,
                "image": data_uri(encode_png(one.images), "png"),
            }
            for one in result.pictures
        ],
        "results": [dict(row) for row in result.rows],
        "sentences": list(result.sentences),
        "charts": [asdict(chart) for chart in result.charts],
        "is_complete": result.progress >= 1,
    }


def _describe(made: Reconstruction) -> dict[str, Any]:
    return {
        "image": data_uri(encode_png(made.images), "png"),
        "layer": made.layer,
        "method": made.method,
        "steps": made.evaluations,
        "seconds": made.seconds,
        "notice": made.notice,
    }
