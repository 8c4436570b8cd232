"""A program's reconstruction as a job of the queue: one pass, or an optimiser's steps in slices."""

import time
from collections.abc import Iterator

from explorer.inversion.settings import Settings
from explorer.lab.lab import Lab
from explorer.lab.layer import Source
from explorer.lab.methods import is_iterative
from explorer.lab.run import Reconstruction, Run
from explorer.metrics.scores import Scores
from explorer.ui.jobs.interruptible import Interruptible


class ReconstructionJob(Interruptible):
    """Brings a picture back by any method and yields it, measured, when it is done; nothing if stopped."""

    def __init__(self, lab: Lab, picture: Source, layer: str, method: str, settings: Settings) -> None:
        super().__init__()
        self._lab, self._picture = lab, picture
        self._layer, self._method, self._settings = layer, method, settings
        self._run: Run | None = None

    def seconds_left(self) -> float | None:
        """Estimate the time from here by the pace so far; None before there is one."""
        if self._run is None or not self._run.has_begun:
            return None
        done, planned = self._run.latest.evaluations, self._settings.evaluations or 1
        return self._run.seconds * max(planned / max(done, 1) - 1, 0.0)

    def advance(self, seconds: float) -> Iterator[tuple[Reconstruction, Scores]]:
        """Work for one slice."""
        self._pausing.clear()
        if is_iterative(self._method) and not self._take_steps(time.monotonic() + seconds):
            return
        self.is_over = True
        if self.is_stopping:
            return
        if self._run is not None:
            made = self._run.reconstruction()
        else:
            made = self._lab.at(self._layer).reconstruct(self._picture, self._method)
        yield made, self._lab.score(self._picture, made)

    def _take_steps(self, until: float) -> bool:
        """Advance the optimiser and return whether the job is to end."""
        if self._run is None and not self.is_stopping:
            self._run = self._lab.at(self._layer).run(self._picture, self._method, self._settings)
        while self._run is not None and not self.is_stopping:
            if self._run.advance() is None:
                return True
            if time.monotonic() >= until or self.is_pausing:
                return False
        return True
