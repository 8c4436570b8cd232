"""Worker threads: several jobs at once, each computing with a share of the cores.

One job on all cores waits at every operation for the slowest of them, the one that something else keeps busy;
jobs beside each other wait for nothing.
"""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from threading import Barrier, Lock
from typing import TypeVar

import torch

# Jobs at once at most: the four layers. Fixed, so that a layer's steps do not depend on how many others run.
MAX_WORKERS = 4
_SETTING_THREADS = Lock()

Job = TypeVar("Job")
Result = TypeVar("Result")


def count_workers(jobs: int, device: torch.device) -> int:
    """Return how many jobs to run at once: on a GPU one, else as many as there are cores."""
    return min(jobs, MAX_WORKERS, torch.get_num_threads()) if device.type == "cpu" else 1


@contextmanager
def start_workers(count: int) -> Iterator[ThreadPoolExecutor]:
    """Give a pool of threads that share this thread's cores evenly, and wait for them to end.

    A pool for each slice of work, not one for the process: it starts within milliseconds, and in one that all
    share a visitor's figures would wait for a race, which keeps its threads busy for as long as it is alone.

    After Ctrl-C nothing waits for them: a step may take long, and the process is about to end.
    """
    before = torch.get_num_threads()
    are_ready = Barrier(count + 1)

    def prepare() -> None:
        torch.get_num_threads()  # A thread's first question or operation would undo what was set before it.
        torch.set_num_threads(max(1, before // MAX_WORKERS))
        are_ready.wait()

    pool, is_waited_for = ThreadPoolExecutor(count, "worker", prepare), True
    try:
        # What torch is told holds for the thread that tells it and for those that have not computed yet,
        # never for others that have: afterwards the newcomers must get back theirs.
        with _SETTING_THREADS:
            for _ in range(count):
                pool.submit(int)  # A thread starts with its first job.
            are_ready.wait()
            torch.set_num_threads(before)
    except BaseException:  # A thread that cannot start: those that have must not wait for it.
        are_ready.abort()
        pool.shutdown()
        torch.set_num_threads(before)
        raise
    try:
        yield pool
    except KeyboardInterrupt:
        is_waited_for = False
        raise
    finally:
        pool.shutdown(wait=is_waited_for)


def map_jobs(
    function: Callable[[Job], Result], jobs: Sequence[Job], device: torch.device
) -> Iterator[Result]:
    """Yield the function's result of every job in their order, computing several at once.

    Closing the iterator, or an exception out of a job, ends it after the jobs at hand.
    """
    workers = count_workers(len(jobs), device)
    if workers <= 1:
        yield from map(function, jobs)
        return
    with start_workers(workers) as pool:
        yield from pool.map(function, jobs)


def compute(work: Callable[[], Result]) -> Result:
    """Do some work on one core, which waits for no other, and return what it returns.

    On a busy machine scoring four pictures on two cores took 17 s, 4.7 s of them computing, and on one core
    3.3 s and 0.9 s.
    """
    with start_workers(1) as pool:
        return pool.submit(work).result()
