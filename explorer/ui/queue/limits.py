"""How many runs are taken on, and what is said to those that are not."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from explorer.errors import ExplorerError
from explorer.ui.jobs.experiment import ExperimentJob
from explorer.ui.limits.callers import UNKNOWN
from explorer.ui.queue.ticket import Ticket

# What the libraries, the models, the processes that decode pictures, and one network of an experiment take.
OWN_BYTES = 2_600_000_000
# What a begun run of four layers keeps, and what it may once it is over.
RUN_BYTES = 70_000_000
LEAST_KEPT_BYTES, MOST_KEPT_BYTES = 600_000_000, 2_700_000_000
SHARE_OF_RUNS = 0.83  # Of what is kept for visitors; the rest is for their pictures.


class QueueFullError(ExplorerError):
    """A run that cannot be taken on now; the message says why, and what to do."""


@dataclass(frozen=True, slots=True)
class Limits:
    """How many runs are taken on, and how much is kept for visitors, begun runs included.

    `sharing` bounds the memory that begun runs hold, and `experiments`, of these, that of the networks that
    experiments look at (680 MB each at most).
    """

    waiting: int = 60
    programs: int = 20
    per_address: int = 40  # A class comes from one address.
    sharing: int = 32
    experiments: int = 2
    kept_bytes: int = MOST_KEPT_BYTES

    def within(self, memory_bytes: int | None) -> "Limits":
        """Bring them within the memory that there is; None where that is unknown changes nothing."""
        if memory_bytes is None:
            return self
        kept = min(max(memory_bytes - OWN_BYTES, LEAST_KEPT_BYTES), MOST_KEPT_BYTES)
        return replace(
            self, kept_bytes=kept, sharing=min(self.sharing, int(SHARE_OF_RUNS * kept / RUN_BYTES))
        )

    def may_begin(self, ticket: Ticket, begun: Sequence[Ticket]) -> bool:
        """Whether a ticket may begin beside those that have."""
        experiments = sum(isinstance(one.job, ExperimentJob) for one in begun)
        is_refused = isinstance(ticket.job, ExperimentJob) and experiments >= self.experiments
        return len(begun) < self.sharing and not is_refused

    def check_room(self, ticket: Ticket, others: Sequence[Ticket]) -> None:
        """Raise QueueFullError if a ticket cannot join the others."""
        same_address = sum(one.address == ticket.address for one in others)
        programs = sum(one.is_program for one in others)
        if len(others) >= self.waiting:
            raise QueueFullError(
                f"{len(others)} runs are under way or waiting, as many as this machine takes. "
                "Please try again in a minute."
            )
        if ticket.is_program and programs >= self.programs:
            raise QueueFullError(
                f"{programs} calls by programs are under way or waiting; the rest of the queue is kept for "
                "the page. Please try again in a minute."
            )
        if ticket.address != UNKNOWN and same_address >= self.per_address:
            raise QueueFullError(
                f"{same_address} runs from your address are under way or waiting, as many as one may have. "
                "Please wait for one of them."
            )


DEFAULT_LIMITS = Limits()
