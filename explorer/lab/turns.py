"""Turns: the one order in which several runs are advanced, by this thread or by several at once."""

from collections.abc import Callable, Collection, Generator
from queue import SimpleQueue
from threading import Event, Lock

from explorer.lab.run import Run
from explorer.lab.workers import start_workers


def take_turns(
    runs: Collection[Run], *, workers: int = 1, is_over: Callable[[], bool] = lambda: False
) -> Generator[Run, None, None]:
    """Advance the run with the least own compute, and yield each run after its step, until all have ended.

    Several workers advance different runs at once and do not wait for the consumer. Closing the generator, or
    an exception out of a run, ends them all after the step at hand.

    Args:
        workers: Threads to advance runs; 1 is this one, with all its cores.
        is_over: Asked after every step whether to take no more.
    """
    if workers == 1:
        yield from _take_turns_here(runs, is_over)
        return
    turns = _Turns(runs, is_over)
    with start_workers(workers) as pool:
        try:
            for _ in range(workers):
                pool.submit(turns.work)
            for _ in range(workers):
                while (run := turns.done.get()) is not None:
                    yield run
        finally:
            turns.is_ending.set()
    if turns.failures:
        raise turns.failures[0]


def _take_turns_here(runs: Collection[Run], is_over: Callable[[], bool]) -> Generator[Run, None, None]:
    while running := [run for run in runs if run.state == "running"]:
        run = min(running, key=lambda run: run.seconds)
        run.advance()
        yield run
        if is_over():
            return


class _Turns:
    """The runs that wait for their turn, and the steps that have been taken."""

    def __init__(self, runs: Collection[Run], is_over: Callable[[], bool]) -> None:
        self.done = SimpleQueue[Run | None]()  # None where a worker has ended.
        self.failures: list[BaseException] = []
        self.is_ending = Event()
        self._waiting = list(runs)
        self._is_over = is_over
        self._lock = Lock()

    def work(self) -> None:
        """Advance runs until none waits: those under way stay with the workers that have them."""
        try:
            while (run := self._take()) is not None:
                run.advance()
                with self._lock:
                    self._waiting.append(run)
                self.done.put(run)
                if self.is_ending.is_set() or self._is_over():
                    break
        except BaseException as error:
            self.failures.append(error)
            self.is_ending.set()
        finally:
            self.done.put(None)

    def _take(self) -> Run | None:
        with self._lock:
            self._waiting = [run for run in self._waiting if run.state == "running"]
            run = min(self._waiting, key=lambda run: run.seconds, default=None)
            if run is not None:
                self._waiting.remove(run)
            return run
