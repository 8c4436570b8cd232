"""What one visitor has: a picture, and everything that has been made from it."""

from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from explorer.decoding.square import CENTRE, Crop
from explorer.experiments.measuring import remembered_nbytes
from explorer.images import Picture
from explorer.lab.layer import Source as Given
from explorer.lab.run import Reconstruction
from explorer.ui.jobs.experiment import ExperimentJob
from explorer.ui.session.exploring import Explored
from explorer.ui.session.live_run import LiveRun
from explorer.ui.session.made import Made
from explorer.ui.stage import StageValue

FIRST_TAB = "instant"


@dataclass(frozen=True, slots=True)
class Arrival:
    """A file that is being read, or was refused, and when it came."""

    path: str
    seconds: float


@dataclass(frozen=True, slots=True)
class Source:
    """Where a picture comes from: a square of an example, by its name, or of the upload at a path.

    An upload that holds features names their layers.
    """

    example: str | None
    path: str | None = None
    layers: tuple[str, ...] = ()
    crop: Crop = CENTRE

    @property
    def is_picture(self) -> bool:
        """Whether it is a picture, of which a square can be chosen."""
        return not self.layers and (self.example is not None or self.path is not None)

    @property
    def whole_example(self) -> str | None:
        """The example's name, where its picture is the one that the name stands for everywhere."""
        return self.example if self.crop == CENTRE else None


@dataclass(frozen=True, slots=True)
class Decoded:
    """What one choice of decoder has made, and the stage that shows it before it is measured."""

    made: Made
    stage: StageValue
    status: str = ""  # What is said once it is measured.


@dataclass(slots=True)
class Exploration:
    """Everything made from one picture; another picture gets another one, so the two never mix.

    What is `given` may be features in a picture's place.
    """

    given: Given
    example: str | None = None
    crop: Crop = CENTRE  # Of the visitor's photo, or of an example that has no name then.
    decoded: Decoded | None = None
    decoding: str = ""  # The stage of the last choice of decoder: an earlier one is not shown any more.
    measured: str = ""  # The last stage that has been shown with its figures.
    looked_again: str = ""  # The last one that has been shown with what other decoders tell.
    run: LiveRun | None = None
    explored: Explored | None = None

    @property
    def decoded_results(self) -> dict[str, Reconstruction]:
        """What has been decoded, by layer; nothing before the first choice is done."""
        return self.decoded.made.results if self.decoded else {}

    @property
    def optimised_results(self) -> dict[str, Reconstruction]:
        """What the last run has reached, by layer."""
        return self.run.made.results if self.run else {}

    @property
    def held(self) -> dict[int, int]:
        """About how many bytes each thing takes that it holds; visits may share some, such as examples."""
        given = self.given
        is_picture = isinstance(given, Picture)
        tensors = [given.images] if is_picture else list(given.features.values())
        tensors += self.decoded.made.images if self.decoded else []
        tensors += self.explored.images if self.explored else []
        held = {id(given): remembered_nbytes(given) if is_picture else 0}
        if self.run is not None:
            tensors += self.run.made.images
            held |= {id(self.run): self.run.race_nbytes, id(self.run.history): self.run.history.nbytes}
        return held | {id(one): one.nbytes for one in tensors}

    def begin(self, run: LiveRun) -> None:
        """Put a run in the place of the one before, which is stopped."""
        self.end_run()
        self.run = run

    def end_run(self) -> None:
        """Stop the run and forget its optimisers, but not what it has reached."""
        if self.run is not None:
            self.run.stop()
            self.run.drop_race()


@dataclass(slots=True)
class Visit:
    """One visitor. Never shown to another."""

    session: str
    arrival: Arrival | None = None
    uploads: Counter[Path] = field(default_factory=Counter)  # How often each that is to go was laid down.
    source: Source | None = None  # Of the picture at hand, to begin anew with when it had to make room.
    # Of what a page is about to lay down that was loaded anew, or that a link with a square opens.
    returning: Source | None = None
    exploration: Exploration | None = None
    tab: str = FIRST_TAB  # The one in view.
    pair: tuple[str, ...] = ()  # The keys of the two pictures that were compared last.
    second: Picture | None = None  # The Explore tab's own second picture.
    weights: str | None = None  # The path of the Explore tab's own weights.
    experiment: ExperimentJob | None = None  # The one under way.
    away_since: float | None = None  # When the page was closed, or its connection lost.
    address: str = ""  # From where it was open then.
    has_lost_run: bool = False  # What was under way then has ended.

    @property
    def is_busy(self) -> bool:
        """Whether a run or an experiment of this visitor waits or is under way."""
        run = self.exploration and self.exploration.run
        jobs = filter(None, (run, self.experiment))
        return any(not job.is_over and not job.is_stopping for job in jobs)

    @property
    def held(self) -> dict[int, int]:
        """About how many bytes each thing takes that the visit holds."""
        held = self.exploration.held if self.exploration else {}
        if self.second is None:
            return held
        held |= {id(self.second): remembered_nbytes(self.second)}
        return held | {id(self.second.images): self.second.images.nbytes}

    def find_crop(self, path: str) -> Crop:
        """Give the square that was chosen of a file before the page was loaded anew."""
        return self.returning.crop if self.returning and self.returning.path == path else CENTRE

    def put(self, exploration: Exploration | None) -> None:
        """Lay down another picture, or none; what was made from the one before goes."""
        if self.exploration is not None:
            self.exploration.end_run()
        self.begin_experiment(None)
        self.exploration = exploration

    def forget(self) -> None:
        """Let go of all that takes memory; the source stays, to begin anew with."""
        self.put(None)
        self.arrival = None

    def begin_experiment(self, job: ExperimentJob | None) -> None:
        """Put an experiment, or none, in the place of the one before, which is stopped."""
        if self.experiment is not None:
            self.experiment.stop()
        self.experiment = job

    def step_out(self, seconds: float, address: str) -> None:
        """Note that the page is closed, for good or not; what was under way ends."""
        self.away_since, self.address, self.has_lost_run = seconds, address, self.is_busy
        self.stop()
        self.begin_experiment(None)

    def stop(self) -> None:
        """End the run, wherever it stands."""
        if self.exploration is not None and self.exploration.run is not None:
            self.exploration.run.stop()
