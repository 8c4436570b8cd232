"""How many runs are taken on, and what is said to those that are not."""

from collections.abc import Sequence
from dataclasses import dataclass

from explorer.errors import ExplorerError
from explorer.ui.queue.ticket import Ticket


class QueueFullError(ExplorerError):
    """A run that cannot be taken on now; the message says why, and what to do."""


@dataclass(frozen=True, slots=True)
class Limits:
    """How many runs are taken on; `sharing` bounds the memory that begun runs hold (60 MB each)."""

    waiting: int = 60
    programs: int = 20
    per_address: int = 40  # A class comes from one address.
    sharing: int = 32

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
        if same_address >= self.per_address:
            raise QueueFullError(
                f"{same_address} runs from your address are under way or waiting, as many as one may have. "
                "Please wait for one of them."
            )


DEFAULT_LIMITS = Limits()
