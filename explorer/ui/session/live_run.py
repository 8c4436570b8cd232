"""One visitor's run, from Run to the table of final numbers."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from math import isnan

import torch

from explorer.device import return_freed_memory
from explorer.images import Picture
from explorer.inversion.settings import Settings, SettingsError
from explorer.lab.lab import Lab
from explorer.lab.layer import Source
from explorer.lab.race import Frame
from explorer.metrics.scores import Scores
from explorer.metrics.thumbnail import Thumbnails
from explorer.ui.jobs.race import RaceJob
from explorer.ui.session.history import History
from explorer.ui.session.live_metrics import LiveMetrics
from explorer.ui.session.made import Made
from explorer.ui.session.options import RunOptions
from explorer.ui.session.zero_gpu import set_up_race
from explorer.ui.stage import StageValue, Table, begin_stage, make_row, make_table, read_frame
from explorer.ui.stage.captions import describe_layers, flat_psnr_db

# Beside its memory an optimiser keeps the parameters, their slope, the best picture and the like.
OTHER_PICTURES = 8
NONE_CHOSEN = "{} holds features of {}: choose one of these layers."


class LiveRun:
    """A job of the queue, and what the visitor sees of it."""

    def __init__(self, lab: Lab, given: Source, options: RunOptions) -> None:
        """Plan a run; nothing is computed before its first turn. Raises SettingsError."""
        self.options = options
        self.settings = choose_settings(options, given, lab.layers)
        self.made = Made(given, {})
        self.history = History()
        self.is_over = False
        self._lab, self._given = lab, given
        self._begun = begin_stage(given, lab.layers)
        self._metrics = LiveMetrics(lab.scorer, given)
        self._thumbnails = Thumbnails(given.images) if isinstance(given, Picture) else None
        self._has_original = False
        evaluations = options.steps * len(self.settings)
        self._job = RaceJob(
            lambda: set_up_race(lab, given, self.settings, options.method), evaluations, options.seconds
        )

    def overrides(self, layer: str) -> list[str]:
        """Write what differs from a layer's tuned settings as the command line's --set takes it."""
        return self.options.overrides(layer, self._lab.layers)

    @property
    def is_stopping(self) -> bool:
        """Whether the run has been told to stop."""
        return self._job.is_stopping

    @property
    def can_resume(self) -> bool:
        """Whether the run can go on."""
        return self.is_over and self._job.can_resume

    def stop(self) -> None:
        """End the run after its step; safe from any thread, also before it has begun."""
        self._job.stop()

    def pause(self) -> None:
        """Let others take their turn."""
        self._job.pause()

    def resume(self, seconds: float) -> None:
        """Let the run go on for so many more seconds."""
        self._job.resume(seconds)
        self.is_over = False

    def seconds_left(self) -> float | None:
        """Estimate the time of the run from here, if it had the machine alone."""
        return self._job.seconds_left()

    @property
    def race_nbytes(self) -> int:
        """About how much of it `drop_race` frees: what each layer's optimiser remembers."""
        if self._job.race is None:
            return 0
        kept = sum(2 * chosen.history + OTHER_PICTURES for chosen in self.settings.values())
        height, width = self._given.size
        return kept * 3 * height * width * torch.float32.itemsize

    def drop_race(self) -> None:
        """Forget the optimisers' state; the run cannot be resumed then."""
        self._job.race = None

    def advance(self, seconds: float) -> Iterator[Frame]:
        """Run for one slice; at the end of the last one measure what has been reached."""
        frame = None
        for frame in self._job.advance(seconds):
            if self._job.race is not None:
                self._metrics.read(self._job.race, frame.seconds)
            yield frame
        if not self._job.is_over:
            return
        if frame is not None and self._job.race is not None:
            self.made = Made(self._given, {one.layer: one for one in self._job.race.reconstructions()})
            yield replace(frame, phase="measuring")
            self.made.measure(self._lab)
            yield replace(frame, phase="done")
            return_freed_memory()
        self.is_over = True

    def show(self, frame: Frame) -> StageValue:
        """Write what the stage shows; to be called once for each frame that is shown, in order."""
        is_running = frame.phase == "running"
        kept, measured = self.history.add(frame), self._metrics.take()
        panels = read_frame(kept, self._lab.network.shapes, measured, self._thumbnails)
        value = replace(
            self._begun,
            original=None if self._has_original else self._begun.original,
            panels=self._begun.panels | panels,
            seconds=frame.seconds,
            status="Running …" if is_running else "Measuring …",
            table=self._running_table(frame),
            is_over=not is_running,
        )
        self._has_original = True
        if is_running:
            return value
        if isinstance(self._given, Picture):
            psnr_db = {layer: panel.record.psnr_db for layer, panel in frame.panels.items()}
            flat_db = flat_psnr_db(self._given.images)
            captions = describe_layers(psnr_db, flat_db, after=f"After {frame.seconds:.0f} s, ")
            value = replace(value, captions=captions)
        if frame.phase == "measuring":
            return value
        status = f"{'Stopped' if self._job.can_resume else 'Done'} after {frame.seconds:.1f} s."
        effort = {layer: (made.evaluations, made.seconds) for layer, made in self.made.results.items()}
        return replace(value, status=status).scored(
            self.made.measure(self._lab), effort, is_trained=self._lab.backbone.is_trained
        )

    def _running_table(self, frame: Frame) -> Table:
        """Write what is known of a run under way: SSIM and LPIPS as last read, the rest when it is over."""
        rows = []
        for layer, panel in frame.panels.items():
            record, read = panel.record, self._metrics.latest.get(layer, Scores({}))
            known = {
                "psnr_db": record.psnr_db,
                "feature_error": record.losses["feature"],
                "thumbnail_side": self._thumbnails and self._thumbnails.side_of(record.psnr_db),
            }
            known = {key: None if value is None or isnan(value) else value for key, value in known.items()}
            rows.append(make_row(layer, read | Scores(known), record.evaluations, record.seconds))
        return make_table(rows)


def choose_settings(options: RunOptions, given: Source, offered: Sequence[str]) -> dict[str, Settings]:
    """Load the settings of each chosen layer that is given; raises SettingsError where there is none."""
    settings = options.settings(offered)
    if isinstance(given, Picture):
        return settings
    held = {layer: chosen for layer, chosen in settings.items() if layer in given.features}
    if not held:
        raise SettingsError(NONE_CHOSEN.format(given.name, ", ".join(given.layers)))
    return held
