"""Turns by several workers: fair, the same steps, and no thread left however they end."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from itertools import islice
from threading import Barrier, Event

import pytest
import torch

from explorer.device import CPU
from explorer.features.layers import LAYERS
from explorer.inversion.invert import Steps
from explorer.lab.race import Race
from explorer.lab.turns import take_turns
from explorer.lab.workers import count_workers, map_jobs, start_workers
from tests.support.made import diverge, make_picture, make_run, make_step, play, settings_of


@pytest.fixture(params=[1, 2])
def workers(request: pytest.FixtureRequest) -> int:
    return request.param


@pytest.fixture
def two_cores():
    """Let torch count two cores, wherever the tests run."""
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    yield
    torch.set_num_threads(before)


def sleep_through(milliseconds: float, count: int) -> Steps:
    """Take steps that really take so long, and say how long they did."""
    own = 0.0
    for index in range(count):
        started = time.perf_counter()
        time.sleep(milliseconds / 1000)
        own += time.perf_counter() - started
        yield make_step(index, own)


def fail_at(count: int) -> Steps:
    yield from play(1.0, count)
    raise RuntimeError("out of memory")


def test_several_workers_take_every_step_of_every_run_once(workers: int):
    runs = [make_run(sleep_through(cost, count)) for cost, count in ((1, 30), (3, 11), (0, 5))]
    runs.append(make_run(diverge()))
    list(take_turns(runs, workers=workers))
    assert [len(run.history) for run in runs] == [30, 11, 5, 2]
    assert [run.state for run in runs] == ["finished"] * 3 + ["diverged"]


def test_runs_of_different_speed_get_about_the_same_time(workers: int):
    runs = [make_run(sleep_through(cost, 10**9)) for cost in (2, 8, 16)]

    def seconds() -> list[float]:
        return [run.seconds for run in runs]

    list(take_turns(runs, workers=workers, is_over=lambda: min(seconds()) >= 1))
    assert max(seconds()) <= 2


def test_a_run_is_never_advanced_by_two_workers_at_once():
    busy, overlaps = set[int](), []

    def watch(key: int) -> Steps:
        for index in range(40):
            overlaps.append(key in busy)
            busy.add(key)
            time.sleep(0.001)
            busy.remove(key)
            yield make_step(index, 0.001 * (index + 1))

    list(take_turns([make_run(watch(key)) for key in range(3)], workers=3))
    assert len(overlaps) == 120
    assert not any(overlaps)


def test_a_run_that_raises_ends_the_others_and_reaches_the_caller(workers: int):
    threads = threading.active_count()
    endless = make_run(play(0.001, 10**9))
    with pytest.raises(RuntimeError, match="out of memory"):
        list(take_turns([endless, make_run(fail_at(3))], workers=workers))
    assert threading.active_count() == threads
    assert endless.state == "running"
    assert endless.advance() is not None


def test_closing_early_leaves_no_thread_and_every_run_can_go_on(workers: int):
    threads = threading.active_count()
    runs = [make_run(sleep_through(1, 10**9)) for _ in range(3)]
    with closing(take_turns(runs, workers=workers)) as turns:
        list(islice(turns, 10))
    assert threading.active_count() == threads
    before = [len(run.history) for run in runs]
    assert all(run.advance() is not None for run in runs)
    assert [len(run.history) for run in runs] == [length + 1 for length in before]


def test_a_stop_lets_each_worker_finish_its_step_and_no_more(workers: int):
    runs = {layer: make_run(sleep_through(20, 10**9), layer) for layer in LAYERS}

    def taken() -> int:
        return sum(len(run.history) for run in runs.values())

    race, stop = Race(runs, method="optimiser", workers=workers), Event()
    frames = race.frames(is_over=stop.is_set)
    next(frames)
    stop.set()
    before = taken()
    *_, last = frames
    assert taken() <= before + workers
    assert {panel.state for panel in last.panels.values()} == {"stopped"}
    assert race.can_resume()
    after = list(race.frames(0.5))[-1]
    assert sum(panel.record.step for panel in after.panels.values()) > sum(
        panel.record.step for panel in last.panels.values()
    )


def test_workers_stop_at_the_time_limit_though_nobody_reads_the_frames():
    runs = {layer: make_run(sleep_through(1, 10**9), layer) for layer in ("layer1", "layer2")}
    frames = Race(runs, method="optimiser", workers=2).frames(0.2)
    next(frames)
    deadline, before = time.monotonic() + 20, -1
    while before != (reached := len(runs["layer1"].history)) and time.monotonic() < deadline:
        before = reached
        time.sleep(0.3)
    assert before == reached
    frames.close()


def test_a_layer_takes_the_same_steps_alone_beside_others_and_in_slices(tiny_lab, two_cores):
    def reach(layers: tuple[str, ...], seconds: float | None = None) -> dict[str, torch.Tensor]:
        runs = {
            layer: tiny_lab.at(layer).run(make_picture(), "optimiser", chosen)
            for layer, chosen in settings_of(*layers).items()
        }
        race = Race(runs, method="optimiser", workers=2)
        while race.can_resume():
            list(race.frames(seconds))
        return {made.layer: made.images for made in race.reconstructions()}

    alone = reach(("layer1",))["layer1"]
    for together in (reach(LAYERS), reach(LAYERS[:2]), reach(LAYERS, seconds=0.02)):
        assert torch.equal(together["layer1"], alone)


def test_workers_share_the_cores_and_leave_other_threads_theirs(two_cores):
    with ThreadPoolExecutor(1) as elsewhere, start_workers(2) as pool:
        assert [pool.submit(torch.get_num_threads).result() for _ in range(4)] == [1] * 4
        assert torch.get_num_threads() == 2
        # A thread that computes for the first time while the workers are there.
        assert elsewhere.submit(torch.get_num_threads).result() == 2
    assert torch.get_num_threads() == 2


def test_one_layer_keeps_all_cores_and_a_gpu_gets_one_worker(two_cores):
    assert [count_workers(jobs, CPU) for jobs in (1, 2, 4)] == [1, 2, 2]
    assert count_workers(4, torch.device("cuda")) == 1
    counts = list[int]()

    def count_threads() -> Steps:
        counts.append(torch.get_num_threads())
        yield make_step(0, 1.0)

    list(take_turns([make_run(count_threads())]))
    assert counts == [2]


def test_jobs_are_computed_at_once_and_given_in_their_order(two_cores):
    at_once = Barrier(2, timeout=60)  # Breaks unless two jobs meet.

    def meet(job: int) -> int:
        at_once.wait()
        return job * job

    assert list(map_jobs(meet, range(4), CPU)) == [0, 1, 4, 9]


def test_a_job_that_raises_reaches_the_caller_and_leaves_no_thread(two_cores):
    threads = threading.active_count()
    with pytest.raises(ZeroDivisionError):
        list(map_jobs(lambda job: 1 / job, range(4), CPU))
    assert threading.active_count() == threads
