"""The queue of runs: who computes now, who next, and for how long, so that everybody sees movement soon.

One thread works for all. Alone, a run keeps it; together, runs take turns in slices. Who is new gets the
first picture before others go on, and one told to stop is let to. Gradio's queue sees to all other events;
to the short ones among them that a visitor waits for, runs that have been seen give way.
"""

import math
import time
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Condition, Thread

from explorer.ui.queue.limits import DEFAULT_LIMITS, Limits
from explorer.ui.queue.place import Place
from explorer.ui.queue.ticket import Job, Ticket

# Long enough for some steps of four layers, short enough for another one's Stop to be felt within a second.
MIN_SLICE_SECONDS, MAX_SLICE_SECONDS = 0.5, 2.0
# With so many runs that slices of this length are too short, a round of all takes longer.
ROUND_SECONDS = 10.0
# Enough for one step of each layer on two cores.
FIRST_SLICE_SECONDS = 0.3
# What a run takes where none has told yet.
USUAL_SECONDS = 30.0
LEARNING_RATE = 0.3  # Of that, from each run that ends by itself.
# Of a run between two slices; without an end, pictures by the dozen would stop all runs.
GIVE_WAY_SECONDS = 1.0
# Runs give way no longer to what turns out not to be short, or whose visitor has gone in the middle of it.
SHORT_SECONDS = 5.0


class RunQueue:
    """Tickets of runs, served by one thread; safe to use from several threads."""

    def __init__(self, limits: Limits = DEFAULT_LIMITS) -> None:
        self.limits = limits
        self._tickets: list[Ticket] = []
        self._current: Ticket | None = None
        self._change = Condition()
        self._worker: Thread | None = None
        self._usual_seconds = USUAL_SECONDS
        self._short_works: list[float] = []  # When they began.
        self._served_at = 0.0  # When the last slice of any ended.
        self._is_closed = False

    def __len__(self) -> int:
        """Count the runs that wait or take turns."""
        return len(self._tickets)

    @contextmanager
    def ticket(self, job: Job, address: str, *, is_program: bool = False) -> Iterator[Ticket]:
        """Queue a job up for as long as the block lasts; leaving the block early stops it.

        Raises:
            QueueFullError: there are too many runs, of all, of programs, or of this address.
        """
        ticket = Ticket(job, address, is_program=is_program)
        self._join(ticket)
        try:
            yield ticket
        finally:
            self._leave(ticket)

    def place(self, ticket: Ticket) -> Place:
        """Say where a ticket stands and, assuming that all go on as they do, when it will be done."""
        with self._change:
            begun = [one for one in self._tickets if one.has_begun]
            fresh = [one for one in self._tickets if not one.has_begun]
            own = self._seconds_left(ticket)
            # Until the own run is done, each other one gets as much of the machine, or what it still needs.
            seconds = sum(min(own, self._seconds_left(one)) for one in self._tickets)
            ahead = fresh.index(ticket) if ticket in fresh else 0
            return Place(ahead, len(begun), seconds, has_begun=ticket.has_begun)

    def _join(self, ticket: Ticket) -> None:
        with self._change:
            self.limits.check_room(ticket, self._tickets)
            self._tickets.append(ticket)
            if self._current is not None:
                self._current.job.pause()
            if self._worker is None:
                self._worker = Thread(target=self._work, name="runs", daemon=True)
                self._worker.start()
            self._change.notify_all()

    def _leave(self, ticket: Ticket) -> None:
        with self._change:
            ticket.has_left = True
            if not ticket.job.is_over:
                ticket.job.stop()
            if ticket in self._tickets and ticket is not self._current:
                self._tickets.remove(ticket)
            self._change.notify_all()

    @contextmanager
    def giving_way(self) -> Iterator[None]:
        """Let what is computed in this block, a second or less, go before the next slices of runs."""
        began = time.monotonic()
        with self._change:
            self._short_works.append(began)
        self.hurry()
        try:
            yield
        finally:
            with self._change:
                self._short_works.remove(began)
                self._change.notify_all()

    def hurry(self) -> None:
        """Let the present slice end soon, because something else would go next."""
        with self._change:
            if self._current is not None:
                self._current.job.pause()

    def close(self) -> None:
        """Stop every job, and the thread."""
        with self._change:
            self._is_closed = True
            for ticket in self._tickets:
                ticket.job.stop()
            self._change.notify_all()
        if self._worker is not None:
            self._worker.join()

    def _work(self) -> None:
        while (ticket := self._take()) is not None:
            began = time.monotonic()
            error = self._serve(ticket)
            with self._change:
                self._current = None
                ticket.served_at = self._served_at = time.monotonic()
                ticket.seconds += ticket.served_at - began
                if error is None and not ticket.job.is_over and not ticket.has_left:
                    continue
                self._tickets.remove(ticket)
                if ticket.job.is_over and not ticket.job.is_stopping:
                    self._usual_seconds += (ticket.seconds - self._usual_seconds) * LEARNING_RATE
            ticket.close(error)

    def _take(self) -> Ticket | None:
        """Wait for the next ticket to serve; None when the queue has been closed and is empty."""
        with self._change:
            while (ticket := self._next()) is None or self._patience(ticket) > 0:
                if ticket is None and self._is_closed:
                    return None
                self._change.wait(None if ticket is None else max(self._patience(ticket), 0.0))
            self._current = ticket
            return ticket

    def _patience(self, ticket: Ticket) -> float:
        """Return the seconds that a ticket, next in turn, still gives way to what is short."""
        if not self._short_works or not ticket.has_begun or ticket.job.is_stopping:
            return 0.0
        until = min(self._served_at + GIVE_WAY_SECONDS, max(self._short_works) + SHORT_SECONDS)
        return until - time.monotonic()

    def _serve(self, ticket: Ticket) -> Exception | None:
        """Advance a job by one slice and return what it raised, if anything."""
        seconds = self._slice_seconds(is_first=not ticket.has_begun)
        ticket.has_begun = True
        try:
            for item in ticket.job.advance(seconds):
                ticket.put(item)
        except Exception as error:
            return error
        return None

    def _next(self) -> Ticket | None:
        """Choose the next: one that was stopped, then one that is new, then the one that waited longest."""
        begun = [one for one in self._tickets if one.has_begun]
        waiting = (one for one in self._tickets if not one.has_begun)
        fresh = [one for one in waiting if self.limits.may_begin(one, begun)]
        stopped = [one for one in self._tickets if one.job.is_stopping]
        longest = min(begun, key=lambda one: one.served_at, default=None)
        return next(iter([*stopped, *fresh]), longest)

    def _slice_seconds(self, *, is_first: bool) -> float:
        if len(self._tickets) == 1:
            return math.inf
        if is_first:
            return FIRST_SLICE_SECONDS
        return min(max(ROUND_SECONDS / len(self._tickets), MIN_SLICE_SECONDS), MAX_SLICE_SECONDS)

    def _seconds_left(self, ticket: Ticket) -> float:
        left = ticket.job.seconds_left()
        return self._usual_seconds if left is None else left
