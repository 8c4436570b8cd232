"""Loading the models behind the page, so that it opens at once."""

import gc
import logging
from collections.abc import Callable
from threading import Event, Thread

from explorer.device import return_freed_memory
from explorer.errors import ExplorerError
from explorer.examples import load_example
from explorer.features.network import RESNET50_NETWORK, Network
from explorer.lab.lab import Lab
from explorer.ui.components.errors import hide_folders
from explorer.ui.session.made import Made

WELCOME = "cat"  # The example that warms the models up, and that the page opens with.

logger = logging.getLogger(__name__)


class Loading:
    """Loads the lab and then all that the first visitor would otherwise wait for.

    `doing` says what is being done and how far it is, "" when nothing is; `failure` why there is no lab;
    `notice` what is amiss although the lab runs. Whatever is raised ends in one of the two.
    """

    def __init__(self, load: Callable[[], Lab], network: Network = RESNET50_NETWORK) -> None:
        self._load = load
        self._lab: Lab | None = None
        self._is_loaded = Event()
        self._doing = f"Loading {network.title} …"
        self._is_over = False
        self.failure: str | None = None
        self.notice: str | None = None
        self.welcome: Made | None = None  # The decoded example that the page opens with.

    def start(self) -> None:
        """Start loading in a thread of its own."""
        Thread(target=self._run, name="load-models", daemon=True).start()

    def tell(self, doing: str) -> None:
        """Show what is being done, as long as the models load."""
        self._doing = doing

    @property
    def doing(self) -> str:
        """What is being done; what is told once the models are there, such as by a late fit, is not it."""
        return "" if self._is_over else self._doing

    @property
    def lab(self) -> Lab:
        """The lab; waits for it. Raises ExplorerError with the reason when it cannot be had."""
        self._is_loaded.wait()
        if self._lab is None:
            raise ExplorerError(self.failure)
        return self._lab

    @property
    def is_open(self) -> bool:
        """Whether the lab can be used; decoders and metrics may still be on their way."""
        return self._lab is not None

    @property
    def is_ready(self) -> bool:
        """Whether every model has been loaded, or loading has failed."""
        return not self.doing

    def _run(self) -> None:
        try:
            self._lab = self._load()
            self._is_loaded.set()
            self._warm_up(self._lab)
        except Exception as error:
            message = _explain(error)
            if self._lab is None:
                self.failure = message
            else:
                self.notice = message
        finally:
            self._is_over = True
            self._is_loaded.set()
            gc.collect()  # Of each network's graph, the copies that were cut hang together in circles.
            return_freed_memory()

    def _warm_up(self, lab: Lab) -> None:
        self.tell("Preparing the layers …")
        lab.prepare()
        picture, decoded = load_example(WELCOME), {}
        for layer in lab.layers:
            self.tell(f"Preparing the decoder of {layer} …")
            at = lab.at(layer)
            decoded[layer] = at.reconstruct(picture, at.balanced_decoder)
        self.tell("Preparing the metrics …")
        welcome = Made(picture, decoded)
        welcome.measure(lab)
        self.welcome = welcome


def _explain(error: Exception) -> str:
    """Say what went wrong in one line; what does not explain itself is also logged."""
    if isinstance(error, ExplorerError):
        return hide_folders(str(error))
    logger.exception("The models could not be loaded.", exc_info=error)
    if isinstance(error, OSError) and error.filename:
        return hide_folders(f"The models could not be loaded: {error.filename}: {error.strerror}.")
    return hide_folders(f"The models could not be loaded: {type(error).__name__}: {error}")
