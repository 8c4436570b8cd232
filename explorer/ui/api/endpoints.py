"""The endpoints: the lab's methods by stable names, typed and documented by their signatures."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Any

import gradio as gr
from gradio.events import api

from explorer.experiments import follow_experiment
from explorer.features.recorded import RecordedFeatures
from explorer.ui.api.answers import (
    describe_features,
    describe_health,
    describe_layer,
    describe_panel,
    describe_reconstruction,
    describe_result,
)
from explorer.ui.api.layers import speak_of
from explorer.ui.api.requests import check_question, make_settings, read_source, read_text
from explorer.ui.bounds import MAX_SECONDS, list_endpoints
from explorer.ui.components.arguments import mistake
from explorer.ui.components.checked_blocks import CheckedBlocks
from explorer.ui.components.errors import clear_errors
from explorer.ui.jobs.experiment import ExperimentJob
from explorer.ui.jobs.race import RaceJob
from explorer.ui.jobs.reconstruction import ReconstructionJob
from explorer.ui.queue.following import follow
from explorer.ui.queue.ticket import Job
from explorer.ui.session.app_state import AppState

ENDED = "The call was stopped before its picture was ready."


def add_endpoints(state: AppState, page: CheckedBlocks) -> None:
    """Offer the endpoints of programs, each within its bounds."""
    page.endpoints = list_endpoints(state.network.layers)
    endpoints = Endpoints(state, page)
    for endpoint in (endpoints.reconstruct, endpoints.optimise, endpoints.explore):
        told = speak_of(endpoint, state.network.layers)
        api(told, api_name=endpoint.__name__, concurrency_limit=None)  # They wait in the queue of runs.
    told = speak_of(endpoints.features, state.network.layers)
    api(told, api_name="features", concurrency_limit=1)
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
            image: Base64 of a JPEG, PNG or WebP file, a data URI, or the name of an example; or base64 of a
                safetensors file of features, as /features gives it.
            layer: layer1 to layer4; the command line takes any node of the network.
            method: decoder, refined (a decoder that looks again), linear, optimiser, or hybrid (the
                optimiser, started from the decoder's picture).
            steps: Evaluations of the network that optimiser and hybrid may use.
            seed: Seed of the noise that the optimiser starts from.

        Returns:
            image (PNG data URI), layer, method, steps, seconds, notice, and scores.
        """
        settings = make_settings(layer, method, steps, seed, self._state.network.layers)
        picture = await asyncio.to_thread(read_source, image, layer)
        lab = await asyncio.to_thread(lambda: self._state.lab)
        if isinstance(picture, RecordedFeatures):
            with clear_errors():
                await asyncio.to_thread(lab.at(layer).encode, picture)
        job = ReconstructionJob(lab, picture, layer, method, settings)
        async with aclosing(self._follow(job, request)) as results:
            async for made, scores in results:
                return {**describe_reconstruction(made), "scores": scores.plain()}
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
        settings = {layer: make_settings(layer, method, steps, seed, self._state.network.layers)}
        picture = await asyncio.to_thread(read_text, image)
        job = RaceJob(lambda: self._state.lab.race(picture, settings, method=method), steps, MAX_SECONDS)
        async with aclosing(self._follow(job, request)) as frames:
            async for frame in frames:
                yield describe_panel(frame.panels[layer], is_over=job.is_over)

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
            name: surgery, invariances, blend, depth, matrix, backbones, leak or matrix_edit.
            images: Base64 of JPEG, PNG or WebP files, data URIs, or names of examples; blend takes two.
            layers: layer1 to layer4; the experiment's own when left out.
            options: By name, as `python -m explorer explore NAME --help` lists them.

        Returns:
            pictures (name, caption, layer, and image as PNG data URI), results (rows), sentences, charts, and
            is_complete, which is false where time ran out.
        """
        check_question(name, len(images), options or {})
        pictures = [await asyncio.to_thread(read_text, image) for image in images]
        lab, chosen = await asyncio.to_thread(lambda: self._state.lab), options or {}
        job = ExperimentJob(
            lambda: follow_experiment(name, lab, pictures, layers or (), **chosen), MAX_SECONDS
        )
        async with aclosing(self._follow(job, request)) as updates:
            results = [result async for result in updates]
        if not results:
            raise mistake(ENDED)
        return await asyncio.to_thread(describe_result, results[-1])

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

    def features(self, image: str, layer: str = "layer2") -> dict[str, Any]:
        """Give the features of a picture at one layer, as a file that /reconstruct takes.

        Args:
            image: Base64 of a JPEG, PNG or WebP file, a data URI, or the name of an example.
            layer: layer1 to layer4; the command line takes any node of the network.

        Returns:
            file (safetensors as data URI), layer, shape, weights, and digest.
        """
        picture = read_text(image)
        return describe_features(self._state.lab.record(picture, [layer]), layer)

    def layers(self) -> list[dict[str, Any]]:
        """List the layers with their feature shapes and the methods that run for these weights."""
        lab = self._state.lab
        return [describe_layer(lab, layer) for layer in lab.layers]

    def health(self) -> dict[str, Any]:
        """Tell whether the models are ready, which weights run, and what is wrong if something is."""
        return describe_health(self._state)

    async def _follow(self, job: Job, request: gr.Request) -> AsyncGenerator[Any, None]:
        """Queue a program's job up and yield what it makes."""
        async with aclosing(follow(self._state.queue, self._page, job, request, is_program=True)) as items:
            async for item, _ in items:
                if item is not None:
                    yield item
