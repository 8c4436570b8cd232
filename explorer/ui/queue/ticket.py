"""A ticket: one run's place in the queue, and how its progress gets from the worker to the event loop."""

import asyncio
from collections.abc import AsyncGenerator, Iterator
from contextlib import suppress
from threading import Lock
from typing import Any, Protocol, runtime_checkable


@runtime_checkable
class Job(Protocol):
    """Work that is done in slices, on the queue's thread."""

    is_over: bool

    @property
    def is_stopping(self) -> bool:
        """Whether `stop` has been called."""
        ...

    def advance(self, seconds: float) -> Iterator[Any]:
        """Work for about so many seconds, or until `pause` or `stop`, and yield what can be shown."""
        ...

    def pause(self) -> None:
        """Let `advance` end soon; it will be called again."""
        ...

    def stop(self) -> None:
        """Let `advance` end soon and for good, in an orderly way."""
        ...

    def seconds_left(self) -> float | None:
        """Estimate how long the work will take from here; None before there is anything to tell it by."""
        ...


class Ticket:
    """A job's place in the queue. What has not been read yet is replaced by what is newer."""

    def __init__(self, job: Job, address: str, *, is_program: bool = False) -> None:
        self.job = job
        self.address = address
        self.is_program = is_program
        self.has_left = False
        self.has_begun = False
        self.served_at = 0.0  # When the last slice ended.
        self.seconds = 0.0  # Of all slices together.
        self._latest: list[Any] = []
        self._error: BaseException | None = None
        self._is_closed = False
        self._waiter: tuple[asyncio.AbstractEventLoop, asyncio.Event] | None = None
        self._lock = Lock()

    def put(self, item: object) -> None:
        """Hand over what can be shown; called by the worker."""
        with self._lock:
            self._latest = [item]
        self._wake()

    def close(self, error: BaseException | None = None) -> None:
        """End the ticket, after a failure with what was raised; called by the worker."""
        with self._lock:
            self._error, self._is_closed = error, True
        self._wake()

    async def follow(self, every: float) -> AsyncGenerator[Any | None, None]:
        """Yield what is handed over, and None whenever that takes longer than so many seconds.

        Raises:
            Exception: the job has failed; its own error.
        """
        waiter = asyncio.Event()
        self._waiter = asyncio.get_running_loop(), waiter
        while True:
            with self._lock:
                items, self._latest = self._latest, []
                is_closed, error = self._is_closed, self._error
            for item in items:
                yield item
            if error is not None:
                raise error
            if is_closed:
                return
            if not items:
                with suppress(TimeoutError):
                    await asyncio.wait_for(waiter.wait(), every)
                if not waiter.is_set():
                    yield None
            waiter.clear()

    def _wake(self) -> None:
        if self._waiter is None:
            return
        loop, waiter = self._waiter
        with suppress(RuntimeError):  # The loop has been closed: nobody follows any more.
            loop.call_soon_threadsafe(waiter.set)
