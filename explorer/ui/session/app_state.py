"""The state of the app: the models, the visitors, and the queue of their runs."""

from collections.abc import Callable

import gradio as gr

from explorer.features.network import RESNET50_NETWORK, Network
from explorer.lab.lab import Lab
from explorer.ui.queue.limits import DEFAULT_LIMITS, Limits
from explorer.ui.queue.queue import RunQueue
from explorer.ui.session.loading import Loading
from explorer.ui.session.visit import Visit
from explorer.ui.session.visits import Visits


class AppState:
    """What all handlers share."""

    def __init__(
        self,
        load: Callable[[], Lab],
        limits: Limits = DEFAULT_LIMITS,
        network: Network = RESNET50_NETWORK,
        *,
        takes_weights: bool = True,
    ) -> None:
        self.network = network
        self.takes_weights = takes_weights  # Whether visitors may lay down weights of their own.
        self.loading = Loading(load, network)
        self.visits = Visits(limits.kept_bytes)
        self.queue = RunQueue(limits)

    @property
    def lab(self) -> Lab:
        """The lab; waits for it. Raises ExplorerError with the reason when it cannot be had."""
        return self.loading.lab

    def visit(self, request: gr.Request) -> Visit:
        """Return the visit of whoever sent a request, a new one if there is none."""
        return self.visits.get(request.session_hash)

    def open(self) -> None:
        """Start loading the models."""
        self.loading.start()

    def close(self) -> None:
        """Stop every run."""
        self.queue.close()
