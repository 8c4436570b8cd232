"""Runs take turns on one thread: who is new first, who is stopped at once, nobody twice in a row."""

import asyncio
import time
from collections.abc import Generator, Iterator

import pytest

from explorer.experiments.experiment import Result
from explorer.ui.jobs.experiment import ExperimentJob
from explorer.ui.queue.limits import RUN_BYTES, Limits, QueueFullError
from explorer.ui.queue.place import Place, describe_place
from explorer.ui.queue.queue import RunQueue
from explorer.ui.queue.ticket import Ticket
from tests.support.counting import Counting


class Failing(Counting):
    def advance(self, seconds: float) -> Iterator[str]:
        yield from ()
        raise ValueError("no such layer")


@pytest.fixture
def queue() -> Iterator[RunQueue]:
    queue = RunQueue(Limits(waiting=4, programs=2, per_address=3))
    yield queue
    queue.close()


async def read(ticket: Ticket, *, most: int = 10**9) -> list[str]:
    items: list[str] = []
    async for item in ticket.follow(every=0.05):
        if item is not None:
            items.append(item)
        if len(items) >= most:
            break
    return items


def follow(ticket: Ticket) -> list[str]:
    return asyncio.run(read(ticket))


def wait_for(condition) -> None:
    deadline = time.monotonic() + 10
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_a_run_alone_is_followed_to_its_last_item(queue: RunQueue) -> None:
    with queue.ticket(Counting("a", [], steps=20), "here") as ticket:
        assert follow(ticket)[-1] == "a 0"
    assert len(queue) == 0


def test_who_comes_second_is_shown_something_before_the_first_has_finished(queue: RunQueue) -> None:
    log: list[str] = []
    with queue.ticket(Counting("a", log), "here"):
        wait_for(lambda: len(log) > 3)
        with queue.ticket(Counting("b", log), "here") as second:
            began = time.monotonic()
            assert asyncio.run(read(second, most=1))
            assert time.monotonic() - began < 1


def test_runs_take_turns(queue: RunQueue) -> None:
    log: list[str] = []
    with queue.ticket(Counting("a", log), "here"), queue.ticket(Counting("b", log), "here"):
        wait_for(lambda: log.count("a") > 0 and log.count("b") > 0)
        seen = len(log)
        wait_for(lambda: {"a", "b"} <= set(log[seen:]))


def test_runs_that_have_been_seen_give_way_to_what_is_short_but_not_for_good(
    queue: RunQueue, monkeypatch: pytest.MonkeyPatch
) -> None:
    log: list[str] = []
    with queue.ticket(Counting("a", log), "here"):
        wait_for(lambda: "a" in log)
        monkeypatch.setattr("explorer.ui.queue.queue.GIVE_WAY_SECONDS", 600)
        monkeypatch.setattr("explorer.ui.queue.queue.SHORT_SECONDS", 600)
        with queue.giving_way():
            time.sleep(0.5)  # The step at hand ends.
            seen = len(log)
            with queue.ticket(Counting("b", log), "here"):
                wait_for(lambda: "b" in log)  # The first picture of a run is short, too.
            assert "a" not in log[seen:]
        wait_for(lambda: log[-1] == "a")
        monkeypatch.setattr("explorer.ui.queue.queue.SHORT_SECONDS", 0.1)
        with queue.giving_way():
            time.sleep(0.5)
            seen = len(log)
            wait_for(lambda: len(log) > seen)


def test_who_stops_is_let_to_at_once_although_others_wait(queue: RunQueue) -> None:
    log: list[str] = []
    stopped = Counting("c", log)
    with (
        queue.ticket(Counting("a", log), "here"),
        queue.ticket(Counting("b", log), "here"),
        queue.ticket(stopped, "here") as ticket,
    ):
        wait_for(lambda: set(log) == {"a", "b", "c"})
        began = time.monotonic()
        stopped.stop()
        queue.hurry()
        follow(ticket)
        assert stopped.is_over
        assert time.monotonic() - began < 1


def test_who_leaves_is_stopped_and_forgotten(queue: RunQueue) -> None:
    log: list[str] = []
    job = Counting("a", log)
    with queue.ticket(job, "here"):
        wait_for(lambda: log)
    wait_for(lambda: len(queue) == 0)
    assert job.is_stopping


def test_what_a_job_raises_reaches_its_follower_and_the_next_one_runs(queue: RunQueue) -> None:
    with (
        queue.ticket(Failing("a", []), "here") as ticket,
        pytest.raises(ValueError, match="no such layer"),
    ):
        follow(ticket)
    with queue.ticket(Counting("b", [], steps=3), "here") as ticket:
        assert follow(ticket)[-1] == "b 0"


@pytest.mark.parametrize(
    ("present", "comer", "message"),
    [
        (
            [("1", False), ("2", False), ("3", False), ("4", False)],
            ("5", False),
            "as many as this machine takes",
        ),
        ([("1", True), ("2", True)], ("3", True), "the rest of the queue is kept for the page"),
        ([("1", False), ("1", False), ("1", False)], ("1", False), "from your address"),
    ],
)
def test_a_refusal_says_what_is_full(queue: RunQueue, present, comer, message: str) -> None:
    jobs = [queue.ticket(Counting("x", []), at, is_program=program) for at, program in present]
    for job in jobs:
        job.__enter__()
    address, is_program = comer
    with (
        pytest.raises(QueueFullError, match=message),
        queue.ticket(Counting("y", []), address, is_program=is_program),
    ):
        pass
    for job in jobs:
        job.__exit__(None, None, None)


def test_programs_leave_room_for_the_page(queue: RunQueue) -> None:
    with (
        queue.ticket(Counting("x", []), "1", is_program=True),
        queue.ticket(Counting("x", []), "2", is_program=True),
        queue.ticket(Counting("x", [], steps=3), "3") as ticket,
    ):
        assert follow(ticket)


def test_no_more_runs_begin_than_memory_is_meant_for() -> None:
    queue, log = RunQueue(Limits(sharing=2)), []
    with (
        queue.ticket(Counting("a", log), "here"),
        queue.ticket(Counting("b", log), "here"),
        queue.ticket(Counting("c", log), "here") as third,
    ):
        wait_for(lambda: {"a", "b"} <= set(log))
        time.sleep(0.2)
        assert "c" not in log
        assert queue.place(third).ahead == 0
        assert queue.place(third).sharing == 2
    queue.close()


def test_the_estimate_counts_what_others_still_take_until_the_own_run_is_done() -> None:
    queue, log = RunQueue(), []
    long, short = Counting("a", log, steps=10**6), Counting("b", log, steps=200)
    with queue.ticket(long, "here"), queue.ticket(short, "here") as ticket:
        own = short.seconds_left() or 0
        assert queue.place(ticket).seconds == pytest.approx(2 * own, rel=0.3)
    queue.close()


def test_the_place_is_told_in_words() -> None:
    assert describe_place(Place(0, 1, 20, has_begun=True)) == ""
    assert describe_place(Place(0, 3, 47, has_begun=True)) == (
        "Taking turns with 2 other runs: done in about 45 seconds."
    )
    assert describe_place(Place(2, 32, 300, has_begun=False)).startswith("2 runs begin before yours")
    assert describe_place(Place(0, 1, 30, has_begun=False)) == "Your run begins at once."


def test_no_more_experiments_begin_than_may_hold_networks() -> None:
    queue = RunQueue(Limits(experiments=1))

    def explore(name: str, log: list[str]) -> ExperimentJob:
        def results() -> Generator[Result, None, None]:
            while True:
                log.append(name)
                time.sleep(0.01)
                yield Result((), progress=0.1)

        return ExperimentJob(results, 100)

    log: list[str] = []
    with queue.ticket(explore("a", log), "here"):
        wait_for(lambda: "a" in log)
        with queue.ticket(explore("b", log), "here"), queue.ticket(Counting("run", log), "here"):
            wait_for(lambda: "run" in log)
            assert "b" not in log
    queue.close()


@pytest.mark.parametrize(("gigabytes", "sharing"), [(1, 7), (3, 7), (4, 20), (5, 32), (64, 32)])
def test_the_memory_there_is_bounds_how_many_runs_share_it(gigabytes: int, sharing: int) -> None:
    limits = Limits().within(gigabytes * 2**30)
    assert limits.sharing == sharing
    assert limits.sharing * RUN_BYTES < limits.kept_bytes


def test_limits_stay_where_nobody_knows_the_memory() -> None:
    assert Limits(waiting=7).within(None) == Limits(waiting=7)
