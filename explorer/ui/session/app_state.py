"""The state of the app: the lab, loaded behind the page, and what each visitor has on it."""

from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from threading import Event, Lock, Thread

import torch

from explorer.decoders.checkpoint import DecoderError
from explorer.features.layers import LAYERS
from explorer.images import SIZE, Picture
from explorer.inversion.settings import Settings
from explorer.lab.lab import Lab
from explorer.lab.race import AnyRace
from explorer.lab.run import Reconstruction
from explorer.machine import return_freed_memory
from explorer.metrics.scores import Scores
from explorer.ui.session.history import History
from explorer.ui.session.options import RunOptions
from explorer.ui.session.queue import RunQueue

# Visitors whose pictures and resumable races are kept; the one idle longest goes first.
MAX_VISITS = 16
ANONYMOUS = "anonymous"


@dataclass(frozen=True, slots=True)
class Arrival:
    """The file that was laid down last, and when."""

    path: str
    seconds: float


@dataclass(slots=True)
class Visit:
    """One visitor's picture and what has been brought back from it. Never shown to another."""

    session: str = ""
    arrival: Arrival | None = None
    picture: Picture | None = None
    example: str | None = None
    decoded: dict[str, Reconstruction] = field(default_factory=dict)
    optimised: dict[str, Reconstruction] = field(default_factory=dict)
    scores: dict[tuple[str, str], Scores] = field(default_factory=dict)
    race: AnyRace | None = None
    run: str = ""
    options: RunOptions = field(default_factory=RunOptions)
    settings: dict[str, Settings] = field(default_factory=dict)
    history: History = field(default_factory=History)
    stops: int = 0  # How often the visitor has asked to stop.

    def put(self, picture: Picture | None, example: str | None = None) -> None:
        """Lay down another picture; everything made from the one before goes."""
        self.drop_race()
        self.picture, self.example = picture, example
        self.decoded, self.optimised, self.scores, self.settings = {}, {}, {}, {}
        self.history = History()

    def stop(self) -> None:
        """End the running race after its step."""
        self.stops += 1
        if self.race is not None:
            self.race.stop()

    def drop_race(self) -> None:
        """Stop and forget the race, with the memory its optimisers hold."""
        self.stop()
        self.race = None


def score_key(made: Reconstruction) -> tuple[str, str]:
    """Name a reconstruction's place in `Visit.scores`."""
    return made.layer, made.method


class AppState:
    """Holds the lab and the visits; the lab loads in the background, so the page opens at once."""

    def __init__(self, load: Callable[[], Lab]) -> None:
        self._load = load
        self._lab: Lab | None = None
        self._failure: str | None = None
        self._is_loaded = Event()
        self._visits: OrderedDict[str, Visit] = OrderedDict()
        self._lock = Lock()
        self.doing = "Loading ResNet-50 …"
        self.notice: str | None = None  # What is amiss although the lab runs.
        self.shapes: dict[str, str] = {}
        self.queue = RunQueue()

    def open(self) -> None:
        """Start loading in the background."""
        Thread(target=self._prepare, name="load-models", daemon=True).start()

    def tell(self, doing: str) -> None:
        """Show what is being done while the models load."""
        self.doing = doing

    @property
    def lab(self) -> Lab:
        """The lab; waits for its backbone. Raises RuntimeError with the reason when it cannot be had."""
        self._is_loaded.wait()
        if self._lab is None:
            raise RuntimeError(self._failure)
        return self._lab

    @property
    def is_open(self) -> bool:
        """Whether the lab can be used; decoders and metrics may still be on their way."""
        return self._lab is not None

    @property
    def is_ready(self) -> bool:
        """Whether every model has been loaded, or loading has failed."""
        return not self.doing

    @property
    def failure(self) -> str | None:
        """Why there is no lab, if so."""
        return self._failure

    def visit(self, session: str | None) -> Visit:
        """Give what this visitor has here; the visit idle longest makes room for a new one."""
        key = session or ANONYMOUS
        with self._lock:
            visit = self._visits.setdefault(key, Visit(key))
            self._visits.move_to_end(key)
            if len(self._visits) > MAX_VISITS:
                _, oldest = self._visits.popitem(last=False)
                oldest.drop_race()
            return visit

    def leave(self, session: str | None) -> None:
        """Forget a visitor who has closed the page."""
        with self._lock:
            visit = self._visits.pop(session or ANONYMOUS, None)
        self.queue.leave(session or ANONYMOUS)
        if visit is not None:
            visit.drop_race()

    def score(self, picture: Picture, results: Sequence[Reconstruction]) -> dict[str, Scores]:
        """Measure reconstructions of one picture together, one for each layer."""
        made = [(one.layer, one.images) for one in results]
        scores = self.lab.scorer.score_all(made, picture.images)
        return {one.layer: score for one, score in zip(results, scores, strict=True)}

    def _prepare(self) -> None:
        try:
            lab = self._lab = self._load()
        except ValueError as error:
            self._failure = str(error)
            self.doing = ""
            return
        finally:
            self._is_loaded.set()
        try:
            self._warm_up(lab)
        except DecoderError as error:
            self.notice = str(error)
        return_freed_memory()
        self.doing = ""

    def _warm_up(self, lab: Lab) -> None:
        """Build what the first visitor would otherwise wait for."""
        self.doing = "Preparing the layers …"
        lab.prepare()
        blank = Picture("blank", torch.full((1, 3, SIZE, SIZE), 0.5))
        for layer in LAYERS:
            _, channels, rows, columns = lab.encode(blank, layer)[layer].shape
            self.shapes[layer] = f"{channels} × {rows} × {columns}"
        for layer in LAYERS:
            self.doing = f"Preparing the decoder of {layer} …"
            images = lab.decode(blank, layer, lab.choose_decoder(layer))
            if layer == LAYERS[-1]:
                self.doing = "Preparing the metrics …"
                lab.score(blank, Reconstruction(layer, "decoder", images, evaluations=0, seconds=0.0))
