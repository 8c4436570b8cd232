"""The proof: our presets and the reference loops on the same pictures, step by step in turns.

The method that has computed least goes next, so that other load on the machine falls on all alike. Every
picture's curves are written down as soon as they are whole: the same command goes on where it was cut off.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path

from tqdm import tqdm

from explorer.benchmarks.baselines import BEST_LEARNING_RATES, adam, follow_loop, mahendran_vedaldi
from explorer.benchmarks.curve import Curve, Point, append_curves, read_curves
from explorer.errors import MetricUnavailable
from explorer.images import Images, Picture, quantise
from explorer.inversion.invert import Step, Steps
from explorer.inversion.settings import Settings, SettingsError
from explorer.lab.lab import Lab
from explorer.lab.run import Run, take_turns
from explorer.metrics.functional import psnr, ssim
from explorer.metrics.lpips import Lpips

OURS = {"cold": "optimiser", "hybrid": "hybrid"}
ADAM, MAHENDRAN_VEDALDI = "adam", "mahendran-vedaldi"
METHODS = (*OURS, ADAM, MAHENDRAN_VEDALDI)
REFERENCE_EVALUATIONS = 200
# The first iterate from here on, and the last, are measured by SSIM and LPIPS too.
MARKS = (1, 10, 25, 60, 120)
WARM_UP_STEPS = 3


@dataclass(frozen=True, slots=True)
class Contest:
    """One picture and layer, and the settings of our methods by name."""

    lab: Lab
    picture: Picture
    layer: str
    settings: dict[str, Settings]
    lpips: Lpips


def split_methods(methods: str) -> list[str]:
    """Split a comma-separated list of methods; raises SettingsError for one that there is not."""
    names = [name.strip() for name in methods.split(",")]
    for name in names:
        if name not in METHODS:
            raise SettingsError(f"Unknown method '{name}': use {', '.join(METHODS)}.")
    return names


def prove(
    lab: Lab,
    pictures: Sequence[Picture],
    settings: dict[str, dict[str, Settings]],
    methods: Sequence[str],
    folder: Path,
) -> list[Curve]:
    """Run every method that the folder does not know yet; return all curves of these pictures.

    Args:
        settings: By layer, then by method.
    """
    curves = read_curves(folder)
    done = {(curve.picture, curve.layer, curve.method) for curve in curves}
    warm: set[str] = set()
    lpips = Lpips()
    blocks = [(picture, layer) for picture in pictures for layer in settings]
    for picture, layer in tqdm(blocks, "proof", disable=None):
        contest = Contest(lab, picture, layer, settings[layer], lpips)
        missing = [method for method in methods if (picture.name, layer, method) not in done]
        if missing and layer not in warm:
            _warm_up(contest, missing)
            warm.add(layer)
        found = compete(contest, missing)
        append_curves(folder, found)
        curves += found
    names = {picture.name for picture in pictures}
    return [curve for curve in curves if curve.picture in names and curve.layer in settings]


def compete(contest: Contest, methods: Sequence[str]) -> list[Curve]:
    """Run the methods in turns to their ends."""
    records = {method: _Record(contest, method) for method in methods}
    runs = {_start(contest, method): records[method] for method in methods}
    for run in take_turns(runs):
        runs[run].add(run)
    return [record.curve() for record in records.values()]


def _warm_up(contest: Contest, methods: Sequence[str]) -> None:
    """Take a few steps that nobody measures: the first ones load models and choose kernels."""
    for method in methods:
        for _ in islice(_start(contest, method), WARM_UP_STEPS):
            pass


def _start(contest: Contest, method: str) -> Run:
    lab, picture, layer = contest.lab, contest.picture, contest.layer
    if method in OURS:
        return lab.run(picture, layer, OURS[method], contest.settings[method])
    original = picture.images.to(lab.device)
    loop = adam(BEST_LEARNING_RATES[layer]) if method == ADAM else mahendran_vedaldi()
    steps = _bounded(follow_loop(loop, lab.backbone.network, layer, original), REFERENCE_EVALUATIONS)
    return Run(steps, original, layer=layer, method=method)


def _bounded(steps: Steps, count: int) -> Steps:
    """Yield the first steps; the first whose loss is no number has a notice and is the last."""
    for step in islice(steps, count):
        if not math.isfinite(step.losses["total"]):
            yield replace(step, notice=f"Optimisation became unstable at step {step.index}.")
            return
        yield step


class _Record:
    """The points that one method's run has reached."""

    def __init__(self, contest: Contest, method: str) -> None:
        self._contest = contest
        self._method = method
        self._original = contest.picture.images.to(contest.lab.device)
        self._points: list[Point] = []
        self._last: Images | None = None
        self._failure: str | None = None

    def add(self, run: Run) -> None:
        """Measure the step that the run has just taken, or its end, outside its seconds."""
        if run.state == "diverged":
            self._failure = run.notice
        elif run.state == "running":
            self._measure(run.latest)
        if run.has_ended and self._last is not None and self._points[-1].ssim is None:
            self._points[-1] = self._score(self._points[-1], self._last)

    def curve(self) -> Curve:
        """Return what the run has left."""
        contest = self._contest
        precision = "float32"
        if self._method in OURS:
            precision = contest.settings[self._method].settle(contest.lab.device).precision
        points = tuple(self._points)
        return Curve(contest.picture.name, contest.layer, self._method, precision, points, self._failure)

    def _measure(self, step: Step) -> None:
        before = self._points[-1].evaluations if self._points else 0
        psnr_db = float(psnr(quantise(step.images), self._original))
        point = Point(step.evaluations, step.seconds, psnr_db, step.losses["feature"])
        is_marked = any(before < mark <= step.evaluations for mark in MARKS)
        self._points.append(self._score(point, step.images) if is_marked else point)
        self._last = step.images

    def _score(self, point: Point, images: Images) -> Point:
        images = quantise(images)
        try:
            perceptual = float(self._contest.lpips(images, self._original))
        except MetricUnavailable:
            perceptual = None
        return replace(point, ssim=float(ssim(images, self._original)), lpips=perceptual)
