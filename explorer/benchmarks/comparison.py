"""The proof: our presets and the reference loops on the same pictures, step by step in turns.

The method that has computed least goes next, so that other load on the machine falls on all alike. Every
picture's curves are written down as soon as they are whole: the same command goes on where it was cut off.
"""

import math
from collections.abc import Generator, Sequence
from dataclasses import dataclass, field, replace
from itertools import islice
from pathlib import Path
from time import perf_counter

from tqdm import tqdm

from explorer.benchmarks.baselines import BEST_LEARNING_RATES, adam, follow_loop, mahendran_vedaldi
from explorer.benchmarks.curve import Curve, Point, append_curves, read_curves
from explorer.errors import MetricUnavailable
from explorer.images import Images, Picture, quantise
from explorer.inversion.invert import Diverged, Settings, SettingsError, Step
from explorer.lab.lab import Lab
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
    runners = [_start(contest, method) for method in methods]
    while running := [runner for runner in runners if not runner.is_finished]:
        min(running, key=lambda runner: runner.seconds).advance()
    return [runner.curve() for runner in runners]


def _warm_up(contest: Contest, methods: Sequence[str]) -> None:
    """Take a few steps that nobody measures: the first ones load models and choose kernels."""
    for method in methods:
        for _ in islice(_start(contest, method).steps, WARM_UP_STEPS):
            pass


def _start(contest: Contest, method: str) -> "_Runner":
    lab, picture, layer = contest.lab, contest.picture, contest.layer
    original = picture.images.to(lab.device)
    if method in OURS:
        settings = contest.settings[method]
        started = perf_counter()
        steps = lab.steps(picture, layer, OURS[method], settings)
        before = perf_counter() - started  # The target's features and the decoder's pass.
        return _Runner(contest, method, settings.precision, original, steps, before)
    loop = adam(BEST_LEARNING_RATES[layer]) if method == ADAM else mahendran_vedaldi()
    steps = _bounded(follow_loop(loop, lab.backbone.network, layer, original), REFERENCE_EVALUATIONS)
    return _Runner(contest, method, "float32", original, steps)


def _bounded(steps: Generator[Step, None, None], count: int) -> Generator[Step, None, None]:
    """Yield the first steps; a loss that is no number raises Diverged, as `invert` does."""
    for step in islice(steps, count):
        if not math.isfinite(step.losses["total"]):
            raise Diverged(step.index, step)
        yield step


@dataclass(slots=True)
class _Runner:
    """One method's run and the points it has reached."""

    contest: Contest
    method: str
    precision: str
    original: Images
    steps: Generator[Step, None, None]
    seconds_before: float = 0.0
    points: list[Point] = field(default_factory=list)
    failure: str | None = None
    is_finished: bool = False
    last: Images | None = None

    @property
    def seconds(self) -> float:
        return self.points[-1].seconds if self.points else 0.0

    def advance(self) -> None:
        """Take a step and measure it, outside its seconds."""
        try:
            self._measure(next(self.steps))
        except StopIteration:
            self._finish()
        except Diverged as error:
            self.failure = str(error)
            self._finish()

    def curve(self) -> Curve:
        contest = self.contest
        points = tuple(self.points)
        return Curve(contest.picture.name, contest.layer, self.method, self.precision, points, self.failure)

    def _measure(self, step: Step) -> None:
        before = self.points[-1].evaluations if self.points else 0
        point = Point(
            step.evaluations,
            self.seconds_before + step.seconds,
            float(psnr(quantise(step.images), self.original)),
            step.losses["feature"],
        )
        is_marked = any(before < mark <= step.evaluations for mark in MARKS)
        self.points.append(self._score(point, step.images) if is_marked else point)
        self.last = step.images

    def _finish(self) -> None:
        self.is_finished = True
        if self.points and self.last is not None and self.points[-1].ssim is None:
            self.points[-1] = self._score(self.points[-1], self.last)

    def _score(self, point: Point, images: Images) -> Point:
        images = quantise(images)
        try:
            perceptual = float(self.contest.lpips(images, self.original))
        except MetricUnavailable:
            perceptual = None
        return replace(point, ssim=float(ssim(images, self.original)), lpips=perceptual)
