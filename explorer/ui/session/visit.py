"""What one visitor has: a picture, and everything that has been made from it."""

from dataclasses import dataclass, field
from pathlib import Path

from explorer.images import Picture
from explorer.lab.run import Reconstruction
from explorer.metrics.scores import Scores
from explorer.ui.session.exploring import Explored
from explorer.ui.session.live_run import LiveRun
from explorer.ui.stage import StageValue


@dataclass(frozen=True, slots=True)
class Arrival:
    """The file that was laid down last, and when."""

    path: str
    seconds: float


@dataclass(slots=True)
class Exploration:
    """Everything made from one picture; another picture gets another one, so the two never mix."""

    picture: Picture
    example: str | None = None
    decoded: dict[str, Reconstruction] = field(default_factory=dict)
    decoded_scores: dict[str, Scores] = field(default_factory=dict)
    instant: StageValue | None = None  # As the stage stands until the decoded pictures are measured.
    run: LiveRun | None = None
    explored: Explored | None = None

    @property
    def nbytes(self) -> int:
        """About how much memory it holds."""
        decoded = sum(made.images.nbytes for made in self.decoded.values())
        explored = self.explored.nbytes if self.explored else 0
        return self.picture.images.nbytes + decoded + explored + (self.run.nbytes if self.run else 0)

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
    uploads: set[Path] = field(default_factory=set)  # Files that go when the visitor leaves.
    exploration: Exploration | None = None

    @property
    def is_busy(self) -> bool:
        """Whether a run of this visitor waits or is under way."""
        run = self.exploration and self.exploration.run
        return run is not None and not run.is_over

    @property
    def nbytes(self) -> int:
        """About how much memory the visit holds."""
        return self.exploration.nbytes if self.exploration else 0

    def put(self, exploration: Exploration | None) -> None:
        """Lay down another picture, or none; what was made from the one before goes."""
        if self.exploration is not None:
            self.exploration.end_run()
        self.exploration = exploration

    def forget(self) -> None:
        """Let go of all that takes memory; the uploaded files stay, to begin anew with."""
        self.put(None)
        self.arrival = None

    def stop(self) -> None:
        """End the run, wherever it stands."""
        if self.exploration is not None and self.exploration.run is not None:
            self.exploration.run.stop()
